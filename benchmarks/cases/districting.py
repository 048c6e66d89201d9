"""Districting on generated Voronoi cells of growing size, for three objectives."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from ...instances.synthetic.district_graphs import voronoi_districting
from ...models.districting.problem import Districting
from ..problems import EdgeCostDistricting
from ..registry import Case, register_case

TOLERANCE = 0.05
INERTIA = ((20, 2), (40, 2), (80, 3), (150, 3), (300, 3), (600, 3))
EDGES = ((16, 2), (25, 2), (40, 2), (60, 2), (100, 2))


def _inertia(data: Path, *, units: int, districts: int) -> Districting:
    del data
    return voronoi_districting(units, districts, seed=11, tolerance=TOLERANCE)[0]


def _edges(data: Path, *, units: int, districts: int, lengths: bool) -> EdgeCostDistricting:
    del data
    problem, borders = voronoi_districting(units, districts, seed=11, tolerance=TOLERANCE)
    return EdgeCostDistricting(problem, borders if lengths else np.ones(len(problem.edges)))


def _tags(place: int) -> frozenset[str]:
    return frozenset({"generated", "growth", *(["smoke"] if place == 0 else [])})


for place, (units, districts) in enumerate(INERTIA):
    register_case(
        Case(
            name=f"districting-inertia/voronoi-{units:04}-{districts}",
            family="districting-inertia",
            load=partial(_inertia, units=units, districts=districts),
            size={"units": units, "districts": districts},
            tags=_tags(place),
        )
    )
for family, lengths in (("districting-border", True), ("districting-cut-edges", False)):
    for place, (units, districts) in enumerate(EDGES):
        register_case(
            Case(
                name=f"{family}/voronoi-{units:04}-{districts}",
                family=family,
                load=partial(_edges, units=units, districts=districts, lengths=lengths),
                size={"units": units, "districts": districts},
                tags=_tags(place),
            )
        )
