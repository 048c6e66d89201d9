"""Generated cities: their stations as one siting problem, and their whole plan."""

from __future__ import annotations

import functools
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..problems import CityFile, MicroTask, StationPlan
from ..registry import Case, register_case

RESIDENTS = (40_000, 80_000, 160_000, 320_000)
SLACK = 0.005
REAL = {"kaohsiung": (4119, 199), "taipei": (11490, 456)}


@functools.cache
def generated_city(residents: int) -> Any:  # noqa: ANN401 - a city
    """Return a generated city."""
    from ...instances.city import build_city  # noqa: PLC0415 - geopandas is slow to load
    from ...instances.synthetic import generate_city  # noqa: PLC0415

    return build_city(generate_city(residents=residents, seed=7))


def _stations(data: Path, *, residents: int, objective: str) -> StationPlan:
    """Make the siting problem of a city as it stands, lowered to what its sites can meet."""
    from ...instances.policy import Policy  # noqa: PLC0415 - geopandas is slow to load
    from ...instances.site_units import site_units  # noqa: PLC0415
    from ...instances.walking import walking_times  # noqa: PLC0415
    from ...optimize.planning.site import siting_problem  # noqa: PLC0415
    from ...optimize.planning.snapshot import communities_of_sites  # noqa: PLC0415
    from ...optimize.siting.engine import cheapest_siting  # noqa: PLC0415

    del data
    city, policy = generated_city(residents), Policy()
    problem = siting_problem(
        city,
        policy,
        walking_times(city, policy),
        city.communities,
        city.unit_community_idx,
        communities_of_sites(site_units(city, policy), city.unit_community_idx),
    ).attainable()
    if objective == "cheapest":
        return StationPlan(problem, objective)
    cheapest = cheapest_siting(problem)
    assert cheapest.bound is not None  # noqa: S101 - these cities are solved in a second
    return StationPlan(problem, objective, cheapest.bound * (1 + SLACK))


def _whole(data: Path, *, residents: int) -> CityFile:
    from ...instances.city import write_city  # noqa: PLC0415 - geopandas is slow to load
    from ...instances.synthetic import generate_city  # noqa: PLC0415

    del data
    folder = Path(tempfile.mkdtemp(prefix="shequ-bench-"))
    path = folder / f"city-{residents}.gpkg"
    return CityFile(write_city(generate_city(residents=residents, seed=7), path))


def _micro(data: Path, *, task: str, residents: int) -> MicroTask:
    from ...instances.policy import Policy  # noqa: PLC0415 - geopandas is slow to load

    city = generated_city(residents)
    if task == "walk":
        return MicroTask(task, (city, Policy()))
    if task == "dissolve":
        shapes = np.asarray(city.units.geometry, dtype=object)
        return MicroTask(task, (shapes, city.unit_community_idx))
    if task == "read":
        return MicroTask(task, _whole(data, residents=residents).path)
    return MicroTask(task, city)


def _build(data: Path, *, units: int) -> MicroTask:
    from ...instances.synthetic.district_graphs import voronoi_districting  # noqa: PLC0415

    del data
    return MicroTask("build", voronoi_districting(units, 3, seed=3)[0])


def _tags(place: int, *more: str) -> frozenset[str]:
    return frozenset({"generated", "growth", *more, *(["smoke"] if place == 0 else [])})


for place, residents in enumerate(RESIDENTS):
    for family, objective in (("stations-cost", "cheapest"), ("stations-walking", "walking")):
        register_case(
            Case(
                name=f"{family}/city-{residents:07}",
                family=family,
                load=partial(_stations, residents=residents, objective=objective),
                size={"residents": residents},
                tags=_tags(place),
            )
        )
    register_case(
        Case(
            name=f"city/generated-{residents:07}",
            family="city",
            load=partial(_whole, residents=residents),
            size={"residents": residents},
            tags=_tags(place),
        )
    )
    for task in ("walk", "dissolve", "read", "write"):
        register_case(
            Case(
                name=f"micro-{task}/city-{residents:07}",
                family=f"micro-{task}",
                load=partial(_micro, task=task, residents=residents),
                size={"residents": residents},
                tags=_tags(place, "micro"),
            )
        )
for place, units in enumerate((50, 100, 200, 400)):
    register_case(
        Case(
            name=f"micro-build/hess-{units:04}",
            family="micro-build",
            load=partial(_build, units=units),
            size={"units": units},
            tags=_tags(place, "micro"),
        )
    )
for name, (units, communities) in REAL.items():
    register_case(
        Case(
            name=f"city/{name}",
            family="city",
            load=lambda data, name=name: CityFile(data / "cities" / name / "city.gpkg"),  # type: ignore[misc]
            size={"units": units, "communities": communities},
            tags=frozenset({"published", "real"}),
            needs=f"cities/{name}/city.gpkg",
            where="Taiwan government open data",
        )
    )
