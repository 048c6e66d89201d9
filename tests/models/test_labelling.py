"""The labelling model: objectives, contiguity, symmetry, against brute force."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from shequ.models.districting import enumeration
from shequ.models.districting.fixing import may_share
from shequ.models.districting.labelling import (
    LabellingModel,
    Symmetry,
    border_length,
    cut_edges,
    labelling_model,
    numbered,
    tells_apart,
)
from shequ.models.districting.orbitope import opening_order
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import FloatArray, IntArray
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_lp, solve_model

SYMMETRIES: tuple[Symmetry, ...] = get_args(Symmetry)


def made(
    residents: FloatArray, edges: IntArray, k: int, *, tolerance: float, cap: float = np.inf
) -> Districting:
    """Problem with residents, bounded about their mean, and as many households, capped."""
    n, mean = residents.size, residents.sum() / k
    return Districting(
        weights=np.stack([residents, residents], axis=1),
        lower=np.array([mean * (1 - tolerance), 0.0]),
        upper=np.array([mean * (1 + tolerance), cap]),
        edges=edges,
        num_districts=k,
        mass=np.ones(n),
        location=np.zeros((n, 2)),
        centre=np.zeros((n, 2)),
        inertia=np.zeros(n),
    )


def grid(columns: int, rows: int, k: int, *, seed: int = 1, tolerance: float = 0.3) -> Districting:
    """Grid of units with random residents."""
    index = np.arange(columns * rows).reshape(rows, columns)
    across = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1)
    along = np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)
    residents = np.random.default_rng(seed).integers(20, 100, index.size).astype(float)
    return made(residents, np.concatenate([across, along]), k, tolerance=tolerance)


def path(residents: list[float], k: int, *, tolerance: float) -> Districting:
    """Units in a row."""
    n = len(residents)
    edges = np.stack([np.arange(n - 1), np.arange(1, n)], axis=1)
    return made(np.array(residents), edges, k, tolerance=tolerance)


def all_plans(problem: Districting) -> list[IntArray]:
    """Every feasible plan, node 0 in district 0."""
    plans = (
        np.array((0, *rest))
        for rest in itertools.product(range(problem.num_districts), repeat=problem.num_nodes - 1)
    )
    return [plan for plan in plans if not problem.violations(plan)]


def random_lengths(problem: Districting, seed: int) -> FloatArray:
    """Random border lengths of all edges."""
    return np.random.default_rng(seed).uniform(1, 9, problem.edges.shape[0])


def brute_force(problem: Districting, lengths: FloatArray) -> float:
    """Least border length over all plans; infinite if none is feasible."""
    plans = enumeration.all_plans(problem)
    return min((border_length(problem, plan, lengths=lengths) for plan in plans), default=np.inf)


def test_cut_edges_and_border_length_of_a_known_plan() -> None:
    """A 2 x 2 grid split into columns cuts the two edges across, and their lengths add up."""
    problem = grid(2, 2, 2)
    plan = np.array([0, 1, 0, 1])
    assert problem.edges.tolist() == [[0, 1], [2, 3], [0, 2], [1, 3]]
    assert cut_edges(problem, plan) == 2
    assert border_length(problem, plan, lengths=np.array([1.5, 2.0, 8.0, 16.0])) == 3.5


@pytest.mark.parametrize("symmetry", SYMMETRIES)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("columns", "rows", "k"), [(3, 3, 2), (4, 2, 3), (7, 1, 3)])
def test_labelling_agrees_with_brute_force(
    columns: int, rows: int, k: int, seed: int, symmetry: Symmetry
) -> None:
    """Status and least border are those of trying every plan, however symmetry is handled."""
    problem = grid(columns, rows, k, seed=seed, tolerance=0.15)
    lengths = random_lengths(problem, seed)
    best = brute_force(problem, lengths)
    labelling = labelling_model(problem, edge_costs=lengths, symmetry=symmetry)
    result = solve_model(labelling.model)
    if np.isinf(best):
        assert result.status is Status.INFEASIBLE
        return
    assert result.solution is not None
    plan = labelling.decode(result.solution)
    assert problem.violations(plan) == []
    assert result.objective == pytest.approx(best)
    assert border_length(problem, plan, lengths=lengths) == pytest.approx(best)


def test_unit_costs_count_the_cut_edges_on_each_backend(solver_name: str) -> None:
    """Every backend finds the fewest cut edges; integer flows lose nothing."""
    problem = grid(3, 2, 2, seed=4)
    fewest = min(cut_edges(problem, plan) for plan in all_plans(problem))
    model = labelling_model(problem, edge_costs=np.ones(7)).model
    if solver_name == "cp-sat":
        model = replace(model, integer=np.ones(model.num_columns, dtype=bool))
    result = solve_model(model, solver=solver_name)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(fewest)


def test_the_flow_rejects_the_disconnected_optimum() -> None:
    """The two ends of a row have the cheapest borders together; with the flow they part."""
    problem = path([1.0] * 4, 2, tolerance=0.0)
    lengths = np.array([1.0, 5.0, 1.0])
    free = labelling_model(problem, edge_costs=lengths, contiguity="none", symmetry="none")
    kept = labelling_model(problem, edge_costs=lengths)
    assert solve_model(free.model).objective == pytest.approx(2)
    assert solve_model(kept.model).objective == pytest.approx(5)


def test_units_that_balance_only_across_a_gap_are_infeasible() -> None:
    """1 - 2 - 1 in two equal districts has a labelling, but none that is connected."""
    problem = path([1.0, 2.0, 1.0], 2, tolerance=0.0)
    ones = np.ones(2)
    free = labelling_model(problem, edge_costs=ones, contiguity="none", symmetry="none")
    assert solve_model(free.model).status is Status.OPTIMAL
    assert solve_model(labelling_model(problem, edge_costs=ones).model).status is Status.INFEASIBLE


def test_a_second_weight_is_kept_within_its_cap() -> None:
    """A cap on households alone forces the even split of a row."""
    problem = path([1.0] * 4, 2, tolerance=0.9)
    capped = replace(problem, upper=np.array([problem.upper[0], 2.0]))
    lengths = np.array([1.0, 5.0, 1.0])
    objectives = [
        solve_model(labelling_model(each, edge_costs=lengths).model).objective
        for each in (problem, capped)
    ]
    assert objectives == [pytest.approx(1), pytest.approx(5)]


@pytest.mark.parametrize("symmetry", SYMMETRIES)
def test_every_feasible_plan_is_a_solution(symmetry: Symmetry) -> None:
    """Each plan, numbered anew, solves the model at its own cost and decodes to itself."""
    problem = grid(4, 2, 3, tolerance=0.7)
    lengths = random_lengths(problem, 1)
    labelling = labelling_model(problem, edge_costs=lengths, symmetry=symmetry)
    plans = all_plans(problem)
    assert len(plans) > 20
    for plan in plans:
        values = labelling.encode(plan)
        assert labelling.model.violations(values) == []
        assert labelling.model.evaluate(values) == pytest.approx(
            border_length(problem, plan, lengths=lengths)
        )
        expected = plan
        if labelling.opening is not None:
            expected = numbered(plan, order=labelling.opening.order)
        assert labelling.decode(values).tolist() == expected.tolist()


def _num_labellings(labelling: LabellingModel) -> int:
    n, k = labelling.label.shape
    u, v = labelling.problem.edges.T
    found = 0
    for labels in itertools.product(range(k), repeat=n):
        x = np.array(labels)[:, None] == np.arange(k)
        values = np.zeros(labelling.model.num_columns)
        values[labelling.label] = x
        values[labelling.cut] = x[u] & ~x[v]
        if labelling.opening is not None:
            seen = np.maximum.accumulate(x[labelling.opening.order])
            values[labelling.opened] = seen[: labelling.opening.num_front]
        found += not labelling.model.violations(values)
    return found


@pytest.mark.parametrize(("symmetry", "expected"), [("none", 6 * 25), ("orbitope", 25)])
def test_the_orbitope_leaves_one_numbering_of_each_plan(symmetry: Symmetry, expected: int) -> None:
    """Five nodes have S(5, 3) = 25 partitions into three parts, each numbered in 3! ways."""
    problem = replace(path([1.0] * 5, 3, tolerance=0.9), upper=np.array([9.0, np.inf]))
    ones = np.ones(4)
    labelling = labelling_model(problem, edge_costs=ones, contiguity="none", symmetry=symmetry)
    assert _num_labellings(labelling) == expected


def test_the_diagonal_leaves_fewer_numberings_but_every_plan() -> None:
    """The heaviest node keeps to district 0, the next one to 0 or 1."""
    problem = path([1.0, 3.0, 2.0], 3, tolerance=0.9)
    labelling = labelling_model(problem, edge_costs=np.ones(2), symmetry="diagonal")
    assert labelling.opening is not None
    assert labelling.opening.order.tolist() == [1, 2, 0]
    assert labelling.model.upper[labelling.label].tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]


def test_symmetry_handling_never_weakens_the_relaxation() -> None:
    """The linear bound grows from none to diagonal to orbitope and stays below the optimum."""
    problem = grid(4, 3, 3, tolerance=0.1)
    lengths = random_lengths(problem, 2)
    bounds = []
    for symmetry in SYMMETRIES:
        bound = solve_lp(
            labelling_model(problem, edge_costs=lengths, symmetry=symmetry).model
        ).objective
        assert bound is not None
        bounds.append(bound)
    best = solve_model(labelling_model(problem, edge_costs=lengths).model).objective
    assert best is not None
    assert bounds[0] <= bounds[1] + 1e-6 <= bounds[2] + 2e-6 <= best + 3e-6
    assert bounds[2] > bounds[0] + 1e-3


def test_least_borders_lift_the_relaxation_and_lose_no_plan() -> None:
    """True bounds on the border of each node's district keep every plan, and raise the bound."""
    problem = grid(4, 2, 3, tolerance=0.7)
    lengths = random_lengths(problem, 3)
    plans = all_plans(problem)
    u, v = problem.edges.T
    least = np.full(problem.num_nodes, np.inf)
    for plan in plans:
        for d in range(3):
            inside = plan == d
            border = float(lengths[inside[u] != inside[v]].sum())
            least[inside] = np.minimum(least[inside], border)
    weak = labelling_model(problem, edge_costs=lengths, contiguity="none")
    strong = labelling_model(problem, edge_costs=lengths, contiguity="none", least_borders=least)
    for plan in plans:
        assert strong.model.violations(strong.encode(plan)) == []
    before, after = (solve_lp(each.model).objective for each in (weak, strong))
    assert before is not None
    assert after is not None
    assert after >= max(before, 3 * least.min() / 2) - 1e-6
    assert after > before + 1e-3


