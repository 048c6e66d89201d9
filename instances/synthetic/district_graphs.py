"""Seeded districting problems on Voronoi cells."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Voronoi

from ...models.districting.problem import Districting, point_districting
from ...models.formulation import FloatArray, IntArray

_CELL_M = 200.0
_MEDIAN_RESIDENTS = 400.0
_SPREAD = 0.5
_DEPTH = 50.0
"""Cells from a side up to which points are mirrored at it."""


def voronoi_districting(
    num_units: int, num_districts: int, *, seed: int, tolerance: float = 0.05
) -> tuple[Districting, FloatArray]:
    """
    Draw units as Voronoi cells of random points, clipped to a square.

    Parameters
    ----------
    num_units
        Number of units, at least 2; the square gives each 200 m x 200 m on average.
    num_districts
        Number of districts.
    seed
        Same seed, same arrays.
    tolerance
        Share by which the residents of a district may differ from the mean. Whether a plan exists
        is not checked; with some ten units a district and 5 % there nearly always is one.

    Returns
    -------
    problem
        Units at their points, residents lognormal with median 400, neighbours across a border.
    border_lengths
        Length of the border of each edge in metres, shape (edges,).

    Raises
    ------
    ValueError
        If there are less than 2 units, more districts than units, or the tolerance is negative.

    Examples
    --------
    >>> problem, border_lengths = voronoi_districting(30, 3, seed=1)
    >>> problem.num_nodes, border_lengths.size == len(problem.edges)
    (30, True)
    """
    if num_units < 2 or not 1 <= num_districts <= num_units or not tolerance >= 0:
        got = f"{num_units} units, {num_districts} districts, tolerance {tolerance}"
        raise ValueError(f"Expected 2 units, 1..units districts, a tolerance >= 0; got {got}.")
    rng = np.random.default_rng(seed)
    side = _CELL_M * np.sqrt(num_units)
    points = rng.uniform(0, side, (num_units, 2))
    residents = np.rint(rng.lognormal(np.log(_MEDIAN_RESIDENTS), _SPREAD, num_units))
    edges, lengths = _borders(points, side)
    mean = float(residents.sum()) / num_districts
    low, high = (1 - tolerance) * mean - 1e-9, (1 + tolerance) * mean + 1e-9
    problem = point_districting(
        residents, points, edges, num_districts, float(np.ceil(low)), float(np.floor(high))
    )
    return problem, lengths


def _borders(points: FloatArray, side: float) -> tuple[IntArray, FloatArray]:
    """
    Pairs of neighbouring cells, the smaller first, and the lengths of their borders.

    The points are mirrored at the four sides: then the diagram itself ends the cells of the points
    at the sides, and none of their borders is infinite.
    """
    count = len(points)
    diagram = Voronoi(np.concatenate([points, *_images(points, side)]))
    pairs = np.sort(diagram.ridge_points, axis=1).astype(np.int64)
    inside = np.flatnonzero(pairs[:, 1] < count)
    corners = np.array([diagram.ridge_vertices[ridge] for ridge in inside])
    ends = diagram.vertices[corners.reshape(-1, 2)]
    lengths = np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1)
    real = lengths > 1e-6 * side
    pairs, lengths = pairs[inside][real], lengths[real]
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order], lengths[order]


def _images(points: FloatArray, side: float) -> list[FloatArray]:
    """
    Mirror images of the points near each of the four sides.

    Of many points those within fifty cells are enough: farther images can end no cell.
    """
    depth = side * min(1.0, _DEPTH / np.sqrt(len(points)))
    images = []
    for axis in (0, 1):
        for edge in (0.0, side):
            near = np.abs(points[:, axis] - edge) <= depth
            image = points[near]
            image[:, axis] = 2 * edge - image[:, axis]
            images.append(image)
    return images
