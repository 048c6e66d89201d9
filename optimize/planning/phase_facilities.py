"""Facilities that circles may count: what exists, and what may be built or a plan opens."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...instances.catalogue import Catalogue, Service
from ...instances.city import City
from ...instances.policy import Policy
from ...instances.policy_circles import CirclesPolicy
from ...instances.service_demand import Offers
from ...models.formulation import IntArray

COLUMNS = ("site_id", "service", "category", "level", "action", "floor_area_m2", "cost")
"""Columns of the layer of services of a plan that are read."""

BUILT, THERE = frozenset({"opened", "converted"}), frozenset({"kept", "extended"})
"""What the action of a service of a plan means: it is new, or exists today."""


def check_names(policy: Policy, catalogue: Catalogue) -> None:
    """
    Refuse categories and services that the catalogue does not know.

    Raises
    ------
    ValueError
        If the policy names one.
    """
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


def possible_facilities(
    city: City, policy: Policy, catalogue: Catalogue, offers: Offers
) -> pd.DataFrame:
    """
    Return what exists, and every service that a candidate site may host.

    Parameters
    ----------
    city, policy, catalogue
        The city, the rules and the services.
    offers
        What the sites list.
    """
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


def planned_facilities(
    city: City, policy: Policy, catalogue: Catalogue, services: pd.DataFrame
) -> pd.DataFrame:
    """
    Return what a plan keeps, which exists, and what it opens, which is to be built.

    Parameters
    ----------
    city, policy, catalogue
        The city, the rules and the services.
    services
        Layer ``services`` of the plan.

    Raises
    ------
    ValueError
        If the layer lacks a column, or names a site or an action that there is not.
    """
    missing = [name for name in COLUMNS if name not in services]
    if missing:
        raise ValueError(
            f"layer services of the plan lacks {', '.join(missing)}. Write the plan again with "
            "`shequ plan CITY -o FOLDER --services`."
        )
    strange = sorted(set(services["action"].astype(str)) - BUILT - THERE - {"closed"})
    if strange:
        raise ValueError(f"layer services, column action: {strange[0]} not understood.")
    rows = services[services["action"].isin(BUILT | THERE)].reset_index(drop=True)
    place = _sites_of(city, rows)
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
    return table[counts].reset_index(drop=True)


def _sites_of(city: City, rows: pd.DataFrame) -> IntArray:
    """Return the row of the site of each service of a plan."""
    place = pd.Index(city.sites["site_id"].astype(str)).get_indexer(rows["site_id"].astype(str))
    if (place < 0).any():
        lost = rows["site_id"][place < 0].iloc[0]
        raise ValueError(
            f"layer services, site_id {lost}: the city has no such site. Name the city that the "
            "plan was made of."
        )
    return np.asarray(place, dtype=np.int64)


def _counting(policy: Policy, catalogue: Catalogue) -> list[tuple[int, Service]]:
    """Services that give a category that counts, with their rows in the catalogue."""
    rules = policy.circles
    return [
        (row, service)
        for row, service in enumerate(catalogue.service)
        if service.category in rules.categories and service.id not in rules.not_enough
    ]


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
