"""Options and fixtures that all tests share."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from shequ.models.districting.problem import Districting

MIP_SOLVERS = ("highs", "scip", "ortools-scip", "ortools-highs", "cp-sat", "pulp-cbc")
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
def city_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Synthetic city of 60,000 residents, as a GeoPackage."""
    from shequ.instances.city import write_city  # noqa: PLC0415
    from shequ.instances.synthetic import generate_city  # noqa: PLC0415

    path = tmp_path_factory.mktemp("city") / "sample-city.gpkg"
    return write_city(generate_city(residents=60_000, seed=7), path)


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
