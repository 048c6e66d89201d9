"""What the maps of a comparison draw, as plain values for JSON."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame

from ..report.classes import Classes, minutes_classes, minutes_colouring, shades
from ..report.paths import Frame, frame_of, in_metres, simplified, svg_paths
from ..report.texts import Text, Texts, is_missing
from .changes import differing_sites
from .comparison import ComparedPlan, Comparison
from .walks import CLASSES, walk_classes

COMMUNITY_COLOURS = ("#d5e3ef", "#f3e6c4", "#ddd3e6", "#cfe6dd")
"""Shades that only tell neighbours apart."""

CHANGE_COLOURS = (
    "#0a3f72", "#2f78b3", "#86b6da", "#cfe2f0", "#efede8",
    "#fbe0bb", "#f0a45a", "#d2641f", "#8c2d04", "#b9b9b9",
)  # fmt: skip
"""From best to worst, blue to orange, as ``walks.CLASSES``; distinct for any colour vision."""


def map_data(comparison: Comparison, texts: Texts) -> dict[str, Any]:
    """Return units, and for each plan its borders, stations, minutes and colours."""
    first = comparison.first
    units = in_metres(first.files.units)
    layers = [in_metres(plan.files.districts) for plan in comparison.plans]
    frame = frame_of(pd.concat([layers[0], units[[units.geometry.name]]]))
    shown = _community_shades(comparison, layers)
    unlike = frozenset(differing_sites(comparison)["site_id"].astype(str))
    reach = max(float(p.record["policy"]["siting"]["reach_minutes"]) for p in comparison.plans)
    return {
        "frame": {"width": frame.width, "height": frame.height, "metres": frame.metres},
        "units": _units(comparison, units, frame),
        "plans": [
            {
                "name": plan.name,
                **_places(plan, layer, frame),
                "sites": _sites(plan, frame, unlike),
                "minutes": [None if np.isnan(m) else round(float(m), 1) for m in plan.minutes],
                "classes": {
                    "community": shade.tolist(),
                    "minutes": minutes_classes(plan.minutes, reach).tolist(),
                    "change": walk_classes(first.minutes, plan.minutes).tolist(),
                },
                "moved": np.flatnonzero(matched != comparison.matched[0]).tolist(),
            }
            for plan, layer, shade, matched in zip(
                comparison.plans, layers, shown, comparison.matched, strict=True
            )
        ],
        "colourings": _colourings(reach, texts),
    }


def _colourings(reach: float, texts: Texts) -> list[dict[str, Any]]:
    """Return the ways to colour the units; minutes by thirds of the longest reach of all plans."""
    empty: Text = dict.fromkeys(texts.by_lang, "")
    minutes = minutes_colouring({"siting": {"reach_minutes": reach}}, texts)
    walks = (*minutes.labels[:-1], texts("class_no_reach"))
    labels = (texts("class_community"), *(empty,) * (len(COMMUNITY_COLOURS) - 1))
    return [
        _colouring("community", COMMUNITY_COLOURS, labels, texts),
        _colouring("minutes", minutes.colours, walks, texts),
        _colouring("change", CHANGE_COLOURS, [texts(f"walk_{one}") for one in CLASSES], texts),
    ]


def _colouring(key: str, colours: Any, labels: Any, texts: Texts) -> dict[str, Any]:  # noqa: ANN401
    return {
        "key": key,
        "name": texts(f"colour_by_{key}"),
        "colours": list(colours),
        "labels": list(labels),
    }


def _community_shades(comparison: Comparison, layers: list[GeoDataFrame]) -> list[Classes]:
    """Shade of each unit by plan; a community has the same in all plans that know it."""
    known: dict[str, int] = {}
    found = []
    for plan, layer, matched in zip(comparison.plans, layers, comparison.matched, strict=True):
        names = dict(zip(plan.community, matched, strict=True))
        ids = [str(names.get(str(one), one)) for one in layer["community_id"]]
        given = np.array([known.get(one, -1) for one in ids], dtype=np.int64)
        shade = shades(np.asarray(layer.geometry, dtype=object), given)
        for one, colour in zip(ids, shade.tolist(), strict=True):
            known.setdefault(one, colour)
        own = dict(zip(ids, shade.tolist(), strict=True))
        found.append(np.array([own.get(str(one), 0) for one in matched], dtype=np.int64))
    return found


def _units(comparison: Comparison, units: GeoDataFrame, frame: Frame) -> dict[str, Any]:
    shapes = simplified(units, tolerance=frame.step).geometry.to_numpy()
    before = units["community_id_before"].astype(str)
    ids, row = np.unique(before.to_numpy(object), return_inverse=True)
    return {
        "id": units["unit_id"].astype(str).tolist(),
        "residents": [round(value) for value in comparison.residents],
        "before": row.tolist(),
        "before_ids": ids.tolist(),
        "d": svg_paths(shapes, frame),
        "points": bool((shapely.get_dimensions(shapes) == 0).all()),
    }


def _places(plan: ComparedPlan, layer: GeoDataFrame, frame: Frame) -> dict[str, Any]:
    """Return names and borders of the communities, and the row of each unit's."""
    shapes = simplified(layer, tolerance=2 * frame.step).geometry.to_numpy()
    ids = layer["community_id"].astype(str).tolist()
    place = {one: row for row, one in enumerate(ids)}
    names = [one if is_missing(name) or not str(name) else str(name)
             for name, one in zip(layer["name"], ids, strict=True)]  # fmt: skip
    boxes = frame.steps(shapely.bounds(shapes).reshape(-1, 2)).reshape(-1, 4)
    return {
        "place": ids,
        "place_name": names,
        "at": frame.steps(shapely.get_coordinates(shapely.point_on_surface(shapes))).tolist(),
        "box": boxes[:, [0, 3, 2, 1]].tolist(),
        "edges": "".join(svg_paths(shapes, frame)),
        "community": [place.get(str(one), -1) for one in plan.community],
    }


def _sites(plan: ComparedPlan, frame: Frame, unlike: frozenset[str]) -> dict[str, Any]:
    """Return the open stations, a list a column; ``unlike`` are not alike in all plans."""
    sites = in_metres(plan.files.facilities)
    points = shapely.point_on_surface(sites.geometry.to_numpy())
    area = sites["floor_area_m2"].to_numpy(float)
    return {
        "id": sites["site_id"].astype(str).tolist(),
        "name": ["" if is_missing(name) else str(name) for name in sites["name"]],
        "at": frame.steps(shapely.get_coordinates(points)).tolist(),
        "action": sites["action"].astype(str).tolist(),
        "unlike": [one in unlike for one in sites["site_id"].astype(str)],
        "area": [0 if np.isnan(value) else round(value) for value in area],
    }
