"""
Power diagrams from many starts: on groups of units first, then on the units themselves.

On some thousand groups a start takes milliseconds, so hundreds of them, and exchanges of single
centres from the best one, find out how the districts lie to each other; the units decide the rest.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from ....models.formulation import FloatArray, IntArray
from .allocation import Power, Sites, allocate, merge_sites, start_power
from .columns import spatial_groups

MOST_GROUPS = 2500
_ROUNDS = 80
_KEPT = 8
_SAME = 1e-5
"""Relative difference of values below which two diagrams count as one."""


def coarse_sites(sites: Sites, most: int = MOST_GROUPS) -> tuple[Sites, IntArray]:
    """Merge units that lie together; return the groups, and the group of each unit."""
    n = sites.mass.size
    if n <= most:
        return sites, np.arange(n)
    order, first = spatial_groups(sites.point, -(-n // most))
    group = np.empty(n, dtype=np.int64)
    group[order] = np.repeat(np.arange(first.size - 1), np.diff(first))
    return merge_sites(sites, group), group


def spread_points(sites: Sites, k: int, rng: np.random.Generator) -> FloatArray:
    """Random places of units, far from each other (k-means++, Arthur and Vassilvitskii 2007)."""
    mass = sites.mass + 1e-9 * max(float(sites.mass.mean()), 1e-300)
    chosen = [int(rng.choice(mass.size, p=mass / mass.sum()))]
    nearest = np.full(mass.size, np.inf)
    while len(chosen) < k:
        away = np.square(sites.point - sites.point[chosen[-1]]).sum(axis=1)
        nearest = np.minimum(nearest, mass * away)
        nearest[chosen] = 0
        total = nearest.sum()
        chance = nearest / total if total > 0 else None
        chosen.append(int(rng.choice(mass.size, p=chance)))
    return sites.point[chosen].copy()


def best_diagrams(
    sites: Sites, k: int, rng: np.random.Generator, *, over: Callable[[], bool], starts: int
) -> list[Power]:
    """
    Return the best centroidal power diagrams of many starts, best first.

    Parameters
    ----------
    over
        Says when to end; the first start is always finished.
    starts
        Number of random starts; as many exchanges follow.
    """
    found: list[Power] = []
    for trial in range(2 * starts):
        if found and over():
            break
        if trial < starts:
            centres = spread_points(sites, k, rng)
        else:
            centres = _exchanged(sites, found[int(rng.integers(min(3, len(found))))], rng)
        _keep(found, allocate(sites, start_power(sites, centres), _ROUNDS, follow=True))
    return found


def _exchanged(sites: Sites, power: Power, rng: np.random.Generator) -> FloatArray:
    """Put one centre next to another, or all of them a little aside."""
    centres = power.centres.copy()
    k = len(centres)
    spread = np.sqrt(np.ptp(sites.point, axis=0).prod() / k)
    if k > 1 and rng.random() < 0.7:
        lost = int(rng.integers(k))
        centres[lost] = sites.point[int(rng.integers(sites.mass.size))]
    else:
        centres += rng.normal(0, 0.25 * spread, centres.shape)
    return np.asarray(centres)


def _keep(found: list[Power], power: Power) -> None:
    """Insert a diagram by value unless one of the same value is there."""
    if any(abs(power.value - other.value) <= _SAME * abs(other.value) for other in found):
        return
    found.append(power)
    found.sort(key=lambda one: one.value)
    del found[_KEPT:]


class Snapping:
    """
    Power diagrams on the units, with centres at places that a district may take as its centre.

    Parameters
    ----------
    sites
        The units.
    places
        Where centres may lie, in km, shape (units, 2).
    """

    def __init__(self, sites: Sites, places: FloatArray) -> None:
        self.sites = sites
        self.places = places
        self.tree = cKDTree(places)

    def settle(self, power: Power, *, over: Callable[[], bool], turns: int = 12) -> Power:
        """Let the centres follow, then alternate prices and the nearest places of the centres."""
        power = allocate(self.sites, power, 30, follow=True)
        seats = self.seats(power)
        best = self.priced(power, seats)
        for _ in range(turns):
            moved = self.seats(best)
            if over() or np.array_equal(moved, seats):
                break
            trial = self.priced(best, moved)
            if trial.value >= best.value:
                break
            best, seats = trial, moved
        return best

    def seats(self, power: Power) -> IntArray:
        """Return the unit next to each district's mass centre, shape (districts,)."""
        k = len(power.centres)
        mass = np.maximum(np.bincount(power.plan, self.sites.mass, k), 1e-300)
        middle = [
            np.bincount(power.plan, self.sites.mass * axis, k) / mass for axis in self.sites.point.T
        ]
        return np.asarray(self.tree.query(np.stack(middle, axis=1))[1], dtype=np.int64)

    def seats_of(self, power: Power) -> IntArray:
        """Return the unit at each centre of a diagram, shape (districts,)."""
        return np.asarray(self.tree.query(power.centres)[1], dtype=np.int64)

    def priced(self, power: Power, seats: IntArray, rounds: int = 12) -> Power:
        """Return the diagram with its centres at the places of units."""
        moved = Power(self.places[seats].copy(), power.prices, power.plan)
        return allocate(self.sites, moved, rounds, follow=False)

    def exchange(
        self, power: Power, *, over: Callable[[], bool], near: int = 10, passes: int = 4
    ) -> Power:
        """
        Try the places next to each district's mass centre, one district at a time.

        Where a district has only some hundred units the way from its mass centre to the next
        place counts, and the other districts can make it shorter.
        """
        best = power
        for _ in range(passes):
            before = best.value
            for district in range(len(power.centres)):
                if over():
                    return best
                best = self._exchange_one(best, district, near)
            if best.value > before - 1e-6 * abs(before):
                break
        return best

    def _exchange_one(self, power: Power, district: int, near: int) -> Power:
        seats = self.seats_of(power)
        members = power.plan == district
        mass = self.sites.mass[members]
        middle = mass @ self.sites.point[members] / max(float(mass.sum()), 1e-300)
        count = min(near, len(self.places))
        options = np.atleast_1d(self.tree.query(middle, count)[1])
        for option in options:
            if option in seats:
                continue
            trial = self.priced(
                power, np.where(np.arange(len(seats)) == district, option, seats), 6
            )
            if trial.value < power.value:
                power = trial
                seats = self.seats_of(power)
        return power
