"""The key figures of the record, counted from the tables, which are checked on their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from geopandas import GeoDataFrame

from .numbers import differs, number, numbers, show
from .view import View


def figures(view: View) -> Iterator[str]:
    """Every key figure before and after follows from the communities and the facilities."""
    today = len(view.stations_today)
    spent = float(numbers(view.facilities["cost"]).sum())
    if view.services is not None:  # giving up a station costs, too
        spent += float(numbers(view.candidates["cost"]).sum())
    states = {
        "before": _figures(view, view.before, today, 0.0),
        "after": _figures(view, view.districts, len(view.facilities), spent),
    }
    for state, found in states.items():
        told = view.record["figures"][state]
        for key, right in found.items():
            if key not in told:
                yield f"{state}: {key} is missing"
            elif differs(right, told[key], tolerance=1e-5 if key == "cost" else 1e-6):
                yield f"{state}: {key} is {show(told[key])}, {show(right)} is right"
    if not view.is_sited and spent > 0:
        yield f"the plan sites nothing and costs {spent:.2f}"
    walked = "network" if view.network is not None else "straight"
    if view.policy["walking"]["mode"] == "straight_line":
        walked = "straight"
    source = view.record.get("walking_source")
    if source is not None and not str(source).startswith(walked):
        yield f"walking times come from {source}, the layers and the policy say {walked}"


def _figures(view: View, table: GeoDataFrame, facilities: int, cost: float) -> dict[str, Any]:
    total = {
        column: float(numbers(table[column]).sum())
        for column in ("residents", "households", "floor_area_m2", "residents_in_reach", "workers")
    }
    reached = numbers(table["residents_in_reach"])
    walked = np.where(reached > 0, reached * numbers(table["mean_minutes"]), 0.0).sum()
    tiers = [view.tier(number(row.residents), number(row.households)) for row in table.itertuples()]
    return {
        "communities": len(table),
        "over_mandatory": tiers.count("mandatory"),
        "over_gradual": tiers.count("gradual"),
        "largest_residents": float(numbers(table["residents"]).max()),
        "largest_households": float(numbers(table["households"]).max()),
        "floor_area_m2": total["floor_area_m2"],
        "floor_area_per_100_households": ratio(100 * total["floor_area_m2"], total["households"]),
        "mean_floor_area_m2": total["floor_area_m2"] / len(table),
        "communities_below_target": int((~(numbers(table["floor_area_shortfall_m2"]) <= 0)).sum()),
        "residents_in_reach": total["residents_in_reach"],
        "share_in_reach": ratio(total["residents_in_reach"], total["residents"]),
        "residents_out_of_reach": total["residents"] - total["residents_in_reach"],
        "mean_minutes": ratio(float(walked), total["residents_in_reach"]),
        "workers_needed": total["workers"],
        "facilities": facilities,
        "cost": cost,
    }


def ratio(part: float, whole: float) -> float:
    """Return a share; NaN of nothing."""
    return part / whole if whole > 0 else float("nan")
