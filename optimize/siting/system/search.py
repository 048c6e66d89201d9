"""
Plans of a service system: clusters of sites are solved with all others as they are.

A first plan has what is certain on the average of the relaxation; the rest is decided one cluster
of sites after the other, those not yet decided as on the average (relax and fix: Pochet and Wolsey
2006, "Production Planning by Mixed Integer Programming", Section 3.6). Then clusters around sites
are solved again (Taillard and Voss 2002, "POPMUSIC", Essays and Surveys in Metaheuristics), more
often where more of the gap is (:mod:`.local_gap`): in turn small ones in which everything may
change, and large ones in which facilities stay that are open, or closed, in the plan and nearly
always in the relaxation (Danna, Rothberg and Le Pape 2005, "Exploring relaxation induced
neighborhoods", Mathematical Programming 102).
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from ....models.formulation import BoolArray, FloatArray, IntArray, LinearModel
from ....models.siting.service_system_model import SystemModel
from ...result import Reason
from .best import Best, with_rows
from .layout import site_regions
from .local_gap import LocalGap
from .packings import SitePackings
from .parts import Parts
from .regions import Regions, regions_of_sites
from .short_units import LACKING, ShortUnits

CERTAIN = 0.03
"""How near the average of the relaxation is to the plan where a facility is taken as certain."""

FIRST_SITES = (60, 15)
"""Sites of a cluster at first: with what is certain as it is, and with everything free."""

SHORT_SECONDS, LONG_SECONDS = 0.8, 6.0
"""Mean seconds of a cluster below which clusters grow, and above which they shrink."""

LONGEST = 60.0
"""Seconds for what follows from facilities that are decided."""

CLUSTER = 200.0
"""Facilities that are not certain in a cluster of the first plan, at most."""

ATTEMPTS = 2
"""How often clusters of the first plan are tried that had no solution beside the others."""

MOST_SECONDS = 10.0
"""Seconds after which the program of a cluster is given up."""

LEAST = 1e-9
"""Share of the objective by which a cluster must become better."""

MISSED = 10.0
"""Price of missing a row by 1, in the largest price of a column."""

FITS = 1e-6
"""By how much, as a share, a row may be missed."""

COVERS = 0.5
"""Clusters of a sweep hold so many times as many sites as there are."""

EVEN = 0.05
"""Share of the clusters that are chosen anywhere, rather than where the gap is."""

TIRED = 0.5
"""How much less likely sites are chosen again after a cluster of theirs that gained nothing."""

REFRESHED = 20.0
"""Seconds after which the plan is judged, and rows are added for floor area that it lacks."""


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
        self.refreshed = time.monotonic()

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
            self._fix(packings)
        else:
            self.values = first
        self._settle()
        self.is_planned.set()

    def _fix(self, packings: SitePackings) -> None:
        """
        Decide one cluster after the other, those not yet decided as on the average.

        A cluster can have no solution as long as others stand as on the average, such as where a
        place may have one station and parts of two are left: then rows are missed that join it with
        the others. Those for which that is of no use either stay as they are today.
        """
        opening, rows = self.built.columns.opening, self.built.problem.facilities
        share = self.average[opening]
        wanted = np.where(share >= 1 - CERTAIN, share, -1.0) * (1e6 * (1 + packings.fixed.max()))
        fits = packings.best(wanted, np.zeros(opening.size)).is_open
        certain = (share <= CERTAIN) | ((share >= 1 - CERTAIN) & fits)
        self.values[opening[certain]] = fits[certain]
        self._fit_room()
        each = np.arange(len(self.points))
        weight = np.bincount(rows.site, ~certain, each.size).astype(float)
        partition = site_regions(self.points, each, weight, most=CLUSTER)
        cluster, held = regions_of_sites(self.built, partition), opening[certain]
        waiting = list(range(int(cluster.max(initial=-1)) + 1))
        for _ in range(ATTEMPTS):
            waiting = [number for number in waiting if not self._decide(cluster == number, held)]
        today = self.built.decided(self.built.problem.today())
        undecided = np.isin(cluster, waiting) & (cluster >= 0)
        self.values[undecided] = today[undecided]
        self._close_surplus()

    def _fit_room(self) -> None:
        """Shrink floor area to what sites have room for, where facilities were rounded up."""
        columns, rows = self.built.columns, self.built.problem.facilities
        ground, site = self.built.problem.grounds, rows.site
        sized, sites = columns.area >= 0, np.flatnonzero(columns.site >= 0)
        state = self.values[columns.opening]
        least = rows.least_m2 * state
        most = np.where(sized, rows.most_m2 * state, least)
        growth = np.clip(np.where(sized, self.values[columns.area], least), least, most) - least
        spare = ground.most_m2 - np.bincount(site, least, ground.most_m2.size)
        wanted = np.bincount(site, growth, ground.most_m2.size)
        share = np.clip(spare / np.maximum(wanted, 1e-9), 0.0, 1.0)
        self.values[columns.area[sized]] = (least + growth * share[site])[sized]
        highest = np.zeros(ground.most_m2.size)
        np.maximum.at(highest, site, state)
        place = columns.site[sites]
        self.values[place] = np.maximum(self.values[place], highest[sites])

    def _close_surplus(self) -> None:
        """
        Close facilities of which a place has more than it may, the least certain first.

        The average keeps such rows only nearly, so what is certain on it can be one too many; what
        then lacks is for the clusters to mend.
        """
        model, opening = self.model, self.built.columns.opening
        is_opening = np.zeros(model.num_columns, dtype=bool)
        is_opening[opening] = True
        rows = model.rows
        others = abs(rows) @ (~is_opening).astype(float)
        state = np.where(is_opening, np.round(self.values), 0.0)
        over = (rows @ state > model.row_upper + FITS) & (others == 0)
        for row in np.flatnonzero(over):
            own = slice(rows.indptr[row], rows.indptr[row + 1])
            columns, weights = rows.indices[own], rows.data[own]
            for place in np.argsort(self.average[columns], kind="stable"):
                if state[columns] @ weights <= model.row_upper[row] + FITS:
                    break
                if weights[place] > 0 and model.lower[columns[place]] <= 0:
                    state[columns[place]] = self.values[columns[place]] = 0.0

    def _decide(self, inside: BoolArray, held: IntArray) -> bool:
        """
        Decide a cluster, with what is certain as it is or else free; tell whether it could.

        If nothing fits beside the others as they are, rows are missed by as little as can be: what
        the others have on the average is not yet decided.
        """
        free = inside.copy()
        free[held] = False
        for chosen, misses in ((free, False), (inside, False), (inside, True)):
            if self.parts.is_over:
                return False
            program, columns = self.split.opened(self.values, chosen)
            if misses:
                program = eased(program, self.site[columns])
            found = self.parts.part(program, MOST_SECONDS)
            if found.solution is not None:
                self.values[columns] = found.solution[: columns.size]
                return True
        return False

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
            if time.monotonic() - self.refreshed > REFRESHED:
                self._refresh()
                weight = self._weights()
            chance = weight * neighbourhood.interest
            centre = random.choice(chance.size, p=chance / chance.sum())
            _, near = self.tree.query(self.points[self.used[centre]], k=sites)
            near = np.atleast_1d(near)
            outcome = self._cluster(self.used[near], neighbourhood)
            if outcome.is_better:
                neighbourhood.interest[near] = 1.0
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
            program, columns = self.split.opened(self.values, free)
            before = self.values[columns]
        found = self.parts.part(program, limit, before)
        is_better = found.solution is not None and self._take_over(free, columns, found.solution)
        is_exact = found.reason in {Reason.PROVEN, Reason.GAP}
        return Outcome(time.monotonic() - began, is_exact, is_better)

    def _take_over(self, free: BoolArray, columns: IntArray, solution: FloatArray) -> bool:
        """Take the solution of a cluster, if it still fits what other threads did and is better."""
        with self.lock:
            program, now = self.split.opened(self.values, free)
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
        """Judge the plan, and add rows for floor area that it lacks beyond what the model says."""
        with self.lock:
            self.best.offer(self.built.plan(self.values))
            least = self.best.negligible(self.best.objective, LACKING * self.parts.limits.gap)
            flows = self.short.found(self.built, self.values, least)
            if flows:
                self._take(with_rows(self.model, [self.built.cut_row(flow) for flow in flows]))
                self._settle()
            self.refreshed = time.monotonic()


def eased(program: LinearModel, site: IntArray) -> LinearModel:
    """
    Let rows that join sites be missed, at a price above all others, with columns put last.

    Where the rest of a city stands as on the average, a place can have a little more than it may,
    or a station serve a little more than it has room for, before a cluster of it is decided.

    Parameters
    ----------
    program
        A part of a program, minimised.
    site
        Site of each column, -1 for those that follow, shape (columns,).
    """
    price = MISSED * float(np.abs(program.costs).max(initial=1.0))
    pairs = sparse.coo_array(program.rows)
    low = np.full(program.num_rows, site.max(initial=0) + 1)
    high = np.full(program.num_rows, -1)
    np.minimum.at(low, pairs.row, site[pairs.col])
    np.maximum.at(high, pairs.row, site[pairs.col])
    joins = (low != high) | (low < 0)
    above = np.flatnonzero(np.isfinite(program.row_upper) & joins)
    below = np.flatnonzero(np.isfinite(program.row_lower) & joins)
    row, number = np.r_[above, below], above.size + below.size
    sign = np.r_[np.full(above.size, -1.0), np.ones(below.size)]
    slack = sparse.csr_array((sign, (row, np.arange(number))), shape=(program.num_rows, number))
    return replace(
        program,
        costs=np.r_[program.costs, np.full(number, price)],
        lower=np.r_[program.lower, np.zeros(number)],
        upper=np.r_[program.upper, np.full(number, np.inf)],
        integer=np.r_[program.integer, np.zeros(number, dtype=bool)],
        rows=sparse.csr_array(sparse.hstack([program.rows, slack])),
    )
