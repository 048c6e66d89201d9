"""
Boundaries and stations together: divide one community and choose the stations of its districts.

Every district has a station of its own, everybody who can be reached at all reaches a station of
the own district on foot, and the floor area of a district's stations suffices for its households.
Balance and contiguity are those of :class:`.Districting`, costs and sizes of stations those of
:class:`.StationSiting`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from ..districting.problem import Districting
from ..formulation import BoolArray, FloatArray, IntArray
from ..siting.station import Siting, StationSiting

AREA_TOLERANCE_M2 = 0.01
"""Floor area that may be missing, in m²."""


@dataclass(frozen=True, eq=False)
class JointPlan:
    """
    A decision: the district of every node, which sites are open, and how large.

    Parameters
    ----------
    labels
        District 0..k-1 of each node, shape (nodes,).
    siting
        Open sites and their floor areas.
    """

    labels: IntArray
    siting: Siting


@dataclass(frozen=True, eq=False)
class JointSplit:
    """
    One community, its neighbours and its sites as arrays.

    Parameters
    ----------
    districting
        Nodes, their weights with bounds, their neighbours and the number of districts; a node is a
        unit or a group of units that stay together. Without rules that tell districts apart.
    stations
        Sites and units of the community, all in community 0; whom a site reaches, and who must be
        reached. Its ``target_m2`` is not used.
    node_of_unit, node_of_site
        Node that each unit belongs to and that each site stands in, shapes (units,) and (sites,).
    area_per_household_m2
        Floor area that a district must have for each of its households.

    Raises
    ------
    ValueError
        If shapes differ, a number names no node, districts are told apart, or the area is
        negative.
    """

    districting: Districting
    stations: StationSiting
    node_of_unit: IntArray
    node_of_site: IntArray
    area_per_household_m2: float

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        nodes, stations = self.districting.num_nodes, self.stations
        for label, array, length in (
            ("node_of_unit", self.node_of_unit, stations.num_units),
            ("node_of_site", self.node_of_site, stations.num_sites),
        ):
            if array.shape != (length,):
                raise ValueError(f"{label} has shape {array.shape}, expected ({length},).")
            if array.size and not 0 <= array.min() <= array.max() < nodes:
                raise ValueError(f"{label} holds a number outside 0..{nodes - 1}.")
        rules = self.districting.rules
        if rules is not None:
            raise ValueError("districting has rules; boundaries with stations take none.")
        if not (np.isfinite(self.area_per_household_m2) and self.area_per_household_m2 >= 0):
            raise ValueError(
                f"area_per_household_m2 is {self.area_per_household_m2}; give a number >= 0."
            )

    @property
    def num_districts(self) -> int:
        """Number of districts, k."""
        return self.districting.num_districts

    @cached_property
    def households(self) -> FloatArray:
        """Households of each node, shape (nodes,)."""
        nodes = self.districting.num_nodes
        return np.bincount(self.node_of_unit, self.stations.households, nodes).astype(float)

    @cached_property
    def usable(self) -> IntArray:
        """Sites that may be open: those that are in every plan first, then the candidates."""
        stations = self.stations
        order = np.r_[np.flatnonzero(stations.fixed_open), np.flatnonzero(stations.may_open)]
        return np.asarray(order, dtype=np.int64)

    @cached_property
    def reaches(self) -> BoolArray:
        """Whether each site reaches each unit, shape (sites, units)."""
        pairs = sparse.coo_array(self.stations.minutes)
        found = np.zeros(pairs.shape, dtype=bool)
        found[pairs.row, pairs.col] = True
        return found

    @cached_property
    def needs(self) -> tuple[IntArray, BoolArray]:
        """
        Rules of reach, equal ones merged: a node, and the sites of which its district needs one.

        Returns
        -------
        tuple
            Node of each rule, shape (rules,), and whether each site helps, shape (rules, sites).
        """
        units = np.flatnonzero(self.stations.must_reach)
        rows = np.unique(np.c_[self.node_of_unit[units], self.reaches[:, units].T], axis=0)
        return rows[:, 0].astype(np.int64), rows[:, 1:].astype(bool)

    def given(self, labels: IntArray) -> StationSiting:
        """Return the siting of these districts alone: a site reaches only its own district."""
        unit_district = labels[self.node_of_unit]
        site_district = labels[self.node_of_site]
        pairs = sparse.coo_array(self.stations.minutes)
        own = site_district[pairs.row] == unit_district[pairs.col]
        inside = (pairs.data[own], (pairs.row[own], pairs.col[own]))
        k = self.num_districts
        households = np.bincount(unit_district, self.stations.households, k)
        return replace(
            self.stations,
            community_of_site=site_district,
            community_of_unit=unit_district,
            minutes=sparse.csr_array(sparse.coo_array(inside, shape=pairs.shape)),
            target_m2=np.asarray(households * self.area_per_household_m2, dtype=np.float64),
            community_ids=tuple(f"district {d}" for d in range(k)),
        )

    def evaluate(self, plan: JointPlan) -> float:
        """Cost of a plan in the policy's currency."""
        return self.stations.cost(plan.siting)

    def compactness(self, plan: JointPlan) -> float:
        """Moment of inertia of its districts, in resident · km²."""
        return self.districting.evaluate(plan.labels)

    def mean_minutes(self, plan: JointPlan) -> float | None:
        """Minutes that residents walk to a station of their district; None if none does."""
        minutes = self.given(plan.labels).nearest(plan.siting.is_open)[1]
        reached = np.isfinite(minutes) & (self.stations.residents > 0)
        residents = self.stations.residents[reached]
        return float(residents @ minutes[reached] / residents.sum()) if residents.size else None

    def out_of_reach(self, plan: JointPlan) -> IntArray:
        """Units with residents that reach no open station of their district."""
        minutes = self.given(plan.labels).nearest(plan.siting.is_open)[1]
        return np.flatnonzero(~np.isfinite(minutes) & (self.stations.residents > 0))

    def missing_m2(self, plan: JointPlan) -> FloatArray:
        """Floor area that each district lacks, shape (districts,)."""
        given = self.given(plan.labels)
        short = given.target_m2 - given.community_area(plan.siting)
        return np.where(short > AREA_TOLERANCE_M2, short, 0.0)

    def without_station(self, plan: JointPlan) -> IntArray:
        """Districts in which no site is open."""
        home = plan.labels[self.node_of_site[plan.siting.is_open]]
        return np.setdiff1d(np.arange(self.num_districts), home)

    def violations(self, plan: JointPlan) -> list[str]:
        """Every broken rule of a plan, in words; empty if it is feasible."""
        broken = self.districting.violations(plan.labels)
        if plan.labels.shape != (self.districting.num_nodes,):
            return broken
        if plan.labels.min() < 0 or plan.labels.max() >= self.num_districts:
            return broken
        broken += [f"district {d} has no open station" for d in self.without_station(plan)]
        return broken + self.given(plan.labels).violations(plan.siting)

    def sized(self, labels: IntArray, is_open: BoolArray) -> JointPlan:
        """
        Return the plan with the cheapest floor areas of these stations in these districts.

        The cheapest m² of a district are taken first, up to its need; where its stations cannot
        meet that, all are as large as they can be.
        """
        stations, given = self.stations, self.given(labels)
        least = np.where(stations.existing, stations.area_today_m2, stations.min_area_m2)
        area = np.where(is_open, least, 0.0)
        short = given.target_m2 - given.community_area(Siting(is_open, area))
        for site in np.argsort(stations.cost_per_m2, kind="stable"):
            district = given.community_of_site[site]
            if not is_open[site] or short[district] <= 0:
                continue
            more = min(stations.max_area_m2[site] - area[site], short[district])
            area[site] += more
            short[district] -= more
        return JointPlan(labels, Siting(is_open, area))

    def with_rules(self, *, exempt: IntArray, area_per_household_m2: float) -> JointSplit:
        """Return the problem with some units exempt from reach, and another floor area."""
        must = self.stations.must_reach.copy()
        must[exempt] = False
        return replace(
            self,
            stations=replace(self.stations, must_reach=must),
            area_per_household_m2=area_per_household_m2,
        )
