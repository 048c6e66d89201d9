"""The report as one HTML page that needs no network."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from .content import Report

_FOLDER = Path(__file__).parent
_NOT_IN_HTML = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>"
    r"|\s+xmlns(?::\w+)?=\"[^\"]*\"|\s+version=\"1\.1\"",
    re.DOTALL,
)
_REFERENCES = re.compile(r"(\bid=\"|\bhref=\"#|url\(#)")


def render_page(report: Report, charts: dict[int, str]) -> str:
    """
    Return a report as HTML.

    Parameters
    ----------
    report
        What to say.
    charts
        SVG of each chart, by ``id`` of its figure.
    """
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = {
        key: inline_svg(svg, prefix=f"c{idx}-") for idx, (key, svg) in enumerate(charts.items())
    }
    return environment.get_template("page.html").render(
        report=report,
        css=Markup((_FOLDER / "page.css").read_text(encoding="utf-8")),  # noqa: S704 (our own)
        svg=lambda chart: drawn[id(chart.figure)],
    )


def inline_svg(svg: str, *, prefix: str) -> Markup:
    """
    Return an SVG document as an element of an HTML page.

    Parameters
    ----------
    svg
        As matplotlib writes it, with all texts escaped.
    prefix
        Put before all ids, which must differ from those of other charts on the page.
    """
    bare = _NOT_IN_HTML.sub("", svg).replace("xlink:href", "href")
    return Markup(_REFERENCES.sub(rf"\g<1>{prefix}", bare).strip())  # noqa: S704 (escaped there)
