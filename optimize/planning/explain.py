"""Why the rules of a siting cannot all be met: which clash, and what mends it at least cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.faults import counted
from ...instances.policy import Policy
from ...instances.walking import WalkingTimes
from ...models.formulation import BoolArray, FloatArray, IntArray
from ...models.siting.station import Siting, StationSiting
from ..conflicts import (
    Conflict,
    RuleGroup,
    cheapest_relaxation,
    find_capped_conflict,
    find_conflicts,
)
from ..conflicts.groups import restricted
from ..conflicts.relaxation import Relaxation, missed_rows
from ..conflicts.station_rules import (
    BUDGET,
    FLOOR_AREA,
    FORBIDDEN,
    NEEDS,
    REACH,
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
from .site import siting_problem
from .snapshot import offers_service

RELIEFS: dict[str, tuple[str, ...]] = {
    "needs": NEEDS,
    "sizes": (SIZES,),
    "decisions": (REQUIRED, FORBIDDEN),
    "budget": (BUDGET,),
}
"""Kinds of rules that one way to mend a clash may relax."""

MOST_CONFLICTS = 50
"""Number of sets of clashing rules that are looked for."""

MOST_MEASURED = 25
"""Rules of one set whose own least relaxation is computed."""


@dataclass(frozen=True)
class ClashingRule:
    """
    One rule of a clash.

    Parameters
    ----------
    kind, text
        What kind of rule, and the rule in words.
    place_kind, place_ids
        What it is about: unit, community or site, and which; empty for the budget.
    amount
        By how much it would have to give way, if it alone did; None if it alone cannot, or if that
        was not computed.
    unit_of_measure
        Unit of the amount.
    """

    kind: str
    text: str
    place_kind: str
    place_ids: tuple[str, ...]
    amount: float | None
    unit_of_measure: str

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {**vars(self), "place_ids": list(self.place_ids)}


@dataclass(frozen=True)
class Clash:
    """
    A set of rules that cannot be kept together.

    Parameters
    ----------
    text
        Why, in one sentence.
    rules
        The rules.
    is_irreducible
        Whether it is proven that all others can be kept without any one of them.
    """

    text: str
    rules: tuple[ClashingRule, ...]
    is_irreducible: bool

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {
            "text": self.text,
            "is_irreducible": self.is_irreducible,
            "rules": [rule.as_record() for rule in self.rules],
        }


@dataclass(frozen=True)
class Change:
    """One rule, at one place, that a relief relaxes, and by how much."""

    kind: str
    place_kind: str
    place_id: str
    amount: float
    unit_of_measure: str
    text: str


@dataclass(frozen=True, eq=False)
class Relief:
    """
    The cheapest way to mend everything by relaxing rules of some kinds only.

    Parameters
    ----------
    name
        "needs", "sizes", "decisions", "budget" or "mixed".
    result
        Least weighted amount and what is proven of it; infeasible if these kinds do not suffice.
    unit_of_measure
        Unit of the objective.
    changes
        Where what is relaxed.
    """

    name: str
    result: Result[FloatArray]
    unit_of_measure: str
    changes: tuple[Change, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {
            "name": self.name,
            **self.result.as_record(),
            "unit_of_measure": self.unit_of_measure,
            "changes": [vars(change) for change in self.changes],
        }


@dataclass(frozen=True, eq=False)
class Explanation:
    """
    Why the rules of a siting cannot all be met.

    Parameters
    ----------
    status
        INFEASIBLE: they clash. FEASIBLE: they can all be met. UNKNOWN: not settled in the time.
    clashes
        Sets of rules that clash.
    reliefs
        The cheapest ways to mend it, each by other kinds of rules.
    budget
        The budget that was asked for, or None.
    lowest
        The cheapest plan that meets all that the sites allow.
    is_complete
        Whether all rules that are in no clash can be kept together: proven.
    currency
        Unit of money.
    """

    status: Status
    clashes: tuple[Clash, ...]
    reliefs: tuple[Relief, ...]
    budget: float | None
    lowest: Result[Siting]
    is_complete: bool
    currency: str

    def as_record(self) -> dict[str, Any]:
        """Return the content of ``conflicts.json``."""
        return {
            "status": str(self.status),
            "is_complete": self.is_complete,
            "budget": self.budget,
            "currency": self.currency,
            "lowest": self.lowest.as_record(),
            "clashes": [clash.as_record() for clash in self.clashes],
            "reliefs": [relief.as_record() for relief in self.reliefs],
        }


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
    task = _Task(city, policy, problem, names, budget, limits, stop, listen)
    return task.explain(prices or {})


def _check_prices(prices: Mapping[str, float]) -> None:
    for name, price in prices.items():
        if name not in RELIEFS:
            raise ValueError(f"Price of {name!r} not understood; choose {', '.join(RELIEFS)}.")
        if not (np.isfinite(price) and price > 0):
            raise ValueError(f"The price of {name} is {price}; give a number above 0.")


@dataclass(frozen=True, eq=False)
class _Task:
    """The explanation of one siting."""

    city: City
    policy: Policy
    problem: StationSiting
    names: tuple[str, ...]
    budget: float | None
    limits: Limits
    stop: Stop | None
    listen: Listener

    @property
    def currency(self) -> str:
        return self.policy.siting.currency

    @property
    def liftable(self) -> BoolArray:
        """Sites that could be used if the word "forbidden" were taken back."""
        city, sites = self.city, self.city.sites
        usable = (sites["status"] == "candidate").to_numpy(bool) & offers_service(city, self.policy)
        usable = usable & (sites["max_area_m2"].to_numpy(float) > 0)
        return np.asarray(usable & sites["forbidden"].to_numpy(bool))

    def rules(self, problem: StationSiting, budget: float | None) -> StationRules:
        return station_rules(
            problem,
            names=self.names,
            liftable=self.liftable,
            budget=budget,
            currency=self.currency,
        )

    def how(self, seconds: float) -> dict[str, Any]:
        """Return the arguments that every solve takes."""
        return {
            "limits": self.limits.within(seconds),
            "solver": self.policy.solver.name,
            "stop": self.stop,
        }

    def explain(self, prices: Mapping[str, float]) -> Explanation:
        deadline = Deadline.after(self.limits.seconds)
        self.listen(Progress("explain", text="rules on floor area, reach and sites"))
        plain = self.rules(self.problem, None)
        found = find_conflicts(
            plain.grouped,
            give_up=lambda rule: rule.kind in NEEDS,
            most=MOST_CONFLICTS,
            **self.how(0.4 * deadline.seconds_left),
        )
        clashes = [self._clash(plain, conflict, None) for conflict in found.conflicts]
        status, complete = found.status, found.status is not Status.UNKNOWN
        attainable = self.problem.attainable()
        lowest = cheapest_siting(attainable, **self.how(0.3 * deadline.seconds_left))
        if self.budget is not None:
            self.listen(Progress("explain", text="the budget"))
            verdict, clash = self._of_budget(attainable, lowest, 0.5 * deadline.seconds_left)
            clashes += [] if clash is None else [clash]
            complete &= verdict is not Status.UNKNOWN
            if verdict is Status.INFEASIBLE or status is Status.FEASIBLE:
                status = verdict
        if clashes:
            status = Status.INFEASIBLE
        reliefs: list[Relief] = []
        if clashes:
            self.listen(Progress("explain", text="the cheapest relaxations"))
            reliefs = self._reliefs(prices, deadline)
        return Explanation(
            status, tuple(clashes), tuple(reliefs), self.budget, lowest, complete, self.currency
        )

    def _of_budget(
        self, attainable: StationSiting, lowest: Result[Siting], seconds: float
    ) -> tuple[Status, Clash | None]:
        """Whether the budget suffices for all that the sites allow, and else what is too dear."""
        budget = self.budget
        assert budget is not None  # noqa: S101 - the caller asks for it
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
        groups = [rules.grouped.groups[number] for number in conflict.rules]
        text = _Words(rules, self.policy, self.names).sentence(conflict.rules, least)
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
        reliefs = []
        for name in asked:
            soft = rules.of_kind(*RELIEFS[name])
            relaxed = cheapest_relaxation(rules.grouped, soft=soft, **self.how(max(share, 0.1)))
            reliefs.append(self._relief(name, rules, relaxed))
        if prices:
            priced = {kind: price for name, price in prices.items() for kind in RELIEFS[name]}
            groups = tuple(
                replace(group, price=group.price * priced.get(group.kind, 1.0))
                for group in rules.grouped.groups
            )
            mixed = replace(rules, grouped=replace(rules.grouped, groups=groups))
            soft = mixed.of_kind(*priced)
            relaxed = cheapest_relaxation(mixed.grouped, soft=soft, **self.how(max(share, 0.1)))
            reliefs.append(self._relief("mixed", mixed, relaxed))
        return reliefs

    def _relief(self, name: str, rules: StationRules, relaxed: Relaxation) -> Relief:
        units = {
            "needs": "residents",
            "sizes": "m2",
            "decisions": "decisions",
            "budget": self.currency,
        }
        changes: tuple[Change, ...] = ()
        if relaxed.result.solution is not None:
            words = _Words(rules, self.policy, self.names)
            changes = tuple(words.changes(relaxed, relaxed.result.solution, self.budget))
        return Relief(name, relaxed.result, units.get(name, "weighted"), changes)


@dataclass(frozen=True, eq=False)
class _Words:
    """Sentences on rules."""

    rules: StationRules
    policy: Policy
    names: tuple[str, ...]

    @property
    def groups(self) -> tuple[RuleGroup, ...]:
        return self.rules.grouped.groups

    def sentence(self, numbers: tuple[int, ...], least: Result[FloatArray] | None) -> str:
        """Return why rules clash."""
        if not numbers:
            return "nothing can be planned, whatever rules are left out"
        kinds = {self.groups[number].kind for number in numbers}
        makers: dict[str, Callable[[tuple[int, ...]], str]] = {
            FLOOR_AREA: self._too_little_area,
            REACH: self._out_of_reach,
        }
        if least is not None:
            return self._too_little_money(numbers, least)
        for kind, make in makers.items():
            if kind in kinds and not kinds & ({FLOOR_AREA, REACH} - {kind}):
                return make(numbers)
        return "; ".join(self.groups[number].name for number in numbers)

    def _too_little_area(self, numbers: tuple[int, ...]) -> str:
        rules, problem = self.rules, self.rules.problem
        community = next(rules.needs[number] for number in numbers if number in rules.needs)
        target = problem.target_m2[community]
        start = f"community {self.names[community]} needs {target:,.0f} m²"
        barred = self._sites_of(numbers, FORBIDDEN)
        mine = [s for s in rules.sized if problem.community_of_site[s] == community]
        mine = [s for s in mine if problem.site_ids[s] not in barred]
        without = f" without the forbidden {', '.join(barred)}" if barred else ""
        if not mine:
            return f"{start} and has no site{without}"
        most = float(problem.max_area_m2[mine].sum())
        return (
            f"{start}; its {counted(len(mine), 'site')} can hold {most:,.0f} m²{without}: "
            f"{target - most:,.0f} m² are missing"
        )

    def _out_of_reach(self, numbers: tuple[int, ...]) -> str:
        units = [place for n in numbers if self.groups[n].kind == REACH
                 for place in self.groups[n].place_ids]  # fmt: skip
        homes = [unit for n in numbers for unit in self.rules.units.get(n, ())]
        residents = float(self.rules.problem.residents[homes].sum())
        reach = f"{self.policy.siting.reach_minutes:g} minutes"
        barred = self._sites_of(numbers, FORBIDDEN)
        shown = ", ".join(units[:5]) + (f" and {len(units) - 5} more" if len(units) > 5 else "")
        who = f"{'unit' if len(units) == 1 else 'units'} {shown} ({residents:,.0f} residents)"
        if barred:
            return f"{who} can reach only {', '.join(barred)} within {reach}, which are forbidden"
        return f"{who} can reach no site within {reach}"

    def _too_little_money(self, numbers: tuple[int, ...], least: Result[FloatArray]) -> str:
        others = [n for n in numbers if self.groups[n].kind != BUDGET]
        budget = next(self.groups[n].name for n in numbers if self.groups[n].kind == BUDGET)
        wanted = [self.groups[n].name for n in others if self.groups[n].kind in {*NEEDS, REQUIRED}]
        shown = "; ".join(wanted[:5]) + (f"; and {len(wanted) - 5} more" if len(wanted) > 5 else "")
        if least.objective is None:
            return f"{budget}, too little for these rules together: {shown}"
        cost = least.objective if least.status is Status.OPTIMAL else (least.bound or 0.0)
        return f"{budget}, and these rules cost at least {cost:,.1f}: {shown}"

    def _sites_of(self, numbers: tuple[int, ...], kind: str) -> list[str]:
        return [self.groups[n].place_ids[0] for n in numbers if self.groups[n].kind == kind]

    def changes(
        self, relaxed: Relaxation, values: FloatArray, budget: float | None
    ) -> list[Change]:
        """Return where a relaxation changes what, the largest first within each rule."""
        missed = missed_rows(self.rules.grouped, values)
        found: list[Change] = []
        for number, amount in sorted(
            relaxed.amounts.items(), key=lambda item: -item[1] * self.groups[item[0]].price
        ):
            group = self.groups[number]
            found += self._change(group, number, amount, missed, budget)
        return found

    def _change(
        self,
        group: RuleGroup,
        number: int,
        amount: float,
        missed: FloatArray,
        budget: float | None,
    ) -> list[Change]:
        problem, unit = self.rules.problem, group.unit_of_measure
        if group.kind == FLOOR_AREA:
            community = self.rules.needs[number]
            target = problem.target_m2[community]
            text = (
                f"community {self.names[community]}: {target - amount:,.0f} m² instead of "
                f"{target:,.0f} m² ({amount:,.0f} m² less)"
            )
            return [Change(group.kind, "community", group.place_ids[0], amount, unit, text)]
        if group.kind == REACH:
            units = self.rules.units[number]
            return [
                Change(
                    group.kind,
                    "unit",
                    problem.unit_ids[u],
                    float(problem.residents[u]),
                    "residents",
                    f"unit {problem.unit_ids[u]}: no station in reach of "
                    f"{problem.residents[u]:,.0f} residents",
                )
                for u in units
            ]
        if group.kind == BUDGET:
            most = budget or 0.0
            text = f"a budget of {most + amount:,.1f} instead of {most:,.1f} ({unit})"
            return [Change(group.kind, "", "", amount, unit, text)]
        if group.kind in {REQUIRED, FORBIDDEN}:
            text = f"site {group.place_ids[0]} no longer {group.kind}"
            return [Change(group.kind, "site", group.place_ids[0], amount, unit, text)]
        larger = "may be larger" if group.kind == SIZES else "may be smaller"
        return [
            Change(
                group.kind,
                "site",
                place,
                float(missed[row]),
                unit,
                f"site {place} {larger} by {missed[row]:,.0f} m²",
            )
            for place, row in zip(group.place_ids, group.rows, strict=True)
            if missed[row] > 0
        ]
