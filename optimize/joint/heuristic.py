"""
Plans of one grouping without a bound: compact districts, then cheaper ones.

The districts are searched with the moment of inertia alone at first. Then every household costs
what one more of it would cost in each district, and the search goes on from the plan that is known,
with the moment of inertia counting less and less (a linearisation of the convex cost, after Frank
and Wolfe 1956, "An algorithm for quadratic programming", Naval Research Logistics Quarterly 3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...models.districting.objective import Objective
from ...models.formulation import FloatArray
from ...models.joint.groupings import Grouping
from ...models.joint.problem import JointPlan, JointSplit
from ..districting.heuristics import find_plan
from ..limits import Deadline, Stop

CHEAP = (1e-4, 1e-4, 1e-4)
"""What the moment of inertia counts for beside the cost, as shares of it: cost is all."""

BOTH = (3.0, 1.0, 0.3, 0.1)
"""The same, for plans that are both compact and cheap."""


def seconds_a_search(num_nodes: int) -> float:
    """Seconds that one search is worth."""
    return 0.02 + 0.004 * num_nodes


def plans_of(
    problem: JointSplit,
    grouping: Grouping,
    *,
    seed: int,
    weights: Sequence[float],
    deadline: Deadline | None = None,
    stop: Stop | None = None,
) -> Iterator[JointPlan]:
    """
    Yield plans of a grouping, the most compact first, then cheaper ones.

    Parameters
    ----------
    problem, grouping
        The community, and its open sites by district.
    seed
        Seed of the search.
    weights
        What the moment of inertia counts for beside the cost in each further search; empty for
        compact plans only.
    deadline, stop
        When to end, and a request to stop.
    """
    split = grouping.districting(problem)
    seconds = seconds_a_search(split.num_nodes)
    if deadline is not None:
        seconds = max(1e-3, min(seconds, deadline.seconds_left / (2 + len(weights))))
    found = find_plan(split, Objective(), seconds=seconds, seed=seed, starts=1, stop=stop)
    if found.plan is None:
        return
    labels = found.plan
    yield grouping.plan(problem, labels)
    for number, weight in enumerate(weights):
        if deadline is not None and deadline.passed:
            return
        households = np.bincount(labels, problem.households, problem.num_districts).astype(float)
        prices = marginal_prices(grouping, households)
        each = problem.households[:, None] * (prices - prices.min())
        inertia = (
            weight * max(float(each.max(axis=1).sum()), 1.0) / max(split.evaluate(labels), 1e-9)
        )
        found = find_plan(
            split,
            Objective(inertia=inertia, label_costs=each),
            seconds=seconds,
            seed=seed + number + 1,
            starts=1,
            start=labels,
            stop=stop,
        )
        if found.plan is None:
            return
        labels = found.plan
        yield grouping.plan(problem, labels)


def marginal_prices(grouping: Grouping, households: FloatArray) -> FloatArray:
    """Cost of one more household in each district, shape (districts,)."""
    prices = []
    for price, number in zip(grouping.prices, households, strict=True):
        ends = np.cumsum(np.r_[price.free, price.length])
        place = min(int(np.searchsorted(ends, number)), ends.size - 1)
        prices.append(float(np.r_[0.0, price.slope][place]))
    return np.array(prices)
