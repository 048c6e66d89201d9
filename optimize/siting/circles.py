"""
Circles of daily life: exact reductions, annealing, one-year bounds, and a strong integer program.

1. Reduce (:mod:`.circles_core`): what is decided is left out, what is alike becomes one.
2. Anneal the years of the facilities (:mod:`.circles_search`) for good plans.
3. For each year by itself, bound the residents that all money up to then can bring into circles: a
   problem of one year. These bounds are rows of the problem of all years, and their sum bounds it.
   Where money is short, counts of facilities bound it too (:mod:`.circles_counts`).
4. The strong formulation (:mod:`.circles_strong`) with inequalities and counts
   (:mod:`.circles_cuts`); columns that its relaxation rules out are fixed; a solver does the rest.
5. The same circles in the same years, at the least cost.

"textbook" hands the plain formulation to the solver as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.formulation import FloatArray, IntArray, ModelBuilder
from ...models.siting.circles import NEVER, PhasedCircles
from ...models.siting.circles_model import add_money, circles_model
from ..limits import Limits, Stop
from ..result import Result
from ..search import Listen, Search
from ..solvers import solve_model
from .circles_core import Core, reduced
from .circles_counts import counting_bound
from .circles_cuts import add_company, add_counts, company_rows
from .circles_pairs import pair_bound
from .circles_search import Annealer
from .circles_strong import StrongModel, strong_model
from .classic.covering.finish import choose_method, new_search, solve_rest
from .classic.covering.model_bounds import relaxation_bound, without_hopeless
from .classic.textbook import solve_textbook

METHODS = {
    "auto": "reductions, annealing, one-year bounds, a strong integer program",
    "heuristic": "reductions and annealing with the bound of the strong relaxation",
    "textbook": "the plain model, handed to the solver as it is",
}

ROUNDS, ROUNDS_OF_A_YEAR = 8, 2
"""Rounds of annealing for all years, and for each year by itself."""

SHARE_OF_A_YEAR = 0.12
"""Share of the time left for the bound of one year."""

LARGE = 500_000
"""Pairs of facilities and groups, over all years, above which only single years are solved."""

SHARE_OF_COST = 0.1
"""Share of the time that is kept for the least cost."""


@dataclass(frozen=True, eq=False)
class _Years:
    """One problem with what is left of it."""

    problem: PhasedCircles
    core: Core
    company: list[tuple[int, IntArray, FloatArray]]

    def full(self, years: IntArray) -> IntArray:
        """Return the solution of all facilities that one of the core's stands for."""
        found = self.problem.nothing()
        found[self.core.facilities] = years
        return found

    def of_core(self, years: IntArray) -> IntArray:
        """Return what a solution says of the core's facilities."""
        return years[self.core.facilities]

    def one_year(self, year: int) -> _Years:
        """Return the problem of one year: all money up to it, what counts in it."""
        problem = self.problem
        alone = PhasedCircles(
            problem.ground,
            budgets=np.array([problem.budgets[: year + 1].sum()]),
            weights=problem.weights[[year]],
            targets=None if problem.targets is None else problem.targets[[year]],
            bonus=problem.bonus,
        )
        return replace(self, problem=alone)

    def worth(self) -> tuple[FloatArray, FloatArray]:
        """
        Return what each circle counts for at most in each year, and what each year has anyhow.

        A circle more earns one bonus at most.
        """
        problem, core = self.problem, self.core
        worth = problem.weights[:, None] * core.circle_residents[None, :]
        fixed = problem.weights * float(problem.ground.circle_residents[core.known].sum())
        already = int(core.known.sum())
        worth = worth + problem.bonus * (problem.wanted > already)[:, None]
        return worth, fixed + problem.bonus * np.minimum(problem.wanted, already)

    def pair_bound(self, search: Search[IntArray]) -> float:
        """Bound the objective of one year by what one or two facilities of a category can do."""
        worth, fixed = self.worth()
        found = pair_bound(
            self.core,
            worth[0],
            float(self.problem.budgets[0]),
            num_categories=self.problem.ground.num_categories,
            known=search.objective - float(fixed[0]),
            bound=search.bound - float(fixed[0]),
            over=lambda: search.over,
        )
        return found + float(fixed[0])

    def counting_bound(self, caps: FloatArray | None = None) -> float:
        """Bound the objective by what the money pays for; ``caps`` bound each year's part."""
        problem, core = self.problem, self.core
        worth, fixed = self.worth()
        found = counting_bound(
            core,
            worth,
            np.cumsum(problem.budgets),
            num_categories=problem.ground.num_categories,
            caps=None if caps is None else caps - fixed,
        )
        return float(fixed.sum()) + found

    def offset(self) -> float:
        """Objective of the circles that are recognised today, if every target were met."""
        problem = self.problem
        known = float(problem.ground.circle_residents[self.core.known].sum())
        bonus = problem.bonus * float(problem.wanted.sum())
        return known * float(problem.weights.sum()) + bonus

    def model(self, caps: FloatArray | None = None) -> StrongModel:
        """Build the strong formulation; ``caps`` bound what each year counts for."""
        core, problem, years = self.core, self.problem, self
        already = int(core.known.sum())
        residents = float(problem.ground.circle_residents[core.known].sum())

        def extra(builder: ModelBuilder, y: IntArray, z: IntArray) -> None:
            add_money(builder, problem, list(y), core.costs)
            for year in range(len(y)):
                add_company(builder, self.company, y[year], z[year])
                add_counts(builder, core, y[year])
            d = _add_targets(builder, problem, z, already)
            _add_floors(builder, core, z, problem.floors, residents)
            if caps is not None:
                anyhow = residents * problem.weights + problem.bonus * problem.wanted
                _add_caps(builder, years, z, d, caps - anyhow)

        weights = problem.weights[:, None] * core.circle_residents[None, :]
        return strong_model(core, weights, extra, offset=self.offset())

    def decode(self, built: StrongModel, values: FloatArray) -> IntArray:
        """Read the solution of all facilities."""
        there = values[built.y] > 0.5
        first = np.where(there.any(axis=0), 1 + np.argmax(there, axis=0), NEVER)
        return self.full(first)


