"""Siting problems of clients and sites that were read: which model needs what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..models.formulation import FloatArray
from ..models.siting.backup_covering import BackupCovering
from ..models.siting.capacitated_maximal_covering import CapacitatedMaximalCovering
from ..models.siting.capacitated_p_median import CapacitatedPMedian
from ..models.siting.capacitated_set_covering import CapacitatedSetCovering
from ..models.siting.fixed_charge import FixedCharge
from ..models.siting.maximal_covering import MaximalCovering
from ..models.siting.p_center import PCenter
from ..models.siting.p_dispersion import PDispersion
from ..models.siting.p_median import PMedian
from ..models.siting.partial_covering import PartialCovering
from ..models.siting.set_covering import SetCovering
from .siting_asked import Asked, option_name
from .siting_data import SitingData
from .siting_parts import (
    Parts,
    check_reach,
    forbidden_sites,
    plain_form,
    reach_of,
    refuse_shortage,
    site_rules,
    total_costs,
)


@dataclass(frozen=True, eq=False)
class SitingProblem:
    """
    A problem, and the data that it was made of.

    Parameters
    ----------
    model
        Name of the model.
    problem
        The problem of :mod:`shequ.models.siting`.
    data, asked
        What it was made of.
    reach
        Distance up to which a site counts for each client, shape (clients,); None without one.
    warnings
        What a reader of the results should know.
    """

    model: str
    problem: Any
    data: SitingData
    asked: Asked
    reach: FloatArray | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """
    A model of the command line.

    Parameters
    ----------
    name, text
        Its name, and what it does in a sentence.
    takes
        Fields of :class:`Asked` that it understands, beside the rules of all models.
    build
        Makes the problem.
    sites_only
        Whether it knows no clients.
    """

    name: str
    text: str
    takes: frozenset[str]
    build: Callable[[Parts], Any]
    sites_only: bool = False


_RULES = frozenset({"least", "min_distance", "keep_existing", "required", "forbidden"})


COVERING_SOME = {"mclp", "pscp"}
"""Models that may leave clients uncovered."""


def build_problem(model: str, data: SitingData, asked: Asked) -> SitingProblem:
    """
    Make the problem of a model.

    Raises
    ------
    ValueError
        If the model does not exist, lacks something, does not understand what is asked, or cannot
        have a solution for a reason that can be named.
    """
    kind = model_named(model)
    _refuse_strange(kind, asked)
    parts = Parts(
        model=model,
        data=data,
        asked=asked,
        rules=site_rules(data, asked, has_p="p" in kind.takes),
        reach=reach_of(data, asked, covers="radius" in kind.takes),
        allowed=~forbidden_sites(data, asked),
    )
    problem = kind.build(parts)
    warnings = () if kind.sites_only else check_reach(parts, must_reach=model not in COVERING_SOME)
    return SitingProblem(model, problem, data, asked, parts.reach, (*data.warnings, *warnings))


def model_named(name: str) -> Model:
    """
    Return a model by its name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in MODELS:
        raise ValueError(f"model {name!r} not understood; choose one of {', '.join(MODELS)}.")
    return MODELS[name]


def _refuse_strange(kind: Model, asked: Asked) -> None:
    """Refuse what the model does not understand."""
    given = set(asked.as_record()) - kind.takes - _RULES
    if given:
        known = sorted(option_name(one) for one in kind.takes | _RULES)
        raise ValueError(
            f"{kind.name} takes no {option_name(min(given))}; it takes {', '.join(known)}."
        )
    asked.check()


def _p_median(parts: Parts) -> PMedian:
    return PMedian(
        parts.distances, parts.data.client_weights, parts.p, **parts.optional(reach=parts.reach)
    )


def _p_center(parts: Parts) -> PCenter:
    weights, asked = parts.data.client_weights, parts.asked
    if asked.capacitated:
        refuse_shortage(parts, most=parts.p)
    return PCenter(
        parts.distances,
        parts.p,
        **parts.optional(
            weights=weights if asked.weighted else None,
            demand=weights if asked.capacitated else None,
            capacity=parts.capacity if asked.capacitated else None,
            reach=parts.reach,
        ),
    )


