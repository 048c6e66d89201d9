"""Households, ages and estates of the courtyards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .courtyards import LAND_USES, TOWER_ESTATE, WALK_UP, Courtyards

if TYPE_CHECKING:
    from ...models.formulation import IntArray
    from .communities import Borders, Communities

LARGEST_ESTATE = 3_000
SHARE_FOUNDED = 0.12
"""Share of the possible estates that are founded; about a sixth of the units belong to one."""


def count_households(
    courtyards: Courtyards, communities: Communities, rng: np.random.Generator
) -> IntArray:
    """Count the households of each unit, by land use; small ones where chosen."""
    size = np.array([use.household_size for use in LAND_USES])[courtyards.land_use]
    size = size * rng.normal(1, 0.05, courtyards.num_units).clip(0.85, 1.15)
    size = np.where(np.isin(communities.of_unit, communities.many_households), 0.9 * size, size)
    households: IntArray = np.ceil(courtyards.residents / size).astype(np.int64)
    return households


def count_by_age(courtyards: Courtyards, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Count the residents of 65 years and more, and residents under 7, of each unit."""
    counts = []
    for shares in (
        [use.share_65plus for use in LAND_USES],
        [use.share_under_7 for use in LAND_USES],
    ):
        share = np.array(shares)[courtyards.land_use]
        share = share * rng.lognormal(0, 0.2, courtyards.num_units)
        counts.append(np.rint(courtyards.residents * share.clip(0, 0.45)).astype(np.int64))
    return counts[0], counts[1]


def found_estates(
    courtyards: Courtyards,
    communities: Communities,
    borders: Borders,
    rng: np.random.Generator,
) -> IntArray:
    """
    Estate of each unit, -1 for none: two to four adjacent courtyards of a block and community.

    Returns
    -------
    estate
        Index of the estate, shape (units,).
    """
    built = np.isin(courtyards.land_use, (TOWER_ESTATE, WALK_UP))
    a, b = borders.pairs.T
    same = built[a] & built[b] & (courtyards.block[a] == courtyards.block[b])
    same &= communities.of_unit[a] == communities.of_unit[b]
    neighbours: dict[int, list[int]] = {}
    for one, other in borders.pairs[same].tolist():
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    estate = np.full(courtyards.num_units, -1)
    count = 0
    for seed in rng.permutation(sorted(neighbours)).tolist():
        members = _grow_estate(seed, neighbours, estate, courtyards.residents, rng)
        if len(members) > 1 and rng.uniform() < SHARE_FOUNDED:
            estate[members] = count
            count += 1
    return estate


def _grow_estate(
    seed: int,
    neighbours: dict[int, list[int]],
    estate: IntArray,
    residents: IntArray,
    rng: np.random.Generator,
) -> list[int]:
    """Add free neighbours to the unit ``seed`` while the estate stays of a size to manage."""
    members = [seed] if estate[seed] < 0 else []
    wanted = int(rng.integers(2, 5))
    for unit in members:
        for other in neighbours[unit]:
            fits = residents[[*members, other]].sum() <= LARGEST_ESTATE
            if len(members) < wanted and fits and estate[other] < 0 and other not in members:
                members.append(other)
    return members
