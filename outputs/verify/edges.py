"""Minutes of every street for the verification, written apart from the planner's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import shapely
from geopandas import GeoDataFrame
from scipy import sparse

from .numbers import Bools, Floats, flags, numbers


def speed_kmh(rules: dict[str, Any], group: str) -> float:
    """Speed of a group; ``rules`` are those of the section walking of a plan."""
    return float(rules["speed_kmh" if group == "adult" else f"{group}_speed_kmh"])


def both_ways(
    network: GeoDataFrame, barriers: GeoDataFrame | None, rules: dict[str, Any], group: str
) -> tuple[Floats, Floats]:
    """
    Minutes along each edge as it is drawn and against it; infinite where nobody passes.

    Parameters
    ----------
    network, barriers
        The layers of the plan, in metres.
    rules
        The section walking of the plan's policy.
    group
        Who is under way.
    """
    speed = speed_kmh(rules, group)
    walk = numbers(network["length_m"]) / (1000 * speed / 60)
    rise = np.zeros(len(network)) if group == "cycling" else _rise(network, rules)
    own = _numbers(network, "minutes") * rules["speed_kmh"] / speed
    waits = np.nan_to_num(_numbers(network, "crossing_minutes"))
    each = rules.get("crossing_delay_minutes", 0.0)
    waits += np.nan_to_num(_numbers(network, "crossings")) * each
    waits += _waits_at_barriers(network, barriers)
    waits[_closed(network, barriers, group)] = np.inf
    with_it, against = (
        np.where(np.isfinite(own), own, walk * _tobler(0.0) / _tobler(slope)) + waits
        for slope in (rise, -rise)
    )
    return with_it, against


def reversed_streets(
    tail: list[int], head: list[int], ways: tuple[Floats, Floats], num: int
) -> sparse.csr_array:
    """
    Turn streets into a graph to search from where walks end: no loops, the quickest of parallels.

    Parameters
    ----------
    tail, head
        Nodes of each edge.
    ways
        Minutes from tail to head and back.
    num
        Number of nodes.
    """
    best: dict[tuple[int, int], float] = {}
    for one, other, there, back in zip(tail, head, *(way.tolist() for way in ways), strict=True):
        for pair, value in (((other, one), there), ((one, other), back)):
            if one != other and math.isfinite(value):
                best[pair] = min(best.get(pair, math.inf), max(value, 1e-12))
    pairs = np.array(list(best), dtype=np.int64).reshape(-1, 2).T
    return sparse.csr_array((list(best.values()), (pairs[0], pairs[1])), shape=(num, num))


def _tobler(slope: Any) -> Any:  # noqa: ANN401 - a number or many
    """Speed in km/h on a slope (Tobler 1993)."""
    return 6 * np.exp(-3.5 * np.abs(slope + 0.05))


def _rise(network: GeoDataFrame, rules: dict[str, Any]) -> Floats:
    """Slope of each edge as it is drawn; a plan from before there were slopes has none."""
    most = rules.get("max_slope", 0.0)
    up = _numbers(network, "to_elevation_m") - _numbers(network, "from_elevation_m")
    metres = numbers(network["length_m"])
    metres = np.where(metres > 0, metres, np.inf)
    given = _numbers(network, "slope")
    slope = np.nan_to_num(np.where(np.isnan(given), up / metres, given))
    return np.asarray(np.minimum(np.maximum(slope, -most), most))


def _waits_at_barriers(network: GeoDataFrame, barriers: GeoDataFrame | None) -> Floats:
    """Sum of the minutes of the crossable barriers across each edge."""
    waits = np.zeros(len(network))
    if barriers is None or barriers.empty:
        return waits
    extra = np.nan_to_num(_numbers(barriers, "crossing_minutes"))
    for row in np.flatnonzero(_marked(barriers, "crossable") & (extra > 0)).tolist():
        waits[_across(network, barriers, row)] += extra[row]
    return waits


def _closed(network: GeoDataFrame, barriers: GeoDataFrame | None, group: str) -> Bools:
    """Edges that nobody of the group may use."""
    closed = np.zeros(len(network), dtype=bool)
    over = _marked(network, "bridge") | _marked(network, "tunnel")
    says = bool({"bridge", "tunnel"} & set(network.columns))
    if says and barriers is not None and not barriers.empty:
        for row in np.flatnonzero(~_marked(barriers, "crossable")).tolist():
            closed |= _across(network, barriers, row) & ~over
    if group in ("wheelchair", "cycling"):
        closed |= _marked(network, "stairs")
        if "highway" in network:
            words = network["highway"].astype(str).str.findall(r"\w+")
            closed |= np.array(["steps" in found for found in words], dtype=bool)
    if group == "cycling":
        closed |= _marked(network, "no_cycling")
    return closed


def _across(network: GeoDataFrame, barriers: GeoDataFrame, row: int) -> Bools:
    lines = np.asarray(network.geometry, dtype=object)
    return np.asarray(shapely.crosses(lines, barriers.geometry.iloc[row]), dtype=bool)


def _numbers(frame: GeoDataFrame, name: str) -> Floats:
    """Return a column as numbers, NaN where there is none."""
    return numbers(frame[name]) if name in frame else np.full(len(frame), np.nan)


def _marked(frame: GeoDataFrame, name: str) -> Bools:
    return flags(frame[name]) if name in frame else np.zeros(len(frame), dtype=bool)
