"""
The cheapest plan of one grouping: who belongs to which district, given the stations of each.

Sets: nodes V, districts d with their sites and roots r(d), D_i the districts that may hold node i.
Variables: x_id = 1 if node i lies in district d; s_dm, households of d beyond the least floor area
that the m-th cheapest m² are for. Minimise Σ_d b_d + Σ_dm c_dm s_dm subject to

    Σ_{d ∈ D_i} x_id = 1                             every i             (assign)
    L_w ≤ Σ_i p_iw x_id ≤ U_w                        every d, weight w   (balance)
    L_d ≤ Σ_i h_i x_id ≤ U_d                         every d             (households)
    Σ_i h_i x_id ≤ F_d + Σ_m s_dm,  0 ≤ s_dm ≤ S_dm  every d             (floor area)
    x_id ≤ Σ_{c ∈ C} x_cd                            i,r(d)-separators C (contiguity)

The cost is convex in the households, so the cheapest m² need no integers. Contiguity is CUT, see
:mod:`.rooted`.

With a limit I on the moment of inertia, the districts have centres as in the Hess model: y_cd = 1
if c is the centre of d, and q_icd, the part of i that lies in d while c is its centre,

    Σ_c y_cd = 1,  y_cd ≤ x_cd                       every c, d          (centre)
    Σ_c q_icd = x_id,  0 ≤ q_icd ≤ y_cd              every i, c, d       (belongs)
    Σ_icd c_ic q_icd ≤ I                                                 (compact)

on the pairs (i, c) that the Lagrangian bound of the grouping leaves below I.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..districting.separators import Separator
from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .groupings import Grouping
from .problem import JointSplit


@dataclass(frozen=True, eq=False)
class GroupedModel:
    """
    A model and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program, contiguity left to separators.
    problem, grouping
        What is asked.
    x
        Column of each node in each district, -1 where there is none, shape (nodes, districts).
    s
        Columns of the households at each price, one array a district.
    roots
        Node of the first site of each district, shape (districts,).
    y
        Column of each node as the centre of each district, -1 where there is none, shape (nodes,
        districts); None without a limit.
    """

    model: LinearModel
    problem: JointSplit
    grouping: Grouping
    x: IntArray
    s: tuple[IntArray, ...]
    roots: IntArray
    y: IntArray | None = None

    def labels(self, values: FloatArray) -> IntArray:
        """District of each node in a solution, shape (nodes,)."""
        held = np.where(self.x >= 0, values[np.maximum(self.x, 0)], 0.0)
        return np.asarray(held.argmax(axis=1), dtype=np.int64)

    def start(self, labels: IntArray) -> FloatArray | None:
        """Return the values of a plan; None if a column of it is missing, or centres are chosen."""
        if self.y is not None:
            return None
        values = np.zeros(self.model.num_columns)
        inside = self.x[np.arange(labels.size), labels]
        if (inside < 0).any():
            return None
        values[inside] = 1.0
        households = np.bincount(labels, self.problem.households, self.x.shape[1])
        for columns, price, number in zip(self.s, self.grouping.prices, households, strict=True):
            before = np.r_[0.0, np.cumsum(price.length)[:-1]][: columns.size]
            values[columns] = np.clip(number - price.free - before, 0.0, price.length)
        return values

    def rows_of(self, cut: Separator) -> list[tuple[int, IntArray]]:
        """Pairs of the column of a node and those between it and a root, for every root."""
        rows = []
        for d in np.flatnonzero(np.isin(self.roots, cut.centres)):
            between = self.x[cut.between, d]
            passed = between[between >= 0]
            rows += [(int(c), passed) for c in self.x[cut.island, d] if c >= 0]
        return rows


def grouped_model(
    problem: JointSplit,
    grouping: Grouping,
    *,
    most_inertia: float | None = None,
    pairs: BoolArray | None = None,
) -> GroupedModel:
    """
    Build the model.

    Parameters
    ----------
    problem
        What is asked.
    grouping
        The open sites, by district.
    most_inertia
        Largest moment of inertia; None for no limit.
    pairs
        Pairs (node, centre) that plans within the limit may use, shape (nodes, nodes).
    """
    split, k = problem.districting, len(grouping.groups)
    builder = ModelBuilder("joint-grouped")
    x = np.full(grouping.may_hold.shape, -1, dtype=np.int64)
    node, district = np.nonzero(grouping.may_hold)
    x[node, district] = builder.add_columns(np.zeros(node.size), upper=1, integer=True)
    column = x[node, district]
    builder.add_rows(node, column, 1, lower=np.ones(split.num_nodes), upper=1)
    for w in range(split.weights.shape[1]):
        lower, upper = np.full(k, split.lower[w]), np.full(k, split.upper[w])
        builder.add_rows(district, column, split.weights[node, w], lower=lower, upper=upper)
    households = problem.households[node]
    builder.add_rows(district, column, households, lower=grouping.lower, upper=grouping.upper)
    s = tuple(builder.add_columns(price.slope, upper=price.length) for price in grouping.prices)
    owner = np.repeat(np.arange(k), [columns.size for columns in s])
    builder.add_rows(
        np.r_[district, owner],
        np.r_[column, np.concatenate(s)],
        np.r_[households, -np.ones(owner.size)],
        upper=np.array([price.free for price in grouping.prices]),
    )
    builder.offset = float(sum(price.base for price in grouping.prices))
    roots = problem.node_of_site[[group[0] for group in grouping.groups]]
    y = None
    if most_inertia is not None:
        y = _add_centres(builder, problem, x, most_inertia, pairs)
    return GroupedModel(builder.build(), problem, grouping, x, s, roots, y)


def _add_centres(
    builder: ModelBuilder,
    problem: JointSplit,
    x: IntArray,
    most_inertia: float,
    pairs: BoolArray | None,
) -> IntArray:
    """Add centres and who belongs to them, and the limit on the moment of inertia."""
    split, (n, k) = problem.districting, x.shape
    allowed = np.ones((n, n), dtype=bool) if pairs is None else pairs
    y = np.full((n, k), -1, dtype=np.int64)
    may = (x >= 0) & np.diag(allowed)[:, None]
    centre, district = np.nonzero(may)
    y[may] = builder.add_columns(np.zeros(centre.size), upper=1, integer=True)
    builder.add_rows(district, y[may], 1, lower=np.ones(k), upper=1)
    _at_most(builder, y[may], x[may])
    node, of, d = np.nonzero(allowed[:, :, None] & may[None] & (x >= 0)[:, None])
    q = builder.add_columns(np.zeros(node.size), upper=1)
    _at_most(builder, q, y[of, d])
    row = np.full((n, k), -1, dtype=np.int64)
    own = np.argwhere(x >= 0)
    row[own[:, 0], own[:, 1]] = np.arange(len(own))
    builder.add_rows(
        np.r_[row[node, d], np.arange(len(own))],
        np.r_[q, x[own[:, 0], own[:, 1]]],
        np.r_[np.ones(q.size), -np.ones(len(own))],
        lower=np.zeros(len(own)),
        upper=0,
    )
    costs = split.costs[node, of]
    builder.add_rows(np.zeros(q.size, dtype=int), q, costs, upper=[most_inertia])
    return y


def _at_most(builder: ModelBuilder, less: IntArray, more: IntArray) -> None:
    """Add less ≤ more, entry by entry."""
    rows = np.arange(less.size)
    builder.add_rows(
        np.r_[rows, rows],
        np.r_[less, more],
        np.r_[np.ones(rows.size), -np.ones(rows.size)],
        upper=np.zeros(rows.size),
    )
