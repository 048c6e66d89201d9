"""Inequalities that are added where a solution breaks them: in one tree, or by solving again."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from shequ.models.formulation import FloatArray, LinearModel, ModelBuilder
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Reason, Status
from shequ.optimize.solvers.lazy import Cut, solve_with_cuts, with_cuts

WAYS = ("scip", "highs")
"""In one search tree, and in a loop."""


class Programme:
    """A random binary program of which only the first row is written down."""

    def __init__(self, seed: int, *, whole: bool = True, size: int = 7) -> None:
        """Draw costs and rows."""
        rng = np.random.default_rng(seed)
        costs = rng.integers(-9, 10, size).astype(float) if whole else rng.normal(size=size)
        self.rows = rng.integers(-5, 6, (5, size)).astype(float)
        self.limits = rng.integers(-3, 8, 5).astype(float)
        builder = ModelBuilder("lazy", maximize=bool(seed % 2), offset=0.5)
        x = builder.add_columns(costs, upper=1, integer=True)
        builder.add_rows(np.zeros(size, dtype=int), x, self.rows[0], upper=[self.limits[0]])
        self.model = builder.build()

    def separate(self, values: FloatArray) -> list[Cut]:
        """Rows that a point breaks."""
        columns = np.arange(values.size)
        return [
            Cut(columns, row, -np.inf, limit)
            for row, limit in zip(self.rows[1:], self.limits[1:], strict=True)
            if row @ values > limit + 1e-6
        ]

    def feasible(self) -> list[FloatArray]:
        """Every solution."""
        points = itertools.product((0.0, 1.0), repeat=self.model.num_columns)
        return [
            point
            for point in map(np.array, points)
            if (self.rows @ point <= self.limits + 1e-9).all()
        ]

    def optimum(self) -> float | None:
        """Best objective; None if there is no solution."""
        values = [self.model.evaluate(point) for point in self.feasible()]
        if not values:
            return None
        return max(values) if self.model.maximize else min(values)


def endless(size: int = 40) -> LinearModel:
    """Return a market split problem, which no solver finishes in a moment."""
    rng = np.random.default_rng(5)
    builder = ModelBuilder("market split")
    x = builder.add_columns(np.zeros(size), upper=1, integer=True)
    miss = builder.add_columns(np.ones(12))
    weights = rng.integers(1, 100, (6, size)).astype(float)
    for row in range(6):
        builder.add_rows(
            np.zeros(size + 2, dtype=int),
            np.r_[x, miss[2 * row : 2 * row + 2]],
            np.r_[weights[row], 1.0, -1.0],
            lower=[weights[row].sum() // 2],
            upper=[weights[row].sum() // 2],
        )
    return builder.build()


@pytest.mark.parametrize("solver", WAYS)
@pytest.mark.parametrize("whole", [True, False])
def test_the_optimum_is_that_of_all_rows(solver: str, *, whole: bool) -> None:
    """Status, objective and bound are those of trying every point against every row."""
    for seed in range(25):
        programme = Programme(seed, whole=whole)
        result = solve_with_cuts(programme.model, programme.separate, solver=solver)
        best = programme.optimum()
        if best is None:
            assert result.status is Status.INFEASIBLE
            continue
        assert result.status is Status.OPTIMAL, (seed, result.reason, result.detail)
        assert result.objective == pytest.approx(best)
        assert result.bound == pytest.approx(best)
        assert result.solution is not None
        assert programme.separate(result.solution) == []


@pytest.mark.parametrize("solver", WAYS)
def test_a_start_never_changes_the_optimum(solver: str) -> None:
    """Any solution may start the solve; a point that breaks a lazy row is not taken for one."""
    for seed in range(12):
        programme = Programme(seed)
        if programme.optimum() is None:
            continue
        starts = [programme.feasible()[-1], np.ones(7), np.zeros(7)]
        for start in starts:
            result = solve_with_cuts(
                programme.model, programme.separate, solver=solver, start=start
            )
            assert result.objective == pytest.approx(programme.optimum())


def test_cuts_of_fractional_points_keep_the_optimum() -> None:
    """Separating points of the relaxation changes no answer."""
    for seed in range(12):
        programme = Programme(seed)
        result = solve_with_cuts(
            programme.model, programme.separate, separate_fractional=programme.separate
        )
        assert result.objective == (
            None if programme.optimum() is None else pytest.approx(programme.optimum())
        )


@pytest.mark.parametrize("solver", WAYS)
def test_nothing_better_than_the_cutoff(solver: str) -> None:
    """With the optimum as cutoff the bound says that nothing better exists."""
    programme = next(p for p in map(Programme, range(0, 40, 2)) if p.optimum() is not None)
    best = programme.optimum()
    assert best is not None
    result = solve_with_cuts(programme.model, programme.separate, solver=solver, cutoff=best)
    assert result.status in {Status.OPTIMAL, Status.FEASIBLE, Status.UNKNOWN}
    assert result.bound is not None
    assert result.bound >= best - 1e-6


def test_a_wrong_start_is_refused_by_its_shape() -> None:
    """A start of another model is refused before anything is solved."""
    programme = Programme(0)
    with pytest.raises(ValueError, match="start has shape"):
        solve_with_cuts(programme.model, programme.separate, start=np.zeros(3))


@pytest.mark.parametrize("solver", WAYS)
def test_an_error_of_the_separation_reaches_the_caller(solver: str) -> None:
    """What goes wrong while separating is raised, not swallowed by the solver."""

    def separate(values: FloatArray) -> list[Cut]:
        raise ArithmeticError(str(values.size))

    with pytest.raises(ArithmeticError, match="7"):
        solve_with_cuts(Programme(0).model, separate, solver=solver)


def test_a_request_to_stop_ends_the_tree() -> None:
    """A stopped solve says so, and claims no optimum."""
    stop = Stop()
    stop.request()
    result = solve_with_cuts(endless(), lambda _: [], limits=Limits(seconds=60), stop=stop)
    assert result.reason is Reason.INTERRUPTED
    assert result.status is not Status.OPTIMAL


def test_the_caller_hears_of_bounds() -> None:
    """Progress arrives while the tree grows."""
    heard: list[float | None] = []
    solve_with_cuts(
        endless(),
        lambda _: [],
        limits=Limits(seconds=1),
        listen=lambda _, bound: heard.append(bound),
    )
    assert any(bound is not None for bound in heard)


def test_rows_can_be_added_to_a_model() -> None:
    """A model with cuts holds the rows of both."""
    programme = Programme(0)
    cut = Cut(np.array([0, 2]), np.array([1.0, 1.0]), 1.0, np.inf)
    model = with_cuts(programme.model, [cut])
    assert model.num_rows == 2
    assert model.violations(np.zeros(7))
    assert with_cuts(programme.model, []) is programme.model
