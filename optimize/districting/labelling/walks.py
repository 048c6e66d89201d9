"""
Cheapest walks in the dual of a planar graph, for every weight that they sweep over.

A table holds, for each face and each weight θ modulo the total, the least cost of a walk from the
hub to that face whose fluxes add up to θ: a resource constrained shortest path with as many labels
as there are weights (Desrochers and Soumis 1988, "A generalized permanent labelling algorithm for
the shortest path problem with time windows", INFOR 26(3)), in buckets of nearly equal costs (Meyer
and Sanders 2003, "Δ-stepping", Journal of Algorithms 49(1)). Walks may cross themselves and each
other, so that every sum of walks is a bound, and is exact where the best ones do not.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...compiled import kernel

Table: TypeAlias = NDArray[np.int32]
Index: TypeAlias = NDArray[np.int64]

NONE = np.iinfo(np.int32).max
"""Entry where no walk leads."""


@kernel
def leave(table: Table, first: Index, head: Index, flux: Index, cost: Index, hub: int) -> None:
    """Empty the table and enter the single arcs that leave the hub."""
    total = table.shape[1]
    table[:] = NONE
    for arc in range(first[hub], first[hub + 1]):
        if head[arc] != hub:
            place = flux[arc] % total
            table[head[arc], place] = min(table[head[arc], place], cost[arc])


@kernel
def _append(items: Index, count: int, item: int) -> Index:
    """Put an item behind ``count`` others, in a larger array if there is no room."""
    if count == items.size:
        larger = np.empty(2 * items.size, np.int64)
        larger[:count] = items
        items = larger
    items[count] = item
    return items


@kernel
def spread(
    table: Table,
    first: Index,
    head: Index,
    flux: Index,
    cost: Index,
    hub: int,
    most: int,
    step: int,
) -> None:
    """
    Prolong the walks of a table as long as they cost no more than ``most`` and avoid the hub.

    Arcs from a face to itself are left out: no border of several edges holds one.

    Parameters
    ----------
    step
        Width of a bucket of costs.
    """
    far = np.flatnonzero(table.ravel() <= most)
    near, soon = np.empty(1 << 16, np.int64), np.empty(1 << 16, np.int64)
    num_far, end = far.size, int(table.min()) + step
    while num_far:
        near, num_near, num_far = _ripe(table, far, num_far, end, step, near)
        while num_near:
            soon, num_soon, far, num_far = _prolong(
                table, first, head, flux, cost, hub, most, end, near, num_near, soon, far, num_far
            )
            near, soon, num_near = soon, near, num_soon
        end += step


@kernel
def _ripe(
    table: Table, far: Index, num_far: int, end: int, step: int, near: Index
) -> tuple[Index, int, int]:
    """Take those out of ``far`` that cost less than ``end``; returns them, and what is left."""
    total, num_near, kept = table.shape[1], 0, 0
    for i in range(num_far):
        value = table[far[i] // total, far[i] % total]
        if value >= end:
            far[kept] = far[i]
            kept += 1
        elif value >= end - step:
            near = _append(near, num_near, far[i])
            num_near += 1
    return near, num_near, kept


@kernel
def _prolong(
    table: Table,
    first: Index,
    head: Index,
    flux: Index,
    cost: Index,
    hub: int,
    most: int,
    end: int,
    near: Index,
    num_near: int,
    soon: Index,
    far: Index,
    num_far: int,
) -> tuple[Index, int, Index, int]:
    """Prolong the walks to ``near`` by an arc; returns what costs less than ``end``, and more."""
    total, num_soon = table.shape[1], 0
    for i in range(num_near):
        face = near[i] // total
        place = near[i] - face * total
        value = np.int64(table[face, place])
        for arc in range(first[face], first[face + 1]):
            other, longer = head[arc], value + cost[arc]
            if other in (hub, face) or longer > most:
                continue
            moved = (place + flux[arc]) % total
            if longer >= table[other, moved]:
                continue
            table[other, moved] = longer
            if longer < end:
                soon = _append(soon, num_soon, other * total + moved)
                num_soon += 1
            else:
                far = _append(far, num_far, other * total + moved)
                num_far += 1
    return soon, num_soon, far, num_far


@kernel
def _least_ahead(row: Table, low: int, high: int, out: Table) -> None:
    """Set out[θ] to the least of row[θ + low .. θ + high], places modulo the length."""
    total, span = row.size, high - low
    queue = np.empty(total + span + 1, np.int64)
    front, back = 0, 0
    for ahead in range(low, high + total):
        value = row[ahead % total]
        while back > front and row[queue[back - 1] % total] >= value:
            back -= 1
        queue[back] = ahead
        back += 1
        place = ahead - high
        if place >= 0:
            while queue[front] < place + low:
                front += 1
            out[place] = row[queue[front] % total]


@kernel
def least_pair(table: Table, low: int, high: int, limit: int) -> tuple[int, Index]:
    """
    Return the least cost below the limit of two walks to one face that enclose low..high.

    Returns
    -------
    tuple
        The cost, the limit if there is none; and face, θ of the first and of the second walk.
    """
    total = table.shape[1]
    ahead = np.empty(total, np.int32)
    found = np.full(3, -1, np.int64)
    for face in range(table.shape[0]):
        row = table[face]
        least = np.int64(row.min())
        if 2 * least >= limit:
            continue
        _least_ahead(row, low, high, ahead)
        for place in range(total):
            if np.int64(row[place]) + ahead[place] < limit:
                limit = np.int64(row[place]) + ahead[place]
                found[0], found[1] = face, place
    if found[0] >= 0:
        row = table[found[0]]
        for gap in range(low, high + 1):
            if np.int64(row[found[1]]) + row[(found[1] + gap) % total] == limit:
                found[2] = (found[1] + gap) % total
    return limit, found


@kernel
def pair_up(table: Table, low: int, high: int, most: int, out: Table) -> None:
    """Enter the least cost of two walks that enclose low..high, at θ of the first one."""
    total = table.shape[1]
    ahead = np.empty(total, np.int32)
    out[:] = NONE
    for face in range(table.shape[0]):
        row = table[face]
        if 2 * np.int64(row.min()) > most:
            continue
        _least_ahead(row, low, high, ahead)
        for place in range(total):
            value = np.int64(row[place]) + ahead[place]
            if value <= most:
                out[face, place] = value


@kernel
def least_star(one: Table, rest: Table, windows: Index, limit: int) -> tuple[int, Index]:
    """
    Return the least cost below the limit of a walk of ``one`` and two of ``rest`` that meet.

    Parameters
    ----------
    windows
        Least and most weight from the first walk to the second, from there to the third, and
        from there to the first, shape (3, 2).

    Returns
    -------
    tuple
        The cost, the limit if there is none; and face, θ of the three walks.
    """
    total = rest.shape[1]
    second, third = np.empty(total, np.int32), np.empty(total, np.int32)
    after = np.empty(total, np.int32)
    found = np.full(4, -1, np.int64)
    for face in range(rest.shape[0]):
        row, start = rest[face], one[face]
        if np.int64(start.min()) + 2 * np.int64(row.min()) >= limit:
            continue
        _least_ahead(row, windows[0, 0], windows[0, 1], second)
        _least_ahead(row, windows[1, 0], windows[1, 1], after)
        _least_ahead(row, total - windows[2, 1], total - windows[2, 0], third)
        for place in range(total):
            if np.int64(start[place]) + second[place] + third[place] >= limit:
                continue
            value = _least_two(row, after, place, windows, limit - start[place])
            if start[place] + value < limit:
                limit = start[place] + value
                found[0], found[1] = face, place
    if found[0] >= 0:
        _find_two(rest[found[0]], windows, limit - one[found[0], found[1]], found)
    return limit, found


@kernel
def _least_two(row: Table, after: Table, place: int, windows: Index, limit: int) -> int:
    """
    Return the least cost below the limit of the second and third walk to the first at ``place``.

    The third one lies in two windows at once. Their common part is the whole window after the
    second walk, or begins or ends with the window before the first.
    """
    total = row.size
    low, high = total - windows[2, 1], total - windows[2, 0]
    count = high - low + 1
    begin, end = np.empty(count, np.int32), np.empty(count, np.int32)
    for i in range(count):
        value, other = row[(place + low + i) % total], row[(place + high - i) % total]
        begin[i] = value if i == 0 else min(value, begin[i - 1])
        end[count - 1 - i] = other if i == 0 else min(other, end[count - i])
    for gap in range(windows[0, 0], windows[0, 1] + 1):
        value = np.int64(row[(place + gap) % total])
        if value >= limit:
            continue
        one, last = gap + windows[1, 0], gap + windows[1, 1]
        if one > high or last < low:
            continue
        if one >= low and last <= high:
            value += after[(place + gap) % total]
        elif one >= low:
            value += end[one - low]
        elif last <= high:
            value += begin[last - low]
        else:
            value += begin[count - 1]
        limit = min(limit, value)
    return limit


@kernel
def _find_two(row: Table, windows: Index, value: int, found: Index) -> None:
    """Find the second and third walk of that value together."""
    total, place = row.size, found[1]
    for gap in range(windows[0, 0], windows[0, 1] + 1):
        two = np.int64(row[(place + gap) % total])
        if two > value:
            continue
        low = max(windows[1, 0], total - gap - windows[2, 1])
        high = min(windows[1, 1], total - gap - windows[2, 0])
        for more in range(low, high + 1):
            if two + row[(place + gap + more) % total] == value:
                found[2], found[3] = (place + gap) % total, (place + gap + more) % total
                return


@kernel
def traced(
    table: Table, first: Index, head: Index, flux: Index, cost: Index, hub: int, end: Index
) -> tuple[Index, Index]:
    """
    Return arcs of a walk of the table back from (face, θ) ``end``, and where it began.

    It began at (hub, 0), or at an entry that no other one leads to.
    """
    total = table.shape[1]
    arcs = np.empty(1 << 16, np.int64)
    face, place, count = end[0], end[1], 0
    while face != hub:
        value, step = np.int64(table[face, place]), -1
        for arc in range(first[face], first[face + 1]):
            other, before = head[arc], (place + flux[arc]) % total
            if other == hub:
                begins = before == 0 and cost[arc] == value
            else:
                # Arcs without cost could be followed forever, so they are not.
                begins = cost[arc] > 0 and table[other, before] == value - cost[arc]
            if begins:
                step = arc
        if step < 0:
            break
        arcs = _append(arcs, count, step)
        count += 1
        face, place = head[step], (place + flux[step]) % total
    return arcs[:count], np.array([face, place])
