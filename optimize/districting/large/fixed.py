"""
The best plan about fixed centres, by a small integer program on the pairs near the borders.

The prices of a power diagram give every pair of unit and centre a reduced cost: a pair whose
reduced cost exceeds the distance of a known plan to the bound D(π) cannot be in a better plan.
What is left is a strip along the borders. Districts are held together by the rows of the DAG,

    x_ij ≤ Σ_{u ∈ N(i): d(u,j) < d(i,j)} x_uj,

(Shahmizad and Buchanan 2025, "Political districting to minimize county splits", Operations
Research; Jolly and Buchanan, "A guide to inexact contiguity constraints"), so that an optimum is
the best among the plans with these centres whose units all have a nearer neighbour in their
district. It says nothing about other centres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....models.districting.inexact import predecessors
from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from ...limits import Limits, Stop
from ...result import ModelSize, Status
from ...solvers import solve_model
from .allocation import Power, Sites

MOST_PAIRS = 60_000


@dataclass(frozen=True, eq=False)
class FixedCentres:
    """
    What is known about the plans with some centres.

    Parameters
    ----------
    plan
        The best plan that the integer program found; None if it found none.
    bound
        Bound on all plans with these centres, connected or not.
    proven
        Whether no plan of the DAG with these centres is better than the best one known.
    pairs
        Pairs of unit and centre that were left open.
    model_size, version
        Of the integer program.
    """

    plan: IntArray | None
    bound: float
    proven: bool
    pairs: int
    model_size: ModelSize | None = None
    version: str = ""


def priced_costs(sites: Sites, power: Power) -> tuple[FloatArray, FloatArray]:
    """Costs of units in districts without and with prices, each of shape (units, districts)."""
    costs = np.empty((sites.mass.size, len(power.centres)))
    for district, centre in enumerate(power.centres):
        costs[:, district] = sites.mass * np.square(sites.point - centre).sum(axis=1)
    return costs, costs + sites.weights @ power.prices.T


def open_pairs(sites: Sites, power: Power, seats: IntArray, plan: IntArray) -> BoolArray:
    """
    Pairs that a plan with these centres better than ``plan`` may use, shape (units, districts).

    Parameters
    ----------
    seats
        Unit at the centre of each district, shape (districts,).
    plan
        A balanced plan whose district d belongs to ``seats[d]``, shape (units,).
    """
    costs, priced = priced_costs(sites, power)
    reduced = priced - priced.min(axis=1)[:, None]
    known = float(costs[np.arange(plan.size), plan].sum())
    slack = known - (power.value - sites.inertia)
    open_ = reduced <= max(slack, 0.0) + 1e-9 * abs(known)
    open_[np.arange(plan.size), plan] = True
    open_[seats] = np.eye(seats.size, dtype=bool)
    return np.asarray(open_)


def solve_fixed_centres(
    problem: Districting,
    sites: Sites,
    power: Power,
    seats: IntArray,
    plan: IntArray,
    *,
    solver: str,
    limits: Limits,
    stop: Stop | None = None,
) -> FixedCentres:
    """
    Look for the best plan with the centres of a power diagram.

    Parameters
    ----------
    power
        Its centres lie at ``problem.centre[seats]``.
    seats, plan
        As for :func:`open_pairs`.
    """
    open_ = open_pairs(sites, power, seats, plan)
    free = open_.sum(axis=1) > 1
    pairs = int(open_[free].sum())
    if pairs > MOST_PAIRS:
        return FixedCentres(None, power.value, proven=False, pairs=pairs)
    if not pairs:
        return FixedCentres(None, power.value, proven=True, pairs=0)
    built = _model(problem, sites, power, seats, open_)
    if built is None:
        return FixedCentres(None, power.value, proven=True, pairs=pairs)
    model, columns = built
    result = solve_model(model, solver=solver, limits=limits, stop=stop)
    size = ModelSize(model.num_rows, model.num_columns, int(model.rows.nnz))
    proven = result.status in {Status.OPTIMAL, Status.INFEASIBLE}
    found: IntArray | None = None
    if result.solution is not None:
        found = open_.argmax(axis=1).astype(np.int64)
        unit, district = np.nonzero(columns >= 0)
        taken = result.solution[columns[unit, district]] > 0.5
        found[unit[taken]] = district[taken]
    return FixedCentres(found, power.value, proven, pairs, size, result.version)


def _model(
    problem: Districting, sites: Sites, power: Power, seats: IntArray, open_: BoolArray
) -> tuple[LinearModel, IntArray] | None:
    """Build the integer program; None if a unit that is fixed has no nearer neighbour."""
    costs, _ = priced_costs(sites, power)
    builder = ModelBuilder("fixed-centres-dag")
    free = open_.sum(axis=1) > 1
    unit, district = np.nonzero(open_ & free[:, None])
    columns = np.full(open_.shape, -1, dtype=np.int64)
    columns[unit, district] = builder.add_columns(
        costs[unit, district], upper=np.ones(unit.size), integer=True
    )
    row = np.cumsum(free) - 1
    count = int(free.sum())
    builder.add_rows(row[unit], columns[unit, district], 1, lower=np.ones(count), upper=1)
    for w in range(problem.weights.shape[1]):
        weight = problem.weights[:, w]
        fixed = np.bincount(open_[~free].argmax(axis=1), weight[~free], seats.size)
        builder.add_rows(
            district,
            columns[unit, district],
            weight[unit],
            lower=problem.lower[w] - fixed,
            upper=problem.upper[w] - fixed,
        )
    for j, seat in enumerate(seats):
        if not _add_contiguity(builder, problem, open_, free, columns[:, j], int(seat), j):
            return None
    return builder.build(), columns


def _add_contiguity(
    builder: ModelBuilder,
    problem: Districting,
    open_: BoolArray,
    free: BoolArray,
    column: IntArray,
    seat: int,
    district: int,
) -> bool:
    """Add the rows of one district that are not kept anyhow; False if one cannot be kept."""
    node, before = predecessors(problem, seat, contiguity="dag", distance="euclidean")
    mine = open_[:, district]
    sure = np.zeros(mine.size, dtype=bool)
    sure[node[mine[before] & ~free[before]]] = True
    asked = mine & ~sure
    asked[seat] = False
    asking = np.flatnonzero(asked)
    kept = asked[node] & (column[before] >= 0)
    node, before = node[kept], before[kept]
    must = ~free[asking]
    if not np.isin(asking[must], node).all():
        return False
    row = np.full(mine.size, -1, dtype=np.int64)
    row[asking] = np.arange(asking.size)
    own = asking[~must]
    builder.add_rows(
        np.r_[row[own], row[node]],
        np.r_[column[own], column[before]],
        np.repeat([-1.0, 1.0], [own.size, node.size]),
        lower=must.astype(float),
    )
    return True
