"""Readers of siting instances: formats and faults in small files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shequ.instances.readers import capacitated, mclp, orlib, tsplib
from shequ.instances.readers.distances import (
    EARTH_RADIUS_M,
    covers_on_sphere,
    covers_within,
    euclidean_distances,
    great_circle_distances,
)
from shequ.instances.readers.numbers import read_numbers
from shequ.models.siting.distances import round_distances

GRAPH = "4 4 2\n1 2 5\n2 3 1\n3 4 0\n1 4 9\n"
WAREHOUSES = "2 3\n50 7.5\n60 8\n10\n1 2\n20\n3 4\n30\n5 6\n"
SINGLE_SOURCE = "2 3\n50 60\n7.5 8\n10 20 30\n1 2\n3 4\n5 6\n"
POINTS = "3 2\n0 0 20 5\n3 4 20 6\n1 1 20 7\n"
MATRIX = "2 1\n0 3\n3 0\n4 5\n9 10\n"
COVERING = "2\n0 1.5 2 10 7\n1 1.5 4 20 8\n"
PARTED = "1 2\nF 0 0 0 9\nC 0 1 0 5\nC 1 3 0 6\n"
TSP = "NAME : three\nDIMENSION : 3\nNODE_COORD_SECTION\n1 0 0\n3 1 1\n2 3 4\nEOF\n"
CITY = (
    "NAME : two\nEDGE_WEIGHT_TYPE : COORD\nDIMENSION : 2\nNODE_COORD_SECTION\n"
    "40.0 -73.0\n40.01 -73.0\n\nDEMAND_SECTION\n3 4\nEOF"
)
Reader = Callable[[Path], Any]
FORMATS: dict[str, tuple[str, Reader]] = {
    "graph": (GRAPH, orlib.read_p_median),
    "warehouses": (WAREHOUSES, orlib.read_capacitated),
    "single_source": (SINGLE_SOURCE, capacitated.read_single_source),
    "points": (POINTS, capacitated.read_capacitated_p_median),
    "matrix": (MATRIX, capacitated.read_capacitated_p_median_matrix),
    "covering": (COVERING, mclp.read_covering_points),
    "parted": (PARTED, mclp.read_covering_points),
    "tsp": (TSP, tsplib.read_points),
    "city": (CITY, lambda path: mclp.read_city(path, radius_m=10, p=1)),
}


def write(folder: Path, text: str, name: str = "file.txt") -> Path:
    """Write a small file."""
    path = folder / name
    path.write_text(text)
    return path


# Formats in small files


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data(), n=st.integers(1, 6))
def test_graph_distances_agree_with_floyd_warshall(
    tmp_path: Path, data: st.DataObject, n: int
) -> None:
    """Shortest paths are those of the edges written last, loops and zero lengths included."""
    node = st.integers(1, n)
    extra = data.draw(st.lists(st.tuples(node, node, st.integers(0, 9)), max_size=12))
    edges = [(i, i + 1, 7) for i in range(1, n)] + extra
    table = np.full((n, n), np.inf)
    for i, j, cost in edges:
        table[i - 1, j - 1] = table[j - 1, i - 1] = cost
    np.fill_diagonal(table, 0)
    for k in range(n):
        table = np.minimum(table, table[:, [k]] + table[[k]])
    text = f"{n} {len(edges)} 1\n" + "".join(f"{i} {j} {cost}\n" for i, j, cost in edges)
    distances, p = orlib.read_graph_distances(write(tmp_path, text))
    assert np.array_equal(distances, table)
    assert p == 1


def test_later_longer_edge_replaces_an_earlier_one(tmp_path: Path) -> None:
    """Of duplicate edges the last counts, in either direction, even if it is longer."""
    path = write(tmp_path, "2 2 1\n1 2 3\n2 1 8\n")
    assert orlib.read_graph_distances(path)[0].tolist() == [[0, 8], [8, 0]]


def test_p_of_the_file_can_be_replaced(tmp_path: Path) -> None:
    """The published p is taken unless another is given; the same file serves p-center."""
    path = write(tmp_path, GRAPH)
    assert orlib.read_p_median(path).p == 2
    assert orlib.read_p_median(path, p=1).p == 1
    assert np.array_equal(orlib.read_p_center(path).distances, orlib.read_p_median(path).distances)


def test_warehouses_are_read_client_by_client(tmp_path: Path) -> None:
    """A client's row is its demand, then the cost from each site."""
    problem = orlib.read_capacitated(write(tmp_path, WAREHOUSES))
    assert problem.costs.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert problem.demand.tolist() == [10, 20, 30]
    assert problem.fixed_costs.tolist() == [7.5, 8]
    assert problem.capacity is not None
    assert problem.capacity.tolist() == [50, 60]
    assert not problem.single_source
    assert orlib.read_uncapacitated(write(tmp_path, WAREHOUSES)).capacity is None


