"""The report: everything that a plan found, as one HTML page that needs no network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..layers import PlanFiles
from .figures import key_figures
from .mapdata import map_data
from .rows import (
    COMMUNITY_COLUMNS,
    community_rows,
    currency,
    edge_rows,
    facility_rows,
    region_rows,
    shortfall_rows,
    siting_rows,
    split_rows,
    splits_intro,
)
from .service_rows import SERVICE_COLUMNS, service_rows, services_intro
from .texts import LANGUAGES, Text, Texts, both, load_texts, number, percent

_FOLDER = Path(__file__).parent
_UNSAFE_IN_SCRIPT = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def render_report(plan: PlanFiles, *, lang: str = "en") -> str:
    """
    Return the report of a plan as one HTML page.

    Parameters
    ----------
    plan
        The layers and the record of the plan.
    lang
        Language that the page opens in, ``en`` or ``zh``; it holds both.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    if lang not in LANGUAGES:
        raise ValueError(f"lang = {lang!r} is not known; choose one of {', '.join(LANGUAGES)}.")
    texts = load_texts()
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"both": both, "number": number, "percent": percent}
    environment.globals["t"] = lambda key, **values: both(texts(key, **values))
    return environment.get_template("report.html").render(_context(plan, lang, texts))


def json_in_script(value: object) -> Markup:
    """Return JSON that cannot end the script element that holds it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Markup(text.translate(_UNSAFE_IN_SCRIPT))  # noqa: S704 (no mark of HTML is left in it)


def _context(plan: PlanFiles, lang: str, texts: Texts) -> dict[str, Any]:
    """Return what the template shows."""
    record = plan.record
    titles = texts("title", city=record["city"]["name"])
    return {
        "lang": lang,
        "title": titles[lang],
        "record": record,
        "created": str(record["created"])[:16].replace("T", " "),
        "status": _status(record, texts),
        "currency": currency(record, texts),
        "figures": key_figures(record, texts),
        "columns": [key for key, _ in COMMUNITY_COLUMNS],
        "communities": community_rows(
            plan.districts, plan.communities_before, record["shortfalls"], texts
        ),
        "shortfalls": shortfall_rows(record, texts),
        "splits": split_rows(record, plan.districts, texts),
        "splits_intro": splits_intro(record, texts),
        "is_rebalanced": "rebalance" in record,
        "regions": region_rows(record, plan.communities_before, texts),
        "edges": edge_rows(record, texts),
        "siting": siting_rows(record, texts),
        "facilities": facility_rows(plan.facilities, texts),
        "services": service_rows(record, texts),
        "service_columns": SERVICE_COLUMNS,
        "services_intro": services_intro(record, currency(record, texts), texts),
        "added_m2": _added_floor_area(plan),
        "data": json_in_script(
            map_data(plan, texts) | {"titles": titles, "texts": _script_texts(texts)}
        ),
        "css": _own_file("report.css"),
        "js": _own_file("map.js") + _own_file("report.js"),
    }


def _status(record: Mapping[str, Any], texts: Texts) -> Text:
    """Return how the plan stands, in one sentence."""
    shortfalls = record["shortfalls"]
    if not shortfalls:
        return texts("status_holds")
    places = {(fault["place_kind"], fault["place_id"]) for fault in shortfalls}
    return texts("status_short", rules=len(shortfalls), places=len(places))


def _added_floor_area(plan: PlanFiles) -> float:
    """Return the floor area that the plan adds, in m²."""
    facilities = plan.facilities
    return float(
        (facilities["floor_area_m2"] - facilities["floor_area_before_m2"].fillna(0.0)).sum()
    )


def _script_texts(texts: Texts) -> dict[str, dict[str, str]]:
    """Return the texts that the script of the page shows."""
    return {
        lang: {key: words for key, words in own.items() if key.startswith("js_")}
        for lang, own in texts.by_lang.items()
    }


def _own_file(name: str) -> Markup:
    """Return a file of this package as it is."""
    return Markup((_FOLDER / name).read_text(encoding="utf-8"))  # noqa: S704 (not from the input)
