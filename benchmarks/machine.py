"""Where and with what a job ran: host, processor, versions, commit."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

LIBRARIES = (
    "shequ",
    "highspy",
    "ortools",
    "pulp",
    "pyscipopt",
    "numba",
    "numpy",
    "scipy",
    "shapely",
    "geopandas",
    "spopt",
    "gerrychain",
)
UNKNOWN = "unknown"


@functools.cache
def machine_record() -> dict[str, Any]:
    """Return the fields of a row that say where it ran."""
    return {
        "host": platform.node(),
        "processor": processor_name(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "versions": versions(),
        "commit": commit(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the installed libraries that shape a result."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """Return the commit of the code, with a plus sign if files of it were changed since."""
    root = Path(__file__).resolve().parents[1]
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if not head or not (root / "benchmarks" / "machine.py").samefile(__file__):
        return UNKNOWN
    return head + ("+" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")


def _git(root: Path, *words: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words
            ["git", "-C", str(root), *words],  # noqa: S607 - whichever git is there
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def processor_name() -> str:
    """Return the name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or UNKNOWN
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
