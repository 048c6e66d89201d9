"""
Check the solution of a siting problem from its files and the ids alone.

Rules, service, objective, the table of sites, access and the words of the proof are computed
afresh with plain numpy (:mod:`.plain_sites`); nothing of the models or engines is asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..instances.siting_data import SitingData, ids_at, named
from .plain_sites import Bools, Floats, PlainSites
from .siting_proof import proof_findings
from .verify.verification import Check, Verification

SERVED_BY_ONE = {"p-median", "p-center", "ufl", "sscfl", "cpmp"}
COVERING = {"lscp", "lscp-b", "pscp", "mclp"}
COVERING_SOME = {"pscp", "mclp"}
WITH_P = {"p-median", "p-center", "p-dispersion", "mclp", "cpmp"}
_TOLERANCE = 1e-6
_SHARE = 1e-5

_NEEDED = (
    "model", "status", "reason", "objective", "bound", "gap", "maximize", "instance", "read",
    "request", "open_sites", "sites", "assignment", "accessibility",
)  # fmt: skip


def check_siting(
    data: SitingData, record: Mapping[str, Any], *, changed: Sequence[str] = ()
) -> Verification:
    """
    Check a record.

    Parameters
    ----------
    data
        Clients and sites, read afresh.
    record
        As ``shequ solve MODEL --json`` wrote it.
    changed
        What speaks against the files: their content differs.

    Raises
    ------
    ValueError
        If the record lacks what a check needs; says what.
    """
    missing = [name for name in _NEEDED if name not in record]
    if missing:
        raise ValueError(
            f"The solution lacks {', '.join(missing)}. Give a file that `shequ solve MODEL --json` "
            "wrote."
        )
    view = _View(data, record)
    checks = [
        Check("files", (*changed, *_counts(view))),
        Check("proof", tuple(proof_findings(record))),
    ]
    if record["open_sites"] is not None:
        found = tuple(_ids(view))
        checks.append(Check("ids", found))
        if not found:
            checks += [Check(name, tuple(check(view))) for name, check in _OF_SOLUTIONS.items()]
    return Verification(tuple(checks))


class _View:
    """The record beside the data, in the shape that the checks need."""

    def __init__(self, data: SitingData, record: Mapping[str, Any]) -> None:
        self.data, self.record = data, record
        self.model = str(record["model"])
        self.request: Mapping[str, Any] = record["request"]
        common = self.request.get("radius" if self.model in COVERING else "reach")
        reach = np.full(data.num_clients, np.inf) if data.reach is None else data.reach
        self.reach: Floats = reach if common is None else np.minimum(reach, common)
        self.p = self.request.get("p", data.p)

    @property
    def plan(self) -> PlainSites:
        """Return the solution."""
        record = self.record
        if not hasattr(self, "_plan"):
            self._plan = PlainSites(
                self.data, tuple(record["open_sites"]), record["assignment"], self.reach
            )
        return self._plan

    def marked(self, name: str) -> Bools:
        """Sites that are required or forbidden, by option or column."""
        data = self.data
        ids = {part for text in self.request.get(name, ()) for part in (text, *text.split(","))}
        mask: Bools = np.array([site in ids for site in data.site_ids])
        columns = [getattr(data, name)]
        if name == "required" and self.request.get("keep_existing"):
            columns.append(data.existing)
        for column in columns:
            if column is not None:
                mask = mask | column
        return mask

    @property
    def is_capacitated(self) -> bool:
        """Whether sites serve no more than their capacity."""
        return self.model in {"cfl", "sscfl", "cpmp"} or bool(self.request.get("capacitated"))

    @property
    def is_split(self) -> bool:
        """Whether several sites may share a client."""
        return self.model == "cfl" or bool(self.request.get("split"))


def _counts(view: _View) -> Iterator[str]:
    """Whether the record counts the clients and sites of the files."""
    instance = view.record["instance"]
    for name, count in (("clients", view.data.num_clients), ("sites", view.data.num_sites)):
        if instance[name] != count:
            yield f"the solution says {instance[name]:,} {name}, the files have {count:,}"


def _ids(view: _View) -> Iterator[str]:
    """Whether every id is one of the files, once."""
    known, open_sites = set(view.data.site_ids), view.record["open_sites"]
    strange = [site for site in open_sites if site not in known]
    if strange:
        yield f"{len(strange)} open sites that the files do not have: {named(strange)}"
    if len(set(open_sites)) < len(open_sites):
        yield "an open site is listed twice"
    assignment = view.record["assignment"]
    if assignment is None:
        if view.model != "p-dispersion":
            yield "there is no assignment"
        return
    clients = set(view.data.client_ids)
    for text, ids in (
        ("without an entry", [one for one in view.data.client_ids if one not in assignment]),
        ("that the files do not have", [one for one in assignment if one not in clients]),
    ):
        if ids:
            yield f"{len(ids)} clients {text}: {named(ids)}"
    for client, given in assignment.items():
        sites = given if isinstance(given, dict) else [] if given is None else [given]
        if not all(site in known for site in sites):
            yield f"client {client} is served by {given!r}, which the files do not have"


def _rules(view: _View) -> Iterator[str]:
    """Whether number, marks, least distance and budget are kept."""
    plan, data = view.plan, view.data
    count, request = len(plan.open_ids), view.request
    yield from _number(view, count)
    for site in ids_at(data.site_ids, view.marked("required") & ~plan.is_open):
        yield f"site {site} is required and closed"
    for site in ids_at(data.site_ids, view.marked("forbidden") & plan.is_open):
        yield f"site {site} is forbidden and open"
    least = request.get("min_distance")
    if least is not None and data.site_points is not None and count > 1:
        one, other = np.triu_indices(count, 1)
        points = data.site_points[plan.sites]
        away = np.hypot(*(points[one] - points[other]).T)
        near = away < least - _TOLERANCE * max(1.0, least)
        if request.get("keep_existing") and data.existing is not None:
            near &= ~data.existing[plan.sites[np.stack([one, other])]].all(axis=0)
        for pair in np.flatnonzero(near):
            a, b = (data.site_ids[plan.sites[end[pair]]] for end in (one, other))
            yield f"sites {a} and {b} are {away[pair]:,.6g} apart, less than {least:,.6g}"
    budget = request.get("budget")
    if budget is not None:
        spent = _opening_costs(view)
        if spent > budget * (1 + _TOLERANCE):
            yield f"the open sites cost {spent:,.10g}, more than the budget {budget:,.10g}"


def _number(view: _View, count: int) -> Iterator[str]:
    """Whether as many sites are open as was asked."""
    request = view.request
    least, most = request.get("least", 0), request.get("most", view.data.num_sites)
    if view.model in WITH_P and view.p is not None:
        most = min(most, view.p)
        least = request.get("least", view.p)
    if not least <= count <= most:
        yield f"{count} sites are open, expected {least if least == most else f'{least} to {most}'}"


def _service(view: _View) -> Iterator[str]:
    """Whether every client is served as the model wants it, and no site beyond its capacity."""
    plan, data = view.plan, view.data
    if view.record["assignment"] is None:
        return
    client, site, share = plan.pairs
    closed = ~plan.is_open[site]
    for c, s in list(zip(client[closed], site[closed], strict=True))[:10]:
        yield f"client {data.client_ids[c]} is served by site {data.site_ids[s]}, which is closed"
    if view.model in COVERING and not view.is_capacitated:
        yield from _covered(view)
        return
    served = np.bincount(client, share, minlength=data.num_clients)
    if view.model in COVERING_SOME:
        served = np.maximum(served, 1)
    partly = ids_at(data.client_ids, np.abs(served - 1) > _SHARE)
    if partly:
        yield f"{len(partly)} clients are not served in full: {named(partly)}"
    several = ids_at(data.client_ids, np.bincount(client, minlength=data.num_clients) > 1)
    if several and not view.is_split:
        yield f"{len(several)} clients are served by several sites: {named(several)}"
    if np.isfinite(view.reach).any():
        far = np.zeros(data.num_clients, dtype=bool)
        far[client[plan.away > view.reach[client]]] = True
        if far.any():
            yield f"clients served beyond their reach: {named(ids_at(data.client_ids, far))}"
    if view.is_capacitated:
        yield from _loads(view)


def _covered(view: _View) -> Iterator[str]:
    """Whether the clients that must be covered are, and those with a site are."""
    plan, ids = view.plan, view.data.client_ids
    covered = plan.times_covered() > 0
    if view.model not in COVERING_SOME and not covered.all():
        yield f"clients that no open site covers: {named(ids_at(ids, ~covered))}"
    yield from _covers_share(view)
    given = np.array([view.record["assignment"][one] is not None for one in ids])
    wrong = ids_at(ids, given != covered)
    if wrong:
        yield f"clients with a site that are not covered, or the other way: {named(wrong)}"


def _covers_share(view: _View) -> Iterator[str]:
    """Whether the share of the weight that must be covered is."""
    wanted = view.request.get("share")
    if wanted is not None:
        share = _covered_weight(view) / float(view.plan.weights.sum())
        if share < wanted - _TOLERANCE:
            yield f"{share:.6g} of the weight is covered, less than {wanted:g}"


def _loads(view: _View) -> Iterator[str]:
    """Whether every site serves no more than its capacity and no less than its least load."""
    plan, data = view.plan, view.data
    client, site, share = plan.pairs
    load = np.bincount(site, plan.weights[client] * share, minlength=data.num_sites)
    if data.capacity is not None:
        for j in np.flatnonzero(load > data.capacity + _SHARE * (1 + data.capacity))[:10]:
            yield (
                f"site {data.site_ids[j]} serves {load[j]:,.10g}, more than its capacity "
                f"{data.capacity[j]:,.10g}"
            )
    if data.least_load is not None:
        under = plan.is_open & (load < data.least_load - _SHARE * (1 + data.least_load))
        for j in np.flatnonzero(under)[:10]:
            yield (
                f"site {data.site_ids[j]} serves {load[j]:,.10g}, less than its least load "
                f"{data.least_load[j]:,.10g}"
            )


def _objective(view: _View) -> Iterator[str]:
    """Whether the objective is that of the sites."""
    value, stated = _OBJECTIVES[view.model](view), view.record["objective"]
    if not _equal(stated, value):
        yield f"objective {stated}, recomputed {value:,.12g}"


def _opening_costs(view: _View) -> float:
    costs = view.data.fixed_costs
    return float(view.plan.sites.size if costs is None else costs[view.plan.sites].sum())


def _weighted(view: _View) -> float:
    client, _, share = view.plan.pairs
    return float((view.plan.weights[client] * share * view.plan.away).sum())


def _farthest(view: _View) -> float:
    client, _, _ = view.plan.pairs
    factor = view.plan.weights[client] if view.request.get("weighted") else 1.0
    return float((factor * view.plan.away).max(initial=0.0))


def _covered_weight(view: _View, *, times: int = 1) -> float:
    if view.is_capacitated:
        client, _, share = view.plan.pairs
        return float((view.plan.weights[client] * share).sum())
    return float(view.plan.weights[view.plan.times_covered() >= times].sum())


def _fixed_and_serving(view: _View) -> float:
    data, (client, site, share) = view.data, view.plan.pairs
    unit = view.request.get("unit_cost")
    if data.totals is not None:
        serving = data.totals[client, site] * (1.0 if unit is None else unit)
    else:
        serving = view.plan.away
        if unit is not None or data.form != "tables":
            serving = serving * view.plan.weights[client] * (1.0 if unit is None else unit)
    return _opening_costs(view) + float((share * serving).sum())


def _unweighted(view: _View) -> float:
    return float((view.plan.pairs[2] * view.plan.away).sum())


_OBJECTIVES: Mapping[str, Callable[[_View], float]] = {
    "p-median": _weighted,
    "p-center": _farthest,
    "p-dispersion": lambda view: float(view.plan.site_distances().min(initial=math.inf)),
    "lscp": _opening_costs,
    "pscp": _opening_costs,
    "lscp-b": lambda view: _covered_weight(view, times=2),
    "mclp": _covered_weight,
    "ufl": _fixed_and_serving,
    "cfl": _fixed_and_serving,
    "sscfl": _fixed_and_serving,
    "cpmp": _unweighted,
}
"""Objective of each model."""


def _table(view: _View) -> Iterator[str]:
    """Whether the row of each open site says what it serves."""
    plan, data = view.plan, view.data
    rows = {row["site"]: row for row in view.record["sites"]}
    if sorted(rows) != sorted(plan.open_ids):
        yield "the table has other sites than those that are open"
        return
    if view.record["assignment"] is None:
        return
    client, site, share = plan.pairs
    weight = np.bincount(site, plan.weights[client] * share, minlength=data.num_sites)
    count = np.bincount(site, minlength=data.num_sites)
    for j in plan.sites:
        row = rows[data.site_ids[j]]
        if row["clients"] != count[j] or not _equal(row["weight"], float(weight[j])):
            yield (
                f"site {row['site']}: {row['clients']} clients and weight {row['weight']}, "
                f"recomputed {count[j]} and {weight[j]:,.10g}"
            )


def _access(view: _View) -> Iterator[str]:
    """Whether mean, largest distance and share within reach are those of the assignment."""
    access, plan = view.record["accessibility"], view.plan
    if access is None or access["mean"] is None:
        return
    client, _, share = plan.pairs
    rest = np.setdiff1d(np.arange(view.data.num_clients), client)
    away, weights = plan.away, plan.weights[client] * share
    if rest.size:
        away, weights = np.r_[away, plan.nearest[rest]], np.r_[weights, plan.weights[rest]]
    away = away * access["factor"]
    values = {
        "mean": float(away @ weights / weights.sum()),
        "largest": float(away[weights > 0].max()),
    }
    if access["reach"] is not None:
        inside = away <= access["reach"] * (1 + 1e-12)
        values["share_in_reach"] = float(weights[inside].sum() / weights.sum())
    for name, value in values.items():
        if not _equal(access[name], value):
            yield f"access, {name}: {access[name]}, recomputed {value:,.10g}"


def _equal(one: object, other: float) -> bool:
    if isinstance(one, bool) or not isinstance(one, int | float):
        return False
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


_OF_SOLUTIONS = {
    "rules": _rules,
    "service": _service,
    "objective": _objective,
    "table": _table,
    "access": _access,
}
"""All checks of a solution, by name."""
