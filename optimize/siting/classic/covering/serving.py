"""What the covering engines with capacities share: merged clients, a greedy plan, the model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, FloatArray, IntArray
from .....models.siting.capacitated_maximal_covering import CapacitatedMaximalCovering
from .....models.siting.capacitated_set_covering import CapacitatedSetCovering
from .....models.siting.coverage import budget_limit
from .....models.siting.serving import Serving
from .....models.siting.site_rules import SiteRules
from .core import unrepeated
from .merge import merge_clients

P = TypeVar("P", CapacitatedSetCovering, CapacitatedMaximalCovering)


@dataclass(frozen=True, eq=False)
class Groups:
    """
    Clients merged where demand may be split, and the way back.

    Parameters
    ----------
    group
        Group of each client; None if every client stands for itself.
    """

    group: IntArray | None

    def expanded(self, serving: Serving) -> Serving:
        """Serve every client as its group is served."""
        if self.group is None:
            return serving
        return Serving(serving.is_open, sparse.csr_array(serving.share[self.group]))


def merged_problem(problem: P) -> tuple[P, Groups]:
    """
    Merge the clients that have the same sites within reach; exact where demand may be split.

    A client without demand must still be within reach of an open site where all are served, and is
    so like its group; where demand counts, it counts nothing.
    """
    covers = unrepeated(problem.covers)
    if problem.single_source:
        return replace(problem, covers=covers), Groups(None)
    merged, group = merge_clients(covers, problem.demand)
    return replace(problem, covers=merged.covers, demand=merged.weights), Groups(group)


def greedy_serving(problem: P, *, costs: FloatArray | None, most_cost: float) -> Serving:
    """
    Open the site that serves most (per cost) of what is left, serve, repeat.

    Clients with the fewest sites within reach are served first. Rules on pairs and counts are
    kept; whether the plan is feasible is for others to check.

    Parameters
    ----------
    problem
        What is asked.
    costs
        Cost of each site; None if all cost the same.
    most_cost
        Largest cost of all open sites.
    """
    plan = _Greedy.of(problem, costs, most_cost)
    rules = problem.rules or SiteRules()
    lower, _ = rules.bounds(problem.num_sites)
    for site in np.flatnonzero(lower > 0):
        plan.open(int(site))
    least, most = rules.count_range(num_sites=problem.num_sites, p=getattr(problem, "p", None))
    while plan.is_open.sum() < most:
        best = plan.best(needs_gain=int(plan.is_open.sum()) >= least)
        if best < 0:
            break
        plan.open(best)
    return plan.serving()


@dataclass
class _Greedy:
    """A plan that grows."""

    problem: CapacitatedSetCovering | CapacitatedMaximalCovering
    by_site: sparse.csr_array
    price: FloatArray
    room: float
    allowed: BoolArray
    left: FloatArray
    served: BoolArray
    is_open: BoolArray
    rank: FloatArray
    pairs: list[tuple[IntArray, int, FloatArray]]

    @classmethod
    def of(
        cls,
        problem: CapacitatedSetCovering | CapacitatedMaximalCovering,
        costs: FloatArray | None,
        most_cost: float,
    ) -> _Greedy:
        """Begin with nothing open."""
        num_clients, num_sites = problem.num_clients, problem.num_sites
        _, upper = (problem.rules or SiteRules()).bounds(num_sites)
        return cls(
            problem=problem,
            by_site=sparse.csr_array(problem.covers.T),
            price=np.ones(num_sites) if costs is None else np.maximum(costs, 1e-9),
            room=most_cost,
            allowed=upper > 0,
            left=np.ones(num_clients),
            served=np.zeros(num_clients, dtype=bool),
            is_open=np.zeros(num_sites, dtype=bool),
            rank=np.diff(problem.covers.indptr).astype(float),
            pairs=[],
        )

    def best(self, *, needs_gain: bool) -> int:
        """Site that serves most of what is left per cost; -1 if there is none."""
        problem = self.problem
        wanting = np.where(self.served, 0.0, self.left * problem.demand + 1e-9)
        potential = np.minimum(self.by_site @ wanting, problem.capacity + 1e-6)
        potential[self.by_site @ (~self.served).astype(float) == 0] = 0.0
        value = potential / self.price
        value[self.is_open | ~self.allowed | (self.price > self.room)] = -1.0
        site = int(np.argmax(value))
        return site if value[site] > 0 or (value[site] == 0 and not needs_gain) else -1

    def open(self, site: int) -> None:
        """Open a site and let it serve, the clients with fewest other sites first."""
        problem = self.problem
        self.is_open[site] = True
        self.room -= float(self.price[site])
        apart = (problem.rules or SiteRules()).apart
        if apart is not None:
            self.allowed[apart[apart[:, 0] == site, 1]] = False
            self.allowed[apart[apart[:, 1] == site, 0]] = False
        part = slice(self.by_site.indptr[site], self.by_site.indptr[site + 1])
        clients = self.by_site.indices[part].astype(np.int64)
        clients = clients[~self.served[clients]]
        clients = clients[np.lexsort((-problem.demand[clients], self.rank[clients]))]
        share = self._shares(clients, float(problem.capacity[site]))
        used = (share > 0) | ((problem.demand[clients] == 0) & (self.left[clients] > 0))
        share = np.where(problem.demand[clients] == 0, self.left[clients], share)
        self.pairs.append((clients[used], site, share[used]))
        self.left[clients] -= np.where(used, share, 0.0)
        self.served[clients] = self.left[clients] <= 1e-12

    def _shares(self, clients: IntArray, capacity: float) -> FloatArray:
        """Share of each client that fits, in order."""
        demand = self.problem.demand[clients] * self.left[clients]
        if not self.problem.single_source:
            before = np.cumsum(demand) - demand
            fits = np.clip(capacity - before, 0, demand)
            return np.asarray(fits / np.maximum(self.problem.demand[clients], 1e-300))
        share = np.zeros(clients.size)
        for place, amount in enumerate(demand.tolist()):
            if amount <= capacity:
                capacity -= amount
                share[place] = 1.0
        return share

    def serving(self) -> Serving:
        """Return the plan."""
        shape = self.problem.covers.shape
        if not self.pairs:
            return Serving(self.is_open, sparse.csr_array(shape))
        client = np.concatenate([clients for clients, _, _ in self.pairs])
        site = np.repeat([one for _, one, _ in self.pairs], [c.size for c, _, _ in self.pairs])
        share = np.concatenate([shares for _, _, shares in self.pairs])
        return Serving(self.is_open, sparse.csr_array((share, (client, site)), shape=shape))


def most_cost_of(problem: CapacitatedMaximalCovering) -> float:
    """Largest cost of the open sites, with room for rounding."""
    return np.inf if problem.budget is None else budget_limit(problem.budget)
