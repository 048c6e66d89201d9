"""Siting on generated point fields, of growing size."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ...instances.synthetic.point_fields import (
    PointField,
    make_capacitated_p_median,
    make_fixed_charge,
    make_maximal_covering,
    make_p_center,
    make_p_median,
    make_set_covering,
    point_field,
)
from ..registry import Case, register_case

Make = Callable[[PointField, int], Any]
SIDE = 1000.0


def _radius(num_sites: int) -> float:
    """Radius within which a client of a uniform field has about eight sites."""
    return float(SIDE * (8 / (3.14159 * num_sites)) ** 0.5)


MAKERS: dict[str, Make] = {
    "set-covering": lambda field, n: make_set_covering(field, radius=_radius(n)),
    "maximal-covering": lambda field, n: make_maximal_covering(
        field, radius=_radius(n), p=max(2, n // 20)
    ),
    "p-median": lambda field, n: make_p_median(field, p=max(2, n // 10)),
    "p-center": lambda field, n: make_p_center(field, p=max(2, n // 10)),
    "uncapacitated": lambda field, _: make_fixed_charge(field, kind="uncapacitated"),
    "capacitated": lambda field, _: make_fixed_charge(field, kind="split"),
    "single-source": lambda field, _: make_fixed_charge(field, kind="single-source"),
    "capacitated-p-median": lambda field, n: make_capacitated_p_median(field, p=max(2, n // 10)),
}
SIZES = {
    "set-covering": (50, 100, 200, 400, 800),
    "maximal-covering": (50, 100, 200, 400, 800),
    "p-median": (25, 50, 100, 200, 400),
    "p-center": (25, 50, 100, 200),
    "uncapacitated": (25, 50, 100, 200),
    "capacitated": (25, 50, 100, 200),
    "single-source": (20, 40, 80),
    "capacitated-p-median": (20, 40, 80),
}


def _load(data: Path, *, make: Make, num_points: int) -> Any:  # noqa: ANN401
    del data
    return make(point_field(num_points, seed=7), num_points)


for family, sizes in SIZES.items():
    for place, num_points in enumerate(sizes):
        register_case(
            Case(
                name=f"{family}/field-{num_points:04}",
                family=family,
                load=partial(_load, make=MAKERS[family], num_points=num_points),
                size={"clients": num_points, "sites": num_points},
                tags=frozenset({"generated", "growth", *(["smoke"] if place == 0 else [])}),
            )
        )
