"""
Boundaries and stations in one integer program, as a textbook would put it together.

The Hess model with flows (SHIR, see :mod:`..districting.flows`) and, for every possible centre c,
stations of its district: w_jc = 1 if site j is open and lies in the district with centre c; a_jc,
its floor area there. With A_0 m² a household, besides the rows of SHIR,

    Σ_c w_jc = 1 or ≤ 1                           every j             (open: fixed, candidates)
    w_jc ≤ x_u(j),c                               every j, c          (inside)
    Σ_j w_jc ≥ x_cc                               every c             (station)
    x_ic ≤ Σ_{j ∈ J_i} w_jc                       every (i, J_i), c   (reach)
    Σ_j a_jc ≥ A_0 Σ_i h_i x_ic                   every c             (floor area)
    m_j w_jc ≤ a_jc ≤ M_j w_jc                    every j, c          (size)

The moment of inertia Σ c_ic x_ic is minimised, or the cost Σ f_j w_jc + c_j (a_jc - A_j w_jc) with
the moment of inertia limited. It is complete and needs no cuts, and serves as a reference: every
node of a district may be its centre, and the flows have a column for every edge and centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..districting.flows import FlowModel, shir_model
from ..formulation import FloatArray, IntArray, LinearModel, ModelBuilder
from .problem import JointPlan, JointSplit


@dataclass(frozen=True, eq=False)
class PlainModel:
    """
    A model and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program: the columns of SHIR, then those of the stations.
    problem
        What is asked.
    flow
        The model of the districts alone.
    w
        Column of each usable site in the district of each centre, shape (usable, nodes).
    """

    model: LinearModel
    problem: JointSplit
    flow: FlowModel
    w: IntArray

    def plan(self, values: FloatArray) -> JointPlan:
        """Return the plan that a solution stands for, its floor areas made cheapest."""
        labels = self.flow.decode(values[: self.flow.model.num_columns])
        is_open = np.zeros(self.problem.stations.num_sites, dtype=bool)
        is_open[self.problem.usable[values[self.w].max(axis=1) > 0.5]] = True
        return self.problem.sized(labels, is_open)


def plain_model(problem: JointSplit, *, most_inertia: float | None = None) -> PlainModel:
    """
    Build the model.

    Parameters
    ----------
    problem
        What is asked.
    most_inertia
        Largest moment of inertia, and the cost is minimised; None to minimise the former.
    """
    split, stations, usable = problem.districting, problem.stations, problem.usable
    n, num = split.num_nodes, usable.size
    flow = shir_model(split)
    base, column = flow.model, flow.hess.column
    builder = ModelBuilder("joint-plain")
    priced = most_inertia is not None
    builder.add_columns(
        np.zeros(base.num_columns) if priced else base.costs,
        lower=base.lower,
        upper=base.upper,
        integer=base.integer,
    )
    entries = sparse.coo_array(base.rows)
    builder.add_rows(
        entries.row, entries.col, entries.data, lower=base.row_lower, upper=base.row_upper
    )
    new = ~stations.existing[usable]
    opening = stations.fixed_cost[usable] * new
    opening -= stations.cost_per_m2[usable] * stations.area_today_m2[usable]
    factor = float(priced)
    w = builder.add_columns(np.repeat(factor * opening, n), upper=1, integer=True).reshape(num, n)
    per_m2 = np.repeat(factor * stations.cost_per_m2[usable], n)
    a = builder.add_columns(per_m2, upper=np.repeat(stations.max_area_m2[usable], n)).reshape(
        num, n
    )
    _add_stations(builder, problem, column, w, a)
    _add_reach(builder, problem, column, w)
    node, centre = flow.hess.node, flow.hess.centre
    x = column[node, centre]
    if most_inertia is not None:
        costs = split.costs[node, centre]
        builder.add_rows(np.zeros(x.size, dtype=int), x, costs, upper=[most_inertia])
    need = -problem.area_per_household_m2 * problem.households[node]
    builder.add_rows(
        np.r_[np.tile(np.arange(n), num), centre],
        np.r_[a.ravel(), x],
        np.r_[np.ones(a.size), need],
        lower=np.zeros(n),
    )
    return PlainModel(builder.build(), problem, flow, w)


def _add_stations(
    builder: ModelBuilder, problem: JointSplit, column: IntArray, w: IntArray, a: IntArray
) -> None:
    """Add open, inside, station and size."""
    stations, usable = problem.stations, problem.usable
    num, n = w.shape
    fixed = stations.fixed_open[usable].astype(float)
    builder.add_rows(np.repeat(np.arange(num), n), w.ravel(), 1, lower=fixed, upper=1)
    home = column[problem.node_of_site[usable]].ravel()
    rows = np.arange(w.size)
    held = home >= 0
    builder.add_rows(
        np.r_[rows, rows[held]],
        np.r_[w.ravel(), home[held]],
        np.r_[np.ones(w.size), -np.ones(int(held.sum()))],
        upper=np.zeros(w.size),
    )
    own = np.diag(column)
    centre = np.flatnonzero(own >= 0)
    builder.add_rows(
        np.r_[np.tile(np.arange(n), num), centre],
        np.r_[w.ravel(), own[centre]],
        np.r_[np.ones(w.size), -np.ones(centre.size)],
        lower=np.zeros(n),
    )
    least = np.where(stations.existing, stations.area_today_m2, stations.min_area_m2)[usable]
    for size, low, high in (
        (np.repeat(stations.max_area_m2[usable], n), -np.inf, 0.0),
        (np.repeat(least, n), 0.0, np.inf),
    ):
        builder.add_rows(
            np.r_[rows, rows],
            np.r_[a.ravel(), w.ravel()],
            np.r_[np.ones(rows.size), -size],
            lower=np.full(rows.size, low),
            upper=high,
        )


def _add_reach(builder: ModelBuilder, problem: JointSplit, column: IntArray, w: IntArray) -> None:
    """Add x ≤ Σ w over the sites that help."""
    nodes, helps = problem.needs
    helps = helps[:, problem.usable]
    rule, centre = np.nonzero(column[nodes] >= 0)
    row, site = np.nonzero(helps[rule])
    builder.add_rows(
        np.r_[np.arange(rule.size), row],
        np.r_[column[nodes[rule], centre], w[site, centre[row]]],
        np.r_[np.ones(rule.size), -np.ones(row.size)],
        upper=np.zeros(rule.size),
    )
