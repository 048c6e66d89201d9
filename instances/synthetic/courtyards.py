"""Courtyards, estates, villages and green of the street blocks, and who lives there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .fabric import Fabric, Rectangle, cut, rasterize, smooth_field

if TYPE_CHECKING:
    from ...models.formulation import FloatArray, IntArray

SMALLEST_UNIT, LARGEST_UNIT = 90, 1_500
SCHOOL_FROM_COURTYARDS, SHARE_WITH_SCHOOL = 4, 0.3
VILLAGE_WOBBLE_M = 9.0


@dataclass(frozen=True)
class LandUse:
    """
    One way of building on a block.

    Parameters
    ----------
    name
        What it is called in the units layer.
    density
        Density relative to other uses at the same place; 0 where nobody lives.
    residents_per_unit
        Typical residents of one courtyard.
    household_size
        Mean residents per household.
    share_65plus, share_under_7
        Mean shares of the residents by age.
    """

    name: str
    density: float = 0.0
    residents_per_unit: float = np.inf
    household_size: float = 2.6
    share_65plus: float = 0.0
    share_under_7: float = 0.0


LAND_USES = (
    LandUse("tower_estate", 1.45, 720, 2.68, 0.10, 0.085),
    LandUse("walk_up", 1.25, 330, 2.42, 0.25, 0.045),
    LandUse("village", 0.90, 400, 2.75, 0.14, 0.055),
    LandUse("industry"),
    LandUse("park"),
    LandUse("school"),
    LandUse("riverside"),
)
TOWER_ESTATE, WALK_UP, VILLAGE, INDUSTRY, PARK, SCHOOL, RIVERSIDE = range(7)


@dataclass(frozen=True, eq=False)
class Courtyards:
    """
    The units of the city.

    Parameters
    ----------
    rectangles
        Rectangles of cells, shape (units, 4).
    unit_of_cell
        Index of the unit of each cell, -1 outside, shape (rows, columns).
    block
        Index of each unit's street block, shape (units,).
    land_use
        Index into :data:`LAND_USES`, shape (units,).
    centrality
        1 in the main centre, near 0 at the edge, shape (units,).
    residents
        Residents, shape (units,).
    """

    rectangles: IntArray
    unit_of_cell: IntArray
    block: IntArray
    land_use: IntArray
    centrality: FloatArray
    residents: IntArray

    @property
    def num_units(self) -> int:
        """Number of units."""
        return int(self.residents.size)


def settle(fabric: Fabric, residents: int, rng: np.random.Generator) -> Courtyards:
    """
    Divide the blocks of a city into courtyards and let ``residents`` move in.

    Parameters
    ----------
    fabric
        Streets and blocks.
    residents
        Residents of the city, met exactly.
    rng
        Source of every random choice.
    """
    block_area, block_centre = _measure(fabric, fabric.blocks)
    centrality = _centrality(block_centre, rng)
    land_use = _choose_land_use(fabric, centrality, rng)
    variety = smooth_field(block_centre[:, 0], block_centre[:, 1], rng, scale=1_800.0)
    density = np.array([use.density for use in LAND_USES])[land_use]
    density = density * (0.22 + centrality) * np.exp(0.22 * variety)
    expected = density * block_area
    expected *= residents / expected.sum()
    rectangles, block = _divide(fabric, expected, land_use, rng)
    unit_use = _place_schools(land_use[block], block, rng)
    unit_area, _ = _measure(fabric, rectangles)
    weight = density[block] * unit_area * rng.lognormal(0, 0.25, block.size)
    weight[unit_use == SCHOOL] = 0
    return Courtyards(
        rectangles=rectangles,
        unit_of_cell=rasterize(rectangles, fabric.block_of_cell.shape),
        block=block,
        land_use=unit_use,
        centrality=centrality[block],
        residents=apportion(weight, residents),
    )


def _measure(fabric: Fabric, rectangles: IntArray) -> tuple[FloatArray, FloatArray]:
    """Areas in square metres, shape (n,), and mean centres of the cells, shape (n, 2)."""
    raster = rasterize(rectangles, fabric.block_of_cell.shape)
    inside, count = raster[raster >= 0], len(rectangles)
    area: FloatArray = np.bincount(inside, fabric.cell_areas()[raster >= 0], count).astype(
        np.float64
    )
    centres = fabric.cell_centres()[raster >= 0]
    cells = np.bincount(inside, minlength=count)
    sums = [np.bincount(inside, centres[:, axis], count) for axis in (0, 1)]
    return area, np.stack(sums, axis=1) / cells[:, None]


def _centrality(centres: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Rate how near places are to the main centre or a secondary one, between 0 and 1."""
    middle, half = centres.mean(axis=0), np.ptp(centres, axis=0).mean() / 2
    main = middle + rng.normal(0, 0.08 * half, 2)
    centrality: FloatArray = np.exp(-np.linalg.norm(centres - main, axis=1) / (0.62 * half))
    bearing = rng.uniform(0, 2 * np.pi)
    for share in (0.62, 0.45)[: int(rng.integers(1, 3))]:
        place = main + 0.62 * half * np.array([np.cos(bearing), np.sin(bearing)])
        near = np.exp(-np.linalg.norm(centres - place, axis=1) / (0.25 * half))
        centrality = np.maximum(centrality, share * near)
        bearing += rng.uniform(2.0, 4.2)
    return centrality


