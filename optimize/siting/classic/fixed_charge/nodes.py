"""Nodes of the tree, and the climb of the Lagrangian function at one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ....search import Search
from .form import Form
from .relaxation import Climb, Point, Relaxation
from .settling import aim_of, settle

STEP, LEAST_STEP = 0.5, 0.05
"""First factor of the steps of a climb, and the least one of a round that goes on."""

STEPS, PATIENCE = 120, 12
"""Steps of a climb at a node, and after how many idle ones they shrink."""

WORTH = 0.1
"""A round that closes a smaller share of the gap than this is the last."""


@dataclass(frozen=True)
class Effort:
    """
    How long to stay at a node.

    Parameters
    ----------
    rounds
        Most climbs.
    settled
        A site chosen in a smaller or larger share of the steps than this counts as settled.
    clients
        Clients with a choice up to which a tree on clients is tried.
    rising
        Whether the limit of the last program rises from just above the bound.
    """

    rounds: int
    settled: float
    clients: int
    rising: bool


BRIEF = Effort(rounds=1, settled=0.02, clients=2**31, rising=False)
THOROUGH = Effort(rounds=8, settled=0.005, clients=80, rising=True)
"""With the number of sites given, branching raises the bound faster than climbing on does."""


def effort_for(form: Form) -> Effort:
    """Be thorough where each client has one source and the number of sites is open."""
    return THOROUGH if form.single and form.limited and form.least < form.most else BRIEF


Improve = Callable[[Relaxation, Climb], None]


@dataclass(order=True)
class Node:
    """An open node, ordered by bound; ``polished`` once its function was climbed to the top."""

    bound: float
    number: int
    relaxation: Relaxation = field(compare=False)
    point: Point = field(compare=False)
    polished: bool = field(compare=False, default=False)


def climbed(
    node: Node, limit: float, search: Search[Any], improve: Improve, *, rounds: int
) -> Climb | None:
    """
    Climb and drop in turns, as long as that raises the bound much.

    Parameters
    ----------
    node
        Its relaxation shrinks.
    limit
        Bound at which the node is closed.
    search, improve
        As in :class:`.tree.Tree`.
    rounds
        Most climbs.

    Returns
    -------
    Climb or None
        None if nothing below the limit is left.
    """
    relaxation, point, step, bound = node.relaxation, node.point, STEP, node.bound
    for _ in range(rounds):
        if not settle(relaxation):
            return None
        climb = relaxation.climb(
            point,
            goal=limit,
            aim=aim_of(search, bound),
            step=step,
            patience=PATIENCE,
            iterations=STEPS,
        )
        if climb.at.bound >= limit:
            return None
        improve(relaxation, climb)
        climb = dropped(relaxation, climb, limit)
        before, bound = bound, max(bound, climb.at.bound)
        point, step = climb.point, max(climb.step, LEAST_STEP)
        if bound - before <= WORTH * (limit - bound) or not np.isfinite(limit) or search.over:
            break
    return climb if settle(relaxation) else None


def dropped(relaxation: Relaxation, climb: Climb, limit: float) -> Climb:
    """Drop what the bound rules out; return the climb over the pairs that stay."""
    if not np.isfinite(limit):
        return climb
    return replace(climb, flow=climb.flow[relaxation.drop(climb.at, limit)])
