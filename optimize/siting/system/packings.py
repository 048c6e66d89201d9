"""The best facilities of each site at prices for what they do elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.formulation import BoolArray, FloatArray, IntArray
from ....models.siting.service_system import ServiceSystem
from .packing_kernels import BITS, pack_sites

MOST_NODES = 5000
"""Nodes after which the search at a site is given up; its profit is then overestimated."""


@dataclass(frozen=True, eq=False)
class Packed:
    """
    What sites hold at the largest profit.

    Parameters
    ----------
    is_open, area_m2
        Shape (facilities,) each.
    profit
        Largest profit of each site, or a bound above it, shape (sites,).
    """

    is_open: BoolArray
    area_m2: FloatArray
    profit: FloatArray


class SitePackings:
    """
    What each site can hold: its room, and which facilities exclude each other.

    Parameters
    ----------
    problem
        The problem.
    """

    def __init__(self, problem: ServiceSystem) -> None:
        """Sort the facilities by site."""
        rows, ground = problem.facilities, problem.grounds
        number = np.bincount(rows.site, minlength=problem.num_sites)
        self.order = np.argsort(rows.site, kind="stable")
        self.starts = np.r_[0, np.cumsum(number)].astype(np.int64)
        self.room = np.asarray(ground.most_m2, dtype=float)
        self.held = np.bincount(rows.site, rows.is_kept, problem.num_sites) > 0
        self.fixed = np.where(self.held, 0.0, ground.fixed_cost).astype(float)
        self.least = rows.least_m2[self.order].astype(float)
        growth = np.where(problem.sized, rows.most_m2 - rows.least_m2, 0.0)
        self.growth = growth[self.order].astype(float)
        self.kept = np.asarray(rows.is_kept[self.order], dtype=bool)
        self.apart = _exclusions(problem, self.order, self.starts)

    def best(self, profit: FloatArray, density: FloatArray, *, opens_free: bool = False) -> Packed:
        """
        Fill every site at the largest profit.

        Parameters
        ----------
        profit
            Of each facility at its least floor area, shape (facilities,).
        density
            Of each m² more, where the floor area is a choice, shape (facilities,).
        opens_free
            Whether opening a site costs nothing.
        """
        order = self.order
        is_open, area = np.zeros(order.size, dtype=np.int8), np.zeros(order.size)
        found = np.zeros(self.room.size)
        fixed = np.zeros_like(self.fixed) if opens_free else self.fixed
        pack_sites(
            self.starts, self.room, fixed, self.least, self.growth, self.kept, self.apart,
            profit[order], density[order], MOST_NODES, is_open, area, found,
        )  # fmt: skip
        opened, areas = np.zeros(order.size, dtype=bool), np.zeros(order.size)
        opened[order], areas[order] = is_open > 0, area
        return Packed(opened, areas, found)


def _exclusions(problem: ServiceSystem, order: IntArray, starts: IntArray) -> IntArray:
    """
    Tell which facilities of the same site each excludes, as bits; those kept bear each other.

    Exclusions of those beyond the bits of an integer are left out: the packings are a relaxation.
    """
    rows = problem.facilities
    service, kept = rows.service[order], rows.is_kept[order]
    place = np.arange(order.size) - starts[rows.site[order]]
    found = np.zeros(order.size, dtype=np.int64)
    by_place: dict[int, IntArray] = {}
    for other in range(min(int(place.max(initial=-1)) + 1, BITS)):
        where = np.full(problem.num_sites, -1, dtype=np.int64)
        mine = np.flatnonzero(place == other)
        where[rows.site[order[mine]]] = mine
        by_place[other] = where
    for other, where in by_place.items():
        beside = where[rows.site[order]]
        there = (beside >= 0) & (beside != np.arange(order.size))
        beside = np.maximum(beside, 0)
        apart = there & ~problem.may_share[service, service[beside]] & ~(kept & kept[beside])
        found[apart] |= np.int64(1) << np.int64(other)
    return found