def test_word_capacity_asks_for_a_number(tmp_path: Path) -> None:
    """The word is refused without a number and replaced by it otherwise."""
    path = write(tmp_path, WAREHOUSES.replace("50", "capacity"))
    with pytest.raises(ValueError, match=r"file\.txt, line 2: .*Give the capacity"):
        orlib.read_capacitated(path)
    problem = orlib.read_capacitated(path, capacity=77)
    assert problem.capacity is not None
    assert problem.capacity.tolist() == [77, 60]
    assert orlib.read_uncapacitated(path).fixed_costs.tolist() == [7.5, 8]


def test_single_source_has_the_same_costs(tmp_path: Path) -> None:
    """The four families differ from warehouses in the order of the blocks only."""
    problem = capacitated.read_single_source(write(tmp_path, SINGLE_SOURCE))
    assert problem.costs.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert problem.demand.tolist() == [10, 20, 30]
    assert problem.single_source


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.sets(st.integers(0, 6), min_size=1), min_size=1, max_size=8),
    per_line=st.integers(1, 9),
)
def test_set_covering_survives_any_line_breaks(
    tmp_path: Path, rows: list[set[int]], per_line: int
) -> None:
    """What is written is read, wherever the lines break."""
    words = [len(rows), 7, *range(1, 8)]
    for row in rows:
        words += [len(row), *(column + 1 for column in sorted(row))]
    lines = [words[i : i + per_line] for i in range(0, len(words), per_line)]
    path = write(tmp_path, "\n".join(" ".join(map(str, line)) for line in lines))
    problem = orlib.read_set_covering(path)
    expected = [[float(column in row) for column in range(7)] for row in rows]
    assert problem.covers.toarray().tolist() == expected
    assert problem.costs.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_points_of_capacitated_p_median(tmp_path: Path) -> None:
    """Columns are x, y, capacity, demand; distances are rounded as asked."""
    path = write(tmp_path, POINTS)
    problem = capacitated.read_capacitated_p_median(path, rounding="floor")
    assert problem.distances.tolist() == [[0, 5, 1], [5, 0, 3], [1, 3, 0]]
    assert problem.demand.tolist() == [5, 6, 7]
    assert capacitated.read_capacitated_p_median(path).distances[0, 2] == pytest.approx(2**0.5)
    with pytest.raises(ValueError, match=r"expected \(3, 3\) for file\.txt"):
        capacitated.read_capacitated_p_median(path, distances=np.zeros((2, 2)))


def test_matrix_of_capacitated_p_median(tmp_path: Path) -> None:
    """Demands stand before capacities."""
    problem = capacitated.read_capacitated_p_median_matrix(write(tmp_path, MATRIX))
    assert (problem.demand.tolist(), problem.capacity.tolist()) == ([4, 5], [9, 10])


def test_nodes_of_tsplib_are_ordered_by_number(tmp_path: Path) -> None:
    """Rows may stand in any order."""
    assert tsplib.read_points(write(tmp_path, TSP)).tolist() == [[0, 0], [3, 4], [1, 1]]


def test_rounding_is_a_choice() -> None:
    """Distances go down, to the nearest with halves up, or stay; anything else is refused."""
    exact = np.array([0.0, 1.5, 2.4])
    assert round_distances(exact, rounding="floor").tolist() == [0, 1, 2]
    assert round_distances(exact, rounding="nearest").tolist() == [0, 2, 2]
    assert round_distances(exact, rounding=None).tolist() == [0, 1.5, 2.4]
    with pytest.raises(ValueError, match="expected"):
        round_distances(exact, rounding="up")  # type: ignore[arg-type]


def test_covers_agree_with_dense_distances() -> None:
    """Sparse covering matrices hold exactly the pairs within the radius, on plane and sphere."""
    rng = np.random.default_rng(3)
    clients, sites = rng.integers(0, 9, (40, 2)).astype(float), rng.integers(0, 9, (9, 2)) * 1.0
    dense = euclidean_distances(clients, sites) <= 3
    assert np.array_equal(covers_within(clients, sites, radius=3).toarray() > 0, dense)
    pairs = np.repeat(clients, 9, axis=0), np.tile(sites, (40, 1))
    metres = great_circle_distances(*pairs).reshape(40, 9)
    found = covers_on_sphere(clients, sites, radius_m=300_000).toarray()
    assert np.array_equal(found > 0, metres <= 300_000)
    assert 0 < found.sum() < found.size


def test_one_degree_of_latitude_is_its_arc() -> None:
    """Great circles along a meridian have the length of the angle times the radius."""
    metres = great_circle_distances(np.array([[40.0, -73.0]]), np.array([[41.0, -73.0]]))
    assert metres[0] == pytest.approx(np.pi / 180 * EARTH_RADIUS_M)


def test_city_covers_by_great_circle(tmp_path: Path) -> None:
    """Two points 1,113.2 m apart cover each other from that radius on."""
    path = write(tmp_path, CITY)
    apart = mclp.read_city(path, radius_m=1113, p=1)
    assert apart.covers.toarray().tolist() == [[1, 0], [0, 1]]
    assert mclp.read_city(path, radius_m=1114, p=1).covers.nnz == 4
    assert apart.weights.tolist() == [3, 4]