def test_districts_open_at_the_front_only() -> None:
    """Behind the front, every connected part is too light; every plan opens at the front."""
    problem = grid(4, 4, 3, tolerance=0.1)
    opening = opening_order(problem)
    back = opening.order[opening.num_front :]
    assert sorted(opening.order) == list(range(16))
    assert back.size > 8
    graph = problem.graph[back][:, back]
    count, part = connected_components(graph, directed=False)
    for number in range(count):
        assert problem.weights[back[part == number], 0].sum() < problem.lower[0]


def test_nodes_share_a_district_only_within_reach() -> None:
    """In a row of 1 2 3 4 with at most 6, the first three fit together, the ends do not."""
    problem = replace(path([1.0, 2, 3, 4], 2, tolerance=0.5), upper=np.array([6.0, np.inf]))
    share = may_share(problem, np.arange(4))
    assert share.tolist() == [
        [True, True, True, False],
        [True, True, True, False],
        [True, True, True, False],
        [False, False, False, True],
    ]


def test_symmetry_is_kept_where_districts_are_told_apart() -> None:
    """A lock names a district; asking for the orbitope is refused, and none is the default."""
    problem = path([1.0] * 4, 2, tolerance=0.9)
    named = replace(problem, rules=DistrictRules(locked=np.array([-1, -1, -1, 0])))
    assert labelling_model(named, edge_costs=np.ones(3)).opening is None
    with pytest.raises(ValueError, match="told apart"):
        labelling_model(named, edge_costs=np.ones(3), symmetry="orbitope")
    assert not tells_apart(problem, np.ones((4, 2)))
    assert tells_apart(problem, np.array([[0.0, 1]] * 4))


