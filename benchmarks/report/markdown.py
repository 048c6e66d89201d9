"""The report as Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from .content import FamilyPart, Report
from .gallery import Gallery
from .tables import Cell, Column, Table

_SPECIAL = re.compile(r"([\\`*_\[\]|~])")


def render_markdown(report: Report, charts: dict[int, str]) -> str:
    """
    Return a report as Markdown.

    Parameters
    ----------
    report
        What to say.
    charts
        Path of the SVG file of each chart, by ``id`` of its figure.
    """
    parts = [
        f"# {escape(report.title)}",
        "## Method",
        *map(escape, report.method),
        table(_facts(report)),
        "## Results",
        *_alarms(report),
        *_lines(report.headlines, empty="There is no row to report on."),
    ]
    if report.families:
        parts += [table(report.summary), *_gallery(report.overview, charts)]
        parts += ["### Statuses", table(report.statuses)]
    if report.targets.rows:
        parts += ["### Targets", table(report.targets)]
    if report.failures.rows:
        parts += ["### Errors and lack of memory", table(report.failures)]
    if report.news:
        parts += ["### New best values", *_lines(report.news)]
    for part in report.families:
        parts += _family(part, charts)
    parts += ["## Drift of the machine", *_lines(report.drift_lines)]
    parts += _gallery(report.drift, charts)
    return "\n\n".join(parts) + "\n"


def _facts(report: Report) -> Table:
    rows = tuple((Cell(name), Cell(value)) for name, value in report.facts)
    return Table((Column("what", is_number=False), Column("value", is_number=False)), rows)


def _alarms(report: Report) -> list[str]:
    if not report.families:
        return []
    if not report.alarms:
        return ["No answer was wrong, and no two proofs contradict each other."]
    warned = [f"> **Warning.** {escape(line)}" for line in report.alarms]
    return ["\n>\n".join(warned), *([table(report.wrong)] if report.wrong.rows else [])]


def _family(part: FamilyPart, charts: dict[int, str]) -> list[str]:
    return [
        f"## {escape(part.name)}",
        escape(part.headline),
        table(part.ranking),
        *_gallery(part.gallery, charts),
        "### Case by case",
        table(part.cases),
    ]


def _gallery(gallery: Gallery, charts: dict[int, str]) -> list[str]:
    parts = [
        f"![{escape(chart.title)}]({charts[id(chart.figure)]})\n\n*{escape(chart.caption)}*"
        for chart in gallery.charts
    ]
    return [*parts, *map(escape, gallery.skipped)]


def _lines(lines: Sequence[str], *, empty: str = "") -> list[str]:
    return ["\n".join(f"- {escape(line)}" for line in lines) or empty] if lines or empty else []


def table(content: Table) -> str:
    """Return a table; numbers are set to the right."""
    rulers = ["--:" if column.is_number else "---" for column in content.columns]
    lines = [
        [escape(column.name) for column in content.columns],
        rulers,
        *([_marked(cell) for cell in row] for row in content.rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _marked(cell: Cell) -> str:
    text = escape(cell.text)
    return f"**{text}**" if cell.kind in {"best", "bad"} and text else text


def escape(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    line = " ".join(text.split())
    return _SPECIAL.sub(r"\\\1", html.escape(line, quote=False))
