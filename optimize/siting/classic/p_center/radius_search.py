"""
Search for the least radius within which p sites cover all clients.

The optimum is a weighted distance between a client and a site, and whether a radius suffices is a
set covering question (Minieka 1970, "The m-center problem", SIAM Review 12(1)). Radii are halved
between a proven bound and the best plan (Daskin 1995; Elloumi, Labbé and Pochet 2004). Each
question is asked for few clients: if p sites can't cover these, they can't cover all; if they can,
the farthest clients of the plan are kept too, and where it stays open, those that the linear
solution covers least (Chen and Chen 2009, "New relaxation-based algorithms for
the optimal solution of the continuous and discrete p-center problems", Computers & Operations
Research 36(5); Contardo, Iori and Kramer 2019, "A scalable exact algorithm for the vertex p-center
problem", Computers & Operations Research 103).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.siting.allocation import Allocation
from .....models.siting.p_center import PCenter
from .....models.siting.site_rules import SiteRules
from ....search import Search
from .cover import CoverQuestion, Effort
from .kept import KeptClients
from .radii import Radii, Verdict
from .recentring import recentred
from .serving import Served, far_clients, fill_up, least_covered, serve

ALL_KEPT = 4_000_000
"""Pairs of clients and sites up to which all clients are kept from the start."""

FEWEST_KEPT, KEPT_PER_SITE = 40, 3
"""Clients that are kept at the start otherwise."""

PROMISING = 1.02
"""How much worse than the best plan one may be to have its sites moved."""

PATIENCE, RISE = 3, 0.03
"""Linear bounds over which they must rise, and by how much, for more clients to be kept."""

NEAR = 0.5
"""How far below p a linear bound may be for more clients to be kept."""

NARROW, MORE = 0.98, 1.25
"""Share of the best radius that is ruled out, and growth of the kept clients, to rule out sites."""

SAMPLE = 50_000
"""Clients among which those that a linear solution covers least are looked for."""


@dataclass
class RadiusSearch:
    """
    One search; capacities and pairs of sites that are too close are left out.

    Parameters
    ----------
    problem
        What is asked.
    search
        Best plan, bound and bookkeeping.
    radii
        Bound and best radius.
    solver
        Backend of integer programs.
    """

    problem: PCenter
    search: Search[Allocation]
    radii: Radii
    solver: str

    def __post_init__(self) -> None:
        """Sort the sites by the rules."""
        problem, rules = self.problem, self.problem.rules or SiteRules()
        lower, upper = rules.bounds(problem.num_sites)
        self.always, self.allowed = np.flatnonzero(lower > 0), np.flatnonzero(upper > 0)
        _, self.p = rules.count_range(num_sites=self.allowed.size, p=problem.p)
        self.kept = KeptClients(problem, self.allowed[lower[self.allowed] < 1], self.always)
        self.best: Served | None = None
        self.num_kept_before = 0
        self.random = np.random.default_rng(self.search.limits.seed)

    def run(self) -> None:
        """Find a plan, close the gap by quick steps as far as they go, then by thorough ones."""
        search = self.search
        with search.timed("heuristic"):
            self._start()
        if self.best is None:
            with search.timed("solve"):
                search.infeasible = self._ask(np.inf, Effort.PROGRAM) is Verdict.NO
            if self.best is None:
                return
        with search.timed("bound"):
            self._close(Effort.QUICK)
        with search.timed("solve"):
            for effort in (Effort.SEARCH, Effort.TREE, Effort.PROGRAM):
                self._close(effort)
        self.search.offer(self._allocation(self.best))
        if self.radii.closed:
            self.search.raise_bound(self.radii.high)

    def _start(self) -> None:
        """Open sites one by one, and keep some clients."""
        served = serve(self.problem, self.always)
        served = fill_up(self.problem, served, allowed=self.allowed, p=self.p)
        served = recentred(self.problem, served, movable=self.kept.sites, target=0.0)
        self._take(served)
        num_clients = self.problem.num_clients
        if num_clients * self.problem.num_sites <= ALL_KEPT:
            self.kept.add(np.arange(num_clients))
            return
        count = min(FEWEST_KEPT + KEPT_PER_SITE * self.p, num_clients)
        self.kept.add(self.random.choice(num_clients, count, replace=False))
        self.kept.add(far_clients(self.problem, served, beyond=served.worst / 2))

    def _take(self, served: Served) -> None:
        """Keep a plan if it is the best so far."""
        if served.worst < self.radii.high:
            self.best, self.radii.high = served, served.worst
            self.search.offer(self._allocation(served))

    def _allocation(self, served: Served) -> Allocation:
        is_open = np.zeros(self.problem.num_sites, dtype=bool)
        is_open[served.sites] = True
        return Allocation(is_open, served.sites[served.place])

    def _close(self, effort: Effort) -> None:
        """Halve the gap until it is closed, or no radius is left that this effort decides."""
        radii = self.radii
        radii.forget_open()
        while not radii.closed and not self.search.done:
            self._rule_out_sites()
            if effort is Effort.SEARCH and np.isfinite(radii.open_low):
                radius = radii.next_above()
            elif effort < Effort.PROGRAM:
                radius = radii.next_quick()
            else:
                radius = radii.next_thorough()
            if radius is None:
                return
            if self._ask(radius, effort) is Verdict.OPEN:
                if effort is Effort.PROGRAM:
                    return
                radii.leave_open(radius, below=self.kept.below, above=self.kept.above)

    def _rule_out_sites(self) -> None:
        """Leave out the sites that no better plan opens, where few are asked for and it may pay."""
        high, num_kept = self.radii.high, self.kept.clients.size
        if (
            self.radii.low < NARROW * high
            or num_kept == self.problem.num_clients
            or num_kept < MORE * self.num_kept_before
        ):
            return
        self.num_kept_before = num_kept
        self.kept.at(self.radii.just_below())
        covers, _ = self.kept.covers()
        p = self.p - self.always.size
        question = CoverQuestion(covers, p=p, solver=self.solver, search=self.search)
        if not question.quickly().proven:
            self.kept.drop(question.hopeless)

    def _ask(self, radius: float, effort: Effort) -> Verdict:
        """Ask whether the radius suffices; move the bound or the best plan accordingly."""
        p, bounds = self.p - self.always.size, [-np.inf]
        while not self.search.over:
            self.kept.at(radius)
            covers, clients = self.kept.covers()
            question = CoverQuestion(covers, p=p, solver=self.solver, search=self.search)
            answer = question.by_search() if effort is Effort.SEARCH else question.quickly()
            if not answer.proven and effort is not Effort.SEARCH:
                bounds.append(question.bound)
                # As long as the linear bound rises it may answer sooner than any tree.
                rises = bounds[-1] > max(bounds[-PATIENCE:][0] + RISE, p - NEAR)
                if rises and self._keep_those_covered_least(question, radius):
                    self.kept.drop(question.hopeless)
                    continue
                answer = question.thoroughly(effort) if effort else answer
            if answer.columns is None:
                self.kept.drop(question.hopeless)
                return self._rule_out() if answer.proven else Verdict.OPEN
            sites = self.kept.best_sites(answer.columns, covers, clients)
            self.kept.drop(question.hopeless)
            served = serve(self.problem, np.concatenate([self.always, sites]))
            moved = served
            some_left = self.kept.clients.size < self.problem.num_clients
            if some_left and served.worst <= PROMISING * self.radii.high:
                movable = self.kept.sites_below(self.radii.high)
                moved = recentred(self.problem, served, movable=movable, target=radius)
            self._take(fill_up(self.problem, moved, allowed=self.allowed, p=self.p))
            if moved.worst <= radius and np.isfinite(moved.worst):
                return Verdict.YES
            # Moved sites may leave only kept clients too far; before the move there are others.
            beyond = min(radius, float(np.finfo(float).max))
            if not self._keep_far(moved, beyond) and not self._keep_far(served, beyond):
                break
        return Verdict.OPEN

    def _keep_far(self, served: Served, beyond: float) -> bool:
        """Keep clients that are far from their sites; False if all of them are kept already."""
        return self.kept.add(far_clients(self.problem, served, beyond=beyond))

    def _rule_out(self) -> Verdict:
        """Raise the bound to the next radius that tells kept clients apart."""
        above = float(np.ceil(self.kept.above)) if self.radii.is_whole else self.kept.above
        self.radii.low = min(above, self.radii.high)
        self.search.raise_bound(self.radii.low)
        return Verdict.NO

    def _keep_those_covered_least(self, question: CoverQuestion, radius: float) -> bool:
        """Keep clients that the linear solution covers to less than 1; False if there are none."""
        if self.kept.clients.size == self.problem.num_clients:
            return False
        groups, parts = question.fractions()
        sites = np.concatenate([self.always, self.kept.first_sites()[groups]])
        parts = np.concatenate([np.ones(self.always.size), parts])
        if not sites.size:
            return False
        everyone = np.arange(self.problem.num_clients)
        some = (
            everyone
            if everyone.size <= SAMPLE
            else np.sort(self.random.choice(everyone, SAMPLE, replace=False))
        )
        least = least_covered(self.problem, some, sites, parts, radius=radius)
        return self.kept.add(least)
