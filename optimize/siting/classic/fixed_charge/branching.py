"""How a node of the tree falls into children."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .....models.formulation import FloatArray
from .form import Form
from .relaxation import Climb, Point, Relaxation

NEARLY = 0.01
"""What a number of sites may miss a whole number by and still count as it."""


def site_usage(form: Form, point: Point) -> FloatArray:
    """How often each site was chosen on the way to a point, shape (sites,)."""
    usage = np.bincount(form.site, point.usage, minlength=form.num_sites)
    return usage.astype(float)


def count_children(relaxation: Relaxation, count: float) -> list[Relaxation]:
    """Allow at most as many open sites as a count, or ask for more."""
    form = relaxation.form
    fewer = min(max(int(np.floor(count + NEARLY)), form.least), form.most - 1)
    few, many = relaxation.copy(), relaxation.copy()
    few.form = replace(form, most=fewer)
    many.form = replace(form, least=fewer + 1)
    return [few, many]


def site_children(relaxation: Relaxation, site: int) -> list[Relaxation]:
    """Close or open a site."""
    closed, opened = relaxation.copy(), relaxation.copy()
    closed.upper[site] = 0.0
    opened.lower[site] = 1.0
    return [closed, opened]


def option_children(relaxation: Relaxation, point: Point) -> list[Relaxation]:
    """Rule out the option that is least settled, or all others of its site; none if one is left."""
    form = relaxation.form
    left = np.isfinite(relaxation.fixed) & (relaxation.upper[form.site] > 0)
    several = left & (np.bincount(form.site, left, minlength=form.num_sites)[form.site] > 1)
    if not several.any():
        return []
    o = int(np.argmin(np.where(several, np.abs(point.usage - 0.5), np.inf)))
    without, only = relaxation.copy(), relaxation.copy()
    without.fixed[o] = np.inf
    others = form.site == form.site[o]
    others[o] = False
    only.fixed[others] = np.inf
    return [without, only]


def client_children(relaxation: Relaxation, climb: Climb) -> list[Relaxation] | None:
    """
    Tie the client that is least settled to its first option, or keep it away from there.

    Returns
    -------
    list of Relaxation, or None
        None if every client has one pair left.
    """
    pairs, num_clients = relaxation.pairs, relaxation.form.num_clients
    several = np.bincount(pairs.client, minlength=num_clients) > 1
    if not several.any():
        return None
    largest = np.zeros(num_clients)
    np.maximum.at(largest, pairs.client, climb.flow)
    doubt = np.where(several, np.abs(largest - 0.5), np.inf)
    own = pairs.client == int(np.argmin(doubt))
    best = np.flatnonzero(own)[np.argmax(climb.flow[own])]
    tied, apart = ~own, np.ones(own.size, dtype=bool)
    tied[best] = True
    apart[best] = False
    children = []
    for kept in (tied, apart):
        child = relaxation.copy()
        child.pairs = pairs.only(kept)
        children.append(child)
    return children