def _choose_land_use(fabric: Fabric, centrality: FloatArray, rng: np.random.Generator) -> IntArray:
    """Choose a use per block: old courtyards in the centre, industry and villages outside."""
    outside = np.clip(1 - centrality / np.quantile(centrality, 0.85), 0, 1)
    appeal = np.stack(
        [
            0.28 + 0.22 * outside,
            0.62 - 0.45 * outside,
            0.04 + 0.16 * outside,
            0.25 * outside**1.5,
            np.full(outside.shape, 0.055),
        ],
        axis=1,
    )
    levels = np.cumsum(appeal / appeal.sum(axis=1, keepdims=True), axis=1)
    use = (rng.uniform(size=outside.size)[:, None] > levels[:, :-1]).sum(axis=1)
    return np.where(fabric.riverside, RIVERSIDE, use)


def _divide(
    fabric: Fabric, expected: FloatArray, land_use: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Cut each block into as many courtyards as its residents fill."""
    blocks = fabric.blocks
    cells = (blocks[:, 1] - blocks[:, 0]) * (blocks[:, 3] - blocks[:, 2])
    typical = np.array([use.residents_per_unit for use in LAND_USES])[land_use]
    wanted = np.rint(expected / typical * rng.lognormal(0, 0.15, land_use.size))
    wanted = np.maximum(wanted, np.ceil(1.25 * expected / LARGEST_UNIT))
    pieces = np.clip(wanted, 1, np.maximum(cells // 2, 1)).astype(np.int64)
    rectangles: list[Rectangle] = []
    for block, count in zip(blocks.tolist(), pieces.tolist(), strict=True):
        rectangles += _pieces((block[0], block[1], block[2], block[3]), count, rng)
    return np.array(rectangles, dtype=np.int64), np.repeat(np.arange(len(blocks)), pieces)


def _pieces(rectangle: Rectangle, count: int, rng: np.random.Generator) -> list[Rectangle]:
    """Cut a rectangle into ``count`` parts of like, not equal, size."""
    if count == 1:
        return [rectangle]
    first = count // 2
    one, other = cut(rectangle, first / count + rng.uniform(-0.08, 0.08))
    first = min(max(first, count - _num_cells(other)), _num_cells(one))
    return _pieces(one, first, rng) + _pieces(other, count - first, rng)


def _num_cells(rectangle: Rectangle) -> int:
    """Cells of a rectangle."""
    return (rectangle[1] - rectangle[0]) * (rectangle[3] - rectangle[2])


def _place_schools(land_use: IntArray, block: IntArray, rng: np.random.Generator) -> IntArray:
    """Turn one courtyard of some larger inhabited blocks into a school."""
    land_use = land_use.copy()
    first = np.flatnonzero(np.diff(block, prepend=-1))
    count = np.diff(np.append(first, block.size))
    large = (count >= SCHOOL_FROM_COURTYARDS) & np.isin(
        land_use[first], (TOWER_ESTATE, WALK_UP, VILLAGE)
    )
    chosen = large & (rng.uniform(size=first.size) < SHARE_WITH_SCHOOL)
    land_use[first[chosen] + rng.integers(0, count[chosen])] = SCHOOL
    return land_use


def apportion(weight: FloatArray, total: int) -> IntArray:
    """
    Share out ``total`` in proportion to ``weight``, in integers within the sizes of a unit.

    Parameters
    ----------
    weight
        Non-negative weights, shape (units,); a weight of 0 gets 0.
    total
        Sum of the result.
    """
    inhabited = weight > 0
    share = weight * total / weight.sum()
    for _ in range(60):
        share[inhabited] = np.clip(share[inhabited], SMALLEST_UNIT, LARGEST_UNIT)
        share *= total / share.sum()
    whole: IntArray = np.floor(share).astype(np.int64)
    left = total - int(whole.sum())
    whole[np.argsort(whole - share, kind="stable")[:left]] += 1
    return whole


def wobble_villages(fabric: Fabric, courtyards: Courtyards, rng: np.random.Generator) -> FloatArray:
    """
    Lattice nodes with the lanes inside villages bent at random.

    Returns
    -------
    nodes
        Coordinates in metres, rounded to 1 cm, shape (rows + 1, columns + 1, 2).
    """
    block, nodes = fabric.block_of_cell, fabric.nodes.copy()
    uses = np.append(courtyards.land_use, -1)[courtyards.unit_of_cell]
    corners = [block[:-1, :-1], block[:-1, 1:], block[1:, :-1], block[1:, 1:]]
    inside = (uses[1:, 1:] == VILLAGE) & np.logical_and.reduce([c == corners[0] for c in corners])
    shift = rng.uniform(-VILLAGE_WOBBLE_M, VILLAGE_WOBBLE_M, (*inside.shape, 2))
    nodes[1:-1, 1:-1] += np.where(inside[..., None], shift, 0)
    return np.round(nodes, 2)
