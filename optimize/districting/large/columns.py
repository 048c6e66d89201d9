"""
Least reduced cost of a district about a centre, for many centres at once.

With a potential λ on the units, a district S about the point c has the reduced cost

    Σ_{i ∈ S} (m_i |x_i - c|² - λ_i),   L ≤ Σ_{i ∈ S} p_i ≤ U,

and its least value over all S, connected or not, is a continuous knapsack: units enter by growing
key (m_i |x_i - c|² - λ_i) / p_i, the last one in part (Dantzig 1957, "Discrete-variable extremum
problems", Operations Research 5(2)). Units lie in small spatial groups, so that a centre meets
only the groups that are near enough to matter: no array has units times centres entries.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ....models.formulation import FloatArray, IntArray
from ...compiled import kernel

_GROUP = 24
_BLOCK = 64


@dataclass(frozen=True, eq=False)
class Field:
    """
    Units in the order of spatial groups, and what a district about any centre may hold.

    Parameters
    ----------
    order
        Number of each unit in the problem, shape (units,).
    point
        Places in km, shape (units, 2).
    mass, weight
        Mass in the objective and weight in the balance, both positive, shape (units,).
    first
        First unit of each group, and the number of units, shape (groups + 1,).
    lower, upper
        Bounds on the weight of a district.
    """

    order: IntArray
    point: FloatArray
    mass: FloatArray
    weight: FloatArray
    first: IntArray
    lower: float
    upper: float

    @cached_property
    def stiffness(self) -> FloatArray:
        """Mass per weight: what a key gains for each km² of squared distance."""
        return self.mass / self.weight

    @cached_property
    def box(self) -> FloatArray:
        """West, south, east and north end of each group, shape (groups, 4)."""
        starts = self.first[:-1]
        low = np.minimum.reduceat(self.point, starts)
        high = np.maximum.reduceat(self.point, starts)
        return np.ascontiguousarray(np.concatenate([low, high], axis=1))

    def reach(self, potential: FloatArray) -> FloatArray:
        """Squared radius of each group at threshold 0, and what 1 adds, shape (groups, 2)."""
        starts = self.first[:-1]
        at_zero = np.maximum.reduceat(potential / self.stiffness, starts)
        more = np.maximum.reduceat(1 / self.stiffness, starts)
        return np.stack([at_zero, more], axis=1)


def spatial_groups(point: FloatArray, size: int = _GROUP) -> tuple[IntArray, IntArray]:
    """
    Halve points along their longer side until no part has more than ``size``.

    Returns
    -------
    tuple
        Points in the order of the groups, shape (points,), and the first of each group and the
        number of points, shape (groups + 1,).
    """
    parts: list[IntArray] = []
    stack = [np.arange(len(point))]
    while stack:
        members = stack.pop()
        if members.size <= size:
            parts.append(members)
            continue
        axis = int(np.ptp(point[members], axis=0).argmax())
        half = members.size // 2
        ranked = members[np.argpartition(point[members, axis], half)]
        stack += [ranked[half:], ranked[:half]]
    first = np.cumsum([0, *(part.size for part in parts)])
    return np.concatenate(parts), first


@dataclass(frozen=True, eq=False)
class Columns:
    """
    Least reduced cost at each centre, and the key up to which units enter.

    Parameters
    ----------
    values, thresholds
        Shape (centres,).
    """

    values: FloatArray
    thresholds: FloatArray


class OutOfTimeError(Exception):
    """The time is up in the middle of an evaluation."""


def evaluate_columns(
    field: Field,
    potential: FloatArray,
    centres: FloatArray,
    margins: FloatArray,
    pool: ThreadPoolExecutor | None = None,
    over: Callable[[], bool] | None = None,
) -> Columns:
    """
    Return the least reduced cost of a district about each centre.

    Parameters
    ----------
    potential
        λ_i / p_i of each unit, in the order of the field, shape (units,).
    centres
        In km, shape (centres, 2).
    margins
        Threshold that is tried first for each centre, positive, shape (centres,).
    pool
        Threads that share the centres.
    over
        Says when to end.

    Raises
    ------
    OutOfTimeError
        If it was to end before all centres were evaluated.
    """
    count = len(centres)
    values, thresholds = np.empty(count), np.empty(count)
    reach = field.reach(potential)

    def run(begin: int) -> None:
        if over is not None and over():
            raise OutOfTimeError
        _columns(
            field.point,
            field.stiffness,
            field.weight,
            potential,
            field.first,
            field.box,
            reach,
            centres[begin : begin + _BLOCK],
            margins[begin : begin + _BLOCK],
            field.lower,
            field.upper,
            values[begin : begin + _BLOCK],
            thresholds[begin : begin + _BLOCK],
        )

    _share(run, range(0, count, _BLOCK), pool)
    return Columns(values, thresholds)


def add_cover(
    field: Field,
    potential: FloatArray,
    centres: FloatArray,
    thresholds: FloatArray,
    shares: FloatArray,
    pool: ThreadPoolExecutor | None = None,
) -> FloatArray:
    """
    Return how often each unit is taken if centres are open by shares, shape (units,).

    A unit at the threshold counts as not taken.
    """
    cover = np.zeros(field.weight.size)
    reach = field.reach(potential)
    groups = field.first.size - 1

    def run(begin: int) -> None:
        _cover(
            field.point,
            field.stiffness,
            potential,
            field.first,
            field.box,
            reach,
            centres,
            thresholds,
            shares,
            begin,
            min(begin + _BLOCK, groups),
            cover,
        )

    _share(run, range(0, groups, _BLOCK), pool)
    return cover


def _share(run: Callable[[int], None], starts: range, pool: ThreadPoolExecutor | None) -> None:
    if pool is None:
        for begin in starts:
            run(begin)
    else:
        list(pool.map(run, starts))


@kernel
def _crossing(key: FloatArray, weight: FloatArray, count: int, target: float) -> float:
    """Key of the item at which the weight of all smaller ones passes a target (quickselect)."""
    low, high, below = 0, count, 0.0
    while high - low > 1:
        pivot = key[(low + high) // 2]
        i, smaller, larger = low, low, high
        under, equal = 0.0, 0.0
        while i < larger:
            if key[i] < pivot:
                under += weight[i]
                key[i], key[smaller] = key[smaller], key[i]
                weight[i], weight[smaller] = weight[smaller], weight[i]
                i += 1
                smaller += 1
            elif key[i] > pivot:
                larger -= 1
                key[i], key[larger] = key[larger], key[i]
                weight[i], weight[larger] = weight[larger], weight[i]
            else:
                equal += weight[i]
                i += 1
        if below + under > target:
            high = smaller
        elif below + under + equal > target or larger >= high:
            return float(pivot)
        else:
            below += under + equal
            low = larger
    return float(key[low])


@kernel
def _collect(
    point: FloatArray,
    stiffness: FloatArray,
    weights: FloatArray,
    potential: FloatArray,
    first: IntArray,
    box: FloatArray,
    reach: FloatArray,
    x: float,
    y: float,
    cap: float,
    key: FloatArray,
    weight: FloatArray,
) -> int:
    """List key and weight of the units whose key is below a cap."""
    count = 0
    for group in range(first.size - 1):
        dx = max(box[group, 0] - x, 0.0, x - box[group, 2])
        dy = max(box[group, 1] - y, 0.0, y - box[group, 3])
        if dx * dx + dy * dy >= reach[group, 0] + cap * reach[group, 1]:
            continue
        for i in range(first[group], first[group + 1]):
            dx, dy = point[i, 0] - x, point[i, 1] - y
            value = stiffness[i] * (dx * dx + dy * dy) - potential[i]
            if value < cap:
                key[count] = value
                weight[count] = weights[i]
                count += 1
    return count


@kernel
def _columns(
    point: FloatArray,
    stiffness: FloatArray,
    weights: FloatArray,
    potential: FloatArray,
    first: IntArray,
    box: FloatArray,
    reach: FloatArray,
    centres: FloatArray,
    margins: FloatArray,
    lower: float,
    upper: float,
    values: FloatArray,
    thresholds: FloatArray,
) -> None:
    """Solve the knapsack at each centre; a Lagrangian value is valid at any threshold."""
    n = weights.size
    key, weight = np.empty(n), np.empty(n)
    for j in range(len(centres)):
        cap = margins[j]
        while True:
            count = _collect(
                point,
                stiffness,
                weights,
                potential,
                first,
                box,
                reach,
                centres[j, 0],
                centres[j, 1],
                cap,
                key,
                weight,
            )
            free, load = 0.0, 0.0
            for i in range(count):
                load += weight[i]
                if key[i] < 0.0:
                    free += weight[i]
            if free >= lower or load > lower or count == n:
                break
            cap *= 2.0
        threshold, limit = 0.0, 0.0
        if free > upper:
            threshold, limit = _crossing(key, weight, count, upper), upper
        elif free < lower:
            limit = lower
            threshold = _crossing(key, weight, count, lower) if load > lower else cap
        value = threshold * limit
        for i in range(count):
            if key[i] < threshold:
                value += weight[i] * (key[i] - threshold)
        values[j] = value
        thresholds[j] = threshold


@kernel
def _cover(
    point: FloatArray,
    stiffness: FloatArray,
    potential: FloatArray,
    first: IntArray,
    box: FloatArray,
    reach: FloatArray,
    centres: FloatArray,
    thresholds: FloatArray,
    shares: FloatArray,
    begin: int,
    end: int,
    cover: FloatArray,
) -> None:
    for group in range(begin, end):
        for j in range(len(centres)):
            x, y, threshold = centres[j, 0], centres[j, 1], thresholds[j]
            dx = max(box[group, 0] - x, 0.0, x - box[group, 2])
            dy = max(box[group, 1] - y, 0.0, y - box[group, 3])
            away = dx * dx + dy * dy
            # A negative threshold may shrink the reach of some units less than that of others.
            if away >= reach[group, 0] + max(threshold, 0.0) * reach[group, 1]:
                continue
            for i in range(first[group], first[group + 1]):
                dx, dy = point[i, 0] - x, point[i, 1] - y
                if stiffness[i] * (dx * dx + dy * dy) - potential[i] < threshold:
                    cover[i] += shares[j]
