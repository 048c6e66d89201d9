"""
Sitings that differ from earlier ones and cost nearly as little as the cheapest.

Two integer programs an alternative (:mod:`...models.siting.station_overlap`): as few stations as
possible shared with all earlier ones, then the least walking among those that share no more. Each
is proven on its own. Every siting is checked again: its rules, its cost, and what it shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...models.formulation import BoolArray, FloatArray
from ...models.siting.station import Siting, StationSiting
from ...models.siting.station_models import StationModel
from ...models.siting.station_overlap import (
    apart_walking_model,
    least_overlap_model,
    most_kept,
)
from ..limits import Deadline, Limits, Stop
from ..result import Reason, Result, Status
from ..solvers import solve_model
from .trim import trimmed

SHARE = 0.5
"""Share of the time of one alternative for the first of its two steps."""

RELATIVE = 1e-6


@dataclass(frozen=True, eq=False)
class SitingAlternative:
    """
    One alternative, or why there is none.

    Parameters
    ----------
    shared
        What is proven of the stations shared, summed over all earlier sitings; its solution is the
        alternative, None if none was found.
    walking
        What is proven of the walking among those that share no more; None without an alternative.
    """

    shared: Result[Siting]
    walking: Result[Siting] | None = None

    @property
    def siting(self) -> Siting | None:
        """The alternative."""
        return self.shared.solution


def opened_by(problem: StationSiting, siting: Siting) -> BoolArray:
    """Candidates that a siting opens by choice, shape (sites,)."""
    return np.asarray(siting.is_open & problem.may_open)


def stations_shared(problem: StationSiting, siting: Siting, earlier: Sequence[Siting]) -> list[int]:
    """Return how many stations that each earlier siting opens a siting opens too."""
    own = opened_by(problem, siting)
    return [int((own & opened_by(problem, other)).sum()) for other in earlier]


def siting_alternatives(
    problem: StationSiting,
    first: Siting,
    *,
    number: int,
    budget: float,
    differ: float = 0.10,
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
) -> list[SitingAlternative]:
    """
    Find sitings that share as few stations as possible with the first and with each other.

    Parameters
    ----------
    problem
        What is asked; the first siting keeps its rules.
    first
        The siting to differ from.
    number
        Number of alternatives beside the first.
    budget
        Largest cost of each.
    differ
        Least share of the stations that any earlier siting opens, and that is left out.
    limits
        Time for all together, seed and threads; each step is solved to a proof if time allows.
    solver
        Backend of the integer programs.
    stop
        A request to stop.

    Returns
    -------
    list of SitingAlternative
        If there are fewer than asked the last holds no siting and says why: ``INFEASIBLE`` if it
        is proven that none is left, else ``UNKNOWN``.

    Raises
    ------
    ValueError
        If a number or a share makes no sense.
    """
    if number < 0:
        raise ValueError(f"number = {number} not understood; give 0 or more.")
    if not 0 < differ <= 1:
        raise ValueError(f"differ = {differ} not understood; give a share in (0, 1].")
    limits = replace(limits or Limits(), gap=0.0)
    deadline = Deadline.after(limits.seconds)
    found: list[SitingAlternative] = []
    earlier = [first]
    while len(found) < number and not (stop is not None and stop.requested):
        share = max(0.1, deadline.seconds_left / (number - len(found)))
        found.append(
            further_siting(
                problem, earlier, budget=budget, differ=differ, limits=limits.within(share),
                solver=solver, stop=stop,
            )
        )  # fmt: skip
        siting = found[-1].siting
        if siting is None:
            break
        earlier.append(siting)
    return found


def further_siting(
    problem: StationSiting,
    earlier: Sequence[Siting],
    *,
    budget: float,
    differ: float = 0.10,
    limits: Limits | None = None,
    solver: str = "scip",
    stop: Stop | None = None,
) -> SitingAlternative:
    """
    Find one siting that shares as few stations as possible with earlier ones.

    Parameters
    ----------
    problem
        What is asked.
    earlier
        Sitings of the same sites; they need not keep the rules of this problem.
    budget, differ, limits, solver, stop
        As for :func:`siting_alternatives`.
    """
    exact = replace(limits or Limits(), gap=0.0)
    return _Search(problem, budget, differ, tuple(earlier), exact, solver, stop).alternative()


@dataclass(frozen=True, eq=False)
class _Search:
    """The search for one alternative."""

    problem: StationSiting
    budget: float
    differ: float
    earlier: Sequence[Siting]
    limits: Limits
    solver: str
    stop: Stop | None

    def alternative(self) -> SitingAlternative:
        """Share as little as possible, then walk as little as possible."""
        opened = [opened_by(self.problem, siting) for siting in self.earlier]
        empty = [place for place, one in enumerate(opened) if not one.any()]
        if empty:
            return SitingAlternative(
                self._nothing(
                    Status.INFEASIBLE,
                    Reason.PROVEN,
                    f"plan {empty[0] + 1} opens no station, so nothing can be left out",
                )
            )
        deadline = Deadline.after(self.limits.seconds)
        budget = self.budget * (1 + RELATIVE)
        asked: dict[str, Any] = {"budget": budget, "earlier": opened, "differ": self.differ}
        model = least_overlap_model(self.problem, **asked)
        answer = self._solve(model, deadline.seconds_left * SHARE)
        siting = self._checked(model, answer)
        if siting is None:
            return SitingAlternative(self._missing(answer))
        least = sum(stations_shared(self.problem, siting, self.earlier))
        shared = self._stated(answer, siting, float(least), whole=True)
        second = apart_walking_model(self.problem, **asked, most_shared=least + 0.5)
        start = second.start(self.problem, siting)
        nearer = self._solve(second, max(0.1, deadline.seconds_left), start)
        found = self._checked(second, nearer, most_shared=least)
        walk = self.problem.walking
        best = siting if found is None or walk(found) > walk(siting) else found
        walking = self._stated(nearer, best, walk(best), whole=False)
        many = float(sum(stations_shared(self.problem, best, self.earlier)))
        return SitingAlternative(replace(shared, solution=best, objective=many), walking)

    def _solve(
        self, station: StationModel, seconds: float, start: FloatArray | None = None
    ) -> Result[FloatArray]:
        return solve_model(
            station.model,
            solver=self.solver,
            limits=self.limits.within(seconds),
            start=start,
            stop=self.stop,
        )

    def _checked(
        self, station: StationModel, answer: Result[FloatArray], *, most_shared: int | None = None
    ) -> Siting | None:
        """Return the siting of an answer if it keeps every rule, whatever the solver said."""
        if answer.solution is None:
            return None
        siting = trimmed(self.problem, station.siting(self.problem, answer.solution))
        shares = stations_shared(self.problem, siting, self.earlier)
        kept = all(
            share <= most_kept(opened_by(self.problem, other), self.differ)
            for share, other in zip(shares, self.earlier, strict=True)
        )
        cheap = self.problem.cost(siting) <= self.budget * (1 + 2 * RELATIVE) + RELATIVE
        few = most_shared is None or sum(shares) <= most_shared
        return siting if kept and cheap and few and not self.problem.violations(siting) else None

    def _stated(
        self, answer: Result[FloatArray], siting: Siting, value: float, *, whole: bool
    ) -> Result[Siting]:
        """State what is proven; a bound on a whole number is rounded up."""
        bound = answer.bound
        if bound is not None and whole:
            bound = float(np.ceil(bound - 1e-6))
        close = bound is not None and value - bound <= 1e-6 * max(1.0, abs(value))
        return Result(
            status=Status.OPTIMAL if close else Status.FEASIBLE,
            reason=Reason.PROVEN if close else _unproven(answer.reason),
            solution=siting,
            objective=value,
            bound=value if close else bound,
            **self._facts(answer),
        )

    def _missing(self, answer: Result[FloatArray]) -> Result[Siting]:
        rule = f"leaves out {100 * self.differ:g} % of the stations of each plan before"
        if answer.status is Status.INFEASIBLE:
            detail = f"no plan within the cost {rule}"
            return replace(
                self._nothing(Status.INFEASIBLE, Reason.PROVEN, detail), **self._facts(answer)
            )
        detail = f"no plan was found that {rule}"
        reason = _unproven(answer.reason)
        return replace(self._nothing(Status.UNKNOWN, reason, detail), **self._facts(answer))

    def _nothing(self, status: Status, reason: Reason, detail: str) -> Result[Siting]:
        return Result(status, reason, solver=self.solver, seed=self.limits.seed, detail=detail)

    def _facts(self, answer: Result[FloatArray]) -> dict[str, Any]:
        return {
            "seconds": answer.seconds,
            "solver": answer.solver,
            "version": answer.version,
            "seed": self.limits.seed,
            "nodes": answer.nodes,
            "model_size": answer.model_size,
        }


def _unproven(reason: Reason) -> Reason:
    return Reason.LIMIT if reason is Reason.PROVEN else reason
