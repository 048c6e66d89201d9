"""
Station siting: open and size service stations so that all communities are served.

Every community gets its floor area, and everybody reaches a station on foot.

Existing stations are kept and may be extended up to their maximum; candidates may be opened with
a floor area of choice. A station's floor area counts for the community that it lies in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray

TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class Siting:
    """
    A decision: which sites are open, and how large.

    Parameters
    ----------
    is_open
        Shape (sites,).
    area_m2
        Floor area of each site, 0 where closed, shape (sites,).
    """

    is_open: BoolArray
    area_m2: FloatArray


def nearest_open(minutes: sparse.csr_array, is_open: BoolArray) -> tuple[IntArray, FloatArray]:
    """
    Find the nearest open site of each unit; of sites equally near the first.

    Parameters
    ----------
    minutes
        Walking minutes of the pairs within reach, shape (sites, units).
    is_open
        Shape (sites,).

    Returns
    -------
    tuple
        Site (-1 if none is within reach) and minutes (infinite if none), shape (units,) each.
    """
    open_sites = np.flatnonzero(is_open)
    pairs = sparse.csr_array(minutes[open_sites])
    site = np.repeat(open_sites, np.diff(pairs.indptr))
    order = np.lexsort((site, pairs.data, pairs.indices))
    unit, first = np.unique(pairs.indices[order], return_index=True)
    nearest = np.full(minutes.shape[1], -1, dtype=np.int64)
    walked = np.full(minutes.shape[1], np.inf)
    nearest[unit] = site[order][first]
    walked[unit] = pairs.data[order][first]
    return nearest, walked


@dataclass(frozen=True, eq=False)
class StationSiting:
    """
    One siting problem as arrays.

    Parameters
    ----------
    existing
        Sites with a station today, which stays, shape (sites,).
    area_today_m2, min_area_m2, max_area_m2
        Floor area today (0 for candidates); least area if opened; largest area, shape (sites,).
    fixed_cost, cost_per_m2
        Cost of opening a candidate, and of each m² beyond today's, shape (sites,).
    community_of_site
        Community whose floor area the site counts for, -1 for none, shape (sites,).
    required, forbidden
        Candidates that must open, or must not, shape (sites,).
    residents, households, community_of_unit
        Of the units, shape (units,).
    must_reach
        Units that must have an open site within reach, shape (units,).
    minutes
        Walking minutes of the pairs within reach, CSR of shape (sites, units); every stored entry
        is a pair, so zero minutes are stored too.
    target_m2
        Floor area that each community must have, shape (communities,).
    site_ids, unit_ids, community_ids
        Names, for messages.

    Raises
    ------
    ValueError
        If shapes differ, an area or a cost is negative, or a site is required and forbidden.
    """

    existing: BoolArray
    area_today_m2: FloatArray
    min_area_m2: FloatArray
    max_area_m2: FloatArray
    fixed_cost: FloatArray
    cost_per_m2: FloatArray
    community_of_site: IntArray
    required: BoolArray
    forbidden: BoolArray
    residents: FloatArray
    households: FloatArray
    community_of_unit: IntArray
    must_reach: BoolArray
    minutes: sparse.csr_array
    target_m2: FloatArray
    site_ids: tuple[str, ...] = field(default=(), repr=False)
    unit_ids: tuple[str, ...] = field(default=(), repr=False)
    community_ids: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        num_sites, num_units = self.minutes.shape
        for label in ("area_today_m2", "min_area_m2", "max_area_m2", "fixed_cost", "cost_per_m2"):
            array = getattr(self, label)
            if array.shape != (num_sites,):
                raise ValueError(f"{label} has shape {array.shape}, expected ({num_sites},).")
            if not (array >= 0).all():
                site = int(np.flatnonzero(~(array >= 0))[0])
                raise ValueError(f"{label} of site {site} is {array[site]}, not >= 0.")
        for label in ("existing", "required", "forbidden", "community_of_site"):
            if getattr(self, label).shape != (num_sites,):
                raise ValueError(f"{label} has not the shape ({num_sites},).")
        for label in ("residents", "households", "community_of_unit", "must_reach"):
            if getattr(self, label).shape != (num_units,):
                raise ValueError(f"{label} has not the shape ({num_units},).")
        clash = np.flatnonzero(self.required & self.forbidden)
        if clash.size:
            raise ValueError(f"Site {self.site_name(int(clash[0]))} is required and forbidden.")

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.minutes.shape[0])

    @property
    def num_units(self) -> int:
        """Number of units."""
        return int(self.minutes.shape[1])

    @property
    def num_communities(self) -> int:
        """Number of communities."""
        return int(self.target_m2.size)

    @property
    def fixed_open(self) -> BoolArray:
        """Sites that are open in every decision, shape (sites,)."""
        return self.existing | self.required

    @property
    def may_open(self) -> BoolArray:
        """Candidates whose opening is a decision, shape (sites,)."""
        usable = ~self.fixed_open & ~self.forbidden & (self.max_area_m2 > 0)
        return np.asarray(usable)

    def site_name(self, site: int) -> str:
        """Name of a site, for messages."""
        return self.site_ids[site] if self.site_ids else f"site {site}"

    def today(self) -> Siting:
        """Return the decision to build nothing."""
        return Siting(self.existing.copy(), np.where(self.existing, self.area_today_m2, 0.0))

    def everything(self) -> Siting:
        """Return the decision to open all that is allowed, as large as it can be."""
        is_open = self.fixed_open | self.may_open
        return Siting(is_open, np.where(is_open, self.max_area_m2, 0.0))

    def site_costs(self, siting: Siting) -> FloatArray:
        """Cost of each site, in the policy's currency, shape (sites,)."""
        opened = siting.is_open & ~self.existing
        more = np.maximum(siting.area_m2 - self.area_today_m2, 0) * siting.is_open
        return np.asarray(self.fixed_cost * opened + self.cost_per_m2 * more)

    def cost(self, siting: Siting) -> float:
        """Cost of a decision in the policy's currency."""
        return float(self.site_costs(siting).sum())

    def community_area(self, siting: Siting) -> FloatArray:
        """Floor area of each community, m², shape (communities,)."""
        inside = self.community_of_site >= 0
        area = siting.area_m2 * siting.is_open
        return np.bincount(
            self.community_of_site[inside], area[inside], minlength=self.num_communities
        ).astype(float)

    def nearest(self, is_open: BoolArray) -> tuple[IntArray, FloatArray]:
        """
        Nearest open site of each unit.

        Returns
        -------
        tuple
            Site (-1 if none is within reach) and minutes (infinite if none), shape (units,) each.
        """
        return nearest_open(self.minutes, is_open)

    def walking(self, siting: Siting) -> float:
        """Resident-minutes of all units that must be reached, each to its nearest open site."""
        minutes = self.nearest(siting.is_open)[1]
        wanted = self.must_reach
        return float((self.residents[wanted] * minutes[wanted]).sum())

    def residents_served(self, siting: Siting) -> float:
        """
        Most residents within reach whose households find floor area in their community.

        A unit may be served in part; households take floor area in proportion to the target, so
        each community serves its units with the most residents per household first (the fractional
        knapsack, Dantzig 1957).
        """
        reached = np.isfinite(self.nearest(siting.is_open)[1]) & (self.residents > 0)
        need = self.floor_area_per_unit()
        left = self.community_area(siting)
        served = 0.0
        ratio = np.where(need > 0, self.residents / np.maximum(need, 1e-12), np.inf)
        for unit in np.flatnonzero(reached)[np.argsort(-ratio[reached], kind="stable")]:
            community = self.community_of_unit[unit]
            share = 1.0 if need[unit] <= 0 else min(1.0, left[community] / need[unit])
            left[community] -= share * need[unit]
            served += share * float(self.residents[unit])
        return served

    def floor_area_per_unit(self) -> FloatArray:
        """Part of its community's target that each unit's households stand for, m²."""
        households = np.bincount(
            self.community_of_unit, self.households, minlength=self.num_communities
        )
        rate = self.target_m2 / np.maximum(households, 1e-12)
        return np.asarray(self.households * rate[self.community_of_unit])

    def violations(self, siting: Siting) -> list[str]:
        """Every broken rule of a decision, in words; empty if it is feasible."""
        area, is_open = siting.area_m2, siting.is_open
        least = np.where(self.existing, self.area_today_m2, self.min_area_m2)
        rules = {
            "is open although it may not": is_open & self.forbidden & ~self.existing,
            "is closed although it must be open": ~is_open & self.fixed_open,
            "has floor area although it is closed": ~is_open & (area > TOLERANCE),
            "is larger than its maximum": is_open & (area > self.max_area_m2 + TOLERANCE),
            "is smaller than its minimum": is_open & (area < least - TOLERANCE),
        }
        broken = [
            f"{self.site_name(int(site))} {rule}"
            for rule, where in rules.items()
            for site in np.flatnonzero(where)
        ]
        short = self.target_m2 - self.community_area(siting)
        broken += [
            f"community {c} lacks {short[c]:.1f} m² of {self.target_m2[c]:.1f} m²"
            for c in np.flatnonzero(short > TOLERANCE * np.maximum(1, self.target_m2))
        ]
        unreached = self.must_reach & ~np.isfinite(self.nearest(is_open)[1])
        return broken + [f"unit {unit} reaches no open site" for unit in np.flatnonzero(unreached)]

    def attainable(self) -> StationSiting:
        """
        Return the same problem with every rule lowered to what the sites can meet at all.

        Opening everything at its largest meets every rule as far as it can be met, and the rules
        do not compete for anything but money. So this is the least relaxation that leaves a
        solution: proven without any solver.
        """
        everything = self.everything()
        most = self.community_area(everything)
        reachable = np.isfinite(self.nearest(everything.is_open)[1])
        return replace(
            self,
            target_m2=np.minimum(self.target_m2, most),
            must_reach=self.must_reach & reachable,
        )
