"""Write and tell how many workers communities and stations get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..optimize.planning.staff import StaffPlan
from .atomic import replacing, write_text
from .records import record_text
from .tables import write_table

SHOWN = 12
"""Communities that the text shows: those whose number differs most from rounding up."""


def staff_lines(plan: StaffPlan, record: dict[str, Any]) -> list[str]:
    """Return the allotment in lines for people."""
    table = plan.communities
    lines = [
        (
            f"{record['residents']:,} residents need {record['needed']:,.1f} workers; "
            f"{record['total']:,} are allotted ({record['rule']}, proven best)."
        ),
        (
            f"Rounding up each community by itself asks for {record['rounded_up_each']:,}, "
            f"{record['saved']:,} more."
        ),
    ]
    unserved = plan.posts[plan.posts["site_id"].isna() & (plan.posts["workers"] > 0)]
    posts = plan.posts[plan.posts["site_id"].notna()]
    lines.append(
        f"{posts['site_id'].nunique():,} stations are posts; {len(unserved):,} communities with "
        f"{int(unserved['workers'].sum()):,} workers have no station within reach."
    )
    lines.append("community_id      residents  exact share  workers  rounded up  per 10,000")
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index[:SHOWN]
    lines += [
        f"{row.community_id:<16}  {row.residents:9,}  {row.exact_share:11.2f}  {row.workers:7d}  "
        f"{row.rounded_up:10d}  {row.per_10000:10.2f}"
        for row in table.loc[order].itertuples()
    ]
    if len(table) > SHOWN:
        lines.append(f"... and {len(table) - SHOWN:,} more; -o FILE writes all.")
    return lines


def write_staff(plan: StaffPlan, record: dict[str, Any], file: Path) -> list[Path]:
    """
    Write the allotment: JSON, or a CSV of communities and one of posts beside it.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If the name of the file ends in neither .csv nor .json.
    """
    if file.suffix == ".json":
        write_text(file, record_text(record) + "\n")
        return [file]
    if file.suffix != ".csv":
        raise ValueError(f"-o {file} not understood; name a .csv or a .json file.")
    posts = file.with_name(f"{file.stem}-posts.csv")
    for table, path in ((plan.communities, file), (plan.posts, posts)):
        with replacing(path) as beside:
            write_table(table, beside)
    return [file, posts]
