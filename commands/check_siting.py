"""``shequ check siting``: hold a siting solution against its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .records import read_record


def check_siting_files(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE... RECORD",
            help="The files that the solution was made from, then the record that "
            "`shequ solve MODEL --json` wrote.",
        ),
    ],
) -> None:
    """
    Recompute rules, service and objective of open sites from the files and the ids.

    The files are read as the record says, and told apart by their names.
    """
    from ..instances.siting_files import (  # noqa: PLC0415 - quick --help
        SitingFiles,
        files_by_role,
        read_siting,
    )
    from ..outputs.check_siting import check_siting  # noqa: PLC0415

    *paths, solution = files
    if not paths:
        raise ValueError("Give the files of the solution first, and the record last.")
    record = read_record(solution, kind="siting", command="shequ solve MODEL --json")
    found, changed = files_by_role(record["instance"]["files"], paths)
    options: dict[str, Any] = {**found, **record["read"]}
    data = read_siting(SitingFiles(**options), model=record["model"])
    verification = check_siting(data, record, changed=changed)
    for one in verification.checks:
        typer.echo(f"{'ok  ' if one.ok else 'FAIL'} {one.name}", err=True)
    for finding in verification.findings:
        typer.echo(finding)
    if not verification.ok:
        raise ValueError(f"{solution} does not hold: {len(verification.findings)} findings.")
    typer.echo(f"{record['status']}: {len(verification.checks)} checks, nothing found")
