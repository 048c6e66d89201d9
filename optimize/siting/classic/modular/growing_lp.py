"""
A linear relaxation that grows: rows are added to it, and it is solved again from where it ended.

Its bound does not rest on what the solver says of itself. For any prices u of the rows, of the
right signs, no point of the relaxation is worth more than

    Σ_r u_r b_r + Σ_j max(d_j l_j, d_j h_j),     d = c - uᵀA

where column j lies in [l_j, h_j] and b_r is the bound of row r that u_r leans on (Neumaier and
Shcherbina 2004, "Safe bounds in linear and mixed-integer linear programming", Mathematical
Programming 99).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from .....models.formulation import FloatArray, IntArray, LinearModel
from ....limits import Limits
from ....solvers.backend import Task
from ....solvers.highs import load_highspy, loaded, set_options
from ....solvers.linear import relaxed


@dataclass(frozen=True, eq=False)
class Relaxation:
    """
    An optimum of the relaxation.

    Parameters
    ----------
    bound
        What nothing is worth more than.
    values, row_prices, gains
        Values of the columns; u of the rows, and d of the columns, of the head of the module.
    """

    bound: float
    values: FloatArray
    row_prices: FloatArray
    gains: FloatArray


@dataclass
class GrowingLp:
    """
    The relaxation of a model to be maximised whose columns all lie between finite numbers.

    Parameters
    ----------
    model
        The model; its rows grow.
    """

    model: LinearModel
    solver: Any = field(init=False)

    def __post_init__(self) -> None:
        """Load the model."""
        self.model = relaxed(self.model)
        self.solver = loaded(load_highspy(), self.model)

    def add(self, rows: sparse.csr_array, upper: FloatArray) -> None:
        """Add rows: ``rows @ x <= upper``."""
        model = self.model
        self.model = replace(
            model,
            rows=sparse.csr_array(sparse.vstack([model.rows, rows])),
            row_lower=np.r_[model.row_lower, np.full(upper.size, -np.inf)],
            row_upper=np.r_[model.row_upper, upper],
            row_name=None,
        )
        self.solver.addRows(
            upper.size,
            np.full(upper.size, -np.inf),
            upper,
            rows.nnz,
            rows.indptr[:-1].astype(np.int32),
            rows.indices.astype(np.int32),
            rows.data,
        )

    def solve(self, limits: Limits) -> Relaxation | None:
        """Solve; None if the time did not suffice."""
        highs, library = self.solver, load_highspy()
        set_options(highs, Task(self.model, limits.within(limits.seconds)))
        # HiGHS counts its time from its first run on.
        highs.setOptionValue("time_limit", float(highs.getRunTime() + limits.seconds))
        highs.run()
        if highs.getModelStatus() != library.HighsModelStatus.kOptimal:
            return None
        found = highs.getSolution()
        prices = self._signed(np.array(found.row_dual, dtype=float))
        gains = self.model.costs - self.model.rows.T @ prices
        return Relaxation(
            self._bound(prices, gains), np.array(found.col_value, dtype=float), prices, gains
        )

    def _signed(self, prices: FloatArray) -> FloatArray:
        """Drop prices of bounds that rows do not have."""
        model = self.model
        leaned = np.where(prices > 0, model.row_upper, model.row_lower)
        return np.where(np.isfinite(leaned), prices, 0.0)

    def _bound(self, prices: FloatArray, gains: FloatArray) -> float:
        """Bound at some prices."""
        model = self.model
        leaned = np.where(prices > 0, model.row_upper, model.row_lower)
        used = np.flatnonzero(prices)
        ends = np.maximum(gains * model.lower, gains * model.upper)
        return float(prices[used] @ leaned[used] + ends.sum() + model.offset)


def rows_of(columns: list[IntArray], values: list[FloatArray], width: int) -> sparse.csr_array:
    """Stack rows that are given by their columns and values."""
    starts = np.cumsum([0, *(entries.size for entries in columns)])
    return sparse.csr_array(
        (np.concatenate(values), np.concatenate(columns), starts), shape=(len(columns), width)
    )
