"""Columns of a service system, and its rows of sites: room, sizes, what may share a building."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .service_system import ServiceSystem


class SiteRows:
    """Columns and rows of sites, added block by block to ``builder``."""

    def __init__(self, problem: ServiceSystem, *, plain: bool, flow: bool = False) -> None:
        """Start with an empty model."""
        self.problem, self.plain, self.flow = problem, plain, flow
        self.builder = ModelBuilder("services")
        self.rows, self.ground = problem.facilities, problem.grounds

    def _columns(self) -> None:
        rows, ground, builder = self.rows, self.ground, self.builder
        k, c = ground.convert_cost[rows.site], ground.build_cost[rows.site]
        new_building = ground.built_m2[rows.site] <= 0
        each = np.where(new_building, c, k)
        sized = self.problem.sized
        there = rows.today_m2 > 0
        weight = -each * rows.today_m2 - rows.closing_cost * there
        weight = weight + np.where(sized, 0.0, each * rows.least_m2)
        self.money = weight
        self.opening = builder.add_columns(
            weight + self._changes(), lower=rows.is_kept.astype(float), upper=1, integer=True
        )
        builder.offset += float(rows.closing_cost[there].sum())
        self.area = np.full(rows.num, -1, dtype=np.int64)
        self.area[sized] = builder.add_columns(each[sized], upper=rows.most_m2[sized])
        priced = (ground.fixed_cost > 0) | self.plain
        used = np.zeros(self.problem.num_sites, dtype=bool)
        used[rows.site] = True
        held = np.zeros(self.problem.num_sites, dtype=bool)
        held[rows.site[rows.is_kept]] = True
        self.site = np.full(self.problem.num_sites, -1, dtype=np.int64)
        where = np.flatnonzero(priced & used & ~held)
        self.site[where] = builder.add_columns(ground.fixed_cost[where], upper=1, integer=True)
        builder.offset += float(ground.fixed_cost[held & used].sum())
        grown = np.flatnonzero(used & (ground.built_m2 > 0))
        self.built = np.full(self.problem.num_sites, -1, dtype=np.int64)
        more = ground.most_m2 - ground.built_m2
        cost = np.maximum(ground.build_cost - ground.convert_cost, 0.0)
        self.built[grown] = builder.add_columns(cost[grown], upper=np.maximum(more[grown], 0.0))

    def _changes(self) -> FloatArray:
        """
        Return p_f where an earlier plan had closed a facility, -p_f where it had opened it.

        One that can only be smaller than it was counts that too.
        """
        earlier, least = self.problem.earlier, self.rows.least_m2
        if earlier is None:
            return np.zeros(self.rows.num)
        self.builder.offset += float(earlier.price[earlier.was_open].sum())
        smaller = np.where(self.problem.sized, 0.0, np.maximum(earlier.area_m2 - least, 0.0))
        stays = earlier.price_m2 * smaller - earlier.price
        return np.where(earlier.was_open, stays, earlier.price)

    def _smaller(self) -> None:
        """s_f ≥ ā_f y_f - a_f for what an earlier plan had made larger than it must be."""
        earlier, rows = self.problem.earlier, self.rows
        if earlier is None:
            return
        counts = earlier.was_open & (earlier.price_m2 > 0) & (self.area >= 0)
        shrinks = np.flatnonzero(counts & (earlier.area_m2 > rows.least_m2))
        if not shrinks.size:
            return
        area, index = earlier.area_m2[shrinks], np.arange(shrinks.size)
        less = self.builder.add_columns(earlier.price_m2[shrinks], upper=area)
        ones = np.ones(shrinks.size)
        self.builder.add_rows(
            np.r_[index, index, index],
            np.r_[less, self.area[shrinks], self.opening[shrinks]],
            np.r_[ones, ones, -area],
            lower=np.zeros(shrinks.size),
        )

    def _area_of(self, facility: NDArray[np.integer]) -> tuple[IntArray, FloatArray]:
        """Column and weight that stand for the floor area of facilities."""
        sized = self.area[facility] >= 0
        column = np.where(sized, self.area[facility], self.opening[facility])
        return column, np.where(sized, 1.0, self.rows.least_m2[facility])

    def _room(self) -> None:
        rows, ground, builder = self.rows, self.ground, self.builder
        everything = np.arange(rows.num)
        column, weight = self._area_of(everything)
        sites = np.unique(rows.site)
        place = np.full(self.problem.num_sites, -1, dtype=np.int64)
        place[sites] = np.arange(sites.size)
        row = place[rows.site]
        opened = np.flatnonzero(self.site[sites] >= 0)
        most = ground.most_m2[sites]
        builder.add_rows(
            np.r_[row, opened],
            np.r_[column, self.site[sites[opened]]],
            np.r_[weight, -most[opened]],
            upper=np.where(self.site[sites] >= 0, 0.0, most),
        )
        grown = np.flatnonzero(self.built[rows.site] >= 0)
        some = np.flatnonzero(self.built[sites] >= 0)
        inner = np.full(self.problem.num_sites, -1, dtype=np.int64)
        inner[sites[some]] = np.arange(some.size)
        if some.size:
            builder.add_rows(
                np.r_[inner[rows.site[grown]], np.arange(some.size)],
                np.r_[column[grown], self.built[sites[some]]],
                np.r_[weight[grown], -np.ones(some.size)],
                upper=ground.built_m2[sites[some]],
            )
        linked = np.flatnonzero(self.site[rows.site] >= 0)
        index = np.arange(linked.size)
        if linked.size:
            builder.add_rows(
                np.r_[index, index],
                np.r_[self.opening[linked], self.site[rows.site[linked]]],
                np.r_[np.ones(linked.size), -np.ones(linked.size)],
                upper=np.zeros(linked.size),
            )
        self._sizes()

    def _sizes(self) -> None:
        facility = np.flatnonzero(self.area >= 0)
        if not facility.size:
            return
        index, ones = np.arange(facility.size), np.ones(facility.size)
        for limit, sense in ((self.rows.least_m2, 1.0), (self.rows.most_m2, -1.0)):
            self.builder.add_rows(
                np.r_[index, index],
                np.r_[self.area[facility], self.opening[facility]],
                np.r_[sense * ones, -sense * limit[facility]],
                lower=np.zeros(facility.size),
            )

    def _apart(self) -> None:
        """Services that exclude each other at a site; those that stay there do not count."""
        by_service: dict[int, IntArray] = {}
        for service in range(self.problem.num_services):
            where = np.full(self.problem.num_sites, -1, dtype=np.int64)
            mine = np.flatnonzero(self.rows.service == service)
            where[self.rows.site[mine]] = mine
            by_service[service] = where
        for group in exclusive_groups(self.problem.may_share, pairs=self.plain):
            table = np.array([by_service[service] for service in group])
            there = table >= 0
            sites = np.flatnonzero(there.sum(axis=0) > 1)
            if not sites.size:
                continue
            place, row = np.nonzero(there[:, sites])
            facility = table[place, sites[row]]
            stay = np.bincount(row, self.rows.is_kept[facility].astype(float), sites.size)
            opened = np.flatnonzero((self.site[sites] >= 0) & ~np.bool_(self.plain))
            upper = np.maximum(stay, 1.0)
            upper[opened] = 0.0
            self.builder.add_rows(
                np.r_[row, opened],
                np.r_[self.opening[facility], self.site[sites[opened]]],
                np.r_[np.ones(row.size), -np.ones(opened.size)],
                upper=upper,
            )


def exclusive_groups(may_share: BoolArray, *, pairs: bool = False) -> Iterator[list[int]]:
    """
    Cover the pairs of services that may not share a building by cliques, greedily.

    Parameters
    ----------
    may_share
        Shape (services, services), symmetric.
    pairs
        Give each pair by itself.
    """
    apart = ~may_share
    np.fill_diagonal(apart, val=False)
    waiting = {(int(a), int(b)) for a, b in zip(*np.nonzero(np.triu(apart)), strict=True)}
    while waiting:
        one, other = min(waiting)
        group = [one, other]
        if not pairs:
            for service in range(len(apart)):
                if service not in group and apart[service, group].all():
                    group.append(service)
        waiting -= {(a, b) for a in group for b in group}
        yield sorted(group)
