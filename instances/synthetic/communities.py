"""Borders, communities and streets of a synthetic city."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .fabric import ARTERIAL, BARRIER, PATH, STREET, Fabric
from .partition import Graph, partition

if TYPE_CHECKING:
    from ...models.formulation import FloatArray, IntArray
    from .courtyards import Courtyards

COUNTY_CODE = "320599"
RESIDENTS_PER_STREET = 72_000
RESIDENTS_PER_COMMUNITY = 7_000
SMALLEST_COMMUNITY = 4_000
RESIDENTS_PER_LARGE, RESIDENTS_PER_MIDDLING = 70_000, 95_000
LARGE, LARGEST, MIDDLING = (21_300, 25_500), (28_000, 31_000), (15_900, 18_900)
"""Ranges of the residents of communities above 20,000 and above 15,000."""
MANY_HOUSEHOLDS_RESIDENTS, RESIDENTS_PER_MANY_HOUSEHOLDS = 14_000, 250_000
"""Residents of a community of small households, and how many residents there are to one."""
ATTEMPTS = 20
WORST_MISS = 0.05
"""Share by which a community may miss its goal; the goals stay clear of the thresholds by it."""


@dataclass(frozen=True, eq=False)
class Borders:
    """
    Common borders of the units.

    Parameters
    ----------
    pairs
        Units on both sides, the smaller index first, shape (borders, 2).
    lengths
        Length in metres, shape (borders,).
    ranks
        Rank of the line along the border, shape (borders,).
    """

    pairs: IntArray
    lengths: FloatArray
    ranks: IntArray


@dataclass(frozen=True, eq=False)
class Communities:
    """
    Who belongs together.

    Parameters
    ----------
    of_unit
        Community of each unit, shape (units,).
    street_of
        Street of each community, shape (communities,); a street's communities follow each other.
    codes
        Codes of twelve digits of the communities.
    many_households
        Communities of small households.
    """

    of_unit: IntArray
    street_of: IntArray
    codes: list[str]
    many_households: IntArray

    @property
    def num_communities(self) -> int:
        """Number of communities."""
        return int(self.street_of.size)


def line_ranks(fabric: Fabric, unit_of_cell: IntArray) -> tuple[IntArray, IntArray]:
    """
    Rank of each lattice edge: 0 inside a unit, then path, street, arterial, barrier.

    Returns
    -------
    along_rows, along_columns
        Ranks of the edges along lattice rows, shape (rows + 1, columns), and along lattice
        columns, shape (rows, columns + 1).
    """
    plan, ranks = fabric.plan, []
    for axis, arterials, barrier in (
        (0, plan.arterial_rows, plan.railway_row),
        (1, plan.arterial_columns, plan.river_column),
    ):
        rank = _differs(unit_of_cell, axis) * PATH
        rank = np.where(_differs(fabric.block_of_cell, axis), STREET, rank)
        lines = np.moveaxis(rank, axis, 0)
        lines[list(arterials)] = np.where(lines[list(arterials)] > 0, ARTERIAL, 0)
        if barrier is not None:
            lines[barrier] = np.where(lines[barrier] > 0, BARRIER, 0)
        ranks.append(rank.astype(np.int64))
    return ranks[0], ranks[1]


def _differs(raster: IntArray, axis: int) -> IntArray:
    """Mark with 1 the lattice edges between cells of different value; the outside is -1."""
    padding = [(1, 1) if i == axis else (0, 0) for i in (0, 1)]
    padded = np.moveaxis(np.pad(raster, padding, constant_values=-1), axis, 0)
    differs: IntArray = np.moveaxis(padded[1:] != padded[:-1], 0, axis).astype(np.int64)
    return differs


def shared_borders(fabric: Fabric, nodes: FloatArray, unit_of_cell: IntArray) -> Borders:
    """Collect the common borders of the units from the edges of the lattice."""
    along_rows, along_columns = line_ranks(fabric, unit_of_cell)
    ends, lengths, ranks = [], [], []
    for one, other, rank, vectors in (
        (unit_of_cell[:-1], unit_of_cell[1:], along_rows[1:-1], np.diff(nodes, axis=1)[1:-1]),
        (
            unit_of_cell[:, :-1],
            unit_of_cell[:, 1:],
            along_columns[:, 1:-1],
            np.diff(nodes, axis=0)[:, 1:-1],
        ),
    ):
        between = (one != other) & (one >= 0) & (other >= 0)
        ends.append(np.sort(np.stack([one[between], other[between]], axis=1), axis=1))
        lengths.append(np.linalg.norm(vectors, axis=-1)[between])
        ranks.append(rank[between])
    pairs, border = np.unique(np.concatenate(ends), axis=0, return_inverse=True)
    border = border.ravel()
    highest = np.zeros(len(pairs), dtype=np.int64)
    np.maximum.at(highest, border, np.concatenate(ranks))
    return Borders(pairs, _totals(border, np.concatenate(lengths)), highest)


def _totals(index: IntArray, values: FloatArray | IntArray) -> FloatArray:
    """Add up the values of each index."""
    return np.bincount(index, values).astype(np.float64)


def draw_communities(
    fabric: Fabric, courtyards: Courtyards, borders: Borders, rng: np.random.Generator
) -> Communities:
    """
    Draw communities that keep to their side of river and railway, and streets of communities.

    Most communities are of ordinary size; some are far too large, as where new estates grew
    faster than the administration, and one in a while has many small households.

    Parameters
    ----------
    fabric, courtyards, borders
        The city so far.
    rng
        Source of every random choice.
    """
    first = courtyards.rectangles
    bank = fabric.bank_of_cell[first[:, 0], first[:, 2]]
    banks, bank = np.unique(bank, return_inverse=True)
    totals = _totals(bank, courtyards.residents)
    goals = _goals(totals, int(courtyards.residents.sum()), rng)
    open_borders = borders.ranks < BARRIER
    graph = Graph(
        courtyards.residents.astype(np.float64),
        borders.pairs[open_borders],
        borders.lengths[open_borders],
        borders.ranks[open_borders].astype(np.float64),
    )
    of_unit = np.zeros(courtyards.num_units, dtype=np.int64)
    for index in range(banks.size):
        members = np.flatnonzero(bank == index)
        start = sum(goal.size for goal in goals[:index])
        of_unit[members] = start + _partition_well(graph.part(members), goals[index], rng)
    wanted = np.concatenate(goals)
    many = np.flatnonzero(np.abs(wanted - MANY_HOUSEHOLDS_RESIDENTS) < 1)
    return _group_into_streets(of_unit, courtyards, borders, many, rng)


def _goals(totals: FloatArray, residents: int, rng: np.random.Generator) -> list[FloatArray]:
    """Draw the sizes of the communities of each bank, the exceptional ones among them."""
    large = rng.uniform(*LARGE, max(1, round(residents / RESIDENTS_PER_LARGE)))
    large[0] = rng.uniform(*LARGEST) if residents > 2 * RESIDENTS_PER_LARGE else LARGE[0]
    middling = rng.uniform(*MIDDLING, round(residents / RESIDENTS_PER_MIDDLING))
    many = np.full(round(residents / RESIDENTS_PER_MANY_HOUSEHOLDS), MANY_HOUSEHOLDS_RESIDENTS)
    left, goals = totals.copy(), [np.empty(0) for _ in totals]
    for goal in np.concatenate([large, middling, many]):
        spare = left - goal
        room = (spare >= SMALLEST_COMMUNITY) | ((spare >= 0) & (goal in large))
        fits = np.flatnonzero(room)
        if fits.size:
            bank = int(rng.choice(fits, p=left[fits] / left[fits].sum()))
            goals[bank] = np.append(goals[bank], goal)
            left[bank] -= goal
    return [_fill_up(goal, float(rest), rng) for goal, rest in zip(goals, left, strict=True)]


def _fill_up(goals: FloatArray, rest: float, rng: np.random.Generator) -> FloatArray:
    """Add ordinary communities for the ``rest`` of a bank, and shuffle."""
    if rest >= SMALLEST_COMMUNITY or not goals.size:
        count = max(1, round(rest / RESIDENTS_PER_COMMUNITY))
        ordinary = rng.uniform(0.7, 1.35, count)
        goals = np.append(goals, ordinary * rest / ordinary.sum())
    else:
        goals[np.argmax(goals)] += rest
    return rng.permutation(goals)


def _partition_well(graph: Graph, goals: FloatArray, rng: np.random.Generator) -> IntArray:
    """Partition until no community misses its goal by much, or keep the nearest attempt."""
    best_miss, best = np.inf, np.empty(0, dtype=np.int64)
    for _ in range(ATTEMPTS):
        part = partition(graph, goals, rng)
        sizes = np.bincount(part, graph.sizes, goals.size)
        miss = float(np.abs(sizes / goals - 1).max())
        if miss < best_miss:
            best_miss, best = miss, part
        if best_miss < WORST_MISS:
            break
    return best


def _group_into_streets(
    of_unit: IntArray,
    courtyards: Courtyards,
    borders: Borders,
    many: IntArray,
    rng: np.random.Generator,
) -> Communities:
    """Group neighbouring communities into streets and number them street by street."""
    sizes = _totals(of_unit, courtyards.residents)
    pairs = np.sort(of_unit[borders.pairs], axis=1)
    outer = pairs[:, 0] != pairs[:, 1]
    pairs, border = np.unique(pairs[outer], axis=0, return_inverse=True)
    lengths = _totals(border.ravel(), borders.lengths[outer])
    ranks = np.zeros(len(pairs))
    np.maximum.at(ranks, border.ravel(), borders.ranks[outer].astype(np.float64))
    num_streets = max(1, round(sizes.sum() / RESIDENTS_PER_STREET))
    street = partition(Graph(sizes, pairs, lengths, ranks), np.ones(num_streets), rng)
    order = np.argsort(street, kind="stable")
    number = np.empty(order.size, dtype=np.int64)
    number[order] = np.arange(order.size)
    street = street[order]
    within = np.arange(street.size) - np.searchsorted(street, street)
    codes = [
        f"{COUNTY_CODE}{s + 1:03d}{c + 1:03d}"
        for s, c in zip(street.tolist(), within.tolist(), strict=True)
    ]
    return Communities(number[of_unit], street, codes, number[many])
