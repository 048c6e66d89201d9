"""
One form for every problem that assigns clients to sites with limited loads.

An option is a way to run a site: with one size a site has one option, with a menu of sizes one for
each (capacity, fixed cost). Variables: z_o = 1 if option o is chosen, x_io = share of client i that
it serves. Minimise Σ f_o z_o + Σ c_io x_io subject to

    Σ_o x_io = 1                            every client i
    L_o z_o ≤ Σ_i q_i x_io ≤ Q_o z_o        every option o
    y_j = Σ_{o of site j} z_o ≤ 1           every site j

with the rules of sites on y. x is binary where a client has a single source.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .....models.siting.site_rules import SiteRules


@dataclass(frozen=True, eq=False)
class Form:
    """
    Clients, options and sites as arrays.

    Parameters
    ----------
    costs
        Cost of serving all of a client, shape (options, clients); infinite for forbidden pairs.
    demand
        Shape (clients,).
    fixed, capacity, least_load
        Of each option, shape (options,); infinite capacity where nothing limits the load.
    single
        Whether x is binary.
    site
        Site of each option, in rising order, shape (options,).
    lower, upper
        Bounds of y, shape (sites,).
    least, most
        Fewest and most open sites.
    apart
        Pairs of sites of which one at most may be open, shape (pairs, 2).
    """

    costs: FloatArray
    demand: FloatArray
    fixed: FloatArray
    capacity: FloatArray
    least_load: FloatArray
    single: bool
    site: IntArray
    lower: FloatArray
    upper: FloatArray
    least: int
    most: int
    apart: IntArray

    @property
    def num_options(self) -> int:
        """Number of options."""
        return int(self.costs.shape[0])

    @property
    def num_clients(self) -> int:
        """Number of clients."""
        return int(self.costs.shape[1])

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.lower.size)

    @cached_property
    def first(self) -> IntArray:
        """First option of each site, and the number of options, shape (sites + 1,)."""
        return np.searchsorted(self.site, np.arange(self.num_sites + 1))

    @cached_property
    def permitted(self) -> BoolArray:
        """Pairs that a solution may use, shape (options, clients)."""
        fits = np.isfinite(self.costs) & (self.upper[self.site] > 0)[:, None]
        if self.single:
            fits &= self.demand <= self.capacity[:, None] * (1 + 1e-12)
        return fits

    @cached_property
    def limited(self) -> bool:
        """Whether every option has a capacity."""
        return bool(np.isfinite(self.capacity).all())

    @cached_property
    def whole_weights(self) -> bool:
        """Whether demands and capacities are whole numbers."""
        sizes = np.r_[self.demand, self.capacity[np.isfinite(self.capacity)]]
        return bool((sizes == np.rint(sizes)).all())

    @cached_property
    def whole_objective(self) -> bool:
        """Whether the objective of every solution is a whole number."""
        if not (self.single or not self.limits_loads):
            return False
        costs = np.r_[self.fixed, self.costs[np.isfinite(self.costs)]]
        return bool((costs == np.rint(costs)).all())

    @cached_property
    def limits_loads(self) -> bool:
        """Whether the loads of sites matter at all."""
        return bool(np.isfinite(self.capacity).any() or (self.least_load > 0).any())

    @cached_property
    def site_capacity(self) -> FloatArray:
        """Largest capacity of each site, shape (sites,); 0 where it must stay closed."""
        largest = np.full(self.num_sites, -np.inf)
        np.maximum.at(largest, self.site, self.capacity)
        return np.where(self.upper > 0, np.maximum(largest, 0.0), 0.0)

    def tightened(self) -> Form:
        """Raise the least number of sites to what the demand needs; it must be possible."""
        least = max(self.least, int(self.lower.sum()), sites_needed(self))
        return replace(self, least=least)


def sites_needed(form: Form) -> int:
    """Fewest sites whose capacities hold the demand, the required ones among them."""
    total = float(form.demand.sum()) * (1 - 1e-9)
    required = form.lower > 0
    held = float(form.site_capacity[required].sum())
    others = np.sort(form.site_capacity[~required])[::-1]
    rising = np.r_[held, held + np.cumsum(others)]
    fewest = int(np.searchsorted(rising, total))
    served_by_one = 1 if form.num_clients and not required.any() else 0
    return int(required.sum()) + max(fewest, served_by_one)


def make_form(
    costs: FloatArray,
    *,
    demand: FloatArray,
    fixed: FloatArray,
    capacity: FloatArray | None,
    least_load: FloatArray | None,
    single: bool,
    site: IntArray | None = None,
    num_sites: int | None = None,
    rules: SiteRules | None = None,
    p: int | None = None,
) -> Form:
    """
    Gather a form.

    Parameters
    ----------
    costs
        Shape (clients, options).
    demand, fixed, capacity, least_load, single
        As in :class:`Form`; None for no limit.
    site, num_sites
        Site of each option, and how many there are; None if each option is a site.
    rules, p
        Which sites may be open.
    """
    count = costs.shape[1]
    sites = count if num_sites is None else num_sites
    rules = rules or SiteRules()
    lower, upper = rules.bounds(sites)
    least, most = rules.count_range(num_sites=sites, p=p)
    return Form(
        costs=np.ascontiguousarray(costs.T),
        demand=demand.astype(float),
        fixed=fixed.astype(float),
        capacity=np.full(count, np.inf) if capacity is None else capacity.astype(float),
        least_load=np.zeros(count) if least_load is None else least_load.astype(float),
        single=single,
        site=np.arange(count) if site is None else site,
        lower=lower,
        upper=upper,
        least=least,
        most=min(most, int(upper.sum())),
        apart=np.empty((0, 2), dtype=np.int64) if rules.apart is None else rules.apart,
    )