def _add_targets(
    builder: ModelBuilder, problem: PhasedCircles, z: IntArray, already: int
) -> IntArray:
    """Add what is short of each target, which loses a bonus; returns the columns, one a year."""
    if problem.targets is None or problem.bonus <= 0:
        return np.empty(0, dtype=np.int64)
    left = np.maximum(problem.targets - already, 0).astype(float)
    d = builder.add_columns(np.full(len(z), -problem.bonus), upper=left)
    for year in np.flatnonzero(left > 0):
        entries = np.r_[d[year], z[year]]
        builder.add_rows(np.zeros(entries.size, dtype=np.int64), entries, 1, lower=[left[year]])
    return d


def _add_floors(
    builder: ModelBuilder, core: Core, z: IntArray, floors: FloatArray | None, already: float
) -> None:
    """Add the least residents of each year."""
    least = np.zeros(len(z)) if floors is None else floors * (1 - 1e-9) - already
    for year in np.flatnonzero(least > 0):
        row = np.zeros(core.num_circles, dtype=np.int64)
        builder.add_rows(row, z[year], core.circle_residents, lower=[least[year]])


def _add_caps(
    builder: ModelBuilder, years: _Years, z: IntArray, d: IntArray, caps: FloatArray
) -> None:
    """Add what each year counts for at most."""
    problem, core = years.problem, years.core
    for year in np.flatnonzero(np.isfinite(caps)):
        entries, counts = z[year], problem.weights[year] * core.circle_residents
        if d.size:
            entries, counts = np.r_[entries, d[year]], np.r_[counts, -problem.bonus]
        row = np.zeros(entries.size, dtype=np.int64)
        slack = 1e-9 * (1 + abs(caps[year]))
        builder.add_rows(row, entries, counts, upper=[caps[year] + slack])


def solve_circles(
    problem: PhasedCircles,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    start: IntArray | None = None,
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Choose what to build in which year so that the most residents live in recognised circles.

    Of plans that recognise the same circles in the same years, the cheapest that is found is
    returned; the objective does not know cost.

    Parameters
    ----------
    problem
        What is asked.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for HiGHS.
    method
        A name of ``METHODS``.
    start
        A solution to start from; None for none.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of IntArray
        The year of each facility. Infeasible only if the least residents of a year cannot be met.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    choose_method(method, METHODS)
    if method == "textbook":
        return solve_textbook(
            problem, circles_model, limits=limits, solver=solver, stop=stop, listen=listen
        )
    search: Search[IntArray] = new_search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        maximize=True,
        is_whole=_is_whole(problem),
    )
    years = _prepared(search, problem)
    for known in (problem.nothing(), start):
        if known is not None:
            search.offer(known)
    search.raise_bound(_highest(years))
    with search.timed("count"):
        caps = np.array(
            [years.one_year(year).counting_bound() for year in range(problem.num_years)]
        )
        search.raise_bound(min(float(caps.sum()), years.counting_bound(caps)))
    with search.timed("search"):
        _anneal(search, years, rounds=ROUNDS)
    if not search.done:
        _prove(search, years, only_bound=method == "heuristic")
    result = search.result()
    if result.solution is None or method == "heuristic":
        return result
    with search.timed("cost"):
        cheaper = _cheapest_of(search, years, result.solution)
    return replace(result, solution=cheaper, seconds=search.seconds)


def _is_whole(problem: PhasedCircles) -> bool:
    numbers = [problem.ground.residents, problem.weights, np.array([problem.bonus])]
    return all(bool((values % 1 == 0).all()) for values in numbers)


def _prepared(search: Search[IntArray], problem: PhasedCircles) -> _Years:
    with search.timed("reduce"):
        core = reduced(problem.ground, most=float(problem.budgets.sum()))
        years = _Years(problem, core, company_rows(core))
    ground = problem.ground
    search.detail = (
        f"{core.facilities.size} of {int((~ground.exists).sum())} facilities, {core.num_groups} "
        f"groups of units and {core.num_circles} of {ground.num_circles} circles are left"
    )
    return years


