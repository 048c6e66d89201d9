"""
The plain formulation of circles of daily life in yearly phases.

Sets: facilities f, each of one category g and at one site, units u with residents r_u, circles k
(groups of units with R_k residents together), years t = 1..T. a_fu = 1 if facility f is within
reach of unit u. Variables: y_ft = 1 if facility f is there in year t, v_ut = 1 if facilities of
every category are within reach of unit u, z_kt = 1 if circle k is recognised. Maximise

    Σ_t w_t Σ_k R_k z_kt + P Σ_t (N_t - d_t)

subject to

    v_ut ≤ Σ_{f of g} a_fu y_ft              every unit u, category g, year t     (reach)
    s R_k z_kt ≤ Σ_{u in k} r_u v_ut         every circle k, year t               (share)
    y_f,t-1 ≤ y_ft                           every facility f, year t             (stay)
    Σ_f c_f (y_ft - y_f0) ≤ B_1 + ... + B_t  every year t                         (budget)
    d_t ≥ N_t - Σ_k z_kt                     every year t with a target           (target)
    Σ_{f at j} a_f y_fT ≤ A_j                every site j with a room             (room)
    Σ_k R_k z_kt ≥ L_t                       every year t with a least number     (floor)

y_f0 = 1 for what exists today. If money that is left may not be spent later, (budget) holds for
Σ_f c_f (y_ft - y_f,t-1) ≤ B_t. y and z are binary; v may be continuous.
See :mod:`.circles` for the sources.
"""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import AllocationModel
from .circles import NEVER, TODAY, CheapestCircles, CircleGround, PhasedCircles


def circles_model(problem: PhasedCircles) -> AllocationModel[IntArray]:
    """
    Build the plain formulation, with columns y, v, z by year, and d.

    Columns by year: y for each facility, then v for each unit, then z for each circle.
    """
    ground = problem.ground
    offset = problem.bonus * float(problem.wanted.sum())
    builder = ModelBuilder("circles", maximize=True, offset=offset)
    columns = [add_year(builder, ground, weight=float(weight)) for weight in problem.weights]
    for before, after in itertools.pairwise(columns):
        row = np.arange(ground.num_facilities)
        entries = np.r_[before[0], after[0]]
        builder.add_rows(
            np.r_[row, row], entries, np.repeat([1, -1], row.size), upper=np.zeros(row.size)
        )
    y, z = [part[0] for part in columns], [part[2] for part in columns]
    add_money(builder, problem, y, ground.costs)
    d = add_targets(builder, problem, z)
    add_floors(builder, problem, z, ground.circle_residents)
    add_room(builder, ground, y[-1])
    return AllocationModel(
        builder.build(),
        decode=partial(_decode, y=y, ground=ground),
        encode=partial(_encode, problem=problem, has_targets=d.size > 0),
    )


def add_year(
    builder: ModelBuilder,
    ground: CircleGround,
    *,
    weight: float = 0.0,
    costs: FloatArray | None = None,
) -> tuple[IntArray, IntArray, IntArray]:
    """Add y, v and z of one year with the rows (reach) and (share)."""
    exists = ground.exists.astype(float)
    y = builder.add_columns(
        np.zeros(exists.size) if costs is None else costs, lower=exists, upper=1, integer=True
    )
    v = builder.add_columns(np.zeros(ground.num_units), upper=1)
    total = ground.circle_residents
    z = builder.add_columns(weight * total, upper=(total > 0).astype(float), integer=True)
    for category in range(ground.num_categories):
        own = np.flatnonzero(ground.category == category)
        pairs = ground.covers[own].tocoo()
        builder.add_rows(
            np.r_[np.arange(v.size), pairs.col],
            np.r_[v, y[own[pairs.row]]],
            np.r_[np.ones(v.size), -np.ones(pairs.nnz)],
            upper=np.zeros(v.size),
        )
    inside = np.flatnonzero(ground.circle >= 0)
    part = ground.residents[inside] / np.maximum(total[ground.circle[inside]], 1e-9)
    builder.add_rows(
        np.r_[ground.circle[inside], np.arange(z.size)],
        np.r_[v[inside], z],
        np.r_[part, np.full(z.size, -ground.share)],
        lower=np.zeros(z.size),
    )
    return y, v, z


