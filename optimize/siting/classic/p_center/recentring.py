"""
Move each open site to the centre of the clients that it serves, then serve them anew.

Alternation of location and allocation (Maranzana 1964, "On the location of supply points to
minimize transport costs", Operational Research Quarterly 15(3)). The centre of one cluster is found
exactly: of the clients looked at so far the best site, then the client farthest from it (Chen and
Chen 2009).
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from .....models.siting.p_center import PCenter
from .serving import Served, serve

MOST_PASSES, MOST_STEPS = 10, 12
"""Passes over all open sites, and clients that are looked at to find one centre."""

MOST_MOVABLE = 50_000
"""Sites among which centres are looked for, spread evenly over more of them."""


def recentred(problem: PCenter, served: Served, *, movable: IntArray, target: float) -> Served:
    """
    Move sites as long as that lowers the largest weighted distance.

    Parameters
    ----------
    problem, served
        The problem, and open sites with the clients that they serve.
    movable
        Sites that may be opened or closed.
    target
        Largest distance that is good enough.
    """
    for _ in range(MOST_PASSES):
        if served.worst <= target or not np.isfinite(served.worst):
            break
        sites = served.sites.copy()
        closed = movable[:: -(-movable.size // MOST_MOVABLE) or 1]
        closed = closed[~np.isin(closed, sites)]
        for place in np.flatnonzero(np.isin(sites, movable)):
            cluster = np.flatnonzero(served.place == place)
            if cluster.size and served.costs[cluster].max() > target:
                sites[place] = _centre(problem, cluster, sites[place], served.costs, closed)
        if np.unique(sites).size < sites.size:
            break
        moved = serve(problem, sites)
        if not moved.worst < served.worst:
            break
        served = moved
    return served


def _centre(
    problem: PCenter, cluster: IntArray, site: int, costs: FloatArray, closed: IntArray
) -> int:
    """Find the site from which the farthest client of a cluster is nearest."""
    best, radius = int(site), float(costs[cluster].max())
    client = cluster[[int(np.argmax(costs[cluster]))]]
    candidates, worst = closed, np.zeros(closed.size)
    for _ in range(MOST_STEPS):
        worst = np.maximum(worst, problem.costs(client, candidates)[0])
        better = worst < radius
        candidates, worst = candidates[better], worst[better]
        if not candidates.size:
            break
        new = candidates[[int(np.argmin(worst))]]
        away = problem.costs(cluster, new)[:, 0]
        if away.max() < radius:
            best, radius = int(new[0]), float(away.max())
        client = cluster[[int(np.argmax(away))]]
    return best
