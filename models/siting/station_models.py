"""
Integer programs of station siting.

Variables of all: y_j = 1 if candidate j opens; a_j = floor area beyond today's at site j.

Cheapest plan, minimise Σ f_j y_j + c_j a_j subject to

    Σ_{j in c} a_j ≥ T_c - area today in c             every community c     (floor area)
    m_j y_j ≤ a_j ≤ M_j y_j                            every candidate j     (size)
    Σ_{j reaches i} y_j ≥ 1                            every unit i that no fixed site reaches

Least walking, minimise Σ_i r_i t_i under the same rows and cost ≤ B, with the minutes t_i of unit
i written by its distinct minutes D_1 < ... < D_K (radius formulation: Cornuéjols, Nemhauser and
Wolsey 1980, SIAM J. Algebraic Discrete Methods 1(3); Elloumi 2010, Journal of Combinatorial
Optimization 19):

    t_i = D_1 + Σ_k (D_{k+1} - D_k) z_ik,   z_ik + Σ_{j: t_ij = D_k} y_j ≥ z_i,k-1,   z_i0 = 1

Most residents served, maximise Σ_i r_i s_i with cost ≤ B, 0 ≤ s_i ≤ 1, s_i ≤ Σ_{j reaches i} y_j
and, in each community, Σ_i need_i s_i ≤ floor area (maximal covering, Church and ReVelle 1974,
with capacity).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..equal_rows import equal_rows
from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .station import Siting, StationSiting
from .station_spending import Spending, SpentColumns, add_spending


@dataclass(frozen=True, eq=False)
class Levels:
    """
    Radius columns: z is 1 if no candidate within ``minutes`` of ``unit`` is open.

    Parameters
    ----------
    columns, unit, minutes, step
        Column, unit, radius of each and minutes to the next radius, shape (levels,).
    least
        Minutes of each unit with every candidate open, shape (units,); those of a unit are
        ``least`` and the steps whose column is 1.
    """

    columns: IntArray
    unit: IntArray
    minutes: FloatArray
    step: FloatArray
    least: FloatArray


@dataclass(frozen=True, eq=False)
class StationModel:
    """
    A model of station siting and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program.
    candidates
        Candidate of each opening column, shape (candidates,); column i is candidates[i].
    sized
        Site of each area column, shape (sized,); these follow the opening columns.
    levels
        What the radius columns z stand for, in the model of least walking.
    spent
        The money of each part of the city, where its least cost is known.
    """

    model: LinearModel
    candidates: IntArray
    sized: IntArray
    levels: Levels | None = None
    spent: SpentColumns | None = None

    def siting(self, problem: StationSiting, values: FloatArray) -> Siting:
        """Decision that the values of a solution stand for."""
        is_open = problem.fixed_open.copy()
        is_open[self.candidates] = values[: self.candidates.size] > 0.5
        area = problem.today().area_m2.copy()
        extra = values[self.candidates.size :][: self.sized.size]
        area[self.sized] += np.maximum(extra, 0)
        low = np.where(problem.existing, problem.area_today_m2, problem.min_area_m2)
        return Siting(is_open, np.where(is_open, np.clip(area, low, problem.max_area_m2), 0.0))

    def start(self, problem: StationSiting, siting: Siting) -> FloatArray:
        """Return the values of a decision in the columns of this model."""
        values = np.zeros(self.model.num_columns)
        num = self.candidates.size
        values[:num] = siting.is_open[self.candidates]
        extra = siting.area_m2[self.sized] - problem.area_today_m2[self.sized]
        values[num : num + self.sized.size] = np.maximum(extra, 0) * siting.is_open[self.sized]
        if self.levels is not None:
            decided = np.zeros(problem.num_sites, dtype=bool)
            decided[self.candidates] = siting.is_open[self.candidates]
            nearest = problem.nearest(decided)[1]
            values[self.levels.columns] = nearest[self.levels.unit] > self.levels.minutes
        if self.spent is not None:
            self.spent.fill(values)
        return values


class _Blocks:
    """Columns and rows that all models of station siting share."""

    def __init__(self, problem: StationSiting, sites: BoolArray, name: str, sense: float) -> None:
        """Add the opening and area columns of ``sites`` with their costs times ``sense``."""
        self.problem = problem
        self.builder = ModelBuilder(name, maximize=name == "served")
        self.candidates = np.flatnonzero(problem.may_open & sites)
        room = problem.max_area_m2 - problem.area_today_m2 > 0
        growing = problem.may_open | (problem.fixed_open & room)
        self.sized = np.flatnonzero(growing & sites)
        self.opening = self.builder.add_columns(
            sense * problem.fixed_cost[self.candidates], upper=1, integer=True
        )
        least = np.where(problem.required & ~problem.existing, problem.min_area_m2, 0.0)
        self.area = self.builder.add_columns(
            sense * problem.cost_per_m2[self.sized],
            lower=least[self.sized],
            upper=(problem.max_area_m2 - problem.area_today_m2)[self.sized],
        )
        self.opening_of = np.full(problem.num_sites, -1, dtype=np.int64)
        self.opening_of[self.candidates] = self.opening
        self.levels: Levels | None = None
        self.spent: SpentColumns | None = None
        self.fixed = problem.fixed_cost * (problem.required & ~problem.existing & sites)
        self.fixed_spending = float(self.fixed.sum())

    def sizes(self) -> None:
        """Add m_j y_j ≤ a_j ≤ M_j y_j."""
        problem = self.problem
        decided = self.opening_of[self.sized] >= 0
        site, area = self.sized[decided], self.area[decided]
        opening = self.opening_of[site]
        index = np.arange(site.size)
        rows, columns = np.r_[index, index], np.r_[area, opening]
        ones, zeros = np.ones(site.size), np.zeros(site.size)
        if site.size:
            self.builder.add_rows(
                rows, columns, np.r_[ones, -problem.max_area_m2[site]], upper=zeros
            )
            self.builder.add_rows(
                rows, columns, np.r_[ones, -problem.min_area_m2[site]], lower=zeros
            )

    def floor_area(self, communities: IntArray) -> None:
        """Add the floor area that each of the communities must have."""
        problem = self.problem
        missing = problem.target_m2 - problem.community_area(problem.today())
        wanting = communities[missing[communities] > 1e-9]
        if not wanting.size:
            return
        place = np.full(problem.num_communities + 1, -1, dtype=np.int64)
        place[wanting] = np.arange(wanting.size)
        row = place[problem.community_of_site[self.sized]]
        inside = row >= 0
        self.builder.add_rows(row[inside], self.area[inside], 1, lower=missing[wanting])

    def cover(self, units: IntArray) -> None:
        """Add that each of the units must be reached; equal rows are merged."""
        row, column = self.reaching(units)
        if not units.size:
            return
        shape = (units.size, max(self.builder.num_columns, 1))
        pattern = sparse.csr_array((np.ones(row.size), (row, column)), shape=shape)
        first, _ = equal_rows(pattern)
        unique = sparse.coo_array(pattern[first])
        self.builder.add_rows(unique.row, unique.col, 1, lower=np.ones(first.size))

    def reaching(self, units: IntArray) -> tuple[IntArray, IntArray]:
        """Pairs (position in ``units``, opening column) of candidates within reach."""
        reach = sparse.csr_array(self.problem.minutes.T)[units]
        row = np.repeat(np.arange(units.size), np.diff(reach.indptr))
        column = self.opening_of[reach.indices]
        return row[column >= 0], column[column >= 0]

    def budget(self, budget: float, spending: Spending | None = None) -> None:
        """Add Σ f_j y_j + c_j a_j ≤ budget, of each part for itself where ``spending`` is known."""
        problem = self.problem
        columns = np.r_[self.opening, self.area]
        costs = np.r_[problem.fixed_cost[self.candidates], problem.cost_per_m2[self.sized]]
        if spending is not None:
            site = np.r_[self.candidates, self.sized]
            self.spent = add_spending(
                self.builder, spending, site, costs, fixed=self.fixed, budget=budget
            )
            return
        self.builder.add_rows(
            np.zeros(columns.size, dtype=int),
            columns,
            costs,
            upper=[budget - self.fixed_spending],
        )

    def build(self) -> StationModel:
        """Freeze the model."""
        model = self.builder.build()
        return StationModel(model, self.candidates, self.sized, self.levels, self.spent)


def cheapest_model(
    problem: StationSiting,
    *,
    sites: BoolArray | None = None,
    communities: IntArray | None = None,
    units: IntArray | None = None,
) -> StationModel:
    """
    Build the model of the cheapest plan, for the whole city or one independent part of it.

    Parameters
    ----------
    problem
        What is asked.
    sites
        Sites of the part, shape (sites,); None for all.
    communities, units
        Communities and uncovered units of the part; None for all.
    """
    everywhere = np.ones(problem.num_sites, dtype=bool)
    blocks = _Blocks(problem, everywhere if sites is None else sites, "cheapest", 1.0)
    blocks.sizes()
    blocks.floor_area(np.arange(problem.num_communities) if communities is None else communities)
    blocks.cover(uncovered_units(problem) if units is None else units)
    blocks.builder.offset = blocks.fixed_spending
    return blocks.build()


def walking_model(
    problem: StationSiting, *, budget: float, spending: Spending | None = None
) -> StationModel:
    """
    Build the model of least walking among the plans that cost at most ``budget``.

    Only candidates nearer than a unit's nearest fixed site matter to it.

    Parameters
    ----------
    problem
        What is asked.
    budget
        Largest cost.
    spending
        What parts of the city cost at least, which makes the model far tighter; None if unknown.
    """
    return minutes_blocks(
        problem, budget=budget, name="walking", weights=problem.residents, spending=spending
    ).build()


def minutes_blocks(
    problem: StationSiting,
    *,
    budget: float,
    name: str,
    weights: FloatArray | None = None,
    spending: Spending | None = None,
) -> _Blocks:
    """
    Return the columns and rows of all plans within a budget, with the minutes of every unit.

    Parameters
    ----------
    budget
        Largest cost.
    name
        Name of the model.
    weights
        What a minute of each unit counts in the objective, shape (units,); None for nothing.
    spending
        As for :func:`walking_model`.
    """
    blocks = _Blocks(problem, np.ones(problem.num_sites, dtype=bool), name, 0.0)
    blocks.sizes()
    blocks.floor_area(np.arange(problem.num_communities))
    blocks.cover(uncovered_units(problem))
    blocks.budget(budget, spending)
    _add_minutes(blocks, np.zeros(problem.num_units) if weights is None else weights)
    return blocks


def _add_minutes(blocks: _Blocks, weights: FloatArray) -> None:
    """Add the radius variables z of every unit that a candidate could bring nearer."""
    problem = blocks.problem
    base = problem.nearest(problem.fixed_open)[1]
    pairs = sparse.coo_array(problem.minutes)
    column = blocks.opening_of[pairs.row]
    useful = (column >= 0) & problem.must_reach[pairs.col] & (pairs.data < base[pairs.col])
    unit, column, minutes = pairs.col[useful], column[useful], pairs.data[useful]
    order = np.lexsort((minutes, unit))
    unit, column, minutes = unit[order], column[order], minutes[order]
    new = np.ones(unit.size, dtype=bool)
    new[1:] = (unit[1:] != unit[:-1]) | (minutes[1:] != minutes[:-1])
    level = np.cumsum(new) - 1
    of_unit, radius = unit[new], minutes[new]
    last = np.ones(of_unit.size, dtype=bool)
    last[:-1] = of_unit[1:] != of_unit[:-1]
    beyond = np.where(last, base[of_unit], np.r_[radius[1:], 0])
    step = np.where(np.isfinite(beyond), beyond - radius, 0.0)
    z = blocks.builder.add_columns(weights[of_unit] * step, upper=1)
    first = np.r_[True, last[:-1]] if of_unit.size else np.empty(0, dtype=bool)
    least = base.copy()
    least[of_unit[first]] = radius[first]
    blocks.levels = Levels(z, of_unit.astype(np.int64), radius, step, least)
    chained = np.flatnonzero(~first)
    if of_unit.size:
        blocks.builder.add_rows(
            np.r_[level, np.arange(of_unit.size), chained],
            np.r_[column, z, z[chained - 1]],
            np.r_[np.ones(unit.size + of_unit.size), -np.ones(chained.size)],
            lower=first.astype(float),
        )
    wanted = problem.must_reach
    blocks.builder.offset = float((weights[wanted] * least[wanted]).sum())


def served_model(
    problem: StationSiting, *, budget: float, least_served: float | None = None
) -> StationModel:
    """
    Build the model of most residents served with a budget.

    Parameters
    ----------
    budget
        Largest cost.
    least_served
        Residents that must be served; the model then minimises cost instead.
    """
    cheapest = least_served is not None
    name, sense = ("served-cheapest", 1.0) if cheapest else ("served", 0.0)
    blocks = _Blocks(problem, np.ones(problem.num_sites, dtype=bool), name, sense)
    blocks.sizes()
    blocks.budget(budget)
    reachable = np.isfinite(problem.nearest(problem.everything().is_open)[1])
    units = np.flatnonzero(reachable & (problem.residents > 0))
    gain = np.zeros(units.size) if cheapest else problem.residents[units]
    served = blocks.builder.add_columns(gain, upper=1)
    if least_served is not None:
        blocks.builder.offset = blocks.fixed_spending
        blocks.builder.add_rows(
            np.zeros(units.size, dtype=int), served, problem.residents[units], lower=[least_served]
        )
    covered = np.isfinite(problem.nearest(problem.fixed_open)[1])
    decided = np.flatnonzero(~covered[units])
    row, column = blocks.reaching(units[decided])
    if decided.size:
        blocks.builder.add_rows(
            np.r_[np.arange(decided.size), row],
            np.r_[served[decided], column],
            np.r_[np.ones(decided.size), -np.ones(row.size)],
            upper=np.zeros(decided.size),
        )
    inside = problem.community_of_site[blocks.sized] >= 0
    blocks.builder.add_rows(
        np.r_[problem.community_of_unit[units], problem.community_of_site[blocks.sized[inside]]],
        np.r_[served, blocks.area[inside]],
        np.r_[problem.floor_area_per_unit()[units], -np.ones(int(inside.sum()))],
        upper=problem.community_area(problem.today()),
    )
    return blocks.build()


def uncovered_units(problem: StationSiting) -> IntArray:
    """Units that must be reached and that no fixed site reaches."""
    covered = np.isfinite(problem.nearest(problem.fixed_open)[1])
    return np.flatnonzero(problem.must_reach & ~covered)
