"""Write a comparison: the page, and two tables beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..atomic import replacing, write_text
from ..tables import write_table
from .changes import differing_sites, differing_units, moves, services, spending_by_street
from .comparison import Comparison
from .figures import Figure, asked_differently, figures, proofs
from .page import render_comparison
from .walks import CLASSES, changes_by_community, changes_by_street, group_changes


def write_comparison(comparison: Comparison, page: Path, *, lang: str = "en") -> list[Path]:
    """
    Write the page of a comparison, and beside it its figures and the units that differ.

    Parameters
    ----------
    comparison
        The plans.
    page
        Where the page goes, with the suffix ``.html``; the tables are ``NAME.csv`` and
        ``NAME_units.csv`` beside it.
    lang
        Language in which the page opens, en or zh.

    Returns
    -------
    list of Path
        The three files, the page last.

    Raises
    ------
    ValueError
        If the page has another suffix, or the language is not known.
    """
    if page.suffix != ".html":
        raise ValueError(f"{page} is no page; give a name that ends with .html.")
    html = render_comparison(comparison, lang=lang)
    tables = {
        page.with_suffix(".csv"): figure_table(comparison),
        page.with_name(f"{page.stem}_units.csv"): differing_units(comparison),
    }
    for path, table in tables.items():
        with replacing(path) as beside:
            write_table(table, beside)
    write_text(page, html)
    return [*tables, page]


def figure_table(comparison: Comparison) -> pd.DataFrame:
    """Return a row a figure: its value in each plan, and the differences to the first."""
    rows = [_figure_row(figure, comparison) for figure in figures(comparison)]
    for number in range(1, len(comparison.plans)):
        for change in group_changes(comparison, number):
            for kind in ("gaining", "losing"):
                key = f"{change.group}_{kind}_minutes"
                row = next((one for one in rows if one["figure"] == key), None)
                if row is None:
                    row = {"figure": key, comparison.first.name: 0.0}
                    rows.append(row)
                value = change.gaining if kind == "gaining" else change.losing
                row[comparison.plans[number].name] = value
                row[f"difference {comparison.plans[number].name}"] = value
    names = [plan.name for plan in comparison.plans]
    order = ["figure", *names, *(f"difference {name}" for name in names[1:])]
    return pd.DataFrame(rows, columns=order)


def _figure_row(figure: Figure, comparison: Comparison) -> dict[str, Any]:
    row: dict[str, Any] = {"figure": figure.key}
    for place, plan in enumerate(comparison.plans):
        row[plan.name] = figure.amounts[place]
        if place:
            row[f"difference {plan.name}"] = figure.differences[place]
    return row


def comparison_record(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison as plain values for JSON; ``files.plain`` makes NaN null."""
    offered = services(comparison)
    return {
        "city": comparison.first.record["city"]["name"],
        "plans": [
            {
                "name": plan.name,
                "figures": {one.key: one.amounts[place] for one in figures(comparison)},
                "proofs": [vars(proof) for proof in proofs(plan)],
                "against_first": None if not place else _against_first(comparison, place),
            }
            for place, plan in enumerate(comparison.plans)
        ],
        "asked_differently": dict(asked_differently(comparison)),
        "communities": changes_by_community(comparison).to_dict("records"),
        "streets": changes_by_street(comparison).to_dict("records"),
        "spending": spending_by_street(comparison).to_dict("records"),
        "stations": differing_sites(comparison).to_dict("records"),
        "services": None if offered is None else offered.to_dict("records"),
    }


def _against_first(comparison: Comparison, place: int) -> dict[str, Any]:
    moved = moves(comparison, place)
    return {
        "walks": [
            {
                "group": change.group,
                "gaining": change.gaining,
                "losing": change.losing,
                "mean_change_minutes": change.mean_change,
                "by_class": dict(zip(CLASSES, change.by_class, strict=True)),
            }
            for change in group_changes(comparison, place)
        ],
        "units_in_another_community": int(moved["units"].sum()),
        "residents_in_another_community": float(moved["residents"].sum()),
    }
