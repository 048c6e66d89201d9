"""What is known of one step of a rebalancing: objective, bound and bookkeeping."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from ....instances.notes import Note, note
from ....models.formulation import FloatArray, IntArray
from ...result import Reason, Result, Status
from ...search import TOLERANCE


@dataclass
class Stage:
    """Objective, bound and bookkeeping of one of the two steps."""

    is_whole: bool = False
    bound: float = 0.0
    objective: float = np.inf
    infeasible: bool = False
    ended: Reason = Reason.TIME
    told: Note | None = None
    nodes: int = 0
    cuts: int = 0
    version: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def proven(self) -> bool:
        """Whether nothing better exists."""
        slack = TOLERANCE * max(1.0, abs(self.objective))
        return np.isfinite(self.objective) and self.objective - self.bound <= slack

    def heed(self, result: Result[FloatArray]) -> None:
        """Count what a solve took, and take its bound."""
        self.nodes += result.nodes
        self.cuts += result.cuts
        self.version = result.version
        self.ended = result.reason
        if result.bound is not None:
            self.raise_bound(result.bound)

    def raise_bound(self, bound: float) -> None:
        """Take a proven bound; a whole objective rounds it up."""
        bound = float(np.ceil(bound - TOLERANCE)) if self.is_whole else bound
        self.bound = max(self.bound, min(bound, self.objective))

    def add_seconds(self, phase: str, began: float) -> None:
        """Count the time since ``began`` to a phase."""
        self.seconds[phase] = self.seconds.get(phase, 0.0) + time.monotonic() - began

    def result(self, base: Result[IntArray], *, interrupted: bool) -> Result[IntArray]:
        """State what is known; ``base`` holds the plan and who found it."""
        known = base.solution is not None and not self.infeasible
        status = Status.FEASIBLE if known else Status.UNKNOWN
        reason = self.ended
        if self.infeasible:
            status, reason = Status.INFEASIBLE, Reason.PROVEN
        elif known and self.proven:
            status, reason = Status.OPTIMAL, Reason.PROVEN
        elif interrupted:
            reason = Reason.INTERRUPTED
        elif reason is Reason.PROVEN:
            reason = Reason.LIMIT
        bound = min(self.bound, self.objective)
        return replace(
            base,
            status=status,
            reason=reason,
            solution=base.solution if known else None,
            objective=self.objective if known else None,
            bound=float(bound) if np.isfinite(bound) and not self.infeasible else None,
            seconds=self.seconds,
            version=self.version,
            nodes=self.nodes,
            cuts=self.cuts,
        ).telling(self.told or (note("no_plan") if self.infeasible else None))
