"""
Districting instances of the literature, as graphs in JSON.

The moment of inertia of the published tables takes distances in whole kilometres:

    cost_ij = population_i · d_ij² / 1e6,   d_ij = Euclidean distance rounded to whole kilometres

(Validi, Buchanan and Lykhovyd 2022, "Imposing contiguity constraints in political districting
models", Operations Research 70(2)). As rounded distances belong to no points of the plane, the cost
matrix stands beside the :class:`Districting`, whose own costs are those without rounding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from pyproj import Geod
from scipy import sparse
from scipy.sparse import csgraph

from ...models.districting.problem import Districting, point_districting
from ...models.formulation import FloatArray, IntArray
from .distances import EARTH_RADIUS_M, euclidean_distances
from .json_fields import JsonFile, read_json
from .networkx_json import network_edges

Measure = Literal["kilometres", "hops", "miles"]

_METRES_PER_MILE = 1609.344


@dataclass(frozen=True, eq=False)
class PublishedDistricting:
    """
    A districting problem and what was published on it.

    Parameters
    ----------
    problem
        The problem, with one weight: residents.
    costs
        Cost of node i in a district with centre j by the published convention, shape (n, n).
    border_lengths
        Length of the border of each edge of the problem, shape (edges,); in metres, else in
        degrees, as in the file; 0 where it gives none.
    published
        Values of the literature as in the file; empty where there are none.
    """

    problem: Districting
    costs: FloatArray
    border_lengths: FloatArray
    published: Mapping[str, Any]

    def evaluate(self, assignment: IntArray) -> float:
        """Cost of a plan, district 0..k-1 of each node, each district about its best centre."""
        members = [np.flatnonzero(assignment == d) for d in range(self.problem.num_districts)]
        blocks = [self.costs[np.ix_(part, part)] for part in members if part.size]
        return float(sum(block.sum(axis=0).min() for block in blocks))


def read_districting(
    path: Path | str, *, measure: Measure = "kilometres", tolerance: float | None = None
) -> PublishedDistricting:
    """
    Read counties or tracts of a state.

    Parameters
    ----------
    path
        A JSON file with n, k, L, U, nodes (pop, x and y in metres or lon and lat in degrees),
        edges (u, v, ..., length of the border) and perhaps published and dist_km.
    measure
        Distance of the costs: "kilometres", population · km² / 1e6 with whole kilometres; "hops",
        population · number of edges between; "miles", population · squared geodesic miles.
    tolerance
        Share by which districts may differ from the mean population; None for L and U of the file.

    Raises
    ------
    ValueError
        If a field is missing or does not fit the others.
    """
    file = read_json(path)
    problem = _problem(file, tolerance)
    distances = _distances(file, problem, measure)
    costs = published_costs(problem.mass, distances, measure)
    published = file.record.get("published", {})
    return PublishedDistricting(problem, costs, border_lengths(file.rows("edges")), published)


def read_perturbed_districtings(
    path: Path | str, *, base: Path | str | None = None
) -> list[PublishedDistricting]:
    """
    Read the perturbed populations of a state, each with the graph and distances of its base.

    Parameters
    ----------
    path
        A JSON file with instances, each with pop, k, L and U.
    base
        The file that is perturbed; None for ``base_instance`` beside the folder of ``path``.

    Raises
    ------
    ValueError
        If a field is missing or does not fit the base.
    """
    file = read_json(path)
    beside = Path(path).resolve().parents[1]
    original = read_json(beside / file.field("base_instance", str) if base is None else base)
    instance = _problem(original, None)
    distances = _distances(original, instance, "kilometres")
    published = read_districting(original.path)
    perturbed = []
    for i, record in enumerate(file.rows("instances")):
        place = f"instances[{i}]"
        mass = file.floats([record], "pop", place=place, width=instance.num_nodes)[0]
        low, high, k = (file.floats([record], key, place=place) for key in ("L", "U", "k"))
        problem = replace(
            instance,
            weights=mass[:, None],
            mass=mass,
            lower=low,
            upper=high,
            num_districts=int(k[0]),
        )
        rest = {key: value for key, value in record.items() if key != "pop"}
        costs = published_costs(mass, distances, "kilometres")
        perturbed.append(PublishedDistricting(problem, costs, published.border_lengths, rest))
    return perturbed


def read_adjacency_graph(
    path: Path | str, *, num_districts: int, tolerance: float, population: str = "TOTPOP"
) -> PublishedDistricting:
    """
    Read a graph as GerryChain and NetworkX write it (node-link by adjacency lists).

    Parameters
    ----------
    path
        A JSON file with nodes (id, x, y and attributes) and adjacency (lists of ``{id: ...}``).
    num_districts
        Number of districts.
    tolerance
        Share by which districts may differ from the mean population.
    population
        Attribute of the nodes that counts the residents.

    Returns
    -------
    PublishedDistricting
        Costs are population · squared Euclidean distance; border lengths are ``shared_perim`` of
        the adjacency, 0 where it has none.

    Raises
    ------
    ValueError
        If a field is missing or an id belongs to no node.
    """
    file = read_json(path)
    nodes = file.rows("nodes")
    edges, lengths = network_edges(file)
    mass = file.floats(nodes, population, place="nodes")
    points = np.column_stack([file.floats(nodes, axis, place="nodes") for axis in "xy"])
    low, high = balance_bounds(mass, num_districts=num_districts, tolerance=tolerance)
    names = tuple(str(node.get("id", i)) for i, node in enumerate(nodes))
    problem = point_districting(mass, points, edges, num_districts, low, high, names=names)
    costs = mass[:, None] * np.square(euclidean_distances(points))
    return PublishedDistricting(problem, costs, lengths, {})


def balance_bounds(
    mass: FloatArray, *, num_districts: int, tolerance: float
) -> tuple[float, float]:
    """
    Whole bounds on the population of a district that lie within a tolerance of the mean.

    Examples
    --------
    >>> balance_bounds(np.array([50.0, 51.0, 60.0]), num_districts=2, tolerance=0.05)
    (77.0, 84.0)
    """
    mean = float(mass.sum()) / num_districts
    slack = 1e-9 * mean
    low, high = (1 - tolerance) * mean - slack, (1 + tolerance) * mean + slack
    return float(np.ceil(low)), float(np.floor(high))


def _problem(file: JsonFile, tolerance: float | None) -> Districting:
    """Problem of a state."""
    nodes = file.rows("nodes")
    mass = file.floats(nodes, "pop", place="nodes")
    k = file.field("k", int)
    if tolerance is None:
        low, high = float(file.field("L", int)), float(file.field("U", int))
    else:
        low, high = balance_bounds(mass, num_districts=k, tolerance=tolerance)
    names = [str(node.get("name", node.get("geoid", i))) for i, node in enumerate(nodes)]
    points, edges = state_points(file), state_edges(file, len(nodes))
    return point_districting(mass, points, edges, k, low, high, names=names)


def state_edges(file: JsonFile, num_nodes: int) -> IntArray:
    """Edges whose ends are nodes."""
    rows = file.rows("edges")
    for i, edge in enumerate(rows):
        ends = edge[:2] if isinstance(edge, list) else []
        if len(ends) < 2 or not all(isinstance(e, int) and 0 <= e < num_nodes for e in ends):
            raise file.fault(f"edges[{i}]", f"two nodes from 0 to {num_nodes - 1}, got {edge}")
    return np.array([edge[:2] for edge in rows], dtype=np.int64).reshape(-1, 2)


def border_lengths(edges: Sequence[Sequence[float | None]]) -> FloatArray:
    """Lengths in the last unit in which every edge has one; 0 where there is none."""
    place = border_place(edges)
    if place is None:
        return np.zeros(len(edges))
    return np.array([edge[place] for edge in edges], dtype=np.float64)


def border_place(edges: Sequence[Sequence[float | None]]) -> int | None:
    """Where :func:`border_lengths` finds the length in an edge; None if there is none."""
    for place in range(min(map(len, edges)) - 1, 1, -1):
        if all(isinstance(edge[place], int | float) for edge in edges):
            return place
    return None


def state_points(file: JsonFile) -> FloatArray:
    """Points in metres; where the file gives degrees only, on a plane about their middle."""
    nodes = file.rows("nodes")
    if "x" in nodes[0]:
        return np.column_stack([file.floats(nodes, axis, place="nodes") for axis in "xy"])
    lon, lat = (np.radians(file.floats(nodes, key, place="nodes")) for key in ("lon", "lat"))
    return EARTH_RADIUS_M * np.column_stack([lon * np.cos(lat.mean()), lat])


def _distances(file: JsonFile, problem: Districting, measure: Measure) -> FloatArray:
    """Distances of the published costs, shape (nodes, nodes)."""
    if measure not in get_args(Measure):
        raise ValueError(f'measure is {measure!r}, expected "kilometres", "hops" or "miles".')
    nodes, n = file.rows("nodes"), problem.num_nodes
    if measure == "hops":
        return hop_distances(problem.graph)
    if measure == "miles":
        return geodesic_miles(
            np.column_stack([file.floats(nodes, key, place="nodes") for key in ("lon", "lat")])
        )
    if "dist_km" in file.record:
        return np.reshape(
            file.floats([file.record], "dist_km", place="the file", width=(n, n)), (n, n)
        )
    if "x" not in nodes[0]:
        raise file.fault("nodes[0]", "x and y; without them measure hops or miles")
    return whole_kilometres(problem.location)


def hop_distances(graph: sparse.csr_array) -> FloatArray:
    """Numbers of edges between the nodes of a graph, shape (nodes, nodes)."""
    return np.asarray(csgraph.shortest_path(graph, unweighted=True), dtype=np.float64)


def geodesic_miles(degrees: FloatArray) -> FloatArray:
    """Distances on the WGS 84 ellipsoid in miles, from longitude and latitude, shape (n, 2)."""
    n = len(degrees)
    start, end = np.repeat(degrees, n, axis=0), np.tile(degrees, (n, 1))
    metres = Geod(ellps="WGS84").inv(*start.T, *end.T)[2]
    return np.asarray(metres, dtype=np.float64).reshape(n, n) / _METRES_PER_MILE


def whole_kilometres(points: FloatArray) -> FloatArray:
    """Euclidean distances between points in metres, rounded to whole kilometres."""
    return np.rint(euclidean_distances(points) / 1000)


def published_costs(mass: FloatArray, distances: FloatArray, measure: Measure) -> FloatArray:
    """Costs of the published objective, shape (nodes, nodes)."""
    if measure == "hops":
        return mass[:, None] * distances
    scale = 1e6 if measure == "kilometres" else 1.0
    return mass[:, None] * np.square(distances) / scale
