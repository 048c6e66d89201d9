"""A whole request on the units of a file: numbers of districts, goals, method; and its answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ...instances.balance import Balance, balance_of, possible_numbers
from ...instances.district_problem import UnitProblem
from ...instances.rule_book import RuleBook
from ...instances.rule_names import unit_groups
from ...instances.unit_graph import Distance, UnitGraph
from ...models.districting.measures import MEASURES
from ...models.formulation import IntArray
from ..limits import Limits, Stop
from ..result import Result
from ..search import Listen
from .methods import Answer, Question, solve_by
from .numbers import Numbered, smallest_number

if TYPE_CHECKING:
    from .goals.levels import Goal

LEAST = "least"
"""What people type for the smallest number of districts that has a plan."""

_SOURCES = {
    "edge_lengths": "the lengths of borders (shared_perim of the links, or polygons)",
    "outer_perimeter": "the outer outline of each unit (boundary_perim, or polygons)",
    "area": "the area of each unit (area, or polygons)",
    "today": "the community of today of each unit",
    "minutes": "walking minutes to seats",
}
"""Where a file says what a measure needs."""


@dataclass(frozen=True, eq=False)
class Request:
    """
    What is asked of the units of a file.

    Parameters
    ----------
    graph, book, balance
        Units, rules and bounds.
    numbers
        "3", "3:5" or "least"; None for the number of the file.
    goals
        What is to be small.
    distance
        Distance of the moment of inertia; None for that of the file.
    method, solver
        None for what suits.
    limits
        Time, gap, seed and threads.
    """

    graph: UnitGraph
    book: RuleBook
    balance: Balance
    numbers: str | None
    goals: tuple[Goal, ...]
    distance: Distance | None = None
    method: str | None = None
    solver: str | None = None
    limits: Limits = field(default_factory=Limits)

    def units_with(self, num_districts: int) -> UnitProblem:
        """Return the problem for a number of districts."""
        return UnitProblem(
            graph=self.graph,
            book=self.book,
            bounds=balance_of(self.graph, self.balance, num_districts),
            num_districts=num_districts,
            distance=self.distance or self.graph.default_distance,
        )

    def candidates(self) -> Sequence[int]:
        """
        Numbers of districts to try, the smallest first.

        Raises
        ------
        ValueError
            If the number is not understood, or there is none.
        """
        text, file = self.numbers, self.graph.raw.asked
        if text is None:
            if file.num_districts is None:
                raise ValueError(
                    f"{self.graph.raw.path.name} does not say how many districts. Give -k 3, a "
                    f"range -k 3:5, or -k {LEAST}."
                )
            return [file.num_districts]
        if text == LEAST:
            return self._from_least()
        first, colon, last = text.partition(":")
        ends = [first, last if colon else first]
        if not all(end.strip().isdigit() and int(end) > 0 for end in ends):
            raise ValueError(f"-k {text} not understood; give 3, a range 3:5, or {LEAST}.")
        low, high = (int(end) for end in ends)
        if low > high:
            raise ValueError(f"-k {text} is an empty range; give the smaller number first.")
        return self._fitting(range(low, high + 1))

    def _from_least(self) -> Sequence[int]:
        file = self.graph.raw.asked
        if not self.balance.upper and not (self.balance.is_empty and file.upper is not None):
            raise ValueError(
                f"-k {LEAST} needs to know how much a district may hold at most. Give --upper."
            )
        most = int(unit_groups(self.graph, self.book).max()) + 1
        return self._fitting(range(1, most + 1))

    def _fitting(self, numbers: range) -> Sequence[int]:
        """Numbers that the totals fit; the nearest one, to be proven infeasible, if none does."""
        if len(numbers) == 1:
            return numbers
        fitting = possible_numbers(self.graph, self.balance, numbers)
        if fitting:
            return fitting
        total = self.graph.weights[:, 0].sum()
        upper = balance_of(self.graph, self.balance, numbers[0]).upper[0]
        return [int(np.clip(np.ceil(total / max(upper, 1.0)), numbers[0], numbers[-1]))]


@dataclass(frozen=True, eq=False)
class Solved:
    """
    A request and its answer.

    Parameters
    ----------
    request
        What was asked.
    units
        The problem for the number of districts of the answer.
    numbered
        The answer, and the numbers of districts before it.
    history
        Rows (seconds since the start, number of districts, objective, bound).
    seconds
        Seconds in all.
    """

    request: Request
    units: UnitProblem
    numbered: Numbered
    history: tuple[tuple[float, int, float | None, float | None], ...]
    seconds: float

    @property
    def answer(self) -> Answer:
        """Answer for the number of districts."""
        return self.numbered.answer

    @property
    def result(self) -> Result[IntArray]:
        """District of each node."""
        return self.answer.result

    @property
    def note(self) -> str:
        """What is known of smaller numbers of districts, in words; empty if nobody asked."""
        text = self.request.numbers
        if text is None or text.isdigit():
            return ""
        first = self.numbered.attempts[0].num_districts
        start = 1 if text == LEAST else int(text.partition(":")[0])
        totals = f"fewer than {first} districts: the totals do not fit" if first > start else ""
        return "; ".join(filter(None, [totals, self.numbered.note]))

    @property
    def unit_districts(self) -> IntArray | None:
        """District of each unit, None without a plan."""
        plan = self.result.solution
        return None if plan is None else self.units.to_units(plan)


def solve_request(
    request: Request, *, stop: Stop | None = None, listen: Listen | None = None
) -> Solved:
    """
    Solve a request.

    Parameters
    ----------
    request
        What is asked.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Raises
    ------
    ValueError
        If what is asked contradicts itself or needs data that the file does not have.
    """
    began = time.monotonic()
    history: list[tuple[float, int, float | None, float | None]] = []

    def ask(num_districts: int, limits: Limits) -> Answer:
        def heard(objective: float | None, bound: float | None) -> None:
            history.append((time.monotonic() - began, num_districts, objective, bound))
            if listen is not None:
                listen(objective, bound)

        units = request.units_with(num_districts)
        _refuse_unknown(request, units)
        question = Question(
            problem=units.problem,
            geography=units.geography,
            goals=request.goals,
            weight_names=request.graph.weight_names,
            limits=limits,
            stop=stop,
            listen=heard,
            solver=request.solver,
        )
        return solve_by(question, request.method)

    numbered = smallest_number(request.candidates(), ask, limits=request.limits, stop=stop)
    units = request.units_with(numbered.num_districts)
    return Solved(request, units, numbered, tuple(history), time.monotonic() - began)


def _refuse_unknown(request: Request, units: UnitProblem) -> None:
    """Refuse objectives that the file does not tell enough for."""
    name = request.graph.raw.path.name
    for goal in request.goals:
        if goal.measure == "moved" and units.no_today:
            raise ValueError(f"'moved' needs the communities of today. {units.no_today}")
        kind = MEASURES[goal.measure]
        absent = [_SOURCES[need] for need in kind.needs if getattr(units.geography, need) is None]
        if absent:
            raise ValueError(
                f"{name} does not give {absent[0]}, which {goal.measure!r} needs. Give it, or "
                "choose another objective."
            )
