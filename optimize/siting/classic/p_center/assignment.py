"""
Radii tested by integer programs that hold every rule: capacities and sites that are too close.

For each radius a program without objective asks whether the clients can be served within it
(Albareda-Sambola, Díaz and Fernández 2010, "Lagrangean duals and exact solution to the capacitated
p-center problem", European Journal of Operational Research 201(1)): y_j = 1 if site j is open,
x_ij = 1 if it serves client i,

    Σ_{j: c_ij ≤ r} x_ij = 1     every client i           (assign)
    x_ij ≤ y_j                   every pair within r      (link)
    Σ_i q_i x_ij ≤ Q_j y_j       every site j             (capacity)
    p and the rules on sites                              (count)

Without capacities the columns x are left out: Σ_{j: c_ij ≤ r} y_j ≥ 1 for every client.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import FloatArray, IntArray, LinearModel, ModelBuilder
from .....models.siting.allocation import Allocation, closest_allocation
from .....models.siting.p_center import PCenter
from .....models.siting.site_rules import add_site_rules
from ....result import Status
from ....search import Search
from ....solvers import solve_model
from .radii import Verdict


@dataclass
class AssignmentSearch:
    """
    One search by integer programs.

    Parameters
    ----------
    problem
        What is asked, with all its rules.
    search
        Best plan, bound and bookkeeping; a bound may be known already.
    solver
        Backend of the integer programs.
    """

    problem: PCenter
    search: Search[Allocation]
    solver: str

    def __post_init__(self) -> None:
        """Sort the distances that may be the optimum."""
        self.costs = self.problem.all_costs()
        self.radii = np.unique(self.costs[np.isfinite(self.costs)])

    def run(self) -> None:
        """Halve the list of radii between bound and best plan until it is empty."""
        search = self.search
        first = int(np.searchsorted(self.radii, search.bound * (1 - 1e-9)))
        end = self.radii.size
        with search.timed("solve"):
            while first < end and not search.done:
                # The first question is whether there is any plan at all.
                middle = end - 1 if search.plan is None else (first + end) // 2
                verdict = self._ask(float(self.radii[middle]))
                if verdict is Verdict.OPEN:
                    return
                if verdict is Verdict.NO:
                    first = middle + 1
                    search.infeasible = first == self.radii.size
                else:
                    end = int(np.searchsorted(self.radii, search.objective * (1 - 1e-12)))
                if first < self.radii.size:
                    search.raise_bound(float(self.radii[first]))
        if not self.radii.size:
            search.infeasible = True

    def _ask(self, radius: float) -> Verdict:
        """Solve the program of a radius, and offer what it finds."""
        search, limits = self.search, self.search.limits
        result = solve_model(
            self._model(radius),
            solver=self.solver,
            limits=limits.within(search.deadline.seconds_left),
            stop=search.stop,
        )
        search.heed(result)
        if result.status is Status.INFEASIBLE:
            return Verdict.NO
        if result.solution is None:
            return Verdict.OPEN
        search.offer(self._plan(result.solution, radius))
        return Verdict.YES if search.objective <= radius * (1 + 1e-9) else Verdict.OPEN

    def _pairs(self, radius: float) -> tuple[IntArray, IntArray]:
        """Clients and sites within a radius of each other."""
        client, site = np.nonzero(self.costs <= min(radius, np.finfo(float).max))
        return client, site

    def _model(self, radius: float) -> LinearModel:
        """Build the program of a radius."""
        problem, (client, site) = self.problem, self._pairs(radius)
        builder = ModelBuilder("p-center-feasibility")
        y = builder.add_columns(np.zeros(problem.num_sites), upper=1, integer=True)
        if problem.demand is None or problem.capacity is None:
            builder.add_rows(client, y[site], 1, lower=np.ones(problem.num_clients))
        else:
            x = builder.add_columns(np.zeros(client.size), upper=1, integer=True)
            builder.add_rows(client, x, 1, lower=np.ones(problem.num_clients), upper=1)
            pair = np.arange(client.size)
            builder.add_rows(
                np.r_[pair, pair],
                np.r_[x, y[site]],
                np.repeat([1, -1], pair.size),
                upper=np.zeros(pair.size),
            )
            builder.add_rows(
                np.r_[site, np.arange(y.size)],
                np.r_[x, y],
                np.r_[problem.demand[client], -problem.capacity],
                upper=np.zeros(y.size),
            )
            builder.add_rows(
                np.zeros(y.size, dtype=np.int64),
                y,
                problem.capacity,
                lower=[float(problem.demand.sum())],
            )
        add_site_rules(builder, y, problem.rules, p=problem.p)
        return builder.build()

    def _plan(self, values: FloatArray, radius: float) -> Allocation:
        """Read open sites and the site of each client."""
        is_open = values[: self.problem.num_sites] > 0.5
        if self.problem.capacity is None:
            return closest_allocation(self.costs, is_open)
        client, site = self._pairs(radius)
        chosen = values[is_open.size :] > 0.5
        site_of_client = np.full(self.problem.num_clients, -1, dtype=np.int64)
        site_of_client[client[chosen]] = site[chosen]
        return Allocation(is_open, site_of_client)
