"""
Instances of maximal covering: cities with great-circle distances, and points in the plane.

The plane instances follow J.-F. Cordeau, F. Furini and I. Ljubic (2019), "Benders
decomposition for very large scale partial set covering and maximal covering location problems",
European Journal of Operational Research 275(3).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...models.formulation import FloatArray
from ...models.siting.maximal_covering import MaximalCovering
from ...models.siting.set_covering import SetCovering
from .distances import covers_on_sphere, covers_within
from .numbers import NumberFile, parse_numbers
from .tsplib import read_sections


@dataclass(frozen=True, eq=False)
class CoveringPoints:
    """
    Clients and sites in the plane, before a radius is chosen.

    Parameters
    ----------
    clients, sites
        Coordinates, shapes (clients, 2) and (sites, 2).
    costs
        Cost of each site, shape (sites,).
    demand
        Demand of each client, shape (clients,).
    """

    clients: FloatArray
    sites: FloatArray
    costs: FloatArray
    demand: FloatArray

    def maximal_covering(self, *, radius: float, p: int) -> MaximalCovering:
        """Cover the most demand within ``radius`` of ``p`` sites."""
        covers = covers_within(self.clients, self.sites, radius=radius)
        return MaximalCovering(covers, self.demand, p)

    def set_covering(self, *, radius: float) -> SetCovering:
        """Cover every client within ``radius`` at the least cost."""
        return SetCovering(covers_within(self.clients, self.sites, radius=radius), self.costs)


def read_city(path: Path | str, *, radius_m: float, p: int) -> MaximalCovering:
    """
    Read a city in which each point is client and site.

    Parameters
    ----------
    path
        A file with DIMENSION, NODE_COORD_SECTION (latitude and longitude in degrees) and
        DEMAND_SECTION. Where EDGE_WEIGHT_TYPE is not COORD the coordinates lie in a plane.
    radius_m
        Largest distance at which a site covers a client; great-circle metres on a sphere with
        radius 6,378,100 m.
    p
        Number of sites to open.

    Raises
    ------
    ValueError
        If a section is missing or does not hold DIMENSION rows.
    """
    points, weights, in_degrees = read_city_points(path)
    if in_degrees:
        covers = covers_on_sphere(points, points, radius_m=radius_m)
    else:
        covers = covers_within(points, points, radius=radius_m)
    return MaximalCovering(covers, weights, p)


def read_city_points(path: Path | str) -> tuple[FloatArray, FloatArray, bool]:
    """
    Read the points of a city and what each of them demands.

    Returns
    -------
    points
        Latitude and longitude in degrees, or coordinates in a plane, shape (points, 2).
    demand
        Shape (points,).
    in_degrees
        Whether the points are degrees (EDGE_WEIGHT_TYPE is COORD).

    Raises
    ------
    ValueError
        If a section is missing or does not hold DIMENSION rows.
    """
    source = read_sections(path)
    num_points = source.dimension()
    coordinates = source.section("NODE_COORD_SECTION")
    points = coordinates.take(2 * num_points, "numbers of points `lat lon`").reshape(-1, 2)
    coordinates.finish()
    demands = source.section("DEMAND_SECTION")
    demand = demands.take(num_points, "demands", low=0).copy()
    demands.finish()
    return points.copy(), demand, source.value("EDGE_WEIGHT_TYPE") == "COORD"


def read_covering_points(path: Path | str) -> CoveringPoints:
    """
    Read points in the plane, each client and site or only one of both.

    Parameters
    ----------
    path
        The file: ``n``, then n rows ``id x y cost demand``; or ``m n``, then m sites
        ``F id x y cost`` and n clients ``C id x y demand``.

    Raises
    ------
    ValueError
        If the file breaks the format.
    """
    path = Path(path)
    text = path.read_text(encoding="utf-8", errors="replace")
    tokens = text.split()
    kinds = {"F": "0", "C": "1"}
    parted = any(token in kinds for token in tokens[2:3])
    if parted:
        tokens = [kinds.get(token, token) for token in tokens]
    file = NumberFile(path, text, parse_numbers(tokens, path=path, text=text))
    return _parted_points(file) if parted else _common_points(file)


def _common_points(file: NumberFile) -> CoveringPoints:
    """Points that are client and site."""
    (num_points,) = file.take_sizes("number of points")
    table = file.take(5 * num_points, "numbers of points `id x y cost demand`").reshape(-1, 5)
    file.finish()
    points = table[:, 1:3]
    return CoveringPoints(points, points, table[:, 3].copy(), table[:, 4].copy())


def _parted_points(file: NumberFile) -> CoveringPoints:
    """Sites, then clients."""
    sizes = file.take_sizes("number of sites", "number of clients")
    tables = []
    for count, kind, row in zip(sizes, (0, 1), ("F id x y cost", "C id x y demand"), strict=True):
        start = file.position
        table = file.take(5 * count, f"words of rows `{row}`").reshape(-1, 5)
        wrong = np.flatnonzero(table[:, 0] != kind)
        if wrong.size:
            raise file.fault(start + 5 * int(wrong[0]), f"expected a row `{row}`")
        tables.append(table)
    file.finish()
    sites, clients = tables
    return CoveringPoints(clients[:, 2:4], sites[:, 2:4], sites[:, 4].copy(), clients[:, 4].copy())
