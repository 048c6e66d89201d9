"""
Plans of a service system: clusters of sites are solved with all others as they are.

After a first plan (:mod:`.first_plan`), clusters around sites are solved again (Taillard and Voss
2002, "POPMUSIC", Essays and Surveys in Metaheuristics), more often where more of the gap is
(:mod:`.local_gap`): in turn small ones in which everything may change, and large ones in which
facilities stay that are open, or closed, in the plan and nearly always in the relaxation (Danna,
Rothberg and Le Pape 2005, "Exploring relaxation induced neighborhoods", Mathematical Programming
102).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from ....models.formulation import BoolArray, FloatArray, IntArray, LinearModel
from ....models.siting.service_system_model import SystemModel
from ...result import Reason
from .best import Best, with_rows
from .first_plan import CERTAIN, FITS, MOST_SECONDS, FirstPlan
from .local_gap import LocalGap
from .packings import SitePackings
from .parts import Parts
from .regions import Regions
from .short_units import LACKING, ShortUnits

FIRST_SITES = (60, 15)
"""Sites of a cluster at first: with what is certain as it is, and with everything free."""

SHORT_SECONDS, LONG_SECONDS = 0.8, 6.0
"""Mean seconds of a cluster below which clusters grow, and above which they shrink."""

LONGEST = 60.0
"""Seconds for what follows from facilities that are decided."""

LEAST = 1e-9
"""Share of the objective by which a cluster must become better."""

COVERS = 0.5
"""Clusters of a sweep hold so many times as many sites as there are."""

EVEN = 0.05
"""Share of the clusters that are chosen anywhere, rather than where the gap is."""

TIRED = 0.5
"""How much less likely sites are chosen again after a cluster of theirs that gained nothing."""


@dataclass(eq=False)
class Neighbourhood:
    """
    Which clusters are looked at.

    Parameters
    ----------
    sites
        Sites of a cluster.
    keeps_certain
        Whether facilities stay that are certain.
    interest
        How much each site is looked at, beside its gap, shape (sites that may change,).
    """

    sites: int
    keeps_certain: bool
    interest: FloatArray

    def resize(self, sites: int) -> None:
        """Look at clusters of another size, everywhere."""
        self.sites = sites
        self.interest[:] = 1.0


class Outcome(NamedTuple):
    """Seconds that a cluster took, whether it is now proven best, and whether it is better."""

    seconds: float
    is_exact: bool
    is_better: bool


class Search:
    """
    The plan, and how it becomes better.

    Parameters
    ----------
    built, model
        The model, maybe with more rows than when it was built.
    best
        Takes the plans.
    parts
        Solves programs.
    short
        Finds who is short of floor area.
    points
        Coordinates of the sites, shape (sites, 2).
    average
        Columns of the average of the relaxation, shape (columns,).
    gaps
        Tells where the gap is.
    """

    def __init__(
        self,
        built: SystemModel,
        model: LinearModel,
        best: Best,
        parts: Parts,
        short: ShortUnits,
        points: FloatArray,
        average: FloatArray,
        gaps: LocalGap,
    ) -> None:
        """Begin with the average."""
        self.built, self.best, self.parts, self.short = built, best, parts, short
        self.site = built.site_of_columns()
        self.values, self.average, self.gaps = average.copy(), average, gaps
        self._take(model)
        used = np.zeros(built.problem.num_sites, dtype=bool)
        rows = built.problem.facilities
        used[rows.site[~rows.is_kept | built.problem.sized]] = True
        self.used, self.points = np.flatnonzero(used), points
        self.tree = cKDTree(points[self.used]) if self.used.size else None
        self.lock = threading.Lock()
        self.is_planned = threading.Event()

    def _take(self, model: LinearModel) -> None:
        self.model = model
        self.split = Regions(model, self.site)

    def start(self, packings: SitePackings, first: FloatArray | None = None) -> None:
        """
        Make the first plan: what is certain on the average, and the rest cluster by cluster.

        Parameters
        ----------
        packings
            What sites can hold.
        first
            Columns of a plan to begin with instead, shape (columns,).
        """
        if first is None:
            plan = FirstPlan(self.built, self.split, self.parts, self.points, self.average)
            first = plan.made(packings)
        self.values = first
        self._settle()
        self.is_planned.set()

    def _settle(self) -> None:
        """
        Let the columns that follow take their best values; today's plan where there are none.

        Once the time is over there may be nothing but the best plan so far.
        """
        decided = np.round(self.values, 6)
        decided[self.model.integer] = np.round(decided[self.model.integer])
        for start in (decided, self.built.decided(self.built.problem.today())):
            self.values = start.copy()
            if self._follow(self.split.region < 0):
                self.best.offer(self.built.plan(self.values))
                return
        if not self.parts.is_over:
            raise ValueError("what stands today does not fit into the model")

    @property
    def is_over(self) -> bool:
        """Whether the time is over, or the plan good enough."""
        return self.parts.is_over or self.best.is_near(self.parts.limits.gap)

    def improve(self, stream: int = 0) -> None:
        """
        Sweep over all sites, until the time is over or the whole is one cluster.

        Several threads may do so at once.

        Parameters
        ----------
        stream
            Number of the thread: each looks at other clusters.
        """
        random = np.random.default_rng((self.parts.limits.seed, stream))
        first, second = FIRST_SITES
        neighbourhoods = [
            Neighbourhood(first, True, np.ones(self.used.size)),
            Neighbourhood(second, False, np.ones(self.used.size)),
        ]
        if stream % 2:
            neighbourhoods.reverse()
        while not self.is_over and self.tree is not None:
            if any(self._sweep(neighbourhood, random) for neighbourhood in neighbourhoods):
                break
        with self.lock:
            self.best.offer(self.built.plan(self.values))

    def _sweep(self, neighbourhood: Neighbourhood, random: np.random.Generator) -> bool:
        """Solve clusters all over the city; tell whether all of it is as good as can be."""
        assert self.tree is not None  # noqa: S101 - there is a site, or no sweep
        self._refresh()
        sites = min(neighbourhood.sites, self.used.size)
        number = max(1, round(COVERS * self.used.size / sites)) if sites < self.used.size else 1
        weight = self._weights()
        seconds, solved, is_exact = 0.0, 0, False
        for _ in range(number):
            if self.is_over:
                break
            chance = weight * neighbourhood.interest
            centre = random.choice(chance.size, p=chance / chance.sum())
            _, near = self.tree.query(self.points[self.used[centre]], k=sites)
            near = np.atleast_1d(near)
            outcome = self._cluster(self.used[near], neighbourhood)
            if outcome.is_better:
                neighbourhood.interest[near] = 1.0
                self._refresh()
                weight = self._weights()
            else:
                neighbourhood.interest[near] *= TIRED
            seconds, solved, is_exact = seconds + outcome.seconds, solved + 1, outcome.is_exact
        mean = seconds / max(solved, 1)
        if mean < SHORT_SECONDS:
            neighbourhood.resize(sites * 3 // 2 + 1)
        elif mean > LONG_SECONDS:
            neighbourhood.resize(max(5, sites * 2 // 3))
        return sites == self.used.size and is_exact and not neighbourhood.keeps_certain

    def _weights(self) -> FloatArray:
        """Return how likely each site is to be the centre of a cluster: by its share of the gap."""
        with self.lock:
            gap = self.gaps.at_sites(self.values)[self.used]
        return gap + max(EVEN * float(gap.mean()), LEAST)

    def _cluster(self, sites: IntArray, neighbourhood: Neighbourhood) -> Outcome:
        """Solve a cluster with all others as they are."""
        chosen = np.zeros(self.built.problem.num_sites, dtype=bool)
        chosen[sites] = True
        free = (self.site >= 0) & chosen[self.site]
        if neighbourhood.keeps_certain:
            opening = self.built.columns.opening
            certain = np.abs(self.average[opening] - self.values[opening]) <= CERTAIN
            free[opening[certain]] = False
        whole = sites.size == self.used.size and not neighbourhood.keeps_certain
        limit = self.parts.deadline.seconds_left if whole else MOST_SECONDS
        began = time.monotonic()
        with self.lock:
            program, columns, _ = self.split.opened(self.values, free)
            before = self.values[columns]
        found = self.parts.part(program, limit, before)
        is_better = found.solution is not None and self._take_over(free, columns, found.solution)
        is_exact = found.reason in {Reason.PROVEN, Reason.GAP}
        return Outcome(time.monotonic() - began, is_exact, is_better)

    def _take_over(self, free: BoolArray, columns: IntArray, solution: FloatArray) -> bool:
        """Take the solution of a cluster, if it still fits what other threads did and is better."""
        with self.lock:
            program, now, _ = self.split.opened(self.values, free)
            if not np.array_equal(columns, now):
                return False
            earlier = program.evaluate(self.values[columns])
            if program.evaluate(solution) >= earlier - LEAST * abs(earlier):
                return False
            if program.violations(solution, tolerance=FITS):
                return False
            self.values[columns] = solution
            return True

    def _refresh(self) -> None:
        """
        Judge the plan, and add rows for floor area that it lacks beyond what the model says.

        A cluster is solved without knowing the sets of units that its solution makes short: unless
        they become rows at once, the clusters that follow are led astray by what seemed gained.
        """
        with self.lock:
            self.best.offer(self.built.plan(self.values))
            least = self.best.negligible(self.best.objective, LACKING * self.parts.limits.gap)
            flows = self.short.found(self.built, self.values, least)
            if not flows:
                return
            rows = [self.built.cut_row(flow) for flow in flows]
            self._take(with_rows(self.model, rows))
            short = np.zeros(self.model.num_columns, dtype=bool)
            short[np.concatenate([columns for columns, _, _ in rows])] = True
            if not self._follow(short & (self.split.region < 0)):
                self._settle()

    def _follow(self, free: BoolArray) -> bool:
        """Let some columns that follow take their best values; tell whether there are any."""
        program, columns, _ = self.split.opened(self.values, free)
        found = self.parts.part(program, LONGEST)
        if found.solution is None:
            return False
        self.values[columns] = found.solution
        return True
