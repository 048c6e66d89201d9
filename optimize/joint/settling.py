"""
Settle a grouping: find its best plan, or show that it holds none that is good enough.

Where the centres of its districts may lie is divided into boxes; bounds drop most of them
(:mod:`.centre_boxes`). What is left are combinations of single nodes, each of which gets an integer
program with its centres fixed: a few hundred columns, solved in some hundredths of a second. They
are looked at as soon as they are found, for a better plan ends the work where limits are loose.
After many divisions, larger boxes get programs first, in which a node costs what it does about the
nearest of their nodes. (Programs of several combinations of single nodes were tried and left:
solving one takes longer than solving each of its parts.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ...models.joint.grouped import grouped_model
from ...models.joint.problem import JointPlan
from ..limits import Deadline
from ..result import Reason, Status
from ..search import TOLERANCE, Search
from .centre_boxes import CentreBoxes, Combination
from .one_grouping import solve_grouped

MOST_BOXES = 200_000
"""Combinations of boxes that are bounded before larger ones are put into integer programs."""

AT_ONCE = 4000
"""Combinations of boxes that are bounded before the single nodes among them are looked at."""

LARGE_SECONDS = 1.0
"""Seconds of an integer program of boxes that can be divided."""

SINGLE_SECONDS = 10.0
"""Seconds of one that cannot, at first; twice as many each further time."""


@dataclass(frozen=True, eq=False)
class Question:
    """
    What is asked of a plan of boundaries and stations.

    Parameters
    ----------
    search
        The best plan so far, and the limits.
    most_inertia
        Largest moment of inertia of the cheapest plan; None for the most compact plan.
    target
        Gives the objective that a plan must lie below to be of interest.
    """

    search: Search[JointPlan]
    most_inertia: float | None
    target: Callable[[], float]

    @property
    def limit(self) -> float:
        """Moment of inertia above which nothing is of interest."""
        return self.target() if self.most_inertia is None else self.most_inertia


class Settling:
    """
    The work on one grouping, which can be continued.

    Parameters
    ----------
    boxes
        Boxes of the centres of its districts.
    question
        What is asked.
    least
        Objective of its plans at least, as far as is known.
    """

    def __init__(self, boxes: CentreBoxes, question: Question, least: float = -np.inf) -> None:
        """Begin with the boxes of all nodes."""
        self.boxes, self.question, self.least = boxes, question, least
        self.seconds = SINGLE_SECONDS
        self.bounded = 0
        self.waiting: list[Combination] = []
        if not boxes.is_empty:
            self._divide(boxes.all)
        if any(not boxes.is_single(one) for one in self.waiting):
            self._begin_again()
        boxes.release()

    @property
    def bound(self) -> float:
        """Moment of inertia of its plans at least; infinite if it is settled."""
        return min((one.bound for one in self.waiting), default=np.inf)

    def run(self, deadline: Deadline) -> bool:
        """Work until the deadline; whether the grouping is settled."""
        is_settled = self._work(deadline)
        self.boxes.release()
        return is_settled

    def _work(self, deadline: Deadline) -> bool:
        question, search = self.question, self.question.search
        while self.waiting and self.least < question.target():
            if search.over or deadline.passed:
                return False
            one = self.waiting.pop()
            if question.most_inertia is None and one.bound >= question.target():
                continue
            if not self.boxes.is_single(one):
                if self.bounded < MOST_BOXES or not self._is_ruled_out(one, deadline):
                    self._divide(one)
            elif self._is_still_left(one) and not self._is_ruled_out(one, deadline):
                self.seconds *= 2
                self.waiting.insert(0, one)
        return True

    def _divide(self, one: Combination) -> None:
        """Divide one combination; single nodes come next then, the lowest bound first."""
        parts, bounded = self.boxes.divided(one, self.question.limit, AT_ONCE)
        self.bounded += bounded
        single = [part for part in parts if self.boxes.is_single(part)]
        self.waiting += [part for part in parts if not self.boxes.is_single(part)]
        self.waiting += sorted(single, key=lambda part: -part.bound)

    def _begin_again(self) -> None:
        """Drop nodes that cannot be centres first: much is to be done, and it halves the work."""
        self.boxes.narrow(self.question.limit)
        self.waiting = []
        if not self.boxes.is_empty:
            self._divide(self.boxes.all)

    def _is_still_left(self, one: Combination) -> bool:
        """Whether a combination is left with the budget that a better plan has lowered."""
        question, boxes = self.question, self.boxes
        if question.most_inertia is None or not boxes.lower_budget(question.target()):
            return True
        return bool(boxes.divided(one, question.limit, 1)[0])

    def _is_ruled_out(self, one: Combination, deadline: Deadline) -> bool:
        """Solve the integer program of a combination; whether nothing better is in it."""
        boxes, question, search = self.boxes, self.question, self.question.search
        grouped = grouped_model(
            boxes.problem,
            boxes.grouping,
            inertia=boxes.inertia(one),
            most_inertia=question.most_inertia,
            seats=boxes.seats(one),
        )
        cutoff = question.target()
        seconds = self.seconds if boxes.is_single(one) else LARGE_SECONDS
        seconds = min(seconds, deadline.seconds_left, search.deadline.seconds_left)
        result = solve_grouped(
            grouped,
            limits=replace(search.limits, gap=search.limits.gap / 2).within(seconds),
            solver=search.solver,
            cutoff=cutoff if np.isfinite(cutoff) else None,
            stop=search.stop,
        )
        search.heed(result)
        search.num_cuts += result.cuts
        if result.solution is not None:
            labels = grouped.labels(result.solution)
            search.offer(boxes.grouping.plan(boxes.problem, labels))
        if result.status is Status.INFEASIBLE or result.reason is Reason.LIMIT:
            return True
        # Objectives count as equal up to the tolerance, or the work on a tie would not end.
        tied = question.target() - TOLERANCE * abs(question.target())
        return result.bound is not None and result.bound >= tied
