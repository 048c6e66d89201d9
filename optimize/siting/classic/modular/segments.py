"""
Fewer segments: concave functions of floor area with fewer pieces, from above or from below.

A group of a hundred clients has a hundred segments, and programs spend most of their time on them.
Tangents give a function that is nowhere less, so that bounds stay bounds; chords give one that is
nowhere more, so that what a plan promises is kept. Both are exact where nobody or everybody is
served. A smooth concave function of slopes from a to b on an interval of length n is met by k
tangents or chords up to n (a - b) / 8 k².
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from .....models.siting.modular_floor_area import totals

_EIGHT = 8.0
"""Of the formula in the head of the module."""

_SAME = 1e-9
"""Share by which slopes may differ and still count as one."""

Segments = tuple[IntArray, FloatArray, FloatArray]
"""Group, worth and need of each segment, by group and by falling worth."""


def coarser(segments: Segments, *, error: float, above: bool) -> Segments:
    """
    Replace the segments of each group by fewer ones, where it has many.

    Parameters
    ----------
    segments
        Group (numbered from 0, none left out), worth, and need of each segment.
    error
        Residents by which the worth of a group may be off, roughly.
    above
        Whether the worth may be too high, rather than too low.
    """
    group, worth, need = segments
    if not group.size:
        return segments
    num_groups = int(group[-1]) + 1
    first = np.searchsorted(group, np.arange(num_groups))
    count = np.bincount(group, minlength=num_groups)
    total = totals(group, need, num_groups)
    fall = worth[first] - worth[first + count - 1]
    pieces = np.ceil(np.sqrt(total * fall / (_EIGHT * max(error, 1e-12)))).astype(np.int64)
    pieces = np.maximum(pieces, 1) + above
    kept = (pieces >= count)[group]
    make = _tangents if above else _chords
    many = np.flatnonzero(pieces < count)
    made = make(segments, first, many, pieces[many])
    parts = [(group[kept], worth[kept], need[kept]), made]
    joined_group, joined_worth, joined_need = (
        np.concatenate([part[k] for part in parts]) for k in range(3)
    )
    order = np.argsort(joined_group, kind="stable")
    return joined_group[order].astype(np.int64), joined_worth[order], joined_need[order]


def _points(
    segments: Segments, first: IntArray, many: IntArray, pieces: IntArray
) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """
    Points at equal distances from nothing to all that a group needs.

    Returns
    -------
    tuple
        Group, floor area and worth of each point, and the segment in which it lies.
    """
    group, worth, need = segments
    ends = np.cumsum(need)
    gains = np.cumsum(need * worth)
    before, gained = (ends - need)[first], (gains - need * worth)[first]
    last = np.r_[first[1:], group.size] - 1
    owner = np.repeat(many, pieces)
    step = np.arange(owner.size) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    share = step / np.maximum(np.repeat(pieces, pieces) - 1, 1)
    area = share * (ends[last] - before)[owner]
    segment = np.clip(
        np.searchsorted(ends, before[owner] + area, side="left"), first[owner], last[owner]
    )
    inside = before[owner] + area - (ends - need)[segment]
    value = (gains - need * worth)[segment] - gained[owner] + inside * worth[segment]
    return owner, area, value, segment


def _tangents(segments: Segments, first: IntArray, many: IntArray, pieces: IntArray) -> Segments:
    """Pieces of the lowest of the tangents at some points."""
    owner, area, value, segment = _points(segments, first, many, pieces)
    new = np.ones(owner.size, dtype=bool)
    slope = segments[1][segment]
    new[1:] = (owner[1:] != owner[:-1]) | (slope[1:] < slope[:-1] * (1 - _SAME))
    owner, area, value, slope = owner[new], area[new], value[new], slope[new]
    if not owner.size:
        return owner, slope, area
    same = owner[1:] == owner[:-1]
    height = value - slope * area
    fall = np.where(same, slope[:-1] - slope[1:], 1.0)
    cross = np.clip((height[1:] - height[:-1]) / fall, area[:-1], np.maximum(area[1:], area[:-1]))
    total = totals(segments[0], segments[2], int(segments[0][-1]) + 1)[owner]
    start = np.r_[0.0, np.where(same, cross, 0.0)]
    end = np.r_[np.where(same, cross, total[:-1]), total[-1]]
    return owner, slope, np.maximum(end - start, 0.0)


def _chords(segments: Segments, first: IntArray, many: IntArray, pieces: IntArray) -> Segments:
    """Pieces between the values at some points."""
    owner, area, value, _ = _points(segments, first, many, pieces + 1)
    same = owner[1:] == owner[:-1]
    length = np.diff(area)[same]
    return owner[1:][same], np.diff(value)[same] / np.maximum(length, 1e-300), length
