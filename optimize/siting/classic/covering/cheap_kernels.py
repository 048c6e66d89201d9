"""Compiled kernels that look for cheap choices of sites around the border of what is enough."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....compiled import Random, inner_kernel, kernel, random_unit
from .state_kernels import Arrays, State, close_site, open_site

SAMPLE = 400
"""Open sites that are looked at before one is closed."""


class Uncovered(NamedTuple):
    """
    Rows that no open site covers.

    Parameters
    ----------
    rows, place, left
        The rows in any order, the place of each among them, and how many there are, shape (1,).
    weights
        True weight of each row; those of the problem's arrays only guide the search.
    covered
        True weight that is covered, shape (1,).
    target
        How much must be covered; infinite if every row must be.
    """

    rows: IntArray
    place: IntArray
    left: IntArray
    weights: FloatArray
    covered: FloatArray
    target: float


@inner_kernel
def is_enough(u: Uncovered) -> bool:
    """Whether enough is covered."""
    return bool(u.left[0] == 0 or u.covered[0] >= u.target)


@inner_kernel
def is_cheaper(cost: float, best: float) -> bool:
    """Tell whether a cost is below the best by more than rounding."""
    return best == np.inf or cost < best - 1e-9 * (1.0 + abs(best))


@inner_kernel
def add(a: Arrays, s: State, u: Uncovered, j: int) -> None:
    """Open a site."""
    for k in range(a.site_ptr[j], a.site_ptr[j + 1]):
        row = a.site_rows[k]
        if s.times[row] == 0:
            u.covered[0] += u.weights[row]
            u.left[0] -= 1
            last = u.rows[u.left[0]]
            u.rows[u.place[row]] = last
            u.place[last] = u.place[row]
    open_site(a, s, j)


@inner_kernel
def remove(a: Arrays, s: State, u: Uncovered, j: int) -> None:
    """Close a site."""
    close_site(a, s, j)
    for k in range(a.site_ptr[j], a.site_ptr[j + 1]):
        row = a.site_rows[k]
        if s.times[row] == 0:
            u.covered[0] -= u.weights[row]
            u.rows[u.left[0]] = row
            u.place[row] = u.left[0]
            u.left[0] += 1


@inner_kernel
def worth(a: Arrays, s: State, j: int) -> float:
    """Weight of a site per cost."""
    return float(s.value[j] / max(a.costs[j], 1e-12))


@inner_kernel
def least_useful(a: Arrays, s: State, step: int, sample: int, random: Random) -> int:
    """
    Open site whose loss per cost is least and that may be changed; the oldest of equals.

    Of many sites some are drawn and looked at (Cai 2015, "Balance between complexity and quality:
    local search for minimum vertex cover in massive graphs", IJCAI).
    """
    out, least = -1, np.inf
    number = s.number[0]
    looks = number if sample <= 0 or number <= sample else sample
    for k in range(looks):
        j = s.opened[k if looks == number else int(random_unit(random) * number)]
        if s.since[j] > step:
            continue
        value = worth(a, s, j)
        if value < least or (value == least and s.since[j] < s.since[out]):
            out, least = j, value
    return int(out)


@inner_kernel
def most_useful(a: Arrays, s: State, row: int, step: int, limit: float) -> int:
    """Site of a row that adds most per cost, may be opened and costs less than the limit."""
    into, top = -1, -1.0
    for k in range(a.row_ptr[row], a.row_ptr[row + 1]):
        j = a.row_sites[k]
        if s.blocked[j] or s.since[j] > step or not is_cheaper(s.sums[1] + a.costs[j], limit):
            continue
        value = worth(a, s, j)
        if value > top or (value == top and s.since[j] < s.since[into]):
            into, top = j, value
    return int(into)


@kernel
def shrink(
    a: Arrays, s: State, u: Uncovered, best: FloatArray, best_open: IntArray, random: Random
) -> bool:
    """Close sites while enough is covered; tell whether the best got better."""
    improved = False
    while is_enough(u):
        if is_cheaper(s.sums[1], best[0]):
            best[0] = s.sums[1]
            best_open[:] = s.is_open
            improved = True
        out = least_useful(a, s, np.iinfo(np.int64).max, 0, random)
        if out < 0:
            break
        remove(a, s, u, out)
    return improved


@inner_kernel
def weigh_more(a: Arrays, s: State, u: Uncovered) -> None:
    """Let rows that stay uncovered weigh more."""
    for k in range(u.left[0]):
        row = u.rows[k]
        a.weights[row] += 1.0
        for m in range(a.row_ptr[row], a.row_ptr[row + 1]):
            s.value[a.row_sites[m]] += 1.0


@kernel
def list_uncovered(s: State, u: Uncovered) -> None:
    """List the rows that no open site covers."""
    u.left[0] = 0
    u.covered[0] = 0.0
    for row in range(s.times.size):
        if s.times[row] > 0:
            u.covered[0] += u.weights[row]
        else:
            u.rows[u.left[0]] = row
            u.place[row] = u.left[0]
            u.left[0] += 1


@kernel
def cover_search(
    a: Arrays,
    s: State,
    u: Uncovered,
    steps: int,
    first_step: int,
    best: FloatArray,
    best_open: IntArray,
    random: Random,
) -> bool:
    """
    Search cheap choices that cover enough, around the border of what is enough.

    Sites are taken out while enough is covered, then exchanged against sites of rows that are not
    covered. Where all rows must be covered, rows that stay uncovered weigh more and more (Gao,
    Weise and Li 2015, "An efficient local search heuristic with row weighting for the unicost set
    covering problem", European Journal of Operational Research 246(3)).

    Parameters
    ----------
    a, s, u
        Problem, state and uncovered rows; ``a.weights`` guides the search, and changes if all rows
        must be covered.
    steps, first_step
        How many steps, and the number of the first.
    best, best_open
        Least cost so far, shape (1,), and its sites; updated.
    random
        Random numbers.

    Returns
    -------
    bool
        Whether the best got better.
    """
    improved = False
    all_rows = u.target == np.inf
    for step in range(first_step, first_step + steps):
        if is_enough(u):
            improved = shrink(a, s, u, best, best_open, random) or improved
        out = least_useful(a, s, step, SAMPLE, random)
        if out >= 0:
            remove(a, s, u, out)
            s.since[out] = step + 1
        for _ in range(1 if all_rows else 4):
            if is_enough(u):
                break
            row = u.rows[int(random_unit(random) * u.left[0])]
            into = most_useful(a, s, row, step, best[0])
            if into < 0:
                break
            add(a, s, u, into)
            s.since[into] = step + 1 + int(random_unit(random) * 3)
        if all_rows:
            weigh_more(a, s, u)
    return improved
