"""
Bounds that hold whatever the duals are.

For any multipliers π of the rows, of the right sign, and columns within bounds,

    min c x ≥ Σ_i π_i b_i + Σ_j min(d_j l_j, d_j u_j)         d = c - Aᵀπ

so that a bound does not rest on the accuracy of the solver that gave π (Neumaier and Shcherbina
2004, "Safe bounds in linear and mixed-integer programming", Mathematical Programming 99).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..models.formulation import FloatArray, LinearModel

SAFE = 1e-9
"""Share of the terms by which a bound is lowered for rounding."""


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
