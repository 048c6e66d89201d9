"""Compiled kernels that list the sites near points, and find clients with equal sets of sites."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .....models.formulation import FloatArray, IntArray
from ....compiled import inner_kernel, kernel

SmallArray = NDArray[np.int32]
"""Numbers of sites, at half the memory."""

_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_S29 = np.uint64(29)


@kernel
def near_sites(
    clients: FloatArray,
    sites: FloatArray,
    radius: float,
    origin: FloatArray,
    cell: float,
    shape: IntArray,
    starts: IntArray,
    order: IntArray,
    indptr: IntArray,
    indices: SmallArray,
) -> None:
    """
    List the sites within the radius of each client, in rising order.

    If ``indices`` is empty they are only counted. Sites lie in a grid of square cells no smaller
    than the radius: those of cell c are ``order[starts[c]:starts[c + 1]]``.
    """
    fill = indices.size > 0
    squared = radius * radius
    for i in range(clients.shape[0]):
        x, y = clients[i, 0], clients[i, 1]
        column = int(np.floor((x - origin[0]) / cell))
        row = int(np.floor((y - origin[1]) / cell))
        count = 0
        first = indptr[i]
        for r in range(max(row - 1, 0), min(row + 2, shape[1])):
            for c in range(max(column - 1, 0), min(column + 2, shape[0])):
                place = r * shape[0] + c
                for k in range(starts[place], starts[place + 1]):
                    j = order[k]
                    dx, dy = x - sites[j, 0], y - sites[j, 1]
                    between = dx * dx + dy * dy
                    if between > squared * (1 + 1e-12) or np.sqrt(between) > radius:
                        continue
                    if fill:
                        at = first + count
                        while at > first and indices[at - 1] > j:
                            indices[at] = indices[at - 1]
                            at -= 1
                        indices[at] = j
                    count += 1
        if not fill:
            indptr[i + 1] = indptr[i] + count


@inner_kernel
def first_slot(indices: SmallArray, start: int, end: int, table: IntArray) -> int:
    """Place in the hash table at which the search for a set begins (Fowler, Noll and Vo's hash)."""
    key = _BASIS
    for k in range(start, end):
        key = (key ^ np.uint64(indices[k])) * _PRIME
    key = key * _MIX
    return np.int64((key ^ (key >> _S29)) & np.uint64(table.size - 1))  # type: ignore[return-value]


@inner_kernel
def is_equal(indices: SmallArray, start: int, others: SmallArray, begin: int, size: int) -> bool:
    """Tell whether two sets of that size are equal."""
    k = 0
    while k < size and others[begin + k] == indices[start + k]:
        k += 1
    return k == size


@kernel
def merge_rows(
    indptr: IntArray,
    indices: SmallArray,
    first: int,
    table: IntArray,
    group_indptr: IntArray,
    group_indices: SmallArray,
    num_groups: int,
    group_of_row: IntArray,
) -> tuple[int, int]:
    """
    Put rows into groups of equal sets; sets are compared in full, so that no hash can deceive.

    Parameters
    ----------
    indptr, indices
        The rows; the indices of each rise.
    first
        Row to begin with.
    table
        Open-addressed hash table of groups, -1 where free; its size is a power of 2.
    group_indptr, group_indices, num_groups
        The groups so far; new ones are appended while there is room.
    group_of_row
        Receives the group of each row.

    Returns
    -------
    tuple
        The row at which room ran out (the number of rows if it did not), and the number of groups.
    """
    mask = table.size - 1
    for i in range(first, indptr.size - 1):
        start, size = indptr[i], indptr[i + 1] - indptr[i]
        slot = first_slot(indices, start, start + size, table)
        while table[slot] >= 0:
            begin = group_indptr[table[slot]]
            if group_indptr[table[slot] + 1] - begin == size and is_equal(
                indices, start, group_indices, begin, size
            ):
                break
            slot = (slot + 1) & mask
        if table[slot] < 0:
            used = group_indptr[num_groups]
            is_full = 2 * num_groups + 2 > table.size or num_groups + 2 > group_indptr.size
            if is_full or used + size > group_indices.size:
                return i, num_groups
            table[slot] = num_groups
            for k in range(size):
                group_indices[used + k] = indices[start + k]
            num_groups += 1
            group_indptr[num_groups] = used + size
        group_of_row[i] = table[slot]
    return indptr.size - 1, num_groups


@kernel
def refill_table(
    table: IntArray, group_indptr: IntArray, group_indices: SmallArray, num_groups: int
) -> None:
    """Enter all groups into an empty, larger table."""
    mask = table.size - 1
    for group in range(num_groups):
        slot = first_slot(group_indices, group_indptr[group], group_indptr[group + 1], table)
        while table[slot] >= 0:
            slot = (slot + 1) & mask
        table[slot] = group
