"""``shequ catalogue``: list the services, check a file of one's own, copy the built-in one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..instances.catalogue import Catalogue, Figure, Service

COLUMNS = {
    "min_area_m2": "least m²",
    "max_area_m2": "most m²",
    "min_site_m2": "land m²",
    "area_per_100_households_m2": "m²/100 hh",
    "reach_minutes": "minutes",
}
"""Figures of the list, with their heads."""

MARKS = {"confirmed": "", "recalled": "?", "assumed": "*"}
"""What stands behind a figure."""

catalogue = typer.Typer()


@catalogue.command("catalogue")
def show_catalogue(
    file: Annotated[
        Path | None, typer.Argument(help="A catalogue of your own: TOML; else the built-in one.")
    ] = None,
    *,
    category: Annotated[str | None, typer.Option(help="Only services of this category.")] = None,
    sources: Annotated[
        bool, typer.Option("--sources", help="List every figure with its source.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    write: Annotated[
        Path | None, typer.Option(help="Write the built-in catalogue here, to edit it.")
    ] = None,
) -> None:
    """
    List the services that a plan knows, and check the catalogue.

    A figure with "?" is recalled from its standard and wants to be verified; one with "*" is a
    choice of the catalogue.
    """
    from ..instances.catalogue import builtin_text, load_catalogue  # noqa: PLC0415 - quick --help
    from ..outputs.atomic import write_text  # noqa: PLC0415

    if write is not None:
        if write.exists():
            raise ValueError(f"{write} is there already; name another file.")
        write_text(write, builtin_text())
        typer.echo(f"wrote {write}", err=True)
        return
    found = load_catalogue(file)
    chosen = [one for one in found.service if category is None or one.category == category]
    if not chosen:
        known = sorted({one.category for one in found.service})
        raise ValueError(f"--category {category} not understood; choose {', '.join(known)}.")
    if as_json:
        record = found.model_dump(mode="json")
        record["service"] = [one.model_dump(mode="json", exclude_none=True) for one in chosen]
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    for line in source_lines(found, chosen) if sources else table_lines(chosen):
        typer.echo(line)
    doubtful = list(found.recalled())
    typer.echo(
        f"{len(found.service)} services, {len(found.sources)} sources; {len(doubtful)} figures are "
        "recalled (?): verify them before you quote them. Nothing is wrong with the catalogue.",
        err=True,
    )


def table_lines(services: list[Service]) -> list[str]:
    """Return a row for each service."""
    rows = [["id", "category", "role", "level", "for", *COLUMNS.values(), "name"]]
    for one in services:
        ages = "" if one.ages is None else f" {one.ages[0]:g}-{one.ages[1]:g}"
        figures = [_shown(getattr(one, field)) for field in COLUMNS]
        name = f"{one.name_zh} {one.name_en}"
        rows.append([one.id, one.category, one.role, one.level, one.target + ages, *figures, name])
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]) - 1)]
    right = range(5, 5 + len(COLUMNS))
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, [*widths, 0], strict=True))
        ).rstrip()
        for row in rows
    ]


def source_lines(catalogue: Catalogue, services: list[Service]) -> list[str]:
    """Return a line for each figure with its source, its confidence and its note."""
    lines = []
    for service in services:
        lines.append(f"{service.id}  {service.name_zh}")
        for name, figure in service.figures.items():
            source = catalogue.sources[figure.source]
            note = f" ({figure.note})" if figure.note else ""
            lines.append(
                f"  {name} = {figure.value:g}, {figure.confidence}: {source.title}, "
                f"{source.year}{note}"
            )
    return lines


def _shown(figure: Figure | None) -> str:
    return "" if figure is None else f"{figure.value:,g}{MARKS[figure.confidence]}"
