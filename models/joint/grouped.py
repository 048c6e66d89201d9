"""
The best plan of one grouping: who belongs to which district, given the stations of each.

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

Where the centre of district d lies in a box C_d of nodes, node i adds e_id = min_{c ∈ C_d} cost_ic
to the moment of inertia at least, and exactly that where C_d is one node, with x_cd = 1. The most
compact plan minimises Σ_id e_id x_id, without the s; the cheapest plan within a limit I has

    Σ_id e_id x_id ≤ I                                                   (compact)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..districting.separators import Separator
from ..formulation import FloatArray, IntArray, LinearModel, ModelBuilder
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
    """

    model: LinearModel
    problem: JointSplit
    grouping: Grouping
    x: IntArray
    s: tuple[IntArray, ...]
    roots: IntArray

    def labels(self, values: FloatArray) -> IntArray:
        """District of each node in a solution, shape (nodes,)."""
        held = np.where(self.x >= 0, values[np.maximum(self.x, 0)], 0.0)
        return np.asarray(held.argmax(axis=1), dtype=np.int64)

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
    inertia: FloatArray | None = None,
    most_inertia: float | None = None,
    seats: IntArray | None = None,
) -> GroupedModel:
    """
    Build the model.

    Parameters
    ----------
    problem
        What is asked.
    grouping
        The open sites, by district.
    inertia
        Moment of inertia that each node has in each district at least, infinite where it may not
        lie there, shape (nodes, districts); None if compactness is not asked for.
    most_inertia
        Largest moment of inertia of the cheapest plan; None with ``inertia`` for the most compact
        plan, whatever it costs.
    seats
        Node that is the centre of each district, -1 where that is open, shape (districts,).
    """
    split, k = problem.districting, len(grouping.groups)
    is_compact = inertia is not None and most_inertia is None
    builder = ModelBuilder("joint-grouped")
    may = grouping.may_hold if inertia is None else grouping.may_hold & np.isfinite(inertia)
    x = np.full(may.shape, -1, dtype=np.int64)
    node, district = np.nonzero(may)
    each = np.zeros(node.size) if inertia is None else inertia[node, district]
    certain = np.zeros(node.size) if seats is None else (seats[district] == node).astype(float)
    x[node, district] = builder.add_columns(
        each if is_compact else np.zeros(node.size), lower=certain, upper=1, integer=True
    )
    column = x[node, district]
    builder.add_rows(node, column, 1, lower=np.ones(split.num_nodes), upper=1)
    for w in range(split.weights.shape[1]):
        lower, upper = np.full(k, split.lower[w]), np.full(k, split.upper[w])
        builder.add_rows(district, column, split.weights[node, w], lower=lower, upper=upper)
    households = problem.households[node]
    builder.add_rows(district, column, households, lower=grouping.lower, upper=grouping.upper)
    s: tuple[IntArray, ...] = ()
    if not is_compact:
        s = _add_floor_area(builder, grouping, district, column, households)
    if inertia is not None and most_inertia is not None:
        builder.add_rows(np.zeros(column.size, dtype=int), column, each, upper=[most_inertia])
    roots = problem.node_of_site[[group[0] for group in grouping.groups]]
    return GroupedModel(builder.build(), problem, grouping, x, s, roots)


def _add_floor_area(
    builder: ModelBuilder,
    grouping: Grouping,
    district: IntArray,
    column: IntArray,
    households: FloatArray,
) -> tuple[IntArray, ...]:
    """Add the households at each price, and pay for them; return their columns by district."""
    s = tuple(builder.add_columns(price.slope, upper=price.length) for price in grouping.prices)
    owner = np.repeat(np.arange(len(s)), [columns.size for columns in s])
    builder.add_rows(
        np.r_[district, owner],
        np.r_[column, np.concatenate(s)],
        np.r_[households, -np.ones(owner.size)],
        upper=np.array([price.free for price in grouping.prices]),
    )
    builder.offset = float(sum(price.base for price in grouping.prices))
    return s
