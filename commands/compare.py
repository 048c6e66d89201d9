"""``shequ compare``: plans of one city side by side, on a page for those who choose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .planning import LANGUAGES, Lang

if TYPE_CHECKING:
    from ..outputs.compare import Comparison

compare = typer.Typer()


@compare.command("compare")
def compare_plans(
    folders: Annotated[
        list[Path], typer.Argument(help="Two to six folders of plans; the first is the base.")
    ],
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Page to write, NAME.html.")
    ] = None,
    names: Annotated[
        str | None, typer.Option("--names", help="What the plans are called, by semicolons.")
    ] = None,
    lang: Lang = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare plans of one city: figures, who gains and loses, communities, stations, maps."""
    from ..outputs.compare import read_comparison, write_comparison  # noqa: PLC0415 - quick --help
    from ..outputs.compare.files import comparison_record  # noqa: PLC0415
    from ..outputs.files import plain  # noqa: PLC0415

    if lang not in LANGUAGES:
        raise ValueError(f"--lang {lang} not understood; choose {' or '.join(LANGUAGES)}.")
    if output is not None and output.suffix != ".html":
        raise ValueError(f"-o {output} not understood; name a page that ends with .html.")
    if output is None and not as_json:
        output = Path("compare.html")
    comparison = read_comparison(folders, None if names is None else names.split(";"))
    files = [] if output is None else write_comparison(comparison, output, lang=lang)
    if as_json:
        record = {**plain(comparison_record(comparison)), "files": [str(file) for file in files]}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    for line in comparison_lines(comparison):
        typer.echo(line)
    typer.echo(f"comparison: {files[-1]}")


def comparison_lines(comparison: Comparison) -> list[str]:
    """Return the most asked figures, a row each, a column a plan."""
    from ..outputs.compare.figures import SHARE, figures  # noqa: PLC0415 - quick --help
    from ..outputs.compare.walks import group_changes  # noqa: PLC0415
    from ..outputs.report.texts import number, percent  # noqa: PLC0415

    rows = [["", *(plan.name for plan in comparison.plans)]]
    for figure in figures(comparison):
        shown = [
            percent(value) if figure.digits == SHARE else number(value, figure.digits)
            for value in figure.amounts
        ]
        rows.append([figure.key.replace("_", " "), *shown])
    everyone = [group_changes(comparison, place)[0] for place in range(1, len(comparison.plans))]
    rows.append(["residents who walk less", "", *(number(one.gaining) for one in everyone)])
    rows.append(["residents who walk more", "", *(number(one.losing) for one in everyone)])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
