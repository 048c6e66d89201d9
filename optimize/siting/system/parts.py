"""Programs that a solve of a service system gives to a solver, under common limits."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ....models.formulation import FloatArray, LinearModel
from ...limits import Deadline, Limits, Stop
from ...result import Result, Status
from ...solvers import LpResult, solve_lp, solve_model

PART_GAP = 1e-4
"""Gap at which a part of a program is solved well enough."""


@dataclass(eq=False)
class Parts:
    """
    A solver under limits.

    Parameters
    ----------
    limits
        Time, gap, seed and threads of the whole solve.
    solver
        Backend of the integer programs.
    stop
        A request to stop.
    nodes
        Nodes of all integer programs so far.
    """

    limits: Limits
    solver: str
    stop: Stop | None
    deadline: Deadline = field(init=False)
    nodes: int = 0

    def __post_init__(self) -> None:
        """Start the time."""
        self.deadline = Deadline.after(self.limits.seconds)

    @property
    def is_stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self.stop is not None and self.stop.requested

    @property
    def is_over(self) -> bool:
        """Whether the time is over, or somebody asked to stop."""
        return self.is_stopped or self.deadline.passed

    def part(
        self,
        program: LinearModel,
        seconds: float,
        start: FloatArray | None = None,
        *,
        gap: float = PART_GAP,
        seeks_bound: bool = False,
    ) -> Result[FloatArray]:
        """Solve a part of a program on one thread, within seconds and the time that is left."""
        seconds = max(1.0, min(seconds, self.deadline.seconds_left))
        limits = replace(self.limits, gap=gap, threads=1).within(seconds)
        if self.solver != "highs":
            start = None
        found = solve_model(
            program,
            solver=self.solver,
            limits=limits,
            start=start,
            seeks_bound=seeks_bound,
            stop=self.stop,
        )
        self.nodes += found.nodes
        return found

    def whole(
        self, program: LinearModel, gap: float, start: FloatArray | None = None
    ) -> Result[FloatArray]:
        """Solve a whole program within the time that is left."""
        limits = replace(self.limits.within(self.deadline.seconds_left), gap=gap)
        if self.solver != "highs":
            start = None
        found = solve_model(program, solver=self.solver, limits=limits, start=start, stop=self.stop)
        self.nodes += found.nodes
        return found

    def relaxation(self, program: LinearModel, end: Deadline) -> LpResult | None:
        """Solve a relaxation by an interior point method; None if that was not possible."""
        if self.is_over:
            return None
        limits = self.limits.within(max(1.0, end.seconds_left))
        found = solve_lp(program, limits=limits, interior=True)
        return found if found.status is Status.OPTIMAL else None
