"""
Facilities of all categories at one place, annealed as one.

A circle needs every category, so that good plans build all of them close to each other. One
facility moved alone leaves its companions behind, and annealing has to cross plans that are worth
nothing. A bundle is a facility and, of every other category, the one that shares most residents
with it. Bundles are facilities of a problem with a single category: a bundle reaches a group of
units if it gives them all that they lack. Every plan of bundles is one of their members, at the
same cost or less, in the same room or less; what a bundle holds without need is for later.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray, FloatArray, IntArray
from ...models.siting.circles import NEVER, CircleGround, PhasedCircles, Room
from .circles_core import Core, reduced
from .circles_search import Annealer

STEPS, STEPS_OF_A_BUNDLE = 100_000, 300
"""Steps of one round at most, and for each bundle."""

WARM, COLD = 6.0, 0.06
"""Temperatures as shares of the mean circle: one bundle makes many circles whole."""

MOST_PAIRS = 200_000_000
"""Facilities of two categories that reach one unit, over all units, above which none are paired."""


@dataclass(frozen=True, eq=False)
class Bundles:
    """
    The problem of bundles.

    Parameters
    ----------
    members
        Facilities of the core in each bundle, shape (bundles, categories); -1 for none.
    problem
        One facility for each bundle, and a last one that exists and gives nothing but what is
        there today; one unit for each group of the core, and one for the rest of each circle.
    num_members
        Number of facilities of the core.
    """

    members: IntArray
    problem: PhasedCircles
    num_members: int

    def improve(
        self,
        offer: Callable[[IntArray], bool],
        *,
        over: Callable[[], bool],
        rounds: int,
        seed: int,
    ) -> None:
        """
        Anneal the bundles: most rounds from nothing, the last third from the best found.

        Parameters
        ----------
        offer
            Takes a solution of the core's facilities, and tells whether it is the best so far.
        over
            Tells whether to stop.
        rounds, seed
            Number of rounds, seed of the random numbers.
        """
        core = reduced(self.problem.ground, most=float(self.problem.budgets.sum()))
        if not core.facilities.size:
            return
        annealer = Annealer(core, self.problem)
        field, random = annealer.field(), np.array([seed], dtype=np.uint64)
        best, top = np.full(core.facilities.size, NEVER, dtype=np.int64), -np.inf
        steps = min(STEPS, STEPS_OF_A_BUNDLE * core.facilities.size)
        for number in range(rounds):
            if over():
                break
            again = 3 * number >= 2 * rounds
            begin = best if again else np.full_like(best, NEVER)
            heat = (WARM / 2 if again else WARM, COLD)
            years, value = annealer.round(field, begin, steps=steps, heat=heat, random=random)
            if value > top:
                best, top = years, value
                offer(self.of_members(core.facilities, years))

    def of_members(self, bundles: IntArray, years: IntArray) -> IntArray:
        """
        Return the years of the facilities of bundles.

        Parameters
        ----------
        bundles, years
            Some bundles, and the year of each, shapes (some,).
        """
        late = self.problem.num_years + 1
        found = np.full(self.num_members, late, dtype=np.int64)
        built = years != NEVER
        for bundle, year in zip(bundles[built], years[built], strict=True):
            own = self.members[bundle]
            own = own[own >= 0]
            found[own] = np.minimum(found[own], year)
        return np.where(found == late, NEVER, found)


def bundles_of(core: Core, problem: PhasedCircles) -> Bundles | None:
    """
    Make bundles.

    Parameters
    ----------
    core
        What the reductions leave.
    problem
        The problem of all facilities.

    Returns
    -------
    Bundles or None
        None if fewer than two categories are missing, or too much would have to be compared.
    """
    kinds = np.unique(core.category)
    if kinds.size < 2:
        return None
    near = [sparse.csr_array(problem.ground.covers[core.facilities[core.category == kind]])
            for kind in kinds]  # fmt: skip
    reach = [np.diff(sparse.csc_array(rows).indptr).astype(float) for rows in near]
    missing = [float(core.residents[core.lacks[kind]].sum()) for kind in kinds]
    first = int(np.argmax(missing))
    if sum(float(reach[first] @ other) for other in reach) > MOST_PAIRS:
        return None
    members = np.full((near[first].shape[0], problem.ground.num_categories), -1, dtype=np.int64)
    weighted = sparse.csr_array(near[first] * problem.ground.residents[None, :])
    for kind, rows in zip(kinds, near, strict=True):
        own = np.flatnonzero(core.category == kind)
        if kind == kinds[first]:
            members[:, kind] = own
        else:
            members[:, kind] = _closest(sparse.csr_array(weighted @ rows.T), own, core.costs)
    members, room = _with_room(members, core)
    if not len(members):
        return None
    return Bundles(members, _problem(members, room, core, problem), core.facilities.size)


def _closest(common: sparse.csr_array, own: IntArray, costs: FloatArray) -> IntArray:
    """Facility that shares the most residents, the cheapest of equal ones; -1 for none."""
    found = np.full(common.shape[0], -1, dtype=np.int64)
    for row in range(common.shape[0]):
        span = slice(common.indptr[row], common.indptr[row + 1])
        shared, others = common.data[span], own[common.indices[span]]
        if shared.size:
            best = others[shared >= shared.max() * (1 - 1e-9)]
            found[row] = best[np.argmin(costs[best])]
    return found


def _with_room(members: IntArray, core: Core) -> tuple[IntArray, Room]:
    """Bundles that fit into the only site in which room may run out for them, and their room."""
    site = np.where(members >= 0, core.site[members], -1)
    areas = np.where(site >= 0, core.areas[members], 0.0).sum(axis=1)
    last = site.max(axis=1)
    one_site = ((site < 0) | (site == last[:, None])).all(axis=1)
    left = np.where(last >= 0, np.r_[core.room, np.inf][last], np.inf)
    fits = one_site & (areas <= left + 1e-9)
    room = Room(np.r_[last[fits], -1], np.r_[areas[fits], 0.0], core.room)
    return members[fits], room


def _problem(members: IntArray, room: Room, core: Core, problem: PhasedCircles) -> PhasedCircles:
    """Write the problem of bundles."""
    rest = core.circle_residents - np.bincount(core.circle, core.residents, core.num_circles)
    gives = _gives(members, core)
    asks = np.asarray(core.lacks.any(axis=0))
    today = sparse.csr_array(np.where(asks, 0.0, 1.0)[None, :])
    covers = sparse.vstack([gives, today])
    nobody = sparse.csr_array((covers.shape[0], core.num_circles))
    costs = np.where(members >= 0, core.costs[members], 0.0).sum(axis=1)
    ground = CircleGround(
        covers=sparse.csr_array(sparse.hstack([covers, nobody])),
        category=np.zeros(len(members) + 1, dtype=np.int64),
        costs=np.r_[costs, 0.0],
        exists=np.arange(len(members) + 1) == len(members),
        residents=np.r_[core.residents, np.maximum(rest, 0.0)],
        circle=np.r_[core.circle, np.arange(core.num_circles)],
        num_categories=1,
        num_circles=core.num_circles,
        share=problem.ground.share,
        room=room if core.room.size else None,
    )
    left = np.maximum(problem.wanted - int(core.known.sum()), 0)
    return PhasedCircles(
        ground,
        budgets=problem.budgets,
        weights=problem.weights,
        carries_over=problem.carries_over,
        targets=left,
        bonus=problem.bonus,
    )


def _gives(members: IntArray, core: Core) -> sparse.csr_array:
    """Find groups that lack something and get all of it, CSR of shape (bundles, groups)."""
    asked = core.lacks.sum(axis=0)
    total = sparse.csr_array((len(members), core.num_groups))
    for own in members.T:
        some: BoolArray = own >= 0
        pick = sparse.csr_array(
            (np.ones(int(some.sum())), (np.flatnonzero(some), own[some])),
            shape=(len(members), core.facilities.size),
        )
        total = sparse.csr_array(total + pick @ core.covers)
    pairs = total.tocoo()
    whole = pairs.data >= asked[pairs.col] - 0.5
    return sparse.csr_array(
        (np.ones(int(whole.sum())), (pairs.row[whole], pairs.col[whole])), shape=pairs.shape
    )
