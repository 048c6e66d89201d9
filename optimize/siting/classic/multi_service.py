"""
Several services that share sites: one integer program in the radius form of each service.

The form of García, Labbé and Marín (2011) has a variable for each distinct set of sites within a
radius of a client in place of one for each pair of client and site; see :mod:`.p_median.core`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from scipy import sparse

from ....models.formulation import FloatArray, ModelBuilder
from ....models.siting.allocation import AllocationModel
from ....models.siting.distances import SparseDistances
from ....models.siting.multi_service import (
    MultiService,
    Offer,
    add_offers,
    decode_offer,
    multi_service_model,
)
from ...limits import Limits, Stop
from ...result import Reason, Result, Status
from ...search import Listen
from .p_median.core import add_radius_rows, radius_sets
from .p_median.near import Ground, Near
from .textbook import solve_textbook

METHODS: Mapping[str, str] = {
    "auto": "one integer program in the radius form",
    "textbook": "the plain model, handed to the solver as it is",
}

NAMED = 5
"""Clients that a message names."""


def solve_multi_service(
    problem: MultiService,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Offer]:
    """
    Choose sites and what they offer at the least cost.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer program; None for HiGHS.
    method
        A name of :data:`METHODS`.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of Offer
        ``detail`` names clients that no site can serve.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    if method not in METHODS:
        raise ValueError(f"method = {method!r} not understood; choose {', '.join(METHODS)}.")
    lost = unreached(problem)
    if lost:
        return Result(Status.INFEASIBLE, Reason.PROVEN, solver=solver or "none", detail=lost)
    build: Callable[[MultiService], AllocationModel[Offer]] = multi_service_radius_model
    if method == "textbook":
        build = multi_service_model
    return solve_textbook(problem, build, limits=limits, solver=solver, stop=stop, listen=listen)


def unreached(problem: MultiService) -> str:
    """Name the clients that no site can serve, service by service; empty if there are none."""
    told = []
    for service, matrix in enumerate(_possible(problem)):
        lost = np.flatnonzero(~np.isfinite(matrix).any(axis=1))
        if lost.size:
            names = ", ".join(str(i) for i in lost[:NAMED]) + (", ..." if lost.size > NAMED else "")
            told.append(
                f"{lost.size} clients of service {service} are in reach of no site: {names}"
            )
    return "; ".join(told)


def multi_service_radius_model(problem: MultiService) -> AllocationModel[Offer]:
    """Build the model in radius form; no client may be out of reach of every site."""
    nears = [_lists(matrix) for matrix in _possible(problem)]
    sets = [radius_sets(near) for near in nears]
    builder = ModelBuilder("multi-service-radius", offset=sum(offset for _, offset in sets))
    y = add_offers(builder, problem)
    for service, (near, (radii, _)) in enumerate(zip(nears, sets, strict=True)):
        add_radius_rows(builder, near, radii, y[service])
    model = builder.build()
    return AllocationModel(
        model,
        decode=partial(decode_offer, problem=problem),
        encode=partial(_encode, nears=nears, num_columns=model.num_columns),
    )


def _possible(problem: MultiService) -> list[FloatArray]:
    """Costs of each service, infinite too where the service cannot be offered."""
    cannot = ~np.isfinite(problem.service_costs)
    return [
        np.where(never, np.inf, matrix)
        for never, matrix in zip(cannot, problem.matrices, strict=True)
    ]


def _lists(matrix: FloatArray) -> Near:
    """Sites of each client, the cheapest first."""
    num_clients, num_sites = matrix.shape
    client, site = np.nonzero(np.isfinite(matrix))
    pairs = sparse.csr_array((matrix[client, site], (client, site)), shape=matrix.shape)
    every = np.full(num_clients, np.inf)
    ground = Ground(
        SparseDistances(pairs), np.ones(num_clients), every, np.arange(num_clients),
        np.arange(num_sites),
    )  # fmt: skip
    return ground.lists(np.full(num_clients, num_sites))


def _encode(offer: Offer, *, nears: list[Near], num_columns: int) -> FloatArray:
    """Write the open sites, what they offer, and which sets hold none of them."""
    parts = [offer.is_open.astype(float), offer.offered.astype(float).ravel()]
    for near, offered in zip(nears, offer.offered, strict=True):
        sets, _ = radius_sets(near)
        count = np.concatenate([[0], np.cumsum(offered[near.site])])
        start = near.first[np.searchsorted(near.first, sets.last, side="right") - 1]
        empty = count[sets.last + 1] == count[start]
        parts.append(empty[~sets.is_cover].astype(float))
    values: FloatArray = np.concatenate(parts)
    assert values.size == num_columns  # noqa: S101 - the columns are those of the model
    return values
