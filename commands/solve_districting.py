"""``shequ solve districting``: parse, call, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .graph_options import File, GraphOptions, RuleOptions, options_record
from .interrupts import leave
from .options import INFEASIBLE, NO_PLAN, SolverOptions, check_file, spread

if TYPE_CHECKING:
    from ..instances.unit_graph import UnitGraph
    from ..optimize.districting.goals.levels import Goal
    from ..optimize.districting.request import Request, Solved

DEFAULT_SECONDS = 60.0


@spread
def solve_districting_file(
    file: File,
    *,
    objective: Annotated[
        list[str] | None,
        typer.Option(
            "--objective",
            metavar="NAME[=WEIGHT]",
            help="moment-of-inertia (default), cut-edges, border, polsby-popper, deviation, moved; "
            "several are summed.",
        ),
    ] = None,
    within: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SHARE",
            help="First minimise NAME; then stay within this share of its best.",
        ),
    ] = None,
    k: Annotated[
        str | None, typer.Option("-k", help="Districts: 3, the first possible of 3:5, or least.")
    ] = None,
    balance: RuleOptions,
    graph: GraphOptions,
    distance: Annotated[
        str | None,
        typer.Option(
            help="Of the moment of inertia: metres, kilometres (whole ones), hops, miles or "
            "euclidean (coordinates as they are)."
        ),
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="auto, or a method of its own; a wrong name lists them.")
    ] = None,
    search: SolverOptions,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the record of the solution here.")
    ] = None,
    assignment: Annotated[
        Path | None, typer.Option(help="Write the district of each unit: .csv or .gpkg.")
    ] = None,
) -> None:
    """Divide units into balanced, contiguous districts, and prove how good the plan is."""
    from ..instances.districting_files import read_unit_graph  # noqa: PLC0415 - quick --help
    from ..optimize.districting.request import Request  # noqa: PLC0415
    from ..outputs.solution_file import (  # noqa: PLC0415
        check_assignment,
        solution_record,
        write_assignment,
        write_record,
    )

    for target in (json_file, assignment):
        check_file(target)
    options = graph.read_options()
    read = read_unit_graph(file, options)
    if assignment is not None:
        check_assignment(assignment, has_shapes=read.raw.shapes is not None)
    _tell(read)
    request = Request(
        graph=read,
        book=balance.book(read),
        balance=balance.balance(),
        numbers=k,
        goals=parse_goals(objective or ["moment-of-inertia"], within or []),
        distance=_distance(distance),
        method=method,
        solver=search.solver,
        limits=_limits(search),
    )
    solved = _solve(request)
    if solved.result.reason == "interrupted" and solved.result.solution is not None:
        typer.echo("interrupted: this is the best plan so far", err=True)
    record = solution_record(solved, options_record(options))
    if json_file is not None:
        write_record(json_file, record)
        typer.echo(f"wrote {json_file}", err=True)
    if assignment is not None and solved.result.solution is not None:
        write_assignment(assignment, solved)
        typer.echo(f"wrote {assignment}", err=True)
    _finish(record)


def _tell(graph: UnitGraph) -> None:
    """Say on standard error what was read."""
    total = graph.weights[:, 0].sum()
    typer.echo(
        f"{graph.raw.path.name}: {graph.num_units:,} units, {graph.num_edges:,} edges, "
        f"{total:,.0f} {graph.weight_names[0]}",
        err=True,
    )
    for warning in graph.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for one, other in graph.joined:
        typer.echo(f"joined: unit {one} and unit {other}", err=True)


def parse_goals(objectives: list[str], within: list[str]) -> tuple[Goal, ...]:
    """
    Return goals in levels: first each of ``within``, in their order, then all objectives together.

    The weight of an objective that stands alone changes nothing, and is left out.

    Raises
    ------
    ValueError
        If a name or number is not understood.
    """
    from ..models.districting.measures import MEASURES  # noqa: PLC0415
    from ..optimize.districting.goals.levels import Goal  # noqa: PLC0415

    goals = []
    for level, text in enumerate(within):
        name, equals, share = text.partition("=")
        if not equals:
            raise ValueError(f"--within {text} not understood; write --within {name}=0.05.")
        goals.append(Goal(name, level=level, slack=_number("--within", text, share)))
    for text in objectives:
        name, _, weight = text.partition("=")
        factor = _number("--objective", text, weight) if weight else 1.0
        factor = factor if len(objectives) > 1 else 1.0
        goals.append(Goal(name, weight=factor, level=len(within)))
    for goal in goals:
        if goal.measure not in MEASURES:
            raise ValueError(
                f"objective {goal.measure!r} not understood; choose {', '.join(MEASURES)}."
            )
    return tuple(goals)


def _number(option: str, text: str, number: str) -> float:
    try:
        return float(number)
    except ValueError:
        raise ValueError(f"{option} {text} not understood; {number!r} is no number.") from None


def _distance(text: str | None) -> Any:  # noqa: ANN401 - a literal of instances
    from typing import get_args  # noqa: PLC0415

    from ..instances.unit_graph import Distance  # noqa: PLC0415

    if text is not None and text not in get_args(Distance):
        raise ValueError(
            f"--distance {text} not understood; choose {', '.join(get_args(Distance))}."
        )
    return text


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
    """Solve with progress on standard error; the first Ctrl-C keeps the best plan so far."""
    from ..optimize.districting.request import solve_request  # noqa: PLC0415
    from ..optimize.limits import Stop  # noqa: PLC0415
    from ..optimize.progress import Progress  # noqa: PLC0415
    from ..outputs.console import narrator  # noqa: PLC0415

    stop = Stop()
    with stop.on_interrupt(leave), narrator() as listen:
        listen(Progress("solve", request.graph.raw.path.name))
        return solve_request(
            request,
            stop=stop,
            listen=lambda objective, bound: listen(
                Progress("solve", objective=objective, bound=bound)
            ),
        )


def _finish(record: dict[str, Any]) -> None:
    """Print the answer and end with its exit code."""
    from ..outputs.solution_text import solution_text  # noqa: PLC0415

    typer.echo(solution_text(record))
    if record["assignment"] is None:
        raise typer.Exit(INFEASIBLE if record["status"] == "infeasible" else NO_PLAN)