def _highest(years: _Years) -> float:
    """Objective if every circle that is left were recognised from the first year on."""
    problem, core = years.problem, years.core
    total = float(core.circle_residents.sum() * problem.weights.sum()) + years.offset()
    most = int(core.known.sum()) + core.num_circles
    return total - problem.bonus * float(np.maximum(problem.wanted - most, 0).sum())


def _anneal(search: Search[IntArray], years: _Years, *, rounds: int) -> None:
    """Look for better plans."""
    core = years.core
    if not core.facilities.size:
        return
    start = np.full(core.facilities.size, NEVER, dtype=np.int64)
    if search.plan is not None:
        start = years.of_core(search.plan)
    Annealer(core, years.problem).improve(
        lambda found: search.offer(years.full(found)),
        start=start,
        over=lambda: search.done or search.deadline.seconds_left < 0.6 * search.limits.seconds,
        rounds=rounds,
        seed=search.limits.seed,
    )


def _prove(search: Search[IntArray], years: _Years, *, only_bound: bool) -> None:
    """Bound by years, then by the strong formulation; solve what is left."""
    problem, caps = years.problem, None
    if problem.num_years == 1 and search.plan is not None:
        with search.timed("count"):
            search.raise_bound(years.pair_bound(search))
        if search.done:
            return
    if problem.num_years > 1 and not only_bound:
        with search.timed("years"):
            caps = _caps(search, years)
        search.raise_bound(float(caps.sum()))
    pairs = years.core.covers.nnz * problem.num_years
    if problem.num_years > 1 and pairs > LARGE and not only_bound:
        search.detail += "; the years together are too large for an integer program"
        return
    built = years.model(caps)
    with search.timed("bound"):
        share = 0.3 if pairs <= LARGE else 0.85
        # without a crossover, the interior point method often ends too far from an optimum here
        bound = (
            None
            if search.done
            else relaxation_bound(search, built.model, share=share, interior=False)
        )
    if search.done or only_bound:
        return
    model = built.model if bound is None else without_hopeless(search, built.model, bound)
    with search.timed("solve"):
        seconds = search.deadline.seconds_left - SHARE_OF_COST * search.limits.seconds
        solve_rest(
            search, model, lambda values: years.decode(built, values), seconds=max(0.1, seconds)
        )


def _caps(search: Search[IntArray], years: _Years) -> FloatArray:
    """Bound what each year counts for by the problems of one year."""
    caps = []
    for year in range(years.problem.num_years):
        alone = years.one_year(year)
        large = years.core.covers.nnz * years.problem.num_years > LARGE
        share = 0.9 / (years.problem.num_years - year) if large else SHARE_OF_A_YEAR
        seconds = max(0.05, share * search.deadline.seconds_left)
        inner: Search[IntArray] = new_search(
            violations=alone.problem.violations,
            evaluate=alone.problem.evaluate,
            limits=search.limits.within(seconds),
            solver=search.solver,
            stop=search.stop,
            listen=None,
            maximize=True,
            is_whole=_is_whole(alone.problem),
        )
        inner.offer(alone.problem.nothing())
        if search.plan is not None:
            inner.offer(np.where(search.plan > year + 1, NEVER, np.minimum(search.plan, 1)))
        inner.raise_bound(min(_highest(alone), alone.counting_bound()))
        _anneal(inner, alone, rounds=ROUNDS_OF_A_YEAR)
        if not inner.done:
            _prove(inner, alone, only_bound=False)
        search.nodes += inner.nodes
        search.version = inner.version or search.version
        caps.append(inner.objective if inner.proven else inner.bound)
    return np.array(caps)


def _cheapest_of(search: Search[IntArray], years: _Years, plan: IntArray) -> IntArray:
    """Return the cheapest plan found that recognises the same circles in the same years."""
    core, problem = years.core, years.problem
    known = problem.states(plan).recognised[:, core.circles]
    wanted = np.flatnonzero(known.any(axis=0))
    if not wanted.size:
        return problem.nothing()

    def extra(builder: ModelBuilder, y: IntArray, z: IntArray) -> None:
        add_money(builder, problem, list(y), core.costs)
        builder.add_rows(
            np.arange(z.size), z.ravel(), 1, lower=known.astype(float).ravel(), upper=1
        )

    nothing = np.zeros((problem.num_years, core.num_circles))
    built = strong_model(core, nothing, extra, costs=core.costs, maximize=False)
    seconds = max(0.5, SHARE_OF_COST * search.limits.seconds)
    result = solve_model(
        built.model, solver=search.solver, limits=search.limits.within(seconds), stop=search.stop
    )
    best = plan
    if result.solution is not None:
        found = years.decode(built, result.solution)
        as_good = problem.evaluate(found) >= problem.evaluate(plan) - 1e-6
        if as_good and not problem.violations(found) and problem.cost(found) < problem.cost(plan):
            best = found
    return best
