"""Minutes along every edge of the network, there and back: slopes, crossings, barriers, stairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from .notes import Note, named, note
from .travel_groups import Group, group_speed_kmh

if TYPE_CHECKING:
    import geopandas as gpd

    from ..models.formulation import BoolArray, FloatArray
    from .policy import Policy

TOBLER_DECAY, TOBLER_BEST_SLOPE = 3.5, 0.05
"""Of Tobler's hiking function (1993): speed = 6 exp(-3.5 |slope + 0.05|) km/h."""

_STEPS = r"\bsteps\b"


@dataclass(frozen=True, eq=False)
class EdgeMinutes:
    """
    Minutes along the edges of a network for one group.

    Parameters
    ----------
    there, back
        Minutes from ``from_node`` to ``to_node`` and the other way, infinite where the group
        cannot pass, shapes (edges,).
    notes
        What was slowed, closed or believed.
    """

    there: FloatArray
    back: FloatArray
    notes: tuple[Note, ...] = ()


def edge_minutes(
    network: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    policy: Policy,
    group: Group = "adult",
) -> EdgeMinutes:
    """
    Compute the minutes along every edge.

    An edge takes its length at the speed of the group, times a factor for its slope; or the
    minutes that it has of its own, which are those of an adult, slope included. What is waited at
    crossings and barriers is added and is the same for everybody.

    Parameters
    ----------
    network
        Lines with ``length_m`` and perhaps ``minutes``, ``slope`` or the elevations of both ends,
        ``crossings``, ``crossing_minutes``, ``bridge``, ``tunnel``, ``stairs``, ``no_cycling`` and
        ``highway``.
    barriers
        Lines with ``crossable`` and ``crossing_minutes``; None if there are none.
    policy
        Speeds, and the delay at a crossing.
    group
        Who is under way.

    Raises
    ------
    ValueError
        If there is no such group.
    """
    walking = policy.walking
    scale = walking.speed_kmh / group_speed_kmh(policy, group)
    flat = _column(network, "length_m") * 60 / (walking.speed_kmh * 1000)
    notes: list[Note] = []
    there, back = flat, flat
    slope = edge_slopes(network, walking.max_slope)
    if group != "cycling" and slope.any():
        there, back = flat * slope_factor(slope), flat * slope_factor(-slope)
        notes.append(note("walk_slopes", count=int((slope != 0).sum())))
    own = _column(network, "minutes", missing=np.nan)
    has_own = np.isfinite(own)
    wait = _crossing_waits(network, walking.crossing_delay_minutes, notes)
    wait, cut = _at_barriers(network, barriers, wait, notes)
    closed = cut | _closed_to(network, group, notes)
    there, back = (
        np.where(closed, np.inf, np.where(has_own, own, moved) * scale + wait)
        for moved in (there, back)
    )
    return EdgeMinutes(there=there, back=back, notes=tuple(notes))


def slope_factor(slope: FloatArray) -> FloatArray:
    """
    Return how many times longer than on the flat it takes to walk up (or, negative, down) slopes.

    Tobler's hiking function (Tobler 1993, Three presentations on geographical analysis and
    modeling, NCGIA report 93-1) divided by its speed on the flat:
    exp(3.5 (|slope + 0.05| - 0.05)).

    Parameters
    ----------
    slope
        Rise by distance, positive uphill.

    Examples
    --------
    >>> slope_factor(np.array([-0.05, 0.0, 0.1])).round(3).tolist()
    [0.839, 1.0, 1.419]
    """
    return np.exp(TOBLER_DECAY * (np.abs(slope + TOBLER_BEST_SLOPE) - TOBLER_BEST_SLOPE))


