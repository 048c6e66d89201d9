"""
Balanced, contiguous starting plans: region growing, then boundary moves and swaps.

The search keeps every district connected and drives the imbalance to zero by a growing penalty.
A plan's quality decides how many variables the bound can fix, so several starts are tried.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import numpy as np

from ...models.districting.problem import Districting
from ...models.formulation import FloatArray, IntArray
from ..limits import Deadline, Stop


class LocalSearch:
    """Improves plans of one problem; every district stays connected."""

    def __init__(self, problem: Districting) -> None:
        """Prepare neighbour lists and the scale of the penalty."""
        self.problem = problem
        self.costs = problem.costs
        graph = problem.graph
        self.neighbours = [
            graph.indices[graph.indptr[i] : graph.indptr[i + 1]].tolist()
            for i in range(problem.num_nodes)
        ]
        self.scale = np.maximum(problem.weights.sum(axis=0) / problem.num_districts, 1e-12)

    def grow(self, centres: IntArray, rng: np.random.Generator) -> IntArray | None:
        """
        Grow districts from their centres, the lightest first, each by its cheapest neighbour.

        Returns
        -------
        IntArray or None
            District of each node; None if some nodes cannot be reached.
        """
        problem = self.problem
        district = np.full(problem.num_nodes, -1, dtype=np.int64)
        load = np.zeros((centres.size, problem.weights.shape[1]))
        queues: list[list[tuple[float, float, int]]] = [
            [(0.0, rng.random(), int(c))] for c in centres
        ]
        active = set(range(centres.size))
        while active:
            d = min(active, key=lambda part: float((load[part] / self.scale).max()))
            while queues[d] and district[queues[d][0][2]] >= 0:
                heapq.heappop(queues[d])
            if not queues[d]:
                active.discard(d)
                continue
            node = heapq.heappop(queues[d])[2]
            district[node] = d
            load[d] += problem.weights[node]
            for other in self.neighbours[node]:
                if district[other] < 0:
                    cost = self.costs[other, centres[d]] / max(problem.mass[other], 1e-12)
                    heapq.heappush(queues[d], (float(cost), rng.random(), other))
        return district if (district >= 0).all() else None

    def improve(
        self, plan: IntArray, *, deadline: Deadline, stop: Stop | None = None, rounds: int = 60
    ) -> IntArray:
        """Move and swap boundary nodes until nothing helps, with a growing price of imbalance."""
        plan = plan.copy()
        price = 0.3 * self.problem.evaluate(plan)
        for _ in range(rounds):
            centres = self.problem.centres(plan)
            while self._step(plan, centres, price):
                if deadline.passed or (stop is not None and stop.requested):
                    return plan
            balanced = self._excess(self.problem.totals(plan)).sum() <= 0
            if balanced and np.array_equal(self.problem.centres(plan), centres):
                break
            if not balanced:
                price *= 1.6
        return plan

    def _excess(self, totals: FloatArray) -> FloatArray:
        over = np.maximum(totals - self.problem.upper, 0) / self.scale
        under = np.maximum(self.problem.lower - totals, 0) / self.scale
        return np.asarray((over + under).sum(axis=-1))

    def _step(self, plan: IntArray, centres: IntArray, price: float) -> bool:
        """Apply the best improving move, else the best improving swap; False if there is none."""
        node, to = self._moves(plan)
        if not node.size:
            return False
        totals = self.problem.totals(plan)
        source, weight = plan[node], self.problem.weights[node]
        distance = self.costs[node, centres[to]] - self.costs[node, centres[source]]
        excess = self._excess(totals)
        after = self._excess(totals[source] - weight) + self._excess(totals[to] + weight)
        gain = distance + price * (after - excess[source] - excess[to])
        for index in np.argsort(gain)[:40]:
            if gain[index] > -1e-9:
                break
            if self._apply(plan, [(int(node[index]), int(to[index]))]):
                return True
        return self._swap(plan, node, to, distance, totals, price)

    def _swap(
        self,
        plan: IntArray,
        node: IntArray,
        to: IntArray,
        distance: FloatArray,
        totals: FloatArray,
        price: float,
    ) -> bool:
        source, excess = plan[node], self._excess(totals)
        options: list[tuple[float, int, int]] = []
        for a, b in {(int(s), int(t)) for s, t in zip(source, to, strict=True) if s < t}:
            out = np.flatnonzero((source == a) & (to == b))
            back = np.flatnonzero((source == b) & (to == a))
            if not (out.size and back.size):
                continue
            shift = (
                self.problem.weights[node[out]][:, None] - self.problem.weights[node[back]][None]
            )
            after = self._excess(totals[a] - shift) + self._excess(totals[b] + shift)
            gain = distance[out][:, None] + distance[back][None]
            gain = gain + price * (after - excess[a] - excess[b])
            for flat in np.argsort(gain, axis=None)[:10]:
                i, j = divmod(int(flat), back.size)
                if gain[i, j] < -1e-9:
                    options.append((float(gain[i, j]), int(out[i]), int(back[j])))
        return any(
            self._apply(plan, [(int(node[i]), int(to[i])), (int(node[j]), int(to[j]))])
            for _, i, j in sorted(options)
        )

    def _moves(self, plan: IntArray) -> tuple[IntArray, IntArray]:
        """All pairs (node, neighbouring district), each once."""
        edges = self.problem.edges
        both = np.concatenate([edges, edges[:, ::-1]])
        both = both[plan[both[:, 0]] != plan[both[:, 1]]]
        pairs = np.unique(np.stack([both[:, 0], plan[both[:, 1]]], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def _apply(self, plan: IntArray, moves: Iterable[tuple[int, int]]) -> bool:
        """Apply moves if all districts concerned stay connected, else leave the plan as it was."""
        before = [(node, int(plan[node])) for node, _ in moves]
        for node, to in moves:
            plan[node] = to
        concerned = {d for _, d in before} | {d for _, d in moves}
        if all(self._connected(plan, district) for district in concerned):
            return True
        for node, district in before:
            plan[node] = district
        return False

    def _connected(self, plan: IntArray, district: int) -> bool:
        members = np.flatnonzero(plan == district)
        if not members.size:
            return False
        inside = set(members.tolist())
        stack = [inside.pop()]
        while stack and inside:
            for other in self.neighbours[stack.pop()]:
                if other in inside:
                    inside.discard(other)
                    stack.append(other)
        return not inside


def spread_centres(problem: Districting, rng: np.random.Generator) -> IntArray:
    """Random centres, far from each other (k-means++, Arthur and Vassilvitskii 2007)."""
    chosen = [int(rng.choice(problem.num_nodes, p=problem.mass / problem.mass.sum()))]
    while len(chosen) < problem.num_districts:
        nearest = problem.costs[:, chosen].min(axis=1)
        nearest[chosen] = 0
        total = nearest.sum()
        chance = nearest / total if total > 0 else None
        chosen.append(int(rng.choice(problem.num_nodes, p=chance)))
    return np.array(chosen)


def starting_plan(
    problem: Districting,
    *,
    seed: int,
    starts: int = 12,
    centres: IntArray | None = None,
    deadline: Deadline,
    stop: Stop | None = None,
) -> tuple[IntArray | None, float]:
    """
    Best feasible plan of several starts, and its objective.

    Parameters
    ----------
    seed
        Seed of the random choices; the same seed gives the same plan.
    starts
        Number of random starts.
    centres
        Centres to start from in addition, shape (k,).

    Returns
    -------
    tuple
        (None, infinity) if no start led to a feasible plan.
    """
    rng = np.random.default_rng(seed)
    search = LocalSearch(problem)
    best: IntArray | None = None
    best_objective = np.inf
    for trial in range(starts + (centres is not None)):
        if deadline.passed or (stop is not None and stop.requested):
            break
        first = centres is not None and trial == 0
        seeds = centres if first and centres is not None else spread_centres(problem, rng)
        grown = search.grow(seeds, rng)
        if grown is None:
            return None, np.inf
        plan = search.improve(grown, deadline=deadline, stop=stop)
        objective = problem.evaluate(plan)
        if objective < best_objective and not problem.violations(plan):
            best, best_objective = plan, objective
    return best, best_objective
