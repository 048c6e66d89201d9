"""Options and fixtures that all tests share."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from shequ.models.districting.problem import Districting

MIP_SOLVERS = ("highs", "scip", "ortools-scip", "ortools-highs", "cp-sat", "pulp-cbc")
BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")
SHARED = Path(__file__).parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--solvers`` to choose the backends that the tests run on."""
    parser.addoption("--solvers", default=",".join(MIP_SOLVERS), help="Backends, by comma.")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test that asks for ``solver_name`` on each backend."""
    if "solver_name" in metafunc.fixturenames:
        metafunc.parametrize("solver_name", metafunc.config.getoption("--solvers").split(","))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real cities; the test is skipped where there is none."""
    folder = SHARED / "data"
    if not folder.is_dir():
        pytest.skip(f"real data is not at {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_research() -> Path:
    """Folder with research files; the test is skipped where there is none."""
    folder = SHARED / "research"
    if not folder.is_dir():
        pytest.skip(f"research files are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def browser() -> str:
    """Path of a browser; the test is skipped where none is installed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no chromium or google-chrome is installed")
    return found


@pytest.fixture
def notes(browser: str, tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Return a function that opens a page, runs a script, and returns what it noted.

    The script says ``note(name, value)``; the notes are attributes of the root element.
    Frames come by timer: a headless browser on a busy machine draws none in its virtual time.
    """
    frames = "<script>window.requestAnimationFrame = (draw) => setTimeout(draw, 16);</script>"
    note = "const note = (k, v) => { document.documentElement.dataset[k] = String(v); };"

    def notes(
        page: str, script: str = "", *, width: int = 1300, anchor: str = ""
    ) -> dict[str, str]:
        path = tmp_path / "page.html"
        assert page.count("<head>") == page.count("</body>") == 1
        probe = f"<script>{note}{script};note('errors', window.__errors)</script></body>"
        page = page.replace("<head>", f"<head>{frames}").replace("</body>", probe)
        path.write_text(page, encoding="utf-8")
        done = subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
                *("--no-first-run", "--disable-background-networking", "--disable-sync"),
                *("--disable-component-update", "--virtual-time-budget=8000"),
                *(f"--window-size={width},1000", "--enable-logging=stderr", "--dump-dom"),
                *(f"--user-data-dir={tmp_path / 'profile'}", f"{path.as_uri()}{anchor}"),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=True,
        )
        assert "CONSOLE" not in done.stderr, done.stderr
        root = re.search(r"<html[^>]*>", done.stdout)
        assert root is not None
        found = dict(re.findall(r'(?:data-)?(\w+)="([^"]*)"', root.group()))
        assert (found["ready"], found["errors"]) == ("1", "0")
        return found

    return notes


@pytest.fixture(scope="session")
def city_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic city of 60,000 residents, as a GeoPackage."""
    from shequ.instances.city import write_city  # noqa: PLC0415
    from shequ.instances.synthetic import generate_city  # noqa: PLC0415

    path = tmp_path_factory.mktemp("city") / "sample-city.gpkg"
    return write_city(generate_city(residents=60_000, seed=7), path)


@pytest.fixture(scope="session")
def shequ() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a function that runs a command in this process, and expects its exit code."""
    from shequ.cli import main  # noqa: PLC0415

    def run(*words: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sys, "argv", ["shequ", *map(str, words)])
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ending:
                main()
        said = []
        for stream in (out, err):
            stream.flush()
            said.append(stream.buffer.getvalue().decode("utf-8"))
        ended = ending.value.code or 0
        assert ended == code, said[1]
        assert "Traceback" not in said[1]
        return subprocess.CompletedProcess(sys.argv, code, *said)

    return run


@pytest.fixture(scope="session")
def precincts(shared_data: Path) -> Callable[[str], tuple[Districting, dict[str, Any]]]:
    """
    Give 25 precincts in 3 districts, and what an enumeration of all their plans found.

    The key is the tolerance, as the file writes it: 0.01, 0.05, 0.1 or 0.2.
    """
    from shequ.models.districting.problem import point_districting  # noqa: PLC0415

    file = shared_data / "districting" / "redist" / "fl25_ground_truth.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    residents = np.array(data["pop"], dtype=float)
    points, edges = np.array(data["centroids"]) * 1e3, np.array(data["edges"])
    mean = residents.sum() / data["k"]

    def within(tolerance: str) -> tuple[Districting, dict[str, Any]]:
        low, high = mean * (1 - float(tolerance)), mean * (1 + float(tolerance))
        problem = point_districting(residents, points, edges, data["k"], low, high)
        return problem, data["ground_truth_by_enumeration"][tolerance]

    return within
