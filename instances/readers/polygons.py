"""Districting instances given as polygons in GeoJSON, by the convention of redist."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely

from ...models.districting.problem import point_districting
from ..adjacency import shared_borders
from .distances import euclidean_distances
from .graph_json import PublishedDistricting, balance_bounds
from .json_fields import JsonFile, read_json


def read_polygon_districting(
    path: Path | str, *, num_districts: int, tolerance: float, population: str = "pop"
) -> PublishedDistricting:
    """
    Read polygons with populations; neighbours share a border, not only a corner.

    Parameters
    ----------
    path
        A GeoJSON file of polygons.
    num_districts
        Number of districts.
    tolerance
        Share by which districts may differ from the mean population.
    population
        Property that counts the residents.

    Returns
    -------
    PublishedDistricting
        Costs are population · squared distance of centroids in the units of the file (degrees);
        the problem takes its coordinates as they are. Border lengths are in these units too.

    Raises
    ------
    ValueError
        If a feature has no polygon or no population.
    """
    file = read_json(path)
    features = file.rows("features")
    polygons = np.array([_polygon(file, i) for i in range(len(features))], dtype=object)
    properties = [feature.get("properties") for feature in features]
    mass = file.floats(properties, population, place="features")
    points = np.column_stack(
        [shapely.get_x(shapely.centroid(polygons)), shapely.get_y(shapely.centroid(polygons))]
    )
    borders = shared_borders(polygons, min_length_m=1e-9)
    low, high = balance_bounds(mass, num_districts=num_districts, tolerance=tolerance)
    names = [str(row.get("geoid", i)) for i, row in enumerate(properties)]
    problem = point_districting(mass, points, borders.pairs, num_districts, low, high, names=names)
    costs = mass[:, None] * np.square(euclidean_distances(points))
    return PublishedDistricting(problem, costs, borders.length_m, {})


def _polygon(file: JsonFile, feature: int) -> shapely.Geometry:
    """Polygon of a feature."""
    record = file.rows("features")[feature]
    geometry = record.get("geometry") if isinstance(record, dict) else None
    if not isinstance(geometry, dict) or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        raise file.fault(f"features[{feature}]", "a geometry Polygon or MultiPolygon")
    shape: shapely.Geometry = shapely.geometry.shape(geometry)
    return shape
