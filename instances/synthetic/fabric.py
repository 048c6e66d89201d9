"""
Streets, blocks, river and railway of a synthetic city, on a warped lattice.

All lines of the city run along the lines of one lattice, so that courtyards tile their blocks
and blocks tile the city exactly: neighbours share the same rounded vertices. A smooth field
bends the lattice, the river winds along one of its columns and the railway along one of its rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from ...models.formulation import BoolArray, FloatArray, IntArray

CENTRE_M = (500_000.0, 3_460_000.0)
SUPERBLOCK_M = 840.0
SUPERBLOCK_CELLS = (15, 21)
RESIDENTS_PER_KM2 = 13_500.0
SHARE_INSIDE_OUTLINE = 0.80
RIVERSIDE_WIDTH_CELLS = 0.8
SMALLEST_BANK_RESIDENTS = 6_000
RAILWAY_FROM_ROWS = 4

PATH, STREET, ARTERIAL, BARRIER = 1, 2, 3, 4
"""Ranks of lattice lines; 0 is a line inside a courtyard."""

Rectangle = tuple[int, int, int, int]
"""First row, row after the last, first column, column after the last."""


@dataclass(frozen=True, eq=False)
class Plan:
    """
    The lattice before it is bent.

    Parameters
    ----------
    row_positions, column_positions
        Positions of the lattice lines in metres from the middle of the city.
    arterial_rows, arterial_columns
        Lattice lines that carry an arterial, the city's edges among them.
    river_column
        Lattice column of the river's centre.
    railway_row
        Lattice row of the railway; None in a small city.
    """

    row_positions: FloatArray
    column_positions: FloatArray
    arterial_rows: tuple[int, ...]
    arterial_columns: tuple[int, ...]
    river_column: int
    railway_row: int | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.row_positions.size - 1, self.column_positions.size - 1


@dataclass(frozen=True, eq=False)
class Fabric:
    """
    Blocks of the city on the bent lattice.

    Parameters
    ----------
    plan
        The lattice lines and what runs along them.
    nodes
        Coordinates of the lattice nodes in metres, shape (rows + 1, columns + 1, 2).
    blocks
        Rectangles of cells, shape (blocks, 4).
    riverside
        True where a block is a strip of river bank, shape (blocks,).
    block_of_cell
        Index of the block of each cell, -1 outside the city, shape (rows, columns).
    bank_of_cell
        Which side of river and railway a cell lies on, shape (rows, columns).
    """

    plan: Plan
    nodes: FloatArray
    blocks: IntArray
    riverside: BoolArray
    block_of_cell: IntArray
    bank_of_cell: IntArray

    def cell_centres(self) -> FloatArray:
        """Centres of the cells in metres, shape (rows, columns, 2)."""
        nodes = self.nodes
        return (nodes[:-1, :-1] + nodes[:-1, 1:] + nodes[1:, :-1] + nodes[1:, 1:]) / 4

    def cell_areas(self) -> FloatArray:
        """Areas of the cells in square metres, shape (rows, columns)."""
        rising = self.nodes[1:, 1:] - self.nodes[:-1, :-1]
        falling = self.nodes[1:, :-1] - self.nodes[:-1, 1:]
        return (rising[..., 1] * falling[..., 0] - rising[..., 0] * falling[..., 1]) / -2


def lay_fabric(residents: int, rng: np.random.Generator) -> Fabric:
    """
    Lay out streets and blocks with room for ``residents``.

    Parameters
    ----------
    residents
        Residents of the city; sets its area.
    rng
        Source of every random choice.
    """
    plan = draw_plan(residents, rng)
    blocks, riverside = cut_blocks(plan, rng)
    keep = _inside_outline(plan, blocks, rng)
    bank_of_cell = _banks(plan)
    keep &= _in_large_banks(blocks, keep, bank_of_cell, residents)
    blocks, riverside = blocks[keep], riverside[keep]
    block_of_cell = rasterize(blocks, plan.shape)
    return Fabric(plan, bend(plan, rng), blocks, riverside, block_of_cell, bank_of_cell)


def draw_plan(residents: int, rng: np.random.Generator) -> Plan:
    """Draw the arterials, the river and the railway of a city of ``residents``."""
    area = residents / RESIDENTS_PER_KM2 * 1e6 / SHARE_INSIDE_OUTLINE
    superblocks = area / SUPERBLOCK_M**2
    num_columns = max(2, round(math.sqrt(superblocks * 1.2)))
    num_rows = max(2, round(superblocks / num_columns))
    river_at = int(num_columns * rng.uniform(0.27, 0.45))
    widths = rng.integers(*SUPERBLOCK_CELLS, num_columns)
    widths[river_at] += 2
    columns = np.concatenate([[0], np.cumsum(widths)])
    rows = np.concatenate([[0], np.cumsum(rng.integers(*SUPERBLOCK_CELLS, num_rows))])
    river_column = int(columns[river_at] + widths[river_at] // (2 if num_columns > 2 else 3))
    railway_row = None
    if num_rows >= RAILWAY_FROM_ROWS:
        railway_at = int(num_rows * rng.uniform(0.65, 0.8))
        railway_row = int(rows[railway_at] + rows[railway_at + 1]) // 2
    column_steps = np.ones(columns[-1])
    column_steps[river_column - 1 : river_column + 1] = RIVERSIDE_WIDTH_CELLS
    cell = math.sqrt(area / (column_steps.sum() * rows[-1]))
    return Plan(
        row_positions=cell * (np.arange(rows[-1] + 1) - rows[-1] / 2),
        column_positions=cell
        * (np.concatenate([[0.0], np.cumsum(column_steps)]) - column_steps.sum() / 2),
        arterial_rows=tuple(rows.tolist()),
        arterial_columns=tuple(columns.tolist()),
        river_column=river_column,
        railway_row=railway_row,
    )


def cut_blocks(plan: Plan, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
    """
    Cut the superblocks between arterials into street blocks and strips of river bank.

    Returns
    -------
    blocks, riverside
        Rectangles of cells, shape (blocks, 4), and whether each is a strip of river bank.
    """
    river = plan.river_column
    row_cuts = sorted({*plan.arterial_rows, *([plan.railway_row] if plan.railway_row else [])})
    column_cuts = sorted({*plan.arterial_columns, river - 1, river, river + 1})
    blocks: list[Rectangle] = []
    riverside: list[bool] = []
    for top, bottom in pairwise(row_cuts):
        for left, right in pairwise(column_cuts):
            on_bank = river - 1 <= left <= river
            whole = (top, bottom, left, right)
            parts = [whole] if on_bank else _street_blocks(whole, rng)
            blocks += parts
            riverside += [on_bank] * len(parts)
    return np.array(blocks, dtype=np.int64), np.array(riverside)


def _street_blocks(rectangle: Rectangle, rng: np.random.Generator) -> list[Rectangle]:
    """Cut a superblock by secondary streets, every 200 to 400 m."""
    top, bottom, left, right = rectangle
    longest = max(bottom - top, right - left)
    if longest <= rng.integers(6, 9):
        return [rectangle]
    return [
        block
        for half in cut(rectangle, rng.uniform(0.4, 0.6))
        for block in _street_blocks(half, rng)
    ]


def cut(rectangle: Rectangle, share: float) -> tuple[Rectangle, Rectangle]:
    """
    Cut a rectangle across its longer side, ``share`` of it in the first part.

    Examples
    --------
    >>> cut((0, 4, 0, 10), 0.3)
    ((0, 4, 0, 3), (0, 4, 3, 10))
    """
    top, bottom, left, right = rectangle
    height, width = bottom - top, right - left
    if width >= height:
        at = left + min(max(round(share * width), 1), width - 1)
        return (top, bottom, left, at), (top, bottom, at, right)
    at = top + min(max(round(share * height), 1), height - 1)
    return (top, at, left, right), (at, bottom, left, right)


def rasterize(rectangles: IntArray, shape: tuple[int, int]) -> IntArray:
    """Index of the rectangle that covers each cell, -1 where none does."""
    raster = np.full(shape, -1, dtype=np.int64)
    for index, (top, bottom, left, right) in enumerate(rectangles.tolist()):
        raster[top:bottom, left:right] = index
    return raster


def _inside_outline(plan: Plan, blocks: IntArray, rng: np.random.Generator) -> BoolArray:
    """Tell the blocks inside a rounded, uneven outline of the city."""
    y = (plan.row_positions[blocks[:, 0]] + plan.row_positions[blocks[:, 1]]) / 2
    x = (plan.column_positions[blocks[:, 2]] + plan.column_positions[blocks[:, 3]]) / 2
    x, y = x / plan.column_positions[-1], y / plan.row_positions[-1]
    angle = np.arctan2(y, x)
    edge = np.full(angle.shape, 0.98)
    for waves in (2, 3, 5, 7):
        edge += rng.uniform(0.02, 0.07) * np.sin(waves * angle + rng.uniform(0, 2 * np.pi))
    power = 2.6
    return np.asarray((np.abs(x) ** power + np.abs(y) ** power) ** (1 / power) <= edge)


def _banks(plan: Plan) -> IntArray:
    """Tell which side of river and railway each cell lies on, shape (rows, columns)."""
    rows, columns = plan.shape
    east = np.arange(columns) >= plan.river_column
    beyond = np.arange(rows) >= (rows if plan.railway_row is None else plan.railway_row)
    return (2 * beyond[:, None] + east[None, :]).astype(np.int64)


def _in_large_banks(
    blocks: IntArray, keep: BoolArray, bank_of_cell: IntArray, residents: int
) -> BoolArray:
    """Tell the blocks of each bank's largest connected part, if it is worth building on."""
    inside = rasterize(np.where(keep[:, None], blocks, 0), bank_of_cell.shape) >= 0
    smallest = inside.sum() * min(SMALLEST_BANK_RESIDENTS / residents, 0.1)
    chosen = np.zeros(bank_of_cell.shape, dtype=bool)
    for bank in np.unique(bank_of_cell):
        parts, _ = ndimage.label(inside & (bank_of_cell == bank))
        sizes = np.bincount(parts.ravel())[1:]
        if sizes.size and sizes.max() >= smallest:
            chosen |= parts == 1 + int(sizes.argmax())
    return chosen[blocks[:, 0], blocks[:, 2]]


