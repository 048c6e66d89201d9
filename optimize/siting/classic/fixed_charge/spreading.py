"""
Options whose knapsacks at a point of the Lagrangian function overlap little.

Good options lie next to each other and serve the same clients. Taken by rising value, an option
counts only where most of what it serves is not served yet.
"""

from __future__ import annotations

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from ....compiled import kernel
from .relaxation import Climb, Relaxation

NEW = (0.8, 0.6, 0.4, 0.2, 0.0)
"""Share of its load that an option must serve anew, falling until enough options are found."""


def spread_options(relaxation: Relaxation, climb: Climb) -> IntArray:
    """
    Choose as many options as the Lagrangian function opens.

    Parameters
    ----------
    relaxation
        What is left; required sites come first.
    climb
        The point, from before anything is dropped there.
    """
    form, pairs, at = relaxation.form, relaxation.pairs, climb.at
    best = at.option_of_site
    value = np.where(relaxation.lower > 0, -np.inf, at.value[best])
    usable = np.flatnonzero(relaxation.upper > 0)
    order = best[usable[np.argsort(value[usable], kind="stable")]]
    chosen = _spread(
        order,
        int(at.is_open.sum()),
        pairs.start,
        pairs.client,
        at.share,
        form.demand,
        np.array(NEW),
    )
    must = best[relaxation.lower > 0]
    return np.union1d(order[chosen], must)


@kernel
def _spread(
    order: IntArray,
    wanted: int,
    start: IntArray,
    client: IntArray,
    share: FloatArray,
    demand: FloatArray,
    least_new: FloatArray,
) -> BoolArray:
    """Mark the options, in order, that serve enough anew."""
    chosen = np.zeros(order.size, dtype=np.bool_)
    served = np.zeros(demand.size, dtype=np.bool_)
    count = 0
    for least in least_new:
        for k in range(order.size):
            if chosen[k] or count >= wanted:
                continue
            load, new = 0.0, 0.0
            for a in range(start[order[k]], start[order[k] + 1]):
                if share[a] > 0.5:
                    load += demand[client[a]]
                    new += 0.0 if served[client[a]] else demand[client[a]]
            if new < least * load:
                continue
            chosen[k] = True
            count += 1
            for a in range(start[order[k]], start[order[k] + 1]):
                if share[a] > 0.5:
                    served[client[a]] = True
    return chosen
