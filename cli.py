"""Command line of shequ: the commands together, and what their errors become."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from shequ.benchmarks.commands import bench
from shequ.commands.catalogue import catalogue
from shequ.commands.check import check
from shequ.commands.communities import communities
from shequ.commands.compare import compare
from shequ.commands.explain import explaining
from shequ.commands.generate import generate
from shequ.commands.joint import joint
from shequ.commands.options import BAD_INPUT, INFEASIBLE, NO_PLAN
from shequ.commands.phases import phases
from shequ.commands.planning import planning
from shequ.commands.solve import solve
from shequ.commands.staff import staff
from shequ.commands.trade_off import trade_off
from shequ.commands.walk import walk
from shequ.version import __version__

app = typer.Typer(
    name="shequ",
    help="Community redistricting and facility siting with proofs, from a city's own GIS data.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(planning)
app.add_typer(communities)
app.add_typer(compare)
app.add_typer(trade_off)
app.add_typer(catalogue)
app.add_typer(phases)
app.add_typer(staff)
app.add_typer(walk)
app.add_typer(joint)
app.add_typer(explaining)
app.add_typer(solve, name="solve")
app.add_typer(check, name="check")
app.add_typer(generate, name="generate")
app.add_typer(bench, name="bench")

INTERRUPTED = 130
"""Exit code of typer when Ctrl-C ends a command."""


def main() -> None:
    """Run the command line; every expected error is one message and an exit code."""
    try:
        app()
    except (ValueError, RuntimeError) as error:
        code = _code_of(error)
        if code is None:
            raise
        typer.echo(f"shequ: {error}", err=True)
        sys.exit(code)
    except OSError as error:
        place = error.filename or "a file"
        typer.echo(f"shequ: {place}: {error.strerror or error}", err=True)
        sys.exit(BAD_INPUT)
    except SystemExit as ending:
        if ending.code != INTERRUPTED:
            raise
        typer.echo("shequ: interrupted; no file was left half-written", err=True)
        sys.exit(NO_PLAN)


def _code_of(error: Exception) -> int | None:
    """Return the exit code of an expected error, None for any other."""
    from shequ.optimize.planning.shortfall import InfeasibleError  # noqa: PLC0415 - quick --help
    from shequ.optimize.planning.site import NoPlanError  # noqa: PLC0415

    codes: dict[type[Exception], int] = {
        InfeasibleError: INFEASIBLE,
        NoPlanError: NO_PLAN,
        ValueError: BAD_INPUT,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), None)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"shequ {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Community redistricting and facility siting with proofs."""
    del version


@app.command()
def solvers(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the solvers that are there, and their versions."""
    from shequ.optimize.solvers import available_solvers  # noqa: PLC0415

    found = available_solvers()
    if as_json:
        rows = [
            {"name": s.name, "version": s.version, "kinds": s.kinds, "available": s.available}
            for s in found
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    for s in found:
        state = s.version if s.available else "-"
        typer.echo(f"{s.name:16} {state:12} {'+'.join(s.kinds):8} {s.note}")
