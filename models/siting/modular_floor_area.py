"""
Service stations in steps of floor area: within reach, large enough, and within a budget.

Sets: clients i, sites j, levels l = 1..L_j of site j; N(i) = sites within reach of client i.
Data: residents r_i and households h_i; a = floor area that a household needs (m²); A_jl = floor
area of site j at level l, C_jl = its cost with the opening; A_j0 = floor area today, 0 for a
candidate, at no cost; S = share of the residents to be served. Variables: y_jl = 1 if level l is
built at site j, x_ij = share of client i that site j serves, for j in N(i). One of

    maximise Σ_i r_i Σ_j x_ij       subject to Σ_jl C_jl y_jl ≤ B                   (budget)
    minimise Σ_jl C_jl y_jl         subject to Σ_i r_i Σ_j x_ij ≥ S Σ_i r_i         (share)

under

    Σ_l y_jl ≤ 1                                            every site j             (level)
    Σ_j x_ij ≤ 1                                            every client i           (client)
    Σ_i a h_i x_ij ≤ A_j0 + Σ_l (A_jl - A_j0) y_jl          every site j             (area)
    x_ij ≤ Σ_l y_jl                                         candidates j, i in reach (link)

This is the capacitated maximal covering problem (Current and Storbeck 1988, "Capacitated covering
models", Environment and Planning B 15(2)) with modular capacities (Correia and Captivo 2003, "A
Lagrangean heuristic for a modular capacitated location problem", Annals of Operations Research
122) and demand that may be split. (link) follows from (area) where y is binary; it makes the
relaxation stronger.

Given the levels, the best x is a flow from sites to clients. What may be served is a polymatroid
(Megiddo 1974, "Optimal flows in networks with multiple sources and sinks", Mathematical
Programming 7), so serving the clients with most residents a household first loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray
from .allocation import TOLERANCE, check_numbers, shape_violations
from .distances import Distances, as_distances
from .site_rules import SiteRules, check_rules, rule_violations

AREA_PER_HOUSEHOLD = 0.8
"""Floor area that each household needs, m²: the policy's usual value."""

_MONEY = 1e-7
"""Share of the budget, and of the residents to be served, that rounding may cost."""
_LISTED = 20


@dataclass(frozen=True, eq=False)
class ModularPlan:
    """
    Levels of the sites, and who is served where.

    Parameters
    ----------
    level
        Level of each site, 0 where nothing is built, shape (sites,).
    share
        Share of the client that the site serves, for each pair within reach in the order of
        ``ModularFloorArea.within_reach``, shape (pairs,).
    """

    level: IntArray
    share: FloatArray


