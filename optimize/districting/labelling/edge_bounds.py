"""
How cheap borders can be: bounds by walks in the dual of a planar graph.

The borders of a plan form a subgraph H of the dual with one face a district, without bridges. Let
o be the hub, most often the outside of the community, and w_j = [j L, j U] the weights of j
districts together. C_j is the least cost of a cycle with w_j on one side, and I_j the least of
those that avoid o and have w_j on the side without o.

* Every district costs at least C = min(C_1, 2 min_j C_j): its outside is connected, so that its
  border is one cycle, or is not, and its border is two cycles or more. All borders together cost
  at least k C / 2.
* If H has a cycle that avoids o, then some district lies on the far side of an innermost one, which
  is all of its border: H costs at least (I_1 + (k - 1) C) / 2. Joined with the neighbour that
  shares most of that border, it leaves a plan of k - 1 parts that is I_1 / (k - 1) cheaper.
* Else H without o is a forest. For k = 2 it is one path and costs C_1 or more. For k = 3 it is two
  paths, and costs 2 C or more, or a star of three walks from o that meet in one face. For k = 4 it
  is three paths, of which two cut off a district each and the third a district or two: 3 C or
  2 C + C_2; a path and a star, one of whose parts holds the path: C + S_112; or one tree of four
  walks, which meet in pairs that are joined by a fifth walk.

Stars and trees are bounded by the tables of :mod:`.walks`: walks may cross, and the weight between
the pairs of a tree is only known to lie in w_2. The numbers for k = 2 and 3 are exact where the
best walks do not cross, which is the rule where units are many and bounds are not narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ....models.districting.dual import dual_graph, merged_edges, parts_without
from ....models.districting.problem import Districting
from ....models.formulation import FloatArray, IntArray
from ...limits import Deadline, Stop
from .inner_cycles import InnerCycles
from .walk_network import LARGEST_COST, Walks
from .walks import Table, least_pair, least_star, pair_up

LARGEST_TABLE = 60_000_000
"""Most entries of a table of walks; coarser weights make it smaller."""

_WIDEST = 1500
"""Most weights of a table between the bounds of a district."""

_COARSE = 8000
"""Weights of a table for cycles inside."""


@dataclass(frozen=True)
class EdgeBound:
    """
    What the walks prove.

    Parameters
    ----------
    bound
        No plan costs less, or the known plan is optimal if this is its cost.
    least_border
        No border of a single district costs less.
    plans
        Plans that may be better than the known one, not checked.
    parts
        Bounds by kind of plan. "inside" has a district away from the hub, the others have none.
    outer
        Nodes at the hub, shape (nodes at the hub,): no district away from it holds one of them.
    inner_border
        No border of a district away from the hub costs less.
    """

    bound: float
    least_border: float
    plans: tuple[IntArray, ...]
    parts: dict[str, float]
    outer: IntArray
    inner_border: float

    @property
    def others(self) -> float:
        """Bound on every plan without a district away from the hub; -inf if not known apart."""
        if "inside" not in self.parts:
            return -np.inf
        return min(value for kind, value in self.parts.items() if kind != "inside")


def edge_bound(
    problem: Districting,
    edge_costs: FloatArray,
    known: float,
    *,
    is_whole: bool = False,
    deadline: Deadline,
    stop: Stop | None = None,
) -> EdgeBound | None:
    """
    Bound the cost of the cut edges from below.

    Parameters
    ----------
    problem
        What is asked; of its rules only the bounds of the districts count.
    edge_costs
        Cost of each edge, shape (edges,), not negative.
    known
        Cost of a known plan; only cheaper ones are searched.
    is_whole
        Whether all costs are whole numbers.
    deadline, stop
        When to give up, and a request to do so.

    Returns
    -------
    EdgeBound or None
        None if the graph is not planar, no weight has both bounds, or the time did not suffice.
    """
    bounded = _narrowest_weight(problem)
    if problem.num_districts < 2 or bounded is None or not 0 < known < np.inf:
        return None
    edges, costs = merged_edges(problem.edges, edge_costs)
    dual = dual_graph(problem.num_nodes, edges)
    if dual is None:
        return None
    scale = 1.0 if is_whole and known < LARGEST_COST else LARGEST_COST / known
    whole = np.minimum(np.floor(costs * scale), LARGEST_COST).astype(np.int64)
    rounded = partial(
        Walks.rounded,
        dual,
        edges,
        problem.weights[:, bounded],
        (
            float(problem.district_lower[:, bounded].min()),
            float(problem.district_upper[:, bounded].max()),
        ),
        whole[dual.edge],
        heed=partial(_heed, deadline, stop),
    )
    walks = rounded(most_weights=LARGEST_TABLE / dual.num_faces, widest=_WIDEST)
    coarse = rounded(most_weights=_COARSE, widest=_WIDEST)
    bounds = _Bounds(
        problem, walks, InnerCycles(problem, coarse), int(np.ceil(known * scale - 1e-9))
    )
    try:
        kinds = bounds.by_kind()
    except TimeoutError:
        return None
    return EdgeBound(
        min(known, min(kinds.values()) / scale),
        bounds.least / scale,
        tuple(bounds.plans),
        {kind: value / scale for kind, value in kinds.items()},
        np.unique(edges[dual.edge[dual.tail == dual.hub]]),
        bounds.inner_border / scale,
    )


def _narrowest_weight(problem: Districting) -> int | None:
    """Weight whose bounds are both finite and closest together, as a share of the upper one."""
    low, high = problem.district_lower.min(axis=0), problem.district_upper.max(axis=0)
    width = np.where(np.isfinite(high) & (low > 0), (high - low) / np.maximum(high, 1e-12), np.inf)
    best = int(width.argmin())
    return best if np.isfinite(width[best]) else None


def _heed(deadline: Deadline, stop: Stop | None) -> None:
    """Give up if the time is up."""
    if deadline.passed or (stop is not None and stop.requested):
        raise TimeoutError


class _Bounds:
    """Bounds of every kind of plan, in whole costs."""

    def __init__(self, problem: Districting, walks: Walks, inner: InnerCycles, limit: int) -> None:
        self.problem, self.walks, self.inner, self.limit = problem, walks, inner, limit
        self.k, self.hub = problem.num_districts, walks.dual.hub
        self.plans: list[IntArray] = []
        self.through: dict[int, int] = {}
        self.cycle: dict[int, int] = {}
        self.least = self.inner_border = 0

    def by_kind(self) -> dict[str, int]:
        """Bound every kind of plan; the limit where none below it is left."""
        walks, k, limit = self.walks, self.k, self.limit
        table = walks.table()
        share = -(-2 * limit // k)
        walks.fill(table, self.hub, walks.half(share))
        counts = range(1, k // 2 + 1)
        self.through = {j: self._cycle_through_hub(table, j, share) for j in counts}
        inside = {j: self.inner.least(j, share) for j in counts}
        self.cycle = {j: min(self.through[j], inside[j]) for j in counts}
        self.least = min(self.cycle[1], 2 * min(self.cycle.values()))
        any_kind = -(-k * self.least // 2)
        kinds = {"districts": any_kind}
        self.inner_border = max(self.least, inside[1])
        if k == 2:
            kinds = {"path": self.through[1], "inside": inside[1]}
        elif k in (3, 4):
            most = max(limit - self.through[1], walks.half(share))
            walks.fill(table, self.hub, most)
            kinds = self._three(table) if k == 3 else self._four(table, most)
        return {kind: min(max(value, any_kind), limit) for kind, value in kinds.items()}

    def _three(self, table: Table) -> dict[str, int]:
        """Bound plans of three districts."""
        one = self.walks.window(1)
        self.inner_border = inside = self._inside(1, 2 * self.limit - 2 * self.least)
        return {
            "paths": 2 * self.through[1],
            "star": self._star(table, table, np.stack([one, one, one])),
            "inside": (inside + 2 * self.least + 1) // 2,
        }

    def _four(self, table: Table, most: int) -> dict[str, int]:
        """Bound plans of four districts."""
        walks, path, least = self.walks, self.through[1], self.least
        one, two = walks.window(1), walks.window(2)
        reach = 2 * most - int(walks.cost.max())
        middle = self._cycle_through_hub(table, 2, min(self.limit, reach))
        star = self._star(table, table, np.stack([one, one, two]))
        pairs = np.empty_like(table)
        pair_up(table, one[0], one[1], most, pairs)
        walks.prolong(pairs, self.hub, most)
        self.inner_border = inside = self._inside(1, 2 * self.limit - 3 * least)
        pair_inside = self._inside(2, self.limit)
        # Joined with the neighbour that shares most of its border, the district inside leaves a
        # plan of three parts, one of them double.
        double = min(self.cycle[2], 2 * self.cycle[1])
        parts = min(inside + least + double, pair_inside + 2 * least)
        three = min(2 * path, path + middle, star, (parts + 1) // 2)
        return {
            "paths": min(3 * path, 2 * path + middle),
            "path and star": path + star,
            "tree": self._star(pairs, table, np.stack([two, one, one])),
            "inside": max((inside + 3 * least + 1) // 2, three + -(-inside // 3)),
        }

    def _inside(self, count: int, limit: int) -> int:
        """Least cost of a cycle inside; weaker if the time does not suffice."""
        try:
            return self.inner.least(count, max(limit, self.cycle[count]))
        except TimeoutError:
            return self.cycle[count]

    def _cycle_through_hub(self, table: Table, count: int, limit: int) -> int:
        """Least cost of a cycle through the hub with so many districts on one side."""
        self.walks.heed()
        window = self.walks.window(count)
        value, found = least_pair(table, window[0], window[1], limit)
        if found[0] >= 0 and self.k == 2:
            self._offer([self._walk(table, found[0], place) for place in found[1:]])
        return int(min(value, self.walks.least_loop(self.hub, window)))

    def _star(self, one: Table, rest: Table, windows: IntArray) -> int:
        """Least cost of three walks that meet, the first one of the first table."""
        self.walks.heed()
        value, found = least_star(one, rest, windows, self.limit)
        if found[0] >= 0 and (one is not rest or self.k == 3):
            arcs, begin = self.walks.trace(one, self.hub, found[0], found[1])
            walks = [arcs, *(self._walk(rest, found[0], place) for place in found[2:])]
            if begin[0] != self.hub:
                walks += self._pair_at(rest, begin, int(one[begin[0], begin[1]]))
            self._offer(walks)
        return int(value)

    def _pair_at(self, table: Table, begin: IntArray, value: int) -> list[IntArray]:
        """Two walks of that cost whose pair begins there."""
        face, place = (int(i) for i in begin)
        window = self.walks.window(1)
        ends = (place + np.arange(window[0], window[1] + 1)) % self.walks.size
        costs = table[face, ends].astype(np.int64) + table[face, place]
        other = ends[np.flatnonzero(costs == value)[:1]]
        return [self._walk(table, face, int(end)) for end in (place, *other)]

    def _walk(self, table: Table, face: int, place: int) -> IntArray:
        """Arcs of the walk from the hub to a face and weight."""
        return self.walks.trace(table, self.hub, face, place)[0]

    def _offer(self, walks: list[IntArray]) -> None:
        """Keep the plan whose borders the walks are, if there is one."""
        cut = self.walks.dual.edge[np.concatenate(walks)]
        plan = parts_without(self.problem.num_nodes, self.walks.edges, cut)
        if plan.max() + 1 == self.k:
            self.plans.append(plan)
