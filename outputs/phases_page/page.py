"""The page of phases: a map of every year, and the tables; one file that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np

from ..report.paths import Frame, frame_of, in_metres, simplified, svg_paths
from ..report.rows import currency
from ..report.template import check_language, own_files, template_environment, texts_of
from ..report.texts import Texts

if TYPE_CHECKING:
    from ..phases import PhaseFiles

FILLS = {
    "c0": "#f3f1ec",
    "c1": "#d8e6ef",
    "c2": "#7fb8a4",
    "c3": "#1b7f5f",
    "new": "#d1495b",
    "old": "#555555",
}
_FOLDER = Path(__file__).parent


def render_page(files: PhaseFiles, *, lang: str = "en") -> str:
    """
    Return the page as HTML.

    Parameters
    ----------
    files
        The layers and the record.
    lang
        Language, en or zh.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    check_language(lang)
    texts = texts_of(_FOLDER)
    environment = template_environment(_FOLDER, texts, lang=lang)
    record = files.record
    categories = [texts.named("category", one)[lang] for one in record["circles"]["categories"]]
    return environment.get_template("phases.html").render(
        lang=lang,
        css=own_files(_FOLDER / "phases.css"),
        fills=FILLS,
        city=record["city"]["name"],
        share=f"{100 * record['circles']['share']:g}",
        categories=texts("comma")[lang].join(categories),
        currency=currency(record, texts)[lang],
        **_maps(files),
        years=_year_rows(files),
        built=_built_rows(files, texts, lang),
        steps=_step_rows(record, texts, lang),
        warnings=[*record["warnings"], *record["city"]["warnings"]],
    )


def _maps(files: PhaseFiles) -> dict[str, Any]:
    """Return the drawings of today and of each year, and the sizes that they share."""
    layer = in_metres(files.circles)
    frame = frame_of(layer)
    today = layer[layer["year"] == 0]
    drawn = simplified(today, tolerance=max(frame.width, frame.height) * frame.step / 900)
    paths = svg_paths(np.asarray(drawn.geometry.array, dtype=object), frame)
    facilities = in_metres(files.facilities).to_crs(layer.crs)
    before = np.zeros(len(today), dtype=bool)
    maps = []
    for year in sorted(set(layer["year"])):
        state = layer[layer["year"] == year]
        known = state["recognised"].to_numpy(bool)
        served = state["share_served"].to_numpy(float) > 0
        kinds = np.select([known & ~before, known, served], ["c3", "c2", "c1"], default="c0")
        circles = [
            {"kind": kind, "path": path, "name": name, "share": f"{share:.0%}"}
            for kind, path, name, share in zip(
                kinds, paths, state["name"], state["share_served"], strict=True
            )
        ]
        maps.append(
            {
                "year": int(year),
                "recognised": int(known.sum()),
                "circles": circles,
                "dots": _dots(facilities, int(year), frame),
            }
        )
        before = known
    radius = max(frame.width, frame.height) / 110
    margin = int(radius * 2)
    return {
        "maps": maps,
        "radius": f"{radius:.0f}",
        "rim": f"{radius / 4:.0f}",
        "box": f"{-margin} {-margin} {frame.width + 2 * margin} {frame.height + 2 * margin}",
    }


def _dots(facilities: gpd.GeoDataFrame, year: int, frame: Frame) -> list[dict[str, Any]]:
    """Return what stands in a year; what is built in it is new."""
    there = facilities[facilities["year"] <= year].sort_values("year")
    points = frame.steps(np.column_stack([there.geometry.x, there.geometry.y]))
    return [
        {"x": x, "y": y, "age": "new" if built == year > 0 else "old", "label": label}
        for (x, y), built, label in zip(points, there["year"], there["facility_id"], strict=True)
    ]


def _year_rows(files: PhaseFiles) -> list[list[str | None]]:
    """Return what is shown of each year; no year stands for today."""
    return [
        [
            str(int(row["year"])) if row["year"] else None,
            *(f"{row[name]:,.1f}" for name in ("budget", "spent", "carried")),
            *(f"{row[name]:,.0f}" for name in ("built", "circles", "residents_in_circles")),
            *(f"{row[name]:,}" if row[name] else "" for name in ("target", "short")),
        ]
        for row in files.years.to_dict(orient="records")
    ]


def _built_rows(files: PhaseFiles, texts: Texts, lang: str) -> list[list[str]]:
    """Return what is shown of each facility that is built, by year."""
    built = files.facilities[files.facilities["year"] > 0].sort_values(["year", "facility_id"])
    columns = ("year", "site_id", "name", "service", "category", "floor_area_m2", "cost")
    return [
        [
            str(year),
            str(site),
            name or str(service),
            texts.named("category", category)[lang],
            f"{area:,.0f}",
            f"{cost:,.1f}",
        ]
        for year, site, name, service, category, area, cost in zip(
            *(built[column] for column in columns), strict=True
        )
    ]


def _step_rows(record: dict[str, Any], texts: Texts, lang: str) -> list[list[str]]:
    """Return what is shown of each step of the computation."""
    rows = []
    for name, step in record["steps"].items():
        values = [step[key] for key in ("objective", "bound")]
        gap = step["gap"]
        rows.append(
            [
                _step_name(name, texts, lang),
                texts.named("status", step["status"])[lang],
                *("" if value is None else f"{value:,.0f}" for value in values),
                f"{gap:.2%}" if gap is not None and step["objective"] else "",
            ]
        )
    return rows


def _step_name(name: str, texts: Texts, lang: str) -> str:
    """Return what a step looks for, in the language of the page."""
    _, _, year = name.partition(" in year ")
    return texts("most_in_year" if year else "most_in_all", year=year)[lang]
