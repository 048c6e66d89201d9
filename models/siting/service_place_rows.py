"""Rows of a service system for places: floor area, numbers, and stations that are shared."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..formulation import IntArray
from .service_site_rows import SiteRows


class PlaceRows(SiteRows):
    """Rows of places."""

    def _needs(self) -> None:
        needs, builder, prices = self.problem.needs, self.builder, self.problem.prices
        sized = np.flatnonzero(needs.area_m2 > 0)
        self.missing_area = np.full(needs.area_m2.size, -1, dtype=np.int64)
        self.missing_area[sized] = builder.add_columns(
            np.full(sized.size, prices.square_metre), upper=needs.area_m2[sized]
        )
        self.point_area = np.full(needs.area_m2.size, -1, dtype=np.int64)
        pointed = sized[np.diff(needs.points.indptr)[sized] > 0]
        self.point_area[pointed] = builder.add_columns(
            np.zeros(pointed.size), upper=needs.point_share * needs.area_m2[pointed]
        )
        counted = np.flatnonzero(needs.least > 0)
        self.missing_number = np.full(needs.area_m2.size, -1, dtype=np.int64)
        self.missing_number[counted] = builder.add_columns(
            np.full(counted.size, prices.facility), upper=needs.least[counted], integer=True
        )
        own = np.setdiff1d(sized, self.problem.sharing.needs)
        self._area_rows(own)
        self._point_rows(pointed)
        self._number_rows()

    def _area_rows(self, own: IntArray) -> None:
        """Σ a_f + t_n + v_n ≥ T_n."""
        needs = self.problem.needs
        members = sparse.coo_array(needs.members[own])
        column, weight = self._area_of(members.col)
        pointed = np.flatnonzero(self.point_area[own] >= 0)
        row = np.r_[members.row, pointed, np.arange(own.size)]
        columns = np.r_[column, self.point_area[own[pointed]], self.missing_area[own]]
        weights = np.r_[weight, np.ones(pointed.size + own.size)]
        if own.size:
            self.builder.add_rows(row, columns, weights, lower=needs.area_m2[own])

    def _point_rows(self, pointed: IntArray) -> None:
        """t_n ≤ Σ a_f over the points of n."""
        points = sparse.coo_array(self.problem.needs.points[pointed])
        column, weight = self._area_of(points.col)
        if pointed.size:
            self.builder.add_rows(
                np.r_[points.row, np.arange(pointed.size)],
                np.r_[column, self.point_area[pointed]],
                np.r_[weight, -np.ones(pointed.size)],
                lower=np.zeros(pointed.size),
            )

    def _number_rows(self) -> None:
        """L_n - w_n ≤ Σ y_f ≤ U_n, for what is not shared."""
        needs = self.problem.needs
        own = np.ones(needs.area_m2.size, dtype=bool)
        own[self.problem.sharing.needs] = False
        size = np.diff(needs.members.indptr)
        counted = np.flatnonzero(own & (needs.least > 0))
        members = sparse.coo_array(needs.members[counted])
        if counted.size:
            self.builder.add_rows(
                np.r_[members.row, np.arange(counted.size)],
                np.r_[self.opening[members.col], self.missing_number[counted]],
                np.ones(members.row.size + counted.size),
                lower=needs.least[counted].astype(float),
            )
        limited = np.flatnonzero(own & (needs.most < size))
        members = sparse.coo_array(needs.members[limited])
        if limited.size:
            self.builder.add_rows(
                members.row,
                self.opening[members.col],
                1.0,
                upper=needs.most[limited].astype(float),
            )

    def _sharing(self) -> None:
        sharing, needs, builder = self.problem.sharing, self.problem.needs, self.builder
        pairs = sparse.coo_array(sharing.facilities)
        need, facility = sharing.needs[pairs.row], pairs.col
        self.attached = builder.add_columns(np.zeros(need.size), upper=1, integer=True)
        self.given = np.empty(0, dtype=np.int64)
        if not sharing.needs.size:
            return
        most = np.minimum(needs.area_m2[need], self.rows.most_m2[facility])
        self.given = given = builder.add_columns(np.zeros(need.size), upper=most)
        ones, index, num = np.ones(need.size), np.arange(need.size), sharing.needs.size
        builder.add_rows(
            np.r_[index, index], np.r_[given, self.attached], np.r_[ones, -most], upper=0 * ones
        )
        builder.add_rows(
            np.r_[index, index],
            np.r_[self.attached, self.opening[facility]],
            np.r_[ones, -ones],
            upper=0 * ones,
        )
        builder.add_rows(pairs.row, self.attached, 1.0, upper=np.ones(num))
        counted = np.flatnonzero(self.missing_number[sharing.needs] >= 0)
        place = np.full(num, -1, dtype=np.int64)
        place[counted] = np.arange(counted.size)
        mine = place[pairs.row] >= 0
        if counted.size:
            builder.add_rows(
                np.r_[place[pairs.row[mine]], np.arange(counted.size)],
                np.r_[self.attached[mine], self.missing_number[sharing.needs[counted]]],
                np.ones(int(mine.sum()) + counted.size),
                lower=needs.least[sharing.needs[counted]].astype(float),
            )
        self._shared_area(pairs.row, given)
        self._shared_load(facility, given)

    def _shared_area(self, row: NDArray[np.integer], given: IntArray) -> None:
        """Σ_f q_nf + t_n + v_n ≥ T_n."""
        needs, shared = self.problem.needs, self.problem.sharing.needs
        sized = np.flatnonzero(self.missing_area[shared] >= 0)
        pointed = np.flatnonzero(self.point_area[shared] >= 0)
        place = np.full(shared.size, -1, dtype=np.int64)
        place[sized] = np.arange(sized.size)
        mine = place[row] >= 0
        if not sized.size:
            return
        self.builder.add_rows(
            np.r_[place[row[mine]], place[pointed], np.arange(sized.size)],
            np.r_[given[mine], self.point_area[shared[pointed]], self.missing_area[shared[sized]]],
            np.ones(int(mine.sum()) + pointed.size + sized.size),
            lower=needs.area_m2[shared[sized]],
        )

    def _shared_load(self, facility: NDArray[np.integer], given: IntArray) -> None:
        """Σ_n q_nf ≤ a_f and Σ_n x_nf ≤ K y_f."""
        some, row = np.unique(facility, return_inverse=True)
        if not some.size:
            return
        column, weight = self._area_of(some)
        index = np.arange(some.size)
        self.builder.add_rows(
            np.r_[row, index],
            np.r_[given, column],
            np.r_[np.ones(row.size), -weight],
            upper=np.zeros(some.size),
        )
        most = float(self.problem.sharing.most_places)
        self.builder.add_rows(
            np.r_[row, index],
            np.r_[self.attached, self.opening[some]],
            np.r_[np.ones(row.size), np.full(some.size, -most)],
            upper=np.zeros(some.size),
        )
