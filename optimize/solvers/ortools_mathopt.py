"""
SCIP and CP-SAT as OR-tools brings them, through MathOpt: arrays in, a start, news and an interrupt.

Bestuzheva et al. (2021), "The SCIP Optimization Suite 8.0"; Perron, Didier and Gay (2023), "The
CP-SAT-LP solver". OR-tools itself scales real coefficients to the integers that CP-SAT needs.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from .backend import Answer, Ending, Exchange, Task
from .isolation import Isolated
from .ortools_linear import ortools_version

TERMINATIONS = {
    "OPTIMAL": Ending.OPTIMAL,
    "INFEASIBLE": Ending.INFEASIBLE,
    "UNBOUNDED": Ending.UNBOUNDED,
    "INFEASIBLE_OR_UNBOUNDED": Ending.UNBOUNDED,
}
LIMITS = {"TIME": Ending.TIME, "INTERRUPTED": Ending.INTERRUPTED}


CP_SAT_BOUND = 1e7
"""OR-tools cuts wider domains off before CP-SAT sees them."""


class MathOptSolver(Isolated):
    """A solver behind MathOpt."""

    family = "ortools"

    def __init__(self, engine: str) -> None:
        """Choose the engine: "scip" or "cp-sat"."""
        self.engine = engine
        self.arguments = (engine,)
        self.name = {"scip": "ortools-scip", "cp-sat": "cp-sat"}[engine]
        self.kinds: tuple[str, ...] = ("LP", "MIP") if engine == "scip" else ("MIP",)
        self.note = {
            "scip": "takes a start, can be stopped at any time",
            "cp-sat": "integer columns with finite bounds only; takes a start",
        }[engine]

    def version(self) -> str:
        """Version of OR-tools."""
        return ortools_version()

    def refuse(self, model: LinearModel) -> str:
        """CP-SAT takes integers of a finite domain only."""
        if self.engine == "scip":
            return ""
        continuous = np.flatnonzero(~model.integer)
        if continuous.size:
            return f"it takes integer columns only and column {continuous[0]} is continuous"
        size = np.maximum(np.abs(model.lower), np.abs(model.upper))
        wide = np.flatnonzero(~(size <= CP_SAT_BOUND))
        if wide.size:
            j = int(wide[0])
            return (
                f"it needs bounds within {CP_SAT_BOUND:g} and column {j} has "
                f"[{model.lower[j]:g}, {model.upper[j]:g}]"
            )
        return ""

    def solve_here(self, task: Task, exchange: Exchange) -> Answer:
        """Fill the messages, solve, read the answer."""
        from ortools.math_opt import callback_pb2, parameters_pb2, result_pb2  # noqa: PLC0415
        from ortools.math_opt.core.python import solver  # noqa: PLC0415
        from ortools.util.python.solve_interrupter import SolveInterrupter  # noqa: PLC0415

        began = time.perf_counter()
        interrupter = SolveInterrupter()
        done = threading.Event()
        waiting = threading.Thread(target=_pass_on, args=(exchange, interrupter, done))
        waiting.start()
        model, hints = model_message(task.model), start_message(task)
        parameters = parameters_message(
            parameters_pb2, task, began, threads=self.engine == "cp-sat"
        )
        solution_event = callback_pb2.CALLBACK_EVENT_MIP_SOLUTION
        events = [solution_event] if task.model.num_integer else []

        def news(data: Any) -> Any:  # noqa: ANN401
            stats = data.mip_stats
            exchange.report(_finite(stats.primal_bound), _finite(stats.dual_bound))
            return callback_pb2.CallbackResultProto()

        engine = {"scip": "GSCIP", "cp-sat": "CP_SAT"}[self.engine]
        kind = parameters_pb2.SolverTypeProto.Value(f"SOLVER_TYPE_{engine}")
        built = time.perf_counter() - began
        try:
            result = solver.solve(
                model,
                kind,
                parameters_pb2.SolverInitializerProto(),
                parameters,
                hints,
                None,
                callback_pb2.CallbackRegistrationProto(request_registration=events),
                news if events else None,
                interrupter.pybind_interrupter,
            )
        finally:
            done.set()
            waiting.join()
        return read_result(result_pb2, result, task.model, built=built)


def _pass_on(exchange: Exchange, interrupter: Any, done: threading.Event) -> None:  # noqa: ANN401
    while not done.wait(0.02):
        if exchange.halt.is_set():
            interrupter.interrupt()
            return


def _finite(number: float) -> float | None:
    return float(number) if abs(number) < 1e20 else None


def model_message(model: LinearModel) -> Any:  # noqa: ANN401
    """Return the model as MathOpt's message."""
    from ortools.math_opt import model_pb2  # noqa: PLC0415

    message = model_pb2.ModelProto()
    columns, rows, matrix = (
        message.variables,
        message.linear_constraints,
        message.linear_constraint_matrix,
    )
    columns.ids.extend(range(model.num_columns))
    columns.lower_bounds.extend(model.lower.tolist())
    columns.upper_bounds.extend(model.upper.tolist())
    columns.integers.extend(model.integer.tolist())
    message.objective.maximize = model.maximize
    message.objective.offset = model.offset
    used = np.flatnonzero(model.costs)
    message.objective.linear_coefficients.ids.extend(used.tolist())
    message.objective.linear_coefficients.values.extend(model.costs[used].tolist())
    rows.ids.extend(range(model.num_rows))
    rows.lower_bounds.extend(model.row_lower.tolist())
    rows.upper_bounds.extend(model.row_upper.tolist())
    entries = model.rows.sorted_indices().tocoo()
    matrix.row_ids.extend(entries.row.tolist())
    matrix.column_ids.extend(entries.col.tolist())
    matrix.coefficients.extend(entries.data.tolist())
    return message


