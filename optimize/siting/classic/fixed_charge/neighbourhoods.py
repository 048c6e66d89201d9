"""
Large neighbourhoods of a plan, each solved to optimality by the engine itself.

A neighbourhood is a few open options next to each other with their clients: which options open
there and who is served by which is decided anew, all else stays (Stefanello, de Araújo and
Müller 2015, "Matheuristics for the capacitated p-median problem", International Transactions in
Operational Research 22(1); Gnägi and Baumann 2021, "A matheuristic for large-scale capacitated
clustering", Computers & Operations Research 132).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .....models.formulation import BoolArray, IntArray
from ....limits import Deadline, Limits
from ....search import Search
from .form import Form
from .plan import Plan
from .relaxation import Point

Offer = Callable[[Plan], object]
Solve = Callable[[Form, Search[Any], Offer, Point], None]

NEAREST = 20
"""Options of a client, the cheapest first, that a neighbourhood may open."""

MOST_SECONDS = 6.0
"""Longest solve of one neighbourhood."""

SIZES = (4, 6, 9, 13, 18, 25)
"""Open options of a neighbourhood, rising when a pass finds nothing."""


@dataclass
class Neighbourhoods:
    """
    Improves a plan with one source for each client.

    Parameters
    ----------
    form
        The problem.
    search, offer
        As in :class:`.tree.Tree`.
    solve
        The engine for a small form.
    deadline
        When to end.
    point
        Prices of the clients, from which each solve begins.
    """

    form: Form
    search: Search[Any]
    offer: Offer
    solve: Solve
    deadline: Deadline
    point: Point
    _tried: set[bytes] = field(default_factory=set)

    def improve(self, plan: Plan, *, most: int = SIZES[-1]) -> Plan:
        """
        Solve neighbourhoods around all open options until none helps, or the deadline.

        Parameters
        ----------
        plan
            Where to begin.
        most
            Most open options of a neighbourhood.
        """
        generator = np.random.default_rng(self.search.limits.seed)
        near = self._near_options()
        for size in SIZES:
            if size > most or (size > plan.options.size and size > SIZES[0]):
                break
            improved = True
            while improved and not self._over():
                improved = False
                for o in generator.permutation(plan.options):
                    if self._over():
                        break
                    better = self._around(plan, int(o), size, near)
                    if better is not None:
                        plan, improved = better, True
        return plan

    def _over(self) -> bool:
        return self.deadline.passed or self.search.done

    def _near_options(self) -> IntArray:
        """Cheapest options of each client, shape (clients, nearest)."""
        form = self.form
        count = min(NEAREST, form.num_options)
        cost = np.where(form.permitted, form.costs, np.inf)
        return np.argpartition(cost, count - 1, axis=0)[:count].T

    def _around(self, plan: Plan, centre: int, size: int, near: IntArray) -> Plan | None:
        """Solve the neighbourhood of one open option; None if nothing better is there."""
        form = self.form
        if centre not in plan.options:
            return None
        group = self._group(plan, centre, size)
        inside = np.isin(plan.option, group)
        clients = np.sort(plan.client[inside])
        key = np.r_[np.sort(group), -1, clients].tobytes()
        if key in self._tried:
            return None
        self._tried.add(key)
        others = plan.options[~np.isin(plan.options, group)]
        options = self._candidates(clients, group, others, near)
        part = part_of(form, options, clients, plan.is_open_at(form, others))
        place = np.searchsorted(options, plan.option[inside])
        order = np.argsort(plan.client[inside])
        before = Plan.single(np.searchsorted(options, np.sort(group)), place[order])
        found = self._solved(part, before, self.point.of(options, clients))
        if found is None:
            return None
        better = Plan(
            np.sort(np.r_[others, options[found.options]]),
            np.r_[plan.option[~inside], options[found.option]],
            np.r_[plan.client[~inside], clients[found.client]],
            np.r_[plan.share[~inside], found.share],
        )
        self.offer(better)
        return better

    def _group(self, plan: Plan, centre: int, size: int) -> IntArray:
        """Open options that serve the clients of the centre, and its own place, most cheaply."""
        form = self.form
        own = plan.client[plan.option == centre]
        if not own.size:
            return np.array([centre])
        away = np.minimum(form.costs[np.ix_(plan.options, own)], 1e100).mean(axis=1)
        return plan.options[np.argsort(away, kind="stable")[:size]]

    def _candidates(
        self, clients: IntArray, group: IntArray, others: IntArray, near: IntArray
    ) -> IntArray:
        """Options that the neighbourhood may open: its own and cheap ones at closed sites."""
        form = self.form
        taken = np.zeros(form.num_sites, dtype=bool)
        taken[form.site[others]] = True
        if form.apart.size:
            for a, b in form.apart:
                if a in form.site[others] or b in form.site[others]:
                    taken[[a, b]] = True
        cheap = np.unique(near[clients])
        cheap = cheap[~taken[form.site[cheap]]]
        return np.unique(np.r_[cheap, group])

    def _solved(self, part: Form, before: Plan, point: Point) -> Plan | None:
        """Solve a part; return its plan if that is better than before."""
        limits = Limits(seconds=max(0.01, min(MOST_SECONDS, self.deadline.seconds_left)))
        inner: Search[Plan] = Search(
            violations=lambda plan: broken_loads(part, plan),
            evaluate=lambda plan: plan.cost(part),
            limits=limits,
            solver=self.search.solver,
            stop=self.search.stop,
            deadline=Deadline.after(limits.seconds),
            is_whole=part.whole_objective,
        )
        inner.offer(before)
        if inner.plan is None:
            return None
        start = inner.objective
        self.solve(part, inner, inner.offer, point)
        self.search.nodes += inner.nodes
        return inner.plan if inner.objective < start - 1e-9 * max(1.0, start) else None


def part_of(form: Form, options: IntArray, clients: IntArray, open_elsewhere: BoolArray) -> Form:
    """Return the form of some options and clients, with what is open elsewhere counted."""
    sites, site = np.unique(form.site[options], return_inverse=True)
    elsewhere = int(open_elsewhere.sum())
    place = np.full(form.num_sites, -1)
    place[sites] = np.arange(sites.size)
    apart = place[form.apart]
    return replace(
        form,
        costs=np.ascontiguousarray(form.costs[np.ix_(options, clients)]),
        demand=form.demand[clients],
        fixed=form.fixed[options],
        capacity=form.capacity[options],
        least_load=form.least_load[options],
        site=site,
        lower=form.lower[sites],
        upper=form.upper[sites],
        least=max(0, form.least - elsewhere),
        most=min(form.most - elsewhere, sites.size),
        apart=apart[(apart >= 0).all(axis=1)],
    )


def broken_loads(form: Form, plan: Plan) -> list[str]:
    """Name the rules of a form that a plan with one source for each client breaks."""
    load = np.bincount(plan.option, form.demand[plan.client], minlength=form.num_options)
    chosen = np.zeros(form.num_options, dtype=bool)
    chosen[plan.options] = True
    slack = 1e-9 * (1.0 + load)
    is_open = plan.is_open(form)
    broken = []
    if (load > np.where(chosen, form.capacity, 0.0) + slack).any():
        broken.append("a capacity")
    if (load < np.where(chosen, form.least_load, 0.0) - slack).any():
        broken.append("a least load")
    if not form.permitted[plan.option, plan.client].all():
        broken.append("a pair")
    if not form.least <= is_open.sum() <= form.most or int(chosen.sum()) != int(is_open.sum()):
        broken.append("the number of sites")
    if (is_open < form.lower).any() or (is_open > form.upper).any():
        broken.append("a rule of a site")
    if form.apart.size and is_open[form.apart].all(axis=1).any():
        broken.append("sites too close")
    return broken
