"""Writes a report into a folder."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...outputs.atomic import write_text
from ..row import Row
from ..standings import Settings
from .charts import look, write_chart
from .content import Report, build_report
from .gallery import Chart
from .markdown import render_markdown
from .page import render_page

TITLE = "shequ benchmark"


def write_report(
    rows: Sequence[Row],
    folder: Path,
    *,
    title: str = TITLE,
    settings: Settings | None = None,
) -> list[Path]:
    """
    Write ``report.md``, ``report.html`` and ``charts/`` with an SVG and a PNG of every chart.

    Parameters
    ----------
    rows
        Rows of a results file, in any order; there may be none.
    folder
        Where the files go. It is made if it is not there; files of the same names are replaced.
    title
        Title of the report.
    settings
        Shift, penalty, floor and baselines; the default ones if None.

    Returns
    -------
    list
        The files that were written, the report itself first.
    """
    paths: list[Path] = []
    links: dict[int, str] = {}
    drawings: dict[int, str] = {}
    with look():
        report = build_report(rows, title=title, settings=settings or Settings())
        for stem, chart in _named_charts(report):
            written = write_chart(chart.figure, folder / "charts" / stem)
            paths += written
            links[id(chart.figure)] = written[0].relative_to(folder).as_posix()
            drawings[id(chart.figure)] = written[0].read_text(encoding="utf-8")
    write_text(folder / "report.md", render_markdown(report, links))
    write_text(folder / "report.html", render_page(report, drawings))
    return [folder / "report.md", folder / "report.html", *paths]


def _named_charts(report: Report) -> Iterator[tuple[str, Chart]]:
    """Give every chart the stem of its files, no two alike."""
    taken: set[str] = set()
    parts = [("", report.overview), ("", report.drift)]
    parts += [(part.name, part.gallery) for part in report.families]
    for name, gallery in parts:
        for chart in gallery.charts:
            stem = plain = "-".join(filter(None, (chart.kind, file_name(name))))
            number = 2
            while stem in taken:
                stem, number = f"{plain}-{number}", number + 1
            taken.add(stem)
            yield stem, chart


def file_name(name: str) -> str:
    """Return a name that is safe in any file system."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
