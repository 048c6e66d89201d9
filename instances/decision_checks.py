"""Whether decisions can be taken: on known places, with their values, and without contradiction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .adjacency import components
from .city_edges import unit_neighbours
from .decisions import ALLOWED, AREAS, GROUPED, Decision, groups_of
from .faults import Findings, nearest, quote
from .notes import Note, note, some

if TYPE_CHECKING:
    from .city import City
    from .policy import Policy

CLASHES: dict[str, tuple[tuple[str, str], ...]] = {
    "site": (
        ("require", "forbid"),
        ("require", "close"),
        ("keep", "close"),
        ("keep", "forbid"),
        ("lock", "close"),
        ("lock", "min_area_m2"),
        ("forbid", "min_area_m2"),
        ("close", "min_area_m2"),
    ),
}
"""Pairs of decisions on one place of which only one can hold."""

BACK = "Take one of them back."


def check_decisions(
    city: City, decisions: Sequence[Decision], policy: Policy, findings: Findings
) -> list[Decision]:
    """
    Return the decisions that can be taken, each once and in its one form.

    Parameters
    ----------
    city
        The city as read.
    decisions
        Decisions of all sources.
    policy
        Which units touch.
    findings
        Where faults go.
    """
    known = {kind: _ids_of(city, kind) for kind in ALLOWED}
    stations = _stations(city)
    unique = {(d.kind, d.place_id, d.decision, d.value): d for d in reversed(decisions)}
    taken = reversed(unique.values())
    good = [d for d in taken if _usable(d, known, stations, findings)]
    good = [_canonical(decision, stations) for decision in good]
    _check_clashes(good, findings)
    _check_areas(city, good, findings)
    groups = _Groups(city, good, policy, findings)
    groups.check()
    return good


def _canonical(decision: Decision, stations: set[str]) -> Decision:
    """Return a decision in its one form: to require a station of today is to keep it."""
    if decision.kind != "site":
        return replace(decision, decision="lock") if decision.decision == "keep" else decision
    if decision.decision == "require" and decision.place_id in stations:
        return replace(decision, decision="keep")
    return decision


def _stations(city: City) -> set[str]:
    """Ids of the stations of today."""
    existing = city.sites["status"] == "existing"
    return set(city.sites.loc[existing, "site_id"].astype(str))


def _ids_of(city: City, kind: str) -> list[str]:
    layer, column = {
        "site": (city.sites, "site_id"),
        "unit": (city.units, "unit_id"),
        "community": (city.communities, "community_id"),
    }[kind]
    return [str(name) for name in layer[column]]


def _usable(
    decision: Decision, known: dict[str, list[str]], stations: set[str], findings: Findings
) -> bool:
    """Whether a decision can be taken on its place; if not, a fault says why."""
    kind, what, place = decision.kind, decision.decision, decision.place
    if kind not in ALLOWED:
        near = nearest(kind, ALLOWED)
        hint = f"Did you mean {near}?" if near else f"Write {', '.join(ALLOWED)}."
        findings.fault(place, f'kind "{kind}" is not understood', hint)
        return False
    if what not in ALLOWED[kind]:
        findings.fault(
            place,
            f'decision "{what}" cannot be taken on a {kind}',
            f"Choose {', '.join(ALLOWED[kind])}.",
        )
        return False
    if decision.place_id not in known[kind]:
        near = nearest(decision.place_id, known[kind])
        hint = f"Did you mean {near}?" if near else f"Name a {kind} of the city by its id."
        findings.fault(place, f'there is no {kind} "{decision.place_id}"', hint)
        return False
    if what in AREAS and np.isnan(decision.area_m2):
        findings.fault(
            place,
            f'value "{decision.value}" of {what} is no area',
            "Give square metres in the column value, such as 450.",
        )
        return False
    if what in GROUPED and not decision.value.strip():
        findings.fault(
            place,
            f"{what} needs the name of a group",
            "Give all units of the group the same text in the column value.",
        )
        return False
    return kind != "site" or _fits_status(decision, stations, findings)


def _fits_status(decision: Decision, stations: set[str], findings: Findings) -> bool:
    """Whether a decision on a site suits a station of today, or a candidate."""
    is_station = decision.place_id in stations
    remedies = {
        ("forbid", True): "It is a station of today: write close to give it up.",
        ("keep", False): "It is a candidate: write require to open it.",
        ("close", False): "It is a candidate: write forbid to leave it closed.",
        ("lock", False): "It is a candidate: write require or forbid.",
    }
    remedy = remedies.get((decision.decision, is_station))
    if remedy:
        findings.fault(
            decision.place,
            f"{decision.decision} cannot be taken on site {decision.place_id}",
            remedy,
        )
    return remedy is None


def _check_clashes(decisions: Sequence[Decision], findings: Findings) -> None:
    """Find decisions on one place that exclude each other."""
    by_place: dict[tuple[str, str], list[Decision]] = {}
    for decision in decisions:
        by_place.setdefault((decision.kind, decision.place_id), []).append(decision)
    for (kind, name), mine in by_place.items():
        for one, other in combinations(mine, 2):
            pair = (one.decision, other.decision)
            same = one.decision == other.decision and one.decision in AREAS
            if same or pair in CLASHES.get(kind, ()) or pair[::-1] in CLASHES.get(kind, ()):
                findings.fault(
                    f"{kind} {name}",
                    f"{_said(one)} and {_said(other)} exclude each other",
                    BACK,
                )
    least = {d.place_id: d for d in decisions if d.decision == "min_area_m2"}
    for most in (d for d in decisions if d.decision == "max_area_m2"):
        low = least.get(most.place_id)
        if low is not None and low.area_m2 > most.area_m2:
            findings.fault(
                f"site {most.place_id}",
                f"{_said(low)} and {_said(most)} exclude each other",
                "Lower the first or raise the second.",
            )


def _said(decision: Decision) -> str:
    value = f" {decision.value}" if decision.value else ""
    return f"{decision.decision}{value} ({decision.place})"


def _check_areas(city: City, decisions: Sequence[Decision], findings: Findings) -> None:
    """Compare areas that are asked for with those of the sites."""
    sites = city.sites.set_index(city.sites["site_id"].astype(str))
    most = {d.place_id for d in decisions if d.decision == "max_area_m2"}
    stations = _stations(city)
    for decision in (one for one in decisions if one.decision in AREAS):
        name, area = decision.place_id, decision.area_m2
        today = float(sites.loc[name, "floor_area_m2"]) if name in stations else 0.0
        room = float(sites.loc[name, "max_area_m2"])
        is_least = decision.decision == "min_area_m2"
        if not is_least and area < today:
            findings.fault(
                decision.place,
                f"site {name} may have {area:,.0f} m² and has {today:,.0f} m² today",
                "Give at least that, or write close.",
            )
        elif is_least and name in stations and area > today:
            findings.fault(
                decision.place,
                f"site {name} must have {area:,.0f} m² and has {today:,.0f} m² today",
                "A least area can be asked of a candidate: add the extension as one, and require "
                "it.",
            )
        elif is_least and area > room and name not in most:
            findings.fault(
                decision.place,
                f"site {name} must have {area:,.0f} m² and can have {room:,.0f} m²",
                "Ask for less, or raise its max_area_m2 by a decision too.",
            )


@dataclass(frozen=True, eq=False)
class _Groups:
    """What is decided on units of one group, against their communities and neighbours."""

    city: City
    decisions: Sequence[Decision]
    policy: Policy
    findings: Findings

    @cached_property
    def home(self) -> dict[str, str]:
        """Community of each unit."""
        return _homes(self.city)

    def check(self) -> None:
        for what, check in (("apart", self._apart), ("together", self._together)):
            for name, units in groups_of(self.decisions, what).items():
                if len(units) < 2:
                    self._fault(name, f"{what} names only unit {units[0]}", "Name two or more.")
                else:
                    check(name, units)

    def _fault(self, name: str, problem: str, remedy: str) -> None:
        self.findings.fault(f"decisions, group {name}", problem, remedy)

    def _apart(self, name: str, units: list[str]) -> None:
        home = self.home
        locked = {d.place_id for d in self.decisions if (d.kind, d.decision) == ("unit", "lock")}
        whole = {d.place_id for d in self.decisions if d.kind == "community"}
        for pair in _pairs(units):
            one, other = sorted(pair)
            if home[one] != home[other]:
                continue
            both = f"units {one} and {other} are to be apart"
            if home[one] in whole:
                self._fault(name, f"{both} in community {home[one]}, which is locked", BACK)
            elif locked.issuperset(pair):
                self._fault(name, f"{both} and are both locked to community {home[one]}", BACK)

    def _together(self, name: str, units: list[str]) -> None:
        homes = sorted({self.home[unit] for unit in units})
        if len(homes) > 1:
            self._fault(
                name,
                f"its units lie in communities {', '.join(homes)}",
                "A split joins no communities: name units of one, or use `shequ rebalance`.",
            )
            return
        apart = groups_of(self.decisions, "apart").values()
        both = {pair for group in apart for pair in _pairs(group)} & set(_pairs(units))
        for pair in sorted(map(sorted, both)):
            self._fault(name, f"units {' and '.join(pair)} are to be together and apart", BACK)
        if not _hang_together(self.city, units, self.policy):
            self._fault(
                name,
                f"units {quote(units)} do not hang together",
                "Add the units between them to the group, or a bridge with --edges.",
            )


def _pairs(units: Iterable[str]) -> Iterator[frozenset[str]]:
    return (frozenset(pair) for pair in combinations(units, 2))


def _hang_together(city: City, units: Sequence[str], policy: Policy) -> bool:
    rows = np.flatnonzero(city.units["unit_id"].astype(str).isin(units))
    found = unit_neighbours(city.units, rows, city.barriers, policy, city.edge_changes)
    return int(components(rows.size, found.pairs).max()) == 0


def _homes(city: City) -> dict[str, str]:
    """Community of each unit, by their ids."""
    return dict(zip(_ids_of(city, "unit"), city.units["community_id"].astype(str), strict=True))


def decision_warnings(city: City, decisions: Sequence[Decision], policy: Policy) -> list[Note]:
    """
    Return what a reader should know of decisions that can be taken.

    Parameters
    ----------
    city, decisions
        The city as read, and what is decided.
    policy
        Which communities are split.
    """
    return [*_overruled(city, decisions), *_idle(city, decisions, policy)]


def _overruled(city: City, decisions: Sequence[Decision]) -> Iterator[Note]:
    """Warn of what the layer of sites says and a decision replaces."""
    sites = city.sites.set_index(city.sites["site_id"].astype(str))
    opposite = {"require": "forbidden", "forbid": "required"}
    for decision in decisions:
        column = opposite.get(decision.decision)
        if decision.kind == "site" and column and bool(sites.loc[decision.place_id, column]):
            yield note(
                f"decision_replaces_{column}",
                place="decisions",
                site=decision.place_id,
                decision=decision.decision,
            )


def _idle(city: City, decisions: Sequence[Decision], policy: Policy) -> Iterator[Note]:
    """Warn of units that are to be apart in a community that is not split."""
    sizes = city.units.groupby(city.units["community_id"].astype(str))[["residents", "households"]]
    totals = sizes.sum()
    split = policy.split
    large = (totals["residents"] >= split.gradual_residents) | (
        totals["households"] >= split.gradual_households
    )
    if split.tier == "mandatory":
        large = totals["residents"] > split.mandatory_residents
    home = _homes(city)
    for name, units in groups_of(decisions, "apart").items():
        counts = pd.Series([home[unit] for unit in units]).value_counts()
        whole = [str(one) for one, many in counts.items() if many > 1 and not large[one]]
        if whole:
            yield note(
                "apart_in_whole",
                place="decisions",
                group=name,
                count=len(whole),
                rows=some(whole),
            )
