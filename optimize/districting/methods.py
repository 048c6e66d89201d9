"""Which method solves which goals, and why; one call for all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...instances.notes import all_of
from ...models.districting.measures import MEASURES, Geography, Parts, measure_named
from ...models.districting.objective import Objective
from ...models.districting.problem import Districting
from ...models.formulation import IntArray
from ..limits import Limits, Stop
from ..result import Reason, Result, Status
from ..search import Listen
from .conflicts import obvious_conflicts

if TYPE_CHECKING:
    from .goals.levels import Goal, Level

Found = tuple[Result[IntArray], "tuple[Level, ...]"]
"""Result of the last level, and all levels."""

INERTIA, BORDERS = "moment-of-inertia", ("border", "cut-edges")
DIRECT = {INERTIA: "lagrangian", "border": "labelling", "cut-edges": "labelling"}
"""Method of each measure that has one of its own."""


@dataclass(frozen=True, eq=False)
class Question:
    """
    What a method gets.

    Parameters
    ----------
    problem, geography, goals
        What is asked.
    weight_names
        What each weight is called, for messages.
    limits, stop, listen
        How long, a request to stop, and who hears of (objective, bound).
    solver
        Backend; None for the one that suits the method.
    """

    problem: Districting
    geography: Geography
    goals: tuple[Goal, ...]
    weight_names: tuple[str, ...]
    limits: Limits
    stop: Stop | None = None
    listen: Listen | None = None
    solver: str | None = None

    @property
    def how(self) -> dict[str, Any]:
        """Arguments that every engine takes."""
        solver = {} if self.solver is None else {"solver": self.solver}
        return {"limits": self.limits, "stop": self.stop, "listen": self.listen, **solver}


@dataclass(frozen=True, eq=False)
class Answer:
    """
    What a method found.

    Parameters
    ----------
    result
        District 0..k-1 of each node; the result of the last level.
    method, why
        The method, and why it was chosen.
    levels
        Levels of several goals, in their order.
    """

    result: Result[IntArray]
    method: str
    why: str
    levels: tuple[Level, ...] = ()


class Method(NamedTuple):
    """
    A method: what it is, what it can minimise, and how it is called.

    ``objectives`` names measures that it takes alone; None for goals of any kind.
    """

    text: str
    objectives: tuple[str, ...] | None
    solve: Callable[[Question], Found]


def _inertia(question: Question) -> Found:
    from .hess.engine import solve_districting  # noqa: PLC0415 - engines are slow to load

    labels = question.weight_names
    return solve_districting(question.problem, weight_labels=labels, **question.how), ()


def _hess(question: Question, contiguity: Any) -> Found:  # noqa: ANN401 - a literal of its module
    from .formulations import solve_hess  # noqa: PLC0415 - engines are slow to load

    return solve_hess(question.problem, contiguity=contiguity, **question.how), ()


def _labelling(question: Question) -> Found:
    from .labelling.engine import solve_labelling  # noqa: PLC0415 - engines are slow to load

    costs = _parts(question).edge_costs
    if costs is None:
        costs = np.zeros(len(question.problem.edges))
    return solve_labelling(question.problem, edge_costs=costs, **question.how), ()


def _combined(question: Question) -> Found:
    from .goals.levels import solve_goals  # noqa: PLC0415 - engines are slow to load

    plain = len(question.goals) > 1 and question.problem.rules is None
    found = solve_goals(
        question.problem,
        question.goals,
        geography=question.geography,
        method="auto" if plain else "combined",
        **question.how,
    )
    return found.result, found.levels


def _heuristic(question: Question) -> Found:
    """Search plans without any bound."""
    from .heuristics import find_plan  # noqa: PLC0415 - engines are slow to load

    parts, began = _parts(question), time.monotonic()
    objective = Objective(parts.inertia, parts.edge_costs, parts.label_costs)
    listen = question.listen

    def heard(seconds: float, value: float) -> None:
        del seconds
        if listen is not None:
            listen(value, None)

    trace = find_plan(
        question.problem,
        objective,
        seconds=question.limits.seconds,
        seed=question.limits.seed,
        stop=question.stop,
        listen=heard,
    )
    stopped = question.stop is not None and question.stop.requested
    found = trace.plan is not None and not question.problem.violations(trace.plan)
    result = Result[IntArray](
        Status.FEASIBLE if found else Status.UNKNOWN,
        Reason.INTERRUPTED if stopped else Reason.TIME,
        solution=trace.plan if found else None,
        objective=objective.evaluate(question.problem, trace.plan)
        if found and trace.plan is not None
        else None,
        seconds={"heuristic": time.monotonic() - began},
        seed=question.limits.seed,
    )
    return result, ()


def _parts(question: Question) -> Parts:
    """Sum the goals of one level."""
    parts = Parts()
    for goal in question.goals:
        measure = measure_named(goal.measure, question.geography)
        parts += measure.parts(question.problem).scaled(goal.weight)
    return parts


METHODS: dict[str, Method] = {
    "lagrangian": Method(
        "Lagrangian bound, variable fixing, a small Hess model with cuts", (INERTIA,), _inertia
    ),
    **{
        f"hess-{name}": Method(
            f"Hess model with all variables, contiguity {name.upper()}",
            (INERTIA,),
            partial(_hess, contiguity=name),
        )
        for name in ("cut", "lcut", "shir", "mcf", "scf")
    },
    "labelling": Method("labelling model with contiguity cuts in one tree", BORDERS, _labelling),
    "combined": Method("combined formulation of any goals, level by level", None, _combined),
    "heuristic": Method(
        "several starts and annealing, no bound",
        (INERTIA, *BORDERS, "moved", "minutes"),
        _heuristic,
    ),
}
"""Every method by the name that people type."""


def choose_method(goals: Sequence[Goal], wanted: str | None = None) -> tuple[str, str]:
    """
    Return a method for some goals, and why it is this one.

    Raises
    ------
    ValueError
        If the wanted method is unknown or cannot minimise these goals.
    """
    alone = goals[0].measure if len(goals) == 1 else None
    if wanted in {None, "auto"}:
        name, why = _suitable(alone)
        return name, f"{why}: {METHODS[name].text}"
    if wanted not in METHODS:
        known = ", ".join(["auto", *METHODS])
        raise ValueError(f"--method {wanted} not understood; choose one of {known}.")
    takes = METHODS[wanted].objectives
    if takes is not None and alone not in takes:
        asked = " and ".join(goal.measure for goal in goals)
        able = ", ".join(["auto", *(name for name, m in METHODS.items() if m.objectives is None)])
        raise ValueError(
            f"--method {wanted} minimises one of {', '.join(takes)} alone, not {asked}; choose "
            f"{able}, or another objective."
        )
    return wanted, "asked for"


def _suitable(alone: str | None) -> tuple[str, str]:
    """Return the method of one measure, or of several if it is None, and why."""
    if alone is None:
        return "combined", "several goals"
    if alone in DIRECT:
        return DIRECT[alone], f"{alone} alone has a method of its own"
    return "combined", f"{alone} has no method of its own"


def solve_by(question: Question, method: str | None = None) -> Answer:
    """
    Solve by a method, or by the one that suits the goals.

    Raises
    ------
    ValueError
        If the method, a measure or data that it needs is not there.
    """
    name, why = choose_method(question.goals, method)
    question.geography.check(question.problem)
    for goal in question.goals:
        measure_named(goal.measure, question.geography)
    conflicts = obvious_conflicts(question.problem, question.weight_names)
    if conflicts:
        proven = Result[IntArray](Status.INFEASIBLE, Reason.PROVEN).telling(all_of(conflicts))
        return Answer(proven, name, why)
    result, levels = METHODS[name].solve(question)
    return Answer(result, name, why, levels)


def all_values(
    problem: Districting, geography: Geography, assignment: IntArray
) -> Mapping[str, float]:
    """Every measure of a plan that can be computed from what is known, by name."""
    values = {}
    for name, kind in MEASURES.items():
        if all(getattr(geography, label) is not None for label in kind.needs):
            values[name] = kind(geography).evaluate(problem, assignment)
    return values