def edge_slopes(network: gpd.GeoDataFrame, steepest: float) -> FloatArray:
    """
    Return the slope of every edge from its first to its last node, shape (edges,).

    Parameters
    ----------
    network
        With ``slope``, or ``from_elevation_m`` and ``to_elevation_m``, which count where no slope
        is given; an edge with neither is flat.
    steepest
        Steeper slopes count as this one.
    """
    length = _column(network, "length_m")
    rise = _column(network, "to_elevation_m", missing=np.nan) - _column(
        network, "from_elevation_m", missing=np.nan
    )
    slope = np.divide(rise, length, out=np.zeros(len(network)), where=length > 0)
    given = _column(network, "slope", missing=np.nan)
    slope = np.where(np.isfinite(given), given, np.where(np.isfinite(slope), slope, 0.0))
    return np.clip(slope, -steepest, steepest)


def is_stairs(network: gpd.GeoDataFrame) -> BoolArray:
    """Whether each edge is a flight of stairs: ``stairs``, or ``highway`` with the word steps."""
    stairs = _flag(network, "stairs")
    if "highway" not in network:
        return stairs
    steps = network["highway"].astype(str).str.contains(_STEPS).to_numpy(dtype=bool)
    return np.asarray(stairs | steps, dtype=np.bool_)


def _closed_to(network: gpd.GeoDataFrame, group: Group, notes: list[Note]) -> BoolArray:
    """Whether each edge is closed to the group: stairs to wheels, and what is not for cycling."""
    closed = np.zeros(len(network), dtype=np.bool_)
    if group in {"wheelchair", "cycling"}:
        closed |= is_stairs(network)
    if group == "cycling":
        closed |= _flag(network, "no_cycling")
    if closed.any():
        notes.append(note("walk_closed", count=int(closed.sum()), group=named("walker", group)))
    return closed


def _crossing_waits(network: gpd.GeoDataFrame, delay: float, notes: list[Note]) -> FloatArray:
    """Minutes waited at the crossings of every edge."""
    wait = _column(network, "crossing_minutes", missing=0.0)
    wait = wait + delay * _column(network, "crossings", missing=0.0)
    if wait.any():
        notes.append(note("walk_crossings", count=int((wait > 0).sum())))
    return wait


def _at_barriers(
    network: gpd.GeoDataFrame,
    barriers: gpd.GeoDataFrame | None,
    wait: FloatArray,
    notes: list[Note],
) -> tuple[FloatArray, BoolArray]:
    """Add the minutes of the barriers that edges cross; say which edges a barrier cuts."""
    cut = np.zeros(len(network), dtype=np.bool_)
    if barriers is None or not len(barriers):
        return wait, cut
    passable = _flag(barriers, "crossable")
    tree = shapely.STRtree(np.asarray(barriers.geometry, dtype=object))
    lines = np.asarray(network.geometry, dtype=object)
    edge, barrier = tree.query(lines, predicate="crosses")
    extra = np.where(passable, _column(barriers, "crossing_minutes", missing=0.0), 0.0)
    added = np.bincount(edge, weights=extra[barrier], minlength=len(lines))
    if added.any():
        notes.append(note("walk_barriers", count=int((added > 0).sum())))
    cut[edge[~passable[barrier]]] = True
    if "bridge" in network or "tunnel" in network:
        cut &= ~(_flag(network, "bridge") | _flag(network, "tunnel"))
        if cut.any():
            notes.append(note("walk_cut", count=int(cut.sum())))
        return wait + added, cut
    if cut.any():
        notes.append(note("walk_believed", count=int(cut.sum())))
    return wait + added, np.zeros(len(network), dtype=np.bool_)


def _column(frame: gpd.GeoDataFrame, name: str, *, missing: float | None = None) -> FloatArray:
    """Numbers of a column, with a number for what is missing, shape (rows,)."""
    if missing is not None and name not in frame:
        return np.full(len(frame), missing)
    values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    return values if missing is None else np.where(np.isfinite(values), values, missing)


def _flag(frame: gpd.GeoDataFrame, name: str) -> BoolArray:
    """Where a column says yes; nowhere without it."""
    if name not in frame:
        return np.zeros(len(frame), dtype=np.bool_)
    return np.asarray(frame[name].eq(True).to_numpy(dtype=bool), dtype=np.bool_)
