"""Seeded fields of clients and sites, and siting problems of any size on them."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from ...models.formulation import FloatArray
from ...models.siting.capacitated_p_median import CapacitatedPMedian
from ...models.siting.fixed_charge import FixedCharge
from ...models.siting.maximal_covering import MaximalCovering
from ...models.siting.p_center import PCenter
from ...models.siting.p_median import PMedian
from ...models.siting.set_covering import SetCovering
from ..readers.distances import covers_within, euclidean_distances

Kind = Literal["uncapacitated", "split", "single-source"]

SIDE = 1000.0
"""Side of the square that holds a field."""

_DEMAND = (5, 35)
_CAPACITY = (10.0, 160.0)
_SCATTERED = 0.2


@dataclass(frozen=True, eq=False)
class PointField:
    """
    Clients and sites in a square of side 1000.

    Parameters
    ----------
    clients
        Coordinates of the clients, shape (clients, 2).
    sites
        Coordinates of the sites, shape (sites, 2).
    demand
        Demand of each client, whole numbers from 5 to 35, shape (clients,).
    seed
        Seed of the field; the problems on it draw from it too.
    """

    clients: FloatArray
    sites: FloatArray
    demand: FloatArray
    seed: int

    def distances(self) -> FloatArray:
        """Euclidean distances, shape (clients, sites)."""
        return euclidean_distances(self.clients, self.sites)

    def draws(self, stream: int) -> np.random.Generator:
        """Random numbers of one purpose, which those of other purposes do not shift."""
        return np.random.default_rng((self.seed, stream))


def point_field(
    num_points: int, *, seed: int, num_sites: int | None = None, clusters: int = 8
) -> PointField:
    """
    Draw a field: four fifths of the points around cluster centres, the others anywhere.

    Parameters
    ----------
    num_points
        Number of clients.
    seed
        Same seed, same field.
    num_sites
        Number of sites, drawn around the same centres; None for a site at every client.
    clusters
        Number of cluster centres; 0 for uniform points.

    Raises
    ------
    ValueError
        If a number is too small.

    Examples
    --------
    >>> field = point_field(100, seed=1, num_sites=10)
    >>> make_p_median(field, p=3).num_sites
    10
    """
    if num_points < 1 or clusters < 0 or (num_sites is not None and num_sites < 1):
        got = f"{num_points} points, {num_sites} sites, {clusters} clusters"
        raise ValueError(f"A field needs at least 1 point, 1 site and 0 clusters, got {got}.")
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0.1 * SIDE, 0.9 * SIDE, (clusters, 2))
    spread = rng.uniform(0.02 * SIDE, 0.08 * SIDE, clusters)
    clients = _scatter(num_points, centres, spread, rng)
    demand = rng.integers(_DEMAND[0], _DEMAND[1] + 1, num_points).astype(np.float64)
    sites = clients if num_sites is None else _scatter(num_sites, centres, spread, rng)
    return PointField(clients, sites, demand, seed)


def _scatter(
    count: int, centres: FloatArray, spread: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Points around the centres, and some anywhere; those that fall outside come to the edge."""
    points = rng.uniform(0, SIDE, (count, 2))
    if len(centres):
        near = np.flatnonzero(rng.random(count) >= _SCATTERED)
        cluster = rng.integers(len(centres), size=near.size)
        points[near] = centres[cluster] + rng.normal(size=(near.size, 2)) * spread[cluster, None]
    return np.clip(points, 0, SIDE)


def make_p_median(field: PointField, *, p: int) -> PMedian:
    """Return the p-median problem of a field, weighted by demand."""
    return PMedian(field.distances(), field.demand, p)


def make_p_center(field: PointField, *, p: int) -> PCenter:
    """Return the p-center problem of a field."""
    return PCenter(field.distances(), p)


