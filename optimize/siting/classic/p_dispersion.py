"""
Exact p-dispersion: distances are halved between the best plan and a proven bound.

Whether sites can be open that are all a distance apart is a node packing question (Sayah and Irnich
2017, "A new compact formulation for the discrete p-dispersion problem", European Journal of
Operational Research 256(1)); on many points it is asked of groups of neighbours first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.formulation import BoolArray, IntArray
from ....models.siting.distances import MatrixDistances, PointDistances
from ....models.siting.p_dispersion import PDispersion, p_dispersion_model
from ....models.siting.site_rules import SiteRules
from ...limits import Deadline, Limits, Stop
from ...result import Result, Status
from ...search import Listen, Search
from ...solvers import solve_model
from .p_dispersion_groups import SiteGroups
from .p_dispersion_packing import find_packing

METHODS: dict[str, str] = {
    "auto": "node packing questions on groups of sites that are split where an answer needs it",
    "packing": "the same as auto",
    "textbook": "the formulation of Kuby (1987) as one integer program",
}
"""Ways to solve a p-dispersion problem."""

CLOSE, LAST_STEPS = 1e-9, 1e-7
"""Shares of the objective: up to which two distances count as one, and are asked from above."""

MOST_PASSES = 20
"""Passes of the search that moves one site at a time."""


def solve_p_dispersion(
    problem: PDispersion,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Open sites so that the least distance between two of them is largest.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for HiGHS.
    method
        One of :data:`METHODS`.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of BoolArray
        Open sites; ``detail`` says what was chosen. If none of the open sites' distances is known,
        as with pairs within reach, the objective is infinite.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    if method not in METHODS:
        raise ValueError(f"method = {method!r} not understood; give one of {', '.join(METHODS)}.")
    limits = limits or Limits()
    search = Search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver or "highs",
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
        maximize=True,
        is_whole=_has_whole_distances(problem),
    )
    search.detail = METHODS[method]
    if method == "textbook":
        _solve_whole(problem, search)
    else:
        DispersionSearch(problem, search).run()
    return search.result()


def _has_whole_distances(problem: PDispersion) -> bool:
    """Tell whether all distances are whole numbers."""
    pairs = problem.pairs
    if isinstance(pairs, PointDistances):
        return pairs.rounding is not None
    if isinstance(pairs, MatrixDistances):
        return np.array_equal(pairs.matrix, np.rint(pairs.matrix))
    return False


def _solve_whole(problem: PDispersion, search: Search[BoolArray]) -> None:
    """Hand the textbook model to the solver."""
    built = p_dispersion_model(problem)
    with search.timed("solve"):
        result = solve_model(
            built.model, solver=search.solver, limits=search.limits, stop=search.stop
        )
    search.heed(result)
    search.ended = result.reason
    search.infeasible = result.status is Status.INFEASIBLE
    if result.solution is not None:
        search.offer(built.decode(result.solution))
    if result.bound is not None and not np.isposinf(search.objective):
        search.raise_bound(result.bound)


WORTH_ASKING = 0.01
"""Share of the bound below which no further distance is asked above an open one."""


@dataclass
class DispersionSearch:
    """
    One search.

    Parameters
    ----------
    problem
        What is asked.
    search
        Best plan, bound and bookkeeping.
    """

    problem: PDispersion
    search: Search[BoolArray]

    def __post_init__(self) -> None:
        """Sort the sites by the rules."""
        rules = self.problem.rules or SiteRules()
        lower, upper = rules.bounds(self.problem.num_sites)
        self.required, self.allowed = np.flatnonzero(lower > 0), np.flatnonzero(upper > 0)
        self.apart = np.empty((0, 2), dtype=np.int64) if rules.apart is None else rules.apart
        self.count = self.problem.fewest
        self.groups = SiteGroups.of(self.problem, self.allowed, self.required)
        self.low, self.high = -np.inf, np.inf
        self.best: IntArray | None = None

    def run(self) -> None:
        """Find a plan, then halve the gap."""
        search = self.search
        with search.timed("heuristic"):
            self._take(self._moved(self._spread(), self.allowed))
        with search.timed("solve"):
            if self.best is None:
                # Only sites that are too close by a rule can exclude each other at distance 0.
                search.infeasible = self._ask(0.0) is False
            if self.best is not None:
                self._close()
        if self.best is not None:
            search.offer(self._plan(self.best))
            if self.low >= self.high * (1 - CLOSE):
                search.raise_bound(self.low)

    def _close(self) -> None:
        """Halve the gap until it is closed."""
        far = self.groups.farthest()
        np.fill_diagonal(far, 0.0)
        # Distances beyond all known ones are infinite: pairs within reach leave out the others.
        self.high = min(self.high, float(far.max()))
        if np.isposinf(self.high) and self._ask(self.high) is not False:
            return
        open_at = -np.inf
        while self.low < self.high * (1 - CLOSE) and not self.search.done:
            open_at = open_at if open_at > self.low else -np.inf
            distance = self._next(max(open_at, self.low))
            if self._ask(distance) is None:
                # a question that stays open: larger distances are easier to rule out
                open_at = distance
                if self.high - open_at <= WORTH_ASKING * self.high:
                    return

    def _next(self, low: float) -> float:
        """Distance in the middle between ``low`` and the bound, or the bound if that is near."""
        if self.search.is_whole:
            return float(np.ceil((low + self.high) / 2))
        if self.high - low <= LAST_STEPS * self.high:
            return self.high
        return (low + self.high) / 2

    def _ask(self, distance: float) -> bool | None:
        """Ask whether sites can be open that far apart; None if that stays open."""
        while not self.search.over:
            self.groups.split_wide(distance)
            middles, far = self.groups.middles, self.groups.farthest()
            near = far < distance
            self._add_apart(near, middles)
            required = np.isin(middles, self.required)
            answer = find_packing(
                near, count=self.count, required=required, solver=self.search.solver,
                search=self.search,
            )  # fmt: skip
            if answer.sites is None:
                if not answer.proven:
                    return None
                np.fill_diagonal(far, 0.0)
                self.high = max(self.low, float(far[far < distance].max(initial=0.0)))
                self.search.raise_bound(self.high)
                return False
            chosen = self._moved_within(answer.sites)
            self._take(chosen)
            if self.low >= distance:
                return True
            self.groups.split(answer.sites)
        return None

    def _add_apart(self, near: BoolArray, middles: IntArray) -> None:
        """Mark the pairs of single sites that a rule forbids."""
        place = np.full(self.problem.num_sites, -1, dtype=np.int64)
        single = self.groups.is_single
        place[middles[single]] = np.flatnonzero(single)
        a, b = place[self.apart].T
        both = (a >= 0) & (b >= 0)
        near[a[both], b[both]] = near[b[both], a[both]] = True

    def _take(self, sites: IntArray) -> None:
        """Keep a plan if it keeps the rules and is the best so far."""
        plan = self._plan(sites)
        if self.problem.violations(plan):
            return
        distance = self.problem.evaluate(plan)
        if distance > self.low:
            self.best, self.low = sites, distance
            self.search.offer(plan)

    def _plan(self, sites: IntArray) -> BoolArray:
        return np.isin(np.arange(self.problem.num_sites), sites)

    def _spread(self) -> IntArray:
        """Open sites one by one, each as far as possible from those before (Gonzalez 1985)."""
        sites = self.required if self.required.size else self.allowed[:1]
        nearest = self.problem.pairs.block(self.allowed, sites).min(axis=1)
        while sites.size < self.count:
            nearest[np.isin(self.allowed, sites)] = -1.0
            new = self.allowed[[int(np.argmax(nearest))]]
            nearest = np.minimum(nearest, self.problem.pairs.block(self.allowed, new)[:, 0])
            sites = np.concatenate([sites, new])
        return sites

    def _moved(self, sites: IntArray, candidates: IntArray) -> IntArray:
        """Move one site of the closest pair after the other to where it is farthest from all."""
        sites, pairs = sites.copy(), self.problem.pairs
        for _ in range(MOST_PASSES):
            between = pairs.block(sites, sites)
            np.fill_diagonal(between, np.inf)
            least = between.min()
            moved = False
            for place in np.unravel_index(int(np.argmin(between)), between.shape):
                if sites[place] in self.required:
                    continue
                others = np.delete(sites, place)
                free = candidates[~np.isin(candidates, others)]
                away = pairs.block(free, others).min(axis=1)
                if away.max() > least:
                    sites[place], moved = free[int(np.argmax(away))], True
                    break
            if not moved:
                break
        return sites

    def _moved_within(self, groups: IntArray) -> IntArray:
        """Choose of each group the site that is farthest from those of the others."""
        members = [self.groups.members[group] for group in groups]
        sites = np.array([some[0] for some in members], dtype=np.int64)
        if all(some.size == 1 for some in members):
            return sites
        for _ in range(3):
            for place, some in enumerate(members):
                if some.size > 1:
                    others = np.delete(sites, place)
                    away = self.problem.pairs.block(some, others).min(axis=1)
                    sites[place] = some[int(np.argmax(away))]
        return self._moved(sites, np.concatenate(members))
