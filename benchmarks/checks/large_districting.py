"""Moments of inertia of many units, recomputed in plain Python in two passes over them."""

from __future__ import annotations

import math

from ...models.districting.problem import Districting
from ...models.formulation import IntArray
from ..registry import register_check
from .districting import Verdict, broken_rules, parts_of


def check_large(problem: Districting, assignment: IntArray) -> Verdict:
    """Sum the moments of each district about its unit next to the mass centre."""
    parts = parts_of(assignment)
    total = math.fsum(_moment(problem, members) for members in parts.values())
    return total, broken_rules(problem, parts)


def _moment(problem: Districting, members: list[int]) -> float:
    mass = problem.mass[members].tolist()
    x, y = problem.location[members].T.tolist()
    whole = math.fsum(mass) or 1.0
    mid_x = math.fsum(map(math.prod, zip(mass, x, strict=True))) / whole
    mid_y = math.fsum(map(math.prod, zip(mass, y, strict=True))) / whole
    places = problem.centre[members].tolist()
    at_x, at_y = min(places, key=lambda place: math.dist(place, (mid_x, mid_y)))
    own = problem.inertia[members].tolist()
    squares = ((a - at_x) ** 2 + (b - at_y) ** 2 for a, b in zip(x, y, strict=True))
    moments = (i + m * s for i, m, s in zip(own, mass, squares, strict=True))
    return math.fsum(moments) / 1e6


register_check("districting-large", check_large)
