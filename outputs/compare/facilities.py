"""Which facilities of services differ between plans: at which site, open or not, how large."""

from __future__ import annotations

import pandas as pd

from .changes import AREA_TOLERANCE_M2
from .comparison import Comparison

NONE = "none"
"""Action of a facility that a plan does not have."""


def differing_facilities(comparison: Comparison) -> pd.DataFrame:
    """
    Return the facilities of services that plans treat differently.

    Plans without services are left out; there must be two with them.

    Returns
    -------
    pandas.DataFrame
        ``site_id``, ``name``, ``kind``, ``service_en`` and ``service_zh``, and for each plan
        ``action_0``, ``floor_area_m2_0``, ...: "none" where there is no such facility, missing
        for a plan without services.
    """
    tables = {
        number: _by_facility(plan.services)
        for number, plan in enumerate(comparison.plans)
        if plan.services is not None
    }
    if len(tables) < 2:
        return pd.DataFrame()
    rows = pd.concat(list(tables.values()))
    found = rows[["site_id", "kind", "name_en", "name_zh"]]
    found = found[~found.index.duplicated()].sort_index()
    found = found.rename(columns={"name_en": "service_en", "name_zh": "service_zh"})
    found.insert(1, "name", found["site_id"].map(_names(comparison)).fillna(found["site_id"]))
    for number in range(len(comparison.plans)):
        own = tables.get(number)
        action = None if own is None else own["action"].reindex(found.index).fillna(NONE)
        area = None if own is None else own["floor_area_m2"].reindex(found.index).fillna(0.0)
        found[f"action_{number}"], found[f"floor_area_m2_{number}"] = action, area
    areas = found[[f"floor_area_m2_{number}" for number in tables]].to_numpy(float)
    differs = areas.max(axis=1) - areas.min(axis=1) > AREA_TOLERANCE_M2
    chosen: pd.DataFrame = found[differs].reset_index(drop=True)
    return chosen


def _by_facility(services: pd.DataFrame) -> pd.DataFrame:
    """Return the services at sites by site and kind."""
    table = services.copy()
    table["site_id"] = table["site_id"].astype(str)
    table["kind"] = (table["kind"] if "kind" in table else table["service"]).astype(str)
    for column in ("name_en", "name_zh"):
        table[column] = table[column] if column in table else table["kind"]
    table.index = pd.Index(table["kind"] + " " + table["site_id"])
    return table


def _names(comparison: Comparison) -> dict[str, str]:
    """Name of each site, where a plan tells it."""
    return {
        str(site): str(name)
        for plan in comparison.plans
        for site, name in plan.sites["name"].items()
        if name and not pd.isna(name)
    }
