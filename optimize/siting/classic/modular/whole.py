"""One integer program of the whole city, from a plan at hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from .....models.formulation import FloatArray
from .....models.siting.modular_floor_area import totals
from ....limits import Limits, Stop
from ....result import Result
from ....search import Listen
from ....solvers import solve_model
from .part import PartModel, part_model
from .prices import whole_goal, whole_part
from .reduction import Reduced
from .segments import coarser
from .state import State


def solve_whole(
    reduced: Reduced,
    state: State | None,
    *,
    solver: str,
    limits: Limits,
    stop: Stop | None,
    heard: Callable[[float], None],
    error: float = 0.0,
) -> tuple[Result[FloatArray], State | None]:
    """
    Solve the strong formulation of all that is left after the reduction.

    Parameters
    ----------
    reduced
        The problem.
    state
        A plan to start from.
    solver, limits, stop
        Who solves it, and how long.
    heard
        Called with each new bound on the objective of the problem.
    error
        Residents by which the worth of a group may be set too high; such a program starts from the
        levels of the plan alone, and its own plan may serve too few.

    Returns
    -------
    tuple
        What the solver found, its bound turned to that of the problem, and the plan of it.
    """
    part = whole_part(reduced)
    segments = (part.segment_group, part.segment_worth, part.segment_need)
    if error > 0:
        group, worth, need = coarser(segments, error=error, above=True)
        part = replace(part, segment_group=group, segment_worth=worth, segment_need=need)
    built = part_model(part, whole_goal(reduced))
    sign = 1.0 if reduced.problem.maximize else -1.0
    start = None
    if state is not None and (error > 0 or solver == "scip"):
        start = _start(reduced, state, built, levels_only=error > 0)
    listen: Listen = lambda _, bound: None if bound is None else heard(sign * bound)  # noqa: E731 - one word
    found = solve_model(
        built.model, solver=solver, limits=limits, start=start, stop=stop, listen=listen
    )
    if found.bound is not None:
        heard(sign * found.bound)
    return found, _state(reduced, built, found.solution)


def _start(reduced: Reduced, state: State, built: PartModel, *, levels_only: bool) -> FloatArray:
    """Write a plan as values of the columns."""
    values = np.full(built.model.num_columns, np.nan)
    values[built.levels] = 0.0
    values[built.levels[state.chosen[state.chosen >= 0]]] = 1.0
    if not levels_only:
        given = totals(reduced.arc_group, state.flow, reduced.num_groups)
        values[built.segments] = reduced.filled(given)
        values[built.flows] = state.flow
    return values


def _state(reduced: Reduced, built: PartModel, values: FloatArray | None) -> State | None:
    """Read the plan of a solution."""
    if values is None:
        return None
    chosen = np.full(reduced.num_sites, -1, dtype=np.int64)
    taken = np.flatnonzero(np.rint(values[built.levels]) > 0)
    chosen[reduced.level_site[taken]] = taken
    return State(chosen, np.maximum(values[built.flows], 0.0))
