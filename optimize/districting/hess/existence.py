"""
Is there a plan at all, and are there only a few? The model of roots decides both.

First balance without contiguity, then the model of roots (:mod:`...models.districting.rooted`) with
separators inside the search tree. Where balance is so tight that few plans exist, listing all of
them proves the best one, long before bounds on costs would.
"""

from __future__ import annotations

import numpy as np

from ....instances.notes import note
from ....models.districting.problem import Districting
from ....models.districting.rooted import rooted_pairs, without_centres
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...limits import Deadline
from ...result import Status
from ...solvers.lazy import Cut
from ..feasibility import packing_impossible
from ..search import Search
from .tree import HessTree

MOST_PAIRS = 60_000
"""Number of pairs up to which the model of roots is built."""

MOST_PLANS = 100
"""Number of plans up to which they are listed."""


class TooManyPlansError(Exception):
    """More plans exist than are worth listing."""


def look_for_a_plan(search: Search, *, share: float) -> None:
    """
    Find a plan or prove that there is none, whatever it costs.

    Parameters
    ----------
    search
        Takes the plan, or the proof.
    share
        Share of the time that is left.
    """
    problem, deadline = search.problem, Deadline.after(share * search.deadline.seconds_left)
    solver = "highs" if search.solver == "scip" else search.solver
    if packing_impossible(
        problem,
        solver=solver,
        limits=search.limits.within(deadline.seconds_left / 4),
        stop=search.stop,
    ):
        search.rule_out(note("unbalanceable"))
        return
    allowed = rooted_pairs(problem)
    if not allowed.any(axis=1).all():
        _impossible(search)
    if search.over or search.infeasible or allowed.sum() > MOST_PAIRS:
        return
    found = HessTree(without_centres(problem), allowed, eager=True).solve(
        solver=search.solver, limits=search.limits.within(deadline.seconds_left), stop=search.stop
    )
    search.heed(found.result)
    if found.result.status is Status.INFEASIBLE:
        _impossible(search)
    elif found.plan is not None:
        search.offer(found.plan)


def _impossible(search: Search) -> None:
    search.rule_out(note("no_plan"))


def list_plans(search: Search, together: BoolArray, *, seconds: float) -> None:
    """
    List all plans if they are few: the best one is then proven.

    Parameters
    ----------
    search
        Takes the plans, and the proof.
    together
        Whether two nodes can share a district of a plan that is better than the best one known,
        shape (nodes, nodes).
    seconds
        Time limit.
    """
    problem = search.problem
    allowed = rooted_pairs(problem) & together
    if allowed.sum() > MOST_PAIRS:
        return
    listing = _Listing(without_centres(problem), allowed)
    try:
        found = listing.solve(
            solver=search.solver, limits=search.limits.within(seconds), stop=search.stop
        )
    except TooManyPlansError:
        found = None
    for plan in listing.plans.values():
        search.offer(plan)
    if found is None:
        return
    search.heed(found.result)
    if found.result.status is Status.INFEASIBLE:
        if search.plan is None:
            _impossible(search)
        else:
            search.raise_bound(search.objective)


class _Listing(HessTree):
    """The model of roots; every plan that it finds is noted and cut off."""

    def __init__(self, problem: Districting, allowed: BoolArray) -> None:
        super().__init__(problem, allowed, eager=True)
        self.plans: dict[bytes, IntArray] = {}

    def _broken(self, values: FloatArray) -> list[Cut]:
        cuts = super()._broken(values)
        if cuts:
            return cuts
        plan = self.hess.plan(values)
        self.plans[plan.tobytes()] = plan
        if len(self.plans) > MOST_PLANS:
            raise TooManyPlansError
        used = np.flatnonzero(values[: self.hess.node.size] > 0.5)
        return [Cut(used, np.ones(used.size), -np.inf, used.size - 1.0)]
