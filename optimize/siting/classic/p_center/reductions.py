"""
Reductions of a set covering problem in which every column costs the same.

A column whose rows are all covered by another one is dropped; a row that is covered whenever
another one is, too; the only column of a row is taken. Toregas and ReVelle 1972, "Optimal location
under time or distance constraints", Papers of the Regional Science Association 28.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .....models.formulation import BoolArray, IntArray
from ....compiled import inner_kernel, kernel

Bits = NDArray[np.uint64]
Ones = tuple[IntArray, IntArray, IntArray, Bits]


class Reduced(NamedTuple):
    """
    What is left of a covering problem.

    Parameters
    ----------
    rows, columns
        Those that are left.
    forced
        Columns that must be taken.
    possible
        False if some row has no column.
    """

    rows: IntArray
    columns: IntArray
    forced: IntArray
    possible: bool


class Lines(NamedTuple):
    """
    The rows, or the columns, of a matrix of ones.

    Parameters
    ----------
    start, members
        Ones of line i: ``members[start[i]:start[i + 1]]``.
    alive, size
        Whether the line is left, and how many of its members are.
    bits
        Members that are left, 64 a word.
    """

    start: IntArray
    members: IntArray
    alive: BoolArray
    size: IntArray
    bits: Bits


def reduce_cover(covers: BoolArray) -> Reduced:
    """
    Drop rows and columns that no smallest cover needs.

    Parameters
    ----------
    covers
        Which column covers which row, shape (rows, columns).
    """
    rows, columns = lines_of(covers)
    forced = np.zeros(covers.shape[1], dtype=bool)
    possible = _reduce(rows, columns, forced)
    return Reduced(
        np.flatnonzero(rows.alive),
        np.flatnonzero(columns.alive),
        np.flatnonzero(forced),
        bool(possible),
    )


def lines_of(matrix: BoolArray) -> tuple[Lines, Lines]:
    """List the ones of each row, and of each column, of a matrix."""
    rows, columns = (np.ones(size, dtype=bool) for size in matrix.shape)
    of_rows, of_columns = _list_ones(np.ascontiguousarray(matrix))
    return Lines(*of_rows[:2], rows, *of_rows[2:]), Lines(*of_columns[:2], columns, *of_columns[2:])


@kernel
def _list_ones(matrix: BoolArray) -> tuple[Ones, Ones]:
    """Start, members, size and bits of rows and of columns."""
    num_rows, num_columns = matrix.shape
    row_bits = np.zeros((num_rows, max(1, (num_columns + 63) // 64)), np.uint64)
    column_bits = np.zeros((num_columns, max(1, (num_rows + 63) // 64)), np.uint64)
    row_start = np.zeros(num_rows + 1, np.int64)
    column_start = np.zeros(num_columns + 1, np.int64)
    for row in range(num_rows):
        row_start[row + 1] = row_start[row]
        for column in range(num_columns):
            if matrix[row, column]:
                row_start[row + 1] += 1
                column_start[column + 1] += 1
                row_bits[row, column // 64] |= np.uint64(1) << np.uint64(column % 64)
                column_bits[column, row // 64] |= np.uint64(1) << np.uint64(row % 64)
    row_size, column_size = np.diff(row_start), column_start[1:].copy()
    column_start[:] = np.cumsum(column_start)
    row_members = np.empty(row_start[-1], np.int64)
    column_members = np.empty(row_start[-1], np.int64)
    place, column_place = 0, column_start.copy()
    for row in range(num_rows):
        for column in range(num_columns):
            if matrix[row, column]:
                row_members[place] = column
                place += 1
                column_members[column_place[column]] = row
                column_place[column] += 1
    return (
        (row_start, row_members, row_size, row_bits),
        (column_start, column_members, column_size, column_bits),
    )


@kernel
def _reduce(rows: Lines, columns: Lines, forced: BoolArray) -> bool:
    """Repeat the three reductions until none changes anything; False if a row has no column."""
    changed = True
    while changed:
        changed = False
        for row in range(rows.alive.size):
            if rows.alive[row] and rows.size[row] == 0:
                return False
            if rows.alive[row] and rows.size[row] == 1:
                _take_only_column(rows, columns, row, forced)
                changed = True
        for column in np.argsort(columns.size):
            if columns.alive[column] and _column_is_dominated(rows, columns, column):
                _drop(columns, rows, column)
                changed = True
        for row in np.argsort(rows.size):
            if rows.alive[row] and rows.size[row] > 0:
                changed |= _drop_dominated_rows(rows, columns, row)
    return True


@inner_kernel
def _drop(lines: Lines, others: Lines, line: int) -> None:
    """Drop a line, and take it out of the lines that cross it."""
    lines.alive[line] = False
    word = line // 64
    mask = ~(np.uint64(1) << np.uint64(line % 64))
    for place in range(lines.start[line], lines.start[line + 1]):
        other = lines.members[place]
        others.size[other] -= 1
        others.bits[other, word] &= mask


@inner_kernel
def _take_only_column(rows: Lines, columns: Lines, row: int, forced: BoolArray) -> None:
    """Take the only column of a row, and drop all rows that it covers."""
    column = -1
    for place in range(rows.start[row], rows.start[row + 1]):
        if columns.alive[rows.members[place]]:
            column = rows.members[place]
    forced[column] = True
    for place in range(columns.start[column], columns.start[column + 1]):
        covered = columns.members[place]
        if rows.alive[covered]:
            _drop(rows, columns, covered)
    _drop(columns, rows, column)


@inner_kernel
def _smallest_member(lines: Lines, others: Lines, line: int) -> int:
    """Find the living line with fewest members among those that cross a line, -1 if none does."""
    smallest = -1
    for place in range(lines.start[line], lines.start[line + 1]):
        other = lines.members[place]
        if others.alive[other] and (smallest < 0 or others.size[other] < others.size[smallest]):
            smallest = other
    return smallest


@inner_kernel
def _is_subset(bits: Bits, small: int, large: int) -> bool:
    """Tell whether every bit of one line is set in another."""
    for word in range(bits.shape[1]):  # noqa: SIM110 - compiled: a loop, no generator
        if bits[small, word] & ~bits[large, word]:
            return False
    return True


@inner_kernel
def _column_is_dominated(rows: Lines, columns: Lines, column: int) -> bool:
    """Tell whether another column covers all rows that this one does."""
    rarest = _smallest_member(columns, rows, column)
    if rarest < 0:
        return True
    for place in range(rows.start[rarest], rows.start[rarest + 1]):
        other = rows.members[place]
        if (
            other != column
            and columns.alive[other]
            and columns.size[other] >= columns.size[column]
            and _is_subset(columns.bits, column, other)
        ):
            return True
    return False


@inner_kernel
def _drop_dominated_rows(rows: Lines, columns: Lines, row: int) -> bool:
    """Drop the rows that every column of this row covers; tell whether there were any."""
    rarest = _smallest_member(rows, columns, row)
    dropped = False
    for place in range(columns.start[rarest], columns.start[rarest + 1]):
        other = columns.members[place]
        if (
            other != row
            and rows.alive[other]
            and rows.size[other] >= rows.size[row]
            and _is_subset(rows.bits, row, other)
        ):
            _drop(rows, columns, other)
            dropped = True
    return dropped
