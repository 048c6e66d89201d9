"""The engine for the cheapest borders: against brute force, traps, limits, published optima."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from shequ.models.districting.enumeration import all_plans
from shequ.models.districting.labelling import border_length, cut_edges, labelling_model
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting, point_districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import FloatArray, IntArray, LinearModel
from shequ.optimize.districting.heuristics import Trace
from shequ.optimize.districting.labelling.engine import (
    Contiguity,
    island_separators,
    node_separators,
    solve_labelling,
)
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Reason, Result, Status


def made(
    residents: FloatArray, points: FloatArray, edges: IntArray, k: int, *, tolerance: float
) -> Districting:
    """Problem of units at points, balanced within the tolerance about the mean."""
    mean = residents.sum() / k
    low, high = mean * (1 - tolerance), mean * (1 + tolerance)
    return point_districting(residents, points, edges, k, low, high)


def grid(columns: int, rows: int, k: int, *, seed: int = 1, tolerance: float = 0.3) -> Districting:
    """Grid of units with random residents."""
    index = np.arange(columns * rows).reshape(rows, columns)
    across = np.stack([index[:, :-1].ravel(), index[:, 1:].ravel()], axis=1)
    along = np.stack([index[:-1].ravel(), index[1:].ravel()], axis=1)
    residents = np.random.default_rng(seed).integers(20, 100, index.size).astype(float)
    points = np.stack([index.ravel() % columns, index.ravel() // columns], axis=1) * 100.0
    edges = np.concatenate([across, along])
    return made(residents, points, edges, k, tolerance=tolerance)


def row(residents: list[float], k: int, *, tolerance: float) -> Districting:
    """Units in a row."""
    problem = grid(len(residents), 1, k)
    weights = np.array(residents)
    return made(weights, problem.location, problem.edges, k, tolerance=tolerance)


def labellings(problem: Districting) -> list[IntArray]:
    """Every way to assign the nodes, node 0 to district 0."""
    choices = itertools.product(range(problem.num_districts), repeat=problem.num_nodes - 1)
    return [np.array((0, *rest)) for rest in choices]


def brute_force(problem: Districting, lengths: FloatArray) -> float:
    """Least border length over all plans; infinite if none is feasible."""
    return min(
        (border_length(problem, plan, lengths=lengths) for plan in all_plans(problem)),
        default=np.inf,
    )


def random_lengths(problem: Districting, seed: int) -> FloatArray:
    """Random border lengths of all edges."""
    return np.random.default_rng(seed).uniform(1, 9, problem.edges.shape[0])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("tolerance", [0.05, 0.15, 0.6])
@pytest.mark.parametrize(("columns", "rows", "k"), [(3, 3, 2), (4, 2, 3), (7, 1, 3)])
def test_engine_agrees_with_brute_force(
    columns: int, rows: int, k: int, tolerance: float, seed: int
) -> None:
    """Status and optimum are those of trying every plan."""
    problem = grid(columns, rows, k, seed=seed, tolerance=tolerance)
    lengths = random_lengths(problem, seed)
    best = brute_force(problem, lengths)
    result = solve_labelling(problem, edge_costs=lengths, limits=Limits(seconds=30))
    if np.isinf(best):
        assert result.status is Status.INFEASIBLE
        assert result.detail
        return
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert border_length(problem, result.solution, lengths=lengths) == pytest.approx(best)
    assert result.objective == pytest.approx(best)
    assert result.bound == result.objective


RULES = {
    "locked": DistrictRules(locked=np.array([1, -1, -1, -1, -1, 0, -1, -1, -1])),
    "forbidden": DistrictRules(forbidden=np.array([[0, 1]] * 3 + [[1, 0]] + [[0, 0]] * 5) > 0),
    "seats": DistrictRules(seats=np.array([4, 8])),
    "apart": DistrictRules(apart=np.array([[0, 1], [4, 8]])),
    "own bounds": DistrictRules(lower=np.array([[0.0], [300.0]]), upper=np.array([[250.0], [999]])),
    "apart and locked": DistrictRules(
        apart=np.array([[0, 1]]), locked=np.array([-1] * 8 + [0], dtype=np.int64)
    ),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("contiguity", ["separators", "flow"])
@pytest.mark.parametrize("name", RULES)
def test_engine_keeps_every_rule_and_agrees_with_brute_force(
    name: str, contiguity: Contiguity, seed: int
) -> None:
    """Rules hold in the plan, whose cost is the least of all plans that keep them."""
    problem = replace(grid(3, 3, 2, seed=seed, tolerance=0.5), rules=RULES[name])
    lengths = random_lengths(problem, seed)
    plans = [np.array(plan) for plan in itertools.product(range(2), repeat=9)]
    best = min(
        (border_length(problem, p, lengths=lengths) for p in plans if not problem.violations(p)),
        default=np.inf,
    )
    result = solve_labelling(problem, edge_costs=lengths, contiguity=contiguity)
    if np.isinf(best):
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert problem.violations(result.solution) == []
    assert result.objective == pytest.approx(best)


@pytest.mark.parametrize("seed", range(4))
def test_costs_of_labels_are_added_to_the_borders(seed: int) -> None:
    """The least sum of borders and labels is that of trying every numbering of every plan."""
    problem = grid(3, 3, 2, seed=seed, tolerance=0.5)
    lengths = random_lengths(problem, seed)
    labels = np.random.default_rng(seed).uniform(0, 3, (9, 2))
    objective = Objective(inertia=0.0, edge_costs=lengths, label_costs=labels)
    plans = [np.array(plan) for plan in itertools.product(range(2), repeat=9)]
    best = min(objective.evaluate(problem, p) for p in plans if not problem.violations(p))
    result = solve_labelling(problem, edge_costs=lengths, label_costs=labels)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best)


def test_a_start_is_taken_and_an_unknown_contiguity_refused() -> None:
    """Without time for anything else, the start is the plan; options are named."""
    problem = grid(8, 6, 3, tolerance=0.3)
    start = np.arange(48) % 8 // 3
    ones = np.ones(problem.edges.shape[0])
    assert problem.violations(start) == []
    stop = Stop()
    stop.request()
    result = solve_labelling(problem, edge_costs=ones, start=start, stop=stop)
    assert result.solution is not None
    assert cut_edges(problem, result.solution) <= cut_edges(problem, start)
    with pytest.raises(ValueError, match="choose separators, flow"):
        solve_labelling(problem, edge_costs=ones, contiguity="tree")  # type: ignore[arg-type]


def test_engine_gives_one_optimum_on_each_backend(solver_name: str) -> None:
    """The fewest cut edges are the same on every backend, CP-SAT included."""
    problem = grid(3, 3, 2, seed=4, tolerance=0.1)
    ones = np.ones(problem.edges.shape[0])
    result = solve_labelling(
        problem, edge_costs=ones, solver=solver_name, limits=Limits(seconds=60)
    )
    assert result.status is Status.OPTIMAL
    assert result.objective == brute_force(problem, ones)


@pytest.mark.parametrize(
    ("lower", "upper", "form"), [(4.0, 4.0, "light island"), (2.0, 5.0, "a,b-separator")]
)
def test_a_disconnected_optimum_is_cut_off(lower: float, upper: float, form: str) -> None:
    """The cheapest balanced labelling joins both ends of a row; either form of cut parts them."""
    balanced = replace(
        row([1.0] * 8, 2, tolerance=0.0), lower=np.array([lower]), upper=np.array([upper])
    )
    lengths = np.array([9.0, 1, 9, 9, 9, 1, 9])
    joined = np.array([0, 0, 1, 1, 1, 1, 0, 0])
    assert border_length(balanced, joined, lengths=lengths) == 2
    assert balanced.violations(joined) == ["district 0 is not connected"]
    sides = [cut.centres.size for cut in island_separators(balanced, joined)]
    assert sides == ([0, 0] if form == "light island" else [1])
    result = solve_labelling(balanced, edge_costs=lengths, symmetry="none")
    assert result.cuts > 0
    assert result.status is Status.OPTIMAL
    assert result.objective == brute_force(balanced, lengths) == 9


def test_a_gap_between_balanced_parts_is_proven_infeasible() -> None:
    """1 - 2 - 1 balances only across the middle, so no plan is connected."""
    result = solve_labelling(row([1.0, 2.0, 1.0], 2, tolerance=0.0), edge_costs=np.ones(2))
    assert result.status is Status.INFEASIBLE
    assert result.bound is None
    assert result.detail == "no connected plan keeps the bounds"


def test_units_that_cannot_be_balanced_are_proven_so() -> None:
    """Three threes do not make two districts of four to five; the argument is given."""
    problem = row([3.0] * 3, 2, tolerance=0.1)
    result = solve_labelling(problem, edge_costs=np.ones(2))
    assert result.status is Status.INFEASIBLE
    assert "balanced" in result.detail


def test_a_unit_above_the_upper_bound_is_named() -> None:
    """An obvious conflict needs no solver."""
    result = solve_labelling(row([1.0, 9.0, 1.0], 2, tolerance=0.1), edge_costs=np.ones(2))
    assert result.status is Status.INFEASIBLE
    assert "node 1" in result.detail


def test_one_district_cuts_nothing() -> None:
    """A community that stays whole has no inner border."""
    result = solve_labelling(row([1.0] * 3, 1, tolerance=0.1), edge_costs=np.ones(2))
    assert (result.status, result.objective, result.bound) == (Status.OPTIMAL, 0, 0)


def test_parts_that_do_not_touch_become_districts_for_free() -> None:
    """With no edge between the halves, the border costs nothing."""
    problem = replace(row([1.0] * 4, 2, tolerance=0.1), edges=np.array([[0, 1], [2, 3]]))
    result = solve_labelling(problem, edge_costs=np.ones(2))
    assert (result.status, result.objective) == (Status.OPTIMAL, 0)


def test_units_without_mass_are_split_too() -> None:
    """The local search needs masses; without them the engine does without its plan."""
    problem = replace(row([1.0] * 4, 2, tolerance=0.1), mass=np.zeros(4))
    result = solve_labelling(problem, edge_costs=np.array([1.0, 5.0, 1.0]))
    assert (result.status, result.objective) == (Status.OPTIMAL, 5)


def test_a_plan_that_breaks_the_balance_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A solver that bends the bounds gets no plan through, and the result says why."""
    problem = row([1.0] * 4, 2, tolerance=0.1)

    def bent(model: LinearModel, separate: object, **options: object) -> Result[FloatArray]:
        del separate, options
        x = np.array([[1, 0], [1, 0], [1, 0], [0, 1]])
        values = np.r_[x.ravel(), np.zeros(model.num_columns - x.size)]
        return Result(Status.OPTIMAL, Reason.PROVEN, solution=values, objective=0.0, bound=0.0)

    def nothing(*_: object, **__: object) -> Trace:
        return Trace(None, np.inf, ())

    monkeypatch.setattr("shequ.optimize.districting.labelling.engine.find_plan", nothing)
    monkeypatch.setattr("shequ.optimize.districting.labelling.engine.solve_with_cuts", bent)
    result = solve_labelling(problem, edge_costs=np.ones(3))
    assert (result.status, result.reason) == (Status.UNKNOWN, Reason.ERROR)
    assert result.solution is None
    assert "district 0: weight 0 is 3" in result.detail


