"""A whole request on clients and sites of files: problem, method, limits; and its answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from ....instances.siting_asked import Asked
from ....instances.siting_data import SitingData
from ....instances.siting_problems import SitingProblem, build_problem
from ....models.formulation import BoolArray, FloatArray, IntArray
from ....models.siting.allocation import SplitAllocation
from ....models.siting.serving import Serving
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .registry import AUTO, methods_of, solve_siting

SMALLEST_SHARE = 1e-7
"""Share of a client that counts as served."""


@dataclass(frozen=True, eq=False)
class Request:
    """
    What is asked of clients and sites.

    Parameters
    ----------
    model
        Name of the model.
    data, asked
        Clients, sites, and what is asked of them.
    method, solver
        None for what suits.
    limits
        Time, gap, seed and threads.
    """

    model: str
    data: SitingData
    asked: Asked
    method: str | None = None
    solver: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, eq=False)
class ServedPairs:
    """
    Pairs of a client and the site that serves or covers it, client by client.

    Parameters
    ----------
    client, site, share
        Client, site, and share of the client that the site serves, shape (pairs,).
    """

    client: IntArray
    site: IntArray
    share: FloatArray


@dataclass(frozen=True, eq=False)
class Solved:
    """
    A request and its answer.

    Parameters
    ----------
    request, siting
        What was asked, and the problem that it made.
    result
        The answer.
    method_text
        What the method is, in a line.
    history
        Rows (seconds since the start, objective, bound).
    seconds
        Seconds in all.
    """

    request: Request
    siting: SitingProblem
    result: Result[Any]
    method_text: str
    history: tuple[tuple[float, float | None, float | None], ...]
    seconds: float

    @property
    def is_open(self) -> BoolArray | None:
        """Which sites are open; None without a solution."""
        solution = self.result.solution
        if solution is None or isinstance(solution, np.ndarray):
            return solution
        found: BoolArray = solution.is_open
        return found

    @property
    def is_split(self) -> bool:
        """Whether several sites may share a client."""
        solution = self.result.solution
        single = getattr(self.siting.problem, "single_source", False)
        return isinstance(solution, SplitAllocation | Serving) and not single

    @property
    def served(self) -> ServedPairs | None:
        """
        Who is served or covered by which site; None where no client has a site of its own.

        Of several open sites that cover a client the closest is named, the first one where the
        file tells no distances.
        """
        solution = self.result.solution
        if solution is None or self.siting.model == "p-dispersion":
            return None
        if isinstance(solution, SplitAllocation | Serving):
            pairs = sparse.coo_array(solution.share)
            kept = pairs.data > SMALLEST_SHARE
            order = np.lexsort((pairs.col[kept], pairs.row[kept]))
            client, site = (end[kept][order].astype(np.int64) for end in (pairs.row, pairs.col))
            return ServedPairs(client, site, pairs.data[kept][order])
        site = (
            self._closest(solution)
            if isinstance(solution, np.ndarray)
            else (solution.site_of_client)
        )
        client = np.flatnonzero(site >= 0)
        return ServedPairs(client, site[client], np.ones(client.size))

    def _closest(self, is_open: BoolArray) -> IntArray:
        """Closest open site that covers each client, -1 for none."""
        data = self.siting.data
        if data.covering is not None:
            return _first_covering(data, is_open)
        site, away = data.pairs.nearest(is_open)
        if self.siting.reach is None:
            return site
        return np.where(away <= self.siting.reach, site, -1)


def solve_request(
    request: Request, *, stop: Stop | None = None, listen: Listen | None = None
) -> Solved:
    """
    Solve a request.

    Parameters
    ----------
    request
        What is asked.
    stop
        A request to stop; the best solution so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Raises
    ------
    ValueError
        If what is asked cannot be, needs data that the files do not give, or the method is unknown.
    """
    began = time.monotonic()
    history: list[tuple[float, float | None, float | None]] = []

    def heard(objective: float | None, bound: float | None) -> None:
        history.append((time.monotonic() - began, objective, bound))
        if listen is not None:
            listen(objective, bound)

    siting = build_problem(request.model, request.data, request.asked)
    method = request.method or AUTO
    methods = methods_of(siting.problem)
    if method not in methods:
        raise ValueError(f"--method {method} not understood; choose one of {', '.join(methods)}.")
    spent = time.monotonic() - began
    result = solve_siting(
        siting.problem,
        limits=request.limits.within(request.limits.seconds - spent),
        solver=request.solver,
        method=method,
        stop=stop,
        listen=heard,
    )
    return Solved(
        request, siting, result, methods[method], tuple(history), time.monotonic() - began
    )


def _first_covering(data: SitingData, is_open: BoolArray) -> IntArray:
    """First open site that covers each client."""
    assert data.covering is not None  # noqa: S101 - asked for by the caller
    covers = data.covering[:, np.flatnonzero(is_open)].tocsr()
    site = np.full(data.num_clients, -1, dtype=np.int64)
    covered = np.diff(covers.indptr) > 0
    covers.sort_indices()
    site[covered] = np.flatnonzero(is_open)[covers.indices[covers.indptr[:-1][covered]]]
    return site
