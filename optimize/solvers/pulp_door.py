"""
CBC and whatever else PuLP finds, driven through PuLP.

PuLP calls a run "Optimal" as soon as it has a solution, so only ``sol_status`` counts here.
Forrest and Lougee-Heimer (2005), "CBC User Guide".
"""

from __future__ import annotations

import importlib.metadata
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ...models.formulation import FloatArray, LinearModel
from .backend import Answer, Ending, Exchange, Task
from .isolation import Isolated

LOG_DIGITS = 6e-4
"""CBC writes its bound with three decimals: half a unit of the last one, and a little."""


def pulp_version() -> str:
    """Version of the installed PuLP; "" if there is none."""
    try:
        return importlib.metadata.version("pulp")
    except importlib.metadata.PackageNotFoundError:
        return ""


class PulpSolver(Isolated):
    """One of PuLP's solvers."""

    family = "pulp"
    kinds = ("LP", "MIP")

    def __init__(self, engine: str) -> None:
        """Choose the engine: "CBC", or a name that ``pulp.listSolvers()`` knows."""
        self.engine = engine
        self.arguments = (engine,)
        self.name = "pulp-cbc" if engine == "CBC" else f"pulp:{engine}"
        self.note = (
            "takes a start, can be stopped at any time"
            if engine == "CBC"
            else "reports no bound without a proof; a stop keeps the start only"
        )

    def version(self) -> str:
        """Version of PuLP."""
        return pulp_version()

    def solve_here(self, task: Task, exchange: Exchange) -> Answer:
        """Write the model as PuLP's objects, solve, read the answer."""
        del exchange
        import pulp  # noqa: PLC0415 - loaded on the far side only

        began = time.perf_counter()
        problem, columns = as_problem(pulp, task)
        built = time.perf_counter() - began
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log.txt"
            seconds = max(0.01, task.limits.seconds - built)
            solver = self.engine_object(pulp, task, log, seconds)
            ran = time.perf_counter()
            problem.solve(solver)
            ran = time.perf_counter() - ran
            text = log.read_text(errors="replace") if log.exists() else ""
        return read_problem(
            pulp, problem, columns, task, log=text, built=built, out_of_time=ran >= seconds
        )

    def engine_object(self, pulp: Any, task: Task, log: Path, seconds: float) -> Any:  # noqa: ANN401
        """Return PuLP's solver object with our limits."""
        limits = task.limits
        common = {"msg": False, "timeLimit": seconds, "gapRel": limits.gap or 1e-9}
        if self.engine != "CBC":
            return pulp.getSolver(self.engine, **common)
        bundled = getattr(pulp, "PULP_CBC_CMD", None)
        return pulp.COIN_CMD(
            path=bundled.pulp_cbc_path if bundled is not None else None,
            threads=limits.threads if limits.threads > 1 else None,
            options=[f"randomCbcSeed {limits.seed % 2**31}"],
            warmStart=task.start is not None,
            logPath=str(log),
            **common,
        )


def as_problem(pulp: Any, task: Task) -> tuple[Any, list[Any]]:  # noqa: ANN401
    """Return a minimisation without offset, so that no solver can confuse sign or constant."""
    model = task.model
    sign = -1.0 if model.maximize else 1.0
    problem = pulp.LpProblem("model", pulp.LpMinimize)
    columns = [
        pulp.LpVariable(
            f"x{j}",
            low if np.isfinite(low) else None,
            high if np.isfinite(high) else None,
            pulp.LpInteger if whole else pulp.LpContinuous,
        )
        for j, (low, high, whole) in enumerate(
            zip(model.lower.tolist(), model.upper.tolist(), model.integer.tolist(), strict=True)
        )
    ]
    problem.addVariables(columns)
    costs = (sign * model.costs).tolist()
    problem.setObjective(pulp.LpAffineExpression(dict(zip(columns, costs, strict=True))))
    add_rows(pulp, problem, columns, model)
    if task.start is not None:
        for column, value in zip(columns, task.start.tolist(), strict=True):
            if np.isfinite(value):
                column.setInitialValue(value, check=False)
    return problem, columns