def test_covering_points_with_and_without_parts(tmp_path: Path) -> None:
    """Points are client and site, or the letters F and C part them."""
    common = mclp.read_covering_points(write(tmp_path, COVERING))
    assert common.maximal_covering(radius=1, p=1).covers.toarray().tolist() == [[1, 0], [0, 1]]
    assert (common.costs.tolist(), common.demand.tolist()) == ([10, 20], [7, 8])
    parted = mclp.read_covering_points(write(tmp_path, PARTED))
    assert parted.maximal_covering(radius=2, p=1).covers.toarray().tolist() == [[1], [0]]
    assert parted.set_covering(radius=3).covers.toarray().tolist() == [[1], [1]]
    with pytest.raises(ValueError, match=r"file\.txt, line 3: expected a row `C id x y demand`"):
        mclp.read_covering_points(write(tmp_path, PARTED.replace("C 0", "F 0")))


# Faults


@pytest.mark.parametrize("name", FORMATS)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_broken_number_is_named_with_its_line(
    tmp_path: Path, name: str, data: st.DataObject
) -> None:
    """A word in place of any number is quoted, with file and line."""
    text, reader = FORMATS[name]
    lines = text.splitlines()
    numeric = [i for i, line in enumerate(lines) if line.split() and line.split()[-1][-1].isdigit()]
    i = data.draw(st.sampled_from([i for i in numeric if ":" not in lines[i]]))
    lines[i] = " ".join([*lines[i].split()[:-1], "oops"])
    with pytest.raises(ValueError, match=rf'^file\.txt, line {i + 1}: expected .*"oops"'):
        reader(write(tmp_path, "\n".join(lines)))


@pytest.mark.parametrize("name", FORMATS)
def test_missing_and_surplus_numbers_are_refused(tmp_path: Path, name: str) -> None:
    """A file that ends early or goes on is refused, with what was expected where."""
    text, reader = FORMATS[name]
    reader(write(tmp_path, text))
    body = text.removesuffix("EOF\n").removesuffix("EOF").rstrip()
    line = len(body.splitlines())
    with pytest.raises(ValueError, match=rf"file\.txt, line {line}: expected .* ends after"):
        reader(write(tmp_path, body.rpartition(" ")[0]))
    with pytest.raises(ValueError, match=rf"file\.txt, line {line + 1}: expected the end"):
        reader(write(tmp_path, body + "\n1\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GRAPH.replace("1 4 9", "1 5 9"), "line 5: expected a node from 1 to 4, got 5"),
        (GRAPH.replace("1 4 9", "1 2 9").replace("3 4 0", "3 2 0"), "node 4 is not reached"),
        (GRAPH.replace("4 4 2", "4 4 5"), "line 1: expected number p of sites from 1 to 4, got 5"),
        (GRAPH.replace("4 4 2", "4 4 1.5"), "line 1: expected number p of sites, whole numbers"),
        (GRAPH.replace("2 3 1", "2 3 -1"), "line 3: expected numbers of edges .* got -1"),
        (GRAPH.replace("2 3 1", "2 3 nan"), 'line 3: expected a number, got "nan"'),
        ("", "line 1: expected 1 number of nodes, the file ends after 0"),
    ],
)
def test_faults_of_a_graph(tmp_path: Path, text: str, message: str) -> None:
    """Every fault says where it is and what was expected."""
    with pytest.raises(ValueError, match=rf"^file\.txt, .*{message}"):
        orlib.read_p_median(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n1 1\n1 3\n", "line 3: expected columns that cover row 1 from 1 to 2, got 3"),
        ("1 2\n1 1\n0\n", "line 3: expected number of columns that cover row 1 from 1"),
    ],
)
def test_faults_of_a_set_covering(tmp_path: Path, text: str, message: str) -> None:
    """A column that does not exist and a row without columns are refused."""
    with pytest.raises(ValueError, match=rf"^file\.txt, {message}"):
        orlib.read_set_covering(write(tmp_path, text))


def test_faults_of_sections(tmp_path: Path) -> None:
    """Missing keys and sections and repeated nodes are refused."""
    for old, new, message in (
        ("DIMENSION", "SIZE", "expected a line `DIMENSION : n`"),
        ("NODE_COORD_SECTION", "OTHER_SECTION", "line 7: expected a section NODE_COORD_SECTION"),
        ("3 1 1", "2 1 1", "expected each node from 1 to 3 once, node 3 is not"),
    ):
        with pytest.raises(ValueError, match=message):
            tsplib.read_points(write(tmp_path, TSP.replace(old, new)))


def test_distances_of_spain_must_be_square(tmp_path: Path) -> None:
    """Three numbers are no matrix."""
    assert capacitated.read_spain_distances(write(tmp_path, "0 1\n1 0")).tolist() == [
        [0, 1],
        [1, 0],
    ]
    with pytest.raises(ValueError, match="expected a square number of distances, got 3"):
        capacitated.read_spain_distances(write(tmp_path, "0 1 1"))


def test_numbers_are_read_in_any_layout(tmp_path: Path) -> None:
    """Tabs, Windows line ends and exponents are no fault."""
    file = read_numbers(write(tmp_path, "1\t2.5\r\n-3e2\r\n"))
    assert file.values.tolist() == [1, 2.5, -300]
