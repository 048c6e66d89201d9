"""Where a rebalancing may start: which communities are kept, and who belongs to them at first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse.csgraph import connected_components

from ....models.districting.rebalancing import Rebalancing
from ....models.formulation import BoolArray, IntArray

MOST_NODES = 150
"""Most nodes of a label and its neighbours that are divided anew at once."""


def label_sets(asked: Rebalancing) -> list[tuple[IntArray, IntArray]]:
    """
    Return choices of labels with a plan of theirs that may break bounds.

    Small communities are merged into their smallest neighbours as far as the number of districts
    allows; then the largest are divided, as often as the number or the bounds ask, and once more
    for each new label that is left.

    Returns
    -------
    list of tuple
        Labels that are used, ascending, and the place in them of each node.
    """
    plan = _merged(asked)
    new_labels = list(range(asked.num_today, asked.problem.num_districts))
    total = asked.problem.weights.sum(axis=0)
    needed = max(asked.least, int(np.ceil((total / asked.problem.upper).max() - 1e-9)))
    choices = []
    for label in [None, *new_labels]:
        if label is not None:
            plan = _divided(asked, plan, label)
        labels, district = np.unique(plan, return_inverse=True)
        if needed <= labels.size <= asked.most:
            choices.append((labels.astype(np.int64), connected(asked, district)))
    return choices


def connected(asked: Rebalancing, district: IntArray) -> IntArray:
    """Let every district keep its piece with the most residents; the rest joins what it touches."""
    graph, open_ones = asked.problem.graph, np.ones(district.size, dtype=bool)
    for number in np.unique(district):
        members = np.flatnonzero(district == number)
        part = connected_components(graph[members][:, members], directed=False)[1]
        heaviest = np.bincount(part, asked.residents[members] + 1e-9).argmax()
        open_ones[members[part == heaviest]] = False
    joined = district.astype(np.int64)
    while open_ones.any():
        touching = np.flatnonzero(open_ones & (graph @ (~open_ones).astype(float) > 0))
        if not touching.size:
            break
        for node in touching:
            near = graph.indices[graph.indptr[node] : graph.indptr[node + 1]]
            joined[node] = joined[near[~open_ones[near]][0]]
        open_ones[touching] = False
    return joined


def breaking_labels(asked: Rebalancing, plan: IntArray) -> list[int]:
    """Labels of districts that break a bound or are in pieces, the largest first."""
    problem, district = asked.districts(plan)
    totals = problem.totals(district)
    outside = (totals < problem.lower - 1e-6) | (totals > problem.upper + 1e-6)
    pieces = [
        not problem.is_connected(np.flatnonzero(district == d)) for d in range(totals.shape[0])
    ]
    wrong: BoolArray = np.asarray(np.column_stack([outside, pieces]).any(axis=1))
    order = np.argsort(-totals[:, 0], kind="stable")
    return [int(label) for label in np.unique(plan)[order[wrong[order]]]]


def around(asked: Rebalancing, plan: IntArray, label: int, *, steps: int) -> IntArray:
    """Return a label, those so many steps away from it, and as many free ones as may be used."""
    problem = asked.problem
    near = np.array([label])
    for _ in range(steps):
        touched = problem.graph[np.flatnonzero(np.isin(plan, near))].indices
        near = np.union1d(near, plan[touched])
    free = np.setdiff1d(np.arange(problem.num_districts), plan)
    total = problem.weights[np.isin(plan, near)].sum(axis=0)
    more = int(np.ceil((total / problem.upper).max() - 1e-9)) - near.size
    large = problem.weights[plan == label].sum(axis=0) / problem.upper
    more = max(more, int(np.ceil(large.max() - 1e-9)) - 1)
    return np.union1d(near, free[: max(more, 1)]).astype(np.int64)


def neighbourhoods(asked: Rebalancing, plan: IntArray) -> Iterator[IntArray]:
    """
    Yield sets of labels that are worth dividing anew: each with its neighbours, then each pair.

    A label that no district has joins the first kind, if there is one.
    """
    problem = asked.problem
    ends = np.sort(plan[problem.edges.reshape(-1, 2)], axis=1)
    pairs = np.unique(ends[ends[:, 0] != ends[:, 1]], axis=0).astype(np.int64)
    units = np.bincount(plan, minlength=problem.num_districts)
    free = np.flatnonzero(units == 0)[:1]
    out = np.bincount(plan[plan != asked.today], minlength=problem.num_districts)
    for label in np.argsort(-out, kind="stable"):
        near = np.unique(pairs[(pairs == label).any(axis=1)])
        near = near[np.argsort(near != label, kind="stable")]
        inside = near[np.cumsum(units[near]) <= MOST_NODES]
        if inside.size > 2:
            yield np.sort(np.r_[inside, free])
    yield from pairs


def _merged(asked: Rebalancing) -> IntArray:
    """Merge communities that are too small, or too many, each into its smallest neighbour."""
    plan = asked.today.copy()
    while True:
        labels, district = np.unique(plan, return_inverse=True)
        if labels.size <= asked.least and labels.size <= asked.most:
            return plan
        totals = np.zeros((labels.size, asked.problem.lower.size))
        np.add.at(totals, district, asked.problem.weights)
        small: BoolArray = np.asarray((totals < asked.problem.lower - 1e-6).any(axis=1))
        if not small.any() and labels.size <= asked.most:
            return plan
        ends = district[asked.problem.edges.reshape(-1, 2)]
        pairs = np.unique(np.sort(ends[ends[:, 0] != ends[:, 1]], axis=1), axis=0)
        wanted = small[pairs].any(axis=1) if small.any() else np.ones(len(pairs), dtype=bool)
        if not wanted.any():
            return plan
        one, other = min(pairs[wanted].tolist(), key=lambda pair: totals[pair, 0].sum())
        gone, stays = sorted((one, other), key=lambda d: totals[d, 0])
        plan[district == gone] = labels[stays]


def _divided(asked: Rebalancing, plan: IntArray, label: int) -> IntArray:
    """Give half of the community with the most residents, by place, to a new label."""
    load = np.bincount(plan, asked.residents, asked.problem.num_districts)
    members = np.flatnonzero(plan == int(load.argmax()))
    if members.size < 2:
        return plan
    points = asked.problem.location[members]
    middle = points - points.mean(axis=0)
    axis = np.linalg.svd(middle, full_matrices=False)[2][0]
    order = np.argsort(middle @ axis, kind="stable")
    half = np.searchsorted(np.cumsum(asked.residents[members[order]]), load.max() / 2)
    divided = plan.copy()
    divided[members[order[max(1, int(half)) :]]] = label
    return divided
