"""The answer to a siting request as files: a JSON record, and the site of every client."""

from __future__ import annotations

import csv
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..models.formulation import FloatArray, IntArray
from ..models.siting.accessibility import access_of, two_step_floating_catchment
from ..optimize.siting.classic.request import Solved
from ..version import __version__
from .atomic import replacing

KIND = "siting"


@dataclass(frozen=True)
class ReportOptions:
    """
    How access is reported.

    Parameters
    ----------
    within
        Distance that counts as within reach; None for that of the problem.
    speed_kmh
        Walking speed that turns metres into minutes.
    """

    within: float | None = None
    speed_kmh: float = 4.5


def solution_record(
    solved: Solved, read: dict[str, Any], report: ReportOptions | None = None
) -> dict[str, Any]:
    """
    State what was asked and found, as JSON.

    Parameters
    ----------
    solved
        Request and answer.
    read
        How the files were read, for who checks it.
    report
        How access is reported.

    Returns
    -------
    dict
        ``open_sites`` and ``assignment`` go by the ids of the files; they are null without a
        solution. ``assignment`` is null, too, where no client has a site of its own.
    """
    request, result, data = solved.request, solved.result, solved.siting.data
    return {
        "shequ": __version__,
        "kind": KIND,
        "model": request.model,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "status": str(result.status),
        "reason": str(result.reason),
        "detail": result.detail,
        "objective": result.objective,
        "bound": result.bound,
        "gap": result.gap,
        "maximize": result.maximize,
        "seconds": {phase: round(seconds, 3) for phase, seconds in result.seconds.items()},
        "total_seconds": round(solved.seconds, 3),
        "nodes": result.nodes,
        "cuts": result.cuts,
        "method": request.method or "auto",
        "why": solved.method_text,
        "solver": result.solver or None,
        "solver_version": result.version or None,
        "seed": request.limits.seed,
        "limits": {
            "seconds": request.limits.seconds,
            "gap": request.limits.gap,
            "threads": request.limits.threads,
        },
        "instance": {
            "files": [asdict(file) for file in data.files],
            "format": data.form,
            "clients": data.num_clients,
            "sites": data.num_sites,
            "weight": float(data.client_weights.sum()),
            "p": getattr(solved.siting.problem, "p", None),
            "unit": "m" if data.in_metres else "units of the file",
            "warnings": list(solved.siting.warnings),
        },
        "read": read,
        "request": request.asked.as_record(),
        **_solution(solved),
        "accessibility": _accessibility(solved, report or ReportOptions()),
        "history": [
            {"seconds": round(seconds, 3), "objective": objective, "bound": bound}
            for seconds, objective, bound in solved.history
        ],
    }


