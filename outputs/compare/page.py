"""The comparison of plans as one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ..kept import lacks_services, leaves_rules
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
from .changes import differing_sites, moves, only_in, services, spending_by_street
from .comparison import Comparison
from .facilities import differing_facilities
from .figures import SHARE, Figure, asked_differently, figures, proofs
from .mapdata import CHANGE_COLOURS, map_data
from .walks import (
    CLASSES,
    GroupChange,
    changes_by_community,
    changes_by_street,
    group_changes,
)

_FOLDER = Path(__file__).parent
_MOST_MOVES = 200
_OF_STATIONS = {
    "cost": "cost_of_stations",
    "cost_per_resident": "cost_of_stations_per_resident",
}
"""Figures that are those of stations alone, where a plan has other services too."""
_PLUS, _MINUS, _EQUAL, _POINTS = "+", "\u2212", "=", " pp"


def render_comparison(comparison: Comparison, *, lang: str = "en") -> str:
    """
    Return a comparison as one HTML page.

    Parameters
    ----------
    comparison
        The plans.
    lang
        Language that the page opens in, ``en`` or ``zh``; it holds both.

    Raises
    ------
    ValueError
        If there is no such language.
    """
    check_language(lang)
    texts = comparison_texts()
    environment = template_environment(_FOLDER, texts)
    environment.filters["signed"] = signed
    return environment.get_template("compare.html").render(_context(comparison, lang, texts))


def comparison_texts() -> Texts:
    """Return the texts of the report, and those of the comparison."""
    return texts_of(_FOLDER)


def signed(value: Any, digits: int = 0) -> str:  # noqa: ANN401 (as a table holds it)
    """
    Return a difference with its sign; a dash if it is missing, "=" if there is none.

    Differences of shares are percentage points.

    Examples
    --------
    >>> signed(12.34, 1), signed(0.001, 1)
    ('+12.3', '=')
    """
    if is_missing(value):
        return MISSING
    of_share = digits == SHARE
    size = abs(float(value)) * (100 if of_share else 1)
    shown = number(size, 1 if of_share else digits)
    if not float(shown.replace(",", "")):
        return _EQUAL
    sign = _PLUS if float(value) > 0 else _MINUS
    return f"{sign}{shown}{_POINTS if of_share else ''}"


def _context(comparison: Comparison, lang: str, texts: Texts) -> dict[str, Any]:
    """Return what the template shows."""
    record = comparison.first.record
    city = record["city"]["name"]
    titles = texts("title", city=city, plans=len(comparison.plans))
    changes = [group_changes(comparison, place) for place in range(1, len(comparison.plans))]
    return {
        "lang": lang,
        "titles": titles,
        "city": city,
        "names": [plan.name for plan in comparison.plans],
        "created": [
            str(plan.record["created"])[:16].replace("T", " ") for plan in comparison.plans
        ],
        "units": len(comparison.units),
        "residents": float(comparison.residents.sum()),
        "currency": currency(record, texts),
        "cards": _cards(comparison, changes, texts),
        "figures": [
            _figure_row(figure, comparison, texts)
            for figure in figures(comparison)
            if not figure.key.startswith("gap_")
        ],
        "proofs": _proof_rows(comparison, texts),
        "asked": [
            (key, [_asked(value) for value in values])
            for key, values in asked_differently(comparison)
        ],
        "walks": _walk_rows(changes, texts),
        "groups": list(comparison.groups),
        "totals": [float(members.sum()) for members in comparison.groups.values()],
        "communities": _records(changes_by_community(comparison)),
        "streets": _records(changes_by_street(comparison)),
        "moves": _move_tables(comparison),
        "most_moves": _MOST_MOVES,
        "stations": _records(differing_sites(comparison)),
        "spending": _records(spending_by_street(comparison)),
        "services": None if (offered := services(comparison)) is None else _records(offered),
        "facilities": _records(differing_facilities(comparison)),
        "data": json_in_script(
            map_data(comparison, texts) | {"titles": titles, "texts": script_texts(texts)}
        ),
        "css": report_files("report.css") + own_files(_FOLDER / "compare.css"),
        "js": report_files("page.js", "view.js", "controls.js")
        + own_files(_FOLDER / "compare_maps.js", _FOLDER / "compare.js"),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _asked(value: object) -> str:
    """Return a value of the policy as it is shown; a dash where nothing is asked."""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or MISSING
    return MISSING if value is None else str(value)


def _cards(
    comparison: Comparison, changes: list[list[GroupChange]], texts: Texts
) -> list[dict[str, Any]]:
    """Return what each plan means in a few sentences, against the first."""
    money = currency(comparison.first.record, texts)
    costs = [float(plan.record["figures"]["after"]["cost"]) for plan in comparison.plans]
    cards = []
    for place, plan in enumerate(comparison.plans):
        short = len(plan.record["shortfalls"])
        open_end = lacks_services(plan.record) or leaves_rules(plan.record)
        lines: list[Text] = [
            _cost_of(plan.record, money, texts),
            _kept(plan.record, texts),
        ]
        if place:
            everyone = changes[place - 1][0]
            lines += [
                _cost_line(costs[place] - costs[0], comparison.first.name, money, texts),
                texts(
                    "card_walk",
                    gaining=number(everyone.gaining),
                    losing=number(everyone.losing),
                ),
                texts(
                    "card_moved",
                    residents=number(moves(comparison, place)["residents"].sum()),
                ),
                texts(
                    "card_stations",
                    first=comparison.first.name,
                    more=len(only_in(comparison, place, 0, ("opened",))),
                    fewer=len(only_in(comparison, 0, place, ("opened",))),
                ),
            ]
        cards.append({"name": plan.name, "lines": lines, "short": bool(short) or open_end})
    return cards


def _cost_of(record: Mapping[str, Any], money: Text, texts: Texts) -> Text:
    """Say what a plan costs; of all services, where it has more than stations."""
    cost = number(record["figures"]["after"]["cost"], 1)
    services = record.get("services")
    if not services:
        return texts("card_cost", cost=cost, currency=money)
    whole = number(services["cost"], 1)
    return texts("card_cost_services", cost=cost, whole=whole, currency=money)


def _kept(record: Mapping[str, Any], texts: Texts) -> Text:
    """Say whether a plan meets its rules, and offers all its services."""
    short = len(record["shortfalls"])
    if lacks_services(record):
        return texts("card_short_services" if short else "card_lacks_services", many=number(short))
    if leaves_rules(record):
        return texts("card_left")
    return texts("card_short", many=number(short)) if short else texts("card_holds")


def _cost_line(more: float, first: str, money: Text, texts: Texts) -> Text:
    if abs(more) < 0.05:
        return texts("card_cost_same", first=first)
    key = "card_cost_more" if more > 0 else "card_cost_less"
    return texts(key, cost=number(abs(more), 1), currency=money, first=first)


def _figure_row(figure: Figure, comparison: Comparison, texts: Texts) -> dict[str, Any]:
    """Return a figure as it is shown: value, difference and verdict by plan."""
    record = comparison.first.record
    offers = any(plan.services is not None for plan in comparison.plans)
    name = texts(
        f"figure_{_OF_STATIONS.get(figure.key, figure.key) if offers else figure.key}",
        currency=currency(record, texts),
        minutes=number(record["policy"]["siting"]["reach_minutes"]),
    )
    cells = [
        {
            "value": percent(value) if figure.digits == SHARE else number(value, figure.digits),
            "difference": signed(difference, figure.digits),
            "verdict": figure.verdict(place),
        }
        for place, (value, difference) in enumerate(
            zip(figure.amounts, figure.differences, strict=True)
        )
    ]
    return {"key": figure.key, "name": name, "cells": cells}


def _proof_rows(comparison: Comparison, texts: Texts) -> list[dict[str, Any]]:
    """Return what is proven, a row a step, a cell a plan."""
    by_plan = [{proof.step: proof for proof in proofs(plan)} for plan in comparison.plans]
    every = ("split", "cost", "served", "walking", "services")
    steps = [step for step in every if any(step in one for one in by_plan)]
    rows = []
    for step in steps:
        cells = []
        for one in by_plan:
            proof = one.get(step)
            cells.append(
                None
                if proof is None
                else {
                    "all": proof.proven == proof.total,
                    "words": texts("proof_count", proven=proof.proven, total=proof.total),
                    "gap": percent(proof.gap, 2),
                }
            )
        rows.append({"name": texts(f"step_{step}"), "cells": cells})
    return rows


def _walk_rows(changes: list[list[GroupChange]], texts: Texts) -> list[dict[str, Any]]:
    """Return the histogram: a row a class, with residents and share of each group by plan."""
    most = max(
        (value / group.total for plan in changes for group in plan if group.total
         for value in group.by_class), default=1.0,
    )  # fmt: skip
    rows = []
    for place, name in enumerate(CLASSES):
        cells = [
            [
                {
                    "group": group.group,
                    "members": group.by_class[place],
                    "share": group.by_class[place] / group.total if group.total else 0.0,
                    "width": 100 * group.by_class[place] / group.total / most
                    if group.total and most
                    else 0.0,
                }
                for group in plan
            ]
            for plan in changes
        ]
        empty = not any(cell["members"] for plan in cells for cell in plan)
        rows.append(
            {
                "key": name,
                "name": texts(f"walk_{name}"),
                "colour": CHANGE_COLOURS[place],
                "cells": cells,
                "empty": empty,
            }
        )
    return [row for row in rows if not row["empty"]]


def _move_tables(comparison: Comparison) -> list[dict[str, Any]]:
    """Return, for each further plan, who belongs to another community than in the first."""
    called = [
        dict(zip(plan.files.districts["community_id"].astype(str),
                 plan.files.districts["name"], strict=True))
        for plan in comparison.plans
    ]  # fmt: skip
    home = dict(
        zip(comparison.first.community, comparison.units["community_id_before"], strict=True)
    )
    tables = []
    for place in range(1, len(comparison.plans)):
        table = moves(comparison, place)
        rows = [
            {
                "first": _named(row["in_first"], called[0]),
                "other": _named(row["in_other"], called[place]),
                "place": str(home[row["in_first"]]),
                "units": row["units"],
                "residents": row["residents"],
            }
            for row in _records(table.head(_MOST_MOVES))
        ]
        tables.append(
            {
                "name": comparison.plans[place].name,
                "rows": rows,
                "pairs": len(table),
                "units": int(table["units"].sum()),
                "residents": float(table["residents"].sum()),
            }
        )
    return tables


def _named(place: str, names: dict[str, Any]) -> tuple[str, str]:
    name = names.get(place)
    return (place if is_missing(name) or not str(name) else str(name)), place
