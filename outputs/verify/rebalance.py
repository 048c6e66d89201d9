"""Rebalanced communities: bounds, names, what changed, who moved, and what is claimed of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .borders import borders_among, cut_groups, hanging_together
from .inertia import inertia_of_region
from .numbers import differs, number, show
from .view import View

SOLVED = frozenset({"optimal", "feasible"})


def rebalance(view: View) -> Iterator[str]:
    """Every region keeps its bounds, names and figures; nothing else has changed."""
    if view.rebalance is None:
        return
    seen: set[str] = set()
    for region in view.rebalance["regions"]:
        communities = [str(name) for name in region["communities"]]
        twice = seen & set(communities)
        yield from (f"{name} lies in two regions" for name in sorted(twice))
        seen |= set(communities)
        yield from _breaking(view, region, communities)
        if region["moved"]["status"] in SOLVED:
            yield from _Region(view, region, communities).findings()
    yield from _outside(view)


def _breaking(view: View, region: dict[str, Any], communities: list[str]) -> Iterator[str]:
    """Check which communities of a region break a rule today."""
    split, least = view.policy["split"], number((view.rebalance or {})["least_residents"])
    known = {str(row.community_id): row for row in view.before.itertuples()}
    right = []
    for name in communities:
        row = known.get(name)
        if row is None:
            yield f"{name} is no community of today"
            continue
        residents, households = number(row.residents), number(row.households)
        large = residents >= split["gradual_residents"] or households >= split["gradual_households"]
        if large or residents < least:
            right.append(name)
    told = sorted(map(str, region["breaking"]))
    if told != sorted(right):
        yield f"{', '.join(told) or 'none'} are said to break a rule, {sorted(right)} is right"


def _outside(view: View) -> Iterator[str]:
    """Check that communities outside of the regions are as they were."""
    units = view.units
    changed = units["community_id"] != units["community_id_before"]
    loose = changed & ~units["community_id_before"].isin(view.rebalanced)
    yield from (f"unit {unit} moved and lies in no region" for unit in units["unit_id"][loose])


class _Region:
    """One region with a plan, as the layers show it."""

    def __init__(self, view: View, region: dict[str, Any], communities: list[str]) -> None:
        self.view, self.region = view, region
        self.label = f"the region of {communities[0]}"
        self.rows = np.flatnonzero(view.units["community_id_before"].isin(communities))
        units = view.units.iloc[self.rows]
        self.after = units["community_id"].to_numpy(object)
        self.before = units["community_id_before"].to_numpy(object)
        self.residents = view.residents[self.rows]
        mine = view.districts["community_id"].isin(set(self.after))
        self.districts = view.districts[mine]
        self.old = set(communities)

    def findings(self) -> Iterator[str]:
        """Everything that speaks against this region."""
        yield from self._bounds()
        yield from self._names()
        yield from self._contiguity()
        yield from self._groups()
        yield from self._claims()

    def _bounds(self) -> Iterator[str]:
        rules, split = self.view.rebalance or {}, self.view.policy["split"]
        num = len(self.districts)
        low, high = number(rules["least_residents"]), split["gradual_residents"] - 1
        tolerance = rules["tolerance"]
        if tolerance is not None:
            mean = float(self.residents.sum()) / max(num, 1)
            low = max(low, np.ceil(mean * (1 - tolerance) - 1e-9))
            high = min(high, np.floor(mean * (1 + tolerance) + 1e-9))
        for row in self.districts.itertuples():
            if not low <= number(row.residents) <= high:
                yield f"{row.community_id} has {show(row.residents)} residents, not {low} to {high}"
            if not number(row.households) < split["gradual_households"]:
                yield f"{row.community_id} has {show(row.households)} households, too many"
        told = self.region
        for key, right in (
            ("districts", num),
            ("units", self.rows.size),
            ("lower_residents", low),
            ("upper_residents", high),
        ):
            if differs(float(right), told[key]):
                yield f"{self.label}: {key} is {show(told[key])}, {show(right)} is right"
        fewest, most = self._counts()
        if not fewest <= num <= most:
            yield f"{self.label} has {num} communities, not {fewest:g} to {most:g}"

    def _counts(self) -> tuple[float, float]:
        count = (self.view.rebalance or {})["count"]
        if count == "free":
            return 1, np.inf
        return (len(self.old),) * 2 if count == "keep" else (number(count),) * 2

    def _names(self) -> Iterator[str]:
        """Check ids, names, parents and the kind of change of every community."""
        parents = {str(row.community_id): row for row in self.view.before.itertuples()}
        vanished = self.old - set(self.after)
        fresh = set(self.after) - set(parents)
        divided = set(self.before[np.isin(self.after, sorted(fresh))])
        mean = float(self.residents.sum()) / max(len(self.districts), 1)
        for row in self.districts.itertuples():
            name, inside = str(row.community_id), self.after == row.community_id
            is_new = name in fresh
            if not is_new and name not in self.old:
                yield f"{name} is a community of today outside of {self.label}"
                continue
            if not is_new and not (self.before[inside] == name).any():
                yield f"{name} keeps no unit of its own and keeps its id"
            if is_new:
                yield from self._parent(name, str(row.parent_id), inside)
            change = self._change(name, inside, is_new, vanished, divided)
            parent = parents.get(str(row.parent_id))
            wanted = {"change_type": change, "provisional": is_new}
            if not is_new:
                wanted |= {"parent_id": name, "name": getattr(parent, "name", None)}
            wanted |= {key: getattr(parent, key, None) for key in ("street_id", "tier")}
            for column, right in wanted.items():
                if show(getattr(row, column)) != show(right):
                    told = show(getattr(row, column))
                    yield f"{name}: {column} is {told}, {show(right)} is right"
            right = number(row.residents) / max(mean, 1e-9) - 1
            if differs(right, row.deviation):
                yield f"{name}: deviation is {show(row.deviation)}, {right:.6f} is right"

    def _parent(self, name: str, parent: str, inside: Any) -> Iterator[str]:  # noqa: ANN401
        """Check that a new community comes from the one that gave it the most residents."""
        given = {
            old: float(self.residents[inside & (self.before == old)].sum())
            for old in set(self.before[inside])
        }
        if given.get(parent, -1.0) < max(given.values()) - 1e-6:
            yield f"{name} comes from {parent}, which did not give it the most residents"

    def _change(
        self,
        name: str,
        inside: Any,  # noqa: ANN401
        is_new: bool,
        vanished: set[str],
        divided: set[str],
    ) -> str:
        if is_new:
            return "split"
        if vanished & set(self.before[inside]):
            return "merged"
        if name in divided:
            return "split"
        return "kept" if np.array_equal(inside, self.before == name) else "rebalanced"

    def _contiguity(self) -> Iterator[str]:
        for name in dict.fromkeys(self.after.tolist()):
            rows = self.rows[self.after == name]
            pairs = borders_among(self.view, rows).pairs
            sizes = np.unique(hanging_together(rows.size, pairs), return_counts=True)[1]
            if sizes.size > 1:
                yield f"{name}: {sizes.sum() - sizes.max()} of its units are cut off"

    def _groups(self) -> Iterator[str]:
        """Check that units that are together today stay together."""
        for community in sorted(self.old):
            for name in cut_groups(self.view, community):
                yield f"{name} of {community} is cut"

    def _claims(self) -> Iterator[str]:
        """Check residents moved and the second objective against the layers."""
        moved = float(self.residents[self.after != self.before].sum())
        if differs(moved, self.region["moved"]["objective"]):
            told = show(self.region["moved"]["objective"])
            yield f"{self.label}: {told} residents moved, {show(moved)} is right"
        second = self.region["second"]
        if second["objective_of"] == "inertia":
            low, high = inertia_of_region(self.view, sorted(self.old))
            slack = 1e-5 * max(1.0, abs(low))
            if not low - slack <= number(second["objective"]) <= high + slack:
                told = show(second["objective"])
                yield f"{self.label}: inertia {told} is written, {low:,.6g} is right"
        elif second["objective_of"] == "border":
            found = self._border()
            if not abs(found - number(second["objective"])) <= 1e-4 * max(1.0, found):
                told = show(second["objective"])
                yield f"{self.label}: border {told} is written, {found:,.6g} is right"

    def _border(self) -> float:
        """Length of the borders between communities of the region that connect."""
        pairs, metres, _ = borders_among(self.view, self.rows)
        return float(metres[self.after[pairs[:, 0]] != self.after[pairs[:, 1]]].sum())