def test_separators_cut_off_their_plan_and_no_feasible_one() -> None:
    """Every disconnected labelling breaks its own inequalities, every plan keeps them all."""
    problem = grid(3, 2, 2, seed=2, tolerance=0.5)
    plans = [plan for plan in labellings(problem) if not problem.violations(plan)]
    costs = np.ones(problem.edges.shape[0])
    broken = [plan for plan in labellings(problem) if is_disconnected(problem, plan)]
    assert len(broken) > 10
    cuts = node_separators(problem)
    for plan in broken:
        own = island_separators(problem, plan)
        labelling = labelling_model(
            problem, edge_costs=costs, contiguity="none", symmetry="none", separators=own
        )
        words = labelling.model.violations(labelling.encode(plan))
        assert sum("row" in line for line in words) >= len(own) > 0
        cuts += own
    assert {cut.centres.size for cut in cuts} == {0, 1}
    everything = labelling_model(
        problem, edge_costs=costs, contiguity="none", symmetry="none", separators=cuts
    )
    for plan in plans:
        assert island_separators(problem, plan) == []
        assert everything.model.violations(everything.encode(plan)) == []


def is_disconnected(problem: Districting, plan: IntArray) -> bool:
    """Whether some district is not connected, whatever it weighs."""
    return any("not connected" in words for words in problem.violations(plan))


