"""Circles of daily life in three years: generated cities, and a real one."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...models.siting.circles import PhasedCircles
from ..registry import Case, register_case

if TYPE_CHECKING:
    from ...instances.city import City

YEARS = 3
GENERATED = {60_000: 600.0, 150_000: 900.0, 300_000: 1200.0}
"""Residents of generated cities, and the money of each year."""

GENERATED_SECONDS, REAL_SECONDS = 60.0, 240.0
REAL = {"kaohsiung": (300.0, 3000.0)}
"""Real cities, and the money of each year of their cases."""


def generated(data: Path, *, residents: int, money: float) -> PhasedCircles:
    """Return the circles of a generated city."""
    from .cities import generated_city  # noqa: PLC0415 - geopandas is slow to load

    del data
    return circles_of(generated_city(residents), money)


def real(data: Path, *, name: str, money: float) -> PhasedCircles:
    """Return the circles of a real city."""
    from ...instances.city import read_city  # noqa: PLC0415 - geopandas is slow to load

    return circles_of(read_city(data / "cities" / name / "city.gpkg"), money)


def circles_of(city: City, money: float) -> PhasedCircles:
    """Return a city's communities as circles, with the same money in every year."""
    from ...instances.catalogue import load_catalogue  # noqa: PLC0415 - geopandas is slow to load
    from ...instances.policy import Policy  # noqa: PLC0415
    from ...optimize.planning.phase_ground import circle_city  # noqa: PLC0415

    ground = circle_city(city, Policy(), load_catalogue()).ground
    return PhasedCircles(ground, budgets=np.full(YEARS, money), weights=np.ones(YEARS))


for residents, money in GENERATED.items():
    register_case(
        Case(
            name=f"circles/city-{residents // 1000:03}k",
            family="circles",
            load=partial(generated, residents=residents, money=money),
            size={"residents": residents, "years": YEARS},
            tags=frozenset({"generated", "circles"}),
            time_limit=GENERATED_SECONDS,
        )
    )
for name, amounts in REAL.items():
    for money in amounts:
        register_case(
            Case(
                name=f"circles/{name}-{money:.0f}",
                family="circles",
                load=partial(real, name=name, money=money),
                size={"money": int(money), "years": YEARS},
                tags=frozenset({"real", "circles"}),
                needs=f"cities/{name}/city.gpkg",
                where="Taiwan government open data; sites and floor areas synthetic",
                time_limit=REAL_SECONDS,
            )
        )
