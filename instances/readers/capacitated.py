"""Instances with single assignment: fixed charges (SSCFLP) and capacitated p-median (CPMP)."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ...models.formulation import FloatArray
from ...models.siting.capacitated_p_median import CapacitatedPMedian
from ...models.siting.distances import Rounding
from ...models.siting.fixed_charge import FixedCharge
from .distances import euclidean_distances
from .numbers import read_numbers


def read_single_source(path: Path | str) -> FixedCharge:
    """
    Read single-source capacitated facility location (Holmberg, Delmaire, Yang, OR-Library).

    Parameters
    ----------
    path
        The file: ``m n``, m capacities, m fixed costs, n demands, then m costs of serving all
        demand for each of the n clients.

    Raises
    ------
    ValueError
        If the file breaks the format.
    """
    file = read_numbers(path)
    num_sites, num_clients = file.take_sizes("number of sites", "number of clients")
    capacity = file.take(num_sites, "capacities", low=0).copy()
    fixed_costs = file.take(num_sites, "fixed costs", low=0).copy()
    demand = file.take(num_clients, "demands", low=0).copy()
    costs = file.take(num_clients * num_sites, "costs, client by client", low=0)
    file.finish()
    costs = costs.reshape(num_clients, num_sites).copy()
    return FixedCharge(costs, fixed_costs, demand, capacity, single_source=True)


def read_capacitated_p_median(
    path: Path | str,
    *,
    rounding: Rounding = None,
    distances: FloatArray | None = None,
    p: int | None = None,
) -> CapacitatedPMedian:
    """
    Read a capacitated p-median problem given by points (OR-Library, Lorena, Stefanello, Spain).

    Parameters
    ----------
    path
        The file: ``n p``, then n times ``x y capacity demand``; every point is client and site.
    rounding
        How Euclidean distances are rounded: "floor" for the OR-Library's instances, None for the
        others.
    distances
        Distances to take in place of the Euclidean ones, shape (n, n): for Spain those of
        :func:`read_spain_distances`.
    p
        Number of sites to open; None for that of the file.

    Raises
    ------
    ValueError
        If the file breaks the format or ``distances`` does not fit it.
    """
    file = read_numbers(path)
    (num_points,) = file.take_sizes("number of points")
    (published,) = file.take_sizes("number p of sites", high=num_points)
    start = file.position
    table = file.take(4 * num_points, "numbers of points `x y capacity demand`").reshape(-1, 4)
    file.finish()
    negative = np.argwhere(table[:, 2:] < 0)
    if negative.size:
        index = start + 4 * int(negative[0, 0]) + 2 + int(negative[0, 1])
        raise file.fault(index, "expected a capacity and a demand of at least 0")
    x_y, capacity, demand = table[:, :2], table[:, 2].copy(), table[:, 3].copy()
    if distances is None:
        distances = euclidean_distances(x_y, rounding=rounding)
    elif distances.shape != (num_points, num_points):
        expected = f"expected ({num_points}, {num_points}) for {file.path.name}"
        raise ValueError(f"distances has shape {distances.shape}, {expected}.")
    return CapacitatedPMedian(distances, demand, capacity, published if p is None else p)


def read_spain_distances(path: Path | str) -> FloatArray:
    """
    Read the distances of the Spanish instances, ``spain.grd``.

    Parameters
    ----------
    path
        The file: n x n numbers and nothing else.

    Returns
    -------
    FloatArray
        Shape (n, n).

    Raises
    ------
    ValueError
        If the number of numbers is not a square, or one is negative.
    """
    file = read_numbers(path)
    count = file.values.size
    side = math.isqrt(count)
    if side == 0 or side * side != count:
        raise file.fault(count, f"expected a square number of distances, got {count}")
    return file.take(count, "distances", low=0).reshape(side, side).copy()


def read_capacitated_p_median_matrix(
    path: Path | str, *, p: int | None = None
) -> CapacitatedPMedian:
    """
    Read a capacitated p-median problem given by a matrix (Ceselli).

    Parameters
    ----------
    path
        The file: ``n p``, n x n distances, n demands, n capacities.
    p
        Number of sites to open; None for that of the file.

    Raises
    ------
    ValueError
        If the file breaks the format.
    """
    file = read_numbers(path)
    (num_points,) = file.take_sizes("number of points")
    (published,) = file.take_sizes("number p of sites", high=num_points)
    distances = file.take(num_points**2, "distances", low=0)
    demand = file.take(num_points, "demands", low=0).copy()
    capacity = file.take(num_points, "capacities", low=0).copy()
    file.finish()
    distances = distances.reshape(num_points, num_points).copy()
    return CapacitatedPMedian(distances, demand, capacity, published if p is None else p)
