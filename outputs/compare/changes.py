"""What differs between plans: communities of units, stations, spending and services."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .comparison import ComparedPlan, Comparison, Names
from .walks import SAME_MINUTES

AREA_TOLERANCE_M2 = 0.5
"""Floor area that makes no difference, in m²."""

ABSENT = "absent"
"""Action of a site that a plan does not know."""


def differing_units(comparison: Comparison) -> pd.DataFrame:
    """
    Return the units whose community or walk is not the same in all plans.

    A walk differs if its minutes do by half a minute or more, or if it is within reach in one plan
    and not in the other. Communities are compared after provisional ids were matched.

    Returns
    -------
    pandas.DataFrame
        ``unit_id``, residents by group, ``street_id``, ``community_id_before``,
        ``community_differs``, ``walk_differs``, and for each plan ``community_id``, ``minutes``
        and ``site_id`` with its name.
    """
    community = np.zeros(len(comparison.units), dtype=bool)
    walk = community.copy()
    first = comparison.first.minutes
    for plan, matched in zip(comparison.others, comparison.matched[1:], strict=True):
        community |= matched != comparison.matched[0]
        both = np.isfinite(first) & np.isfinite(plan.minutes)
        walk |= np.isfinite(first) != np.isfinite(plan.minutes)
        walk |= both & (np.abs(np.where(both, plan.minutes - first, 0)) >= SAME_MINUTES)
    columns: dict[str, object] = {
        "unit_id": comparison.units["unit_id"].astype(str).to_numpy(object),
        **comparison.groups,
        "street_id": comparison.street,
        "community_id_before": comparison.units["community_id_before"].to_numpy(object),
        "community_differs": community,
        "walk_differs": walk,
    }
    for plan in comparison.plans:
        units = plan.files.units
        columns[f"community_id_{plan.name}"] = plan.community
        columns[f"minutes_{plan.name}"] = plan.minutes
        columns[f"site_id_{plan.name}"] = units["site_id"].to_numpy(object)
    return pd.DataFrame(columns)[community | walk].reset_index(drop=True)


def moves(comparison: Comparison, plan: int) -> pd.DataFrame:
    """
    Return who belongs to another community than in the first plan, by pair of communities.

    Returns
    -------
    pandas.DataFrame
        ``in_first``, ``in_other`` (ids of each plan), ``units``, ``residents``; most residents
        first.
    """
    differs = comparison.matched[plan] != comparison.matched[0]
    table = pd.DataFrame(
        {
            "in_first": comparison.first.community[differs],
            "in_other": comparison.plans[plan].community[differs],
            "units": 1,
            "residents": comparison.residents[differs],
        }
    )
    summed = table.groupby(["in_first", "in_other"], as_index=False).sum()
    return summed.sort_values("residents", ascending=False, kind="stable").reset_index(drop=True)


def differing_sites(comparison: Comparison) -> pd.DataFrame:
    """
    Return the sites that plans treat differently.

    Returns
    -------
    pandas.DataFrame
        ``site_id``, ``name``, and for each plan ``action_0``, ``floor_area_m2_0``, ``cost_0``, ...
        A site that a plan does not know has the action ``absent``.
    """
    tables = [plan.sites for plan in comparison.plans]
    ids = pd.Index(sorted({one for table in tables for one in table.index}), name="site_id")
    columns: dict[str, object] = {}
    names = pd.Series(index=ids, dtype=object)
    for number, table in enumerate(tables):
        own = table.reindex(ids)
        names = names.where(names.notna(), own["name"])
        columns[f"action_{number}"] = own["action"].fillna(ABSENT)
        columns[f"floor_area_m2_{number}"] = own["floor_area_m2"].fillna(0.0)
        columns[f"cost_{number}"] = own["cost"].fillna(0.0)
    found = pd.DataFrame(columns, index=ids)
    found.insert(0, "name", [str(n) if n and not pd.isna(n) else i
                             for n, i in zip(names, ids, strict=True)])  # fmt: skip
    action = found[[f"action_{number}" for number in range(len(tables))]]
    area = found[[f"floor_area_m2_{number}" for number in range(len(tables))]].to_numpy(float)
    differs = action.nunique(axis=1).to_numpy() > 1
    differs |= (area.max(axis=1) - area.min(axis=1)) > AREA_TOLERANCE_M2
    return found[differs].reset_index()


def only_in(comparison: Comparison, one: int, other: int, actions: tuple[str, ...]) -> list[str]:
    """Sites with one of the actions in a plan, and not in another."""
    first, second = comparison.plans[one].sites["action"], comparison.plans[other].sites["action"]
    there = set(second.index[second.isin(actions)])
    return [str(site) for site in first.index[first.isin(actions)] if site not in there]


def spending_by_street(comparison: Comparison) -> pd.DataFrame:
    """
    Return what each plan spends in each street, in all and per resident.

    A station's cost belongs to the street of the community that it lies in.

    Returns
    -------
    pandas.DataFrame
        ``place``, ``residents``, and for each plan ``cost_0``, ``cost_per_resident_0``, ...
        Streets without cost in any plan are there too; the place of stations in no street is "".
    """
    residents = pd.Series(comparison.residents).groupby(comparison.street).sum()
    spent = [_spent(plan, comparison.street) for plan in comparison.plans]
    places = sorted(set(residents.index) | {place for one in spent for place in one.index})
    table = pd.DataFrame({"place": places})
    table["residents"] = residents.reindex(places).fillna(0.0).to_numpy()
    for number, one in enumerate(spent):
        cost = one.reindex(places).fillna(0.0).to_numpy(float)
        table[f"cost_{number}"] = cost
        some = table["residents"].to_numpy(float)
        table[f"cost_per_resident_{number}"] = np.divide(
            cost, some, out=np.full(cost.size, np.nan), where=some > 0
        )
    keep = (table["residents"] > 0) | (table.filter(like="cost_").fillna(0) > 0).any(axis=1)
    return table[keep].reset_index(drop=True)


def _spent(plan: ComparedPlan, street: Names) -> pd.Series:
    """Cost of the stations of a plan by street."""
    units = pd.DataFrame({"community": plan.community, "street": street})
    home = units.groupby("community")["street"].agg(lambda own: own.mode().iloc[0])
    stations = plan.files.facilities
    place = stations["community_id"].astype("string").map(home).fillna("")
    found: pd.Series = stations["cost"].astype(float).groupby(place.to_numpy(object)).sum()
    return found


def services(comparison: Comparison) -> pd.DataFrame | None:
    """
    Return what each plan offers of each service; None if no plan says so.

    Returns
    -------
    pandas.DataFrame
        ``service``, ``name_en`` and ``name_zh``, and for each plan ``number_0`` (open ones),
        ``new_0`` (of them opened, converted or extended), ``floor_area_m2_0`` and ``cost_0``, ...;
        not a number for a plan that plans no services.
    """
    tables = [plan.services for plan in comparison.plans]
    known = [table for table in tables if table is not None]
    if not known:
        return None
    names = sorted({str(name) for table in known for name in table["service"]})
    columns: dict[str, object] = {"service": names}
    for key in ("name_en", "name_zh"):
        called = _called(known, key)
        columns[key] = [called.get(name, name) for name in names]
    for number, table in enumerate(tables):
        for key in ("number", "new", "floor_area_m2", "cost"):
            values = None if table is None else _summed(table, key).reindex(names).fillna(0.0)
            column = np.full(len(names), np.nan) if values is None else values.to_numpy(float)
            columns[f"{key}_{number}"] = column
    return pd.DataFrame(columns)


def _called(tables: list[pd.DataFrame], column: str) -> dict[str, str]:
    """Name of each service, where a plan tells it."""
    told = [table for table in tables if column in table]
    return {
        str(service): str(name)
        for table in told
        for service, name in zip(table["service"], table[column], strict=True)
        if not pd.isna(name)
    }


def _summed(table: pd.DataFrame, key: str) -> pd.Series:
    """Sum of a figure over the open rows of each service."""
    is_open = table[table["action"] != "closed"]
    service = is_open["service"].astype(str).to_numpy(object)
    if key == "number":
        figure = pd.Series(1.0, index=is_open.index)
    elif key == "new":
        figure = is_open["action"].isin(["opened", "converted", "extended"]).astype(float)
    else:
        figure = is_open[key].astype(float)
    found: pd.Series = figure.groupby(service).sum()
    return found
