"""``shequ solve p-median``, ``lscp``, ``ufl``, ...: parse, call, print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .interrupts import leave
from .options import INFEASIBLE, NO_PLAN, SolverOptions, check_file, spread
from .siting_options import AccessOptions, AskOptions, FileOptions, PublishedFile

if TYPE_CHECKING:
    from ..instances.siting_data import SitingData
    from ..optimize.siting.classic.request import Request, Solved

DEFAULT_SECONDS = 60.0

MODELS = {
    "p-median": "Open p sites so that clients travel least to the closest one.",
    "p-center": "Open p sites so that no client is far from the closest one.",
    "p-dispersion": "Open p sites as far from each other as can be.",
    "lscp": "Open the fewest or cheapest sites that cover every client.",
    "lscp-b": "Cover every client, and as many as can be a second time.",
    "pscp": "Open the fewest or cheapest sites that cover a share of the weight.",
    "mclp": "Open p sites, or sites within a budget, that cover as much weight as can be.",
    "ufl": "Open sites with the least fixed and serving costs.",
    "cfl": "The same, with capacities; demand may be split.",
    "sscfl": "The same, with capacities and one site a client.",
    "cpmp": "Open p sites with capacity so that clients travel least, one site a client.",
}
"""Models, each a command of its own, with its help."""


def register(app: typer.Typer) -> None:
    """Add a command for each model."""
    for name, text in MODELS.items():
        app.command(name, help=text)(command_of(name))


def command_of(model: str) -> Callable[..., None]:
    """Return the command that solves a model."""

    @spread
    def solve_siting(
        file: PublishedFile = None,
        *,
        ask: AskOptions,
        files: FileOptions,
        method: Annotated[
            str | None, typer.Option(help="auto, or a method of its own; a wrong name lists them.")
        ] = None,
        search: SolverOptions,
        access: AccessOptions,
        json_file: Annotated[
            Path | None, typer.Option("--json", help="Write the record of the solution here.")
        ] = None,
        assignment: Annotated[
            Path | None, typer.Option(help="Write the site of each client: .csv.")
        ] = None,
    ) -> None:
        _solve_files(
            model, file, ask=ask, files=files, method=method, search=search, access=access,
            json_file=json_file, assignment=assignment,
        )  # fmt: skip

    return solve_siting


def _solve_files(
    model: str,
    file: Path | None,
    *,
    ask: AskOptions,
    files: FileOptions,
    method: str | None,
    search: SolverOptions,
    access: AccessOptions,
    json_file: Path | None,
    assignment: Path | None,
) -> None:
    """Read, solve, write and tell."""
    from ..instances.siting_files import read_siting  # noqa: PLC0415 - quick --help
    from ..optimize.siting.classic.request import Request  # noqa: PLC0415
    from ..outputs.siting_solution import (  # noqa: PLC0415
        check_assignment,
        solution_record,
        write_assignment,
    )
    from ..outputs.solution_file import write_record  # noqa: PLC0415

    for target in (json_file, assignment):
        check_file(target)
    if assignment is not None:
        check_assignment(assignment, model=model)
    given = files.files(file)
    data = read_siting(given, model=model)
    _tell(data)
    request = Request(model, data, ask.asked(), method, search.solver, _limits(search))
    solved = _solve(request)
    for warning in solved.siting.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if solved.result.reason == "interrupted" and solved.result.solution is not None:
        typer.echo("interrupted: this is the best solution so far", err=True)
    record = solution_record(solved, given.as_record(), access.report())
    if json_file is not None:
        write_record(json_file, record)
        typer.echo(f"wrote {json_file}", err=True)
    if assignment is not None and solved.is_open is not None:
        write_assignment(assignment, solved)
        typer.echo(f"wrote {assignment}", err=True)
    _finish(record)


def _tell(data: SitingData) -> None:
    """Say on standard error what was read."""
    weight = data.client_weights.sum()
    rounded = "" if data.rounding is None else f", distances rounded ({data.rounding})"
    typer.echo(
        f"{data.name} ({data.form}): {data.num_clients:,} clients, {data.num_sites:,} sites, "
        f"weight {weight:,.10g}{rounded}",
        err=True,
    )


def _limits(search: SolverOptions) -> Any:  # noqa: ANN401 - a type of optimize, loaded late
    from ..optimize.limits import Limits  # noqa: PLC0415
    from ..optimize.solvers import backend_named  # noqa: PLC0415

    if search.solver is not None:
        backend_named(search.solver)
    return Limits(
        seconds=search.time_limit or DEFAULT_SECONDS,
        gap=search.gap or 0.0,
        seed=1 if search.seed is None else search.seed,
        threads=search.threads or 1,
    )


def _solve(request: Request) -> Solved:
    """Solve with progress on standard error; the first Ctrl-C keeps the best solution so far."""
    from ..optimize.limits import Stop  # noqa: PLC0415
    from ..optimize.progress import Progress  # noqa: PLC0415
    from ..optimize.siting.classic.request import solve_request  # noqa: PLC0415
    from ..outputs.console import narrator  # noqa: PLC0415
    from ..outputs.siting_proof import MAXIMISED  # noqa: PLC0415

    stop = Stop()
    with stop.on_interrupt(leave), narrator() as listen:
        listen(Progress("solve", request.data.name))
        return solve_request(
            request,
            stop=stop,
            listen=lambda objective, bound: listen(
                Progress(
                    "solve",
                    objective=objective,
                    bound=bound,
                    maximize=request.model in MAXIMISED,
                )
            ),
        )


def _finish(record: dict[str, Any]) -> None:
    """Print the answer and end with its exit code."""
    from ..outputs.siting_solution_text import solution_text  # noqa: PLC0415

    typer.echo(solution_text(record))
    if record["open_sites"] is None:
        raise typer.Exit(INFEASIBLE if record["status"] == "infeasible" else NO_PLAN)
