"""
Plans of a service system: clusters of sites are solved with all others as they are.

A first plan has at each site the packing that is nearest to the average of the relaxation. Where
that breaks a hard rule, one cluster after the other is decided, those not yet decided as on the
average (relax and fix: Pochet and Wolsey 2006, "Production Planning by Mixed Integer
Programming", Section 3.6). Then clusters around each site are solved again (Taillard and Voss
2002, "POPMUSIC", Essays and Surveys in Metaheuristics): in turn small ones in which everything may
change, and large ones in which facilities stay that are open, or closed, in the plan and nearly
always in the relaxation (Danna, Rothberg and Le Pape 2005, "Exploring relaxation induced
neighborhoods", Mathematical Programming 102).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from ....models.formulation import BoolArray, FloatArray, IntArray, LinearModel
from ....models.siting.service_system_model import SystemModel
from ...result import Reason
from .best import Best, with_rows
from .packings import SitePackings
from .parts import Parts
from .regions import Regions, regions_of_sites
from .short_units import LACKING, ShortUnits

CERTAIN = 0.03
"""How near the average of the relaxation is to the plan where a facility is taken as certain."""

FIRST_SITES = (60, 15)
"""Sites of a cluster at first: with what is certain as it is, and with everything free."""

SHORT_SECONDS, LONG_SECONDS = 0.4, 3.0
"""Mean seconds of a cluster below which clusters grow, and above which they shrink."""

LONGEST = 60.0
"""Seconds for what follows from facilities that are decided."""

ROUNDING = 10.0
"""Seconds for floor area, and who is attached to which station, after rounding the average."""

MOST_SECONDS = 10.0
"""Seconds after which the program of a cluster is given up."""

LEAST = 1e-9
"""Share of the objective by which a cluster must become better."""

FITS = 1e-6
"""By how much, as a share, a row may be missed."""

COVERS = 2.0
"""Clusters of a sweep hold so many times as many sites as there are."""


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
    """

    sites: int
    keeps_certain: bool


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
    ) -> None:
        """Begin with the average."""
        self.built, self.best, self.parts, self.short = built, best, parts, short
        self.site = built.site_of_columns()
        self.values, self.average = average.copy(), average
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

    def start(self, partition: IntArray, packings: SitePackings) -> None:
        """
        Make the first plan: the packings nearest to the average, or else cluster by cluster.

        Parameters
        ----------
        partition
            Cluster of each site, shape (sites,).
        packings
            What sites can hold.
        """
        if not self._round(packings):
            self._fix(partition)
        self._settle()
        self.is_planned.set()

    def _round(self, packings: SitePackings) -> bool:
        """Open what the average opens more than not; tell whether that keeps the hard rules."""
        opening = self.built.columns.opening
        profit = (self._without_surplus() - 0.5) * (1e6 * (1.0 + packings.fixed.max()))
        is_open = packings.best(profit, np.zeros(opening.size)).is_open.astype(float)
        lower, upper = self.model.lower.copy(), self.model.upper.copy()
        lower[opening] = upper[opening] = is_open
        found = self.parts.part(replace(self.model, lower=lower, upper=upper), ROUNDING)
        if found.solution is None:
            return False
        self.values = found.solution
        return True

    def _without_surplus(self) -> FloatArray:
        """How much the average opens each facility, 0 for those beyond the most of a need."""
        share = self.average[self.built.columns.opening].copy()
        needs = self.built.problem.needs
        for need in np.flatnonzero(needs.most < np.diff(needs.members.indptr)):
            mine = needs.members.indices[slice(*needs.members.indptr[need : need + 2])]
            share[mine[np.argsort(-share[mine], kind="stable")[needs.most[need] :]]] = 0.0
        return share

    def _fix(self, partition: IntArray) -> None:
        """Decide one cluster after the other, those not yet decided as on the average."""
        cluster = regions_of_sites(self.built, partition)
        for number in range(int(cluster.max(initial=-1)) + 1):
            if self.parts.is_over:
                break
            program, columns = self.split.opened(self.values, cluster == number)
            found = self.parts.part(program, MOST_SECONDS)
            if found.solution is not None:
                self.values[columns] = found.solution

    def _settle(self) -> None:
        """
        Let the columns that follow take their best values; today's plan where there are none.

        Once the time is over there may be nothing but the best plan so far.
        """
        decided = np.round(self.values, 6)
        decided[self.model.integer] = np.round(decided[self.model.integer])
        for start in (decided, self.built.decided(self.built.problem.today())):
            program, columns = self.split.opened(start, self.split.region < 0)
            found = self.parts.part(program, LONGEST)
            if found.solution is not None:
                self.values = start.copy()
                self.values[columns] = found.solution
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
        neighbourhoods = [Neighbourhood(first, True), Neighbourhood(second, False)]
        if stream % 2:
            neighbourhoods.reverse()
        while not self.is_over and self.tree is not None:
            if any(self._sweep(neighbourhood, random) for neighbourhood in neighbourhoods):
                return

    def _sweep(self, neighbourhood: Neighbourhood, random: np.random.Generator) -> bool:
        """Solve clusters all over the city; tell whether all of it is as good as can be."""
        assert self.tree is not None  # noqa: S101 - there is a site, or no sweep
        with self.lock:
            self._refresh()
        sites = min(neighbourhood.sites, self.used.size)
        number = max(1, round(COVERS * self.used.size / sites))
        centres = random.permutation(self.used.size)[:number]
        if sites == self.used.size:
            centres = centres[:1]
        seconds, solved, is_exact = 0.0, 0, False
        for centre in centres:
            if self.is_over:
                break
            _, near = self.tree.query(self.points[self.used[centre]], k=sites)
            took, is_exact = self._cluster(self.used[np.atleast_1d(near)], neighbourhood)
            seconds, solved = seconds + took, solved + 1
        with self.lock:
            self.best.offer(self.built.plan(self.values))
        mean = seconds / max(solved, 1)
        if mean < SHORT_SECONDS:
            neighbourhood.sites = sites * 3 // 2 + 1
        elif mean > LONG_SECONDS:
            neighbourhood.sites = max(5, sites * 2 // 3)
        return sites == self.used.size and is_exact and not neighbourhood.keeps_certain

    def _cluster(self, sites: IntArray, neighbourhood: Neighbourhood) -> tuple[float, bool]:
        """Solve a cluster; return the seconds, and whether it is now as good as can be."""
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
            program, columns = self.split.opened(self.values, free)
            before = self.values[columns]
        found = self.parts.part(program, limit, before)
        if found.solution is not None:
            self._take_over(free, columns, found.solution)
        return time.monotonic() - began, found.reason in {Reason.PROVEN, Reason.GAP}

    def _take_over(self, free: BoolArray, columns: IntArray, solution: FloatArray) -> None:
        """Take the solution of a cluster, if it still fits what other threads did and is better."""
        with self.lock:
            program, now = self.split.opened(self.values, free)
            if not np.array_equal(columns, now):
                return
            earlier = program.evaluate(self.values[columns])
            if program.evaluate(solution) >= earlier - LEAST * abs(earlier):
                return
            if not program.violations(solution, tolerance=FITS):
                self.values[columns] = solution

    def _refresh(self) -> None:
        """Add rows for the floor area that the plan lacks beyond what the model says."""
        least = self.best.negligible(self.best.objective, LACKING * self.parts.limits.gap)
        flows = self.short.found(self.built, self.values, least)
        if flows:
            self._take(with_rows(self.model, [self.built.cut_row(flow) for flow in flows]))
            self._settle()
