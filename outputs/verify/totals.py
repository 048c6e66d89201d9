"""Figures of districts and of the communities of today, counted afresh from units and sites."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from geopandas import GeoDataFrame

from .numbers import Floats, differs, number, numbers, show
from .view import View

COUNTED = ("residents", "households", "residents_65plus")


def totals(view: View) -> Iterator[str]:
    """Residents, households, units and workers are the sums over the units."""
    for layer, column in ((view.districts, "community_id"), (view.before, "community_id_before")):
        yield from compare(layer, sums(view, column))
    for column in ("residents", "households"):
        found = float(numbers(view.units[column]).sum())
        if differs(found, view.record["city"][column]):
            told = view.record["city"][column]
            yield f"the units have {show(found)} {column}, the input had {show(told)}"


def sums(view: View, column: str) -> dict[str, dict[str, float]]:
    """Return the sums over units, by figure and by the value of a column."""
    units = view.units
    found = {"units": grouped(np.ones(len(units)), units[column])}
    for name in COUNTED:
        if name in units:
            found[name] = grouped(numbers(units[name]), units[column])
    rate = view.policy["staff"]["workers_per_10000"] / 10_000
    found["workers"] = {
        community: float(np.ceil(residents * rate - 1e-9))
        for community, residents in found["residents"].items()
    }
    return found


def grouped(values: Floats, by: pd.Series) -> dict[str, float]:
    """Sum values by the text of a column; a missing value makes a sum missing."""
    frame = pd.DataFrame({"value": values, "by": np.asarray(by, dtype=object)})
    return {str(key): float(part.to_numpy().sum()) for key, part in frame.groupby("by")["value"]}


def compare(
    layer: GeoDataFrame,
    found: Mapping[str, Mapping[str, float]],
    *,
    otherwise: float = 0.0,
    tolerance: float = 1e-6,
) -> Iterator[str]:
    """Say which figures of a layer of communities are not those that were found."""
    for column, values in found.items():
        if column not in layer:
            yield f"there is no column {column}"
            continue
        for community, written in zip(layer["community_id"], layer[column], strict=True):
            right = values.get(community, otherwise)
            if differs(right, written, tolerance=tolerance):
                yield f"{community}: {column} is {show(written)}, {show(right)} is right"


def area_figures(view: View, area: Mapping[str, float], layer: GeoDataFrame) -> dict[str, Any]:
    """Return target, shortfall and ratio of floor area by community, given its floor area."""
    rate = view.policy["siting"]["floor_area_m2_per_100_households"] / 100
    found: dict[str, dict[str, float]] = {
        "floor_area_target_m2": {},
        "floor_area_shortfall_m2": {},
        "floor_area_per_100_households": {},
    }
    for community, given in zip(layer["community_id"], layer["households"], strict=True):
        households, have = number(given), area.get(community, 0.0)
        short = rate * households - have
        found["floor_area_target_m2"][community] = rate * households
        found["floor_area_shortfall_m2"][community] = short if not short <= 0.01 else 0.0
        found["floor_area_per_100_households"][community] = (
            100 * have / households if households > 0 else float("nan")
        )
    return found


def reach_figures(view: View, minutes: Floats, column: str) -> dict[str, dict[str, float]]:
    """Return residents in and out of reach and mean minutes; NaN minutes are out of reach."""
    inside = ~np.isnan(minutes)
    reached = grouped(view.residents * inside, view.units[column])
    walked = grouped(view.residents * np.where(inside, minutes, 0.0), view.units[column])
    everybody = grouped(view.residents, view.units[column])
    return {
        "residents_in_reach": reached,
        "residents_out_of_reach": {name: everybody[name] - reached[name] for name in reached},
        "mean_minutes": {
            name: walked[name] / reached[name] if reached[name] > 0 else float("nan")
            for name in reached
        },
    }