def make_set_covering(field: PointField, *, radius: float, unit_costs: bool = True) -> SetCovering:
    """
    Return the set covering problem of a field; it is feasible.

    Parameters
    ----------
    field
        The field.
    radius
        Largest distance at which a site covers a client. A client that no site would cover is
        covered by its nearest one.
    unit_costs
        Whether each site costs 1; else whole costs from 1 to 100.
    """
    covers = covers_within(field.clients, field.sites, radius=radius)
    left = np.flatnonzero(np.diff(covers.indptr) == 0)
    nearest = KDTree(field.sites).query(field.clients[left])[1] if left.size else left
    extra = sparse.coo_array((np.ones(left.size), (left, nearest)), shape=covers.shape)
    drawn = field.draws(1).integers(1, 101, len(field.sites)).astype(np.float64)
    costs = np.ones(len(field.sites)) if unit_costs else drawn
    return SetCovering(sparse.csr_array(covers + sparse.csr_array(extra)), costs)


def make_maximal_covering(field: PointField, *, radius: float, p: int) -> MaximalCovering:
    """Return the maximal covering problem of a field, weighted by demand; never dense."""
    covers = covers_within(field.clients, field.sites, radius=radius)
    return MaximalCovering(covers, field.demand, p)


def make_fixed_charge(
    field: PointField, *, kind: Kind = "split", ratio: float = 3.0
) -> FixedCharge:
    """
    Return a facility location problem with fixed charges.

    Drawn as in Cornuejols, Sridharan and Thizy (1991), "A comparison of heuristics and relaxations
    for the capacitated plant location problem", European Journal of Operational Research 50(3):
    demand from 5 to 35, capacity s from 10 to 160 scaled to the ratio, fixed cost U(0, 90) +
    U(100, 110) √s, cost of a unit of demand 10 times the distance in a square of side 1.

    Parameters
    ----------
    field
        The field.
    kind
        "uncapacitated", "split" (demand may be split) or "single-source".
    ratio
        Total capacity over total demand; the authors take 1.5 to 10. No capacity is below the
        largest demand, which may raise the ratio where sites are many.

    Raises
    ------
    ValueError
        If the ratio is below 1 or the kind unknown.
    """
    if kind not in ("uncapacitated", "split", "single-source") or not ratio >= 1:
        expected = 'kind "uncapacitated", "split" or "single-source" and a ratio of at least 1'
        raise ValueError(f"Expected {expected}, got {kind!r} and {ratio}.")
    rng, num_sites = field.draws(2), len(field.sites)
    drawn = rng.uniform(*_CAPACITY, num_sites)
    scaled = np.ceil(drawn * (ratio * field.demand.sum() / drawn.sum()))
    capacity = np.maximum(scaled, field.demand.max())
    fixed = rng.uniform(0, 90, num_sites) + rng.uniform(100, 110, num_sites) * np.sqrt(capacity)
    costs = field.demand[:, None] * field.distances() * (10 / SIDE)
    return FixedCharge(
        costs,
        fixed,
        field.demand,
        None if kind == "uncapacitated" else capacity,
        single_source=kind == "single-source",
    )


def make_capacitated_p_median(
    field: PointField, *, p: int, tightness: float = 0.85
) -> CapacitatedPMedian:
    """
    Return a feasible capacitated p-median problem in which all sites have one capacity.

    Parameters
    ----------
    field
        The field.
    p
        Number of sites to open.
    tightness
        Total demand over the capacity of p sites, in (0, 1]; published instances lie between 0.8
        and 0.95. Where p is so large that whole clients would not fit, capacity grows until they
        do.

    Raises
    ------
    ValueError
        If the tightness is not in (0, 1] or p is not in 1..sites.
    """
    if not 0 < tightness <= 1 or not 1 <= p <= len(field.sites):
        expected = f"a tightness in (0, 1] and p from 1 to {len(field.sites)}"
        raise ValueError(f"Expected {expected}, got {tightness} and {p}.")
    wanted = float(np.ceil(field.demand.sum() / (tightness * p)))
    capacity = max(wanted, _packed(field.demand, p))
    return CapacitatedPMedian(
        field.distances(), field.demand, np.full(len(field.sites), capacity), p
    )


def _packed(demand: FloatArray, p: int) -> float:
    """Largest load when each demand, in falling order, goes to the site with the least."""
    loads = [0.0] * p
    for amount in np.sort(demand)[::-1].tolist():
        heapq.heapreplace(loads, loads[0] + amount)
    return max(loads)
