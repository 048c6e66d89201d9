"""
How much two plans differ, and the inequalities that keep a plan away from earlier ones.

Districts carry no names, so the difference of two plans is the least weight of nodes that change
district over all ways to match the districts: the total minus the largest agreement, an assignment
problem. By the duality of the assignment problem (Kuhn 1955, "The Hungarian method for the
assignment problem", Naval Research Logistics Quarterly 2), the largest agreement of a plan with
districts s and an earlier one with districts A_1..A_k is at most T if and only if there are

    a_s ≥ 0, b_m ≥ 0 with  Σ_{i ∈ A_m} p_i x_is ≤ a_s + b_m  every s, m
    and                    Σ_s a_s + Σ_m b_m ≤ T.

This is linear in x, so it joins any model whose columns x_is put nodes into districts s: labels, or
possible centres. It is exact: it loses no plan that differs enough, and admits no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse
from scipy.optimize import linear_sum_assignment, linprog

from ..formulation import FloatArray, IntArray, LinearModel, ModelBuilder

SLACK = 1e-6


def agreements(weight: FloatArray, one: IntArray, other: IntArray) -> FloatArray:
    """
    Weight that each district of one plan shares with each of another, shape (districts, districts).

    Examples
    --------
    >>> agreements(np.array([1.0, 2.0]), np.array([0, 1]), np.array([0, 0])).tolist()
    [[1.0], [2.0]]
    """
    shared = np.zeros((int(one.max()) + 1, int(other.max()) + 1))
    np.add.at(shared, (one, other), weight)
    return shared


def difference(weight: FloatArray, one: IntArray, other: IntArray) -> float:
    """
    Least share of the weight that changes district, however the districts are matched.

    Parameters
    ----------
    weight
        Weight of each node, shape (nodes,).
    one, other
        District of each node in the two plans, shape (nodes,).

    Examples
    --------
    >>> difference(np.ones(4), np.array([0, 0, 1, 1]), np.array([1, 1, 0, 1]))
    0.25
    """
    shared = agreements(weight, one, other)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return float(1 - shared[rows, columns].sum() / max(float(weight.sum()), 1e-300))


def kept_apart(
    model: LinearModel,
    column: IntArray,
    weight: FloatArray,
    earlier: Sequence[IntArray],
    *,
    share: float,
    most_cost: float = np.inf,
) -> LinearModel:
    """
    Return a model with columns a, b and the inequalities above for each earlier plan.

    Parameters
    ----------
    model
        A model of plans; its columns stay the first ones.
    column
        Column of x_is, -1 where there is none, shape (nodes, slots).
    weight
        Weight of each node, shape (nodes,).
    earlier
        District of each node in each earlier plan.
    share
        Least share of the weight that differs from each of them.
    most_cost
        Most that a plan may cost; infinite for no such row.
    """
    builder = ModelBuilder(model.name)
    builder.add_columns(
        np.r_[model.costs], lower=model.lower, upper=model.upper, integer=model.integer
    )
    old = sparse.coo_array(model.rows)
    builder.add_rows(old.coords[0], old.coords[1], old.data, lower=model.row_lower,
                     upper=model.row_upper)  # fmt: skip
    most = (1 - share) * float(weight.sum()) + SLACK
    for plan in earlier:
        _add_duals(builder, column, weight, plan, most)
    if np.isfinite(most_cost):
        where = np.arange(model.num_columns)
        limit = np.array([most_cost - model.offset])
        builder.add_rows(np.zeros(where.size, dtype=int), where, model.costs, upper=limit)
    return replace(builder.build(), offset=model.offset)


def _add_duals(
    builder: ModelBuilder, column: IntArray, weight: FloatArray, plan: IntArray, most: float
) -> None:
    num_slots, k = column.shape[1], int(plan.max()) + 1
    of_slot = builder.add_columns(np.zeros(num_slots))
    of_district = builder.add_columns(np.zeros(k))
    node, slot = np.nonzero(column >= 0)
    rows = np.arange(num_slots * k)
    builder.add_rows(
        np.r_[slot * k + plan[node], rows, rows],
        np.r_[column[node, slot], np.repeat(of_slot, k), np.tile(of_district, num_slots)],
        np.r_[weight[node], -np.ones(2 * rows.size)],
        upper=np.zeros(rows.size),
    )
    both = np.r_[of_slot, of_district]
    builder.add_rows(np.zeros(both.size, dtype=int), both, 1, upper=np.array([most]))


def dual_values(
    weight: FloatArray, slots: IntArray, num_slots: int, earlier: Sequence[IntArray]
) -> FloatArray:
    """
    Values of all a_s and b_m for a plan, in the order of their columns.

    Parameters
    ----------
    weight
        Weight of each node, shape (nodes,).
    slots
        Slot of each node in the plan, shape (nodes,).
    num_slots
        Number of slots.
    earlier
        The earlier plans.
    """
    open_slots, district = np.unique(slots, return_inverse=True)
    values = []
    for plan in earlier:
        shared = agreements(weight, district, plan)
        rows, columns = (index.ravel() for index in np.indices(shared.shape))
        number = np.arange(rows.size)
        covers = np.zeros((number.size, sum(shared.shape)))
        covers[number, rows] = covers[number, columns + len(shared)] = -1
        solved = linprog(np.ones(sum(shared.shape)), A_ub=covers, b_ub=-shared.ravel())
        found = np.asarray(solved.x)
        of_slot = np.zeros(num_slots)
        of_slot[open_slots] = found[: len(shared)]
        values += [of_slot, found[len(shared) :]]
    return np.concatenate(values)