@pytest.mark.parametrize("cost", [-1.0, np.nan, np.inf])
def test_a_wrong_cost_is_refused_with_its_edge(cost: float) -> None:
    """The message names both ends of the edge and the value."""
    problem = path([1.0] * 3, 2, tolerance=0.9)
    with pytest.raises(ValueError, match=r"edge node 1 - node 2 is (-1|nan|inf)"):
        labelling_model(problem, edge_costs=np.array([1.0, cost]))


def test_costs_of_a_wrong_number_of_edges_are_refused() -> None:
    """One cost an edge is asked for."""
    with pytest.raises(ValueError, match=r"shape \(3,\), expected \(2,\)"):
        labelling_model(path([1.0] * 3, 2, tolerance=0.9), edge_costs=np.ones(3))


def test_an_unknown_option_is_refused_with_the_choices() -> None:
    """The message lists what can be chosen."""
    problem = path([1.0] * 3, 2, tolerance=0.9)
    with pytest.raises(ValueError, match="choose none, diagonal, orbitope"):
        labelling_model(problem, edge_costs=np.ones(2), symmetry="full")  # type: ignore[arg-type]


def test_a_disconnected_plan_has_no_flow() -> None:
    """Encoding a plan with an island into a model with a flow is refused."""
    labelling = labelling_model(path([1.0] * 4, 2, tolerance=0.9), edge_costs=np.ones(3))
    with pytest.raises(ValueError, match="not connected"):
        labelling.encode(np.array([0, 1, 1, 0]))
