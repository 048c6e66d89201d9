"""Who serves whom: nearest open sites, and sites opened one by one for whoever is farthest."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .....models.formulation import FloatArray, IntArray
from .....models.siting.p_center import PCenter

BLOCK = 4_000_000
"""Distances that are held at once."""

COVERED = 0.99
"""Share from which a client counts as covered by a linear solution."""

MOST_ADDED, COMPARED = 40, 1_000
"""Clients that are kept at once, and among how many they are chosen."""

SPREAD = 0.1
"""Share of the radius by which clients that are kept at once are apart."""

ALIKE = 0.6
"""Share of what covers two clients, from which they are too much alike to be kept both."""


class Served(NamedTuple):
    """
    Nearest open site of each client, and its weighted distance.

    Parameters
    ----------
    sites
        The open sites.
    place
        Place of each client's site among them, shape (clients,).
    costs
        Infinite where no open site reaches the client, shape (clients,).
    """

    sites: IntArray
    place: IntArray
    costs: FloatArray

    @property
    def worst(self) -> float:
        """Largest weighted distance."""
        return float(self.costs.max())


def serve(problem: PCenter, sites: IntArray) -> Served:
    """Find the nearest of some sites for every client."""
    place = np.zeros(problem.num_clients, dtype=np.int64)
    costs = np.full(problem.num_clients, np.inf)
    step = max(1, BLOCK // max(1, sites.size))
    for begin in range(0, problem.num_clients if sites.size else 0, step):
        clients = np.arange(begin, min(begin + step, problem.num_clients))
        block = problem.costs(clients, sites)
        place[clients] = np.argmin(block, axis=1)
        costs[clients] = block[np.arange(clients.size), place[clients]]
    return Served(sites, place, costs)


def fill_up(problem: PCenter, served: Served, *, allowed: IntArray, p: int) -> Served:
    """
    Open sites until there are p, each time the best one for the client that is farthest.

    Gonzalez 1985, "Clustering to minimize the maximum intercluster distance", Theoretical Computer
    Science 38: where distances are a metric, the result is at most twice the optimum.

    Parameters
    ----------
    problem, served
        The problem, and the sites that are open already.
    allowed
        Sites that may open.
    p
        Number of open sites to reach; there are as many that may open.
    """
    sites, place, costs = served.sites, served.place.copy(), served.costs.copy()
    everyone = np.arange(problem.num_clients)
    closed = allowed[~np.isin(allowed, sites)]
    while sites.size < p:
        farthest = np.array([np.argmax(costs)]) if sites.size else everyone[:1]
        site = closed[[int(np.argmin(problem.costs(farthest, closed)[0]))]]
        new = problem.costs(everyone, site)[:, 0]
        nearer = new < costs
        costs[nearer], place[nearer] = new[nearer], sites.size
        sites, closed = np.concatenate([sites, site]), closed[closed != site]
    return Served(sites, place, costs)


def far_clients(problem: PCenter, served: Served, *, beyond: float) -> IntArray:
    """
    List clients that are far from their sites and from each other, those of each site first.

    Parameters
    ----------
    problem, served
        The problem, and who serves whom.
    beyond
        Distance from which a client is far.
    """
    far = np.flatnonzero(served.costs > beyond)
    far = far[np.lexsort((-served.costs[far], served.place[far]))]
    _, first = np.unique(served.place[far], return_index=True)
    worst = far[np.argsort(-served.costs[far], kind="stable")[:COMPARED]]
    candidates = np.concatenate([far[first], np.setdiff1d(worst, far[first])])
    # Clients at much the same distances from all open sites are near each other.
    profile = problem.costs(candidates, served.sites)
    if not np.isfinite(profile).all():
        return far[first]
    chosen, apart = list(range(first.size)), np.full(candidates.size, np.inf)
    for place in chosen:
        apart = np.minimum(apart, np.abs(profile - profile[place]).max(axis=1))
    while len(chosen) < MOST_ADDED and apart.max(initial=0.0) > SPREAD * beyond:
        chosen.append(int(np.argmax(apart)))
        apart = np.minimum(apart, np.abs(profile - profile[chosen[-1]]).max(axis=1))
    return candidates[chosen]


def least_covered(
    problem: PCenter, clients: IntArray, sites: IntArray, parts: FloatArray, *, radius: float
) -> IntArray:
    """
    List clients that fractions of sites cover least, no two of them by much the same sites.

    Parameters
    ----------
    problem
        The problem.
    clients
        Those to look at.
    sites, parts
        Sites, and how far each is open.
    radius
        Within which a site covers a client.
    """
    step = max(1, BLOCK // max(1, sites.size))
    covered, nearest = np.empty(clients.size), np.empty(clients.size)
    for begin in range(0, clients.size, step):
        costs = problem.costs(clients[begin : begin + step], sites)
        covered[begin : begin + step] = (np.isfinite(costs) & (costs <= radius)) @ parts
        nearest[begin : begin + step] = costs.min(axis=1)
    order = np.lexsort((-nearest, covered))
    order = order[covered[order] < COVERED][:COMPARED]
    costs = problem.costs(clients[order], sites)
    shares = (np.isfinite(costs) & (costs <= radius)) * parts
    alike = (shares > 0).astype(float) @ shares.T
    apart = np.ones(order.size, dtype=bool)
    chosen: list[int] = []
    for place in range(order.size):
        if apart[place]:
            chosen.append(place)
            apart &= alike[place] < ALIKE * np.maximum(shares.sum(axis=1), shares[place].sum())
        if len(chosen) == MOST_ADDED:
            break
    return clients[order[chosen]]
