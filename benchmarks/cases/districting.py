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
INERTIA = ((20, 2), (40, 2), (80, 3), (150, 3), (300, 3), (600, 3), (600, 6), (1000, 3))
INERTIA_TARGETS = {(150, 3): 0.5, (300, 3): 1.5, (600, 3): 5.0, (600, 6): 15.0, (1000, 3): 15.0}
EDGES = ((16, 2), (25, 2), (40, 2), (60, 2), (100, 2))
BORDERS = ((150, 3), (300, 3))
BORDER_TARGET = 300.0


def _inertia(data: Path, *, units: int, districts: int) -> Districting:
    del data
    return voronoi_districting(units, districts, seed=11, tolerance=TOLERANCE)[0]


def _edges(data: Path, *, units: int, districts: int, lengths: bool) -> EdgeCostDistricting:
    del data
    problem, borders = voronoi_districting(units, districts, seed=11, tolerance=TOLERANCE)
    return EdgeCostDistricting(problem, borders if lengths else np.ones(len(problem.edges)))


def _tags(place: int) -> frozenset[str]:
    return frozenset({"generated", "growth", *(["smoke"] if place == 0 else [])})


def _add_inertia() -> None:
    for place, (units, districts) in enumerate(INERTIA):
        target = INERTIA_TARGETS.get((units, districts))
        tags = _tags(place) | (frozenset() if target is None else {"target"})
        register_case(
            Case(
                name=f"districting-inertia/voronoi-{units:04}-{districts}",
                family="districting-inertia",
                load=partial(_inertia, units=units, districts=districts),
                size={"units": units, "districts": districts},
                tags=tags,
                target_seconds=target,
            )
        )


def _add_edges(family: str, *, lengths: bool) -> None:
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


def _add_borders() -> None:
    for units, districts in BORDERS:
        register_case(
            Case(
                name=f"districting-border/voronoi-{units:04}-{districts}",
                family="districting-border",
                load=partial(_edges, units=units, districts=districts, lengths=True),
                size={"units": units, "districts": districts},
                tags=frozenset({"generated", "target"}),
                target_seconds=BORDER_TARGET,
                time_limit=BORDER_TARGET,
            )
        )


_add_inertia()
_add_edges("districting-border", lengths=True)
_add_edges("districting-cut-edges", lengths=False)
_add_borders()
