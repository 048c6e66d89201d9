"""Bounds by walks in the dual: against brute force on tiny planar graphs, and known optima."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.spatial import Delaunay
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.dual import dual_graph, fluxes, merged_edges, parts_without
from shequ.models.districting.labelling import border_length
from shequ.models.districting.problem import Districting, point_districting
from shequ.models.formulation import FloatArray, IntArray
from shequ.optimize.districting.heuristics import Trace
from shequ.optimize.districting.labelling import edge_bounds, engine
from shequ.optimize.districting.labelling.edge_bounds import edge_bound
from shequ.optimize.districting.labelling.engine import solve_labelling
from shequ.optimize.districting.labelling.walks import NONE, leave, spread
from shequ.optimize.limits import Deadline, Stop
from shequ.optimize.result import Status


def made(
    weights: FloatArray, points: FloatArray, edges: IntArray, k: int, tol: float
) -> Districting:
    """Problem of units at points, balanced within the tolerance about the mean."""
    mean = weights.sum() / k
    return point_districting(weights, points, edges, k, mean * (1 - tol), mean * (1 + tol))


def triangulated(seed: int) -> tuple[Districting, FloatArray]:
    """Random planar graph of 5 to 8 nodes, some edges left out, with random or whole costs."""
    rng = np.random.default_rng(seed)
    n, k = int(rng.integers(5, 9)), int(rng.integers(2, 5))
    points = rng.uniform(0, 1, (n, 2))
    pairs = {
        pair for s in Delaunay(points).simplices for pair in itertools.combinations(sorted(s), 2)
    }
    edges = np.array([pair for pair in sorted(pairs) if rng.random() > 0.1 * (seed % 3)])
    weights = rng.integers(1, 10, n).astype(float) * (0.37 if seed % 5 == 0 else 1)
    costs = rng.integers(1, 9, len(edges)) if seed % 2 else rng.uniform(0, 5, len(edges))
    problem = made(weights, points, edges, k, float(rng.choice([0.1, 0.3, 0.5])))
    return problem, costs.astype(float)


def plans(problem: Districting) -> Iterator[IntArray]:
    """Every feasible plan, districts numbered by their first nodes."""
    n, k = problem.num_nodes, problem.num_districts
    labels = [(0,)]
    for _ in range(1, n):
        labels = [(*some, d) for some in labels for d in range(min(max(some) + 2, k))]
    found = np.array(labels)
    totals = (found[:, :, None] == np.arange(k)).transpose(0, 2, 1) @ problem.weights[:, 0]
    within = (totals >= problem.lower - 1e-6) & (totals <= problem.upper + 1e-6)
    yield from (plan for plan in found[within.all(axis=1)] if not problem.violations(plan))


@pytest.mark.parametrize("block", range(8))
def test_bounds_never_exceed_the_optimum(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On random planar graphs no bound is above brute force, whatever is known or rounded."""
    checked = 0
    for seed in range(block * 10, block * 10 + 10):
        problem, costs = triangulated(seed)
        if seed % 3 == 0:
            monkeypatch.setattr(edge_bounds, "LARGEST_TABLE", 400)
        values = [border_length(problem, plan, lengths=costs) for plan in plans(problem)]
        if not values or min(values) <= 0:
            continue
        for known in (min(values), 1.2 * min(values) + 1, max(values) + 1):
            found = edge_bound(
                problem, costs, known, is_whole=bool(seed % 2), deadline=Deadline.after(60)
            )
            if found is None:
                continue
            checked += 1
            assert found.bound <= min(values) + 1e-6
            assert found.bound <= known
            assert min(found.parts.values()) >= found.bound - 1e-6
        monkeypatch.undo()
    assert checked > 5


def test_fluxes_add_up_to_what_a_cycle_encloses() -> None:
    """Around every connected set with a connected rest, the fluxes sum to its weight."""
    problem, _ = triangulated(7)
    n, total = problem.num_nodes, int(problem.weights.sum())
    edges, _ = merged_edges(problem.edges, np.ones(len(problem.edges)))
    dual = dual_graph(n, edges)
    assert dual is not None
    assert n - len(edges) + dual.num_faces == 2
    weights = problem.weights[:, 0].astype(np.int64)
    flux = fluxes(dual, edges, weights)
    ends = edges[dual.edge]
    right = ends.sum(axis=1) - dual.left
    checked = 0
    for bits in itertools.product([False, True], repeat=n):
        inside = np.array(bits)
        if not all(problem.is_connected(np.flatnonzero(side)) for side in (inside, ~inside)):
            continue
        around = inside[dual.left] & ~inside[right]
        assert flux[around].sum() % total == weights[inside].sum() % total
        assert sorted(dual.tail[around]) == sorted(dual.head[around])
        checked += 1
    assert checked > 20


