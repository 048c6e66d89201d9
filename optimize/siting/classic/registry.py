"""Which engine solves which siting problem; engines are loaded when they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen

AUTO = "auto"


@dataclass(frozen=True)
class Engine:
    """
    Where an engine is.

    Parameters
    ----------
    problem
        Name of the class of the problem.
    module
        Module in this folder.
    function
        Function in it.
    """

    problem: str
    module: str
    function: str

    def load(self) -> Any:  # noqa: ANN401 - a module
        """Import its module."""
        return import_module(f".{self.module}", __package__)


ENGINES: Mapping[str, Engine] = {
    engine.problem: engine
    for engine in (
        Engine("PMedian", "p_median", "solve_p_median"),
        Engine("PCenter", "p_center", "solve_p_center"),
        Engine("PDispersion", "p_dispersion", "solve_p_dispersion"),
        Engine("SetCovering", "set_covering", "solve_set_covering"),
        Engine("BackupCovering", "backup_covering", "solve_backup_covering"),
        Engine("PartialCovering", "partial_covering", "solve_partial_covering"),
        Engine("GradualCovering", "gradual_covering", "solve_gradual_covering"),
        Engine("CooperativeCovering", "cooperative_covering", "solve_cooperative_covering"),
        Engine(
            "CapacitatedSetCovering", "capacitated_set_covering", "solve_capacitated_set_covering"
        ),
        Engine(
            "CapacitatedMaximalCovering",
            "capacitated_maximal_covering",
            "solve_capacitated_maximal_covering",
        ),
        Engine("MaximalCovering", "maximal_covering", "solve_maximal_covering"),
        Engine("FixedCharge", "fixed_charge", "solve_fixed_charge"),
        Engine("ModularCapacity", "modular_capacity", "solve_modular_capacity"),
        Engine("MultiService", "multi_service", "solve_multi_service"),
        Engine("ModularFloorArea", "modular", "solve_modular_floor_area"),
        Engine("CapacitatedPMedian", "capacitated_p_median", "solve_capacitated_p_median"),
    )
}
"""Engine of each problem, by the name of its class."""


def engine_of(problem: object) -> Engine:
    """
    Return the engine of a problem.

    Raises
    ------
    ValueError
        If it has none.
    """
    name = type(problem).__name__
    if name not in ENGINES:
        raise ValueError(f"There is no engine for {name}; there is one for {', '.join(ENGINES)}.")
    return ENGINES[name]


def methods_of(problem: object) -> Mapping[str, str]:
    """Return the methods of the engine of a problem, each with a line of text."""
    found: Mapping[str, str] = engine_of(problem).load().METHODS
    return found


def solve_siting(
    problem: object,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = AUTO,
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Any]:
    """
    Solve any classic siting problem by its engine.

    Parameters
    ----------
    problem
        A problem of :mod:`shequ.models.siting`.
    limits
        Time, gap, seed and threads.
    solver
        A backend; None for the one that suits the method.
    method
        A method of the engine; "auto" chooses.
    stop
        A request to stop; the best so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Raises
    ------
    ValueError
        If there is no engine for the problem, or no such method.
    """
    engine = engine_of(problem)
    solve = getattr(engine.load(), engine.function)
    result: Result[Any] = solve(
        problem, limits=limits, solver=solver, method=method, stop=stop, listen=listen
    )
    return result
