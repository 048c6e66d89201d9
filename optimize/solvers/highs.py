"""
HiGHS through highspy: whole arrays in, a MIP start, and callbacks that can stop it.

Huangfu and Hall (2018), "Parallelizing the dual revised simplex method".
"""

from __future__ import annotations

import functools
import importlib.metadata
import threading
import time
from typing import Any

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from .backend import Answer, Ending, Exchange, Task

BROKEN_VERSIONS = frozenset({"1.16.0"})
"""Versions that report wrong optima when a MIP start meets presolve."""

PROOF_GAP = 1e-7
"""Relative gap at which HiGHS may stop when a proof is asked for."""

_LAST = threading.local()
"""Threads of the last solve in this thread: HiGHS keeps them, and refuses another number."""


@functools.cache
def highs_version() -> str:
    """Version of the installed highspy; "" if there is none."""
    try:
        return importlib.metadata.version("highspy")
    except importlib.metadata.PackageNotFoundError:
        return ""


def require_sound_version(version: str) -> None:
    """
    Refuse a version of highspy whose optima cannot be trusted.

    Raises
    ------
    ValueError
        If the version is known to be broken.
    """
    if version in BROKEN_VERSIONS:
        raise ValueError(
            f"highspy {version} reports wrong optima when it is given a start; install another "
            "version, for example: pip install 'highspy!=1.16.0'"
        )


def load_highspy() -> Any:  # noqa: ANN401 - highspy brings no usable types
    """
    Import highspy once its version is known to be sound.

    Raises
    ------
    ValueError
        If the installed version is known to be broken, or the library cannot be loaded.
    """
    require_sound_version(highs_version())
    try:
        import highspy  # noqa: PLC0415 - loaded on first use, it takes a quarter of a second
    except ImportError as error:
        raise ValueError(
            "highspy cannot be loaded. If OR-tools was imported before it in this process, their "
            f"two copies of libhighs collide: import highspy first, or use it alone. ({error})"
        ) from error
    return highspy


class Highs:
    """The HiGHS backend."""

    name = "highs"
    kinds = ("LP", "MIP")
    note = "the default; takes a start, can be stopped at any time"

    def version(self) -> str:
        """Version of highspy."""
        return highs_version()

    def refuse(self, model: LinearModel) -> str:
        """Take every model."""
        del model
        return ""

    def solve(self, task: Task, exchange: Exchange) -> Answer:
        """Hand the arrays over, run, read the answer."""
        began = time.perf_counter()
        library = load_highspy()
        highs = loaded(library, task.model)
        set_options(highs, task)
        if task.start is not None:
            give_start(highs, task.start)
        watch(highs, library, task, exchange)
        built = time.perf_counter() - began
        highs.run()
        if highs.getModelStatus() == library.HighsModelStatus.kUnboundedOrInfeasible:
            highs.setOptionValue("presolve", "off")
            highs.run()
        return read_answer(highs, library, task, build_seconds=built)


def loaded(library: Any, model: LinearModel) -> Any:  # noqa: ANN401
    """Return a silent HiGHS object that holds the model."""
    highs = library.Highs()
    highs.setOptionValue("output_flag", False)
    rows = model.rows
    sense = library.ObjSense.kMaximize if model.maximize else library.ObjSense.kMinimize
    shape = (model.num_columns, model.num_rows, rows.nnz)
    # 2 is row-wise in passModel's own code; a HighsLp would be copied entry by entry
    head = (int(library.MatrixFormat.kRowwise), int(sense), model.offset)
    vectors = (model.costs, model.lower, model.upper, model.row_lower, model.row_upper)
    matrix = (rows.indptr.astype(np.int32), rows.indices.astype(np.int32), rows.data)
    kinds = model.integer.astype(np.int32)
    status = highs.passModel(*shape, *head, *vectors, *matrix, kinds)
    if status == library.HighsStatus.kError:
        raise ValueError(f"HiGHS refused model {model.name!r}: look for coefficients above 1e15.")
    return highs


