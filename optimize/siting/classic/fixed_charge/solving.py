"""Solve a form: obstacles, then the Lagrangian bound with plans and fixing, then the tree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ....limits import Deadline
from ....search import Search
from .form import Form
from .neighbourhoods import SIZES, Neighbourhoods
from .nodes import effort_for
from .obstacles import obstacle
from .plan import Plan
from .plans import Planner
from .relaxation import Point, Relaxation
from .settling import aim_of, pruning_limit, settle
from .tree import Tree

ROUNDS, STEPS = 60, 40
"""Climbs at the root, and steps of each."""

FIRST_STEP, LAST_STEP = 1.5, 2e-3
PATIENCE = 20

AGAIN_STEP = 0.3
"""First factor of the steps of a climb that goes on with a better plan."""

SMALL_PLAN, SMALL_CLIENTS = 6, 60
"""Options and clients of a plan up to which neighbourhoods are no help."""

LARGE, LARGE_SHARE, SMALL_SHARE = 1_000_000, 0.8, 0.2
"""Pairs from which the tree is hopeless, and shares of the time that neighbourhoods get."""

THOROUGH_SHARE = 0.04
"""That share where the programs of the tree find better plans."""

FEW = 6
"""Open options of the largest neighbourhood of problems that the tree may solve."""


def solve_form(
    form: Form,
    search: Search[Any],
    offer: Callable[[Plan], object],
    *,
    solver: str,
    core: bool = False,
    point: Point | None = None,
) -> None:
    """
    Solve to a proof, or until the limits; all findings go to ``search``.

    Parameters
    ----------
    form
        The problem.
    search
        Best solution, bound and limits.
    offer
        Takes plans; it hands them to ``search``.
    solver
        Backend of integer programs.
    core
        Whether an integer program over what the bound leaves takes the place of the tree.
    point
        Where to begin the climb; None for prices of the second cheapest pairs.
    """
    reason = obstacle(form)
    if reason:
        search.infeasible, search.detail = True, reason
        return
    form = form.tightened()
    planner = Planner(form, search, offer, solver)
    with search.timed("bound"):
        relaxation, point, bound = climb_root(form, search, planner, point)
    if not search.done and planner.best is not None and worth_polishing(form, planner.best):
        with search.timed("heuristic"):
            polish(form, search, planner, point)
        with search.timed("bound"):
            relaxation, point, bound = climb_again(relaxation, point, bound, search, planner)
    if search.done:
        if search.closed:
            search.detail = "The Lagrangian bound alone proves the plan."
        return
    left = f"{relaxation.pairs.client.size} of {int(form.permitted.sum())} pairs"
    free = int((relaxation.lower < relaxation.upper).sum())
    search.detail = f"The Lagrangian bound left {left} and {free} sites to decide."
    with search.timed("solve"):
        tree = Tree(search, planner.take, planner.improve, solver, effort_for(form))
        if core:
            tree.close_by_program(relaxation, bound)
        else:
            tree.run(relaxation, point, bound)


def worth_polishing(form: Form, plan: Plan) -> bool:
    """Whether neighbourhoods of a plan are smaller than the problem."""
    return form.single and plan.options.size > SMALL_PLAN and form.num_clients > SMALL_CLIENTS


def polish(form: Form, search: Search[Any], planner: Planner, point: Point) -> None:
    """Solve neighbourhoods of the best plan."""
    large = int(form.permitted.sum()) > LARGE
    small = THOROUGH_SHARE if effort_for(form).rising else SMALL_SHARE
    seconds = search.deadline.seconds_left * (LARGE_SHARE if large else small)

    def solve_part(
        part: Form, inner: Search[Any], take: Callable[[Plan], object], start: Point
    ) -> None:
        solve_form(part, inner, take, solver=planner.solver, point=start)

    assert planner.best is not None  # noqa: S101 - asked for by the caller
    Neighbourhoods(form, search, planner.take, solve_part, Deadline.after(seconds), point).improve(
        planner.best, most=max(SIZES) if large else FEW
    )


def climb_again(
    relaxation: Relaxation, point: Point, bound: float, search: Search[Any], planner: Planner
) -> tuple[Relaxation, Point, float]:
    """Climb on with a better plan in hand, and drop what it rules out."""
    return climb_on(relaxation, point, bound, search, planner, step=AGAIN_STEP)


def climb_root(
    form: Form, search: Search[Any], planner: Planner, start: Point | None
) -> tuple[Relaxation, Point, float]:
    """Climb with plans and fixing in turns; return what is left, the best point and its bound."""
    relaxation = Relaxation.of(form)
    point, step = (first_point(form), FIRST_STEP) if start is None else (start, AGAIN_STEP)
    bound = -np.inf
    if not settle(relaxation):
        search.infeasible = True
        search.detail = "The rules of sites leave a client without a site."
        return relaxation, point, bound
    return climb_on(relaxation, point, bound, search, planner, step=step)


def climb_on(
    relaxation: Relaxation,
    point: Point,
    bound: float,
    search: Search[Any],
    planner: Planner,
    *,
    step: float,
) -> tuple[Relaxation, Point, float]:
    """Climb from a point with a first factor of the steps."""
    for _ in range(ROUNDS):
        limit = pruning_limit(search)
        climb = relaxation.climb(
            point,
            goal=limit,
            aim=aim_of(search, bound),
            step=step,
            patience=PATIENCE,
            iterations=STEPS,
        )
        bound, point, step = max(bound, climb.at.bound), climb.point, climb.step
        planner.improve(relaxation, climb)
        limit = pruning_limit(search)
        if np.isfinite(climb.at.bound):
            search.raise_bound(min(bound, limit))
        if np.isfinite(limit):
            relaxation.drop(climb.at, limit)
            if not settle(relaxation):
                search.raise_bound(limit)
        if search.done or step < LAST_STEP or bound >= limit:
            break
    return relaxation, point, bound


def first_point(form: Form) -> Point:
    """Price each client at its second cheapest pair."""
    costs = np.where(form.permitted, form.costs, np.inf)
    prices = np.partition(costs, min(1, form.num_options - 1), axis=0)[: min(2, form.num_options)]
    second = np.where(np.isfinite(prices[-1]), prices[-1], prices[0])
    return Point(second, 0.0, np.full(form.num_options, 0.5))
