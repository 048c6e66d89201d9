"""Uniform random points of growing size, for shequ, plain models and peers in one run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...instances.synthetic.point_fields import (
    PointField,
    make_maximal_covering,
    make_p_center,
    make_p_median,
    make_set_covering,
    point_field,
)
from ...models.siting.backup_covering import BackupCovering
from ...models.siting.distances import PointDistances
from ...models.siting.p_dispersion import PDispersion
from ...models.siting.partial_covering import PartialCovering
from ..registry import Case, register_case

SIZES = (100, 200, 400, 800)
SEED = 11
AREA = 1000.0**2
COVERED = 8
"""Sites within the radius of a client, on average."""


def _radius(num_points: int) -> float:
    return float((COVERED * AREA / (3.14159 * num_points)) ** 0.5)


MAKERS: dict[str, Callable[[PointField, int], Any]] = {
    "p-median": lambda field, n: make_p_median(field, p=n // 10),
    "p-center": lambda field, n: make_p_center(field, p=n // 10),
    "set-covering": lambda field, n: make_set_covering(field, radius=_radius(n)),
    "maximal-covering": lambda field, n: make_maximal_covering(field, radius=_radius(n), p=n // 10),
}
"""Families that spopt solves, too."""

MORE: dict[str, Callable[[PointField, int], Any]] = {
    "p-dispersion": lambda field, n: PDispersion(PointDistances(field.sites, field.sites), n // 10),
    "backup-covering": lambda field, n: BackupCovering(
        make_set_covering(field, radius=_radius(n)).covers, np.ones(n), field.demand
    ),
    "partial-covering": lambda field, n: PartialCovering(
        make_set_covering(field, radius=_radius(n)).covers, np.ones(n), field.demand, 0.8
    ),
}
"""Relatives."""


def _load(data: Path, *, family: str, num_points: int) -> Any:  # noqa: ANN401 - its own kind
    del data
    return (MAKERS | MORE)[family](point_field(num_points, seed=SEED, clusters=0), num_points)


for name in MAKERS | MORE:
    for size in SIZES:
        register_case(
            Case(
                name=f"{name}/uniform-{size:04}",
                family=name,
                load=partial(_load, family=name, num_points=size),
                size={"clients": size, "sites": size},
                tags=frozenset({"generated", "siting-peers" if name in MAKERS else "growth"}),
            )
        )
