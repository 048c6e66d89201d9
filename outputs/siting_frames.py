"""One siting problem from tables in memory, and its answer as rows of these tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..instances.siting_asked import Asked
from ..instances.siting_points import data_of_frames
from ..optimize.limits import Limits
from ..optimize.result import Result
from ..optimize.siting.classic.request import Request, Solved, solve_request
from .siting_solution import ReportOptions, solution_record

COLUMNS = ("client_id", "site_id", "weight", "reach", "capacity", "fixed_cost", "rounding")
"""Names of columns that may be given, and how distances are rounded."""


@dataclass(frozen=True, eq=False)
class SitedFrames:
    """
    The answer to a siting problem as rows of the user's own tables.

    Parameters
    ----------
    result
        Status, objective, bound, gap; ``detail`` says what was done.
    sites
        Rows of the open sites, in the order of the table of sites, with ``clients``, ``served``
        (weight), ``mean_distance`` and ``largest_distance`` where clients have a site; None without
        a solution.
    clients
        All clients with ``site`` (id of the site that serves most of them, None for none) and
        ``distance`` to it; None without a solution, or where clients have no site.
    record
        All that ``shequ solve --json`` writes.
    """

    result: Result[Any]
    sites: Any
    clients: Any
    record: dict[str, Any]


def solve_frames(
    model: str,
    clients: Any,  # noqa: ANN401 - geopandas has no types
    sites: Any = None,  # noqa: ANN401
    *,
    limits: Limits | None = None,
    method: str | None = None,
    solver: str | None = None,
    report: ReportOptions | None = None,
    **asked: Any,  # noqa: ANN401 - fields of Asked, and names of columns
) -> SitedFrames:
    """
    Solve one siting problem on GeoDataFrames; distances are straight lines in metres.

    Parameters
    ----------
    model
        ``p-median``, ``p-center``, ``p-dispersion``, ``lscp``, ``lscp-b``, ``pscp``, ``mclp``,
        ``ufl``, ``cfl``, ``sscfl`` or ``cpmp``.
    clients, sites
        GeoDataFrames in any coordinate reference system, or DataFrames with columns x and y in
        metres; without sites every client is one. They stay as they are.
    limits
        Time, gap, seed and threads.
    method, solver
        None for what suits.
    report
        How access is reported.
    asked
        What is asked, as :class:`.siting_asked.Asked` has it (``p=5``, ``radius=800.0``,
        ``required=("S1",)``); and names of columns where they are not the usual ones
        (``weight="people"``, ``reach="metres"``).

    Raises
    ------
    ValueError
        If a table, a column or what is asked cannot be used.
    TypeError
        If a table is none, or there is no such thing to ask.

    Examples
    --------
    >>> import pandas as pd
    >>> homes = pd.DataFrame({"x": [0.0, 1.0, 9.0], "y": [0.0, 0.0, 0.0], "people": [5, 1, 2]})
    >>> answer = solve_frames("p-median", homes, p=2, weight="people")
    >>> answer.clients[["site", "distance"]].values.tolist()
    [['1', 0.0], ['1', 1.0], ['3', 0.0]]
    """
    # A reach may be a column, or one distance for all.
    names = {name: asked.pop(name) for name in COLUMNS if isinstance(asked.get(name), str)}
    data = data_of_frames(clients, sites, **names)
    solved = solve_request(Request(model, data, Asked(**asked), method, solver, limits or Limits()))
    record = solution_record(solved, {"files": [file.name for file in data.files]}, report)
    if solved.is_open is None:
        return SitedFrames(solved.result, None, None, record)
    table = clients if sites is None else sites
    return SitedFrames(
        solved.result, _open_rows(solved, table, record), _client_rows(solved, clients), record
    )


def _open_rows(solved: Solved, table: Any, record: dict[str, Any]) -> Any:  # noqa: ANN401
    """Rows of the open sites with what they serve."""
    rows = table[solved.is_open].copy()
    told = {"clients": "clients", "weight": "served"}
    told |= {name: name for name in ("mean_distance", "largest_distance")}
    for name, column in told.items():
        values = [site.get(name) for site in record["sites"]]
        if any(value is not None for value in values):
            rows[column] = values
    return rows


def _client_rows(solved: Solved, table: Any) -> Any:  # noqa: ANN401
    """All clients with the site that serves most of them."""
    served, data = solved.served, solved.siting.data
    if served is None:
        return None
    order = np.argsort(served.share, kind="stable")  # the largest share is written last
    site = np.full(data.num_clients, -1, dtype=np.int64)
    site[served.client[order]] = served.site[order]
    found = np.flatnonzero(site >= 0)
    away = np.full(data.num_clients, np.nan)
    away[found] = data.pairs.of_pairs(found, site[found])
    rows = table.copy()
    rows["site"] = [data.site_ids[j] if j >= 0 else None for j in site]
    rows["distance"] = away
    return rows