@dataclass(frozen=True, eq=False)
class ModularFloorArea:
    """
    One problem of sites with floor area in steps, as arrays.

    Parameters
    ----------
    residents, households
        Of each client, shape (clients,). A client with residents has households.
    within_reach
        CSR of shape (clients, sites); every stored entry is a pair within reach, whatever its
        value (minutes, say).
    areas
        Floor area of each level from 1 on with all that is built, m², shape (sites, levels); NaN
        where a site has fewer levels.
    costs
        Cost of each level with the opening, shape (sites, levels); NaN where ``areas`` is.
    budget
        Most that may be spent: serve the most residents. None to minimise the cost instead.
    least_share
        Share of all residents that must be served at the least cost; without a budget only.
    area_today
        Floor area of the existing sites, which stay open and may grow, 0 for candidates, m²,
        shape (sites,); None if nothing exists.
    area_per_household
        Floor area that each household needs at its site, m².
    rules
        Which sites may be open together; existing sites are open, and a candidate is open if it
        has a level.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not finite, a client has residents and no
        households, a level is no larger than today's floor area, budget and share are both given
        or both missing, or the rules contradict each other.

    Examples
    --------
    >>> problem = ModularFloorArea(
    ...     residents=np.array([250.0, 130.0]),
    ...     households=np.array([100.0, 50.0]),
    ...     within_reach=sparse.csr_array(np.array([[1.0, 1.0], [0.0, 1.0]])),
    ...     areas=np.array([[40.0, 80.0], [60.0, 120.0]]),
    ...     costs=np.array([[5.0, 8.0], [6.0, 9.0]]),
    ...     budget=9.0,
    ... )
    >>> problem.evaluate(ModularPlan(np.array([0, 2]), np.array([0.0, 1.0, 1.0])))
    380.0
    """

    residents: FloatArray
    households: FloatArray
    within_reach: sparse.csr_array
    areas: FloatArray
    costs: FloatArray
    budget: float | None = None
    least_share: float | None = None
    area_today: FloatArray | None = None
    area_per_household: float = AREA_PER_HOUSEHOLD
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        if 0 in self.within_reach.shape or not self.within_reach.has_canonical_format:
            raise ValueError(
                f"within_reach has shape {self.within_reach.shape}, expected (clients, sites) with "
                "at least one of each, sorted and without duplicates (sum_duplicates())."
            )
        for label in ("residents", "households"):
            check_numbers(label, getattr(self, label), shape=(self.num_clients,))
        if not (self.area_per_household > 0 and np.isfinite(self.area_per_household)):
            raise ValueError(
                f"area_per_household is {self.area_per_household}; give a positive number of m²."
            )
        empty = np.flatnonzero((self.residents > 0) & (self.households <= 0))
        if empty.size:
            raise ValueError(
                f"client {empty[0]} has {self.residents[empty[0]]:g} residents and no households; "
                "give the number of its households."
            )
        self._check_menu()
        self._check_goal()
        check_rules(self.rules, num_sites=self.num_sites)
        check_rules(self.all_rules, num_sites=self.num_sites)
        required, _ = self.all_rules.bounds(self.num_sites)
        bare = np.flatnonzero((required > 0) & ~self.existing & ~self.offered.any(axis=1))
        if bare.size:
            raise ValueError(
                f"site {bare[0]} is required and has no level; give it one, or do not require it."
            )

    def _check_menu(self) -> None:
        """Refuse levels that are none."""
        if self.areas.ndim != 2 or self.areas.shape[0] != self.num_sites:
            raise ValueError(
                f"areas has shape {self.areas.shape}, expected ({self.num_sites}, levels)."
            )
        if self.costs.shape != self.areas.shape:
            raise ValueError(f"costs has shape {self.costs.shape}, areas has {self.areas.shape}.")
        if self.area_today is not None:
            check_numbers("area_today", self.area_today, shape=(self.num_sites,))
        offered = self.offered
        checks = {
            "has no finite cost >= 0": ~((self.costs >= 0) & np.isfinite(self.costs)),
            "is no larger than the floor area today": ~(self.areas > self.today[:, None]),
            "has no finite floor area": ~np.isfinite(self.areas),
        }
        for what, where in checks.items():
            wrong = np.argwhere(where & offered)
            if wrong.size:
                site, level = (int(k) for k in wrong[0])
                raise ValueError(
                    f"level {level + 1} of site {site} (area {self.areas[site, level]}, cost "
                    f"{self.costs[site, level]}) {what}; correct it, or give NaN for both."
                )

    def _check_goal(self) -> None:
        """Refuse anything but one of budget and share."""
        if (self.budget is None) == (self.least_share is None):
            raise ValueError(
                f"budget = {self.budget} and least_share = {self.least_share}; give one of them."
            )
        if self.budget is not None and not (self.budget >= 0 and np.isfinite(self.budget)):
            raise ValueError(f"budget = {self.budget}; give a finite number >= 0.")
        if self.least_share is not None and not 0 <= self.least_share <= 1:
            raise ValueError(f"least_share = {self.least_share}; give a share from 0 to 1.")

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.within_reach.shape[0])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.within_reach.shape[1])

    @property
    def num_levels(self) -> int:
        """Number of levels of the site that has most."""
        return int(self.areas.shape[1])

    @property
    def maximize(self) -> bool:
        """Whether residents served are maximised, rather than cost minimised."""
        return self.budget is not None

    @property
    def offered(self) -> BoolArray:
        """Levels that a site has, shape (sites, levels)."""
        return ~(np.isnan(self.areas) & np.isnan(self.costs))

    @property
    def today(self) -> FloatArray:
        """Floor area today, m², shape (sites,)."""
        return np.zeros(self.num_sites) if self.area_today is None else self.area_today

    @property
    def existing(self) -> BoolArray:
        """Sites that are open today, shape (sites,)."""
        return self.today > 0

    @property
    def needs(self) -> FloatArray:
        """Floor area that each client needs, m², shape (clients,)."""
        return self.area_per_household * self.households

    @cached_property
    def pairs(self) -> tuple[IntArray, IntArray]:
        """Client and site of each pair within reach, shape (pairs,) each."""
        reach = self.within_reach
        client = np.repeat(np.arange(self.num_clients), np.diff(reach.indptr))
        return client, reach.indices.astype(np.int64)

    @cached_property
    def all_rules(self) -> SiteRules:
        """The rules, with the existing sites required; two of these are never too close."""
        rules, existing = self.rules or SiteRules(), self.existing
        required = existing if rules.required is None else existing | rules.required
        apart = rules.apart
        if apart is not None:
            apart = apart[~existing[apart].all(axis=1)]
        return SiteRules(required, rules.forbidden, rules.least, rules.most, apart)

    @property
    def residents_to_serve(self) -> float:
        """Residents that must be served where the cost is minimised; 0 with a budget."""
        return (self.least_share or 0.0) * float(self.residents.sum())

    def unreached(self) -> IntArray:
        """Clients with residents that no site with floor area, built or possible, can serve."""
        useful = self.existing | self.offered.any(axis=1)
        if self.rules is not None and self.rules.forbidden is not None:
            useful &= ~self.rules.forbidden | self.existing
        client, site = self.pairs
        reached = np.bincount(client[useful[site]], minlength=self.num_clients) > 0
        return np.flatnonzero(~reached & (self.residents > 0))

    def is_open(self, level: IntArray) -> BoolArray:
        """Existing sites and those with a level, shape (sites,)."""
        return self.existing | (level > 0)

    def floor_areas(self, level: IntArray) -> FloatArray:
        """Floor area of each site, m², shape (sites,)."""
        return self._of_level(self.areas, level, self.today)

    def site_costs(self, level: IntArray) -> FloatArray:
        """Cost of each site, shape (sites,)."""
        return self._of_level(self.costs, level, np.zeros(self.num_sites))

    def _of_level(self, table: FloatArray, level: IntArray, without: FloatArray) -> FloatArray:
        if not self.num_levels:
            return without
        picked = table[np.arange(self.num_sites), np.maximum(level - 1, 0)]
        return np.where(level > 0, picked, without)

    def served_shares(self, plan: ModularPlan) -> FloatArray:
        """Share of each client that is served, shape (clients,)."""
        return totals(self.pairs[0], plan.share, self.num_clients)

    def served(self, plan: ModularPlan) -> float:
        """Residents that are served."""
        return float(self.residents @ self.served_shares(plan))

    def cost(self, plan: ModularPlan) -> float:
        """Cost of all that is built."""
        return float(self.site_costs(plan.level).sum())

    def loads(self, plan: ModularPlan) -> FloatArray:
        """Floor area that the households served at each site need, m², shape (sites,)."""
        client, site = self.pairs
        return totals(site, plan.share * self.needs[client], self.num_sites)

    def evaluate(self, plan: ModularPlan) -> float:
        """Residents served where there is a budget, else the cost."""
        return self.served(plan) if self.maximize else self.cost(plan)

    def violations(self, plan: ModularPlan) -> list[str]:
        """Every broken rule of a plan, in words; empty if it is feasible."""
        misfits = shape_violations(
            level=(plan.level, (self.num_sites,)), share=(plan.share, (self.pairs[0].size,))
        )
        wrong = [] if misfits else self._wrong_levels(plan.level)
        if misfits or wrong:
            return misfits + wrong
        broken = rule_violations(self.is_open(plan.level), self.all_rules)
        return broken + self._share_violations(plan) + self._goal_violations(plan)

    def _wrong_levels(self, level: IntArray) -> list[str]:
        """Name the sites with a level that they do not have."""
        outside = (level < 0) | (level > self.num_levels)
        if not outside.any() and self.num_levels:
            offered = self.offered[np.arange(self.num_sites), np.maximum(level - 1, 0)]
            outside = (level > 0) & ~offered
        return [f"site {j} has no level {level[j]}" for j in np.flatnonzero(outside)]

    def _share_violations(self, plan: ModularPlan) -> list[str]:
        """Name the pairs, clients and sites whose shares break a rule."""
        client, site = self.pairs
        served, loads = self.served_shares(plan), self.loads(plan)
        area, is_open = self.floor_areas(plan.level), self.is_open(plan.level)
        broken = [
            f"client {client[k]} has share {plan.share[k]:g} < 0 at site {site[k]}"
            for k in np.flatnonzero(~(plan.share >= -TOLERANCE))
        ]
        broken += [
            f"client {client[k]} is served by site {site[k]}, which is closed"
            for k in np.flatnonzero((plan.share > TOLERANCE) & ~is_open[site])
        ]
        broken += [
            f"client {i} is served to {served[i]:g} of its households, more than 1"
            for i in np.flatnonzero(served > 1 + TOLERANCE)
        ]
        return broken + [
            f"site {j} serves households that need {loads[j]:g} m², it has {area[j]:g} m²"
            for j in np.flatnonzero(loads > area + TOLERANCE * (1 + area))
        ]

    def _goal_violations(self, plan: ModularPlan) -> list[str]:
        """Say so where more is spent, or fewer are served, than asked for."""
        if self.budget is not None:
            cost = self.cost(plan)
            over = cost > self.budget + _MONEY * (1 + self.budget)
            return [f"the plan costs {cost:g}, more than the budget {self.budget:g}"] * over
        served, wanted = self.served(plan), self.residents_to_serve
        short = served < wanted - _MONEY * (1 + wanted)
        return [f"{served:g} residents are served, fewer than the {wanted:g} asked for"] * short