def test_a_table_holds_the_cheapest_walk_for_each_weight() -> None:
    """The entries are those of trying every walk of few arcs."""
    problem, _ = triangulated(7)
    edges, _ = merged_edges(problem.edges, np.ones(len(problem.edges)))
    dual = dual_graph(problem.num_nodes, edges)
    assert dual is not None
    weights = problem.weights[:, 0].astype(np.int64)
    flux, total = fluxes(dual, edges, weights), int(weights.sum())
    cost = np.random.default_rng(1).integers(3, 6, len(edges))[dual.edge]
    table = np.empty((dual.num_faces, total), dtype=np.int32)
    leave(table, dual.first, dual.head, flux, cost, dual.hub)
    spread(table, dual.first, dual.head, flux, cost, dual.hub, 14, 2)
    expected = np.full(table.shape, NONE)
    walks = [(dual.hub, 0, 0)]
    while walks:
        face, place, spent = walks.pop()
        for arc in range(dual.first[face], dual.first[face + 1]):
            other, longer = int(dual.head[arc]), spent + int(cost[arc])
            if other in (dual.hub, face) or longer > 14:
                continue
            moved = int(place + flux[arc]) % total
            expected[other, moved] = min(expected[other, moved], longer)
            walks.append((other, moved, longer))
    assert np.array_equal(table, expected)
    assert (table < NONE).sum() > 20


@pytest.mark.parametrize(
    ("n", "k", "optimum", "share"),
    [(60, 2, 1799.7394, 1.0), (50, 3, 2725.7846, 1.0), (40, 4, 2945.6805, 0.96)],
)
def test_walks_find_the_optimum_of_a_city_and_a_bound(
    n: int, k: int, optimum: float, share: float
) -> None:
    """With a plan that is ten per cent too dear, the walks give what the labelling model gave."""
    problem, lengths = voronoi_districting(n, k, seed=2)
    found = edge_bound(problem, lengths, 1.1 * optimum, deadline=Deadline.after(60))
    assert found is not None
    best = min(
        (
            border_length(problem, plan, lengths=lengths)
            for plan in found.plans
            if not problem.violations(plan)
        ),
    )
    assert best == pytest.approx(optimum, abs=1e-3)
    assert found.bound <= optimum * (1 + 1e-6)
    assert found.bound >= share * optimum * (1 - 1e-6)


def test_no_bound_without_a_drawing_or_bounds_or_time() -> None:
    """A complete graph of five, a missing bound and a stop give nothing, rather than nonsense."""
    points = np.random.default_rng(1).uniform(0, 1, (5, 2))
    complete = np.array(list(itertools.combinations(range(5), 2)))
    problem = made(np.ones(5), points, complete, 2, 0.3)
    costs, deadline = np.ones(10), Deadline.after(60)
    assert edge_bound(problem, costs, 9.0, deadline=deadline) is None
    planar = made(np.ones(5), points, complete[:-1], 2, 0.3)
    assert edge_bound(planar, costs[:-1], 9.0, deadline=deadline) is not None
    assert edge_bound(planar, costs[:-1], 9.0, deadline=Deadline.after(0)) is None
    stop = Stop()
    stop.request()
    assert edge_bound(planar, costs[:-1], 9.0, deadline=deadline, stop=stop) is None
    split = made(np.ones(5), points, np.array([[0, 1], [2, 3]]), 2, 0.3)
    assert edge_bound(split, np.ones(2), 9.0, deadline=deadline) is None


def test_equal_edges_are_merged_and_loops_dropped() -> None:
    """Costs of the same pair add up, whichever end comes first."""
    edges, costs = merged_edges(
        np.array([[1, 0], [0, 1], [2, 2], [1, 2]]), np.array([1.0, 2, 9, 4])
    )
    assert edges.tolist() == [[0, 1], [1, 2]]
    assert costs.tolist() == [3, 4]
    assert parts_without(3, edges, np.array([0])).tolist() == [0, 1, 1]


@pytest.mark.parametrize(("tolerance", "fewest"), [(0.01, 15), (0.05, 14), (0.1, 13), (0.2, 12)])
def test_bounds_hold_for_enumerated_precincts(precincts, tolerance: float, fewest: int) -> None:
    """The bound is at most the optimum of an enumeration, and at least two thirds of it."""
    problem, _ = precincts(str(tolerance))
    costs = np.ones(problem.edges.shape[0])
    for known in (fewest, fewest + 3):
        found = edge_bound(problem, costs, known, is_whole=True, deadline=Deadline.after(60))
        assert found is not None
        assert 2 / 3 * fewest <= found.bound <= fewest


@pytest.mark.parametrize("block", range(6))
def test_engine_with_walks_agrees_with_brute_force(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the worst plan on, walks and what they leave to search lead to a proven optimum."""
    monkeypatch.setattr(engine, "SMALL", 0)
    checked = 0
    for seed in range(block * 10, block * 10 + 10):
        problem, costs = triangulated(seed)
        values = [(border_length(problem, p, lengths=costs), p.tolist()) for p in plans(problem)]
        if not values:
            continue
        worst = Trace(np.array(max(values)[1]), max(values)[0], ())
        monkeypatch.setattr(engine, "find_plan", lambda *_, worst=worst, **__: worst)
        result = solve_labelling(problem, edge_costs=costs)
        assert result.status is Status.OPTIMAL
        assert result.objective == pytest.approx(min(values)[0])
        checked += 1
    assert checked > 2
