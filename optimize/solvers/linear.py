"""Linear programs with their duals, for column generation and reduced-cost fixing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from ..limits import Limits
from ..result import Status
from .backend import Ending, Task
from .highs import load_highspy, loaded, read_answer, set_options


@dataclass(frozen=True, eq=False)
class LpResult:
    """
    Optimum of a linear program.

    Parameters
    ----------
    status
        OPTIMAL, INFEASIBLE, or UNKNOWN (a limit was met, or it is unbounded: see ``detail``).
    objective
        Optimal objective, offset included; None if there is no optimum.
    values, reduced_costs
        Of the columns, shape (columns,); empty if there is no optimum.
    row_duals
        Change of the objective per unit of the row's binding bound, shape (rows,).
    detail
        What the solver said.
    """

    status: Status
    objective: float | None
    values: FloatArray
    reduced_costs: FloatArray
    row_duals: FloatArray
    detail: str = ""


def solve_lp(
    model: LinearModel,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    interior: bool = False,
    crossover: bool = False,
) -> LpResult:
    """
    Solve the linear relaxation of ``model`` with HiGHS; integrality is ignored.

    ``costs - rows.T @ row_duals`` equals ``reduced_costs``, whichever way the model is optimised.

    Parameters
    ----------
    model
        What is solved.
    limits
        Time and threads.
    interior
        Whether to take the interior point method and to leave its end as it is, off the corners:
        much faster for large models, and values and duals are only nearly right.
    crossover
        Whether to go on from there to a corner, whose duals are right.

    Raises
    ------
    ValueError
        If the installed highspy is known to be broken.
    """
    library = load_highspy()
    task = Task(relaxed(model), limits)
    highs = loaded(library, task.model)
    set_options(highs, task)
    if interior:
        highs.setOptionValue("solver", "ipm")
        highs.setOptionValue("run_crossover", "on" if crossover else "off")
    highs.run()
    answer = read_answer(highs, library, task, build_seconds=0.0)
    empty = np.empty(0)
    if answer.ending is not Ending.OPTIMAL or answer.values is None:
        infeasible = answer.ending is Ending.INFEASIBLE
        status = Status.INFEASIBLE if infeasible else Status.UNKNOWN
        return LpResult(status, None, empty, empty, empty, answer.detail)
    found = highs.getSolution()
    return LpResult(
        Status.OPTIMAL,
        model.evaluate(answer.values),
        answer.values,
        np.array(found.col_dual, dtype=float),
        np.array(found.row_dual, dtype=float),
        answer.detail,
    )


def relaxed(model: LinearModel) -> LinearModel:
    """Return the model without integrality."""
    return replace(model, integer=np.zeros(model.num_columns, dtype=bool))
