"""Districting of many thousand generated units: a plan and a bound, not a proof, is what counts."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from ...instances.synthetic.district_graphs import voronoi_districting
from ...models.districting.problem import Districting
from ..registry import Case, register_case

SIZES = ((5_000, 10, 60.0), (20_000, 15, 240.0), (100_000, 20, 600.0))
TOLERANCES = (0.05, 0.01, 0.005)


def _load(data: Path, *, units: int, districts: int, tolerance: float) -> Districting:
    del data
    return voronoi_districting(units, districts, seed=11, tolerance=tolerance)[0]


def _add(units: int, districts: int, seconds: float, tolerance: float) -> None:
    """Add a case; its name ends with the tolerance in tenths of a per cent."""
    register_case(
        Case(
            name=f"districting-large/voronoi-{units:06}-{districts}-{1000 * tolerance:02.0f}",
            family="districting-large",
            load=partial(_load, units=units, districts=districts, tolerance=tolerance),
            size={"units": units, "districts": districts},
            tags=frozenset({"generated", "large"}),
            time_limit=seconds,
        )
    )


for units, districts, seconds in SIZES:
    for tolerance in TOLERANCES:
        _add(units, districts, seconds, tolerance)
