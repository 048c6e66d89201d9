"""Distances between points by the conventions of the published tables."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from ...models.formulation import FloatArray
from ...models.siting.distances import Rounding, round_distances

EARTH_RADIUS_M = 6_378_100.0
"""Radius of the sphere that the maximal covering tables of cities use."""


def euclidean_distances(
    points: FloatArray, others: FloatArray | None = None, *, rounding: Rounding = None
) -> FloatArray:
    """
    Euclidean distances between points in the plane.

    Parameters
    ----------
    points
        Shape (points, 2).
    others
        Shape (others, 2); None for the points themselves.
    rounding
        See :func:`shequ.models.siting.distances.round_distances`.

    Returns
    -------
    FloatArray
        Shape (points, others).

    Examples
    --------
    >>> euclidean_distances(np.array([[0.0, 0.0], [1.0, 1.0]]), rounding="floor").tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    exact: FloatArray = cdist(points, points if others is None else others)
    return round_distances(exact, rounding=rounding)


def covers_within(clients: FloatArray, sites: FloatArray, *, radius: float) -> sparse.csr_array:
    """
    Tell which sites lie within ``radius`` of which client, without a dense matrix.

    Parameters
    ----------
    clients, sites
        Points in the plane, shapes (clients, 2) and (sites, 2).
    radius
        Largest distance that counts, itself included.

    Returns
    -------
    sparse.csr_array
        Entries 1 where a site covers a client, shape (clients, sites).
    """
    return _entries(_near(clients, sites, radius), (len(clients), len(sites)))


def covers_on_sphere(
    clients: FloatArray, sites: FloatArray, *, radius_m: float, earth_m: float = EARTH_RADIUS_M
) -> sparse.csr_array:
    """
    Tell which sites lie within a great-circle distance of which client.

    Parameters
    ----------
    clients, sites
        Latitude and longitude in degrees, shapes (clients, 2) and (sites, 2).
    radius_m
        Largest distance in metres that counts, itself included.
    earth_m
        Radius of the sphere in metres.

    Returns
    -------
    sparse.csr_array
        Entries 1 where a site covers a client, shape (clients, sites).
    """
    chord = 2 * np.sin(min(radius_m / (2 * earth_m), np.pi / 2))
    pairs = _near(_on_sphere(clients), _on_sphere(sites), chord + 1e-9)
    metres = great_circle_distances(clients[pairs["i"]], sites[pairs["j"]], earth_m=earth_m)
    return _entries(pairs[metres <= radius_m], (len(clients), len(sites)))


def great_circle_distances(
    first: FloatArray, second: FloatArray, *, earth_m: float = EARTH_RADIUS_M
) -> FloatArray:
    """
    Great-circle distances of pairs of points in metres, by the haversine formula.

    Parameters
    ----------
    first, second
        Latitude and longitude in degrees, shape (pairs, 2).
    earth_m
        Radius of the sphere in metres.
    """
    (lat, lon), (other_lat, other_lon) = np.radians(first).T, np.radians(second).T
    squared = (
        np.sin((other_lat - lat) / 2) ** 2
        + np.cos(lat) * np.cos(other_lat) * np.sin((other_lon - lon) / 2) ** 2
    )
    return np.asarray(2 * earth_m * np.arcsin(np.sqrt(np.minimum(squared, 1.0))))


def _on_sphere(degrees: FloatArray) -> FloatArray:
    """Points of the unit sphere in space."""
    lat, lon = np.radians(degrees).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _near(clients: FloatArray, sites: FloatArray, radius: float) -> Any:  # noqa: ANN401
    """Pairs within the radius as records (i, j, v)."""
    tree: Any = KDTree(clients)
    return tree.sparse_distance_matrix(KDTree(sites), radius, output_type="ndarray")


def _entries(pairs: Any, shape: tuple[int, int]) -> sparse.csr_array:  # noqa: ANN401
    """Matrix of ones at the pairs."""
    ones = np.ones(len(pairs))
    covers = sparse.csr_array(sparse.coo_array((ones, (pairs["i"], pairs["j"])), shape=shape))
    covers.sort_indices()
    return covers
