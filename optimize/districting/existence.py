"""
Proofs that no plan exists, or a plan where the heuristics found none.

First balance without contiguity, then the model of roots (:mod:`...models.districting.rooted`)
with separators inside the search tree.
"""

from __future__ import annotations

from ...models.districting.rooted import rooted_pairs, without_centres
from ..limits import Deadline
from ..result import Status
from .feasibility import packing_impossible
from .search import Search
from .tree import HessTree

MOST_PAIRS = 60_000
"""Number of pairs up to which the model of roots is built."""


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
        search.infeasible = True
        search.detail = "the units cannot be balanced, even without contiguity"
        return
    allowed = rooted_pairs(problem)
    if not allowed.any(axis=1).all():
        _impossible(search)
    if search.over or search.infeasible or allowed.sum() > MOST_PAIRS:
        return
    tree = HessTree(without_centres(problem), allowed, eager=True)
    found = tree.solve(
        solver=search.solver, limits=search.limits.within(deadline.seconds_left), stop=search.stop
    )
    search.heed(found.result)
    if found.result.status is Status.INFEASIBLE:
        _impossible(search)
    elif found.plan is not None:
        search.offer(found.plan)


def _impossible(search: Search) -> None:
    search.infeasible = True
    search.detail = "no connected plan keeps the bounds"