def test_a_short_run_keeps_a_plan_and_a_true_bound() -> None:
    """After the time limit the plan is feasible and the bound lies below it, not on it."""
    problem = grid(14, 14, 5, tolerance=0.05)
    lengths = random_lengths(problem, 1)
    result = solve_labelling(problem, edge_costs=lengths, limits=Limits(seconds=4))
    assert (result.status, result.reason) == (Status.FEASIBLE, Reason.TIME)
    assert result.solution is not None
    assert result.objective == border_length(problem, result.solution, lengths=lengths)
    assert problem.violations(result.solution) == []
    assert result.bound is not None
    assert 0 <= result.bound < result.objective
    assert result.total_seconds < 12


def test_a_stopped_run_keeps_its_plan_and_says_so() -> None:
    """After a request to stop the best plan is there, called feasible, with its reason."""
    problem = grid(10, 10, 4, tolerance=0.05)
    stop = Stop()

    def heard(objective: float | None, bound: float | None) -> None:
        del bound
        if objective is not None:
            stop.request()

    ones = np.ones(problem.edges.shape[0])
    result = solve_labelling(problem, edge_costs=ones, stop=stop, listen=heard)
    assert result.solution is not None
    assert (result.status, result.reason) == (Status.FEASIBLE, Reason.INTERRUPTED)


