"""Write several plans of a city side by side, with a table that compares them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..instances.city import City
from ..instances.policy import Policy
from ..optimize.limits import Stop
from ..optimize.planning.alternatives import CityAlternatives, make_alternatives
from ..optimize.planning.plan import Plan
from ..optimize.progress import Listener, silent
from .assemble import plan_layers
from .atomic import replacing, write_text
from .files import write_plan
from .records import record_text
from .tables import write_table

RECORD, TABLE = "alternatives.json", "alternatives.csv"
_SHOWN = ("inertia", "border_m", "cut_edges", "largest_deviation", "residents_differ_from_1")


def run_alternatives(
    city: City,
    policy: Policy,
    folder: Path,
    *,
    number: int,
    within: float = 0.05,
    differ: float = 0.10,
    solver: str = "scip",
    relax: bool = False,
    seconds: float | None = None,
    lang: str = "en",
    stop: Stop | None = None,
    listen: Listener = silent,
) -> str:
    """
    Make several plans, and write each to a folder of its own: ``folder/1``, ``folder/2``, ...

    Parameters
    ----------
    city, policy
        The city and the rules.
    folder
        Where the folders, ``alternatives.json`` and ``alternatives.csv`` go.
    number, within, differ, solver, relax, seconds, stop, listen
        As for :func:`..optimize.planning.alternatives.make_alternatives`.
    lang
        Language in which reports and pictures open, en or zh.

    Returns
    -------
    str
        The comparison as text.

    Raises
    ------
    InfeasibleError
        If a community cannot be split by the rules, unless ``relax``.
    ValueError
        If a number or share makes no sense, or the folder cannot be written.
    """
    found = make_alternatives(
        city, policy, number=number, within=within, differ=differ, solver=solver, relax=relax,
        seconds=seconds, stop=stop, listen=listen,
    )  # fmt: skip
    record = {**found.as_record(), "totals": totals(found)}
    write_alternatives(found.plans, folder, record, comparison(found), lang=lang)
    return alternatives_summary(found)


def write_alternatives(
    plans: Sequence[Plan],
    folder: Path,
    record: dict[str, Any],
    table: pd.DataFrame,
    *,
    lang: str,
    prefix: str = "",
) -> list[Path]:
    """
    Write plans, each to a folder of its own, and what compares them.

    Parameters
    ----------
    plans
        The plans.
    folder
        Where their folders, ``alternatives.json`` and ``alternatives.csv`` go.
    record, table
        Content of these two files.
    lang
        Language in which reports and pictures open, en or zh.
    prefix
        Begins the name of each folder; its number follows, from 1 on.

    Returns
    -------
    list of Path
        The folders of the plans.

    Raises
    ------
    ValueError
        If a folder cannot be written.
    """
    folders = [folder / f"{prefix}{place}" for place in range(1, 1 + len(plans))]
    for plan, into in zip(plans, folders, strict=True):
        write_plan(plan_layers(plan, lang=lang), into, lang=lang)
    write_text(folder / RECORD, record_text(record))
    with replacing(folder / TABLE) as beside:
        write_table(table, beside)
    return folders


def comparison(found: CityAlternatives) -> pd.DataFrame:
    """One row a community and alternative, with its figures and what is proven."""
    rows = [
        {"community_id": record["community_id"], "name": record["name"], **row}
        for record in (community.as_record() for community in found.communities)
        for row in record["alternatives"]
    ]
    return pd.DataFrame(rows)


def totals(found: CityAlternatives) -> list[dict[str, Any]]:
    """Figures of every whole plan: sums over the communities, and the largest deviation."""
    records = [community.as_record()["alternatives"] for community in found.communities]
    rows = []
    for place in range(len(found.plans)):
        chosen = [rows_[place] if place < len(rows_) else rows_[0] for rows_ in records]
        row: dict[str, Any] = {"plan": place + 1}
        for key in _SHOWN:
            values = [one[key] for one in chosen]
            row[key] = max(values, default=0) if key == "largest_deviation" else sum(values)
        rows.append(row)
    return rows


def alternatives_summary(found: CityAlternatives) -> str:
    """Return the whole plans side by side, and how many alternatives are proven."""
    lines = ["plan  inertia (resident·km²)  border (km)  cut edges  deviation  residents differ"]
    lines += [
        f"{row['plan']:4}  {row['inertia']:22,.1f}  {row['border_m'] / 1000:11,.2f}  "
        f"{row['cut_edges']:9,}  {100 * row['largest_deviation']:7.2f} %  "
        f"{row['residents_differ_from_1']:16,.0f}"
        for row in totals(found)
    ]
    further = [r for one in found.communities for r in one.results[1:] if r.solution is not None]
    proven = sum(result.status == "optimal" for result in further)
    ended = [one.results[-1] for one in found.communities if one.results[-1].solution is None]
    none_left = sum(result.status == "infeasible" for result in ended)
    lines.append(
        f"{len(further)} alternatives of {len(found.communities)} communities, {proven} proven best"
        f" among the plans that differ enough; {none_left} communities proven to have no more"
    )
    return "\n".join(lines)