def add_rows(pulp: Any, problem: Any, columns: list[Any], model: LinearModel) -> None:  # noqa: ANN401
    """Add each row as one constraint, or two where both its bounds are finite and differ."""
    pointers = model.rows.indptr.tolist()
    indices, numbers = model.rows.indices.tolist(), model.rows.data.tolist()
    bounds = zip(model.row_lower.tolist(), model.row_upper.tolist(), strict=True)
    for i, (low, high) in enumerate(bounds):
        part = slice(pointers[i], pointers[i + 1])
        terms = dict(zip([columns[j] for j in indices[part]], numbers[part], strict=True))
        if low == high:
            sides = [(pulp.LpConstraintEQ, low, "e")]
        else:
            sides = [(pulp.LpConstraintGE, low, "l"), (pulp.LpConstraintLE, high, "u")]
        for sense, limit, letter in sides:
            if np.isfinite(limit):
                row = pulp.LpConstraint(pulp.LpAffineExpression(terms), sense, rhs=limit)
                problem.addConstraint(row, f"{letter}{i}")


def read_problem(
    pulp: Any,  # noqa: ANN401
    problem: Any,  # noqa: ANN401
    columns: list[Any],
    task: Task,
    *,
    log: str,
    built: float,
    out_of_time: bool,
) -> Answer:
    """Read ``sol_status``; a log that speaks of a limit outweighs it."""
    endings = {
        pulp.LpSolutionOptimal: Ending.OPTIMAL,
        pulp.LpSolutionInfeasible: Ending.INFEASIBLE,
        pulp.LpSolutionUnbounded: Ending.UNBOUNDED,
    }
    ending = endings.get(problem.sol_status, Ending.TIME if out_of_time else Ending.LIMIT)
    if "Stopped on time" in log:
        ending = Ending.TIME
    elif ending is Ending.LIMIT and problem.status == pulp.LpStatusInfeasible:
        # CBC's "Integer infeasible" is missing from PuLP's table of solution statuses
        ending = Ending.INFEASIBLE
    has_values = problem.sol_status in {pulp.LpSolutionOptimal, pulp.LpSolutionIntegerFeasible}
    values = column_values(columns, task.model) if has_values else None
    objective = task.model.evaluate(values) if values is not None else None
    bound = logged_bound(log, task.model)
    if bound is None and ending is Ending.OPTIMAL:
        bound = objective if not task.limits.gap or _says_proven(log) else None
    nodes = re.search(r"Enumerated nodes:\s+(\d+)", log)
    return Answer(
        ending,
        values=values,
        objective=objective,
        bound=bound,
        nodes=int(nodes.group(1)) if nodes else 0,
        build_seconds=built,
        detail=pulp.LpSolution[problem.sol_status],
    )


def _says_proven(log: str) -> bool:
    return "Result - Optimal solution found\n" in log


def column_values(columns: list[Any], model: LinearModel) -> FloatArray:
    """Values of the columns; one that a solver left out gets the value nearest to 0."""
    neutral = np.clip(0.0, model.lower, model.upper)
    found = [np.nan if column.varValue is None else column.varValue for column in columns]
    values = np.array(found, dtype=float)
    return np.where(np.isnan(values), neutral, values)


def logged_bound(log: str, model: LinearModel) -> float | None:
    """Bound that CBC's log ends with, lowered by what its rounding may hide; None if none."""
    found = re.findall(r"^Lower bound:\s+(\S+)", log, flags=re.MULTILINE)
    if not found:
        return None
    lower = float(found[-1])
    if not abs(lower) < 1e20:
        return None
    safe = lower - LOG_DIGITS - 1e-9 * abs(lower)
    return (-safe if model.maximize else safe) + model.offset