def start_message(task: Task) -> Any:  # noqa: ANN401
    """Return the start as MathOpt's message."""
    from ortools.math_opt import model_parameters_pb2  # noqa: PLC0415

    message = model_parameters_pb2.ModelSolveParametersProto()
    if task.start is not None:
        known = np.flatnonzero(np.isfinite(task.start))
        hint = message.solution_hints.add()
        hint.variable_values.ids.extend(known.tolist())
        hint.variable_values.values.extend(task.start[known].tolist())
    return message


def parameters_message(library: Any, task: Task, began: float, *, threads: bool) -> Any:  # noqa: ANN401
    """Return limits as MathOpt's message; the time spent on building is taken off."""
    limits = task.limits
    left = max(0.01, limits.seconds - (time.perf_counter() - began))
    message = library.SolveParametersProto(
        random_seed=limits.seed % 2**31,
        relative_gap_tolerance=limits.gap,
        absolute_gap_tolerance=0.0,
    )
    if threads:
        message.threads = limits.threads
    message.time_limit.FromNanoseconds(int(left * 1e9))
    return message


def read_result(library: Any, result: Any, model: LinearModel, *, built: float) -> Answer:  # noqa: ANN401
    """Read what the solver claims."""
    termination = result.termination
    reason = library.TerminationReasonProto.Name(termination.reason)
    limit = library.LimitProto.Name(termination.limit)
    default = LIMITS.get(limit.removeprefix("LIMIT_"), Ending.LIMIT)
    name = reason.removeprefix("TERMINATION_REASON_")
    if name not in {*TERMINATIONS, "FEASIBLE", "NO_SOLUTION_FOUND"}:
        default = Ending.ERROR
    bounds = termination.objective_bounds
    values: FloatArray | None = None
    if result.solutions and result.solutions[0].HasField("primal_solution"):
        found = result.solutions[0].primal_solution.variable_values
        values = np.zeros(model.num_columns)
        values[np.array(found.ids, dtype=np.int64)] = np.array(found.values)
    return Answer(
        TERMINATIONS.get(name, default),
        values=values,
        objective=_finite(bounds.primal_bound) if values is not None else None,
        bound=_finite(bounds.dual_bound),
        nodes=int(result.solve_stats.node_count),
        build_seconds=built,
        detail=f"{name} {termination.detail}".strip(),
    )