def add_money(
    builder: ModelBuilder, problem: PhasedCircles, y: list[IntArray], costs: FloatArray
) -> None:
    """Add the rows (budget); ``costs`` are 0 for what exists today or are made so here."""
    if problem.ground.exists.size == costs.size:
        costs = np.where(problem.ground.exists, 0.0, costs)
    money = np.cumsum(problem.budgets) if problem.carries_over else problem.budgets
    for year, columns in enumerate(y):
        before = year > 0 and not problem.carries_over
        entries = np.r_[columns, y[year - 1]] if before else columns
        coefficients = np.r_[costs, -costs] if before else costs
        builder.add_rows(
            np.zeros(entries.size, dtype=np.int64), entries, coefficients, upper=[money[year]]
        )


def add_targets(builder: ModelBuilder, problem: PhasedCircles, z: list[IntArray]) -> IntArray:
    """Add d with the bonus lost and the rows (target); returns d, empty without targets."""
    if problem.targets is None or problem.bonus <= 0:
        return np.empty(0, dtype=np.int64)
    d = builder.add_columns(np.full(len(z), -problem.bonus))
    for year, columns in enumerate(z):
        entries = np.r_[d[year], columns]
        builder.add_rows(
            np.zeros(entries.size, dtype=np.int64), entries, 1, lower=[problem.targets[year]]
        )
    return d


def add_floors(
    builder: ModelBuilder, problem: PhasedCircles, z: list[IntArray], residents: FloatArray
) -> None:
    """Add the rows (floor)."""
    if problem.floors is None:
        return
    for year, columns in enumerate(z):
        if problem.floors[year] > 0:
            builder.add_rows(
                np.zeros(columns.size, dtype=np.int64),
                columns,
                residents,
                lower=[problem.floors[year]],
            )


def add_room(builder: ModelBuilder, ground: CircleGround, y: IntArray) -> None:
    """Add the rows (room) for what is there in the last year."""
    room = ground.room
    if room is None:
        return
    own = np.flatnonzero(room.site >= 0)
    builder.add_rows(room.site[own], y[own], room.areas[own], upper=room.room)


def cheapest_circles_model(problem: CheapestCircles) -> AllocationModel[BoolArray]:
    """Build the plain formulation of the least cost, with columns y, v and z."""
    ground = problem.ground
    builder = ModelBuilder("cheapest-circles")
    y, _, z = add_year(builder, ground, costs=np.where(ground.exists, 0.0, ground.costs))
    least = np.zeros(z.size) if problem.required is None else problem.required.astype(float)
    builder.add_rows(np.arange(z.size), z, 1, lower=least)
    builder.add_rows(np.zeros(z.size, dtype=np.int64), z, 1, lower=[problem.number])
    add_room(builder, ground, y)

    def encode(is_there: BoolArray) -> FloatArray:
        return _year_values(ground, is_there)

    return AllocationModel(
        builder.build(), decode=lambda values: np.asarray(values[y] > 0.5), encode=encode
    )


def _decode(values: FloatArray, *, y: list[IntArray], ground: CircleGround) -> IntArray:
    """Read the first year in which each facility is there."""
    there = np.array([values[columns] > 0.5 for columns in y])
    first = np.where(there.any(axis=0), 1 + np.argmax(there, axis=0), NEVER)
    return np.where(ground.exists, TODAY, first).astype(np.int64)


def _year_values(ground: CircleGround, is_there: BoolArray) -> FloatArray:
    """Write y, v and z of one year."""
    whole = ground.reached(is_there).all(axis=0)
    return np.concatenate([is_there, whole, ground.recognised(is_there)]).astype(float)


def _encode(years: IntArray, *, problem: PhasedCircles, has_targets: bool) -> FloatArray:
    """Write y, v and z of every year, and d."""
    parts = [
        _year_values(problem.ground, problem.there(years, year))
        for year in range(1, problem.num_years + 1)
    ]
    if has_targets:
        parts.append(problem.states(years).short.astype(float))
    return np.concatenate(parts)
