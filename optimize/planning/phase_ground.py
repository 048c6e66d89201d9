"""What circles of a city are made of: facilities that exist or may be built, units, circles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from ...instances.catalogue import Catalogue
from ...instances.city import City
from ...instances.notes import Note, named, note
from ...instances.policy import Policy
from ...instances.service_demand import services_of_sites
from ...instances.walking import walking_times
from ...models.formulation import FloatArray
from ...models.siting.circles import CircleGround, Room
from .circles_of_units import circles_of_units
from .phase_facilities import check_names, planned_facilities, possible_facilities


@dataclass(frozen=True, eq=False)
class CircleCity:
    """
    Facilities and circles of a city, and the arrays that they are.

    Parameters
    ----------
    facilities
        One row a facility: facility_id, site_id, service, name, category, level, floor_area_m2,
        cost, exists, site (row of the city's sites).
    circles
        One row a circle: circle_id, name, residents, units.
    categories
        Categories that count, in the order of the ground.
    column
        Column of the units that names their circle.
    minutes
        Walking minutes within reach, CSR of shape (facilities, units).
    ground
        The arrays.
    warnings
        What was left out.
    """

    facilities: pd.DataFrame
    circles: pd.DataFrame
    categories: tuple[str, ...]
    column: str
    minutes: sparse.csr_array
    ground: CircleGround
    warnings: tuple[Note, ...] = ()


def circle_city(
    city: City, policy: Policy, catalogue: Catalogue, *, column: str = "community_id"
) -> CircleCity:
    """
    Offer every candidate site every service that it may host, beside what exists.

    A facility costs the fixed cost of its site and, for the least area of its service, the cost of
    each m². A candidate that lists services of the catalogue may host those, and what may share a
    building with one of them.

    Parameters
    ----------
    city, policy, catalogue
        The city, the rules and the services.
    column
        Column of the units, or of the communities, that names their circle.

    Raises
    ------
    ValueError
        If there is no such column, a category is unknown to the catalogue, or nothing is left.
    """
    check_names(policy, catalogue)
    offers = services_of_sites(city, catalogue)
    facilities = possible_facilities(city, policy, catalogue, offers)
    found = _assembled(city, policy, catalogue, facilities, column=column)
    if not offers.unknown:
        return found
    names = [note("row_number", name=name, count=n) for name, n in sorted(offers.unknown.items())]
    return replace(found, warnings=(*found.warnings, note("services_unknown", services=names)))


def planned_city(
    city: City,
    policy: Policy,
    catalogue: Catalogue,
    services: pd.DataFrame,
    *,
    column: str = "community_id",
) -> CircleCity:
    """
    Take the facilities of a written plan: what it keeps exists, what it opens is to be built.

    Parameters
    ----------
    city, policy, catalogue, column
        As for :func:`circle_city`.
    services
        Layer ``services`` of the plan.

    Raises
    ------
    ValueError
        If the layer lacks a column, or names a site or an action that there is not.
    """
    check_names(policy, catalogue)
    facilities = planned_facilities(city, policy, catalogue, services)
    return _assembled(city, policy, catalogue, facilities, column=column, planned=True)


def _assembled(
    city: City,
    policy: Policy,
    catalogue: Catalogue,
    facilities: pd.DataFrame,
    *,
    column: str,
    planned: bool = False,
) -> CircleCity:
    """Turn facilities and a column of circles into arrays."""
    rules = policy.circles
    offered = set(facilities["category"])
    categories = tuple(name for name in rules.categories if name in offered)
    lost = [name for name in rules.categories if name not in offered]
    warnings = _warnings(lost, policy, planned=planned)
    if not categories:
        raise ValueError(
            "no category of circles.categories is offered by a site or can be built; give services "
            "of the sites, or a catalogue with min_area_m2."
        )
    circle, circles = circles_of_units(city, column)
    minutes = _minutes(city, policy, catalogue, facilities)
    covers = sparse.csr_array(
        (np.ones(minutes.nnz), minutes.indices, minutes.indptr), shape=minutes.shape
    )
    exists = facilities["exists"].to_numpy(bool)
    ground = CircleGround(
        covers=covers,
        category=np.array([categories.index(name) for name in facilities["category"]], dtype=int),
        costs=np.where(exists, 0.0, facilities["cost"].to_numpy(float)),
        exists=exists,
        residents=city.units["residents"].to_numpy(float),
        circle=circle,
        num_categories=len(categories),
        num_circles=len(circles),
        share=rules.share,
        room=None if planned else _room(city, facilities, exists),
    )
    return CircleCity(facilities, circles, categories, column, minutes, ground, tuple(warnings))


def _warnings(lost: Sequence[str], policy: Policy, *, planned: bool) -> list[Note]:
    """Say which categories are left out, or refuse that."""
    if not lost:
        return []
    kind = "categories_not_planned" if planned else "categories_not_offered"
    told = note(kind, categories=[named("category", name) for name in lost])
    if policy.circles.unknown == "refuse":
        raise ValueError(
            f"circles.categories: {', '.join(lost)}: no service of it is offered by "
            f"{'the plan' if planned else 'a site, nor has min_area_m2'}. Give services of the "
            'sites or areas in a catalogue, or set circles.unknown = "leave_out".'
        )
    return [told]


def _room(city: City, facilities: pd.DataFrame, exists: np.ndarray) -> Room:
    """Account of the floor area of candidates; what exists has its own."""
    return Room(
        site=np.where(exists, -1, facilities["site"].to_numpy(np.int64)),
        areas=facilities["floor_area_m2"].to_numpy(float),
        room=city.sites["max_area_m2"].fillna(0).to_numpy(float),
    )


def _minutes(
    city: City, policy: Policy, catalogue: Catalogue, facilities: pd.DataFrame
) -> sparse.csr_array:
    """Return the walking minutes of each facility to the units within its reach."""
    limits = _reach(policy, catalogue, facilities)
    times = walking_times(city, policy, limit_minutes=float(limits.max()))
    rows = sparse.csr_array(times.minutes[facilities["site"].to_numpy(np.int64)])
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    near = rows.data <= limits[row] + 1e-9
    pairs = sparse.csr_array((rows.data[near], (row[near], rows.indices[near])), shape=rows.shape)
    pairs.sort_indices()
    return pairs


def _reach(policy: Policy, catalogue: Catalogue, facilities: pd.DataFrame) -> FloatArray:
    """Minutes within which each facility counts."""
    if policy.circles.reach_minutes > 0:
        return np.full(len(facilities), policy.circles.reach_minutes)
    own = {
        service.id: service.reach_minutes.value
        for service in catalogue.service
        if service.reach_minutes is not None
    }
    return np.array(
        [own.get(name, policy.siting.reach_minutes) for name in facilities["service"]], dtype=float
    )
