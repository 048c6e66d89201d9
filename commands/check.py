"""``shequ check ...``: hold a solution against its file, without the code that made it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .check_siting import check_siting_files
from .graph_options import File, GraphOptions, RuleOptions
from .options import spread
from .records import read_record

if TYPE_CHECKING:
    from ..instances.unit_graph import UnitGraph
    from ..outputs.check_districting import Demanded

check = typer.Typer(help="Check a solution against its file.", no_args_is_help=True)


@check.callback()
def options() -> None:
    """Check a solution against its file, without the code that made it."""


check.command("siting")(check_siting_files)


@check.command("districting")
@spread
def check_districting_file(
    file: File,
    solution: Annotated[
        Path, typer.Argument(help="Record that `shequ solve districting --json` wrote.")
    ],
    *,
    k: Annotated[
        int | None, typer.Option("-k", min=1, help="Districts that there must be.")
    ] = None,
    balance: RuleOptions,
    graph: GraphOptions,
) -> None:
    """
    Recompute contiguity, bounds, rules and objective of a plan from file and assignment.

    The file is read, and the plan judged, as the record says; options given here replace that.
    """
    from ..instances.districting_files import read_unit_graph  # noqa: PLC0415 - quick --help
    from ..outputs.check_districting import check_districting  # noqa: PLC0415

    record = read_record(solution, kind="districting", command="shequ solve districting --json")
    read = read_unit_graph(file, graph.read_options(record["read"]))
    verification = check_districting(read, record, _demanded(read, k, balance, record))
    for one in verification.checks:
        typer.echo(f"{'ok  ' if one.ok else 'FAIL'} {one.name}", err=True)
    for finding in verification.findings:
        typer.echo(finding)
    if not verification.ok:
        raise ValueError(f"{solution} does not hold: {len(verification.findings)} findings.")
    typer.echo(f"{record['status']}: {len(verification.checks)} checks, nothing found")


def _demanded(
    graph: UnitGraph, k: int | None, rules: RuleOptions, record: dict[str, Any]
) -> Demanded:
    """Return what is demanded here instead of what the record says."""
    from ..instances.balance import balance_of  # noqa: PLC0415
    from ..outputs.check_districting import Demanded  # noqa: PLC0415

    lower = upper = None
    asked = rules.balance()
    if not asked.is_empty:
        bounds = balance_of(graph, asked, k or record["instance"]["k"])
        lower, upper = tuple(bounds.lower.tolist()), tuple(bounds.upper.tolist())
    return Demanded(
        num_districts=k,
        lower=lower,
        upper=upper,
        book=rules.book(graph) if rules.rules or rules.together else None,
    )
