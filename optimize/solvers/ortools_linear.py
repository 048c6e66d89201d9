"""HiGHS and PDLP as OR-tools brings them, through its model builder; whole arrays in."""

from __future__ import annotations

import importlib.metadata
import time
from typing import Any

import numpy as np
from scipy import sparse

from ...models.formulation import LinearModel
from .backend import Answer, Ending, Exchange, Task
from .isolation import Isolated

PDLP_PARAMETERS = (
    "termination_criteria {{ simple_optimality_criteria "
    "{{ eps_optimal_absolute: 1e-9 eps_optimal_relative: 1e-9 }} }} num_threads: {threads}"
)


def ortools_version() -> str:
    """Version of the installed OR-tools; "" if there is none."""
    try:
        return importlib.metadata.version("ortools")
    except importlib.metadata.PackageNotFoundError:
        return ""


class ModelBuilderSolver(Isolated):
    """
    A solver behind OR-tools' model builder.

    Its HiGHS reports its own objective as the bound when it stops at a gap, so it is always asked
    for a proof and its bound counts only with one. It also called a start optimal that was not
    (OR-tools 9.15), so starts are not handed over.
    """

    family = "ortools"

    def __init__(self, engine: str) -> None:
        """Choose the engine: "highs" or "pdlp"."""
        self.engine = engine
        self.name = f"ortools-{engine}"
        self.arguments = (engine,)
        self.kinds: tuple[str, ...] = ("LP",) if engine == "pdlp" else ("LP", "MIP")
        self.note = {
            "highs": "reports no bound without a proof; takes no start, a stop keeps nothing",
            "pdlp": "first-order method for very large linear programs, accurate to about 1e-6",
        }[engine]

    def version(self) -> str:
        """Version of OR-tools."""
        return ortools_version()

    def refuse(self, model: LinearModel) -> str:
        """PDLP takes no integer columns."""
        if self.engine == "pdlp" and model.num_integer:
            return f"it solves linear programs only and {model.num_integer} columns are integer"
        return ""

    def solve_here(self, task: Task, exchange: Exchange) -> Answer:
        """Fill the builder, solve, read the answer."""
        from ortools.linear_solver.python import (  # noqa: PLC0415 - must not meet highspy
            model_builder_helper as library,
        )

        began = time.perf_counter()
        builder = filled(library, task)
        solver = library.ModelSolverHelper(self.engine)
        solver.enable_output(False)
        built = time.perf_counter() - began
        solver.set_time_limit_in_seconds(max(0.01, task.limits.seconds - built))
        solver.set_solver_specific_parameters(self.parameters(task))
        del exchange
        solver.solve(builder)
        return self.read(library, solver, task, built=built)

    def parameters(self, task: Task) -> str:
        """Parameters in the engine's own language."""
        limits = task.limits
        if self.engine == "pdlp":
            return PDLP_PARAMETERS.format(threads=limits.threads)
        scale = min(1.0, float(np.abs(task.model.costs).max(initial=0.0)) or 1.0)
        options = {
            "mip_rel_gap": 1e-7,
            "mip_abs_gap": 1e-9 * scale,
            "random_seed": limits.seed % 2**31,
            "threads": limits.threads,
        }
        return "\n".join(f"{key}={value}" for key, value in options.items())

    def read(self, library: Any, solver: Any, task: Task, *, built: float) -> Answer:  # noqa: ANN401
        """Read what the solver claims."""
        status, kinds = solver.status(), library.SolveStatus
        endings = {
            kinds.OPTIMAL: Ending.OPTIMAL,
            kinds.INFEASIBLE: Ending.INFEASIBLE,
            kinds.UNBOUNDED: Ending.UNBOUNDED,
            kinds.FEASIBLE: Ending.TIME,
            kinds.NOT_SOLVED: Ending.TIME,
            kinds.CANCELLED_BY_USER: Ending.INTERRUPTED,
        }
        ending = endings.get(status, Ending.ERROR)
        values = np.array(solver.variable_values()) if solver.has_solution() else None
        objective = float(solver.objective_value()) if values is not None else None
        if ending is Ending.OPTIMAL and values is not None:
            objective = task.model.evaluate(values) if self.engine == "pdlp" else objective
        return Answer(
            ending,
            values=values,
            objective=objective,
            bound=objective if ending is Ending.OPTIMAL else None,
            build_seconds=built,
            detail=f"{status.name} {solver.status_string()}".strip(),
        )


def filled(library: Any, task: Task) -> Any:  # noqa: ANN401
    """Return a builder that holds the model."""
    model = task.model
    builder = library.ModelBuilderHelper()
    builder.fill_model_from_sparse_data(
        model.lower,
        model.upper,
        model.costs,
        model.row_lower,
        model.row_upper,
        sparse.csr_matrix(model.rows),
    )
    builder.set_maximize(model.maximize)
    builder.set_objective_offset(model.offset)
    for column in np.flatnonzero(model.integer).tolist():
        builder.set_var_integrality(column, True)
    return builder
