"""A city with the decisions of planners taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .decision_checks import check_decisions, decision_warnings
from .decision_files import layer_decisions, read_decisions
from .decisions import Decision, policy_decisions
from .faults import CityError, Findings, counted, quote

if TYPE_CHECKING:
    from ..models.formulation import BoolArray
    from .city import City
    from .policy import Policy


def decided_city(city: City, policy: Policy, file: Path | None = None) -> City:
    """
    Return the city with the decisions of the policy, of its own layers and of a file taken.

    Parameters
    ----------
    city
        The city as read.
    policy
        Its rules, with a section ``decisions``.
    file
        A file of decisions, or None.

    Raises
    ------
    CityError
        If a decision cannot be taken; names all of them.
    """
    given = [*policy_decisions(policy), *layer_decisions(city, policy)]
    if file is not None:
        given += read_decisions(file, city, policy)
    return apply_decisions(city, given, policy)


def told(city: City) -> str:
    """Say how many decisions hold, by what is decided."""
    counts = pd.Series([f"{d.decision} {d.kind}" for d in city.decisions]).value_counts()
    shown = ", ".join(f"{many} {name}" for name, many in sorted(counts.items()))
    return f"{counted(len(city.decisions), 'decision')}: {shown}"


def apply_decisions(city: City, decisions: Sequence[Decision], policy: Policy) -> City:
    """
    Return the city with decisions taken.

    Sites that are required, forbidden or limited in area become so in the layer of sites, where a
    decision replaces what the layer says. What is decided on communities and units is kept with
    the city, and the stages split and site obey it.

    Parameters
    ----------
    city
        The city as read.
    decisions
        Decisions of all sources; equal ones count once.
    policy
        Which units touch, and which communities are split.

    Raises
    ------
    CityError
        If a decision names an unknown place, cannot be taken on it, lacks its value or
        contradicts another; names all of them with their rows.
    """
    if not decisions:
        return city
    findings = Findings()
    good = check_decisions(city, decisions, policy, findings)
    findings.raise_faults("The decisions")
    warnings = decision_warnings(city, good, policy)
    decided = replace(city, decisions=tuple(good), warnings=(*city.warnings, *warnings))
    return replace(decided, sites=_decided_sites(decided))


def _decided_sites(city: City) -> Any:  # noqa: ANN401 - a layer
    """Return the layer of sites with what is decided on them."""
    sites = city.sites.copy()
    ids = sites["site_id"].astype(str)

    def named(what: str) -> BoolArray:
        mine = {d.place_id for d in city.decisions if (d.kind, d.decision) == ("site", what)}
        return np.array([str(site) in mine for site in ids], dtype=bool)

    must, must_not = named("require"), named("forbid")
    sites["required"] = (sites["required"].astype(bool) | must) & ~must_not
    sites["forbidden"] = (sites["forbidden"].astype(bool) | must_not) & ~must
    most = {d.place_id: d.area_m2 for d in city.decisions if d.decision == "max_area_m2"}
    sites["max_area_m2"] = ids.map(most).fillna(sites["max_area_m2"]).astype(float)
    locked = named("lock")
    sites.loc[locked, "max_area_m2"] = sites.loc[locked, "floor_area_m2"].astype(float)
    return sites


def refuse_decisions(city: City, refused: Sequence[str]) -> None:
    """
    Refuse decisions that a command cannot obey.

    Parameters
    ----------
    city
        The city with its decisions.
    refused
        What is decided on which kind of place: "lock unit".

    Raises
    ------
    CityError
        If there are any; names the first places.
    """
    mine = [d for d in city.decisions if f"{d.decision} {d.kind}" in refused]
    if mine:
        shown = quote([f"{d.decision} {d.kind} {d.place_id} ({d.place})" for d in mine])
        raise CityError(
            f"This command cannot keep {counted(len(mine), 'decision')}: {shown}. Take them out of "
            "the decisions, or use `shequ plan`."
        )
