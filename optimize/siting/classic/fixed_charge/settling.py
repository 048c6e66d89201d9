"""Plain conclusions on sites before a bound is asked, and the bounds that matter."""

from __future__ import annotations

from typing import Any

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from ....search import TOLERANCE, Search
from .relaxation import Relaxation

FAR = 0.15
"""How far above the bound climbs aim, as a share of it."""

SLACK = 1e-9
"""Share of the demand that is given up to rounding."""


def pruning_limit(search: Search[Any]) -> float:
    """Bound from which on nothing better is worth a look: whole objectives differ by 1."""
    if search.plan is None:
        return np.inf
    objective = search.objective
    least = 1 - 1e-3 if search.is_whole else 0.5 * TOLERANCE * max(1.0, abs(objective))
    return objective - max(least, search.limits.gap * abs(objective))


def aim_of(search: Search[Any], bound: float) -> float:
    """Bound to aim at: a little above the bound, at most the objective of the best plan."""
    above = bound + FAR * abs(bound) + 1.0 if np.isfinite(bound) else np.inf
    return min(above, search.objective) if min(above, search.objective) < np.inf else 1.0


def settle(relaxation: Relaxation) -> bool:
    """Draw the plain conclusions on sites; whether a solution may be left."""
    form = relaxation.form
    lower, upper, pairs = relaxation.lower, relaxation.upper, relaxation.pairs
    usable = np.isfinite(relaxation.fixed)
    upper[np.bincount(form.site, usable, minlength=form.num_sites) == 0] = 0.0
    for a, b in form.apart:
        upper[b] = 0.0 if lower[a] > 0 else upper[b]
        upper[a] = 0.0 if lower[b] > 0 else upper[a]
    settle_number(relaxation)
    if not number_holds(relaxation) or (form.limited and not keep_room(relaxation)):
        return False
    if not number_holds(relaxation):
        return False
    stays = (upper[form.site] > 0) & usable
    reached = np.zeros(form.num_clients, dtype=bool)
    reached[pairs.client[stays[pairs.option]]] = True
    return bool(reached.all())


def settle_number(relaxation: Relaxation) -> None:
    """Close the rest once enough sites are open, or open what is left if all are needed."""
    form, lower, upper = relaxation.form, relaxation.lower, relaxation.upper
    if lower.sum() == form.most:
        upper[:] = np.minimum(upper, lower)
    if upper.sum() == form.least:
        lower[:] = upper


def number_holds(relaxation: Relaxation) -> bool:
    """Whether bounds of sites and their number may both be kept."""
    form, lower, upper = relaxation.form, relaxation.lower, relaxation.upper
    few_enough = lower.sum() <= form.most and upper.sum() >= form.least
    return bool(few_enough and (lower <= upper).all())


def keep_room(relaxation: Relaxation) -> bool:
    """
    Close sites too small, and open sites too large to miss, for the demand to fit.

    At most so many sites may be open: with the required ones, the largest of the others are all
    that can hold the demand.

    Returns
    -------
    bool
        Whether the demand fits at all.
    """
    form, lower, upper = relaxation.form, relaxation.lower, relaxation.upper
    room = largest_room(relaxation)
    demand = float(form.demand.sum()) * (1 - SLACK)
    while True:
        must = lower > 0
        places = form.most - int(must.sum())
        free = np.flatnonzero(~must & (upper > 0))
        free = free[np.argsort(-room[free], kind="stable")]
        best = free[: max(places, 0)]
        spare = float(room[must].sum() + room[best].sum()) - demand
        if spare < 0 or places < 0:
            return False
        if not best.size:
            return True
        closed, opened = _forced(room, free, best.size, spare)
        upper[closed], lower[opened] = 0.0, 1.0
        if not closed.any() and not opened.any():
            return True


def largest_room(relaxation: Relaxation) -> FloatArray:
    """Largest capacity that each site may still have, shape (sites,)."""
    form = relaxation.form
    room = np.full(form.num_sites, -np.inf)
    usable = np.isfinite(relaxation.fixed)
    np.maximum.at(room, form.site[usable], form.capacity[usable])
    return room


def _forced(
    room: FloatArray, free: IntArray, places: int, spare: float
) -> tuple[BoolArray, BoolArray]:
    """
    Mark free sites, given by falling room, that cannot be open or must be.

    Parameters
    ----------
    room, free
        Room of each site, and the free sites.
    places
        How many of them may be open.
    spare
        Room beyond the demand if the largest are.
    """
    closed, opened = np.zeros(room.size, dtype=bool), np.zeros(room.size, dtype=bool)
    best, others = free[:places], free[places:]
    closed[others[room[best[-1]] - room[others] > spare]] = True
    instead = room[others[0]] if others.size else 0.0
    opened[best[room[best] - instead > spare]] = True
    return closed, opened
