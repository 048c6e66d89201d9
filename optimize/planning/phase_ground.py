"""What circles of a city are made of: facilities that exist or may be built, units, circles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from ...instances.catalogue import Catalogue, Service
from ...instances.city import City
from ...instances.policy import Policy
from ...instances.policy_circles import CirclesPolicy
from ...instances.service_demand import services_of_sites
from ...instances.walking import walking_times
from ...models.formulation import FloatArray, IntArray
from ...models.siting.circles import CircleGround, Room

COLUMNS = ("site_id", "service", "category", "level", "action", "floor_area_m2", "cost")
"""Columns of the layer of services of a plan that are read."""

BUILT, THERE = frozenset({"opened", "converted"}), frozenset({"kept", "extended"})
"""What the action of a service of a plan means: it is new, or exists today."""


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
        Sentences on what was left out.
    """

    facilities: pd.DataFrame
    circles: pd.DataFrame
    categories: tuple[str, ...]
    column: str
    minutes: sparse.csr_array
    ground: CircleGround
    warnings: tuple[str, ...] = ()


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
    _check_names(policy, catalogue)
    facilities = _facilities(city, policy, catalogue)
    unknown = services_of_sites(city, catalogue).unknown
    found = _assembled(city, policy, catalogue, facilities, column=column)
    if not unknown:
        return found
    names = ", ".join(f"{name} ({number})" for name, number in sorted(unknown.items()))
    told = f"services of sites that the catalogue does not know, with the number of sites: {names}."
    return replace(found, warnings=(*found.warnings, told))


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
    _check_names(policy, catalogue)
    missing = [name for name in COLUMNS if name not in services]
    if missing:
        raise ValueError(
            f"layer services of the plan lacks {', '.join(missing)}. Write the plan again with "
            "`shequ plan CITY -o FOLDER --services`."
        )
    rows = services[services["action"].isin(BUILT | THERE)].reset_index(drop=True)
    strange = sorted(set(services["action"].astype(str)) - BUILT - THERE - {"closed"})
    if strange:
        raise ValueError(f"layer services, column action: {strange[0]} not understood.")
    place = pd.Index(city.sites["site_id"].astype(str)).get_indexer(rows["site_id"].astype(str))
    if (place < 0).any():
        lost = rows["site_id"][place < 0].iloc[0]
        raise ValueError(
            f"layer services, site_id {lost}: the city has no such site. Name the city that the "
            "plan was made of."
        )
    exists = rows["action"].isin(THERE).to_numpy(bool)
    table = _table(
        city, rows["service"].astype(str).to_numpy(object), place, exists, catalogue
    ).assign(
        category=rows["category"].astype(str).to_numpy(object),
        level=rows["level"].astype(str).to_numpy(object),
        floor_area_m2=rows["floor_area_m2"].to_numpy(float),
        cost=np.where(exists, 0.0, rows["cost"].fillna(0).to_numpy(float)),
    )
    counts = table["category"].isin(policy.circles.categories) & ~table["service"].isin(
        policy.circles.not_enough
    )
    return _assembled(
        city, policy, catalogue, table[counts].reset_index(drop=True), column=column, planned=True
    )


def _check_names(policy: Policy, catalogue: Catalogue) -> None:
    """Refuse categories and services that the catalogue does not know."""
    known = {service.category for service in catalogue.service}
    for category in policy.circles.categories:
        if category not in known:
            raise ValueError(
                f"circles.categories: the catalogue has no service of {category}; choose "
                f"{', '.join(sorted(known))}."
            )
    ids = {service.id for service in catalogue.service}
    for name in policy.circles.not_enough:
        if name not in ids and name not in CirclesPolicy().not_enough:
            raise ValueError(f"circles.not_enough: the catalogue has no service {name}.")


def _counting(policy: Policy, catalogue: Catalogue) -> list[tuple[int, Service]]:
    """Services that give a category that counts, with their rows in the catalogue."""
    rules = policy.circles
    return [
        (row, service)
        for row, service in enumerate(catalogue.service)
        if service.category in rules.categories and service.id not in rules.not_enough
    ]


