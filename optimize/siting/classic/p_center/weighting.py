"""
Search for p columns that cover all rows, with weights that grow on rows left uncovered.

Gao, Weise and Li 2015, "An efficient local search heuristic with row weighting for the unicost set
covering problem", European Journal of Operational Research 246(3): one column leaves, one that
covers an uncovered row enters, and every row that is still uncovered gains weight.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import BoolArray, IntArray
from ....compiled import Random, inner_kernel, kernel, random_below
from .reductions import Lines, lines_of


class Choice(NamedTuple):
    """
    Columns that are taken, and what follows from them.

    Parameters
    ----------
    taken, places
        The taken columns, and where each column stands among them, -1 if it does not.
    times
        Number of taken columns that cover each row, shape (rows,).
    owner
        Sum of the taken columns that cover each row: the column itself where it is one.
    weight
        Weight of each row.
    score
        Weight that a column would cover anew, or that a taken column covers alone.
    changed
        Step at which each column entered or left last.
    """

    taken: IntArray
    places: IntArray
    times: IntArray
    owner: IntArray
    weight: IntArray
    score: IntArray
    changed: IntArray


def search_cover(covers: BoolArray, *, p: int, work: int, seed: int) -> IntArray | None:
    """
    Look for at most p columns that cover every row.

    Parameters
    ----------
    covers
        Which column covers which row, shape (rows, columns).
    p
        Number of columns.
    work
        Changes of scores after which the search gives up.
    seed
        Seed of the random choices.

    Returns
    -------
    IntArray or None
        The columns; None if none were found.
    """
    num_rows, num_columns = covers.shape
    if num_rows == 0:
        return np.empty(0, dtype=np.int64)
    if p >= num_columns:
        return np.arange(num_columns) if covers.any(axis=1).all() else None
    if p <= 0:
        return None
    rows, columns = lines_of(covers)
    choice = Choice(
        taken=np.full(p, -1, dtype=np.int64),
        places=np.full(num_columns, -1, dtype=np.int64),
        times=np.zeros(num_rows, dtype=np.int64),
        owner=np.zeros(num_rows, dtype=np.int64),
        weight=np.ones(num_rows, dtype=np.int64),
        score=columns.size.copy(),
        changed=np.full(num_columns, -1, dtype=np.int64),
    )
    random = np.array([seed], dtype=np.uint64)
    if not _search(rows, columns, choice, work, random):
        return None
    return choice.taken[choice.taken >= 0]


@kernel
def _search(rows: Lines, columns: Lines, choice: Choice, work: int, random: Random) -> bool:
    """Take the columns of highest score, then swap until all rows are covered."""
    num_rows, p = rows.size.size, choice.taken.size
    covered = _take_greedily(rows, columns, choice)
    if covered == num_rows:
        return True
    waiting = np.empty(num_rows, np.int64)
    done, step = 0, 0
    while done < work:
        step += 1
        place = _weakest(choice, step)
        column = choice.taken[place]
        done += columns.size[column] * 4 + p
        covered += _leave(rows, columns, choice, column)
        choice.changed[column] = step
        num_waiting = 0
        for row in range(num_rows):
            if choice.times[row] == 0:
                waiting[num_waiting] = row
                num_waiting += 1
        done += num_rows // 8
        row = waiting[random_below(random, num_waiting)]
        column = _strongest(rows, choice, row, step)
        covered += _enter(rows, columns, choice, column, place)
        choice.changed[column] = step
        if covered == num_rows:
            return True
        done += _weigh_uncovered(rows, choice, waiting[:num_waiting])
    return False


@inner_kernel
def _weigh_uncovered(rows: Lines, choice: Choice, waiting: IntArray) -> int:
    """Give more weight to the rows that are still uncovered; return how many scores changed."""
    done = 0
    for row in waiting:
        if choice.times[row] == 0:
            choice.weight[row] += 1
            done += rows.size[row]
            for member in range(rows.start[row], rows.start[row + 1]):
                choice.score[rows.members[member]] += 1
    return done


@inner_kernel
def _take_greedily(rows: Lines, columns: Lines, choice: Choice) -> int:
    """Take columns of highest score until all rows are covered or p are taken; count the rows."""
    covered = 0
    for place in range(choice.taken.size):
        best = 0
        for column in range(columns.size.size):
            if choice.places[column] < 0 and (
                choice.places[best] >= 0 or choice.score[column] > choice.score[best]
            ):
                best = column
        covered += _enter(rows, columns, choice, best, place)
        if covered == rows.size.size:
            break
    return covered


@inner_kernel
def _enter(rows: Lines, columns: Lines, choice: Choice, column: int, place: int) -> int:
    """Take a column; return how many rows are covered anew."""
    choice.taken[place] = column
    choice.places[column] = place
    own = choice.score[column]
    gained = 0
    for at in range(columns.start[column], columns.start[column + 1]):
        row = columns.members[at]
        if choice.times[row] == 0:
            gained += 1
            weight = choice.weight[row]
            for member in range(rows.start[row], rows.start[row + 1]):
                choice.score[rows.members[member]] -= weight
        elif choice.times[row] == 1:
            choice.score[choice.owner[row]] -= choice.weight[row]
        choice.times[row] += 1
        choice.owner[row] += column
    choice.score[column] = own
    return gained


@inner_kernel
def _leave(rows: Lines, columns: Lines, choice: Choice, column: int) -> int:
    """Give a column back; return minus the number of rows that are uncovered now."""
    choice.places[column] = -1
    own = choice.score[column]
    lost = 0
    for at in range(columns.start[column], columns.start[column + 1]):
        row = columns.members[at]
        choice.times[row] -= 1
        choice.owner[row] -= column
        if choice.times[row] == 0:
            lost += 1
            weight = choice.weight[row]
            for member in range(rows.start[row], rows.start[row + 1]):
                choice.score[rows.members[member]] += weight
        elif choice.times[row] == 1:
            choice.score[choice.owner[row]] += choice.weight[row]
    choice.score[column] = own
    return -lost


@inner_kernel
def _weakest(choice: Choice, step: int) -> int:
    """Find the taken column that covers least alone, the longest taken of equals."""
    best = -1
    for place in range(choice.taken.size):
        column = choice.taken[place]
        if choice.changed[column] == step - 1 and choice.taken.size > 1:
            continue
        if best < 0:
            best = place
            continue
        other = choice.taken[best]
        score, rival = choice.score[column], choice.score[other]
        if score < rival or (score == rival and choice.changed[column] < choice.changed[other]):
            best = place
    return best


@inner_kernel
def _strongest(rows: Lines, choice: Choice, row: int, step: int) -> int:
    """Find the column of a row that covers most anew, not one that has just left if others can."""
    best = -1
    for at in range(rows.start[row], rows.start[row + 1]):
        column = rows.members[at]
        if choice.changed[column] == step:
            continue
        if best < 0:
            best = column
            continue
        score, rival = choice.score[column], choice.score[best]
        if score > rival or (score == rival and choice.changed[column] < choice.changed[best]):
            best = column
    return best if best >= 0 else rows.members[rows.start[row]]
