"""Every backend gives the same answers, and none is believed without a check."""

from __future__ import annotations

import itertools
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shequ.models.formulation import LinearModel, ModelBuilder
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Reason, Status
from shequ.optimize.solvers import available_solvers, solve_lp, solve_model


def _knapsack(*, maximize: bool = True) -> LinearModel:
    builder = ModelBuilder("knapsack", maximize=maximize, offset=10.0)
    sign = 1 if maximize else -1
    take = builder.add_columns(sign * np.array([6.0, 5.0, 4.0, 3.0]), upper=1, integer=True)
    builder.add_rows([0] * 4, take, [3.0, 2.0, 2.0, 1.0], upper=[5.0])
    return builder.build()


def _assignment() -> LinearModel:
    costs = np.array([[4.0, 2.0, 8.0], [4.0, 3.0, 7.0], [3.0, 1.0, 6.0]])
    builder = ModelBuilder("assignment")
    x = builder.add_columns(costs.ravel(), upper=1, integer=True)
    builder.add_rows(np.repeat(np.arange(3), 3), x, 1, lower=np.ones(3), upper=1)
    builder.add_rows(np.tile(np.arange(3), 3), x, 1, lower=np.ones(3), upper=1)
    return builder.build()


def _cover() -> LinearModel:
    builder = ModelBuilder("cover")
    y = builder.add_columns(np.ones(5), upper=1, integer=True)
    sets = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]
    rows = np.repeat(np.arange(5), 2)
    builder.add_rows(rows, y[np.array(sets).ravel()], 1, lower=np.ones(5))
    return builder.build()


def _integers_below_zero() -> LinearModel:
    builder = ModelBuilder("negative")
    x = builder.add_columns([1.0, 2.0], lower=-4, upper=6, integer=True)
    builder.add_rows([0, 0], x, [1.0, 3.0], lower=[-7.0], upper=[-7.0])
    return builder.build()


KNOWN = [
    (_knapsack(), 10 + 12.0),
    (_knapsack(maximize=False), 10 - 12.0),
    (_assignment(), 12.0),
    (_cover(), 3.0),
    (_integers_below_zero(), -6.0),
]


@pytest.mark.parametrize("seeks_bound", [False, True])
@pytest.mark.parametrize(("model", "optimum"), KNOWN, ids=lambda v: getattr(v, "name", str(v)))
def test_every_backend_proves_the_optimum(
    solver_name: str, model: LinearModel, optimum: float, *, seeks_bound: bool
) -> None:
    """Each backend finds the known optimum, proves it, and its bound agrees."""
    limits = Limits(seconds=20)
    result = solve_model(model, solver=solver_name, limits=limits, seeks_bound=seeks_bound)
    assert result.status is Status.OPTIMAL, result
    assert result.objective == pytest.approx(optimum)
    assert result.bound == pytest.approx(optimum)
    assert result.solution is not None
    assert model.violations(result.solution) == []
    assert result.version


def test_every_backend_knows_infeasible(solver_name: str) -> None:
    """A model without a solution is called infeasible, with no solution and no dummy."""
    builder = ModelBuilder("impossible")
    x = builder.add_columns(np.ones(2), upper=1, integer=True)
    builder.add_rows([0, 0], x, 1, lower=[3.0])
    result = solve_model(builder.build(), solver=solver_name, limits=Limits(seconds=20))
    assert result.status is Status.INFEASIBLE
    assert result.solution is None
    assert result.objective is None


def test_a_start_never_changes_the_optimum(solver_name: str) -> None:
    """The optimum is the same with a good, a bad and no start."""
    model = _knapsack()
    for start in (None, np.array([0.0, 1.0, 1.0, 1.0]), np.zeros(4)):
        result = solve_model(model, solver=solver_name, start=start)
        assert result.objective == pytest.approx(22.0)


@pytest.mark.parametrize(
    "solver", ["highs", "scip", "ortools-pdlp", "ortools-highs", "ortools-scip"]
)
def test_linear_programs_are_solved(solver: str) -> None:
    """A model without integers, with a free column, is solved to its optimum."""
    builder = ModelBuilder("lp")
    x = builder.add_columns([1.0, 1.0], lower=[-np.inf, 0.0], upper=np.inf)
    builder.add_rows([0, 0, 1], x[[0, 1, 0]], [1.0, 2.0, 1.0], lower=[4.0, -2.0])
    result = solve_model(builder.build(), solver=solver)
    assert result.objective == pytest.approx(1.0, abs=1e-3)


def test_pdlp_refuses_integers() -> None:
    """A solver of linear programs does not pretend to solve integers."""
    with pytest.raises(ValueError, match="integer"):
        solve_model(_knapsack(), solver="ortools-pdlp")


