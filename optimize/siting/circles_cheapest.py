"""
The least cost to have a number of circles recognised: reductions, bisection, a strong program.

Annealing looks for enough circles with less and less money; the strong formulation of
:mod:`.circles_strong` with the inequalities of :mod:`.circles_cuts` proves how little it takes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...models.formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from ...models.siting.circles import NEVER, CheapestCircles, PhasedCircles
from ...models.siting.circles_model import cheapest_circles_model
from ..limits import Limits, Stop
from ..result import Reason, Result, Status
from ..search import Listen, Search
from .circles import METHODS
from .circles_core import Core, reduced
from .circles_cuts import add_company, add_counts, company_rows
from .circles_search import Annealer
from .circles_strong import strong_model
from .classic.covering.finish import choose_method, new_search, solve_rest
from .classic.covering.model_bounds import relaxation_bound, without_hopeless
from .classic.textbook import solve_textbook


def solve_cheapest_circles(
    problem: CheapestCircles,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Have a number of circles recognised at the least cost.

    Parameters
    ----------
    problem
        What is asked.
    limits, solver, method, stop, listen
        As for :func:`~.circles.solve_circles`.

    Returns
    -------
    Result of BoolArray
        What is there. Infeasible if all facilities together do not recognise as many circles.
    """
    choose_method(method, METHODS)
    if method == "textbook":
        return solve_textbook(
            problem, cheapest_circles_model, limits=limits, solver=solver, stop=stop, listen=listen
        )
    search: Search[BoolArray] = new_search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
    )
    core = reduced(problem.ground)
    most = int(core.known.sum()) + core.num_circles
    if most < problem.number:
        detail = (
            f"all facilities together make {most} circles whole, {problem.number} are asked for"
        )
        return Result(Status.INFEASIBLE, Reason.PROVEN, solver=search.solver, detail=detail)
    search.raise_bound(0.0)
    search.offer(problem.ground.exists.copy())
    everything = problem.ground.exists.copy()
    everything[core.facilities] = True
    search.offer(everything)
    if not search.done:
        with search.timed("search"):
            _bisect(search, problem, core)
    if not search.done:
        _prove_cheapest(search, problem, core, only_bound=method == "heuristic")
    return search.result()


def _bisect(search: Search[BoolArray], problem: CheapestCircles, core: Core) -> None:
    """Look for the least money for which annealing finds enough circles."""
    ground, low = problem.ground, 0.0
    high = float(core.costs.sum()) if search.plan is None else search.objective
    by_number = replace(core, circle_residents=np.ones(core.num_circles))
    for _ in range(10):
        if search.done or high - low <= 1e-3 * high:
            break
        money = (low + high) / 2
        alone = PhasedCircles(ground, budgets=np.array([money]), weights=np.ones(1))

        def offer(years: IntArray) -> bool:
            there = ground.exists.copy()
            there[core.facilities[years != NEVER]] = True
            return search.offer(there)

        before = search.objective
        start = np.full(core.facilities.size, NEVER, dtype=np.int64)
        Annealer(by_number, alone).improve(
            offer, start=start, over=lambda: search.over, rounds=2, seed=search.limits.seed
        )
        if search.objective < before:
            high = search.objective
        else:
            low = money


def _prove_cheapest(
    search: Search[BoolArray], problem: CheapestCircles, core: Core, *, only_bound: bool
) -> None:
    """Solve the strong formulation of the least cost."""
    company = company_rows(core)
    required = problem.required

    def extra(builder: ModelBuilder, y: IntArray, z: IntArray) -> None:
        add_company(builder, company, y[0], z[0])
        add_counts(builder, core, y[0])
        left = problem.number - int(core.known.sum())
        builder.add_rows(np.zeros(z.size, dtype=np.int64), z[0], 1, lower=[float(left)])
        if required is not None:
            least = required[core.circles].astype(float)
            builder.add_rows(np.arange(z.size), z[0], 1, lower=least)

    nothing = np.zeros((1, core.num_circles))
    built = strong_model(core, nothing, extra, costs=core.costs, maximize=False)

    def decode(values: FloatArray) -> BoolArray:
        there = problem.ground.exists.copy()
        there[core.facilities[values[built.y[0]] > 0.5]] = True
        return there

    model: LinearModel = built.model
    with search.timed("bound"):
        bound = relaxation_bound(search, model, share=0.3)
    if search.done or only_bound:
        return
    if bound is not None:
        model = without_hopeless(search, model, bound)
    with search.timed("solve"):
        solve_rest(search, model, decode)
