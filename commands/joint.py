"""``shequ joint``: boundaries and stations of the large communities, chosen together."""

from __future__ import annotations

from typing import Annotated

import typer

from .interrupts import leave
from .options import NO_PLAN, SolverOptions, spread
from .planning import City, PlanOptions, check_plan_options, read_inputs, tuning

joint = typer.Typer()

Communities = Annotated[
    list[str] | None,
    typer.Option("--community", metavar="ID", help="Only these; else all over a threshold."),
]


@joint.command("joint")
@spread
def choose_jointly(
    city: City,
    where: PlanOptions,
    search: SolverOptions,
    *,
    community: Communities = None,
) -> None:
    """
    Split large communities and choose the stations of the districts together.

    Each plan stands beside that of one after the other: the split first, then its stations.
    --time-limit holds for each community.
    """
    from ..instances.walking import walking_times  # noqa: PLC0415 - quick --help
    from ..optimize.joint.city import split_jointly  # noqa: PLC0415
    from ..optimize.limits import Stop  # noqa: PLC0415
    from ..optimize.planning.audit import audit_city  # noqa: PLC0415
    from ..optimize.solvers import backend_named  # noqa: PLC0415
    from ..outputs.console import narrator  # noqa: PLC0415
    from ..outputs.joint import joint_text, without_plan, write_joint  # noqa: PLC0415
    from ..outputs.joint_check import check_joint  # noqa: PLC0415

    check_plan_options(where)
    read, rules = read_inputs(city, where.policy, where.values, tuning(search), edges=where.edges)
    solver = search.solver or "scip"
    backend_named(solver)
    stop = Stop()
    with stop.on_interrupt(leave), narrator() as listen:
        times = walking_times(read, rules)
        found = split_jointly(
            read,
            rules,
            audit_city(read, rules, times),
            times,
            communities=community or (),
            solver=solver,
            seconds=search.time_limit,
            stop=stop,
            listen=listen,
        )
    if not found and not stop.requested:
        raise ValueError("No community is over a threshold; name one by --community.")
    missing = without_plan(found)
    if len(missing) == len(found):
        typer.echo("\n".join(missing) or "no plan was found within the limits", err=True)
        raise typer.Exit(NO_PLAN)
    files = write_joint(read, rules, found, where.output)
    typer.echo(joint_text(found))
    findings = check_joint(where.output)
    if findings:
        raise ValueError(f"{where.output} breaks its rules:\n" + "\n".join(findings[:20]))
    typer.echo(f"checked: {', '.join(path.name for path in files)} in {where.output}")
