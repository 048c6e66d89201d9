"""
Integer programs of a service system.

Columns: y_f = 1 if facility f is open, a_f its floor area (where that is a choice; else it is
m_f y_f), z_j = 1 if site j opens, e_j m² built there beyond today's; u_r share of the people of
reach r who are out of it, v_n m² and w_n facilities that need n lacks, d_c m² unserved in community
c; for shared stations x_nf = 1 if place n is attached to f, q_nf its floor area there, and t_n the
floor area of points that counts. Minimise

    Σ_j F_j z_j + (c_j - k_j) e_j + k_j Σ_{f at j} (a_f - today_f y_f) + Σ_f close_f (1 - y_f)
    + P Σ_r people_r u_r + A (Σ_n v_n + Σ_c d_c) + N Σ_n w_n + Σ_f p_f |y_f - ȳ_f| + q_f s_f

with c_j the cost of building and k_j that of changing a m²; ȳ_f and ā_f the state and floor area
of f in an earlier plan, p_f the price of another state (p_f y_f where it was closed, p_f (1 - y_f)
where it was open) and q_f that of each m² s_f by which f is smaller, both no money of a fund;
subject to

    y_f ≤ z_j,   Σ_{f at j} a_f ≤ M_j z_j                        every site j         (room)
    Σ_{f at j} a_f - e_j ≤ A_j                                   sites of today       (built)
    m_f y_f ≤ a_f ≤ M_f y_f                                      sized facilities     (size)
    s_f ≥ ā_f y_f - a_f                                          f that was open      (smaller)
    Σ_{s in Q} y_sj ≤ 1              sets Q of services that exclude each other        (apart)
    Σ_{f in n} a_f + t_n + v_n ≥ T_n,   t_n ≤ θ T_n,  t_n ≤ Σ_{points of n} a_f        (area)
    L_n - w_n ≤ Σ_{f in n} y_f ≤ U_n                             every need n         (number)
    Σ_{f within r} y_f + u_r ≥ 1                                 every reach r        (reach)
    Σ_f q_nf + t_n + v_n ≥ T_n,  q_nf ≤ min(T_n, M_f) x_nf,  Σ_n q_nf ≤ a_f
    Σ_f x_nf + w_n ≥ L_n,  Σ_f x_nf ≤ 1,  x_nf ≤ y_f,  Σ_n x_nf ≤ K y_f               (sharing)
    Σ_{j in fund} cost_j ≤ B                                     every fund           (fund)

and the assignment of households within capacity. The plain form has a flow of floor area for it;
the fast form has a row for each set of units that is found short (see :mod:`.capacity_flow`).

The fast form also merges reaches with equal facilities, leaves out z_j where a site costs nothing
to open, and covers the pairs of services that exclude each other by cliques. Location of several
services with shared sites: Klincewicz and Luss 1987, Transportation Science 21(3); hierarchies of
levels: Şahin and Süral 2007, Computers & Operations Research 34(8), Section 3 (nested,
non-coherent); covering with prices for what is not covered: Church and ReVelle 1974, Papers of the
Regional Science Association 32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ..equal_rows import equal_rows
from ..formulation import FloatArray, IntArray, LinearModel
from .capacity_flow import CapacityFlow
from .service_parts import SystemPlan
from .service_place_rows import PlaceRows
from .service_system import ServiceSystem


@dataclass(frozen=True, eq=False)
class SystemColumns:
    """
    What the columns of a model stand for; -1 where there is none.

    Parameters
    ----------
    opening, area
        Column of each facility, shape (facilities,).
    site, built
        Column of each site, shape (sites,).
    unserved
        Column of each community, shape (communities,).
    attached, given
        Columns of the pairs of shared need and facility, and of the floor area that the one gets
        of the other, shape (pairs,) each.
    """

    opening: IntArray
    area: IntArray
    site: IntArray
    built: IntArray
    unserved: IntArray
    attached: IntArray
    given: IntArray


@dataclass(frozen=True, eq=False)
class SystemModel:
    """
    A model of a service system, and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program.
    columns
        Its columns by what they stand for.
    problem
        What it is a model of.
    """

    model: LinearModel
    columns: SystemColumns
    problem: ServiceSystem

    def plan(self, values: FloatArray) -> SystemPlan:
        """Decision that the values of a solution stand for."""
        rows, columns = self.problem.facilities, self.columns
        is_open = (values[columns.opening] > 0.5) | rows.is_kept
        area = np.where(is_open, rows.least_m2, 0.0)
        sized = np.flatnonzero(columns.area >= 0)
        given = np.clip(values[columns.area[sized]], rows.least_m2[sized], rows.most_m2[sized])
        area[sized] = np.where(is_open[sized], given, 0.0)
        attached = np.full(self.problem.sharing.needs.size, -1, dtype=np.int64)
        pairs = sparse.coo_array(self.problem.sharing.facilities)
        chosen = (values[columns.attached] > 0.5) & is_open[pairs.col]
        attached[pairs.row[chosen]] = pairs.col[chosen]
        return SystemPlan(is_open, area, attached)

    def decided(self, plan: SystemPlan) -> FloatArray:
        """
        Return the columns of a plan: opening, floor area, and what is built beyond today's.

        What follows from them is left 0: sites that open, attachments, and what lacks.
        """
        problem, columns = self.problem, self.columns
        values = np.zeros(self.model.num_columns)
        values[columns.opening] = plan.is_open
        sized = columns.area >= 0
        values[columns.area[sized]] = plan.area_m2[sized]
        area = np.bincount(problem.facilities.site, plan.area_m2, problem.num_sites)
        built = np.flatnonzero(columns.built >= 0)
        more = np.maximum(area - problem.grounds.built_m2, 0.0)
        values[columns.built[built]] = more[built]
        return values

    def site_of_columns(self) -> IntArray:
        """
        Site of each column that decides on one, -1 for the others, shape (columns,).

        The others follow: what lacks, and which floor area of points counts.
        """
        rows, columns = self.problem.facilities, self.columns
        found = np.full(self.model.num_columns, -1, dtype=np.int64)
        found[columns.opening] = rows.site
        sized = columns.area >= 0
        found[columns.area[sized]] = rows.site[sized]
        for own in (columns.site, columns.built):
            there = np.flatnonzero(own >= 0)
            found[own[there]] = there
        facility = self.problem.sharing.facilities.indices
        found[columns.attached] = rows.site[facility]
        found[columns.given] = rows.site[facility[: columns.given.size]]
        return found

    def cut_row(self, flow: CapacityFlow) -> tuple[IntArray, FloatArray, float]:
        """
        Row that a plan short of floor area breaks.

        Returns
        -------
        tuple
            Columns, coefficients and least value.
        """
        rows, columns = self.problem.facilities, self.columns
        capacities = self.problem.capacities
        facility = np.flatnonzero(flow.facilities)
        sized = columns.area[facility] >= 0
        column = np.where(sized, columns.area[facility], columns.opening[facility])
        weight = np.where(sized, 1.0, rows.least_m2[facility])
        met = np.unique(capacities.area[flow.rows])
        return (
            np.r_[column, columns.unserved[met]],
            np.r_[weight, np.ones(met.size)],
            float(capacities.need_m2[flow.rows].sum()),
        )

    def areas(self, values: FloatArray) -> FloatArray:
        """Floor area of the facilities, of a solution that need not be integer."""
        rows, columns = self.problem.facilities, self.columns
        area = rows.least_m2 * values[columns.opening]
        sized = columns.area >= 0
        area[sized] = values[columns.area[sized]]
        return np.maximum(area, 0.0)


def system_model(
    problem: ServiceSystem,
    *,
    plain: bool = False,
    flow: bool = False,
) -> SystemModel:
    """
    Build the integer program of a service system.

    Parameters
    ----------
    problem
        What is asked.
    plain
        Every row as in the textbook, and the whole flow of floor area; for tests and small cases.
    flow
        Whether the flow of floor area is part of the model, equal units merged. Without it and
        without rows for those who are short (:meth:`SystemModel.cut_row`), it is a relaxation.
    """
    return _Blocks(problem, plain=plain, flow=flow).build()


class _Blocks(PlaceRows):
    """All columns and rows."""

    def build(self) -> SystemModel:
        """Freeze the model."""
        self._columns()
        self._room()
        self._smaller()
        self._apart()
        self._needs()
        self._sharing()
        self._reaches()
        self._funds()
        self._capacities()
        columns = SystemColumns(
            self.opening,
            self.area,
            self.site,
            self.built,
            self.unserved,
            self.attached,
            self.given,
        )
        return SystemModel(self.builder.build(), columns, self.problem)

    def _reaches(self) -> None:
        reaches, price = self.problem.reaches, self.problem.prices.person
        nobody = np.diff(reaches.facilities.indptr) == 0
        self.builder.offset += price * float(reaches.people[nobody].sum())
        table, people = reaches.facilities, reaches.people
        kept = np.flatnonzero(~nobody)
        if not self.plain:
            table, people = merged_reaches(self.problem, kept)
            kept = np.arange(people.size)
        pairs = sparse.coo_array(sparse.csr_array(table[kept]))
        out = self.builder.add_columns(price * people[kept], upper=1)
        if kept.size:
            self.builder.add_rows(
                np.r_[pairs.row, np.arange(kept.size)],
                np.r_[self.opening[pairs.col], out],
                np.ones(pairs.row.size + kept.size),
                lower=np.ones(kept.size),
            )

    def _funds(self) -> None:
        """Σ of the costs of the sites of a fund ≤ its budget."""
        rows, ground, problem = self.rows, self.ground, self.problem
        for fund in np.flatnonzero(np.isfinite(problem.budgets)):
            sites = np.flatnonzero(ground.fund == fund)
            mine = np.flatnonzero(np.isin(rows.site, sites))
            costs = np.array(self.builder.costs)
            costs[self.opening] = self.money
            sized = mine[self.area[mine] >= 0]
            there = rows.today_m2[mine] > 0
            columns = np.r_[self.opening[mine], self.area[sized]]
            columns = np.r_[columns, self.site[sites[self.site[sites] >= 0]]]
            columns = np.r_[columns, self.built[sites[self.built[sites] >= 0]]]
            opened = (self.site[sites] < 0) & np.isin(sites, rows.site[rows.is_kept])
            fixed = float(ground.fixed_cost[sites[opened]].sum())
            fixed += float(rows.closing_cost[mine][there].sum())
            self.builder.add_rows(
                np.zeros(columns.size, dtype=int),
                columns,
                costs[columns],
                upper=[problem.budgets[fund] - fixed],
            )

    def _capacities(self) -> None:
        """d_c, and in the plain form the flow of floor area from facilities to rows."""
        capacities, builder = self.problem.capacities, self.builder
        price = self.problem.prices.square_metre
        need = np.bincount(capacities.area, capacities.need_m2, capacities.num_areas)
        self.unserved = builder.add_columns(np.full(need.size, price), upper=need)
        if not (self.plain or self.flow) or not capacities.need_m2.size:
            return
        if not self.plain:
            capacities = capacities.merged
        pairs = sparse.coo_array(capacities.facilities)
        num = capacities.need_m2.size
        flow = builder.add_columns(np.zeros(pairs.row.size))
        lacking = builder.add_columns(np.zeros(num))
        index = np.arange(num)
        builder.add_rows(
            np.r_[pairs.row, index],
            np.r_[flow, lacking],
            np.ones(pairs.row.size + num),
            lower=capacities.need_m2,
        )
        areas = np.arange(need.size)
        builder.add_rows(
            np.r_[capacities.area, areas],
            np.r_[lacking, self.unserved],
            np.r_[np.ones(num), -np.ones(need.size)],
            upper=np.zeros(need.size),
        )
        some, row = np.unique(pairs.col, return_inverse=True)
        column, weight = self._area_of(some)
        builder.add_rows(
            np.r_[row, np.arange(some.size)],
            np.r_[flow, column],
            np.r_[np.ones(row.size), -weight],
            upper=np.zeros(some.size),
        )


def merged_reaches(problem: ServiceSystem, chosen: IntArray) -> tuple[sparse.csr_array, FloatArray]:
    """
    Merge reaches with equal facilities; those of a facility that stays are met and left out.

    Parameters
    ----------
    problem
        The problem.
    chosen
        Rows of its reaches.

    Returns
    -------
    tuple
        Facilities of each distinct reach, and the people of all that are equal to it.
    """
    table, kept = problem.reaches.facilities, problem.facilities.is_kept
    open_anyway = (table @ kept.astype(float)) > 0
    chosen = chosen[~open_anyway[chosen]]
    table = sparse.csr_array(table[chosen])
    first, member = equal_rows(table)
    people = np.bincount(member, problem.reaches.people[chosen], first.size).astype(float)
    return sparse.csr_array(table[first]), people
