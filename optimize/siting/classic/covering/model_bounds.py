"""
Bounds that hold whatever the duals are, and columns that they fix.

For any multipliers π of the rows, of the right sign, and columns within bounds,

    min c x ≥ Σ_i π_i b_i + Σ_j min(d_j l_j, d_j u_j)         d = c - Aᵀπ

so that a bound does not rest on the accuracy of the solver that gave π (Neumaier and Shcherbina
2004, "Safe bounds in linear and mixed-integer programming", Mathematical Programming 99). A column
whose move away from its better bound costs more than the best plan allows is fixed there.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .....models.formulation import FloatArray, LinearModel
from ....result import Status
from ....search import Search
from ....solvers import solve_lp

SAFE = 1e-9
"""Share of the terms by which a bound is lowered for rounding."""

LARGE = 20_000
"""Entries of a model above which its relaxation is solved from the inside."""


@dataclass(frozen=True, eq=False)
class DualBound:
    """
    A bound on a model, and what each column costs away from it.

    Parameters
    ----------
    value
        The bound, in the sense of the model.
    reduced_costs
        Change of the bound, as if minimised, per unit of each column, shape (columns,).
    """

    value: float
    reduced_costs: FloatArray


def dual_bound(model: LinearModel, row_duals: FloatArray) -> DualBound:
    """
    Bound a model whose columns are all bounded.

    Parameters
    ----------
    model
        The model; integrality is ignored.
    row_duals
        Multipliers in the sense of the model; those of a wrong sign are set to 0.
    """
    sign = -1.0 if model.maximize else 1.0
    duals = sign * row_duals
    usable = np.where(duals > 0, np.isfinite(model.row_lower), np.isfinite(model.row_upper))
    duals = np.where(usable & np.isfinite(duals), duals, 0.0)
    sides = np.where(duals > 0, model.row_lower, model.row_upper)
    rows = duals * np.where(duals == 0, 0.0, sides)
    reduced = sign * model.costs - model.rows.T @ duals
    columns = np.where(reduced > 0, model.lower, model.upper) * reduced
    size = float(np.abs(rows).sum() + np.abs(columns).sum()) + abs(model.offset)
    total = float(rows.sum() + columns.sum()) + sign * model.offset - SAFE * size
    return DualBound(sign * total, reduced)


def relaxation_bound(search: Search[Any], model: LinearModel, *, share: float) -> DualBound | None:
    """Solve the linear relaxation within a share of the time left, and take the bound."""
    if not (model.num_rows and model.num_columns):
        return None
    seconds = share * search.deadline.seconds_left
    limits = search.limits.within(seconds)
    relaxed = solve_lp(model, limits=limits, interior=model.rows.nnz > LARGE)
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
