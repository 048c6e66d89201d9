"""
A covering problem after its exact reductions, and the way back to all sites.

Required sites are open and what they cover is done; forbidden ones, and those too close to a
required one, are gone. Clients with equal sets of sites are one row. Sites that another one beats
are gone (see :mod:`.dominance`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .....models.siting.coverage import budget_limit
from .....models.siting.site_rules import SiteRules, add_site_rules
from .dominance import dominated_rows, dominated_sites
from .merge import merge_clients
from .state_kernels import Arrays


@dataclass(frozen=True, eq=False)
class Core:
    """
    What is left of a covering problem.

    Parameters
    ----------
    covers
        CSR of shape (rows, sites left), entries 1, indices sorted.
    weights
        Weight of each row.
    costs
        Cost of each site left.
    sites
        Number of each site left in the whole problem.
    required
        Sites of the whole problem that are open in any case.
    least, most
        Fewest and most sites left that may be open.
    budget
        Largest cost of the sites left that are open; infinite if there is none.
    apart
        Pairs of sites left of which one at most may be open, shape (pairs, 2).
    done
        Weight that the required sites cover.
    """

    covers: sparse.csr_array
    weights: FloatArray
    costs: FloatArray
    sites: IntArray
    required: BoolArray
    least: int
    most: int
    budget: float
    apart: IntArray
    done: float

    @property
    def num_sites(self) -> int:
        """Number of sites left."""
        return self.sites.size

    def lift(self, chosen: BoolArray | IntArray | FloatArray) -> BoolArray:
        """Open sites of the whole problem for a choice of those left."""
        is_open = self.required.copy()
        is_open[self.sites[np.asarray(chosen, dtype=float) > 0.5]] = True
        return is_open

    def choice(self, is_open: BoolArray) -> IntArray:
        """Choice of those left for open sites of the whole problem."""
        return is_open[self.sites].astype(np.int64)

    def only(self, kept: BoolArray) -> Core:
        """Return the core with some of its sites."""
        place = np.cumsum(kept) - 1
        apart = self.apart[kept[self.apart].all(axis=1)]
        merged, _ = merge_clients(sparse.csr_array(self.covers[:, kept]), self.weights)
        return replace(
            self,
            covers=sorted_rows(merged.covers),
            weights=merged.weights,
            costs=self.costs[kept],
            sites=self.sites[kept],
            most=min(self.most, int(kept.sum())),
            apart=place[apart].reshape(-1, 2),
        )

    def opened(self, chosen: BoolArray) -> Core:
        """Return the core after some of its sites are opened for good."""
        left = ~chosen
        left[self.apart[chosen[self.apart[:, 0]], 1]] = False
        left[self.apart[chosen[self.apart[:, 1]], 0]] = False
        done = np.asarray(self.covers @ chosen.astype(float) > 0)
        required = self.required.copy()
        required[self.sites[chosen]] = True
        smaller = replace(
            self,
            covers=sorted_rows(self.covers[~done]),
            weights=self.weights[~done],
            required=required,
            least=max(0, self.least - int(chosen.sum())),
            most=self.most - int(chosen.sum()),
            budget=self.budget - float(self.costs[chosen].sum()),
            done=self.done + float(self.weights[done].sum()),
        )
        return smaller.only(left)

    def arrays(self) -> Arrays:
        """Rows and columns as the kernels take them."""
        by_site = sparse.csc_array(self.covers)
        by_site.sort_indices()
        near_ptr, near_sites = neighbours_apart(self.apart, self.num_sites)
        return Arrays(
            self.covers.indptr.astype(np.int64),
            self.covers.indices.astype(np.int64),
            by_site.indptr.astype(np.int64),
            by_site.indices.astype(np.int64),
            self.weights.astype(float),
            self.costs.astype(float),
            near_ptr,
            near_sites,
        )


def covering_core(
    covers: sparse.csr_array,
    weights: FloatArray,
    *,
    costs: FloatArray | None,
    rules: SiteRules | None,
    p: int | None = None,
    budget: float | None = None,
) -> Core:
    """
    Take out what the rules decide, and merge equal clients.

    Parameters
    ----------
    covers, weights, costs, rules, p, budget
        As in the problem; without costs a site costs 1.

    Returns
    -------
    Core
        A row without sites stays if a required site does not cover it: it cannot be covered.
    """
    num_sites = int(covers.shape[1])
    rules = rules or SiteRules()
    price = np.ones(num_sites) if costs is None else costs
    lower, upper = rules.bounds(num_sites)
    required, allowed = lower > 0, upper > 0
    pairs = np.zeros((0, 2), dtype=np.int64) if rules.apart is None else rules.apart
    allowed[pairs[required[pairs[:, 0]], 1]] = False
    allowed[pairs[required[pairs[:, 1]], 0]] = False
    left = allowed & ~required
    least, most = rules.count_range(num_sites=num_sites, p=p)
    opened = int(required.sum())
    done = np.asarray(covers @ required.astype(float) > 0)
    kept = covers[~done] if done.any() else covers
    kept = kept if left.all() else kept[:, left]
    merged, _ = merge_clients(unrepeated(kept), weights[~done])
    place = np.cumsum(left) - 1
    apart = np.unique(np.sort(pairs[left[pairs].all(axis=1)], axis=1), axis=0)
    return Core(
        covers=sorted_rows(merged.covers),
        weights=merged.weights,
        costs=price[left].astype(float),
        sites=np.flatnonzero(left),
        required=required,
        least=max(0, least - opened),
        most=min(most - opened, int(left.sum())),
        budget=np.inf if budget is None else budget_limit(budget) - float(price[required].sum()),
        apart=place[apart].reshape(-1, 2).astype(np.int64),
        done=float(weights[done].sum()),
    )


def without_weightless(core: Core) -> Core:
    """Drop rows without weight, and rows that no site covers."""
    useful = (core.weights > 0) & (np.diff(core.covers.indptr) > 0)
    return replace(core, covers=sorted_rows(core.covers[useful]), weights=core.weights[useful])


def without_dominated_sites(core: Core, *, fill_is_free: bool) -> Core:
    """
    Drop sites that another one beats: it covers as much and costs no more.

    Parameters
    ----------
    core
        The core.
    fill_is_free
        Whether further sites cost nothing, so that any of them can fill the count.
    """
    beaten = dominated_sites(core.covers, core.costs, keep=np.unique(core.apart))
    has_fill = fill_is_free and np.isinf(core.budget) and not core.apart.size
    spare = core.num_sites - int(beaten.sum())
    if not beaten.any() or (core.least > 0 and not (has_fill and spare >= core.most)):
        return core
    return core.only(~beaten)


def without_dominated_rows(core: Core) -> Core:
    """Drop rows that are covered whenever another one is; only where all must be covered."""
    kept = ~dominated_rows(core.covers)
    return replace(core, covers=sorted_rows(core.covers[kept]), weights=core.weights[kept])


def neighbours_apart(apart: IntArray | None, num_sites: int) -> tuple[IntArray, IntArray]:
    """List for each site those that may not be open together with it, each once, as CSR arrays."""
    pairs = np.zeros((0, 2), dtype=np.int64) if apart is None else apart
    both = np.unique(np.r_[pairs, pairs[:, ::-1]], axis=0)
    starts = np.r_[0, np.cumsum(np.bincount(both[:, 0], minlength=num_sites))]
    return starts.astype(np.int64), np.ascontiguousarray(both[:, 1], dtype=np.int64)


def add_core_rules(builder: ModelBuilder, y: IntArray, core: Core) -> None:
    """Add the count, the pairs apart and the budget of a core to a model with columns y."""
    rules = SiteRules(least=core.least, most=core.most, apart=core.apart)
    add_site_rules(builder, y, rules)
    if np.isfinite(core.budget):
        row = np.zeros(y.size, dtype=np.int64)
        builder.add_rows(row, y, core.costs, upper=[core.budget])


def unrepeated(covers: sparse.csr_array) -> sparse.csr_array:
    """Return the matrix with sorted indices and no pair twice."""
    if covers.has_canonical_format:
        return covers
    clean = covers.copy()
    clean.sum_duplicates()
    return clean


def sorted_rows(covers: sparse.csr_array) -> sparse.csr_array:
    """Return a CSR array with sorted indices."""
    rows = sparse.csr_array(covers)
    rows.sort_indices()
    return rows
