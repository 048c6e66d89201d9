"""The trade-off curve as one HTML page that needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from markupsafe import Markup

from ...instances.notes import LANGUAGES
from ...optimize.planning.trade_off import TradeOff
from ..report.paths import Frame, frame_of, simplified, svg_paths
from ..report.rows import currency
from ..report.template import (
    check_language,
    json_in_script,
    own_files,
    report_files,
    template_environment,
    texts_of,
)
from ..report.texts import Texts, number
from .figure import Curve, curve_svg
from .table import curve_table, siting_figures

_FOLDER = Path(__file__).parent
ACTIONS = ("kept", "extended", "opened")


def trade_off_texts() -> Texts:
    """Return the texts of the report, and those of a trade-off curve."""
    return texts_of(_FOLDER)


def render_trade_off(curve: TradeOff, *, lang: str = "en") -> str:
    """
    Return a curve as one HTML page.

    Parameters
    ----------
    curve
        The curve, of at least one point.
    lang
        Language that the page opens in, ``en`` or ``zh``; it holds both.

    Raises
    ------
    ValueError
        If there is no such language, or no point.
    """
    check_language(lang)
    if not curve.points:
        raise ValueError("The curve has no point yet; give it more time.")
    texts = trade_off_texts()
    template = template_environment(_FOLDER, texts).get_template("trade_off.html")
    return template.render(_context(curve, lang, texts))


def draw_curve(curve: TradeOff, *, lang: str = "en") -> str:
    """Return the drawing of a curve as SVG, in one language."""
    texts = trade_off_texts()
    maximize = curve.against == "served"
    rule = curve.every_rule
    value = None
    if rule.solution is not None and rule.objective is not None:
        value = (rule.objective, curve.value(rule.solution))
    money = currency({"policy": curve.policy.model_dump(mode="json")}, texts)
    drawn = Curve(
        costs=[point.cost for point in curve.points],
        values=[point.value for point in curve.points],
        budgets=[point.budget for point in curve.points],
        bounds=[point.best.bound for point in curve.points],
        shown=[not out for out in curve.dominated],
        every_rule=value,
        maximize=maximize,
        total=float(curve.problem.residents.sum()) if maximize else None,
    )
    words = {
        "title": texts(f"title_{curve.against}", city=curve.city.name),
        "cost": texts("axis_cost", currency=money),
        "value": texts(f"axis_{curve.against}"),
        "proven": texts("band"),
        "rule": texts("rule", cost=number(rule.objective, 1)),
    }
    return curve_svg(drawn, {key: text[lang] for key, text in words.items()})


def _context(curve: TradeOff, lang: str, texts: Texts) -> dict[str, Any]:
    titles = texts(f"title_{curve.against}", city=curve.city.name)
    proven = sum(point.is_proven for point in curve.points)
    frame, places, at = _map(curve)
    return {
        "lang": lang,
        "titles": titles,
        "city": curve.city.name,
        "against": curve.against,
        "minutes": number(curve.policy.siting.reach_minutes),
        "whole": curve.is_whole,
        "state": texts("state_whole", points=len(curve.points))
        if curve.is_whole
        else texts("state_part", found=len(curve.points), asked=curve.asked, proven=proven),
        "figures": {code: Markup(draw_curve(curve, lang=code)) for code in LANGUAGES},  # noqa: S704 (words are escaped)
        "rows": curve_table(curve).to_dict("records"),
        "frame": frame,
        "places": places,
        "data": json_in_script(
            {
                "titles": titles,
                "texts": {code: {"js_point": texts("js_point")[code]} for code in LANGUAGES},
                "labels": {code: _labels(curve, texts, code) for code in LANGUAGES},
                "frame": {"width": frame.width, "height": frame.height},
                "at": at,
                "actions": list(ACTIONS),
                **_sites(curve),
            }
        ),
        "css": report_files("report.css") + own_files(_FOLDER / "trade_off.css"),
        "js": report_files("page.js") + own_files(_FOLDER / "trade_off.js"),
    }


def _labels(curve: TradeOff, texts: Texts, lang: str) -> list[str]:
    """Return one line a point: cost, residents served, mean minutes."""
    lines = []
    for point in curve.points:
        figures = siting_figures(curve, point.siting)
        parts = (
            (texts("cost"), number(point.cost, 1)),
            (texts("served"), number(figures["residents_served"])),
            (texts("minutes"), number(figures["mean_minutes"], 2)),
        )
        lines.append(" · ".join(f"{words[lang]} {shown}" for words, shown in parts))
    return lines


def _map(curve: TradeOff) -> tuple[Frame, str, list[list[int]]]:
    """Return the frame, the borders of the communities as a path, and where the sites are."""
    units = curve.city.units
    shapes = np.asarray(units.geometry, dtype=object)
    labels = curve.before.unit_community
    whole = [
        shapely.coverage_union_all(shapes[labels == row])
        for row in range(len(curve.before.communities))
    ]
    layer = gpd.GeoDataFrame(geometry=whole, crs=units.crs)
    frame = frame_of(layer)
    thin = simplified(layer, tolerance=4 * frame.step).geometry.to_numpy()
    return frame, "".join(svg_paths(thin, frame)), frame.steps(curve.city.site_points).tolist()


def _sites(curve: TradeOff) -> dict[str, Any]:
    """Return, for each point, the open sites and what is done with each."""
    opened, done = [], []
    for point in curve.points:
        action = actions(curve, point.siting.is_open, point.siting.area_m2)
        rows = np.flatnonzero(point.siting.is_open)
        opened.append(rows.tolist())
        done.append([ACTIONS.index(action[row]) for row in rows])
    return {"open": opened, "action": done}


def actions(curve: TradeOff, is_open: Any, area_m2: Any) -> list[str]:  # noqa: ANN401 (arrays)
    """Return what is done with each site: kept, extended, opened or closed."""
    problem = curve.problem
    larger = area_m2 > problem.area_today_m2 + 1e-6
    found = np.select(
        [~is_open, ~problem.existing, larger], ["closed", "opened", "extended"], default="kept"
    )
    return [str(one) for one in found]
