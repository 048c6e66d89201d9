"""
Stage site of a plan that starts from an earlier one: as few stations changed as possible.

The cheapest plan comes first, for comparison; then the fewest stations opened or no longer open,
then the least cost (:mod:`.kept_stations`). Walking is not minimised.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ...instances.city import City
from ...instances.notes import named, note
from ...instances.policy import Policy
from ...models.siting.station import Siting, StationSiting
from ..limits import Limits, Stop
from ..progress import Listener, Progress
from ..result import Reason, Result, Status
from ..siting.engine import cheapest_siting
from .kept_stations import EarlierStations, KeptStations, keep_stations
from .shortfall import InfeasibleError, Shortfall
from .site import CitySiting, NoPlanError, budget_remedy, walking_goal
from .site_shortfalls import Mend, more_sites, shortfalls


@dataclass(frozen=True, eq=False)
class Restationing:
    """
    The stations of a plan that starts from an earlier one.

    Parameters
    ----------
    siting
        The siting.
    missing
        Rules that are not met.
    changes, cost
        As of :class:`.kept_stations.KeptStations`.
    cheapest
        The cheapest plan for these communities, whatever it changes.
    """

    siting: CitySiting
    missing: tuple[Shortfall, ...]
    changes: Result[Siting]
    cost: Result[Siting]
    cheapest: Result[Siting]


@dataclass(frozen=True, eq=False)
class RestationTask:
    """
    What is asked of the stations.

    Parameters
    ----------
    city, policy
        The city and the rules.
    problem
        The siting of the communities of the plan, with its rules as the policy asks them.
    communities
        One row each with ``community_id``, ``name`` and ``street_id``.
    earlier
        The earlier decision.
    budget
        Money to spend; None for all rules at least cost.
    relax
        Meet what can be met and list the rest; otherwise refuse.
    stop, listen
        A request to stop, and who hears of progress.
    """

    city: City
    policy: Policy
    problem: StationSiting
    communities: pd.DataFrame
    earlier: EarlierStations
    budget: float | None
    relax: bool
    stop: Stop | None
    listen: Listener

    def solve(self, seconds: float) -> Restationing:
        """
        Open stations with as few changes as possible.

        Parameters
        ----------
        seconds
            Time limit.

        Raises
        ------
        InfeasibleError
            If the sites cannot meet the rules, unless ``relax`` or with a budget.
        NoPlanError
            If nothing was found within the limits.
        """
        impossible = self._missed(self.problem.everything(), more_sites)
        if impossible and not self.relax and self.budget is None:
            raise InfeasibleError(impossible)
        attainable = self.problem.attainable()
        tuning = self.policy.solver
        limits = Limits(seconds, tuning.siting_gap, tuning.seed, tuning.threads)
        exact = replace(limits.within(seconds / 3), gap=0.0)
        self.listen(Progress("site", text="the cheapest plan, for comparison"))
        how: dict[str, Any] = {"solver": tuning.name, "stop": self.stop}
        cheapest = cheapest_siting(attainable, limits=exact, **how)
        self.listen(Progress("site", text="fewest stations changed"))
        asked = attainable if self.budget is None else self.problem
        found = keep_stations(
            asked, self.earlier, budget=self.budget, limits=limits.within(2 * seconds / 3), **how
        )
        if found is None and self.budget is None:
            found = _without_keeping(cheapest, self.earlier)
        if found is None:
            raise NoPlanError("No siting near the earlier plan was found within the limits.")
        state = self._within_rules if self.budget is None else self._within_budget
        siting, mend = state(attainable, found, cheapest)
        missing = tuple(self._missed(found.siting, mend))
        return Restationing(siting, missing, found.changes, found.cost, cheapest)

    def _missed(self, siting: Siting, mend: Mend) -> list[Shortfall]:
        """Return what stations leave unmet."""
        found = shortfalls(self.city, self.policy, self.problem, siting, self.communities, mend)
        return list(found)

    def _within_budget(
        self, attainable: StationSiting, found: KeptStations, cheapest: Result[Siting]
    ) -> tuple[CitySiting, Mend]:
        """State the siting, and what would mend what a budget leaves unmet."""
        remedy = budget_remedy(self.problem, attainable, cheapest, self.policy)
        siting = CitySiting(
            self.problem, found.siting, None, None, found.served, self.budget, cheapest
        )
        return siting, remedy

    def _within_rules(
        self, attainable: StationSiting, found: KeptStations, cheapest: Result[Siting]
    ) -> tuple[CitySiting, Mend]:
        """State the siting and how well cost and walking are known."""
        siting = found.siting
        broken = attainable.violations(siting)
        if broken:
            raise NoPlanError(f"No siting near the earlier plan keeps every rule: {broken[0]}.")
        goal = walking_goal(self.city, self.policy, self.communities, self.problem)
        walked = attainable.walking(siting) if goal is None else goal.value(attainable, siting)
        cost, walking = _told(attainable, siting, cheapest, found.changes, walked)
        return CitySiting(attainable, siting, cost, walking), more_sites


def _told(
    problem: StationSiting,
    siting: Siting,
    cheapest: Result[Siting],
    changes: Result[Siting],
    walked: float,
) -> tuple[Result[Siting], Result[Siting]]:
    """Return cost and walking of the plan; cost with the bound of all plans."""
    cost, bound = problem.cost(siting), cheapest.bound
    proven = bound is not None and cost <= bound + 1e-5 * max(1.0, cost)
    few = note("few_changes", changes=changes.objective, status=named("known", changes.status))
    told = replace(
        cheapest,
        status=Status.OPTIMAL if proven else Status.FEASIBLE,
        reason=Reason.PROVEN if proven else Reason.LIMIT,
        solution=siting,
        objective=cost,
        bound=min(bound, cost) if bound is not None else None,
    ).telling(few)
    walking = replace(
        told,
        status=Status.FEASIBLE,
        reason=Reason.LIMIT,
        objective=walked,
        bound=None,
        seconds={},
    ).telling(note("walking_not_minimised"))
    return told, walking


def _without_keeping(cheapest: Result[Siting], earlier: EarlierStations) -> KeptStations | None:
    """Return the cheapest plan where the time, or a stop, left no other; None without one."""
    if cheapest.solution is None:
        return None
    changes = replace(
        cheapest,
        status=Status.FEASIBLE,
        reason=Reason.TIME,
        objective=float(earlier.changes(cheapest.solution)),
        bound=None,
    ).telling(note("no_nearer_plan"))
    return KeptStations(cheapest.solution, changes, cheapest)