def test_duals_and_reduced_costs_of_a_linear_program() -> None:
    """Duals price the rows: objective equals duals times right-hand sides."""
    builder = ModelBuilder("lp")
    x = builder.add_columns([2.0, 3.0])
    builder.add_rows([0, 0], x, [1.0, 1.0], lower=[4.0])
    result = solve_lp(builder.build())
    assert result.objective == pytest.approx(8.0)
    assert np.allclose(result.row_duals, [2.0])
    assert np.allclose(result.reduced_costs, [0.0, 1.0])


def _hard(size: int = 60) -> LinearModel:
    rng = np.random.default_rng(3)
    builder = ModelBuilder("market split")
    x = builder.add_columns(rng.integers(1, 9, size).astype(float), upper=1, integer=True)
    slack = builder.add_columns(np.full(12, 100.0))
    over = builder.add_columns(np.full(12, 100.0))
    weights = rng.integers(1, 100, (6, size)).astype(float)
    for row in weights:
        index = np.zeros(size + 2, dtype=int)
        spare = np.r_[slack[:1], over[:1]]
        builder.add_rows(
            index,
            np.r_[x, spare],
            np.r_[row, 1.0, -1.0],
            lower=[row.sum() // 2],
            upper=[row.sum() // 2],
        )
    return builder.build()


@pytest.mark.parametrize("solver", ["highs", "scip", "ortools-scip", "pulp-cbc"])
def test_a_time_limited_run_is_never_optimal(solver: str) -> None:
    """A run that ends by its time limit says so, whatever the solver calls it."""
    result = solve_model(_hard(), solver=solver, limits=Limits(seconds=0.3))
    assert result.status in {Status.FEASIBLE, Status.UNKNOWN}
    assert result.reason is Reason.TIME


def test_a_request_to_stop_is_honoured() -> None:
    """A solve ends soon after it was asked to."""
    stop = Stop()
    threading.Timer(0.5, stop.request).start()
    began = time.monotonic()
    result = solve_model(_hard(), limits=Limits(seconds=60), stop=stop)
    assert time.monotonic() - began < 20
    assert result.reason is Reason.INTERRUPTED
    assert result.status in {Status.FEASIBLE, Status.UNKNOWN}


def test_an_unknown_solver_is_refused_by_name() -> None:
    """The message lists the solvers that there are."""
    with pytest.raises(ValueError, match="choose one of highs"):
        solve_model(_knapsack(), solver="abacus")


def test_solvers_are_listed_with_versions() -> None:
    """The default solver is there, with its version."""
    found = {info.name: info for info in available_solvers()}
    assert found["highs"].available
    assert found["highs"].version


def test_import_order_does_not_matter() -> None:
    """HiGHS works in a process that has used OR-tools and PuLP through shequ before."""
    code = (
        "import numpy as np\n"
        "from shequ.models.formulation import ModelBuilder\n"
        "from shequ.optimize.solvers import solve_model\n"
        "b = ModelBuilder(); x = b.add_columns([1.0], upper=1, integer=True)\n"
        "b.add_rows([0], x, [1.0], lower=[1.0]); m = b.build()\n"
        "print([solve_model(m, solver=s).objective "
        "for s in ('ortools-highs', 'pulp-cbc', 'scip', 'highs', 'ortools-scip', 'highs')])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "[1.0, 1.0, 1.0, 1.0, 1.0, 1.0]"


def test_linear_programs_one_after_the_other_may_have_other_threads() -> None:
    """HiGHS keeps the number of threads of its first solve, which the next may differ from."""
    found = [solve_lp(_assignment(), limits=Limits(threads=many)) for many in (2, 1, 3, 1)]
    assert {one.status for one in found} == {Status.OPTIMAL}
    assert len({one.objective for one in found}) == 1


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(0, 10_000))
def test_random_binary_programs_agree_with_brute_force(seed: int) -> None:
    """On tiny random programs the optimum is that of trying everything."""
    rng = np.random.default_rng(seed)
    builder = ModelBuilder("random")
    x = builder.add_columns(rng.integers(-9, 10, 6).astype(float), upper=1, integer=True)
    for _ in range(3):
        row = rng.integers(-5, 6, 6).astype(float)
        builder.add_rows(np.zeros(6, dtype=int), x, row, upper=[float(rng.integers(-3, 8))])
    model = builder.build()
    points = [np.array(p, dtype=float) for p in itertools.product((0, 1), repeat=6)]
    values = [model.evaluate(p) for p in points if not model.violations(p)]
    result = solve_model(model)
    if values:
        assert result.objective == pytest.approx(min(values))
    else:
        assert result.status is Status.INFEASIBLE
