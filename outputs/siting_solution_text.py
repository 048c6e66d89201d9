"""The answer to a siting request in a few lines for the terminal."""

from __future__ import annotations

from typing import Any

MOST_ROWS = 20
"""Sites that the table shows; the record has all."""

_COLUMNS = {
    "site": "site",
    "clients": "clients",
    "weight": "weight",
    "capacity": "capacity",
    "fixed_cost": "fixed cost",
    "mean_distance": "mean distance",
    "largest_distance": "largest",
}


def solution_text(record: dict[str, Any]) -> str:
    """
    Return status, objective, bound, access and the table of the open sites.

    Parameters
    ----------
    record
        As :func:`.siting_solution.solution_record` makes it.
    """
    lines = [f"{record['model']}, {_count(record)}: {_proof(record)}"]
    if record["detail"]:
        lines.append(f"detail: {record['detail']}")
    lines.append(f"method: {record['method']} ({record['why']})")
    if record["solver"]:
        lines.append(f"solver: {record['solver']} {record['solver_version'] or ''}".rstrip())
    phases = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in record["seconds"].items())
    lines.append(f"seconds: {record['total_seconds']:.1f}{f' ({phases})' if phases else ''}")
    return "\n".join([*lines, *_access(record["accessibility"]), *_table(record["sites"])])


def _count(record: dict[str, Any]) -> str:
    sites = record["instance"]["sites"]
    if record["open_sites"] is None:
        return f"{sites:,} sites"
    return f"{len(record['open_sites']):,} of {sites:,} sites"


def _proof(record: dict[str, Any]) -> str:
    parts = [f"{record['status']} ({record['reason']})"]
    if record["objective"] is not None:
        parts.append(f"objective {record['objective']:,.10g}")
    if record["bound"] is not None:
        parts.append(f"bound {record['bound']:,.10g}")
    if record["gap"] is not None:
        parts.append(f"gap {100 * record['gap']:.3f} %")
    return ", ".join(parts)


def _access(access: dict[str, Any] | None) -> list[str]:
    """Lines on how far people go."""
    if access is None or access["mean"] is None:
        return []
    parts = [
        f"mean {access['mean']:,.4g}",
        f"95 % within {access['percentile_95']:,.4g}",
        f"farthest {access['largest']:,.4g}",
        f"worst {100 * access['worst_share']:.0f} % mean {access['mean_of_worst']:,.4g}",
        f"Gini {access['gini']:.3f}",
    ]
    unit = "" if access["unit"] == "minutes" else "distance, "
    lines = [f"access ({unit}{access['unit']}): {', '.join(parts)}"]
    if access["share_in_reach"] is not None:
        share = f"{100 * access['share_in_reach']:.2f} % of the weight"
        lines.append(f"within reach ({access['reach']:,.4g}): {share}")
    catchment = access["catchment"]
    if catchment is not None:
        lines.append(
            f"two-step catchment (supply: {catchment['supply']}): mean {catchment['mean']:.4g}, "
            f"least {catchment['least']:.4g}, without {100 * catchment['share_without']:.2f} %"
        )
    return lines


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """One line an open site."""
    if not rows:
        return []
    names = [name for name in _COLUMNS if name in rows[0]]
    cells = [[_COLUMNS[name] for name in names]]
    cells += [[_cell(row[name]) for name in names] for row in rows[:MOST_ROWS]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    ]
    more = len(rows) - MOST_ROWS
    return lines if more <= 0 else [*lines, f"... and {more:,} more sites"]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.6g}" if value != round(value) else f"{value:,.10g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
