"""Do districts hang together, and are groups kept whole, by borders found afresh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray

from .numbers import Bools, flags
from .view import Shapes, View

Pairs = NDArray[np.int64]
SLACK = 1e-6


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


def bordering_units(view: View, community: str) -> tuple[GeoDataFrame, Pairs]:
    """Return the units of a community of today, and the pairs of them that border each other."""
    units = view.units[view.units["community_id_before"] == community]
    shapes = np.asarray(units.geometry, dtype=object)
    return units, bordering(shapes, view.policy["split"], uncrossable(view.barriers))


def kept_together(view: View, units: GeoDataFrame, pairs: Pairs) -> NDArray[np.int64]:
    """Label the groups of units: those that border each other and have an equal value."""
    together = np.zeros(len(pairs), dtype=bool)
    for column in view.policy["split"]["keep_together"]:
        if column in units:
            names = _names(units[column])
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


def bordering(shapes: Shapes, rules: dict[str, Any], blocks: Shapes) -> Pairs:
    """Pairs of polygons with a border, or a gap, that connects, shape (pairs, 2)."""
    near = shapely.STRtree(shapes).query(
        shapes, predicate="dwithin", distance=rules["connect_gap_m"] + SLACK
    )
    pairs = near.T[near[0] < near[1]]
    one, other = shapes[pairs[:, 0]], shapes[pairs[:, 1]]
    borders = shapely.intersection(one, other)
    length = shapely.length(borders)
    is_border = length >= max(rules["min_border_m"] - SLACK, SLACK / 1000)
    joined = is_border & ~_along(borders, length, rules, blocks)
    if rules["connect_gap_m"] > 0:
        gaps = np.flatnonzero(~is_border)
        joined[gaps] = ~_meets(shapely.shortest_line(one[gaps], other[gaps]), blocks)
    return np.asarray(pairs[joined], dtype=np.int64)


def _along(borders: Shapes, length: Any, rules: dict[str, Any], blocks: Shapes) -> Bools:  # noqa: ANN401
    """Whether too much of each border runs along what nobody can cross."""
    found = np.zeros(len(borders), dtype=bool)
    if not blocks.size:
        return found
    strips = shapely.buffer(blocks, max(rules["barrier_width_m"], 1e-3), cap_style="flat")
    tree = shapely.STRtree(strips)
    for row in np.unique(tree.query(borders, predicate="intersects")[0]):
        strip = shapely.union_all(strips[tree.query(borders[row], predicate="intersects")])
        along = shapely.length(shapely.intersection(borders[row], strip))
        found[row] = along >= (rules["barrier_share"] + SLACK) * length[row]
    return found


def _meets(lines: Shapes, blocks: Shapes) -> Bools:
    found = np.zeros(len(lines), dtype=bool)
    if blocks.size and len(lines):
        found[shapely.STRtree(blocks).query(lines, predicate="intersects")[0]] = True
    return found
