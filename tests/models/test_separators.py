"""Separators: found if and only if a point breaks one, valid for every plan, and minimal."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import connected_sets
from shequ.models.districting.problem import Districting
from shequ.models.districting.separators import (
    Separator,
    fractional_separators,
    length_bounded_separators,
    neighbour_separators,
    violated_separators,
)
from shequ.models.formulation import FloatArray, IntArray


def random_problem(seed: int, *, units: int = 9, k: int = 2) -> Districting:
    """Planar graph with few edges, so that separators matter; loads differ by a factor of ten."""
    rng = np.random.default_rng(seed)
    problem, _ = voronoi_districting(units, k, seed=seed)
    edges = problem.edges[rng.random(problem.edges.shape[0]) < 0.75]
    weights = rng.integers(1, 10, (units, 1)).astype(float)
    upper = np.array([np.ceil(rng.uniform(1.0, 1.6) * weights.sum() / k)])
    return replace(problem, edges=edges, weights=weights, lower=np.zeros(1), upper=upper)


def random_centres(problem: Districting, seed: int) -> IntArray:
    """Assign nodes to random centres, each centre to itself."""
    rng = np.random.default_rng(seed)
    centres = rng.choice(problem.num_nodes, problem.num_districts, replace=False)
    centre_of = rng.choice(centres, problem.num_nodes).astype(np.int64)
    centre_of[centres] = centres
    return centre_of


def is_broken(cut: Separator, centre_of: IntArray) -> bool:
    """Whether an inequality of the separator excludes the assignment."""
    return any(
        centre_of[a] == b and not (centre_of[cut.between] == b).any()
        for a in cut.island
        for b in cut.centres
    )


def separates(sets: IntArray, a: int, b: int, c: IntArray) -> bool:
    """Whether each connected set within the bound that holds a and b holds a node of C."""
    ends = (1 << a) | (1 << b)
    between = sum(1 << int(node) for node in c)
    joining = sets[(sets & ends) == ends]
    return bool(((joining & between) != 0).all())


def within_bound(problem: Districting, upper: FloatArray | None) -> IntArray:
    """Return the connected sets as integers."""
    return connected_sets(problem, upper=upper).astype(np.int64)


@pytest.mark.parametrize("length_bounded", [False, True], ids=["cut", "lcut"])
@pytest.mark.parametrize("seed", range(40))
def test_separators_are_found_for_disconnected_districts_only(
    seed: int, *, length_bounded: bool
) -> None:
    """No separator means connected districts, and each separator breaks the assignment."""
    problem = random_problem(seed)
    centre_of = random_centres(problem, seed)
    cuts = violated_separators(problem, centre_of, length_bounded=length_bounded)
    whole = all(problem.is_connected(np.flatnonzero(centre_of == b)) for b in set(centre_of))
    assert whole == (cuts == [])
    assert all(is_broken(cut, centre_of) for cut in cuts)


@pytest.mark.parametrize("length_bounded", [False, True], ids=["cut", "lcut"])
@pytest.mark.parametrize("seed", range(40))
def test_every_separator_separates(seed: int, *, length_bounded: bool) -> None:
    """No connected set, within the bound for LCUT, joins a and b around C."""
    problem = random_problem(seed)
    sets = within_bound(problem, problem.upper if length_bounded else None)
    centre_of = random_centres(problem, seed)
    for cut in violated_separators(problem, centre_of, length_bounded=length_bounded):
        for a, b in itertools.product(cut.island, cut.centres):
            assert separates(sets, int(a), int(b), cut.between)


@pytest.mark.parametrize("length_bounded", [False, True], ids=["cut", "lcut"])
@pytest.mark.parametrize("seed", range(40))
def test_no_node_of_a_separator_is_idle(seed: int, *, length_bounded: bool) -> None:
    """Without any one node of C, some node of the island gets to the centre."""
    problem = random_problem(seed)
    sets = within_bound(problem, problem.upper if length_bounded else None)
    centre_of = random_centres(problem, seed)
    for cut in violated_separators(problem, centre_of, length_bounded=length_bounded):
        b = int(centre_of[cut.island[0]])
        for c in cut.between:
            fewer = cut.between[cut.between != c]
            assert not all(separates(sets, int(a), b, fewer) for a in cut.island)


def test_bounded_separators_are_smaller_somewhere() -> None:
    """Over many problems length-U separators have fewer nodes, and never more."""
    sizes = []
    for seed in range(60):
        problem = random_problem(seed)
        centre_of = random_centres(problem, seed)
        for cut in violated_separators(problem, centre_of):
            b = int(centre_of[cut.island[0]])
            bounded = length_bounded_separators(problem, cut, b)
            assert sorted(np.concatenate([one.island for one in bounded])) == cut.island.tolist()
            assert all(np.isin(one.between, cut.between).all() for one in bounded)
            sizes += [(one.between.size, cut.between.size) for one in bounded]
    after, before = np.array(sizes).sum(axis=0)
    assert after < before


def test_two_far_nodes_are_not_dropped_together() -> None:
    """A path that is light only through two nodes of C keeps one of them."""
    # The ways a-0-b and a-1-b are heavy (nodes 4 and 5), a-0-6-1-b is light.
    edges = np.array([[2, 0], [0, 4], [4, 3], [2, 5], [5, 1], [1, 3], [0, 6], [6, 1]])
    weights = np.array([1.0, 1, 1, 1, 9, 9, 1])[:, None]
    points = np.zeros((7, 2))
    problem = Districting(
        weights=weights,
        lower=np.zeros(1),
        upper=np.array([8.0]),
        edges=edges,
        num_districts=2,
        mass=np.ones(7),
        location=points,
        centre=points,
        inertia=np.zeros(7),
    )
    cut = Separator(np.array([2]), np.array([3]), np.array([0, 1]))
    (bounded,) = length_bounded_separators(problem, cut, 3)
    assert bounded.between.size == 1
    sets = within_bound(problem, problem.upper)
    assert separates(sets, 2, 3, bounded.between)
    assert not separates(sets, 2, 3, np.array([], dtype=np.int64))


def test_the_weight_that_drops_most_counts() -> None:
    """With residents and households, C is as small as the tighter of both bounds allows."""
    problem = random_problem(0)
    loose = np.ones((problem.num_nodes, 1))
    both = replace(
        problem,
        weights=np.concatenate([loose, problem.weights], axis=1),
        lower=np.zeros(2),
        upper=np.array([np.inf, problem.upper[0]]),
    )
    for seed in range(20):
        centre_of = random_centres(problem, seed)
        one, two = (violated_separators(p, centre_of, length_bounded=True) for p in (problem, both))
        assert [cut.between.tolist() for cut in one] == [cut.between.tolist() for cut in two]


def test_neighbours_separate_a_node_from_all_others() -> None:
    """Every neighbourhood is a separator of its node and every node beyond."""
    problem = random_problem(3)
    sets = within_bound(problem, None)
    cuts = neighbour_separators(problem)
    assert len(cuts) == problem.num_nodes
    for cut in cuts:
        assert cut.centres.size + cut.between.size + 1 == problem.num_nodes
        for b in cut.centres:
            assert separates(sets, int(cut.island[0]), int(b), cut.between)


def broken_pairs(problem: Districting, x: FloatArray, *, least: float) -> set[tuple[int, int]]:
    """Pairs (a, b) whose x_ab exceeds the least total of any separator, by trying all of them."""
    n = problem.num_nodes
    pairs = set()
    for a, b in itertools.permutations(range(n), 2):
        others = [node for node in range(n) if node not in {a, b}]
        for size in range(n - 1):
            for between in itertools.combinations(others, size):
                if x[a, b] > x[list(between), b].sum() + least and _parts(problem, a, b, between):
                    pairs.add((a, b))
    return pairs


def _parts(problem: Districting, a: int, b: int, between: tuple[int, ...]) -> bool:
    """Whether every path from a to b passes a node of ``between``."""
    rest = [node for node in range(problem.num_nodes) if node not in between]
    graph = problem.graph.toarray()[np.ix_(rest, rest)] + np.eye(len(rest))
    reach = np.linalg.matrix_power(graph, len(rest))
    return bool(reach[rest.index(a), rest.index(b)] == 0)


@pytest.mark.parametrize("seed", range(8))
def test_fractional_separators_are_found_where_one_is_broken(seed: int) -> None:
    """The inequalities found cover exactly the pairs for which some separator is broken."""
    problem = random_problem(seed, units=6)
    rng = np.random.default_rng(seed)
    x = rng.random((6, 6)) * (rng.random((6, 6)) < 0.6)
    x[np.arange(6), np.arange(6)] = 1.0
    cuts = fractional_separators(problem, x, least=1e-3)
    covered = {(int(a), int(b)) for cut in cuts for a in cut.island for b in cut.centres}
    assert covered == broken_pairs(problem, x, least=1e-3)
    for cut in cuts:
        (b,) = cut.centres
        assert (x[cut.island, b] > x[cut.between, b].sum() + 1e-3).all()
        for a in cut.island:
            assert _parts(problem, int(a), int(b), tuple(cut.between.tolist()))


def test_integer_points_break_the_same_inequalities_fractionally() -> None:
    """At an integer point, a fractional separator exists if and only if one is violated."""
    for seed in range(30):
        problem = random_problem(seed)
        centre_of = random_centres(problem, seed)
        x = (centre_of[:, None] == np.arange(problem.num_nodes)).astype(float)
        found = fractional_separators(problem, x)
        assert bool(found) == bool(violated_separators(problem, centre_of))
