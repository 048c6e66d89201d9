"""Plans near a point of the Lagrangian function: serve the clients from the sites that it opens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .....models.formulation import IntArray
from ....search import Search
from ....solvers import solve_model
from .assigning import improve_assignment, put_clients
from .core import core_model
from .form import Form
from .interchange import interchange
from .plan import Plan
from .relaxation import Climb, Relaxation
from .spreading import spread_options

HARDER, MOST_TRIES = 3.0, 8
"""Factor of the penalty of overload after a plan that breaks a capacity, and most tries."""

TRANSPORTS, ASSIGNMENTS, LATE = 8, 6, 0.3
"""Most transport and large assignment problems, and factor of the steps from which on they are."""

QUICK = 1_000_000
"""Pairs up to which assignments are quick."""


@dataclass
class Planner:
    """
    Looks for plans; it tries no set of options twice.

    Parameters
    ----------
    form
        The problem.
    search, offer, solver
        As in :class:`.tree.Tree`; the offer tells whether the plan was taken.
    best, best_cost
        The best plan that was taken, and its cost.
    """

    form: Form
    search: Search[Any]
    offer: Callable[[Plan], object]
    solver: str
    best: Plan | None = None
    best_cost: float = np.inf
    _tried: set[bytes] = field(default_factory=set)
    _count: int = 0
    _late: bool = False

    def take(self, plan: Plan) -> None:
        """Offer a plan, and remember the best one that was taken."""
        cost = plan.cost(self.form)
        if cost < self.best_cost and self.offer(plan):
            self.best, self.best_cost = plan, cost

    def improve(self, relaxation: Relaxation, climb: Climb) -> None:
        """Try options open at the best point, those open most often, and those spread out best."""
        self._late = climb.step < LATE
        at = climb.at
        self.try_options(at.option_of_site[at.is_open])
        often = np.where(relaxation.upper > 0, climb.point.usage[at.option_of_site], -1.0)
        often += relaxation.lower
        sites = np.argsort(-often, kind="stable")[: int(at.is_open.sum())]
        self.try_options(at.option_of_site[sites])
        if self.form.single and self._affordable:
            self.try_options(spread_options(relaxation, climb))

    def try_options(self, options: IntArray) -> None:
        """Serve all clients from some options, at least cost as far as that is easy."""
        form = self.form
        options = np.sort(options)
        key = options.tobytes()
        if key in self._tried or not options.size:
            return
        self._tried.add(key)
        if form.limited and form.capacity[options].sum() < form.demand.sum() * (1 - 1e-9):
            return
        if not form.limits_loads:
            self._serve_cheapest(options)
        elif not self._affordable:
            self._tried.discard(key)
        elif form.single:
            self._assign(options)
        else:
            self._transport(options)

    @property
    def _affordable(self) -> bool:
        """Whether one more assignment or transport problem is worth its time."""
        if self.search.plan is None:
            return True
        if self.form.single:
            quick = self.form.num_clients * self.form.num_options <= QUICK
            return quick or (self._late and self._count < ASSIGNMENTS)
        return self._late and self._count < TRANSPORTS

    def _serve_cheapest(self, options: IntArray) -> None:
        options = interchange(self.form, options)
        costs = self.form.costs[options]
        best = np.argmin(costs, axis=0)
        if np.isfinite(costs[best, np.arange(best.size)]).all():
            self.take(Plan.single(options, options[best]))

    def _assign(self, options: IntArray) -> None:
        """Assign clients by local search, with rising penalties of overload."""
        form = self.form
        self._count += 1
        costs = np.where(form.permitted[options], form.costs[options], np.inf)
        nearest = np.partition(costs, min(1, options.size - 1), axis=0)
        if not np.isfinite(nearest[0]).all():
            return
        second = nearest[min(1, options.size - 1)]
        regret = np.where(np.isfinite(second), second - nearest[0], nearest[0].max() + 1.0)
        order = np.argsort(-regret * form.demand, kind="stable")
        penalty = (float(regret.mean()) + 1e-6) / max(float(form.demand.mean()), 1e-12)
        limits = form.least_load[options], form.capacity[options]
        option_of = np.empty(form.num_clients, dtype=np.int64)
        put_clients(costs, form.demand, limits[1], order, penalty, option_of)
        for _ in range(MOST_TRIES):
            if improve_assignment(costs, form.demand, *limits, penalty, option_of) <= 0.0:
                self.take(Plan.single(options, options[option_of]))
                return
            penalty *= HARDER

    def _transport(self, options: IntArray) -> None:
        """Solve the transport problem of some options."""
        form = self.form
        self._count += 1
        own = np.zeros(form.num_options, dtype=bool)
        own[options] = True
        is_open = np.zeros(form.num_sites)
        is_open[form.site[options]] = 1.0
        whole = Relaxation.of(form)
        fixed = np.where(own, form.fixed, np.inf)
        pairs = whole.pairs.only(own[whole.pairs.option])
        core = core_model(
            replace(whole, pairs=pairs, lower=is_open, upper=is_open, fixed=fixed), linked=False
        )
        limits = self.search.limits.within(self.search.deadline.seconds_left)
        result = solve_model(core.model, solver=self.solver, limits=limits, stop=self.search.stop)
        if result.solution is not None:
            self.take(core.decode(result.solution))
