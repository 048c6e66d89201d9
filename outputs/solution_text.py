"""The answer to a districting request in a few lines for the terminal."""

from __future__ import annotations

from typing import Any

REMEDIES = {
    "alone has": "Raise --upper (or --tolerance), or cut this unit in the input.",
    "do not fit": "Raise -k or --upper.",
    "are too few": "Lower -k or --lower.",
    "cannot be balanced": "Widen --tolerance, or cut large units.",
}
"""What to do about a reason, by words in it."""


def solution_text(record: dict[str, Any]) -> str:
    """
    Return status, objective, bound and the table of the districts.

    Parameters
    ----------
    record
        As :func:`.solution_file.solution_record` makes it.
    """
    lines = [_head(record)]
    if record["detail"]:
        lines.append(f"detail: {record['detail']}")
    lines += [remedy for words, remedy in REMEDIES.items() if words in record["detail"]][:1]
    if record["status"] == "infeasible" and record["instance"]["bounds_from"] == "file":
        lines.append("The bounds are those of the file; --tolerance makes others.")
    if record["note"]:
        lines.append(f"smaller numbers: {record['note']}")
    lines.append(f"method: {record['method']} ({record['why']})")
    if record["solver"]:
        lines.append(f"solver: {record['solver']} {record['solver_version'] or ''}".rstrip())
    for number, level in enumerate(record["levels"], 1):
        lines.append(f"level {number}, {' + '.join(level['goals'])}: {_proof(level)}")
    phases = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in record["seconds"].items())
    lines.append(f"seconds: {record['total_seconds']:.1f}{f' ({phases})' if phases else ''}")
    return "\n".join(lines + _table(record))


def _head(record: dict[str, Any]) -> str:
    instance = record["instance"]
    names = " + ".join(
        goal["measure"] if goal["weight"] == 1 else f"{goal['weight']:g} {goal['measure']}"
        for goal in record["goals"]
        if goal["level"] == max(g["level"] for g in record["goals"])
    )
    return f"{instance['k']} districts, {names}: {_proof(record)}"


def _proof(outcome: dict[str, Any]) -> str:
    parts = [f"{outcome['status']} ({outcome['reason']})"]
    if outcome["objective"] is not None:
        parts.append(f"objective {outcome['objective']:,.10g}")
    if outcome["bound"] is not None:
        parts.append(f"bound {outcome['bound']:,.10g}")
    if outcome["gap"] is not None:
        parts.append(f"gap {100 * outcome['gap']:.3f} %")
    return ", ".join(parts)


def _table(record: dict[str, Any]) -> list[str]:
    """One line a district."""
    rows = record["districts"]
    if not rows:
        return []
    names = record["instance"]["weights"]
    cells = [["district", "units", *names, "deviation", "centre"]]
    cells += [
        [
            str(row["district"]),
            f"{row['units']:,}",
            *(f"{row[name]:,.10g}" for name in names),
            f"{100 * row['deviation']:+.2f} %",
            row["centre"],
        ]
        for row in rows
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in cells
    ]
