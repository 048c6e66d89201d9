"""
SCIP through PySCIPOpt: a start, an objective limit, and inequalities that are added in its tree.

Bolusani et al. (2024), "The SCIP Optimization Suite 9.0". Lazy inequalities live in a constraint
handler that holds no constraints of its own: it checks every candidate, and answers an integer
solution of the linear relaxation that breaks some with these as new constraints.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import threading
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from .backend import Answer, Cut, Ending, Exchange, Separate, Task

ENDINGS = {
    "optimal": Ending.OPTIMAL,
    "infeasible": Ending.INFEASIBLE,
    "unbounded": Ending.UNBOUNDED,
    "inforunbd": Ending.UNBOUNDED,
    "timelimit": Ending.TIME,
    "userinterrupt": Ending.INTERRUPTED,
    "gaplimit": Ending.OPTIMAL,
}

WHOLE_GAP = 0.999
"""Absolute gap that proves an optimum where every objective is a whole number."""

_INFINITY = 1e20
_LAST = -2_000_000
_FREQUENT = -1


@dataclass(frozen=True)
class Scip:
    """
    The SCIP backend.

    Parameters
    ----------
    separate
        Inequalities that an integer point breaks, empty if it is accepted; None for no lazy ones.
        It is called in the thread that solves.
    separate_fractional
        Inequalities that a point of the linear relaxation breaks; None to separate integer points
        only.
    """

    separate: Separate | None = None
    separate_fractional: Separate | None = None

    name = "scip"
    kinds = ("LP", "MIP")
    note = "takes a start, can be stopped at any time, adds contiguity inside its search"

    def version(self) -> str:
        """Version of PySCIPOpt."""
        try:
            return importlib.metadata.version("pyscipopt")
        except importlib.metadata.PackageNotFoundError:
            return ""

    def refuse(self, model: LinearModel) -> str:
        """Take every model."""
        del model
        return ""

    def solve(self, task: Task, exchange: Exchange) -> Answer:
        """Build the model, solve it, read the answer."""
        began = time.perf_counter()
        run = _Run(task, exchange, self)
        built = time.perf_counter() - began
        return run.solve(built)


class _Run:
    """One solve."""

    def __init__(self, task: Task, exchange: Exchange, backend: Scip) -> None:
        import pyscipopt  # noqa: PLC0415 - loaded on first use, it takes a fifth of a second

        self.library, self.task, self.exchange, self.backend = pyscipopt, task, exchange, backend
        self.scip = pyscipopt.Model(task.model.name)
        self.scip.hideOutput()
        self.variables, self.terms = _add_columns(self.scip, task.model)
        model = task.model
        for row in range(model.num_rows):
            part = slice(model.rows.indptr[row], model.rows.indptr[row + 1])
            cut = Cut(
                model.rows.indices[part].astype(np.int64),
                model.rows.data[part],
                float(model.row_lower[row]),
                float(model.row_upper[row]),
            )
            self.add(cut)
        self.error: BaseException | None = None
        self._include_handlers()
        self._set_parameters()
        self._add_start()

    def add(self, cut: Cut) -> None:
        """Add one linear constraint."""
        from pyscipopt.scip import Expr, ExprCons  # noqa: PLC0415 - loaded on first use

        if not len(cut.columns):
            # SCIP takes no row without columns; 0 x + ... states the same.
            cut = Cut(np.zeros(1, dtype=np.int64), np.zeros(1), cut.lower, cut.upper)
        terms = self.terms
        expression = Expr(
            {
                terms[j]: c
                for j, c in zip(cut.columns.tolist(), cut.coefficients.tolist(), strict=True)
            }
        )
        lower = cut.lower if cut.lower > -_INFINITY else None
        upper = cut.upper if cut.upper < _INFINITY else None
        if lower is not None or upper is not None:
            self.scip.addCons(ExprCons(expression, lower, upper))

    def values(self, solution: Any = None) -> FloatArray:  # noqa: ANN401
        """Values of all columns; None for the solution of the current relaxation."""
        get = self.scip.getSolVal
        return np.array([get(solution, variable) for variable in self.variables])

    def rounded(self, solution: Any = None) -> FloatArray:  # noqa: ANN401
        """Return an integer point with its integers rounded."""
        values = self.values(solution)
        return np.where(self.task.model.integer, np.rint(values), values)

    def broken(self, separate: Separate, values: FloatArray) -> list[Cut]:
        """Cuts that a point breaks; an exception ends the solve, and is raised at its end."""
        if self.error is not None:
            return []
        try:
            return separate(values)
        except BaseException as error:  # noqa: BLE001 - SCIP would swallow it; raised in solve
            self.error = error
            self.scip.interruptSolve()
            return []

    def _include_handlers(self) -> None:
        _include_news(self)
        if self.backend.separate is not None:
            _include_cuts(self, self.backend.separate, self.backend.separate_fractional)

    def _set_parameters(self) -> None:
        scip, limits = self.scip, self.task.limits
        scip.setParam("limits/gap", limits.gap)
        scip.setParam("randomization/randomseedshift", limits.seed % 2**31)
        scip.setParam("misc/catchctrlc", False)
        scip.setParam("lp/threads", 1)
        if has_whole_objective(self.task.model):
            scip.setObjIntegral()
            scip.setParam("limits/absgap", WHOLE_GAP)
        if self.backend.separate is not None:
            # Symmetries of the model need not be symmetries of what the cuts allow.
            scip.setParam("misc/usesymmetry", 0)
        if self.task.seeks_bound:
            scip.setHeuristics(self.library.SCIP_PARAMSETTING.OFF)
        if self.task.cutoff is not None:
            scip.setObjlimit(self.task.cutoff)

    def _add_start(self) -> None:
        start = self.task.start
        if start is None:
            return
        known = np.flatnonzero(np.isfinite(start))
        full = known.size == start.size
        solution = self.scip.createSol() if full else self.scip.createPartialSol()
        for j in known:
            self.scip.setSolVal(solution, self.variables[j], float(start[j]))
        self.scip.addSol(solution)

    def solve(self, built: float) -> Answer:
        """Solve, with a watch on requests to stop."""
        left = self.task.limits.seconds - built
        self.scip.setParam("limits/time", max(0.01, left))
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), daemon=True)
        watch.start()
        try:
            self.scip.optimizeNogil()
        finally:
            done.set()
            watch.join()
        if self.error is not None:
            raise self.error
        return self._answer(built)

    def _watch(self, done: threading.Event) -> None:
        while not done.wait(0.02):
            if self.exchange.halt.is_set():
                # SCIP refuses while it has not begun yet, so ask until it ends.
                with contextlib.suppress(Exception):
                    self.scip.interruptSolve()

    def _answer(self, built: float) -> Answer:
        scip, model = self.scip, self.task.model
        status = scip.getStatus()
        ending = ENDINGS.get(status, Ending.LIMIT)
        values: FloatArray | None = None
        if scip.getNSols():
            values = self.values(scip.getBestSol())
        bound = scip.getDualbound()
        nodes = int(scip.getNTotalNodes())
        cutoff = self.task.cutoff
        if ending is Ending.INFEASIBLE and cutoff is not None:
            # Nothing is better than the limit; a solution in hand may be worse.
            ending, bound = Ending.CUTOFF, cutoff
        elif has_whole_objective(model) and abs(bound) < _INFINITY:
            bound = whole_bound(model, bound)
        return Answer(
            ending,
            values=values,
            objective=None if values is None else float(scip.getSolObjVal(scip.getBestSol())),
            bound=bound if abs(bound) < _INFINITY else None,
            nodes=nodes,
            build_seconds=built,
            detail="" if status in ENDINGS else f"SCIP ended with {status!r}.",
        )


def _add_columns(scip: Any, model: LinearModel) -> tuple[list[Any], list[Any]]:  # noqa: ANN401
    """Add the columns; returns variables, and their terms for expressions."""
    kinds = np.where(model.integer, "I", "C")
    kinds[model.integer & (model.lower >= 0) & (model.upper <= 1)] = "B"
    variables = [
        scip.addVar(lb=low, ub=high, obj=cost, vtype=kind)
        for low, high, cost, kind in zip(
            np.where(model.lower > -_INFINITY, model.lower, -_INFINITY).tolist(),
            np.where(model.upper < _INFINITY, model.upper, _INFINITY).tolist(),
            model.costs.tolist(),
            kinds.tolist(),
            strict=True,
        )
    ]
    scip.addObjoffset(model.offset)
    (scip.setMaximize if model.maximize else scip.setMinimize)()
    return variables, [next(iter(variable.terms)) for variable in variables]


def has_whole_objective(model: LinearModel) -> bool:
    """Whether the objective less its offset is a whole number at every integer point."""
    used = model.costs != 0
    whole = model.integer & (model.costs == np.rint(model.costs))
    return bool(whole[used].all())


def whole_bound(model: LinearModel, bound: float) -> float:
    """Round a bound to the next objective that a solution can have."""
    slack = 1e-6 * max(1.0, abs(bound))
    inner = bound - model.offset
    whole = np.floor(inner + slack) if model.maximize else np.ceil(inner - slack)
    return float(whole + model.offset)


def _include_news(run: _Run) -> None:
    """Report objective and bound whenever a node is done or a solution is found."""
    events = run.library.SCIP_EVENTTYPE
    kinds = (events.NODESOLVED, events.BESTSOLFOUND, events.LPSOLVED)

    class News(run.library.Eventhdlr):  # type: ignore[name-defined,misc]
        """Reports progress."""

        def eventinit(self) -> None:
            for kind in kinds:
                run.scip.catchEvent(kind, self)

        def eventexit(self) -> None:
            for kind in kinds:
                run.scip.dropEvent(kind, self)

        def eventexec(self, event: Any) -> None:  # noqa: ANN401
            del event
            objective = run.scip.getPrimalbound() if run.scip.getNSols() else np.inf
            bound = run.scip.getDualbound()
            run.exchange.report(
                objective if abs(objective) < _INFINITY else None,
                bound if abs(bound) < _INFINITY else None,
            )

    run.scip.includeEventhdlr(News(), "news", "reports objective and bound")


def _include_cuts(run: _Run, separate: Separate, fractional: Separate | None) -> None:
    """Check candidates, and answer broken inequalities by adding them."""
    library, result = run.library, run.library.SCIP_RESULT

    def enforced() -> dict[str, Any]:
        cuts = run.broken(separate, run.rounded())
        for cut in cuts:
            run.add(cut)
        return {"result": result.CONSADDED if cuts else result.FEASIBLE}

    class Cuts(library.Conshdlr):  # type: ignore[name-defined,misc]
        """Holds the inequalities that are not in the model yet."""

        def consenfolp(self, *_: Any) -> dict[str, Any]:  # noqa: ANN401
            return enforced()

        def consenfops(self, *_: Any) -> dict[str, Any]:  # noqa: ANN401
            return enforced()

        def conscheck(self, _: Any, solution: Any, *__: Any) -> dict[str, Any]:  # noqa: ANN401
            broken = run.broken(separate, run.rounded(solution))
            return {"result": result.INFEASIBLE if broken else result.FEASIBLE}

        def conssepalp(self, *_: Any) -> dict[str, Any]:  # noqa: ANN401
            cuts = [] if fractional is None else run.broken(fractional, run.values())
            for cut in cuts:
                run.add(cut)
            return {"result": result.CONSADDED if cuts else result.DIDNOTFIND}

        def conslock(self, constraint: Any, locktype: Any, up: int, down: int) -> None:  # noqa: ANN401
            """Lock every column both ways: a cut may have any sign."""
            del constraint
            for variable in run.variables:
                run.scip.addVarLocksType(variable, locktype, up + down, up + down)

    run.scip.includeConshdlr(
        Cuts(),
        "cuts",
        "inequalities that are added where a solution breaks them",
        enfopriority=_LAST,
        chckpriority=_LAST,
        sepapriority=0,
        sepafreq=1 if fractional is not None else _FREQUENT,
        needscons=False,
    )
