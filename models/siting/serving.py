"""
Covering with capacities: what is served by whom, as shares of the pairs within reach only.

In these problems x_ij is the share of client i that site j serves; with single sources it is 0 or
1. Sites serve no more than their capacity: Σ_i q_i x_ij ≤ Q_j y_j.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import TOLERANCE, capacity_violations, check_open
from .coverage import covering_pairs


@dataclass(frozen=True, eq=False)
class Serving:
    """
    Open sites, and the share of each client that each site serves.

    Parameters
    ----------
    is_open
        Shape (sites,).
    share
        CSR of shape (clients, sites); only pairs that serve are stored.

    Raises
    ------
    ValueError
        If ``is_open`` is not a vector of booleans or ``share`` has another number of sites.
    """

    is_open: BoolArray
    share: sparse.csr_array

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_open(self.is_open)
        if self.share.ndim != 2 or self.share.shape[1] != self.is_open.size:
            raise ValueError(
                f"share has shape {self.share.shape}, expected (clients, {self.is_open.size})."
            )


class Capacitated(Protocol):
    """A covering problem with demand and capacities."""

    @property
    def covers(self) -> sparse.csr_array:
        """Sites within reach of each client."""

    @property
    def demand(self) -> FloatArray:
        """Demand of each client."""

    @property
    def capacity(self) -> FloatArray:
        """Most demand that each site serves."""

    @property
    def single_source(self) -> bool:
        """Whether one site serves all of a client."""


def served_shares(serving: Serving) -> FloatArray:
    """Share of each client that is served, shape (clients,)."""
    return np.asarray(serving.share @ np.ones(serving.share.shape[1]))


def serving_violations(problem: Capacitated, serving: Serving) -> list[str]:
    """Name what breaks shape, reach, opening, single source or capacity."""
    shape = problem.covers.shape
    if serving.share.shape != shape:
        return [f"share has shape {serving.share.shape}, expected {shape}"]
    client, site = covering_pairs(serving.share)
    share = serving.share.data
    wrong = np.flatnonzero(~((share >= 0) & (share <= 1 + TOLERANCE)))
    broken = [
        f"site {site[k]} serves a share {share[k]:g} of client {client[k]}, not in [0, 1]"
        for k in wrong
    ]
    used = share > TOLERANCE
    broken += _out_of_reach(problem.covers, client[used], site[used])
    closed = np.flatnonzero(used & ~serving.is_open[site])
    broken += [f"client {client[k]} is served by site {site[k]}, which is closed" for k in closed]
    if problem.single_source:
        parts = np.bincount(client[used & (share < 1 - TOLERANCE)], minlength=shape[0])
        broken += [
            f"client {i} is split, but one site must serve all of it" for i in np.flatnonzero(parts)
        ]
    total = served_shares(serving)
    over = np.flatnonzero(total > 1 + TOLERANCE)
    broken += [f"client {i} is served {total[i]:g} times" for i in over]
    loads = np.bincount(site, problem.demand[client] * share, minlength=shape[1])
    return broken + capacity_violations(loads.astype(float), problem.capacity)


def _out_of_reach(covers: sparse.csr_array, client: IntArray, site: IntArray) -> list[str]:
    """Name the pairs that serve although the site is out of reach."""
    known_client, known_site = covering_pairs(covers)
    num_sites = covers.shape[1]
    far = ~np.isin(client * num_sites + site, known_client * num_sites + known_site)
    return [
        f"client {i} is served by site {j}, which is out of its reach"
        for i, j in zip(client[far], site[far], strict=True)
    ]


def add_serving(builder: ModelBuilder, y: IntArray, problem: Capacitated) -> IntArray:
    """Add columns x for the pairs with x_ij ≤ y_j and the capacities; returns the columns."""
    client, site = covering_pairs(problem.covers)
    x = builder.add_columns(np.zeros(client.size), upper=1, integer=problem.single_source)
    pair = np.arange(x.size)
    builder.add_rows(
        np.r_[pair, pair],
        np.r_[x, y[site]],
        np.repeat([1, -1], x.size),
        upper=np.zeros(x.size),
    )
    num_sites = y.size
    builder.add_rows(
        np.r_[site, np.arange(num_sites)],
        np.r_[x, y],
        np.r_[problem.demand[client], -problem.capacity],
        upper=np.zeros(num_sites),
    )
    return x


def serving_of(problem: Capacitated) -> Callable[[FloatArray], Serving]:
    """Return the way from columns y, then x, to a solution."""
    return partial(_decode, problem=problem)


def columns_of(problem: Capacitated) -> Callable[[Serving], FloatArray]:
    """Return the way from a solution to columns y, then x."""
    return partial(_encode, problem=problem)


def _decode(values: FloatArray, *, problem: Capacitated) -> Serving:
    num_sites = problem.covers.shape[1]
    client, site = covering_pairs(problem.covers)
    is_open = values[:num_sites] > 0.5
    share = values[num_sites : num_sites + client.size]
    if problem.single_source:
        share = (share > 0.5).astype(float)
    kept = (share > 1e-7) & is_open[site]
    share = np.clip(share, 0, 1)
    pairs = (share[kept], (client[kept], site[kept]))
    return Serving(is_open, sparse.csr_array(pairs, shape=problem.covers.shape))


def _encode(serving: Serving, *, problem: Capacitated) -> FloatArray:
    client, site = covering_pairs(problem.covers)
    keys = client * problem.covers.shape[1] + site
    order = np.argsort(keys, kind="stable")
    served_client, served_site = covering_pairs(serving.share)
    wanted = served_client * problem.covers.shape[1] + served_site
    place = order[np.searchsorted(keys, wanted, sorter=order)]
    x = np.zeros(keys.size)
    x[place] = serving.share.data
    return np.concatenate([serving.is_open.astype(float), x])
