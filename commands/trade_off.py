"""``shequ trade-off``: what money buys, from nothing to every rule, each point proven."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from .interrupts import leave
from .options import NO_PLAN, SolverOptions, spread
from .planning import City, PlanOptions, check_plan_options, read_inputs, tuning

trade_off = typer.Typer()

RESUME = ".shequ-trade-off.json"
"""File that keeps the points of a run that was stopped."""


@trade_off.command("trade-off")
@spread
def trade_off_curve(
    city: City,
    where: PlanOptions,
    search: SolverOptions,
    *,
    points: Annotated[int, typer.Option("--points", min=2, help="Number of points.")] = 10,
    against: Annotated[
        Literal["served", "walking"],
        typer.Option("--against", help="What cost is weighed against."),
    ] = "served",
    most: Annotated[
        float | None, typer.Option("--budget", min=0, help="Largest budget of interest.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the curve as JSON.")] = False,
) -> None:
    """
    Compute the curve of cost against residents served, or against walking time.

    A run that is stopped keeps its points; the same command goes on from there.
    """
    from ..optimize.limits import Stop  # noqa: PLC0415 - quick --help
    from ..optimize.planning.trade_off import make_trade_off  # noqa: PLC0415
    from ..outputs.console import narrator  # noqa: PLC0415
    from ..outputs.files import plain  # noqa: PLC0415
    from ..outputs.trade_off.files import curve_record, curve_text, write_trade_off  # noqa: PLC0415

    check_plan_options(where)
    read, policy = read_inputs(
        city, where.policy, where.values, tuning(search), edges=where.edges,
        decisions=where.decisions,
    )  # fmt: skip
    stop, resume = Stop(), where.output / RESUME
    with stop.on_interrupt(leave), narrator() as listen:
        curve = make_trade_off(
            read,
            policy,
            against=against,
            points=points,
            budget=most,
            solver=search.solver,
            seconds=search.time_limit,
            stop=stop,
            listen=listen,
            resume=resume,
        )
    if not curve.points:
        typer.echo("no point was found within the limits", err=True)
        raise typer.Exit(NO_PLAN)
    files: list[Path] = write_trade_off(curve, where.output, lang=where.lang)
    if curve.is_whole:
        resume.unlink(missing_ok=True)
    if as_json:
        record = {**plain(curve_record(curve)), "files": [str(file) for file in files]}
        typer.echo(json.dumps(record, ensure_ascii=False, indent=2))
        return
    typer.echo(curve_text(curve))
    if not curve.is_whole:
        typer.echo("not every point is there and proven: run the command again to go on")
    typer.echo(f"curve: {files[-1]}")
