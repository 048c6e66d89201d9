"""
Rules that tell districts apart, on top of the Hess model: which centre serves which district.

Sets: nodes V, districts D, centres J ⊆ V. Variables besides x: y_jd = 1 if j is the centre of
district d. With L_dw, U_dw the bounds of district d and D_i the districts that may hold node i,

    Σ_d y_jd = x_jj                                            every j            (serves)
    Σ_j y_jd = 1                                               every d            (served)
    Σ_d L_dw y_jd ≤ Σ_i p_iw x_ij ≤ Σ_d U_dw y_jd              every j, weight w  (balance)
    x_ij ≤ Σ_{d ∈ D_i} y_jd                                    every i ≠ j        (holds)
    x_uj + x_vj ≤ x_jj                                         apart u, v, all j  (apart)

y_jd exists only if j may lie in d, and if d has a seat, only for that. A pair (i, j) is dropped if
no district may hold both, if they are to be apart, and if i is the seat of a district but not j.
Pairs kept apart are the disjoint assignments of Ríos-Mercado and López-Pérez (2013), "Commercial
territory design planning with realignment and disjoint assignment requirements", Omega 41(3).
"""

from __future__ import annotations

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .problem import Districting


def seats_of(problem: Districting) -> IntArray:
    """Seat of each district, -1 where the centre is free, shape (districts,)."""
    rules = problem.rules
    if rules is None or rules.seats is None:
        return np.full(problem.num_districts, -1, dtype=np.int64)
    return rules.seats


def possible_labels(problem: Districting) -> BoolArray:
    """Whether each node may be the centre of each district, shape (nodes, districts)."""
    may = problem.may_hold.copy()
    for district, seat in enumerate(seats_of(problem)):
        if seat >= 0:
            may[np.arange(problem.num_nodes) != seat, district] = False
    return may


def rule_pairs(problem: Districting) -> BoolArray:
    """Pairs (i, j) that the rules allow: i in a district with centre j, shape (nodes, nodes)."""
    n = problem.num_nodes
    rules = problem.rules
    if rules is None:
        return np.ones((n, n), dtype=bool)
    # Counts of common districts, as floats: booleans are multiplied slowly.
    hold, serve = problem.may_hold.astype(float), possible_labels(problem).astype(float)
    allowed = hold @ serve.T > 0
    for seat in seats_of(problem):
        if seat >= 0:
            allowed[seat, np.arange(n) != seat] = False
    if rules.apart is not None:
        one, other = rules.apart.T
        allowed[one, other] = allowed[other, one] = False
    return np.asarray(allowed)


def centre_bounds(problem: Districting) -> tuple[FloatArray, FloatArray]:
    """Loosest bounds of the districts that each centre may serve, both (nodes, weights)."""
    may = possible_labels(problem)[:, :, None]
    lower = np.where(may, problem.district_lower[None], np.inf).min(axis=1)
    upper = np.where(may, problem.district_upper[None], -np.inf).max(axis=1)
    return lower, upper


def add_labels(
    builder: ModelBuilder, problem: Districting, column: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """
    Add the columns y_jd and their rows.

    Parameters
    ----------
    column
        Column of x_ij, -1 where there is none, shape (nodes, nodes).

    Returns
    -------
    tuple
        Columns of y, and the centre and district of each.
    """
    open_centre = np.diag(column) >= 0
    centre, district = np.nonzero(possible_labels(problem) & open_centre[:, None])
    y = builder.add_columns(np.zeros(centre.size), upper=1, integer=True)
    k = problem.num_districts
    builder.add_rows(district, y, 1, lower=np.ones(k), upper=1)
    centres, place = np.unique(centre, return_inverse=True)
    every = np.arange(centres.size)
    builder.add_rows(
        np.r_[place, every],
        np.r_[y, column[centres, centres]],
        np.r_[np.ones(y.size), -np.ones(every.size)],
        lower=np.zeros(every.size),
        upper=0,
    )
    _add_label_balance(builder, problem, column, centres, (place, district, y))
    _add_holds(builder, problem, column, centres, (place, district, y))
    return y, centre, district


def _add_label_balance(
    builder: ModelBuilder,
    problem: Districting,
    column: IntArray,
    centres: IntArray,
    labels: tuple[IntArray, IntArray, IntArray],
) -> None:
    """Bounds of districts, for every weight whose bounds differ between districts."""
    place, district, y = labels
    node, row = np.nonzero(column[:, centres] >= 0)
    x = column[node, centres[row]]
    zeros = np.zeros(centres.size)
    for w in range(problem.weights.shape[1]):
        weight = problem.weights[node, w]
        rows, columns = np.r_[row, place], np.r_[x, y]
        least = problem.district_lower[:, w]
        # A district never holds more than everything, so an infinite bound becomes that.
        most = np.minimum(problem.district_upper[:, w], problem.weights[:, w].sum())
        if np.ptp(least) > 0:
            builder.add_rows(rows, columns, np.r_[weight, -least[district]], lower=zeros)
        if np.ptp(most) > 0:
            builder.add_rows(rows, columns, np.r_[weight, -most[district]], upper=zeros)


def _add_holds(
    builder: ModelBuilder,
    problem: Districting,
    column: IntArray,
    centres: IntArray,
    labels: tuple[IntArray, IntArray, IntArray],
) -> None:
    """Add x_ij ≤ Σ y_jd over the districts that may hold i, where that is not x_ij ≤ x_jj."""
    place, district, y = labels
    serves = np.zeros((centres.size, problem.num_districts), dtype=bool)
    serves[place, district] = True
    label = np.full(serves.shape, -1, dtype=np.int64)
    label[place, district] = y
    pairs_x, pairs_row, pairs_y = [], [], []
    count = 0
    for i in np.flatnonzero(~problem.may_hold.all(axis=1)):
        held = problem.may_hold[i]
        barred = (serves & ~held).any(axis=1) & (column[i, centres] >= 0) & (centres != i)
        (row,) = np.nonzero(barred)
        pairs_x.append(column[i, centres[row]])
        number, place_of = np.nonzero((serves & held)[row])
        pairs_row.append(count + number)
        pairs_y.append(label[row[number], place_of])
        count += row.size
    if count:
        x, row_of, held_by = (np.concatenate(part) for part in (pairs_x, pairs_row, pairs_y))
        builder.add_rows(
            np.r_[np.arange(count), row_of],
            np.r_[x, held_by],
            np.r_[np.ones(count), -np.ones(held_by.size)],
            upper=np.zeros(count),
        )


def add_apart(builder: ModelBuilder, problem: Districting, column: IntArray) -> None:
    """Add x_uj + x_vj ≤ x_jj for the pairs that must not share a district."""
    if problem.rules is None or problem.rules.apart is None:
        return
    for one, other in problem.rules.apart:
        both = np.flatnonzero((column[one] >= 0) & (column[other] >= 0))
        every = np.arange(both.size)
        builder.add_rows(
            np.tile(every, 3),
            np.r_[column[one, both], column[other, both], column[both, both]],
            np.repeat([1.0, 1.0, -1.0], both.size),
            upper=np.zeros(both.size),
        )
