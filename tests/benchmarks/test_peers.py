"""Peers on tiny cases, held against brute force by the suite's own judge."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pytest
from scipy import sparse
from shequ.benchmarks.ask import Answer, Ask
from shequ.benchmarks.judge import judge
from shequ.benchmarks.methods import peer_gerrychain, peer_spopt
from shequ.benchmarks.methods.siting_models import TEXTBOOK, solve_formulation
from shequ.benchmarks.problems import EdgeCostDistricting
from shequ.benchmarks.registry import Case, Method, discover
from shequ.benchmarks.row import Outcome
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.problem import Districting
from shequ.models.siting.allocation import closest_allocation
from shequ.models.siting.capacitated_p_median import CapacitatedPMedian
from shequ.models.siting.fixed_charge import FixedCharge
from shequ.models.siting.maximal_covering import MaximalCovering
from shequ.models.siting.p_center import PCenter
from shequ.models.siting.p_median import PMedian
from shequ.models.siting.set_covering import SetCovering
from shequ.optimize.limits import Limits
from shequ.optimize.result import Reason, Status

Problem: TypeAlias = Any
"""A problem of one of the families."""

REGISTRY = discover()
SITING_PEERS = [
    ("pulp-textbook", ""),
    ("scipy-milp", ""),
    ("spopt", "pulp-cbc"),
    ("spopt", "pulp-highs"),
    ("spopt-p-center", "pulp-cbc"),
    ("spopt-p-center", "pulp-highs"),
]
SLACK = 6.0
"""Seconds beyond its limit that a run on a shared machine may take, imports among them."""


def siting_problem(family: str, seed: int) -> Problem:
    """Eight clients and five sites in a square; demand and capacity where the family has them."""
    rng = np.random.default_rng(seed)
    clients, sites = rng.uniform(0, 10, (8, 2)), rng.uniform(0, 10, (5, 2))
    distances = np.linalg.norm(clients[:, None] - sites, axis=2)
    demand = rng.integers(1, 9, 8).astype(float)
    capacity = np.full(5, 0.45 * demand.sum())
    fixed_costs = rng.uniform(3, 12, 5)
    radius = np.sort(distances, axis=1)[:, 1].max()
    covers = sparse.csr_array((distances <= radius).astype(float))
    near = sparse.csr_array((distances <= 3.5).astype(float))
    makers: dict[str, Callable[[], Any]] = {
        "set-covering": lambda: SetCovering(covers, np.ones(5)),
        "maximal-covering": lambda: MaximalCovering(near, demand, 2),
        "p-median": lambda: PMedian(distances, demand, 2),
        "p-center": lambda: PCenter(distances, 2),
        "uncapacitated": lambda: FixedCharge(distances, fixed_costs, demand),
        "capacitated": lambda: FixedCharge(distances, fixed_costs, demand, capacity),
        "single-source": lambda: FixedCharge(distances, fixed_costs, demand, capacity, True),
        "capacitated-p-median": lambda: CapacitatedPMedian(distances, demand, capacity, 3),
    }
    return makers[family]()


def best_of_siting(problem: Problem) -> float:
    """Best objective over all sets of sites; a model of shequ where capacity limits them."""
    if getattr(problem, "capacity", None) is not None:
        answer = solve_formulation(problem, Ask("highs", Limits(30.0)), builds=TEXTBOOK)
        assert answer.objective is not None
        return answer.objective
    costs = getattr(problem, "costs", None)
    distances = getattr(problem, "distances", costs)
    values = []
    for choice in itertools.product((False, True), repeat=problem.num_sites):
        is_open = np.array(choice)
        covering = isinstance(problem, (SetCovering, MaximalCovering))
        solution = is_open if covering else closest_allocation(distances, is_open)
        if not problem.violations(solution):
            values.append(problem.evaluate(solution))
    return max(values) if isinstance(problem, MaximalCovering) else min(values)


def strip(*, slack: float = 1.0) -> Districting:
    """Three by three units of weights 1 to 3, into three districts around the mean."""
    weights = np.array([1.0, 2.0, 3.0, 2.0, 1.0, 2.0, 3.0, 2.0, 2.0])
    places = np.array([(100.0 * (i % 3), 110.0 * (i // 3)) for i in range(9)])
    across = [(i, i + 1) for i in range(9) if i % 3 < 2]
    down = [(i, i + 3) for i in range(6)]
    return Districting(
        weights=weights[:, None],
        lower=np.array([6.0 - slack]),
        upper=np.array([6.0 + slack]),
        edges=np.array(across + down),
        num_districts=3,
        mass=weights,
        location=places,
        centre=places,
        inertia=np.zeros(9),
    )


def districting_problem(family: str) -> Problem:
    """Return the strip as a problem of the family; a border is longer across than down."""
    problem = strip()
    if family == "districting-inertia":
        return problem
    costs = np.ones(12) if family == "districting-cut-edges" else np.repeat([110.0, 100.0], 6)
    return EdgeCostDistricting(problem, costs)


def best_of_districting(family: str, problem: Problem) -> float:
    """Best objective over all plans."""
    check = REGISTRY.checks[family]
    verdicts = (
        check(problem, np.array((0, *plan))) for plan in itertools.product(range(3), repeat=8)
    )
    return min(objective for objective, broken in verdicts if not broken)


def peer(name: str, solver: str = "") -> Method:
    """Return a method; the test is skipped where its library is absent or lacks the solver."""
    method = REGISTRY.methods[name]
    if method.absent():
        pytest.skip(method.absent())
    if solver == "pulp-highs":
        pytest.importorskip("highspy", reason="PuLP drives HiGHS through highspy")
    assert solver in method.solvers
    return method


def verdict(
    family: str, problem: Problem, answer: Answer, *, best: float | None = None
) -> dict[str, Any]:
    """Return what the judge makes of an answer, with the best value known as proven."""
    case = Case(
        name="tiny",
        family=family,
        load=lambda _: problem,
        size={},
        best_known=best,
        best_is_optimal=best is not None,
    )
    return judge(case, problem, answer, REGISTRY.checks[family])


@pytest.mark.parametrize(
    ("name", "solver", "family"),
    [
        (name, solver, family)
        for name, solver in SITING_PEERS
        for family in sorted(REGISTRY.methods[name].families & set(TEXTBOOK))
    ],
)
def test_a_peer_finds_the_best_sites(name: str, solver: str, family: str):
    """Each peer proves the optimum of each family that it takes."""
    method = peer(name, solver)
    for seed in (1, 2):
        problem = siting_problem(family, seed)
        best = best_of_siting(problem)
        ask = Ask(solver, Limits(30.0))
        found = verdict(family, problem, method.run(problem, ask), best=best)
        assert found["status"] is Outcome.OPTIMAL, found["detail"]
        assert found["objective"] == pytest.approx(best, rel=1e-6)
        assert found["bound"] == pytest.approx(best, rel=1e-4)
        assert ask.model_size is not None


@pytest.mark.parametrize(("name", "solver"), SITING_PEERS[:4])
def test_a_client_that_no_site_covers_is_infeasible(name: str, solver: str):
    """A client without a site is no crash and no time limit."""
    problem = SetCovering(sparse.csr_array(np.array([[1.0, 1.0], [0.0, 0.0]])), np.ones(2))
    answer = peer(name, solver).run(problem, Ask(solver, Limits(30.0)))
    assert verdict("set-covering", problem, answer)["status"] is Outcome.INFEASIBLE


def test_spopt_refuses_costs_that_it_does_not_know():
    """LSCP counts sites, so other costs are refused in words."""
    problem = SetCovering(sparse.csr_array(np.ones((2, 2))), np.array([1.0, 3.0]))
    answer = peer("spopt", "pulp-cbc").run(problem, Ask("pulp-cbc", Limits(5.0)))
    found = verdict("set-covering", problem, answer)
    assert found["status"] is Outcome.ERROR
    assert "no costs" in found["detail"]


@pytest.mark.parametrize(("name", "solver"), [("pulp-textbook", ""), ("spopt", "pulp-cbc")])
def test_too_many_pairs_are_refused(name: str, solver: str):
    """A model of millions of Python objects is refused before it is built."""
    problem = PMedian(np.ones((1000, 1000)), np.ones(1000), 3)
    answer = peer(name, solver).run(problem, Ask(solver, Limits(5.0)))
    assert (answer.status, answer.reason) == (Status.UNKNOWN, Reason.ERROR)
    assert "1,000,000 pairs" in answer.detail


class Stopped:
    """A p-median model of spopt after a run that the time limit cut short."""

    def __init__(self, is_open: list[bool]) -> None:
        """Hold the sites that the solver had found."""
        pulp = pytest.importorskip("pulp")
        self.problem = pulp.LpProblem("stopped")
        self.problem.assignStatus(pulp.LpStatusOptimal, pulp.LpSolutionIntegerFeasible)
        self.fac_vars = [type("Site", (), {"value": lambda _, v=v: float(v)})() for v in is_open]


def test_spopt_calls_a_run_optimal_that_was_cut_short():
    """The claim of optimality is kept, the reason tells the truth, and the judge finds it out."""
    peer("spopt", "pulp-cbc")
    pulp = pytest.importorskip("pulp")
    line = np.array([0.0, 1.0, 8.0, 9.0])
    problem = PMedian(np.abs(line[:, None] - line), np.ones(4), 2)
    answer = peer_spopt.claim(pulp, problem, Stopped([True, True, False, False]), "")
    assert (answer.status, answer.reason) == (Status.OPTIMAL, Reason.TIME)
    assert answer.bound == answer.objective == 15.0
    assert verdict("p-median", problem, answer, best=2.0)["status"] is Outcome.WRONG


def test_spopt_without_a_solution_knows_nothing():
    """What spopt raises at a time limit is neither a solution nor a proof."""
    peer("spopt", "pulp-cbc")
    pulp = pytest.importorskip("pulp")
    located = Stopped([])
    located.problem.assignStatus(pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound)
    problem = PMedian(np.ones((2, 2)), np.ones(2), 1)
    answer = peer_spopt.claim(pulp, problem, located, "Model is not solved: Not Solved.")
    assert verdict("p-median", problem, answer)["status"] is Outcome.TIMEOUT
    assert answer.bound is None


@pytest.mark.parametrize(
    "family", ["districting-inertia", "districting-border", "districting-cut-edges"]
)
def test_scipy_finds_the_best_districts(family: str):
    """The models with flows, solved by scipy, reach the optimum of every objective."""
    problem = districting_problem(family)
    best = best_of_districting(family, problem)
    answer = peer("scipy-milp").run(problem, Ask("", Limits(60.0)))
    found = verdict(family, problem, answer, best=best)
    assert found["status"] is Outcome.OPTIMAL, found["detail"]
    assert found["objective"] == pytest.approx(best)


@pytest.mark.parametrize(
    "family", ["districting-inertia", "districting-border", "districting-cut-edges"]
)
def test_gerrychain_improves_plans_that_keep_every_rule(family: str):
    """Short bursts reach the best of the few plans of the strip, and claim no proof."""
    problem = districting_problem(family)
    best = best_of_districting(family, problem)
    ask = Ask("", Limits(1.0, seed=3))
    answer = peer("gerrychain-recom").run(problem, ask)
    found = verdict(family, problem, answer, best=best)
    assert found["status"] is Outcome.FEASIBLE, found["detail"]
    assert found["objective"] == pytest.approx(best)
    values = [objective for _, objective, _ in ask.curve]
    assert values == sorted(values, reverse=True)
    assert found["bound"] is None


def test_gerrychain_keeps_the_bounds_of_every_weight():
    """Trees are balanced by the first weight only, and the other one is kept nevertheless."""
    base = strip()
    second = np.array([1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    problem = Districting(
        weights=np.c_[base.weights, second],
        lower=np.array([5.0, 1.0]),
        upper=np.array([7.0, 1.0]),
        edges=base.edges,
        num_districts=3,
        mass=base.mass,
        location=base.location,
        centre=base.centre,
        inertia=base.inertia,
    )
    answer = peer("gerrychain-recom").run(problem, Ask("", Limits(1.0)))
    found = verdict("districting-inertia", problem, answer)
    assert found["status"] is Outcome.FEASIBLE, found["detail"]


def test_gerrychain_takes_the_same_steps_from_the_same_seed():
    """Two runs differ in how far they come, not in what they find on the way; seeds do."""
    problem, lengths = voronoi_districting(60, 4, seed=2)
    curves = []
    for seed in (5, 5, 6):
        ask = Ask("", Limits(4.0, seed=seed))
        peer("gerrychain-recom").run(EdgeCostDistricting(problem, lengths), ask)
        curves.append([objective for _, objective, _ in ask.curve])
    shorter = min(map(len, curves))
    assert shorter > 1
    assert curves[0][:shorter] == curves[1][:shorter] != curves[2][:shorter]


def test_gerrychain_stops_where_no_plan_is_balanced():
    """A start that can never be drawn ends at the time limit with nothing claimed."""
    problem = strip(slack=0.0)
    impossible = Districting(
        weights=problem.weights * 2 + 0.1 * np.arange(9)[:, None],
        lower=np.array([13.2]),
        upper=np.array([13.2]),
        edges=problem.edges,
        num_districts=3,
        mass=problem.mass,
        location=problem.location,
        centre=problem.centre,
        inertia=problem.inertia,
    )
    method = peer("gerrychain-recom")
    began = time.perf_counter()
    answer = method.run(impossible, Ask("", Limits(0.5)))
    assert time.perf_counter() - began < 0.5 + SLACK
    assert (answer.status, answer.reason) == (Status.UNKNOWN, Reason.TIME)
    assert answer.solution is None


def test_spopt_regions_are_districts_where_balance_is_loose():
    """Regions hang together and are as many as asked for, so loose bounds leave no complaint."""
    loose = strip(slack=6.0)
    answer = peer("spopt-region").run(loose, Ask("", Limits(10.0)))
    found = verdict("districting-inertia", loose, answer)
    assert found["status"] is Outcome.FEASIBLE, found["detail"]


def test_spopt_regions_break_a_tight_balance():
    """Regions know no bounds, and the judge says which district breaks them."""
    tight, _ = voronoi_districting(60, 6, seed=1, tolerance=0.01)
    answer = peer("spopt-region").run(tight, Ask("", Limits(10.0)))
    found = verdict("districting-inertia", tight, answer)
    assert found["status"] is Outcome.WRONG
    assert "of weight 0" in found["detail"]


@pytest.mark.parametrize(("name", "solver"), SITING_PEERS)
def test_a_time_limit_is_kept(name: str, solver: str):
    """A case that takes minutes ends soon after the time limit, and for that reason."""
    distances = np.random.default_rng(4).uniform(0, 1000, (60, 60))
    takes_centres = "p-center" in REGISTRY.methods[name].families
    problem = PCenter(distances, 7) if takes_centres else PMedian(distances, np.ones(60), 7)
    method = peer(name, solver)
    began = time.perf_counter()
    answer = method.run(problem, Ask(solver, Limits(1.0)))
    assert time.perf_counter() - began < 1.0 + SLACK
    assert answer.reason is Reason.TIME
    assert answer.status is not Status.OPTIMAL or name.startswith("spopt")


def test_no_peer_is_imported_before_it_runs():
    """The modules of the peers can be imported where their libraries are absent."""
    code = (
        "import sys\n"
        "for name in ('spopt', 'gerrychain', 'libpysal', 'networkx', 'pulp'):\n"
        "    sys.modules[name] = None\n"
        "from shequ.benchmarks.methods import peer_gerrychain, peer_pulp, peer_scipy, peer_spopt\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_gerrychain_draws_two_districts_or_more():
    """A single district is refused in words."""
    problem, _ = voronoi_districting(5, 1, seed=1)
    peer("gerrychain-recom")
    answer = peer_gerrychain.recom(problem, Ask("", Limits(1.0)))
    assert (answer.status, answer.reason) == (Status.UNKNOWN, Reason.ERROR)