def _solution(solved: Solved) -> dict[str, Any]:
    """Open sites, a row for each of them, and the assignment."""
    is_open, data = solved.is_open, solved.siting.data
    if is_open is None:
        return {"open_sites": None, "sites": [], "assignment": None}
    pairs = _served_pairs(solved)
    return {
        "open_sites": [data.site_ids[site] for site in np.flatnonzero(is_open)],
        "sites": _site_rows(solved, pairs),
        "assignment": None if pairs is None else _assignment(solved, pairs),
    }


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Client, site and share of each pair that serves; distance where it is known."""

    client: IntArray
    site: IntArray
    share: FloatArray
    away: FloatArray | None


def _served_pairs(solved: Solved) -> _Pairs | None:
    """All pairs that serve or cover; None where no client has a site of its own."""
    served, data = solved.served, solved.siting.data
    if served is None:
        return None
    away = None
    if data.covering is None and data.totals is None:
        away = data.pairs.of_pairs(served.client, served.site)
    return _Pairs(served.client, served.site, served.share, away)


def _assignment(solved: Solved, pairs: _Pairs) -> dict[str, Any]:
    """Site of each client by id, null for none; shares by site where demand is split."""
    data = solved.siting.data
    found: dict[str, Any] = dict.fromkeys(data.client_ids)
    if not solved.is_split:
        for client, site in zip(pairs.client, pairs.site, strict=True):
            found[data.client_ids[client]] = data.site_ids[site]
        return found
    for client, site, share in zip(pairs.client, pairs.site, pairs.share, strict=True):
        shares = found[data.client_ids[client]] or {}
        found[data.client_ids[client]] = {**shares, data.site_ids[site]: float(share)}
    return found


def _site_rows(solved: Solved, pairs: _Pairs | None) -> list[dict[str, Any]]:
    """One row an open site: clients, weight, and how far they go."""
    data = solved.siting.data
    is_open = solved.is_open
    assert is_open is not None  # noqa: S101 - asked for by the caller
    rows = []
    for site in np.flatnonzero(is_open):
        row: dict[str, Any] = {"site": data.site_ids[site]}
        if pairs is not None:
            own = pairs.site == site
            weight = data.client_weights[pairs.client[own]] * pairs.share[own]
            row |= {"clients": int(own.sum()), "weight": float(weight.sum())}
            if pairs.away is not None:
                away, total = pairs.away[own], float(weight.sum())
                row["mean_distance"] = float(weight @ away) / total if total else None
                row["largest_distance"] = float(away[weight > 0].max()) if total else None
        if data.capacity is not None:
            row["capacity"] = float(data.capacity[site])
        if data.fixed_costs is not None:
            row["fixed_cost"] = float(data.fixed_costs[site])
        rows.append(row)
    return rows


def _accessibility(solved: Solved, report: ReportOptions) -> dict[str, Any] | None:
    """Measures of access; None where the files tell no distances, or there is no solution."""
    pairs = None if solved.is_open is None else _served_pairs(solved)
    data = solved.siting.data
    if pairs is None or pairs.away is None or not data.client_weights.any():
        return None
    factor = 60 / (1000 * report.speed_kmh) if data.in_metres else 1.0
    away, weights = _with_the_unserved(solved, pairs)
    reach = _reach(solved, report)
    common = None if reach is None or np.ptp(reach) > 0 else float(reach[0])
    access = access_of(away * factor, weights, reach=None if common is None else common * factor)
    record = {
        name: value if value is None or math.isfinite(value) else None
        for name, value in asdict(access).items()
    }
    unit = "minutes" if data.in_metres else "units of the file"
    return {"unit": unit, "factor": factor, **record, "catchment": _catchment(solved, reach)}


def _with_the_unserved(solved: Solved, pairs: _Pairs) -> tuple[FloatArray, FloatArray]:
    """Distance and weight of each pair; clients without a site go to the nearest open one."""
    data, is_open = solved.siting.data, solved.is_open
    assert is_open is not None and pairs.away is not None  # noqa: S101, PT018 - by the caller
    rest = np.setdiff1d(np.arange(data.num_clients), pairs.client)
    weights = data.client_weights[pairs.client] * pairs.share
    if not rest.size:
        return pairs.away, weights
    nearest = data.pairs.nearest(is_open)[1][rest]
    return np.r_[pairs.away, nearest], np.r_[weights, data.client_weights[rest]]


def _reach(solved: Solved, report: ReportOptions) -> FloatArray | None:
    """Distance that counts as within reach, for each client."""
    if report.within is not None:
        return np.full(solved.siting.data.num_clients, report.within)
    return solved.siting.reach


def _catchment(solved: Solved, reach: FloatArray | None) -> dict[str, Any] | None:
    """Two-step floating catchment areas of the open sites; None without a reach."""
    data, is_open = solved.siting.data, solved.is_open
    if reach is None or is_open is None:
        return None
    supply = np.ones(data.num_sites) if data.capacity is None else data.capacity
    access = two_step_floating_catchment(
        data.covers(reach), data.client_weights, np.where(is_open, supply, 0.0)
    )
    weights = data.client_weights
    return {
        "supply": "1 a site" if data.capacity is None else "capacity",
        "mean": float(weights @ access / weights.sum()),
        "least": float(access[weights > 0].min()),
        "share_without": float(weights[access == 0].sum() / weights.sum()),
    }


def write_assignment(path: Path, solved: Solved) -> None:
    """Write client_id, site_id, share and distance of every pair that serves, whole or not."""
    pairs = _served_pairs(solved)
    data = solved.siting.data
    with replacing(path) as beside, beside.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["client_id", "site_id", "share", "distance"])
        if pairs is None:
            return
        away = [""] * pairs.client.size if pairs.away is None else pairs.away.tolist()
        for client, site, share, distance in zip(
            pairs.client, pairs.site, pairs.share.tolist(), away, strict=True
        ):
            rows.writerow([data.client_ids[client], data.site_ids[site], share, distance])
        rest = np.setdiff1d(np.arange(data.num_clients), pairs.client)
        rows.writerows([data.client_ids[client], "", 0, ""] for client in rest)


def check_assignment(path: Path, *, model: str) -> None:
    """Refuse a name that no assignment can be written to, and a model that has none."""
    if path.suffix != ".csv":
        raise ValueError(f"--assignment {path.name} not understood; name a .csv file.")
    if model == "p-dispersion":
        raise ValueError("p-dispersion has sites and no clients; leave --assignment out.")
