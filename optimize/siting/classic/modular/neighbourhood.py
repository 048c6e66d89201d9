"""
Large-neighbourhood search: the levels of a few sites and all flows around them, solved exactly.

Some sites are freed (one or two quarters of the city, so that money may move between them). The
sites that share groups with them keep their levels, but their flows to these groups are free too;
all else stays. Each step is a small integer program, and never makes a plan worse (Shaw 1998,
"Using constraint programming and local search methods to solve vehicle routing problems").

While money has a price, quarters need not trade it among each other: budget or share is missed a
little on the way, and the price follows what is missed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, FloatArray, IntArray
from .....models.siting.modular_floor_area import totals
from ....limits import Limits, Stop
from ....solvers import solve_model
from .part import Goal, Part, part_model
from .prices import whole_goal, whole_part
from .reduction import Reduced
from .segments import coarser
from .state import State

_EXACT = 1e-4
"""Gap of the small programs."""

_EVENLY = 3.0
"""How much less often sites are drawn that had no luck."""

_STEERING = 0.7
"""Share by which the price of money follows what is missed, once all sites have been freed."""

_FINER = 0.25
"""Share of the error where residents must be served, as a plan must not miss them."""


@dataclass
class Neighbourhoods:
    """
    The search from one plan.

    Parameters
    ----------
    reduced
        The problem.
    shared
        Need that pairs of sites share, see :func:`.partition.shared_need`.
    state
        The plan at hand; it keeps all rules but the residents to be served, which it may miss.
    rng
        Source of every random choice.
    error
        Residents by which the worth of a group may be set too low in a program.
    size
        Sites that are freed at once; adapts to what the programs take.
    money
        Residents that a unit of money is worth, where plans are judged by residents less cost at
        this price and may miss budget or share; None where they are judged by the goal.
    """

    reduced: Reduced
    shared: sparse.csr_array
    state: State
    rng: np.random.Generator
    error: float = 0.0
    size: float = 20.0
    money: float | None = None
    failures: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def __post_init__(self) -> None:
        """Prepare the tables that every step reads."""
        reduced = self.reduced
        self.whole, self.goal = whole_part(reduced), whole_goal(reduced)
        self.order, self.starts = reduced.arcs_by_site
        self.failures = np.zeros(reduced.num_sites, dtype=np.int64)
        # One missing resident costs more than any level.
        self.shortage = 2.0 * (float(reduced.level_cost.max(initial=0.0)) + 1.0)
        if self.goal.least is not None:
            self.error *= _FINER

    @property
    def cost(self) -> float:
        """Cost of the plan at hand."""
        chosen = self.state.chosen
        return float(self.reduced.level_cost[chosen[chosen >= 0]].sum())

    @property
    def served(self) -> float:
        """Residents that the plan at hand serves."""
        reduced = self.reduced
        given = totals(reduced.arc_group, self.state.flow, reduced.num_groups)
        return float(reduced.worth(given).sum())

    def step(self, limits: Limits, stop: Stop | None) -> bool:
        """Free some sites and solve; tell whether the plan changed for the better."""
        free = self._free()
        part, arcs, sites, levels, goal, before = self._part(free)
        if not levels.size:
            return False
        built = part_model(part, goal)
        found = solve_model(built.model, limits=replace(limits, gap=_EXACT), stop=stop)
        self._adapt(found.total_seconds, limits.seconds)
        self.failures[free] += 1
        self._steer()
        if found.solution is None or found.objective is None:
            return False
        taken = levels[np.rint(found.solution[built.levels]) > 0]
        flow = np.maximum(found.solution[built.flows], 0.0)
        if not self._is_better(taken, arcs, flow, goal, before):
            return False
        self.state.chosen[free] = -1
        self.state.chosen[self.reduced.level_site[taken]] = taken
        self.state.flow[arcs] = flow
        self.failures[sites] = 0
        return True

    def _is_better(
        self, taken: IntArray, arcs: IntArray, flow: FloatArray, goal: Goal, before: float
    ) -> bool:
        """Compare with all segments, of which the program may know fewer."""
        reduced = self.reduced
        given = totals(reduced.arc_group[arcs], flow, reduced.num_groups)
        value = float(reduced.worth(given).sum())
        if goal.least is not None:
            missing = max(0.0, goal.least - value)
            value = -float(reduced.level_cost[taken].sum()) - self.shortage * missing
        elif goal.price:
            value -= goal.price * float(reduced.level_cost[taken].sum())
        if not np.isfinite(before):
            return True
        return value > before + 1e-7 * max(1.0, abs(before))

    def _adapt(self, seconds: float, limit: float) -> None:
        """Free more sites where the programs are easy, fewer where they are not."""
        self.size *= 1.05 if seconds < 0.2 * limit else 0.9 if seconds > 0.8 * limit else 1.0
        self.size = float(np.clip(self.size, 4.0, 100.0))

    def _steer(self) -> None:
        """Make money dearer where the plan spends or serves too much, cheaper where too little."""
        if self.money is None:
            return
        wanted, now = self.goal.budget, self.cost
        if wanted is None:
            wanted, now = self.goal.least, self.served
        excess = now / wanted - 1.0 if wanted else 0.0
        freed = self.size / self.reduced.num_sites
        self.money *= 1.0 + _STEERING * float(np.clip(excess, -0.1, 0.1)) * freed

    def _free(self) -> IntArray:
        """Draw sites: neighbours of one or two that had less luck drawn so far."""
        reduced = self.reduced
        count = min(int(self.size), reduced.num_sites)
        quarters = 1 if self.rng.random() < 0.3 else 2
        free: set[int] = set()
        weight = (1.0 + self.failures) ** -_EVENLY
        for centre in self.rng.choice(
            reduced.num_sites,
            size=min(quarters, reduced.num_sites),
            replace=False,
            p=weight / weight.sum(),
        ):
            free |= self._around(int(centre), -(-count // quarters))
        return np.array(sorted(free), dtype=np.int64)

    def _around(self, centre: int, count: int) -> set[int]:
        """Sites that share most with those taken so far, beginning with one."""
        taken, tie = {centre}, np.zeros(self.reduced.num_sites)
        last, shared = centre, self.shared
        while len(taken) < count:
            near = slice(shared.indptr[last], shared.indptr[last + 1])
            tie[shared.indices[near]] += shared.data[near] * self.rng.uniform(0.5, 1.5)
            tie[list(taken)] = 0.0
            last = int(np.argmax(tie))
            if tie[last] <= 0:
                return taken
            taken.add(last)
        return taken

    def _part(self, free: IntArray) -> tuple[Part, IntArray, IntArray, IntArray, Goal, float]:
        """Cut out the sites that are free with all around them; also the objective today."""
        reduced, state, whole = self.reduced, self.state, self.whole
        is_free = np.zeros(reduced.num_sites, dtype=bool)
        is_free[free] = True
        own = np.concatenate([self.order[self.starts[j] : self.starts[j + 1]] for j in free])
        groups = np.unique(reduced.arc_group[own])
        arcs = _ranges(reduced.first_arc, groups)
        area = self._area()
        arcs = arcs[is_free[reduced.arc_site[arcs]] | (area[reduced.arc_site[arcs]] > 0)]
        sites, arc_site = np.unique(np.r_[reduced.arc_site[arcs], free], return_inverse=True)
        arc_site = arc_site[: arcs.size].astype(np.int64)
        used_here = totals(arc_site, state.flow[arcs], sites.size)
        held = np.isin(sites, free, invert=True)
        loads = totals(reduced.arc_site, state.flow, reduced.num_sites)
        room = np.maximum(area[sites] - (loads[sites] - used_here), used_here)
        levels, local = self._levels(is_free, sites)
        segments = _ranges(reduced.first_segment, groups)
        place = np.full(reduced.num_groups, -1, dtype=np.int64)
        place[groups] = np.arange(groups.size)
        number = np.full(reduced.num_sites, -1, dtype=np.int64)
        number[sites] = np.arange(sites.size)
        must = whole.must_build[is_free[whole.must_build]]
        pairs = whole.apart[is_free[whole.apart].all(axis=1)]
        part = Part(
            np.where(held, room, reduced.base_area[sites]),
            local,
            reduced.level_area[levels],
            reduced.level_cost[levels],
            number[must],
            place[reduced.arc_group[arcs]],
            arc_site,
            *coarser(
                (
                    place[reduced.segment_group[segments]],
                    reduced.segment_worth[segments],
                    reduced.segment_need[segments],
                ),
                error=self.error,
                above=False,
            ),
            number[pairs],
        )
        goal, before = self._goal(is_free, arcs, groups)
        return part, arcs, sites, levels, goal, before

    def _area(self) -> FloatArray:
        """Floor area of the plan at hand, shape (sites,)."""
        reduced, chosen = self.reduced, self.state.chosen
        if not reduced.level_area.size:
            return reduced.base_area
        return np.where(chosen >= 0, reduced.level_area[chosen], reduced.base_area)

    def _levels(self, is_free: BoolArray, sites: IntArray) -> tuple[IntArray, IntArray]:
        """Levels that may be chosen, and their sites numbered within the part."""
        reduced, whole = self.reduced, self.whole
        allowed = is_free.copy()
        if whole.apart.size:
            others = (self.state.chosen >= 0) & ~is_free
            for pairs in (whole.apart, whole.apart[:, ::-1]):
                allowed[pairs[others[pairs[:, 0]], 1]] = False
        levels = np.flatnonzero(allowed[reduced.level_site])
        return levels, np.searchsorted(sites, reduced.level_site[levels])

    def _goal(self, is_free: BoolArray, arcs: IntArray, groups: IntArray) -> tuple[Goal, float]:
        """Goal of the part, and what the plan at hand reaches of it."""
        reduced, state, goal = self.reduced, self.state, self.goal
        chosen = state.chosen[is_free]
        spent = float(reduced.level_cost[chosen[chosen >= 0]].sum())
        given = totals(reduced.arc_group[arcs], state.flow[arcs], reduced.num_groups)
        local = float(reduced.worth(given)[groups].sum())
        sites = None
        if goal.sites is not None:
            others = (state.chosen >= 0) & ~is_free & (reduced.base_area <= 0)
            sites = (goal.sites[0] - others.sum(), goal.sites[1] - others.sum())
        if self.money is not None:
            return Goal(price=self.money, sites=sites), local - self.money * spent
        if goal.budget is not None:
            before = local if self.cost <= goal.budget else -np.inf
            return Goal(budget=goal.budget - (self.cost - spent), sites=sites), before
        assert goal.least is not None  # noqa: S101 - a problem has a budget or a share
        least = goal.least - (self.served - local)
        missing = max(0.0, least - local)
        shortage = self.shortage if missing > 0 else None
        return Goal(least=least, shortage=shortage, sites=sites), -spent - self.shortage * missing


def _ranges(first: IntArray, rows: IntArray) -> IntArray:
    """List the places first[r] to first[r + 1] of all rows."""
    counts = first[rows + 1] - first[rows]
    start = np.repeat(first[rows] - np.cumsum(counts) + counts, counts)
    places: IntArray = start + np.arange(int(counts.sum()))
    return places
