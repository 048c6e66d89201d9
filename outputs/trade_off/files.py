"""Write a trade-off curve: table, record, layer of sites, figure and page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from ...optimize.planning.trade_off import TradeOff
from ...version import __version__
from ..assemble import library_versions
from ..atomic import replacing_all
from ..records import record_text
from ..tables import write_table
from .page import actions, draw_curve, render_trade_off
from .table import curve_table

TABLE, RECORD, SITES = "trade_off.csv", "trade_off.json", "trade_off.gpkg"
FIGURE, PAGE = "trade_off.svg", "trade_off.html"
FILES = (TABLE, RECORD, SITES, FIGURE, PAGE)


def write_trade_off(curve: TradeOff, folder: Path, *, lang: str = "en") -> list[Path]:
    """
    Write the files of a curve: all of them, or none.

    Parameters
    ----------
    curve
        The curve, of at least one point.
    folder
        Where they go.
    lang
        Language of the figure, and in which the page opens; en or zh.

    Returns
    -------
    list of Path
        The files, the page last.

    Raises
    ------
    ValueError
        If the curve has no point, or the folder cannot be written.
    """
    page = render_trade_off(curve, lang=lang)
    with replacing_all(folder, FILES) as draft:
        write_table(curve_table(curve), draft / TABLE, digits=10)
        (draft / RECORD).write_text(record_text(curve_record(curve)), encoding="utf-8")
        pyogrio.write_dataframe(
            sites_layer(curve), draft / SITES, layer="sites", driver="GPKG", geometry_type="Point"
        )
        (draft / FIGURE).write_text(draw_curve(curve, lang=lang), encoding="utf-8")
        (draft / PAGE).write_text(page, encoding="utf-8")
    return [folder / name for name in FILES]


def sites_layer(curve: TradeOff) -> gpd.GeoDataFrame:
    """Return a row a point and open site, in the CRS of the input."""
    sites = curve.city.sites
    ids, names = sites["site_id"].astype(str).to_numpy(object), sites["name"].to_numpy(object)
    parts = []
    for number, point in enumerate(curve.points, start=1):
        siting = point.siting
        rows = np.flatnonzero(siting.is_open)
        action = np.array(actions(curve, siting.is_open, siting.area_m2), dtype=object)
        parts.append(
            gpd.GeoDataFrame(
                {
                    "point": number,
                    "site_id": ids[rows],
                    "name": names[rows],
                    "action": action[rows],
                    "floor_area_before_m2": curve.problem.area_today_m2[rows],
                    "floor_area_m2": siting.area_m2[rows],
                    "cost": curve.problem.site_costs(siting)[rows],
                },
                geometry=gpd.points_from_xy(*curve.city.site_points[rows].T),
                crs=curve.city.crs,
            )
        )
    layer = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=curve.city.crs)
    return curve.city.in_input_crs(layer)


def curve_record(curve: TradeOff) -> dict[str, Any]:
    """Return the content of ``trade_off.json``."""
    city, rule = curve.city, curve.every_rule
    rows = curve_table(curve).to_dict("records")
    return {
        "shequ": __version__,
        "city": {"name": city.name, "sha256": city.sha256, "residents": city.num_residents},
        "against": curve.against,
        "points_asked": curve.asked,
        "resumed": curve.resumed,
        "whole": curve.is_whole,
        "every_rule": rule.as_record(),
        "policy": curve.policy.model_dump(mode="json"),
        "versions": library_versions(),
        "points": [
            {**row, "value": point.best.as_record(), "least_cost": point.cheapest.as_record()}
            for row, point in zip(rows, curve.points, strict=True)
        ],
    }


def curve_text(curve: TradeOff) -> str:
    """Return the curve as lines of text."""
    lines = ["point        cost  residents served   share  mean minutes  opened  proven"]
    for row in curve_table(curve).to_dict("records"):
        minutes = "-" if row["mean_minutes"] is None else f"{row['mean_minutes']:.2f}"
        lines.append(
            f"{row['point']:5}  {row['cost']:10,.1f}  {row['residents_served']:16,.0f}  "
            f"{100 * row['share_served']:5.1f} %  {minutes:>12}  {row['opened']:6.0f}  "
            f"{'proven' if row['proven'] else 'not proven'}"
            f"{', dominated' if row['dominated'] else ''}"
        )
    rule = curve.every_rule
    lines.append(
        f"cost of every rule that the sites can meet: {rule.objective:,.1f} ({rule.status})"
    )
    proven = sum(point.is_proven for point in curve.points)
    lines.append(f"{proven} of {curve.asked} points proven, {curve.resumed} of them kept before")
    return "\n".join(lines)