def _p_dispersion(parts: Parts) -> PDispersion:
    return PDispersion(plain_form(parts.data.site_distances), parts.p, **parts.optional())


def _lscp(parts: Parts) -> SetCovering | CapacitatedSetCovering:
    if parts.asked.capacitated:
        refuse_shortage(parts)
        return CapacitatedSetCovering(
            parts.covers,
            parts.site_costs,
            parts.data.client_weights,
            parts.capacity,
            single_source=not parts.asked.split,
            **parts.optional(),
        )
    return SetCovering(parts.covers, parts.site_costs, **parts.optional())


def _lscp_b(parts: Parts) -> BackupCovering:
    weights, budget = parts.data.client_weights, parts.asked.budget
    return BackupCovering(parts.covers, parts.site_costs, weights, **parts.optional(budget=budget))


def _pscp(parts: Parts) -> PartialCovering:
    share, weights = parts.asked.share, parts.data.client_weights
    if share is None:
        raise ValueError("pscp needs to know what share of the weight to cover; give --share 0.9.")
    return PartialCovering(parts.covers, parts.site_costs, weights, share, **parts.optional())


def _mclp(parts: Parts) -> MaximalCovering | CapacitatedMaximalCovering:
    p, budget = parts.p_or_none, parts.asked.budget
    if p is None and budget is None and parts.asked.most is None:
        raise ValueError("mclp needs to know how many sites; give -p, --budget or --most.")
    costs = None if budget is None else parts.fixed_costs
    weights, opening = parts.data.client_weights, parts.optional(p=p, costs=costs, budget=budget)
    if parts.asked.capacitated:
        single = not parts.asked.split
        return CapacitatedMaximalCovering(
            parts.covers, weights, parts.capacity, single_source=single, **opening
        )
    return MaximalCovering(parts.covers, weights, **opening)


def _ufl(parts: Parts) -> FixedCharge:
    demand = parts.data.client_weights
    return FixedCharge(total_costs(parts), parts.fixed_costs, demand, None, **parts.optional())


def _capacitated(parts: Parts, *, single_source: bool) -> FixedCharge:
    refuse_shortage(parts)
    return FixedCharge(
        total_costs(parts),
        parts.fixed_costs,
        parts.data.client_weights,
        parts.capacity,
        single_source=single_source,
        **parts.optional(least_load=parts.data.least_load),
    )


def _cpmp(parts: Parts) -> CapacitatedPMedian:
    refuse_shortage(parts, most=parts.p)
    return CapacitatedPMedian(
        parts.distances,
        parts.data.client_weights,
        parts.capacity,
        parts.p,
        split=parts.asked.split,
        **parts.optional(least_load=parts.data.least_load, reach=parts.reach),
    )


def _model(name: str, text: str, takes: str, build: Callable[[Parts], Any]) -> Model:
    return Model(name, text, frozenset(takes.split()), build)


MODELS = {
    model.name: model
    for model in (
        _model("p-median", "p sites with the least weighted distance to the closest one",
               "p reach", _p_median),
        _model("p-center", "p sites with the least largest distance to the closest one",
               "p reach weighted capacitated", _p_center),
        Model("p-dispersion", "p sites as far from each other as can be", frozenset({"p"}),
              _p_dispersion, sites_only=True),
        _model("lscp", "the cheapest (or fewest) sites that cover every client",
               "radius most capacitated split", _lscp),
        _model("pscp", "the cheapest (or fewest) sites that cover a share of the weight",
               "radius most share", _pscp),
        _model("lscp-b", "the cheapest sites that cover every client, and most weight twice",
               "radius most budget", _lscp_b),
        _model("mclp", "p sites that cover as much weight as can be",
               "p radius budget most capacitated split", _mclp),
        _model("ufl", "sites with the least fixed and serving costs", "most reach unit_cost", _ufl),
        _model("cfl", "the same, with capacities and demand that may be split",
               "most reach unit_cost", lambda parts: _capacitated(parts, single_source=False)),
        _model("sscfl", "the same, with capacities and one site a client",
               "most reach unit_cost", lambda parts: _capacitated(parts, single_source=True)),
        _model("cpmp", "p sites with capacity and the least distance, one site a client",
               "p reach split", _cpmp),
    )
}  # fmt: skip
"""Every model of the command line, by name."""
