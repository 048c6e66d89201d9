"""Why the rules of a siting clash, and layers to write decisions into."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .interrupts import leave
from .options import Seconds, Solver
from .planning import LANGUAGES, Budget, City, Decisions, Lang, PolicyFile, Values, read_inputs

if TYPE_CHECKING:
    from collections.abc import Mapping

explaining = typer.Typer()


def _prices(texts: list[str] | None) -> Mapping[str, float]:
    """
    Read prices of kinds of rules: ``needs=1``.

    Raises
    ------
    ValueError
        If a text is no price; names it.
    """
    prices: dict[str, float] = {}
    for text in texts or []:
        kind, _, value = text.partition("=")
        try:
            prices[kind.strip()] = float(value)
        except ValueError:
            raise ValueError(
                f"--price {text} not understood; write needs=1, sizes=0.5, decisions=10 or "
                "budget=2."
            ) from None
    return prices


@explaining.command()
def explain(
    city: City,
    *,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder for layers, record and map.")
    ] = None,
    budget: Budget = None,
    price: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=VALUE", help="Price of relaxing needs, sizes, decisions, budget."
        ),
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="For the communities that `shequ plan` would make.")
    ] = False,
    decisions: Decisions = None,
    policy: PolicyFile = None,
    values: Values = None,
    lang: Lang = "en",
    time_limit: Seconds = None,
    solver: Solver = None,
) -> None:
    """Say which rules of a siting clash, and the cheapest ways to mend it."""
    from ..optimize.limits import Stop  # noqa: PLC0415 - quick --help
    from ..optimize.planning.explain import explain_siting  # noqa: PLC0415
    from ..optimize.planning.explained_communities import planned_communities  # noqa: PLC0415
    from ..outputs.conflicts_files import explanation_text, write_explanation  # noqa: PLC0415
    from ..outputs.console import narrator  # noqa: PLC0415

    if lang not in LANGUAGES:
        raise ValueError(f"--lang {lang} not understood; choose {' or '.join(LANGUAGES)}.")
    if budget is not None and not math.isfinite(budget):
        raise ValueError(f"--budget {budget} not understood; give an amount, or leave it out.")
    prices = _prices(price)
    read, rules = read_inputs(city, policy, values, {"solver.name": solver}, decisions=decisions)
    stop = Stop()
    with stop.on_interrupt(leave), narrator() as listen:
        state = planned_communities(
            read, rules, split=split, seconds=time_limit, stop=stop, listen=listen
        )
        found = explain_siting(
            read,
            rules,
            state.times,
            communities=state.names,
            unit_community=state.unit_community,
            site_community=state.site_community,
            budget=budget,
            prices=prices,
            seconds=time_limit,
            stop=stop,
            listen=listen,
        )
    typer.echo(explanation_text(found))
    if output is None:
        return
    files = write_explanation(found, read, state.names, state.unit_community, output, lang=lang)
    typer.echo(f"wrote {', '.join(file.name for file in files)} to {output}", err=True)


@explaining.command("decisions")
def decision_layers(
    folder: Annotated[Path, typer.Argument(help="Folder of a plan.")],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="GeoPackage to write.")],
) -> None:
    """Write an editable layer of a plan's sites, communities and units for decisions."""
    from ..outputs.decision_layers import write_decision_layers  # noqa: PLC0415 - quick --help

    typer.echo(f"decisions: {write_decision_layers(folder, output)}")
