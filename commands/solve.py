"""``shequ solve ...``: exact solutions of one problem from a file, with a record of the proof."""

from __future__ import annotations

import typer

from .solve_districting import solve_districting_file
from .solve_siting import register

solve = typer.Typer(help="Solve one problem from a file, with a proof.", no_args_is_help=True)


@solve.callback()
def options() -> None:
    """Solve one problem from a file, with a proof."""


solve.command("districting")(solve_districting_file)
register(solve)
