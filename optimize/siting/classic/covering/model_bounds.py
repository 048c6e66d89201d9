"""
The bound of a relaxation, and the columns that it fixes.

A column whose move away from its better bound costs more than the best plan allows is fixed there
(:mod:`....dual_bound`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .....models.formulation import LinearModel
from ....dual_bound import SAFE, DualBound, dual_bound
from ....result import Status
from ....search import Search
from ....solvers import solve_lp

LARGE = 20_000
"""Entries of a model above which its relaxation is solved from the inside."""


def relaxation_bound(
    search: Search[Any],
    model: LinearModel,
    *,
    share: float,
    interior: bool | None = None,
    crossover: bool = False,
) -> DualBound | None:
    """
    Solve the linear relaxation within a share of the time left, and take the bound.

    Parameters
    ----------
    search, model
        The search, and a model of its problem.
    share
        Share of the time left.
    interior
        Whether to take the interior point method; None for large models only.
    crossover
        Whether it goes on to a corner.
    """
    if not (model.num_rows and model.num_columns):
        return None
    seconds = share * search.deadline.seconds_left
    limits = search.limits.within(seconds)
    relaxed = solve_lp(
        model,
        limits=limits,
        interior=model.rows.nnz > LARGE if interior is None else interior,
        crossover=crossover,
    )
    if relaxed.status is Status.INFEASIBLE:
        search.infeasible = search.plan is None
        search.raise_bound(search.objective)
        return None
    if relaxed.objective is None:
        return None
    bound = dual_bound(model, relaxed.row_duals)
    search.raise_bound(bound.value)
    return bound


def without_hopeless(search: Search[Any], model: LinearModel, bound: DualBound) -> LinearModel:
    """
    Fix the integer columns that no better plan than the best can move.

    Plans as good as the best may be lost: what is solved afterwards only looks for better ones.
    """
    if search.plan is None:
        return model
    allowed = search.sign * (search.objective - bound.value)
    if search.is_whole:
        allowed -= 0.5
    allowed += SAFE * max(1.0, abs(search.objective))
    width = model.upper - model.lower
    hopeless = model.integer & (np.abs(bound.reduced_costs) * np.minimum(width, 1) > allowed)
    low = hopeless & (bound.reduced_costs > 0)
    high = hopeless & (bound.reduced_costs < 0)
    return replace(
        model,
        upper=np.where(low, model.lower, model.upper),
        lower=np.where(high, model.upper, model.lower),
    )
