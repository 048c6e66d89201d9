"""The page of phases: a map of every year, and the tables; one file that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from ..report.paths import Frame, frame_of, in_metres, simplified, svg_paths
from ..report.rows import currency
from ..report.template import (
    check_language,
    json_in_script,
    own_files,
    report_files,
    script_texts,
    template_environment,
    texts_of,
)
from ..report.texts import MISSING, Text, Texts, is_missing, number, percent

if TYPE_CHECKING:
    from ..phases import PhaseFiles

STATES = (
    ("none", "#f3f1ec"),
    ("partly", "#d8e6ef"),
    ("known", "#7fb8a4"),
    ("new", "#1b7f5f"),
)
"""What a circle is in a year, with its colour."""

_DETAIL = 900
"""Bends smaller than this part of the map are not drawn."""

_FOLDER = Path(__file__).parent


def render_page(files: PhaseFiles, *, lang: str = "en") -> str:
    """
    Return the page as HTML.

    Parameters
    ----------
    files
        The layers and the record.
    lang
        Language that the page opens in, ``en`` or ``zh``; it holds both.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    check_language(lang)
    texts = texts_of(_FOLDER)
    template = template_environment(_FOLDER, texts).get_template("phases.html")
    return template.render(_context(files, lang, texts))


def _context(files: PhaseFiles, lang: str, texts: Texts) -> dict[str, Any]:
    """Return what the template shows."""
    record = files.record
    titles = texts("title", city=record["city"]["name"])
    maps = _map_data(files, texts)
    return {
        "lang": lang,
        "titles": titles,
        "needs": _needs(record, texts),
        "created": str(record["created"])[:16].replace("T", " "),
        "version": record["shequ"],
        "years": [_year(row, texts) for row in files.years.to_dict(orient="records")],
        "maps": [(year["year"], year["recognised"]) for year in maps["years"]],
        "num_circles": len(maps["circles"]["id"]),
        "built": _built_rows(files, texts),
        "steps": _step_rows(record, texts),
        "warnings": [*record["warnings"], *record["city"]["warnings"]],
        "data": json_in_script(maps | {"titles": titles, "texts": script_texts(texts)}),
        "css": own_files(*_styles()),
        "js": report_files("page.js", "view.js", "controls.js") + own_files(_FOLDER / "phases.js"),
    }


def _styles() -> tuple[Path, Path]:
    return _FOLDER.parent / "report" / "report.css", _FOLDER / "phases.css"


def _needs(record: Mapping[str, Any], texts: Texts) -> Text:
    """Return what a circle needs, in one sentence."""
    categories = [texts.named("category", one) for one in record["circles"]["categories"]]
    joined = {
        lang: texts("comma")[lang].join(one[lang] for one in categories) for lang in texts.by_lang
    }
    share = f"{100 * record['circles']['share']:g}"
    return texts("needs", share=share, categories=joined, currency=currency(record, texts))


def _map_data(files: PhaseFiles, texts: Texts) -> dict[str, Any]:
    """Return circles, what they are in each year, and the facilities, for the maps."""
    layer = in_metres(files.circles)
    frame = frame_of(layer)
    today = layer[layer["year"] == 0]
    drawn = simplified(today, tolerance=max(frame.width, frame.height) * frame.step / _DETAIL)
    shapes = np.asarray(drawn.geometry.array, dtype=object)
    return {
        "frame": {"width": frame.width, "height": frame.height, "metres": frame.metres},
        "circles": {
            "id": [str(one) for one in today["circle_id"]],
            "name": [
                str(one) if is_missing(name) or not str(name) else str(name)
                for one, name in zip(today["circle_id"], today["name"], strict=True)
            ],
            "residents": [int(number) for number in today["residents"]],
            "d": svg_paths(shapes, frame),
            "at": frame.steps(shapely.get_coordinates(shapely.point_on_surface(shapes))).tolist(),
            "points": False,
        },
        "states": [{"key": key, "colour": colour, "name": texts(key)} for key, colour in STATES],
        "years": list(_years(layer)),
        "facilities": _sites(in_metres(files.facilities).to_crs(layer.crs), frame, texts),
    }


def _years(layer: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return what every circle is in each year, today first."""
    found = []
    before = np.zeros(int((layer["year"] == 0).sum()), dtype=bool)
    for year in sorted(set(layer["year"])):
        state = layer[layer["year"] == year]
        known = state["recognised"].to_numpy(bool)
        share = state["share_served"].to_numpy(float)
        found.append(
            {
                "year": int(year),
                "recognised": int(known.sum()),
                "state": np.select([known & ~before, known, share > 0], [3, 2, 1], 0).tolist(),
                "share": np.round(share, 4).tolist(),
            }
        )
        before = known
    return found


def _sites(facilities: gpd.GeoDataFrame, frame: Frame, texts: Texts) -> dict[str, Any]:
    """Return the facilities, a list a column; those of today first."""
    rows = facilities.sort_values("year", kind="stable")
    points = np.column_stack([rows.geometry.x, rows.geometry.y])
    return {
        "id": [str(one) for one in rows["site_id"]],
        "name": [name or str(one) for name, one in zip(rows["name"], rows["service"], strict=True)],
        "category": [texts.named("category", one) for one in rows["category"]],
        "year": [int(year) for year in rows["year"]],
        "at": frame.steps(points).tolist(),
    }


def _year(row: Mapping[Any, Any], texts: Texts) -> dict[str, Any]:
    """Return what is shown of a year; year 0 is today."""
    shown = [number(row[name], 1) for name in ("budget", "spent", "carried")]
    shown += [number(row[name]) for name in ("built", "circles", "residents_in_circles")]
    shown += [number(row[name]) if row[name] else "" for name in ("target", "short")]
    return {"name": year_name(int(row["year"]), texts), "cells": shown}


def year_name(year: int, texts: Texts) -> Text:
    """Return what a year is called; year 0 is today."""
    return texts("year", year=year) if year else texts("today")


def _built_rows(files: PhaseFiles, texts: Texts) -> list[dict[str, Any]]:
    """Return what is shown of each facility that is built, by year."""
    built = files.facilities[files.facilities["year"] > 0].sort_values(["year", "facility_id"])
    columns = ("year", "site_id", "name", "service", "category", "floor_area_m2", "cost")
    return [
        {
            "year": year_name(int(year), texts),
            "site": str(site),
            "service": name or str(service),
            "category": texts.named("category", category),
            "cells": [number(area), number(cost, 1)],
        }
        for year, site, name, service, category, area, cost in zip(
            *(built[column] for column in columns), strict=True
        )
    ]


def _step_rows(record: Mapping[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Return what is shown of each step of the computation."""
    return [
        {
            "name": _step_name(name, texts),
            "status": texts.named("status", step["status"]),
            "is_proven": step["status"] == "optimal",
            "cells": [
                number(step["objective"]),
                number(step["bound"]),
                percent(step["gap"], 2) if step["objective"] else MISSING,
            ],
        }
        for name, step in record["steps"].items()
    ]


def _step_name(name: str, texts: Texts) -> Text:
    """Return what a step looks for."""
    _, _, year = name.partition(" in year ")
    return texts("most_in_year", year=year) if year else texts("most_in_all")
