"""Why the rules of a siting cannot all be met: which clash, and what mends it at least cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy
from ...instances.walking import WalkingTimes
from ...models.formulation import BoolArray, FloatArray, IntArray
from ...models.siting.station import Siting, StationSiting
from ..conflicts import Conflict, cheapest_relaxation, find_capped_conflict, find_conflicts
from ..conflicts.groups import restricted
from ..conflicts.station_rules import (
    BUDGET,
    FORBIDDEN,
    NEEDS,
    REQUIRED,
    SIZES,
    StationRules,
    station_rules,
)
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, Progress, silent
from ..result import Result, Status
from ..siting.engine import cheapest_siting
from ..solvers import solve_model
from .clash_words import ClashWords
from .explanation import Clash, ClashingRule, Explanation, Relief
from .site import siting_problem
from .snapshot import offers_service

__all__ = ["RELIEFS", "Explanation", "Relief", "explain_siting"]

RELIEFS: dict[str, tuple[str, ...]] = {
    "needs": NEEDS,
    "sizes": (SIZES,),
    "decisions": (REQUIRED, FORBIDDEN),
    "budget": (BUDGET,),
}
"""Kinds of rules that one way to mend a clash may relax."""

UNITS_OF_MEASURE = {"needs": "residents", "sizes": "m2", "decisions": "decisions"}
"""Unit in which each relief is measured; the budget in the policy's currency."""

MOST_CONFLICTS = 50
"""Number of sets of clashing rules that are looked for."""

MOST_MEASURED = 25
"""Rules of one set whose own least relaxation is computed."""


