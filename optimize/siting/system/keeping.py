"""
A plan of a service system beside an earlier one: begin with it, and take changes back.

A solve ends within a gap, so its plan may change more against an earlier one than pays. At the end
every facility whose state both plans share stays, and the program of all others is solved to
optimality: of the changes that are left, none can be taken back at a gain, alone or with others.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....models.formulation import FloatArray, LinearModel
from ....models.siting.service_parts import SystemPlan
from ....models.siting.service_system import ServiceSystem
from ....models.siting.service_system_model import SystemModel, system_model
from ...limits import Limits
from .best import Best
from .parts import Parts

LONGEST = 60.0
"""Seconds for what follows from facilities that are decided, and for taking changes back."""

LAST = 0.05
"""Share of the time that is left for taking changes back."""

SPARING = 1e-4
"""What a m² counts beside its cost, so that floor area that is of no use is not changed either."""


def completed(
    built: SystemModel, plan: SystemPlan, parts: Parts, *, keeps_area: bool = False
) -> FloatArray | None:
    """
    Return the columns of a plan whose facilities are decided, with all the rest at its best.

    Parameters
    ----------
    built
        The model.
    plan
        The plan.
    parts
        Solves programs.
    keeps_area
        Whether its floor areas are decided too, and only attachments are not.

    Returns
    -------
    FloatArray or None
        Shape (columns,); None if the plan breaks a hard rule, or nothing was found in time.
    """
    columns, model = built.columns, built.model
    sized = np.flatnonzero((columns.area >= 0) & keeps_area)
    decided = model.fixed(
        np.r_[columns.opening, columns.area[sized]], np.r_[plan.is_open, plan.area_m2[sized]]
    )
    if (decided.lower > model.upper).any() or (decided.upper < model.lower).any():
        return None
    return parts.part(decided, LONGEST, gap=0.0).solution


def attached(
    problem: ServiceSystem, plan: SystemPlan, *, limits: Limits, solver: str
) -> SystemPlan | None:
    """
    Return a plan with every shared need attached to a station at its best; None if that fails.

    Parameters
    ----------
    problem, plan
        The problem, and facilities with their floor area.
    limits, solver
        As in :func:`.engine.solve_system`.
    """
    if not problem.sharing.needs.size:
        return plan
    built = system_model(problem)
    values = completed(built, plan, Parts(limits, solver, None), keeps_area=True)
    return None if values is None else built.plan(values)


def take_back(built: SystemModel, model: LinearModel, best: Best, parts: Parts) -> None:
    """
    Take back every change of the best plan against the earlier one that does not pay.

    Parameters
    ----------
    built, model
        The model, maybe with more rows than when it was built.
    best
        Has the plan, and takes the better one.
    parts
        Solves programs.
    """
    earlier, plan, columns = built.problem.earlier, best.plan, built.columns
    if earlier is None:
        return
    same = np.flatnonzero(earlier.was_open == plan.is_open)
    costs = model.costs.copy()
    costs[columns.area[columns.area >= 0]] += SPARING
    program = replace(model, costs=costs).fixed(columns.opening[same], plan.is_open[same])
    found = parts.part(program, LONGEST, gap=0.0)
    if found.solution is not None:
        best.offer(built.plan(found.solution), at_par=True)
