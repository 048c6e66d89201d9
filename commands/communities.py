"""Commands beyond one community and one plan: rebalance and alternatives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .interrupts import leave
from .options import SolverOptions, spread
from .planning import (
    City,
    PlanOptions,
    Relax,
    check_plan_options,
    read_inputs,
    tuning,
    verify_folder,
)

if TYPE_CHECKING:
    from ..instances.city import City as ReadCity
    from ..instances.policy import Policy
    from ..optimize.planning.rebalance_region import Count

communities = typer.Typer()


@dataclass(frozen=True)
class RegionOptions:
    """Which communities a rebalancing changes, and what it must reach."""

    communities: Annotated[
        str | None, typer.Option("--communities", help="Ids or names, joined by semicolons.")
    ] = None
    street: Annotated[
        str | None, typer.Option("--street", help="All communities of this street.")
    ] = None
    number: Annotated[
        str, typer.Option("-k", help="Number of communities: keep, free or a number.")
    ] = "free"
    least: Annotated[int, typer.Option("--least", min=0, help="Fewest residents.")] = 0
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", min=0, max=0.99, help="Share around the mean, with -k."),
    ] = None
    then: Annotated[
        Literal["inertia", "border"],
        typer.Option("--then", help="What is minimised among plans that move the fewest."),
    ] = "inertia"


def _count(text: str) -> Count:
    """
    Read a number of communities.

    Raises
    ------
    ValueError
        If it is none.
    """
    if text == "keep":
        return "keep"
    if text == "free":
        return "free"
    if not (text.isdigit() and int(text) > 0):
        raise ValueError(f"-k {text} not understood; give keep, free or a number >= 1.")
    return int(text)


def _share(text: str, option: str) -> float:
    """
    Read a share: 0.05 or 5%.

    Raises
    ------
    ValueError
        If it is none.
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError(f"{option} {text} not understood; give a share such as 5% or 0.05.")
    return share


@contextmanager
def _inputs(
    city: Path,
    where: PlanOptions,
    search: SolverOptions,
    refused: tuple[str, ...],
    *,
    need_sites: bool = False,
) -> Iterator[tuple[ReadCity, Policy, dict[str, Any]]]:
    """Check and read, then give city, policy and what both stages take, while Ctrl-C is heard."""
    from ..instances.decided_city import refuse_decisions  # noqa: PLC0415
    from ..optimize.limits import Stop  # noqa: PLC0415 - quick --help
    from ..outputs.console import narrator  # noqa: PLC0415

    check_plan_options(where)
    read, policy = read_inputs(
        city,
        where.policy,
        where.values,
        tuning(search),
        need_sites=need_sites,
        edges=where.edges,
        decisions=where.decisions,
    )
    refuse_decisions(read, refused)
    stop = Stop()
    how = {"solver": search.solver or "scip", "seconds": search.time_limit, "lang": where.lang}
    with stop.on_interrupt(leave), narrator() as listen:
        yield read, policy, {**how, "stop": stop, "listen": listen}


@communities.command()
@spread
def rebalance(
    city: City,
    where: PlanOptions,
    region: RegionOptions,
    search: SolverOptions,
    *,
    relax: Relax = False,
) -> None:
    """Change neighbouring communities at once, with as few residents moved as possible."""
    from ..optimize.planning.rebalance_region import RebalanceRules  # noqa: PLC0415 - quick --help
    from ..outputs.rebalance_files import run_rebalance  # noqa: PLC0415

    names = [name.strip() for name in (region.communities or "").split(";") if name.strip()]
    rules = RebalanceRules(
        communities=tuple(names),
        street=region.street,
        count=_count(region.number),
        least_residents=region.least,
        tolerance=region.tolerance,
        second=region.then,
    )
    refused = ("lock community", "lock unit", "apart unit")
    with _inputs(city, where, search, refused) as (read, policy, how):
        text = run_rebalance(read, policy, where.output, rules, relax=relax, **how)
    typer.echo(text)
    verify_folder(where.output)


@communities.command()
@spread
def alternatives(
    city: City,
    where: PlanOptions,
    search: SolverOptions,
    *,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Number of plans.")] = 3,
    within: Annotated[
        str,
        typer.Option(
            "--within", help="Share by which a split or plan may cost more than the best."
        ),
    ] = "5%",
    differ: Annotated[
        str,
        typer.Option("--differ", help="Least share of residents elsewhere, or stations left out."),
    ] = "10%",
    of: Annotated[
        Literal["splits", "stations", "both"],
        typer.Option("--of", help="What differs: splits, stations, or both from plan to plan."),
    ] = "splits",
    relax: Relax = False,
) -> None:
    """Make several plans that differ and are nearly as good: other splits, or other stations."""
    from ..outputs.alternatives_files import run_alternatives  # noqa: PLC0415 - quick --help

    most, least = _share(within, "--within"), _share(differ, "--differ")
    if of != "splits":
        _with_stations(city, where, search, (of, number, most, least), relax=relax)
        return
    refused = ("lock unit", "apart unit")
    with _inputs(city, where, search, refused) as (read, policy, how):
        text = run_alternatives(
            read,
            policy,
            where.output,
            number=number,
            within=most,
            differ=least,
            relax=relax,
            **how,
        )
    typer.echo(text)
    for folder in _plan_folders(where.output):
        verify_folder(folder)


def _with_stations(
    city: Path,
    where: PlanOptions,
    search: SolverOptions,
    asked: tuple[str, int, float, float],
    *,
    relax: bool,
) -> None:
    """Make, write, verify and compare plans with stations that differ."""
    from ..outputs.compare.alternatives import (  # noqa: PLC0415 - quick --help
        run_station_alternatives,
    )

    of, number, within, differ = asked
    refused = ("lock unit", "apart unit") if of == "both" else ()
    with _inputs(city, where, search, refused, need_sites=True) as (read, policy, how):
        text, folders = run_station_alternatives(
            read,
            policy,
            where.output,
            number=number,
            within=within,
            differ=differ,
            new_splits=of == "both",
            relax=relax,
            **how,
        )
    typer.echo(text)
    for folder in folders:
        verify_folder(folder)
    if len(folders) > 1:
        typer.echo(f"comparison: {where.output / 'compare.html'}")


def _plan_folders(output: Path) -> list[Path]:
    """Folders 1, 2, ... of the plans, in order."""
    numbered = [path for path in output.iterdir() if path.is_dir() and path.name.isdigit()]
    return sorted(numbered, key=lambda path: int(path.name))
