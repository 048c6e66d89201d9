"""What the steps of the engine share: the problem in numbers, the best plan, the bound."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import BoolArray, IntArray
from .....models.siting.allocation import Allocation
from .....models.siting.distances import (
    Distances,
    MatrixDistances,
    PointDistances,
    SparseDistances,
)
from .....models.siting.p_median import PMedian
from .....models.siting.site_rules import SiteRules
from ....search import Search
from .dual import Dual
from .near import Ground

ROUNDING = 1e-9
"""Share of a bound that is kept back for rounding errors."""

WORTH = 5e-7
"""Share of the objective by which a plan must be better to be looked for."""


@dataclass
class Work:
    """
    One solve.

    Parameters
    ----------
    problem
        What is asked.
    search
        Best plan and bound.
    ground
        Clients and sites that take part.
    least, most
        Fewest and most open sites.
    required
        Sites of the ground that must be open, shape (sites of the ground,).
    apart
        Pairs of sites of the ground that exclude each other, shape (pairs, 2).
    dual
        The Lagrangian bound.
    """

    problem: PMedian
    search: Search[Allocation]
    ground: Ground
    least: int
    most: int
    required: BoolArray
    apart: IntArray
    dual: Dual

    @classmethod
    def of(cls, problem: PMedian, search: Search[Allocation]) -> Work:
        """Leave out forbidden sites, and clients of no weight that any plan can serve."""
        rules = problem.rules or SiteRules()
        lower, upper = rules.bounds(problem.num_sites)
        sites = np.flatnonzero(upper > 0)
        reach = problem.reach
        any_site = reach is None and not isinstance(problem.pairs, SparseDistances)
        takes_part = (problem.weights > 0) | (not any_site)
        clients = np.flatnonzero(takes_part) if takes_part.any() else np.zeros(1, dtype=np.int64)
        limit = np.full(problem.num_clients, np.inf) if reach is None else reach
        ground = Ground(problem.pairs, problem.weights, limit, clients, sites)
        least, most = rules.count_range(num_sites=sites.size, p=problem.p)
        required = lower[sites] > 0
        dual = Dual.of(ground, required=required, count=most)
        apart = _renumbered(rules.apart, sites, problem.num_sites)
        return cls(problem, search, ground, least, most, required, apart, dual)

    @property
    def unit(self) -> float:
        """How much a plan must be better than the best one to be looked for."""
        objective = self.search.objective
        slack = 2 * ROUNDING * max(1.0, abs(objective)) + 1e-5
        if self.search.is_whole and slack < 0.5:
            return 1.0 - slack
        return WORTH * max(1.0, abs(objective))

    @property
    def cutoff(self) -> float:
        """Bound at which no plan worth looking for is left; infinite without a plan."""
        if self.search.plan is None:
            return np.inf
        return self.search.objective - self.unit

    def offer(self, is_open: BoolArray) -> bool:
        """Offer a choice of sites of the ground; more are opened where too few are open."""
        chosen = self._filled(is_open.copy())
        opened = np.zeros(self.problem.num_sites, dtype=bool)
        opened[self.ground.sites[chosen]] = True
        nearest, away = self.problem.pairs.nearest(opened)
        nearest = np.where(away <= self.ground.reach, nearest, -1)
        return self.search.offer(Allocation(opened, nearest))

    def _filled(self, is_open: BoolArray) -> BoolArray:
        """Open sites until there are enough, as far as none excludes another."""
        blocked = np.zeros(is_open.size, dtype=np.int64)
        for one, other in np.vstack([self.apart, self.apart[:, ::-1]]):
            blocked[other] += is_open[one]
        for site in np.flatnonzero(~is_open):
            if is_open.sum() >= self.least:
                break
            if blocked[site]:
                continue
            is_open[site] = True
            blocked[self.apart[self.apart[:, 0] == site, 1]] += 1
            blocked[self.apart[self.apart[:, 1] == site, 0]] += 1
        return is_open

    def raise_bound(self, bound: float) -> None:
        """Take a bound on plans below the cutoff; all others cost at least the objective."""
        safe = bound - ROUNDING * abs(bound)
        self.search.raise_bound(self.search.objective if bound >= self.cutoff else safe)

    def close(self) -> None:
        """Take it as proven that no plan below the cutoff is left."""
        self.search.raise_bound(self.search.objective)


def is_whole(problem: PMedian) -> bool:
    """Whether every plan costs a whole number."""
    weights = problem.weights
    return bool((weights == np.rint(weights)).all()) and _whole_distances(problem.pairs)


def _whole_distances(distances: Distances) -> bool:
    """Whether all distances are whole numbers, as far as that can be told."""
    if isinstance(distances, PointDistances):
        return distances.rounding is not None
    if isinstance(distances, SparseDistances):
        return bool((distances.pairs.data == np.rint(distances.pairs.data)).all())
    if isinstance(distances, MatrixDistances):
        return bool((distances.matrix == np.rint(distances.matrix)).all())
    return False


def _renumbered(apart: IntArray | None, sites: IntArray, num_sites: int) -> IntArray:
    """Pairs by the new numbers of sites; pairs with a site that is left out are none."""
    if apart is None:
        return np.empty((0, 2), dtype=np.int64)
    number = np.full(num_sites, -1, dtype=np.int64)
    number[sites] = np.arange(sites.size)
    pairs = number[apart]
    return np.asarray(pairs[(pairs >= 0).all(axis=1)].reshape(-1, 2))
