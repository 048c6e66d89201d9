"""What is computed for one grouping: its relaxation, its model, and the pairs that it may use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...models.formulation import BoolArray
from ...models.joint.grouped import GroupedModel, grouped_model
from ...models.joint.groupings import Grouping
from ...models.joint.problem import JointSplit
from ..districting.hess.engine import reachable_pairs
from ..districting.hess.lagrangian import Fixing
from ..limits import Deadline, Limits, Stop
from ..result import Result, Status
from ..solvers import solve_model
from ..solvers.lazy import solve_with_cuts
from .separation import RootSeparation

LP_SOLVER = "highs"

CLIMB, PROBING = 300, 60
"""Directions in which the dual of the split is climbed, and for each centre that is left."""


def relaxed(problem: JointSplit, grouping: Grouping, *, seed: int = 1) -> float | None:
    """
    Least cost of a grouping by its linear relaxation without contiguity; None if it has none.

    Parameters
    ----------
    problem, grouping
        The community, and its open sites by district.
    seed
        Seed of the solver.
    """
    model = grouped_model(problem, grouping).model
    free = replace(model, integer=np.zeros(model.num_columns, dtype=bool))
    result = solve_model(free, solver=LP_SOLVER, limits=Limits(10.0, seed=seed))
    if result.status is Status.INFEASIBLE:
        return None
    return grouping.cost if result.bound is None else result.bound


def solve_grouped(
    grouped: GroupedModel,
    *,
    limits: Limits,
    solver: str,
    cutoff: float | None = None,
    stop: Stop | None = None,
) -> Result[np.ndarray]:
    """
    Solve the model of one grouping, with contiguity added where it is broken.

    Parameters
    ----------
    grouped
        The model.
    limits, solver, stop
        As for :func:`.cheapest.solve_cheapest`.
    cutoff
        Only better plans are of interest.
    """
    separation = RootSeparation(grouped.problem.districting, grouped, grouped.roots)
    return solve_with_cuts(
        grouped.model,
        separation.broken_by,
        solver=solver,
        limits=limits,
        cutoff=cutoff,
        stop=stop,
        separate_fractional=separation.broken_in_part,
    )


def pairs_within(
    problem: JointSplit,
    limit: float,
    *,
    deadline: Deadline | None = None,
    stop: Stop | None = None,
) -> BoolArray:
    """
    Pairs (node, centre) that splits without stations below a moment of inertia may use.

    They are those that the Lagrangian bound of the split leaves, climbed once for every centre;
    stations can only take more away. None is left if it shows that there is no such split.

    Parameters
    ----------
    problem
        The community.
    limit
        Moment of inertia.
    deadline, stop
        When to end, and a request to stop: more pairs are left then.
    """
    split = problem.districting
    fixing = Fixing(split, np.where(reachable_pairs(split), -np.inf, np.inf))
    fixing.tighten(None, limit, iterations=CLIMB, deadline=deadline, stop=stop)
    if fixing.bound <= limit:
        fixing.probe(limit, iterations=PROBING, deadline=deadline, stop=stop)
    return fixing.allowed(limit) & (fixing.bound <= limit)
