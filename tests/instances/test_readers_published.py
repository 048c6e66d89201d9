"""Optima, and every published siting format against its own values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.readers import capacitated, mclp, orlib, tsplib
from shequ.instances.readers.optima import Key, Optimum, read_optima
from shequ.models.formulation import LinearModel
from shequ.models.siting.capacitated_p_median import capacitated_p_median_model
from shequ.models.siting.fixed_charge import fixed_charge_model
from shequ.models.siting.p_median import p_median_radius_model
from shequ.models.siting.set_covering import SetCovering, set_covering_model
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model


def best(model: LinearModel) -> float:
    """Proven optimum of a model."""
    result = solve_model(model, limits=Limits(seconds=30))
    assert result.status is Status.OPTIMAL, result
    assert result.objective is not None
    return result.objective


@pytest.fixture(scope="session")
def siting(shared_data: Path) -> Path:
    """Folder of published siting instances."""
    return shared_data / "siting"


@pytest.fixture(scope="session")
def optima(siting: Path) -> dict[Key, Optimum]:
    """Read the published values."""
    return read_optima(siting)


def test_optima_are_looked_up_by_family_instance_and_p(tmp_path: Path) -> None:
    """An empty p is None; proven is what was proved again; faults name the line."""
    path = tmp_path / "optima.csv"
    head = "family,instance,n,p,optimum,source\n"
    path.write_text(head + 'pmedian,a,3,2,7.5,"X, Y | checked=proved"\nufl,b,,,8,Z | checked=no\n')
    read = read_optima(tmp_path)
    assert read["pmedian", "a", 2] == Optimum(7.5, "X, Y | checked=proved", proven=True)
    assert not read["ufl", "b", None].proven
    for row, message in (
        ("pmedian,a,3,2,many,X\n", "line 2: expected p as a whole number"),
        ("pmedian,a,3,2,1,X\npmedian,a,3,2,1,X\n", "line 3: expected each"),
    ):
        path.write_text(head + row)
        with pytest.raises(ValueError, match=message):
            read_optima(tmp_path)
    path.write_text("family,instance,p,source\n")
    with pytest.raises(ValueError, match="expected the column optimum"):
        read_optima(tmp_path)


@pytest.mark.parametrize(("name", "p"), [("pmed2", 10), ("pmed3", 10)])
def test_p_median_has_its_published_optimum(
    siting: Path, optima: dict[Key, Optimum], name: str, p: int
) -> None:
    """Shortest paths and the last of duplicate edges give Beasley's optimum."""
    problem = orlib.read_p_median(siting / "pmedian_orlib" / f"{name}.txt")
    assert (problem.num_clients, problem.p) == (100, p)
    value = best(p_median_radius_model(problem).model)
    assert value == pytest.approx(optima["pmedian", name, p].value)


@pytest.mark.parametrize(
    ("name", "family", "p"),
    [("cap42", "cfl", 16), ("cap91", "cfl", 25), ("cap121", "cfl", 50), ("cap74", "ufl", None)],
)
def test_warehouses_have_their_published_optimum(
    siting: Path, optima: dict[Key, Optimum], name: str, family: str, p: int | None
) -> None:
    """Demand may be split; without capacity the same files are uncapacitated."""
    path = siting / "cfl_orlib" / f"{name}.txt"
    read = orlib.read_capacitated if family == "cfl" else orlib.read_uncapacitated
    value = best(fixed_charge_model(read(path)).model)
    assert value == pytest.approx(optima[family, name, p].value, abs=0.001)


def test_large_warehouses_need_a_capacity(siting: Path) -> None:
    """The file capa holds the word; the Kratica files have the same format."""
    problem = orlib.read_capacitated(siting / "cfl_orlib/capa.txt", capacity=8000)
    assert problem.capacity is not None
    assert (problem.costs.shape, problem.capacity.max()) == ((1000, 100), 8000)
    assert orlib.read_uncapacitated(siting / "ufl_kratica_M/Kcapmp1.txt").costs.shape == (200, 200)


@pytest.mark.parametrize(
    ("family", "name", "p"),
    [("holmberg", "p1", 10), ("holmberg", "p5", 10), ("orlib", "p15", 25), ("orlib", "p21", 50)],
)
def test_single_source_has_its_published_optimum(
    siting: Path, optima: dict[Key, Optimum], family: str, name: str, p: int
) -> None:
    """Costs are those of all demand, client by client."""
    problem = capacitated.read_single_source(siting / f"sscflp_{family}" / name)
    value = best(fixed_charge_model(problem).model)
    assert value == pytest.approx(optima[f"sscflp_{family}", name, p].value, abs=0.006)