def pairs_within(
    distances: FloatArray | sparse.csr_array | Distances, reach: float | FloatArray
) -> sparse.csr_array:
    """
    List the pairs of client and site within reach, as the problem takes them.

    Parameters
    ----------
    distances
        Matrix, pairs or points, shape (clients, sites).
    reach
        Largest distance, for all clients or for each, shape (clients,).

    Examples
    --------
    >>> pairs_within(np.array([[1.0, 7.0], [3.0, 2.0]]), 5.0).nnz
    3
    """
    known = as_distances(distances)
    num_clients, num_sites = known.shape
    most = np.broadcast_to(np.asarray(reach, dtype=float), (num_clients,))
    rows, columns = [], []
    step = max(1, 4_000_000 // num_sites)
    for begin in range(0, num_clients, step):
        clients = np.arange(begin, min(begin + step, num_clients))
        block = known.block(clients, np.arange(num_sites))
        row, column = np.nonzero(block <= most[clients][:, None])
        rows.append(row + begin)
        columns.append(column)
    index = (np.concatenate(rows), np.concatenate(columns))
    pairs = sparse.csr_array(
        sparse.coo_array((np.ones(index[0].size), index), shape=(num_clients, num_sites))
    )
    pairs.sum_duplicates()
    return pairs


def unreached_in_words(problem: ModularFloorArea) -> str:
    """List the clients that no site can serve, at most twenty of them; "" if there are none."""
    clients = problem.unreached()
    if not clients.size:
        return ""
    named = ", ".join(str(i) for i in clients[:_LISTED])
    more = f" and {clients.size - _LISTED} more" if clients.size > _LISTED else ""
    residents = problem.residents[clients].sum()
    return f"no site can serve the clients {named}{more} ({residents:g} residents)"


def totals(place: IntArray, amounts: FloatArray, size: int) -> FloatArray:
    """Add up the amounts at each place 0..size - 1, shape (size,)."""
    return np.bincount(place, amounts, minlength=size).astype(float)
