"""Compiled kernels follow the sources that they are made of."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

KERNELS = """
from shequ.optimize.compiled import kernel
from inner.step import step


@kernel
def twice(x):
    return 2 * step(x)
"""

STEP = """
from shequ.optimize.compiled import kernel


@kernel
def step(x):
    return x + {more}
"""


def run(folder: Path) -> str:
    """Print twice(1) in a process of its own, with its cache in the folder."""
    told = subprocess.run(
        [sys.executable, "-c", "from outer.kernels import twice; print(twice(1))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "NUMBA_CACHE_DIR": ""},
    )
    return told.stdout.strip()


def test_a_kernel_is_compiled_anew_when_one_that_it_calls_has_changed(tmp_path: Path) -> None:
    """The other lies in another folder, where numba itself would not look."""
    for name in ("outer", "inner"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "outer" / "kernels.py").write_text(KERNELS)
    step = tmp_path / "inner" / "step.py"
    step.write_text(STEP.format(more=1))
    assert run(tmp_path) == "4"
    cached = list(tmp_path.rglob("*.nbi"))
    assert len(cached) == 2
    newest = max(path.stat().st_mtime for path in cached)
    step.write_text(STEP.format(more=10))
    os.utime(step, (newest + 1, newest + 1))
    assert run(tmp_path) == "22"
