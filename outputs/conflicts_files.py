"""Why rules clash, as text, layers, record and picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..instances.city import City
from ..instances.faults import counted
from ..models.formulation import IntArray
from ..optimize.planning.explain import Explanation, Relief
from ..optimize.result import Status
from .atomic import replacing_all
from .files import plain
from .pictures import cjk_font

LAYERS_FILE, RECORD_FILE, PICTURE_FILE = "conflicts.gpkg", "conflicts.json", "conflicts.png"
FILES = (LAYERS_FILE, RECORD_FILE, PICTURE_FILE)
MOST_LINES = 8
COUNTED = frozenset({"m2", "residents", "stations", "sites", "decisions"})
"""Units of measure that are no money."""

COLORS = {"none": "#eceae3", "community": "#e69f00", "unit": "#d55e00", "site": "#0072b2"}
WORDS = {
    "en": {
        "title": "Rules that clash",
        "none": "in no clash",
        "community": "floor area of the community",
        "unit": "unit out of reach",
        "site": "site",
    },
    "zh": {
        "title": "相互冲突的规则",
        "none": "无冲突",
        "community": "社区用房面积",
        "unit": "步行不可达",
        "site": "设施点",
    },
}
RELIEF_WORDS = {
    "needs": "giving up needs alone",
    "sizes": "larger sites alone",
    "decisions": "taking back alone what is required or forbidden",
    "budget": "more money alone",
    "mixed": "a mixture at the given prices",
}


def explanation_text(found: Explanation) -> str:
    """Return the clashes and the cheapest ways to mend them, in words."""
    lines = list(_verdict(found))
    for number, clash in enumerate(found.clashes, start=1):
        lines += [f"{number}. These rules clash: {clash.text}."]
        lines += [f"     {rule.text}{_alone(rule.amount, rule.unit_of_measure)}"
                  for rule in clash.rules[:MOST_LINES]]  # fmt: skip
        lines += _more(len(clash.rules), "rules")
        if not clash.is_irreducible:
            lines.append("     Some of these rules may play no part: not settled in the time.")
    if found.clashes and all(clash.is_irreducible for clash in found.clashes):
        lines.append("Without any one rule of a clash, its other rules can be kept: proven.")
    if found.clashes and not found.is_complete:
        lines.append("There may be more clashes: the time did not suffice to rule them out.")
    for relief in found.reliefs:
        lines += list(_relief_lines(relief))
    return "\n".join(lines)


def _alone(amount: float | None, unit: str) -> str:
    """Say by how much a rule alone would have to give way; a reach is met or not."""
    if amount is None or unit == "stations":
        return ""
    return f"; alone, it would have to give way by {_amount(amount, unit)}"


def _amount(amount: float, unit: str) -> str:
    """Return an amount with its unit."""
    if unit in COUNTED:
        return f"{amount:,.0f} {unit.replace('m2', 'm²')}"
    return f"{amount:,.1f} ({unit})"


def _verdict(found: Explanation) -> Iterator[str]:
    lowest = found.lowest
    known = lowest.objective
    cost = "unknown" if known is None else _amount(known, found.currency)
    if found.status is Status.FEASIBLE:
        yield f"All rules can be met; the cheapest plan costs {cost} ({lowest.status})."
    elif found.status is Status.UNKNOWN:
        yield "It was not settled in the time whether all rules can be met; raise --time-limit."
    else:
        sets = counted(len(found.clashes), "set of rules clashes", "sets of rules clash")
        yield f"The rules cannot all be met: {sets}."
        yield f"Least cost of all that the sites allow: {cost} ({lowest.status})."


def _more(number: int, noun: str) -> list[str]:
    return [f"     ... and {number - MOST_LINES} more {noun}"] if number > MOST_LINES else []


def _relief_lines(relief: Relief) -> Iterator[str]:
    result, name = relief.result, f"By {RELIEF_WORDS[relief.name]}"
    if result.status is Status.INFEASIBLE:
        yield f"{name}: impossible, proven."
        return
    if result.objective is None:
        yield f"{name}: not found in the time."
        return
    proof = "proven least" if result.status is Status.OPTIMAL else _bound(result.bound)
    yield f"{name}: {_amount(result.objective, relief.unit_of_measure)} ({proof})."
    yield from (f"     {change.text}" for change in relief.changes[:MOST_LINES])
    yield from _more(len(relief.changes), "changes")


def _bound(bound: float | None) -> str:
    return "not proven least" if bound is None else f"not proven least; at least {bound:,.1f}"


def conflict_layers(
    found: Explanation, city: City, communities: pd.DataFrame, unit_community: IntArray
) -> dict[str, gpd.GeoDataFrame]:
    """
    Return the places concerned by clashes, and by the ways to mend them, in the CRS of the input.

    Parameters
    ----------
    found
        The explanation.
    city
        The city.
    communities, unit_community
        One row a community with ``community_id`` and ``name``, and the row of each unit.
    """
    shapes = place_shapes(city, communities, unit_community)
    clashes = [
        {
            "place_kind": rule.place_kind,
            "place_id": place,
            "clash": number,
            "rule": rule.kind,
            "text": rule.text,
            "amount": rule.amount,
            "unit_of_measure": rule.unit_of_measure,
            "why": clash.text,
        }
        for number, clash in enumerate(found.clashes, start=1)
        for rule in clash.rules
        for place in rule.place_ids
    ]
    changes = [
        {
            "place_kind": change.place_kind,
            "place_id": change.place_id,
            "relief": relief.name,
            "rule": change.kind,
            "text": change.text,
            "amount": change.amount,
            "unit_of_measure": change.unit_of_measure,
        }
        for relief in found.reliefs
        for change in relief.changes
        if change.place_id
    ]
    layers: dict[str, gpd.GeoDataFrame] = {}
    for kind, plural in (("community", "communities"), ("unit", "units"), ("site", "sites")):
        for name, rows in (("clashing", clashes), ("relaxed", changes)):
            mine = [row for row in rows if row["place_kind"] == kind]
            if mine:
                layer = _layer(mine, shapes[kind], city)
                layers[f"{name}_{plural}"] = city.in_input_crs(layer)
    return layers


def place_shapes(
    city: City, communities: pd.DataFrame, unit_community: IntArray
) -> dict[str, dict[str, shapely.Geometry]]:
    """Shapes of the places of a city, by kind and id."""
    units = np.asarray(city.units.geometry, dtype=object)
    ids = communities["community_id"].astype(str)
    return {
        "unit": dict(zip(city.units["unit_id"].astype(str), units, strict=True)),
        "site": dict(zip(city.sites["site_id"].astype(str), city.sites.geometry, strict=True)),
        "community": {
            name: shapely.coverage_union_all(units[unit_community == row])
            for row, name in enumerate(ids)
        },
    }


def _layer(
    rows: Sequence[dict[str, Any]], shapes: dict[str, shapely.Geometry], city: City
) -> gpd.GeoDataFrame:
    table = pd.DataFrame(rows).drop(columns="place_kind")
    table["amount"] = table["amount"].astype(float)
    return gpd.GeoDataFrame(
        table, geometry=[shapes[place] for place in table["place_id"]], crs=city.crs
    )


def write_explanation(
    found: Explanation,
    city: City,
    communities: pd.DataFrame,
    unit_community: IntArray,
    folder: Path,
    *,
    lang: str = "en",
) -> list[Path]:
    """
    Write layers, record and picture of an explanation: all of them, or none.

    Parameters
    ----------
    found, city, communities, unit_community
        As in :func:`conflict_layers`.
    folder
        Where the files go.
    lang
        Language of the picture, en or zh.

    Returns
    -------
    list of Path
        The files. The GeoPackage has a table ``clashes`` even if no place is concerned.
    """
    layers = conflict_layers(found, city, communities, unit_community)
    summary = pd.DataFrame(
        {
            "clash": np.arange(1, len(found.clashes) + 1),
            "why": [clash.text for clash in found.clashes],
            "rules": [len(clash.rules) for clash in found.clashes],
            "irreducible": [clash.is_irreducible for clash in found.clashes],
        }
    )
    with replacing_all(folder, FILES) as draft:
        for name, layer in layers.items():
            pyogrio.write_dataframe(
                layer,
                draft / LAYERS_FILE,
                layer=name,
                driver="GPKG",
                geometry_type="Point" if name.endswith("sites") else "MultiPolygon",
                promote_to_multi=not name.endswith("sites"),
            )
        pyogrio.write_dataframe(summary, draft / LAYERS_FILE, layer="clashes", driver="GPKG")
        record = json.dumps(plain(found.as_record()), ensure_ascii=False, indent=2)
        (draft / RECORD_FILE).write_text(record, encoding="utf-8")
        render_clashes(found, city, communities, unit_community, draft / PICTURE_FILE, lang=lang)
    return [folder / name for name in FILES]


def render_clashes(
    found: Explanation,
    city: City,
    communities: pd.DataFrame,
    unit_community: IntArray,
    path: Path,
    *,
    lang: str = "en",
) -> None:
    """Draw the communities, with the places that a clash concerns in colour."""
    font = cjk_font()
    words = WORDS[lang if font else "en"]
    shapes = place_shapes(city, communities, unit_community)
    named: dict[str, set[str]] = {"community": set(), "unit": set(), "site": set()}
    for clash in found.clashes:
        for rule in clash.rules:
            named.get(rule.place_kind, set()).update(rule.place_ids)
    figure = Figure(figsize=(9, 9), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.03, 0.06, 0.94, 0.87))
    areas = shapes["community"]
    colours = [COLORS["community" if name in named["community"] else "none"] for name in areas]
    gpd.GeoSeries(list(areas.values()), crs=city.crs).plot(
        ax=axes, color=colours, edgecolor="#8a8f96", linewidth=0.6
    )
    for kind in ("unit", "site"):
        mine = [shapes[kind][name] for name in sorted(named[kind])]
        if mine:
            look = {"markersize": 26, "zorder": 3} if kind == "site" else {"linewidth": 0.2}
            gpd.GeoSeries(mine, crs=city.crs).plot(ax=axes, color=COLORS[kind], **look)
    axes.set_axis_off()
    present = ["none", *(kind for kind in ("community", "unit") if named[kind])]
    handles: list[Any] = [Patch(facecolor=COLORS[kind], label=words[kind]) for kind in present]
    if named["site"]:
        handles.append(
            Line2D([], [], linestyle="none", marker="o", color=COLORS["site"], label=words["site"])
        )
    legend = axes.legend(handles=handles, loc="lower left", frameon=False, fontsize=9)
    title = axes.set_title(words["title"], loc="left", fontsize=14, fontweight="bold")
    if font is not None:
        for text in [title, *legend.get_texts()]:
            text.set_fontfamily([font, "DejaVu Sans"])
    figure.savefig(path, dpi=150)
