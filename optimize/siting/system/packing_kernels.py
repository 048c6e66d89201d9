"""
Kernels that fill a site with facilities at the largest profit.

A knapsack (Martello and Toth 1990, "Knapsack Problems", Section 2.5) with pairs that exclude each
other, and with items that may grow: an item takes its least floor area at once, and more of it up
to its largest at a profit per m². Branch and bound, depth first, with the bound of Dantzig (1957,
Operations Research 5): what is undecided is taken in parts, in the order of its profit per m².
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....models.formulation import BoolArray, FloatArray, IntArray
from ...compiled import inner_kernel, kernel

Small = NDArray[np.int8]

BASE, BOTH, MORE, REST = 0, 1, 2, 3
"""
Parts of an item: its least floor area, or that and its growth as one where the growth pays better;
its growth, beside the one or the other.
"""

EPSILON = 1e-9

BITS = 62
"""Items of a site whose exclusions fit into the bits of an integer."""


@kernel
def pack_sites(
    starts: IntArray,
    room: FloatArray,
    fixed: FloatArray,
    least: FloatArray,
    growth: FloatArray,
    kept: BoolArray,
    apart: IntArray,
    profit: FloatArray,
    density: FloatArray,
    most_nodes: int,
    is_open: Small,
    area: FloatArray,
    found: FloatArray,
) -> None:
    """
    Fill every site.

    Parameters
    ----------
    starts
        Items of site j are ``starts[j]`` to ``starts[j + 1]``, shape (sites + 1,).
    room, fixed
        Floor area of a site, and the cost of opening it if nothing is kept there, shape (sites,).
    least, growth
        Floor area that an item takes, and by how much it may grow, shape (items,).
    kept
        Items that are taken anyway, shape (items,).
    apart
        Bit k of an item is set if it excludes item k of its site, shape (items,).
    profit, density
        Profit of an item at its least floor area, and of each m² more, shape (items,).
    most_nodes
        Nodes at which a site is given up: what is found is then a bound above its profit.
    is_open, area
        Written: items taken and their floor area, shape (items,).
    found
        Written: largest profit of each site or a bound above it, shape (sites,).
    """
    most = 0
    for site in range(room.size):
        most = max(most, starts[site + 1] - starts[site])
    order, taken = np.empty(most, np.int64), np.empty(most, np.int8)
    part_item, part_kind = np.empty(2 * most, np.int64), np.empty(2 * most, np.int8)
    part_size, part_density = np.empty(2 * most), np.empty(2 * most)
    rank = np.empty(most, np.int64)
    for site in range(room.size):
        a, b = starts[site], starts[site + 1]
        if a == b:
            found[site] = 0.0
            continue
        own = slice(a, b)
        waiting = _candidates(
            room[site], least[own], growth[own], kept[own], apart[own],
            profit[own], density[own], order, rank,
        )  # fmt: skip
        parts = _parts(
            least[own], growth[own], kept[own], profit[own], density[own], rank,
            part_item, part_kind, part_size, part_density,
        )  # fmt: skip
        found[site] = _search(
            room[site], fixed[site], waiting, parts, most_nodes, least[own], kept[own],
            apart[own], profit[own], order, rank, taken, part_item, part_kind, part_size,
            part_density, is_open[own],
        )  # fmt: skip
        _grow(
            room[site], parts, least[own], is_open[own], part_item, part_kind, part_size, area[own]
        )


@inner_kernel
def _candidates(
    room: float,
    least: FloatArray,
    growth: FloatArray,
    kept: BoolArray,
    apart: IntArray,
    profit: FloatArray,
    density: FloatArray,
    order: IntArray,
    rank: IntArray,
) -> int:
    """Sort the items that may pay by profit per m²; those that cannot have rank -1."""
    left, keeping = room, 0
    for i in range(least.size):
        rank[i] = -1
        if kept[i]:
            left -= least[i]
            keeping |= _bit(i)
    waiting = 0
    for i in range(least.size):
        best = profit[i] + max(density[i], 0.0) * growth[i]
        if kept[i] or best <= 0 or least[i] > left + EPSILON or apart[i] & keeping:
            continue
        k = waiting
        value = _worth(least[i], growth[i], profit[i], density[i])
        while k > 0:
            j = order[k - 1]
            if _worth(least[j], growth[j], profit[j], density[j]) >= value:
                break
            order[k] = j
            k -= 1
        order[k] = i
        waiting += 1
    for k in range(waiting):
        rank[order[k]] = k
    return waiting


@inner_kernel
def _worth(least: float, growth: float, profit: float, density: float) -> float:
    """Profit per m² of an item: of its least floor area, or of all where more pays better."""
    base = profit / max(least, EPSILON)
    if density <= base:
        return base
    return (profit + density * growth) / max(least + growth, EPSILON)


@inner_kernel
def _parts(
    least: FloatArray,
    growth: FloatArray,
    kept: BoolArray,
    profit: FloatArray,
    density: FloatArray,
    rank: IntArray,
    part_item: IntArray,
    part_kind: Small,
    part_size: FloatArray,
    part_density: FloatArray,
) -> int:
    """List the parts of items that pay, sorted by profit per m²."""
    num = 0
    for i in range(least.size):
        if rank[i] < 0 and not kept[i]:
            continue
        grows = density[i] > 0 and growth[i] > 0
        is_one = grows and density[i] * max(least[i], EPSILON) > profit[i]
        for is_growth in (False, True):
            if is_growth:
                if not grows:
                    continue
                kind, size, value = REST if is_one else MORE, growth[i], density[i]
            else:
                if kept[i]:
                    continue
                kind = BOTH if is_one else BASE
                size = least[i] + (growth[i] if is_one else 0.0)
                value = _worth(least[i], growth[i], profit[i], density[i])
            if value <= 0:
                continue
            k = num
            while k > 0 and part_density[k - 1] < value:
                part_item[k], part_kind[k] = part_item[k - 1], part_kind[k - 1]
                part_size[k], part_density[k] = part_size[k - 1], part_density[k - 1]
                k -= 1
            part_item[k], part_kind[k], part_size[k], part_density[k] = i, kind, size, value
            num += 1
    return num


@inner_kernel
def _search(
    room: float,
    fixed: float,
    waiting: int,
    parts: int,
    most_nodes: int,
    least: FloatArray,
    kept: BoolArray,
    apart: IntArray,
    profit: FloatArray,
    order: IntArray,
    rank: IntArray,
    taken: Small,
    part_item: IntArray,
    part_kind: Small,
    part_size: FloatArray,
    part_density: FloatArray,
    is_open: Small,
) -> float:
    """Decide item by item, the best first; return the largest profit or a bound above it."""
    left, value, holds = _kept(room, least, kept, profit, taken)
    kept_bits, depth, nodes = holds, 0, 0
    best, unseen = -np.inf, -np.inf
    while True:
        bound = value + _filled(
            left, depth, parts, rank, taken, part_item, part_kind, part_size, part_density
        )
        nodes += 1
        goes_on = bound > best + EPSILON * (1.0 + abs(bound))
        if goes_on and nodes > most_nodes and best > -np.inf:
            unseen, goes_on = max(unseen, bound), False
        if goes_on and depth == waiting:
            best, goes_on = bound, False
            for i in range(least.size):
                is_open[i] = taken[i]
        if goes_on:
            i = order[depth]
            if least[i] <= left + EPSILON and not apart[i] & holds:
                taken[i] = 1
                left -= least[i]
                value += profit[i]
                holds |= _bit(i)
            depth += 1
            continue
        while depth > 0 and taken[order[depth - 1]] == 0:
            depth -= 1
        if depth == 0:
            break
        i = order[depth - 1]
        taken[i] = 0
        left += least[i]
        value -= profit[i]
        holds ^= _bit(i)
    return _opened(max(best, unseen), fixed, kept_bits, is_open)


@inner_kernel
def _kept(
    room: float, least: FloatArray, kept: BoolArray, profit: FloatArray, taken: Small
) -> tuple[float, float, int]:
    """Take what is kept; return the room that is left, its profit, and what is held as bits."""
    left, value, holds = room, 0.0, 0
    for i in range(least.size):
        taken[i] = 0
        if kept[i]:
            taken[i] = 1
            left -= least[i]
            value += profit[i]
            holds |= _bit(i)
    return left, value, holds


@inner_kernel
def _bit(item: int) -> int:
    """Bit of an item; none for those beyond the bits of an integer, whose exclusions are lost."""
    return 1 << item if item < BITS else 0


@inner_kernel
def _filled(
    room: float,
    depth: int,
    parts: int,
    rank: IntArray,
    taken: Small,
    part_item: IntArray,
    part_kind: Small,
    part_size: FloatArray,
    part_density: FloatArray,
) -> float:
    """Profit of the room that is left, filled with parts of what is undecided or may grow."""
    profit = 0.0
    for q in range(parts):
        if room <= 0:
            break
        i = part_item[q]
        counts = rank[i] >= depth and part_kind[q] != REST
        if counts or (taken[i] == 1 and part_kind[q] >= MORE):
            size = min(room, part_size[q])
            profit += size * part_density[q]
            room -= size
    return profit


@inner_kernel
def _opened(profit: float, fixed: float, kept_bits: int, is_open: Small) -> float:
    """Profit of a site after the cost of opening it; nothing is opened where that is more."""
    if kept_bits != 0:
        return profit
    if profit > fixed:
        return profit - fixed
    for i in range(is_open.size):
        is_open[i] = 0
    return 0.0


@inner_kernel
def _grow(
    room: float,
    parts: int,
    least: FloatArray,
    is_open: Small,
    part_item: IntArray,
    part_kind: Small,
    part_size: FloatArray,
    area: FloatArray,
) -> None:
    """Give what is left of the room to the items taken, those first that gain most."""
    left = room
    for i in range(least.size):
        area[i] = least[i] if is_open[i] else 0.0
        left -= area[i]
    for q in range(parts):
        i = part_item[q]
        if part_kind[q] >= MORE and is_open[i] and left > 0:
            more = min(left, part_size[q])
            area[i] += more
            left -= more
