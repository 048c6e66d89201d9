"""Do districts hang together, and are groups kept whole, by borders found afresh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from .numbers import Bools, Floats, flags, number
from .view import Shapes, View

Pairs = NDArray[np.int64]
Rules = dict[str, Any]
SLACK = 1e-6


class Borders(NamedTuple):
    """Pairs of units whose border connects, and its length: in metres, and less along barriers."""

    pairs: Pairs
    length_m: Floats
    weighted_m: Floats


def contiguity(view: View) -> Iterator[str]:
    """Grow every new district from its units over borders that connect."""
    for community in view.parts:
        units, pairs = bordering_units(view, community)
        district = units["community_id"].to_numpy(object)
        inside = pairs[district[pairs[:, 0]] == district[pairs[:, 1]]]
        part = hanging_together(len(units), inside)
        for name in dict.fromkeys(district.tolist()):
            sizes = np.unique(part[district == name], return_counts=True)[1]
            if sizes.size > 1:
                yield f"{name}: {sizes.sum() - sizes.max()} of its units are cut off"


def groups(view: View) -> Iterator[str]:
    """Units of a group that touch lie in one district."""
    for community in view.parts:
        yield from (f"{name} of {community} is cut" for name in cut_groups(view, community))


def cut_groups(view: View, community: str) -> Iterator[str]:
    """Yield the groups of a community of today that touch and lie in several districts."""
    units, pairs = bordering_units(view, community)
    district = units["community_id"].to_numpy(object)
    cut = pairs[district[pairs[:, 0]] != district[pairs[:, 1]]]
    for column in view.policy["split"]["keep_together"]:
        if column in units:
            names = _names(units[column])
            found = {names[one] for one, other in cut if _same(names, one, other)}
            yield from (f"{column} {name}" for name in sorted(found))
    names = _decided_groups(view, units)
    found = {names[one] for one, other in cut if _same(names, one, other)}
    yield from (f"the decided group {name}" for name in sorted(found))


def _decided_groups(view: View, units: GeoDataFrame) -> list[str]:
    """Group in which a decision keeps each unit, empty for none."""
    group = {
        str(entry["id"]): str(entry["value"])
        for entry in view.record.get("decisions", [])
        if entry["kind"] == "unit" and entry["decision"] == "together"
    }
    return [group.get(str(name), "") for name in units["unit_id"]]


def bordering_units(view: View, community: str) -> tuple[GeoDataFrame, Pairs]:
    """Return the units of a community of today, and the pairs of them that border each other."""
    rows = rows_of(view, community)
    return view.units.iloc[rows], borders_among(view, rows).pairs


def rows_of(view: View, community: str) -> Pairs:
    """Return the rows of the units of a community of today."""
    return np.flatnonzero((view.units["community_id_before"] == community).to_numpy(bool))


def borders_among(view: View, rows: Pairs) -> Borders:
    """Find the borders of some units afresh, then make the changes that the record names."""
    shapes = np.asarray(view.units.geometry, dtype=object)[rows]
    rules = view.policy["split"]
    pairs, lengths = bordering(shapes, rules, uncrossable(view.barriers))
    known = dict(zip(map(tuple, pairs.tolist()), lengths.tolist(), strict=True))
    place = {name: spot for spot, name in enumerate(view.units["unit_id"].iloc[rows])}
    for change in view.edge_changes:
        if change["unit_a"] not in place or change["unit_b"] not in place:
            continue
        ends = place[change["unit_a"]], place[change["unit_b"]]
        pair = (min(ends), max(ends))
        if change["action"] == "remove":
            known.pop(pair, None)
        else:
            known[pair] = number(change["length_m"]) or known.get(pair, 0.0)
    both = np.array(sorted(known), dtype=np.int64).reshape(-1, 2)
    metres = np.array([known[pair] for pair in map(tuple, both.tolist())], dtype=float)
    less = 1 - number(rules.get("barrier_border_factor", 1.0))
    return Borders(both, metres, metres * (1 - less * _share_along(shapes, both, view, rules)))


def _share_along(shapes: Shapes, pairs: Pairs, view: View, rules: Rules) -> Floats:
    """Share of the line that each pair has in common along a barrier of any kind."""
    share = np.zeros(len(pairs))
    if view.barriers is None or view.barriers.empty:
        return share
    borders = shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]])
    _, metres = _metres_along(borders, rules, np.asarray(view.barriers.geometry, dtype=object))
    length = shapely.length(borders)
    return np.where(length > 0, np.minimum(metres / np.maximum(length, 1e-12), 1.0), share)


def kept_together(view: View, units: GeoDataFrame, pairs: Pairs) -> NDArray[np.int64]:
    """Label the groups of units: those that border each other and have an equal value."""
    together = np.zeros(len(pairs), dtype=bool)
    for column in view.policy["split"]["keep_together"]:
        if column in units:
            names = _names(units[column])
            together |= np.array([_same(names, *pair) for pair in pairs.tolist()], dtype=bool)
    names = _decided_groups(view, units)
    together |= np.array([_same(names, *pair) for pair in pairs.tolist()], dtype=bool)
    return hanging_together(len(units), pairs[together])


def _names(column: pd.Series) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in column]


def _same(names: Sequence[str], one: int, other: int) -> bool:
    return bool(names[one].strip()) and names[one] == names[other]


def hanging_together(num: int, pairs: Pairs) -> NDArray[np.int64]:
    """Label what is joined by pairs, each by one of its own, shape (num,)."""
    label = list(range(num))

    def root(one: int) -> int:
        while label[one] != one:
            label[one] = label[label[one]]
            one = label[one]
        return one

    for one, other in pairs.tolist():
        label[root(one)] = root(other)
    return np.array([root(one) for one in range(num)], dtype=np.int64)


def uncrossable(barriers: GeoDataFrame | None) -> Shapes:
    """Lines that nobody can cross."""
    if barriers is None or barriers.empty:
        return np.empty(0, dtype=object)
    return np.asarray(barriers.geometry, dtype=object)[~flags(barriers["crossable"])]


def bordering(shapes: Shapes, rules: Rules, blocks: Shapes) -> tuple[Pairs, Floats]:
    """Pairs of polygons with a border, or a gap, that connects, and the length of the border."""
    near = shapely.STRtree(shapes).query(
        shapes, predicate="dwithin", distance=rules["connect_gap_m"] + SLACK
    )
    pairs = near.T[near[0] < near[1]]
    one, other = shapes[pairs[:, 0]], shapes[pairs[:, 1]]
    borders = shapely.intersection(one, other)
    length = shapely.length(borders)
    if rules.get("contiguity", "rook") == "queen":
        is_border = np.asarray(shapely.distance(one, other) <= SLACK)
    else:
        is_border = length >= max(rules["min_border_m"] - SLACK, SLACK / 1000)
    joined = is_border & ~_along(borders, length, rules, blocks)
    if rules["connect_gap_m"] > 0:
        gaps = np.flatnonzero(~is_border)
        joined[gaps] = ~_meets(shapely.shortest_line(one[gaps], other[gaps]), blocks)
    return np.asarray(pairs[joined], dtype=np.int64), np.where(is_border, length, 0.0)[joined]


def _along(borders: Shapes, length: Floats, rules: Rules, blocks: Shapes) -> Bools:
    """Whether too much of each border runs along what nobody can cross."""
    met, metres = _metres_along(borders, rules, blocks)
    return np.asarray(met & (metres >= (rules["barrier_share"] + SLACK) * length))


def _metres_along(borders: Shapes, rules: Rules, blocks: Shapes) -> tuple[Bools, Floats]:
    """Whether each border comes near to a barrier, and for how many metres."""
    met, metres = np.zeros(len(borders), dtype=bool), np.zeros(len(borders))
    if not blocks.size:
        return met, metres
    strips = shapely.buffer(blocks, max(rules["barrier_width_m"], 1e-3), cap_style="flat")
    tree = shapely.STRtree(strips)
    for row in np.unique(tree.query(borders, predicate="intersects")[0]):
        strip = shapely.union_all(strips[tree.query(borders[row], predicate="intersects")])
        met[row] = True
        metres[row] = shapely.length(shapely.intersection(borders[row], strip))
    return met, metres


def _meets(lines: Shapes, blocks: Shapes) -> Bools:
    found = np.zeros(len(lines), dtype=bool)
    if blocks.size and len(lines):
        found[shapely.STRtree(blocks).query(lines, predicate="intersects")[0]] = True
    return found
