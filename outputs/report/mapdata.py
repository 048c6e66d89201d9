"""What the maps of the report draw, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from ..layers import PlanFiles
from .classes import NO_FIGURE, colourings, minutes_classes
from .gaps import gap_places
from .paths import Frame, frame_of, in_metres, simplified, svg_paths
from .texts import Texts, is_missing

_SIMPLIFY_STEPS = 2.0
_NETWORK_CHARACTERS = 500_000

_FIGURES = {
    "residents": 0,
    "households": 0,
    "floor_area_m2": 0,
    "floor_area_per_100_households": 1,
    "residents_in_reach": 0,
    "mean_minutes": 1,
}


def map_data(plan: PlanFiles, texts: Texts) -> dict[str, Any]:
    """Return paths, figures, classes and legends of both maps."""
    before, after = in_metres(plan.communities_before), in_metres(plan.districts)
    frame = frame_of(pd.concat([before, after]))
    policy = plan.record["policy"]
    districts = {name: row for row, name in enumerate(after["community_id"])}
    return {
        "frame": {"width": frame.width, "height": frame.height, "metres": frame.metres},
        "before": _places(before, frame),
        "after": _places(after, frame) | {"parent": _texts(after["parent_id"])},
        "cuts": new_boundaries_path(after, frame),
        "units": _units(in_metres(plan.units), frame, districts, policy),
        "facilities": _sites(in_metres(plan.facilities), frame),
        "candidates": _sites(in_metres(plan.candidates), frame),
        "barriers": _barriers(plan.barriers, frame),
        "network": _network(plan.network, frame),
        "gaps": gap_places(plan, frame, texts),
        "colourings": [
            {
                "key": colouring.key,
                "name": texts(f"colour_{colouring.key}"),
                "colours": colouring.colours,
                "labels": colouring.labels,
                "before": colouring.classify(before).tolist(),
                "after": colouring.classify(after).tolist(),
            }
            for colouring in colourings(policy, texts)
        ],
        "no_figure": NO_FIGURE,
    }


def new_boundaries(districts: GeoDataFrame) -> list[shapely.Geometry]:
    """Return, a split community, the lines that its districts share."""
    split = districts[districts["change_type"] == "split"]
    lines: list[shapely.Geometry] = []
    for _, siblings in split.groupby("parent_id", sort=False):
        shapes = siblings.geometry.to_numpy()
        outline = shapely.boundary(shapely.union_all(shapes))
        inner = shapely.difference(shapely.union_all(shapely.boundary(shapes)), outline)
        lines.append(shapely.line_merge(inner))
    return lines


def new_boundaries_path(districts: GeoDataFrame, frame: Frame) -> str:
    """Return the lines that the plan draws anew as one path."""
    thinned = simplified(districts, tolerance=_SIMPLIFY_STEPS * frame.step)
    return "".join(svg_paths(np.array(new_boundaries(thinned), dtype=object), frame))


def _places(layer: GeoDataFrame, frame: Frame) -> dict[str, Any]:
    """Return communities or districts, a list a column."""
    shapes = simplified(layer, tolerance=_SIMPLIFY_STEPS * frame.step).geometry.to_numpy()
    names = [
        str(place) if is_missing(name) or not str(name) else str(name)
        for name, place in zip(layer["name"], layer["community_id"], strict=True)
    ]
    return {
        "id": _texts(layer["community_id"]),
        "name": names,
        "d": svg_paths(shapes, frame),
        "at": frame.steps(shapely.get_coordinates(shapely.point_on_surface(shapes))).tolist(),
        "figures": {name: _numbers(layer[name], digits) for name, digits in _FIGURES.items()},
    }


def _units(
    units: GeoDataFrame, frame: Frame, districts: Mapping[str, int], policy: Mapping[str, Any]
) -> dict[str, Any]:
    minutes = units["minutes"].to_numpy(float, na_value=np.nan)
    shapes = simplified(units, tolerance=_SIMPLIFY_STEPS / 2 * frame.step).geometry.to_numpy()
    return {
        "id": _texts(units["unit_id"]),
        "district": [districts.get(name, -1) for name in units["community_id"]],
        "site": _texts(units["site_id"]),
        "residents": _numbers(units["residents"], 0),
        "minutes": _numbers(units["minutes"], 1),
        "class": minutes_classes(minutes, float(policy["siting"]["reach_minutes"])).tolist(),
        "d": svg_paths(shapes, frame),
        "points": bool((shapely.get_dimensions(shapes) == 0).all()),
    }


def _sites(sites: GeoDataFrame, frame: Frame) -> dict[str, Any]:
    """Return sites, a list a column; those that are polygons stand at a point within."""
    points = shapely.point_on_surface(sites.geometry.to_numpy())
    return {
        "id": _texts(sites["site_id"]),
        "name": _texts(sites["name"]),
        "at": frame.steps(shapely.get_coordinates(points)).tolist(),
        "status": _texts(sites["status"]),
        "action": _texts(sites["action"]),
        "before": _numbers(sites["floor_area_before_m2"], 0),
        "after": _numbers(sites["floor_area_m2"], 0),
        "most": _numbers(sites["max_area_m2"], 0),
        "served": _numbers(sites["residents_served"], 0),
    }


def _barriers(barriers: GeoDataFrame | None, frame: Frame) -> list[dict[str, Any]]:
    """Return one path a kind of barrier, those that can and cannot be crossed apart."""
    if barriers is None or barriers.empty:
        return []
    layer = in_metres(barriers)
    kinds = layer["kind"] if "kind" in layer else pd.Series("barrier", index=layer.index)
    crossable = layer["crossable"] if "crossable" in layer else pd.Series(0, index=layer.index)
    paths = pd.Series(
        svg_paths(shapely.simplify(layer.geometry.to_numpy(), frame.step), frame), layer.index
    )
    keys = [kinds.fillna("barrier").astype(str), crossable.fillna(0).astype(bool)]
    return [
        {"kind": kind, "crossable": bool(crossed), "d": "".join(group)}
        for (kind, crossed), group in paths.groupby(keys)
    ]


def _network(network: GeoDataFrame | None, frame: Frame) -> str:
    """Return the network as one path of straight edges; empty if it would swell the page."""
    if network is None or network.empty:
        return ""
    shapes = shapely.simplify(in_metres(network).geometry.to_numpy(), 10.0 * frame.step)
    path = "".join(svg_paths(shapes, frame))
    return path if len(path) <= _NETWORK_CHARACTERS else ""


def _texts(values: Iterable[Any]) -> list[str]:
    return ["" if is_missing(value) else str(value) for value in values]


def _numbers(values: pd.Series, digits: int) -> list[float | None]:
    """Return figures rounded for people, None where one is missing."""
    figures = np.round(values.to_numpy(float, na_value=np.nan), digits)
    whole = digits == 0
    return [None if np.isnan(f) else int(f) if whole else float(f) for f in figures]