def test_what_is_heard_closes_in_on_the_optimum() -> None:
    """Objectives fall, bounds rise, and none crosses the optimum."""
    problem = grid(4, 3, 3, seed=5, tolerance=0.15)
    lengths = random_lengths(problem, 5)
    told: list[tuple[float | None, float | None]] = []
    result = solve_labelling(
        problem, edge_costs=lengths, listen=lambda objective, bound: told.append((objective, bound))
    )
    assert result.objective is not None
    objectives = [objective for objective, _ in told if objective is not None]
    bounds = [bound for _, bound in told if bound is not None]
    assert objectives == sorted(objectives, reverse=True)
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(result.objective)
    assert objectives[-1] == pytest.approx(result.objective)


def test_a_gap_that_is_asked_for_ends_the_run() -> None:
    """A plan within the gap is good enough: it is called feasible, for that reason."""
    problem = grid(8, 6, 3, tolerance=0.1)
    lengths = random_lengths(problem, 3)
    result = solve_labelling(problem, edge_costs=lengths, limits=Limits(seconds=60, gap=0.5))
    assert (result.status, result.reason) == (Status.FEASIBLE, Reason.GAP)
    assert result.gap is not None
    assert 0 < result.gap <= 0.5


def test_the_same_seed_gives_the_same_plan() -> None:
    """The engine is a function of its input and its seed."""
    problem = grid(5, 4, 3, tolerance=0.1)
    ones = np.ones(problem.edges.shape[0])
    first, second = (solve_labelling(problem, edge_costs=ones).solution for _ in range(2))
    assert first is not None
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("tolerance", "fewest"), [(0.01, 15), (0.05, 14), (0.1, 13), (0.2, 12)], ids=str
)
def test_enumerated_precincts_have_the_fewest_cut_edges(
    precincts, tolerance: float, fewest: int
) -> None:
    """25 precincts in 3 districts: the optimum of an enumeration of all connected plans."""
    problem, _ = precincts(str(tolerance))
    ones = np.ones(problem.edges.shape[0])
    result = solve_labelling(problem, edge_costs=ones, limits=Limits(seconds=60))
    assert result.status is Status.OPTIMAL
    assert result.objective == fewest
    assert result.solution is not None
    assert cut_edges(problem, result.solution) == fewest
    assert problem.violations(result.solution) == []