def bend(plan: Plan, rng: np.random.Generator) -> FloatArray:
    """
    Bend the lattice by smooth waves and the river's meanders, and turn it.

    Returns
    -------
    nodes
        Coordinates in metres, rounded to 1 cm, shape (rows + 1, columns + 1, 2).
    """
    x, y = np.meshgrid(plan.column_positions, plan.row_positions)
    from_river = (x - plan.column_positions[plan.river_column]) / 1_500.0
    meander = sum(
        amplitude * np.sin(2 * np.pi * (y / length + rng.uniform()))
        for amplitude, length in ((230.0, rng.uniform(2_500, 3_200)), (70.0, 1_350.0))
    )
    shift_x = meander * np.exp(-(from_river**2)) + smooth_field(x, y, rng, scale=2_600.0) * 55
    shift_y = smooth_field(x, y, rng, scale=2_600.0) * 70
    turn = np.radians(rng.uniform(4, 12) * rng.choice([-1, 1]))
    x, y = x + shift_x, y + shift_y
    turned = np.stack(
        [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)], axis=-1
    )
    nodes: FloatArray = np.round(turned + np.array(CENTRE_M), 2)
    return nodes


def smooth_field(
    x: FloatArray, y: FloatArray, rng: np.random.Generator, *, scale: float
) -> FloatArray:
    """Draw a smooth random field of mean 0 and variance 1; ``scale`` is its wavelength."""
    field = np.zeros(np.shape(x))
    waves = 8
    for _ in range(waves):
        heading, phase = rng.uniform(0, 2 * np.pi, 2)
        length = scale * rng.uniform(0.7, 1.8)
        along = (x * np.cos(heading) + y * np.sin(heading)) / length
        field += np.sin(2 * np.pi * along + phase)
    return field * math.sqrt(2 / waves)
