"""`shequ plan --from`: a plan that changes an earlier one as little as possible."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from .interrupts import leave
from .options import SolverOptions
from .planning import PlanOptions, check_plan_options, read_inputs, tuning, verify_folder

if TYPE_CHECKING:
    from ..optimize.planning.plan import ServicesAsked


def run_from_plan(
    city: Path,
    earlier: Path,
    *,
    where: PlanOptions,
    search: SolverOptions,
    relax: bool,
    budget: float | None,
    services: ServicesAsked | None = None,
) -> None:
    """
    Make a plan from an earlier one, write it with its changes, and verify it.

    Parameters
    ----------
    city
        The city as it is now.
    earlier
        Folder of the earlier plan.
    where, search, relax, budget, services
        As for `shequ plan`.
    """
    from ..optimize.limits import Stop  # noqa: PLC0415 - quick --help
    from ..optimize.planning.from_plan import replan  # noqa: PLC0415
    from ..optimize.solvers import backend_named  # noqa: PLC0415
    from ..outputs.assemble import plan_layers  # noqa: PLC0415
    from ..outputs.console import narrator, summary  # noqa: PLC0415
    from ..outputs.files import write_plan  # noqa: PLC0415
    from ..outputs.plan_changes import (  # noqa: PLC0415
        changes_text,
        plan_changes,
        read_earlier,
        write_changes,
    )

    check_plan_options(where)
    began = time.monotonic()
    before, files_before = read_earlier(earlier)
    read, rules = read_inputs(
        city,
        where.policy,
        where.values,
        tuning(search),
        edges=where.edges,
        decisions=where.decisions,
    )
    backend_named(rules.solver.name)
    stop = Stop()
    with stop.on_interrupt(leave), narrator() as listen:
        plan, done = replan(
            read,
            rules,
            before,
            budget=budget,
            relax=relax,
            services=services,
            seconds=search.time_limit,
            stop=stop,
            listen=listen,
        )
    if plan.interrupted:
        typer.echo("interrupted: the best plan so far is written", err=True)
    layers = plan_layers(plan, lang=where.lang)
    layers = replace(layers, record={**layers.record, "from_plan": done.as_record()})
    files = write_plan(layers, where.output, lang=where.lang)
    table = plan_changes(files_before, layers)
    changes = write_changes(table, where.output)
    typer.echo(summary(layers.record))
    typer.echo(changes_text(table, files_before, layers))
    verify_folder(where.output)
    typer.echo(f"{time.monotonic() - began:.1f} s in all", err=True)
    typer.echo(f"changes: {changes}")
    typer.echo(f"report: {files[-1]}")