def explain_siting(
    city: City,
    policy: Policy,
    times: WalkingTimes,
    *,
    communities: pd.DataFrame,
    unit_community: IntArray,
    site_community: IntArray,
    budget: float | None = None,
    prices: Mapping[str, float] | None = None,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> Explanation:
    """
    Say which rules of a siting clash, and how they could be mended.

    Parameters
    ----------
    city, policy, times
        The city, the rules and the walking minutes.
    communities
        One row a community with ``community_id`` and ``name``.
    unit_community, site_community
        Row of the community of each unit and site (-1 for none).
    budget
        Most money; None for no limit.
    prices
        Price of relaxing by 1, for kinds of :data:`RELIEFS`: adds the cheapest mixture of these.
    seconds
        Time limit; None for the policy's.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    ValueError
        If a price is of an unknown kind, or not above 0.
    """
    _check_prices(prices or {})
    rules = policy.solver
    limits = Limits(seconds or policy.siting.seconds, 0.0, rules.seed, rules.threads)
    problem = siting_problem(city, policy, times, communities, unit_community, site_community)
    names = tuple(communities["name"].fillna(communities["community_id"]).astype(str))
    liftable = _liftable(city, policy)
    task = _Task(policy, problem, names, liftable, budget, limits, stop, listen)
    return task.explain(prices or {})


def _check_prices(prices: Mapping[str, float]) -> None:
    for name, price in prices.items():
        if name not in RELIEFS:
            raise ValueError(f"Price of {name!r} not understood; choose {', '.join(RELIEFS)}.")
        if not (np.isfinite(price) and price > 0):
            raise ValueError(f"The price of {name} is {price}; give a number above 0.")


def _liftable(city: City, policy: Policy) -> BoolArray:
    """Sites that could be used if the word "forbidden" were taken back, shape (sites,)."""
    sites = city.sites
    usable = (sites["status"] == "candidate").to_numpy(bool) & offers_service(city, policy)
    usable = usable & (sites["max_area_m2"].to_numpy(float) > 0)
    return np.asarray(usable & sites["forbidden"].to_numpy(bool))


@dataclass(frozen=True, eq=False)
class _Task:
    """The explanation of one siting."""

    policy: Policy
    problem: StationSiting
    names: tuple[str, ...]
    liftable: BoolArray
    budget: float | None
    limits: Limits
    stop: Stop | None
    listen: Listener

    @property
    def currency(self) -> str:
        return self.policy.siting.currency

    def rules(self, problem: StationSiting, budget: float | None) -> StationRules:
        return station_rules(
            problem,
            names=self.names,
            liftable=self.liftable,
            budget=budget,
            currency=self.currency,
        )

    def words(self, rules: StationRules) -> ClashWords:
        return ClashWords(rules, self.policy, self.names, self.budget)

    def how(self, seconds: float) -> dict[str, Any]:
        """Return the arguments that every solve takes."""
        return {
            "limits": self.limits.within(seconds),
            "solver": self.policy.solver.name,
            "stop": self.stop,
        }

    def explain(self, prices: Mapping[str, float]) -> Explanation:
        deadline = Deadline.after(self.limits.seconds)
        status, clashes = self._of_needs(deadline)
        complete = status is not Status.UNKNOWN
        attainable = self.problem.attainable()
        lowest = cheapest_siting(attainable, **self.how(0.3 * deadline.seconds_left))
        if self.budget is not None:
            self.listen(Progress("explain", text="the budget"))
            verdict, clash = self._of_budget(
                self.budget, attainable, lowest, 0.5 * deadline.seconds_left
            )
            clashes += [] if clash is None else [clash]
            complete &= verdict is not Status.UNKNOWN
            if verdict is Status.INFEASIBLE or status is Status.FEASIBLE:
                status = verdict
        reliefs: list[Relief] = []
        if clashes:
            status = Status.INFEASIBLE
            self.listen(Progress("explain", text="the cheapest relaxations"))
            reliefs = self._reliefs(prices, deadline)
        return Explanation(
            status, tuple(clashes), tuple(reliefs), self.budget, lowest, complete, self.currency
        )

    def _of_needs(self, deadline: Deadline) -> tuple[Status, list[Clash]]:
        """Whether all rules but the budget can be kept, and else which of them clash."""
        self.listen(Progress("explain", text="rules on floor area, reach and sites"))
        plain = self.rules(self.problem, None)
        found = find_conflicts(
            plain.grouped,
            give_up=lambda rule: rule.kind in NEEDS,
            most=MOST_CONFLICTS,
            **self.how(0.4 * deadline.seconds_left),
        )
        return found.status, [self._clash(plain, conflict, None) for conflict in found.conflicts]

    def _of_budget(
        self, budget: float, attainable: StationSiting, lowest: Result[Siting], seconds: float
    ) -> tuple[Status, Clash | None]:
        """Whether the budget suffices for all that the sites allow, and else what is too dear."""
        slack = 1e-6 * max(1.0, budget)
        if lowest.objective is not None and lowest.objective <= budget + slack:
            return Status.FEASIBLE, None
        rules = self.rules(attainable, budget)
        deadline = Deadline.after(seconds)
        (cap,) = rules.of_kind(BUDGET)
        found = find_capped_conflict(
            rules.grouped, cap, order=self._dearest(rules, lowest), **self.how(0.7 * seconds)
        )
        if not found.conflicts:
            return found.status, None
        least = self._least_cost(rules, found.conflicts[0], deadline.seconds_left)
        return Status.INFEASIBLE, self._clash(rules, found.conflicts[0], least)

    def _dearest(self, rules: StationRules, lowest: Result[Siting]) -> list[int]:
        """Return the budget, then the rules on floor area, those of dear communities first."""
        first = sorted(rules.of_kind(BUDGET))
        if lowest.solution is None:
            return first
        cost = rules.problem.site_costs(lowest.solution)
        home = rules.problem.community_of_site
        spent = np.bincount(home[home >= 0], cost[home >= 0], rules.problem.num_communities)
        dear = sorted(rules.needs, key=lambda number: -spent[rules.needs[number]])
        sizes = sorted(rules.of_kind(SIZES))
        return [*first, *dear, *sizes]

    def _least_cost(
        self, rules: StationRules, conflict: Conflict, seconds: float
    ) -> Result[FloatArray]:
        """Return the least cost of the rules that a budget clashes with."""
        others = set(conflict.rules) - rules.of_kind(BUDGET)
        model = rules.grouped.with_groups(others)
        priced = replace(
            model, costs=np.r_[rules.costs(), np.zeros(model.num_columns - rules.costs().size)]
        )
        return solve_model(priced, **self.how(max(seconds, 0.1)))

    def _clash(
        self, rules: StationRules, conflict: Conflict, least: Result[FloatArray] | None
    ) -> Clash:
        text = self.words(rules).sentence(conflict.rules, least)
        groups = [rules.grouped.groups[number] for number in conflict.rules]
        amounts = self._own_amounts(rules, conflict)
        clashing = [
            ClashingRule(
                group.kind,
                group.name,
                group.place_kind,
                group.place_ids,
                amount,
                group.unit_of_measure,
            )
            for group, amount in zip(groups, amounts, strict=True)
        ]
        return Clash(text, tuple(clashing), conflict.is_irreducible)

    def _own_amounts(self, rules: StationRules, conflict: Conflict) -> list[float | None]:
        """By how much each rule would have to give way if it alone did."""
        if len(conflict.rules) > MOST_MEASURED:
            return [None] * len(conflict.rules)
        inside = restricted(rules.grouped, conflict.rules).grouped
        found = [
            cheapest_relaxation(inside, soft={spot}, **self.how(5.0))
            for spot in range(len(conflict.rules))
        ]
        return [
            relaxed.amounts.get(spot) if relaxed.result.status is Status.OPTIMAL else None
            for spot, relaxed in enumerate(found)
        ]

    def _reliefs(self, prices: Mapping[str, float], deadline: Deadline) -> list[Relief]:
        """Return the cheapest relaxation by kinds of rules, and of the mixture that is priced."""
        rules = self.rules(self.problem, self.budget)
        asked = [name for name, kinds in RELIEFS.items() if rules.of_kind(*kinds)]
        share = deadline.seconds_left / (len(asked) + bool(prices) + 1)
        seconds = max(share, 0.1)
        reliefs = [self._relief(name, rules, RELIEFS[name], seconds) for name in asked]
        if prices:
            kinds = tuple(kind for name in prices for kind in RELIEFS[name])
            reliefs.append(self._relief("mixed", _priced(rules, prices), kinds, seconds))
        return reliefs

    def _relief(
        self, name: str, rules: StationRules, kinds: tuple[str, ...], seconds: float
    ) -> Relief:
        """Return the cheapest relaxation of rules of some kinds."""
        soft = rules.of_kind(*kinds)
        relaxed = cheapest_relaxation(rules.grouped, soft=soft, **self.how(seconds))
        values = relaxed.result.solution
        changes = () if values is None else tuple(self.words(rules).changes(relaxed, values))
        unit = self.currency if name == "budget" else UNITS_OF_MEASURE.get(name, "weighted")
        return Relief(name, relaxed.result, unit, changes)


def _priced(rules: StationRules, prices: Mapping[str, float]) -> StationRules:
    """Return rules whose prices are multiplied by those of their kinds."""
    of_kind = {kind: price for name, price in prices.items() for kind in RELIEFS[name]}
    groups = tuple(
        replace(group, price=group.price * of_kind.get(group.kind, 1.0))
        for group in rules.grouped.groups
    )
    return replace(rules, grouped=replace(rules.grouped, groups=groups))
