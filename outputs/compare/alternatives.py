"""Write plans whose stations differ, each in a folder of its own, and compare them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy
from ...optimize.limits import Stop
from ...optimize.planning.site_alternatives import StationAlternatives, make_station_alternatives
from ...optimize.progress import Listener, silent
from ..alternatives_files import write_alternatives
from .comparison import MOST_PLANS, read_comparison
from .files import write_comparison

PAGE = "compare.html"


def run_station_alternatives(
    city: City,
    policy: Policy,
    folder: Path,
    *,
    number: int,
    within: float = 0.05,
    differ: float = 0.10,
    new_splits: bool = False,
    solver: str = "scip",
    relax: bool = True,
    seconds: float | None = None,
    lang: str = "en",
    stop: Stop | None = None,
    listen: Listener = silent,
) -> tuple[str, list[Path]]:
    """
    Make plans that open different stations, and write them side by side.

    Parameters
    ----------
    city, policy
        The city and the rules.
    folder
        Where ``plan-1``, ``plan-2``, ..., ``alternatives.json``, ``alternatives.csv`` and the
        comparison go.
    number, within, differ, new_splits, solver, relax, seconds, stop, listen
        As for :func:`...optimize.planning.site_alternatives.make_station_alternatives`.
    lang
        Language in which pages open, en or zh.

    Returns
    -------
    tuple
        The comparison as text, and the folders of the plans.

    Raises
    ------
    InfeasibleError
        If the rules cannot be met, unless ``relax``.
    NoPlanError
        If no first plan was found within the limits.
    ValueError
        If a number or share makes no sense, or the folder cannot be written.
    """
    found = make_station_alternatives(
        city, policy, number=number, within=within, differ=differ, new_splits=new_splits,
        solver=solver, relax=relax, seconds=seconds, stop=stop, listen=listen,
    )  # fmt: skip
    folders = write_alternatives(
        found.plans,
        folder,
        found.as_record(),
        station_table(found),
        lang=lang,
        prefix="plan-",
    )
    write_comparisons(folders, folder, lang=lang)
    return stations_summary(found), folders


def write_comparisons(folders: list[Path], folder: Path, *, lang: str) -> list[Path]:
    """Write the comparison of the first plans that fit side by side; nothing for a single one."""
    shown = folders[:MOST_PLANS]
    if len(shown) < 2:
        return []
    return write_comparison(read_comparison(shown), folder / PAGE, lang=lang)


def station_table(found: StationAlternatives) -> pd.DataFrame:
    """Return a row a plan: cost, walking, stations opened and shared, and what is proven."""
    rows = []
    for row in found.as_record()["plans"]:
        shared, walking = row.pop("shared"), row.pop("walking_of_these")
        counts = row.pop("shared_with")
        row["shared_with_earlier"] = ";".join(str(count) for count in counts)
        for name, step in (("shared", shared), ("walking_of_these", walking)):
            for key in ("status", "objective", "bound", "gap"):
                row[f"{name}_{key}"] = None if step is None else step[key]
        rows.append(row)
    return pd.DataFrame(rows)


def stations_summary(found: StationAlternatives) -> str:
    """Return the plans side by side as text, and what is proven."""
    record = found.as_record()
    lines = ["plan          cost  opened  shared with earlier  walking (resident·min)  proven"]
    for row in record["plans"]:
        steps = [row["shared"], row["walking_of_these"]]
        words = [] if row["shared"] is None else [
            f"{name} {'proven' if step and step['status'] == 'optimal' else 'not proven'}"
            for name, step in zip(("fewest shared", "least walking"), steps, strict=True)
        ]  # fmt: skip
        shared = ", ".join(str(count) for count in row["shared_with"]) or "-"
        lines.append(
            f"{row['plan']:4}  {row['cost']:12,.1f}  {row['opened']:6}  {shared:>19}  "
            f"{row['walking']:22,.0f}  {', '.join(words) or '-'}"
        )
    if record["no_more"] is not None:
        ended = record["no_more"]
        lines.append(f"no more: {ended['detail']} ({ended['status']})")
    lines.append(f"each costs at most {100 * found.within:g} % more than its cheapest plan")
    return "\n".join(lines)