def _facilities(city: City, policy: Policy, catalogue: Catalogue) -> pd.DataFrame:
    offers = services_of_sites(city, catalogue)
    sites = city.sites
    existing = (sites["status"] == "existing").to_numpy(bool)
    free = ~existing & ~sites["forbidden"].to_numpy(bool)
    largest = sites["max_area_m2"].to_numpy(float)
    fixed, per_m2 = (
        sites[name].fillna(0).to_numpy(float) for name in ("fixed_cost", "cost_per_m2")
    )
    beside, names_one = _sharing(catalogue), offers.listed.any(axis=0)
    found = []
    for row, service in _counting(policy, catalogue):
        there = np.flatnonzero(existing & offers.listed[row])
        found.append(_table(city, service.id, there, np.ones(there.size, dtype=bool), catalogue))
        if service.min_area_m2 is None:
            continue
        area = service.min_area_m2.value
        hosts = ~names_one | offers.listed[row] | offers.listed[beside[row]].any(axis=0)
        may = free & (largest >= area) & hosts
        place = np.flatnonzero(may)
        table = _table(city, service.id, place, np.zeros(place.size, dtype=bool), catalogue)
        found.append(table.assign(floor_area_m2=area, cost=fixed[place] + area * per_m2[place]))
    return pd.concat(found, ignore_index=True)


def _sharing(catalogue: Catalogue) -> list[list[int]]:
    """List the rows of the services that may be in one building with each service."""
    ids = [service.id for service in catalogue.service]
    return [
        [row for row, other in enumerate(ids) if other != own and catalogue.may_share(own, other)]
        for own in ids
    ]


def _table(
    city: City,
    service: str | np.ndarray,
    place: IntArray,
    exists: np.ndarray,
    catalogue: Catalogue,
) -> pd.DataFrame:
    """Rows of facilities at sites, free of charge and without an area of their own."""
    names = {one.id: one for one in catalogue.service}
    services = np.broadcast_to(np.asarray(service, dtype=object), place.shape)
    site_ids = city.sites["site_id"].astype(str).to_numpy(object)[place]
    known = [names.get(str(name)) for name in services]
    return pd.DataFrame(
        {
            "facility_id": [f"{s}/{n}" for s, n in zip(site_ids, services, strict=True)],
            "site_id": site_ids,
            "service": services,
            "name": [f"{one.name_zh} {one.name_en}" if one else "" for one in known],
            "category": [one.category if one else "" for one in known],
            "level": [one.level if one else "" for one in known],
            "floor_area_m2": 0.0,
            "cost": 0.0,
            "exists": exists.astype(bool),
            "site": place.astype(np.int64),
        }
    )


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


def _warnings(lost: Sequence[str], policy: Policy, *, planned: bool) -> list[str]:
    """Say which categories are left out, or refuse that."""
    if not lost:
        return []
    where = "the plan" if planned else "a site, and no service of it has min_area_m2"
    told = f"{', '.join(lost)}: no service is offered by {where}"
    if policy.circles.unknown == "refuse":
        raise ValueError(
            f"circles.categories: {told}. Give services of the sites or areas in a catalogue, or "
            'set circles.unknown = "leave_out".'
        )
    return [f"{told}; left out of what a circle needs (circles.unknown)."]


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


def circles_of_units(city: City, column: str) -> tuple[IntArray, pd.DataFrame]:
    """
    Return the circle of each unit, and the circles of a column.

    Raises
    ------
    ValueError
        If neither the units nor the communities have such a column, or it is empty.
    """
    units = city.units
    if column in units:
        ids = units[column]
    elif column in city.communities:
        ids = city.communities[column].iloc[city.unit_community_idx].reset_index(drop=True)
    else:
        known = [str(name) for name in units.columns if name != "geometry"]
        raise ValueError(
            f"--circles {column}: the layer units has no such column; choose {', '.join(known)}."
        )
    given = ids.notna() & (ids.astype(str) != "")
    if not given.any():
        raise ValueError(f"--circles {column}: the column is empty; choose another one.")
    texts = ids.astype(str).where(given)
    codes, names = pd.factorize(texts, sort=True)
    inside = codes >= 0
    residents = np.bincount(codes[inside], units["residents"].to_numpy(float)[inside], len(names))
    circles = pd.DataFrame(
        {
            "circle_id": np.asarray(names, dtype=object),
            "name": _names(city, column, names),
            "residents": np.rint(residents).astype(int),
            "units": np.bincount(codes[inside], minlength=len(names)),
        }
    )
    return codes.astype(np.int64), circles


def _names(city: City, column: str, ids: Sequence[str]) -> list[str]:
    """Names of communities where the circles are such, else the ids."""
    if column != "community_id" or "name" not in city.communities:
        return [str(one) for one in ids]
    pairs = zip(city.communities["community_id"].astype(str), city.communities["name"], strict=True)
    names = {key: name for key, name in pairs if isinstance(name, str) and name}
    return [names.get(str(one), str(one)) for one in ids]
