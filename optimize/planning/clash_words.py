"""Sentences on rules of a siting: why some clash, and what relaxing them changes where."""

from __future__ import annotations

from dataclasses import dataclass

from ...instances.faults import counted
from ...instances.policy import Policy
from ...models.formulation import FloatArray
from ..conflicts import RuleGroup
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
)
from ..result import Result, Status
from .explanation import Change


@dataclass(frozen=True, eq=False)
class ClashWords:
    """
    Sentences on the rules of a siting.

    Parameters
    ----------
    rules
        The rules.
    policy
        Whose rules they are.
    names
        Name of each community.
    budget
        Most money; None for no limit.
    """

    rules: StationRules
    policy: Policy
    names: tuple[str, ...]
    budget: float | None = None

    @property
    def groups(self) -> tuple[RuleGroup, ...]:
        """The rules by number."""
        return self.rules.grouped.groups

    def sentence(self, numbers: tuple[int, ...], least: Result[FloatArray] | None) -> str:
        """
        Return why rules clash.

        Parameters
        ----------
        numbers
            Numbers of the rules.
        least
            Least cost of the rules that a budget clashes with; None without a budget among them.
        """
        if not numbers:
            return "nothing can be planned, whatever rules are left out"
        if least is not None:
            return self._too_little_money(numbers, least)
        needed = {self.groups[number].kind for number in numbers}.intersection(NEEDS)
        if needed == {FLOOR_AREA}:
            return self._too_little_area(numbers)
        if needed == {REACH}:
            return self._out_of_reach(numbers)
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

    def changes(self, relaxed: Relaxation, values: FloatArray) -> list[Change]:
        """
        Return where a relaxation changes what, the largest first within each rule.

        Parameters
        ----------
        relaxed, values
            The relaxation, and its values of the columns of the rules' model.
        """
        missed = missed_rows(self.rules.grouped, values)
        order = sorted(
            relaxed.amounts.items(), key=lambda item: -item[1] * self.groups[item[0]].price
        )
        return [change for number, amount in order for change in self._of(number, amount, missed)]

    def _of(self, number: int, amount: float, missed: FloatArray) -> list[Change]:
        """Return what relaxing one rule changes."""
        group = self.groups[number]
        if group.kind == FLOOR_AREA:
            return [self._less_area(number, amount)]
        if group.kind == REACH:
            return self._nobody_near(number)
        if group.kind == BUDGET:
            return [self._more_money(group, amount)]
        if group.kind in {REQUIRED, FORBIDDEN}:
            text = f"site {group.place_ids[0]} no longer {group.kind}"
            return [
                Change(group.kind, "site", group.place_ids[0], amount, group.unit_of_measure, text)
            ]
        return _other_sizes(group, missed)

    def _less_area(self, number: int, amount: float) -> Change:
        group, community = self.groups[number], self.rules.needs[number]
        target = self.rules.problem.target_m2[community]
        text = (
            f"community {self.names[community]}: {target - amount:,.0f} m² instead of "
            f"{target:,.0f} m² ({amount:,.0f} m² less)"
        )
        place = group.place_ids[0]
        return Change(group.kind, "community", place, amount, group.unit_of_measure, text)

    def _nobody_near(self, number: int) -> list[Change]:
        problem = self.rules.problem
        return [
            Change(
                REACH,
                "unit",
                problem.unit_ids[unit],
                float(problem.residents[unit]),
                "residents",
                f"unit {problem.unit_ids[unit]}: no station in reach of "
                f"{problem.residents[unit]:,.0f} residents",
            )
            for unit in self.rules.units[number]
        ]

    def _more_money(self, group: RuleGroup, amount: float) -> Change:
        most, unit = self.budget or 0.0, group.unit_of_measure
        text = f"a budget of {most + amount:,.1f} instead of {most:,.1f} ({unit})"
        return Change(group.kind, "", "", amount, unit, text)


def _other_sizes(group: RuleGroup, missed: FloatArray) -> list[Change]:
    larger = "may be larger" if group.kind == SIZES else "may be smaller"
    return [
        Change(
            group.kind,
            "site",
            place,
            float(missed[row]),
            group.unit_of_measure,
            f"site {place} {larger} by {missed[row]:,.0f} m²",
        )
        for place, row in zip(group.place_ids, group.rows, strict=True)
        if missed[row] > 0
    ]