def test_sizes_of_all_single_source_files(siting: Path) -> None:
    """All 172 files of the four families parse."""
    paths = [path for path in siting.glob("sscflp_*/p*") if path.is_file()]
    assert len(paths) == 172
    shapes = {capacitated.read_single_source(path).costs.shape for path in paths}
    assert {(50, 10), (200, 30), (90, 30), (400, 80)} <= shapes


def test_capacitated_p_median_has_its_published_optimum(
    siting: Path, optima: dict[Key, Optimum]
) -> None:
    """The OR-Library's instances round down."""
    path = siting / "cpmp_orlib/cpmp03.txt"
    problem = capacitated.read_capacitated_p_median(path, rounding="floor")
    value = best(capacitated_p_median_model(problem).model)
    assert value == pytest.approx(optima["cpmp", "cpmp03", 5].value)


@pytest.mark.parametrize(
    ("file", "num_points", "p"),
    [
        ("cpmp_lorena_sjc/SJC4b.dat", 402, 40),
        ("cpmp_lorena_p3038/p3038_600.dat", 3038, 600),
        ("cpmp_stefanello/ali535_005.txt", 535, 5),
    ],
)
def test_points_of_published_capacitated_p_median(
    siting: Path, file: str, num_points: int, p: int
) -> None:
    """Sizes are those of the name, and p sites can hold the demand."""
    problem = capacitated.read_capacitated_p_median(siting / file)
    assert (problem.num_clients, problem.p) == (num_points, p)
    assert 0.4 < problem.demand.sum() / np.sort(problem.capacity)[-p:].sum() < 1


def test_matrices_of_published_capacitated_p_median(siting: Path) -> None:
    """Spain and Ceselli give distances as symmetric matrices."""
    spain = siting / "cpmp_spain"
    distances = capacitated.read_spain_distances(spain / "spain.grd")
    path = spain / "spain737_74_1.txt"
    problem = capacitated.read_capacitated_p_median(path, distances=distances)
    other = capacitated.read_capacitated_p_median_matrix(
        siting / "cpmp_ceselli_matrix/p15150-21.txt"
    )
    for read, size, p in ((problem, 737, 74), (other, 150, 15)):
        assert (read.num_clients, read.p) == (size, p)
        assert np.array_equal(read.distances, read.distances.T)
        assert read.demand.sum() < p * read.capacity.max()


def test_set_covering_has_its_published_optimum(siting: Path, optima: dict[Key, Optimum]) -> None:
    """Rows, columns and costs of scp42."""
    problem = orlib.read_set_covering(siting / "setcover_orlib/scp42.txt")
    assert problem.covers.shape == (200, 1000)
    assert best(set_covering_model(problem).model) == optima["setcover", "scp42", 1000].value


def test_p_center_of_tsplib_rounds_to_nearest(siting: Path, optima: dict[Key, Optimum]) -> None:
    """Ten sites reach all points of pr226 within the published radius, and not within less."""
    problem = tsplib.read_p_center(siting / "tsplib/pr226.tsp", p=10)
    radius = optima["pcenter", "pr226", 10].value
    for reach, feasible in ((radius, True), (radius - 1, False)):
        covers = sparse.csr_array((problem.distances <= reach).astype(float))
        least = best(set_covering_model(SetCovering(covers, np.ones(226))).model)
        assert (least <= 10) is feasible


def test_every_tsplib_file_has_its_points(siting: Path) -> None:
    """All files parse, the number in the name is that of the points."""
    for path in siting.glob("tsplib/*.tsp"):
        digits = "".join(filter(str.isdigit, path.stem))
        assert len(tsplib.read_points(path)) == int(digits)


def test_cities_lie_above_their_published_cover(siting: Path, optima: dict[Key, Optimum]) -> None:
    """A greedy choice comes near the proven value of New York and never above it."""
    problem = mclp.read_city(siting / "mclp_cities/NewYork.txt", radius_m=400, p=50)
    covers = sparse.csc_array(problem.covers)
    left, chosen = problem.weights.copy(), np.zeros(problem.num_sites, dtype=bool)
    for _ in range(50):
        site = int(np.argmax(covers.T @ left))
        chosen[site] = True
        left[covers.indices[covers.indptr[site] : covers.indptr[site + 1]]] = 0
    share = problem.evaluate(chosen) / optima["mclp", "NewYork_r400", 50].value
    assert 0.95 < share <= 1


def test_covering_points_of_published_files(siting: Path) -> None:
    """Points with and without the letters F and C."""
    folder = siting / "mclp_cordeau_testdata"
    assert mclp.read_covering_points(folder / "n200s1.dat").clients.shape == (200, 2)
    parted = mclp.read_covering_points(folder / "GRID_INST_n100_m1000_d1_100_f10_100_s1.dat")
    assert (len(parted.sites), len(parted.clients)) == (100, 1000)
