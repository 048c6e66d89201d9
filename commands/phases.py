"""``shequ phases``: build what circles of daily life lack, year by year within budgets."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .interrupts import leave
from .options import SolverOptions, spread
from .planning import City, PlanOptions, check_plan_options, read_inputs

if TYPE_CHECKING:
    from ..instances.catalogue import Catalogue
    from ..instances.city import City as ReadCity
    from ..instances.policy import Policy
    from ..optimize.planning.phase_ground import CircleCity
    from ..optimize.planning.phases import PhasePlan

phases = typer.Typer()

Budgets = Annotated[
    str, typer.Option("--budgets", metavar="B1,B2,...", help="Money of each year, by comma.")
]
CatalogueFile = Annotated[
    Path | None,
    typer.Option("--catalogue", "--services", help="Catalogue of services; else the built-in one."),
]
Circles = Annotated[
    str,
    typer.Option(
        "--circles", metavar="COLUMN", help="Column of the units (or communities) naming circles."
    ),
]
Share = Annotated[
    float | None,
    typer.Option("--share", min=0.01, max=1, help="Share of a circle that must be served."),
]
PlanFolder = Annotated[
    Path | None, typer.Option("--plan", help="Order the services of this written plan into years.")
]
Method = Annotated[str, typer.Option("--method", help="auto, heuristic or textbook.")]


@phases.command("phases")
@spread
def make_phases(
    city: City,
    where: PlanOptions,
    search: SolverOptions,
    *,
    budgets: Budgets,
    catalogue: CatalogueFile = None,
    circles: Circles = "community_id",
    share: Share = None,
    plan: PlanFolder = None,
    method: Method = "auto",
) -> None:
    """
    Recognise circles of daily life in phases: what is built in which year.

    A circle is recognised when a share of its residents has every category of service within reach.
    """
    from ..outputs.phases import phase_files, write_phases  # noqa: PLC0415 - quick --help

    began = time.monotonic()
    money = yearly_budgets(budgets)
    check_plan_options(where)
    extra: dict[str, object] = {
        "circles.share": share,
        "solver.name": search.solver,
        "solver.siting_gap": search.gap,
        "solver.seed": search.seed,
        "solver.threads": search.threads,
    }
    read, rules = read_inputs(city, where.policy, where.values, extra, edges=where.edges)
    ground = _ground(read, rules, catalogue, plan, circles)
    for warning in ground.warnings:
        typer.echo(f"warning: {warning}", err=True)
    found = _solved(read, rules, ground, money, search, method)
    found.seconds["all"] = time.monotonic() - began
    files = phase_files(found, lang=where.lang)
    written = write_phases(files, where.output, lang=where.lang)
    for line in summary(found):
        typer.echo(line)
    check_folder(where.output)
    typer.echo(f"page: {written[-1]}")


def yearly_budgets(text: str) -> list[float]:
    """
    Read the money of each year.

    Raises
    ------
    ValueError
        If a part is no amount of money.

    Examples
    --------
    >>> yearly_budgets("300, 250.5")
    [300.0, 250.5]
    """
    amounts = []
    for part in text.split(","):
        try:
            amount = float(part)
        except ValueError:
            amount = math.nan
        if not (amount >= 0 and math.isfinite(amount)):
            raise ValueError(
                f"--budgets {text} not understood ({part.strip() or 'nothing'} is no amount); give "
                "an amount for each year, such as 300,300,300."
            )
        amounts.append(amount)
    return amounts


def _ground(
    read: ReadCity, rules: Policy, catalogue: Path | None, plan: Path | None, circles: str
) -> CircleCity:
    from ..instances.catalogue import load_catalogue  # noqa: PLC0415
    from ..optimize.planning.phase_ground import circle_city, planned_city  # noqa: PLC0415
    from ..outputs.phases_plan import plan_services, with_plan_communities  # noqa: PLC0415

    known: Catalogue = load_catalogue(catalogue)
    if plan is None:
        return circle_city(read, rules, known, column=circles)
    services = plan_services(plan)
    return planned_city(with_plan_communities(read, plan), rules, known, services, column=circles)


def _solved(
    read: ReadCity,
    rules: Policy,
    ground: CircleCity,
    money: list[float],
    search: SolverOptions,
    method: str,
) -> PhasePlan:
    from ..optimize.limits import Stop  # noqa: PLC0415
    from ..optimize.planning.phases import phases_city  # noqa: PLC0415
    from ..outputs.console import narrator  # noqa: PLC0415

    stop = Stop()
    with stop.on_interrupt(leave), narrator() as listen:
        return phases_city(
            read,
            rules,
            ground,
            budgets=money,
            seconds=search.time_limit,
            method=method,
            stop=stop,
            listen=listen,
        )


def summary(plan: PhasePlan) -> list[str]:
    """Return a line for each year, and one for each step's proof."""
    from ..outputs.phases import year_table  # noqa: PLC0415

    lines = ["year    budget     spent   carried  built  circles  residents  target  short"]
    lines += [
        f"{row.year:>4}  {row.budget:8,.1f}  {row.spent:8,.1f}  {row.carried:8,.1f}  "
        f"{row.built:5d}  {row.circles:7d}  {row.residents_in_circles:9,.0f}  "
        f"{row.target!s:>6}  {row.short!s:>5}"
        for row in year_table(plan).itertuples()
    ]
    for name, result in plan.steps.items():
        bound = "none" if result.bound is None else f"{result.bound:,.0f}"
        gap = f", gap {result.gap:.2%}" if result.gap is not None and result.objective else ""
        objective = "none" if result.objective is None else f"{result.objective:,.0f}"
        lines.append(f"{name}: {result.status}, {objective} (bound {bound}{gap})")
    return lines


def check_folder(folder: Path) -> None:
    """
    Check written phases again, and say what was found.

    Raises
    ------
    ValueError
        If they break a rule.
    """
    from ..outputs.phases_check import check_phases  # noqa: PLC0415

    found = check_phases(folder)
    for finding in found.findings:
        typer.echo(finding)
    if not found.ok:
        raise ValueError(f"{folder} breaks its rules: {len(found.findings)} findings.")
    typer.echo(f"verified: {len(found.checks)} checks, nothing found")
