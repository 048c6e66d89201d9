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
from ..dual_bound import DualBound
from ..limits import Limits, Stop
from ..result import Result
from ..search import Listen, Search
from ..solvers import solve_model
from .circles_bundles import bundles_of
from .circles_core import reduced
from .circles_cuts import company_rows
from .circles_search import Annealer
from .circles_strong import StrongModel, strong_model
from .circles_years import Years
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

ROUNDS_OF_BUNDLES, ROUNDS_BEFORE_SINGLES = 3, 4
"""Rounds of bundles for each of those; rounds for each one of single facilities after bundles."""

FOR_BUNDLES, FOR_SEARCH = 0.75, 0.7
"""Shares of the time that are left when annealing of bundles, and all of it, ends."""

SHARE_OF_A_YEAR = 0.12
"""Share of the time left for the bound of one year."""

LARGE = 500_000
"""Pairs of facilities and groups, over all years, above which only single years are solved."""

LARGE_RELAXATION = 200_000
"""Pairs of facilities and groups above which relaxations are solved from the inside."""

SHARE_OF_COST = 0.1
"""Share of the time that is kept for the least cost."""


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


def _prepared(search: Search[IntArray], problem: PhasedCircles) -> Years:
    with search.timed("reduce"):
        core = reduced(problem.ground, most=float(problem.budgets.sum()))
        years = Years(problem, core, company_rows(core))
    ground = problem.ground
    search.detail = (
        f"{core.facilities.size} of {int((~ground.exists).sum())} facilities, {core.num_groups} "
        f"groups of units and {core.num_circles} of {ground.num_circles} circles are left"
    )
    return years


def _highest(years: Years) -> float:
    """Objective if every circle that is left were recognised from the first year on."""
    problem, core = years.problem, years.core
    total = float(core.circle_residents.sum() * problem.weights.sum()) + years.offset()
    most = int(core.known.sum()) + core.num_circles
    return total - problem.bonus * float(np.maximum(problem.wanted - most, 0).sum())


def _anneal(search: Search[IntArray], years: Years, *, rounds: int) -> None:
    """Look for better plans: bundles of all categories first, then single facilities."""
    core, problem = years.core, years.problem
    if not core.facilities.size:
        return

    def over(left: float) -> bool:
        return search.done or search.deadline.seconds_left < left * search.limits.seconds

    bundles = bundles_of(core, problem)
    if bundles is not None:
        bundles.improve(
            lambda found: search.offer(years.full(found)),
            over=lambda: over(FOR_BUNDLES),
            rounds=ROUNDS_OF_BUNDLES * rounds,
            seed=search.limits.seed,
        )
    start = np.full(core.facilities.size, NEVER, dtype=np.int64)
    if search.plan is not None:
        start = years.of_core(search.plan)
    Annealer(core, problem).improve(
        lambda found: search.offer(years.full(found)),
        start=start,
        over=lambda: over(FOR_SEARCH),
        rounds=rounds if bundles is None else rounds // ROUNDS_BEFORE_SINGLES,
        seed=search.limits.seed,
        again=bundles is not None,
    )


def _prove(search: Search[IntArray], years: Years, *, only_bound: bool) -> None:
    """Bound by years, then by the strong formulation; solve what is left."""
    problem, caps = years.problem, None
    if problem.num_years > 1 and not only_bound:
        with search.timed("years"):
            caps = _caps(search, years)
        if _is_large(years):
            search.detail += "; the years together are too large for an integer program"
            return
    relaxation = _relaxed(search, years, caps)
    if not (search.done or only_bound):
        _solve_strong(search, years, relaxation)


@dataclass(frozen=True, eq=False)
class _Relaxation:
    """The strong formulation, and the bound of its relaxation if there is one."""

    built: StrongModel
    bound: DualBound | None


def _relaxed(search: Search[IntArray], years: Years, caps: FloatArray | None) -> _Relaxation:
    """Bound by pairs and by the relaxation of the strong formulation."""
    if years.problem.num_years == 1 and search.plan is not None:
        with search.timed("count"):
            search.raise_bound(years.pair_bound(search))
    built, bound = years.model(caps), None
    pairs = years.core.covers.nnz * years.problem.num_years
    if not search.done:
        with search.timed("bound"):
            # without a crossover, the interior point method often ends too far from an optimum
            inside = pairs > LARGE_RELAXATION
            share = 0.3 if pairs <= LARGE else 0.95
            bound = relaxation_bound(
                search, built.model, share=share, interior=inside, crossover=inside
            )
    return _Relaxation(built, bound)


def _solve_strong(search: Search[IntArray], years: Years, relaxation: _Relaxation) -> None:
    """Solve the strong formulation without the columns that its relaxation rules out."""
    model, bound = relaxation.built.model, relaxation.bound
    if bound is not None:
        model = without_hopeless(search, model, bound)
    with search.timed("solve"):
        seconds = search.deadline.seconds_left - SHARE_OF_COST * search.limits.seconds
        solve_rest(
            search,
            model,
            lambda values: years.decode(relaxation.built, values),
            seconds=max(0.1, seconds),
        )


def _is_large(years: Years) -> bool:
    return years.problem.num_years > 1 and years.core.covers.nnz * years.problem.num_years > LARGE


def _caps(search: Search[IntArray], years: Years) -> FloatArray:
    """
    Bound what each year counts for by the problems of one year; their sum bounds the search.

    Where they are large, relaxations of all years come first, and integer programs in the time
    that is left.
    """
    alone = [years.one_year(year) for year in range(years.problem.num_years)]
    caps = np.array([min(_highest(one), one.counting_bound()) for one in alone])

    def heed(year: int, inner: Search[IntArray]) -> None:
        search.nodes += inner.nodes
        search.version = inner.version or search.version
        caps[year] = min(caps[year], inner.objective if inner.proven else inner.bound)
        search.raise_bound(float(caps.sum()))

    relaxations: list[_Relaxation | None] = [None] * len(alone)
    if _is_large(years):
        for year, one in enumerate(alone):
            inner = _of_year(search, one, year, caps[year], share=0.9 / (len(alone) - year))
            if not inner.done:
                relaxations[year] = _relaxed(inner, one, None)
            heed(year, inner)
    for year, one in enumerate(alone):
        share = 0.8 / (len(alone) - year) if _is_large(years) else SHARE_OF_A_YEAR
        inner = _of_year(search, one, year, caps[year], share=share)
        if not inner.done:
            _anneal(inner, one, rounds=ROUNDS_OF_A_YEAR)
        if not inner.done:
            _solve_strong(inner, one, relaxations[year] or _relaxed(inner, one, None))
        heed(year, inner)
    return caps


def _of_year(
    search: Search[IntArray], one: Years, year: int, bound: float, *, share: float
) -> Search[IntArray]:
    """Begin the search of one year with what the plan of all years has in it."""
    inner: Search[IntArray] = new_search(
        violations=one.problem.violations,
        evaluate=one.problem.evaluate,
        limits=search.limits.within(max(0.05, share * search.deadline.seconds_left)),
        solver=search.solver,
        stop=search.stop,
        listen=None,
        maximize=True,
        is_whole=_is_whole(one.problem),
    )
    inner.offer(one.problem.nothing())
    if search.plan is not None:
        inner.offer(np.where(search.plan > year + 1, NEVER, np.minimum(search.plan, 1)))
    inner.raise_bound(bound)
    return inner


def _cheapest_of(search: Search[IntArray], years: Years, plan: IntArray) -> IntArray:
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