def set_options(highs: Any, task: Task) -> None:  # noqa: ANN401
    """Set the limits; the absolute gap shrinks with the costs so that 0 gap means a proof."""
    limits = task.limits
    scale = min(1.0, float(np.abs(task.model.costs).max(initial=0.0)) or 1.0)
    options: dict[str, float | int] = {
        "time_limit": float(limits.seconds),
        "mip_rel_gap": limits.gap or PROOF_GAP,
        "mip_abs_gap": 1e-9 * scale,
        "random_seed": limits.seed % 2**31,
        "threads": limits.threads,
    }
    if task.seeks_bound:
        options["mip_heuristic_effort"] = 0.0
    if getattr(_LAST, "threads", limits.threads) != limits.threads:
        highs.resetGlobalScheduler(True)
    _LAST.threads = limits.threads
    for key, value in options.items():
        highs.setOptionValue(key, value)


def give_start(highs: Any, start: FloatArray) -> None:  # noqa: ANN401
    """Give the finite entries of the start."""
    known = np.flatnonzero(np.isfinite(start))
    highs.setSolution(known.size, known.astype(np.int32), start[known])


def watch(highs: Any, library: Any, task: Task, exchange: Exchange) -> None:  # noqa: ANN401
    """Let HiGHS report progress and ask whether to stop."""
    kinds = library.cb.HighsCallbackType
    sign = -1.0 if task.model.maximize else 1.0
    mip_kinds = {int(kinds.kCallbackMipInterrupt), int(kinds.kCallbackMipImprovingSolution)}

    def asked(kind: int, message: str, out: Any, reply: Any, data: object) -> None:  # noqa: ANN401
        del message, data
        if int(kind) in mip_kinds:
            bound = finite(out.mip_dual_bound)
            exchange.report(finite(out.mip_primal_bound), bound)
            if None not in (bound, task.cutoff) and sign * bound >= sign * task.cutoff:  # type: ignore[operator]
                reply.user_interrupt = True
        if exchange.halt.is_set() and reply is not None:
            reply.user_interrupt = True

    highs.setCallback(asked, None)
    for kind in (
        kinds.kCallbackSimplexInterrupt,
        kinds.kCallbackIpmInterrupt,
        kinds.kCallbackMipInterrupt,
        kinds.kCallbackMipImprovingSolution,
    ):
        highs.startCallback(kind)


def finite(number: float) -> float | None:
    """Return the number, or None where a solver writes infinity for "none"."""
    return float(number) if abs(number) < 1e20 else None


def read_answer(highs: Any, library: Any, task: Task, *, build_seconds: float) -> Answer:  # noqa: ANN401
    """Read solution, bound and status."""
    status, info = highs.getModelStatus(), highs.getInfo()
    kinds = library.HighsModelStatus
    endings = {
        kinds.kOptimal: Ending.OPTIMAL,
        kinds.kInfeasible: Ending.INFEASIBLE,
        kinds.kUnbounded: Ending.UNBOUNDED,
        kinds.kUnboundedOrInfeasible: Ending.UNBOUNDED,
        kinds.kTimeLimit: Ending.TIME,
        kinds.kInterrupt: Ending.INTERRUPTED,
        kinds.kIterationLimit: Ending.LIMIT,
        kinds.kSolutionLimit: Ending.LIMIT,
    }
    ending = endings.get(status, Ending.ERROR)
    solved = int(info.primal_solution_status) == int(library.SolutionStatus.kSolutionStatusFeasible)
    has_integers = bool(task.model.num_integer)
    bound = finite(info.mip_dual_bound) if has_integers else None
    objective = finite(info.objective_function_value) if solved else None
    sign = -1.0 if task.model.maximize else 1.0
    at_cutoff = None not in (bound, task.cutoff) and sign * bound >= sign * task.cutoff  # type: ignore[operator]
    if ending is Ending.INTERRUPTED and at_cutoff:
        ending = Ending.CUTOFF
    if not has_integers and ending is Ending.OPTIMAL:
        bound = objective
    return Answer(
        ending,
        values=np.array(highs.getSolution().col_value) if solved else None,
        objective=objective,
        bound=bound,
        nodes=max(0, int(info.mip_node_count)),
        build_seconds=build_seconds,
        detail=highs.modelStatusToString(status),
    )
