"""Models without rows or without columns, which some solvers mishandle: solved by hand."""

from __future__ import annotations

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from .backend import Answer, Ending


def solve_trivial(model: LinearModel) -> Answer:
    """Put each column at its best bound; rows without columns are true or false."""
    low = np.where(model.integer, np.ceil(model.lower - 1e-9), model.lower)
    high = np.where(model.integer, np.floor(model.upper + 1e-9), model.upper)
    empty_row_fails = not model.num_columns and bool(
        ((model.row_lower > 0) | (model.row_upper < 0)).any()
    )
    if empty_row_fails or bool((low > high).any()):
        return Answer(Ending.INFEASIBLE, detail="infeasible by its bounds alone")
    values = best_ends(model, low, high)
    if not np.isfinite(values).all():
        return Answer(Ending.UNBOUNDED)
    objective = model.evaluate(values)
    return Answer(Ending.OPTIMAL, values=values, objective=objective, bound=objective)


def best_ends(model: LinearModel, low: FloatArray, high: FloatArray) -> FloatArray:
    """Best end of each column's range; the value nearest to 0 where it costs nothing."""
    costs = -model.costs if model.maximize else model.costs
    return np.where(costs > 0, low, np.where(costs < 0, high, np.clip(0.0, low, high)))
