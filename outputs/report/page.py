"""The report: everything that a plan found, as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..kept import lacks_services, leaves_rules
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
    rules_intro,
    shortfall_rows,
    siting_rows,
    split_rows,
    splits_intro,
)
from .service_rows import SERVICE_COLUMNS, service_rows, services_intro
from .template import (
    REPORT,
    check_language,
    json_in_script,
    report_files,
    script_texts,
    template_environment,
)
from .texts import Text, Texts, load_texts


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
    check_language(lang)
    texts = load_texts()
    template = template_environment(REPORT, texts).get_template("report.html")
    return template.render(_context(plan, lang, texts))


def _context(plan: PlanFiles, lang: str, texts: Texts) -> dict[str, Any]:
    """Return what the template shows."""
    record = plan.record
    titles = texts("title", city=record["city"]["name"])
    return {
        "lang": lang,
        "titles": titles,
        "record": record,
        "created": str(record["created"])[:16].replace("T", " "),
        "status": _status(record, texts),
        "currency": currency(record, texts),
        "figures": key_figures(record, texts),
        "columns": [key for key, _ in COMMUNITY_COLUMNS],
        "communities": community_rows(plan.districts, plan.communities_before, record, texts),
        "rules_intro": rules_intro(record, texts),
        "shortfalls": shortfall_rows(record, texts),
        "splits": split_rows(record, plan.districts, texts),
        "splits_intro": splits_intro(record, texts),
        "is_rebalanced": "rebalance" in record,
        "regions": region_rows(record, plan.communities_before, texts),
        "edges": edge_rows(record, texts),
        "siting": siting_rows(record, texts),
        "facilities": facility_rows(plan.facilities, texts),
        "services": service_rows(record, texts),
        "lacks_services": lacks_services(record),
        "none_short": _none_short(record),
        "service_columns": SERVICE_COLUMNS,
        "services_intro": services_intro(record, currency(record, texts), texts),
        "added_m2": _added_floor_area(plan),
        "data": json_in_script(
            map_data(plan, texts) | {"titles": titles, "texts": script_texts(texts)}
        ),
        "css": report_files("report.css"),
        "js": report_files("page.js", "view.js", "controls.js", "map.js", "report.js"),
    }


def _status(record: Mapping[str, Any], texts: Texts) -> Text:
    """Return how the plan stands, in one sentence."""
    shortfalls = record["shortfalls"]
    if not shortfalls:
        return texts("status_left" if leaves_rules(record) else "status_holds")
    places = {(fault["place_kind"], fault["place_id"]) for fault in shortfalls}
    return texts("status_short", rules=len(shortfalls), places=len(places))


def _none_short(record: Mapping[str, Any]) -> str:
    """Return the key of the text that stands where nothing falls short."""
    if leaves_rules(record):
        return "shortfalls_none_asked"
    return "shortfalls_none_stations" if record.get("services") else "shortfalls_none"


def _added_floor_area(plan: PlanFiles) -> float:
    """Return the floor area that the plan adds, in m²."""
    facilities = plan.facilities
    return float(
        (facilities["floor_area_m2"] - facilities["floor_area_before_m2"].fillna(0.0)).sum()
    )
