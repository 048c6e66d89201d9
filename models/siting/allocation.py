"""
What the siting problems share: their solutions, checks in words and blocks of rows.

In all of them y_j = 1 if site j is open, and x_ij is the share of client i that site j serves.
Models that hold both put the columns y first and the columns x next, client by client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder

TOLERANCE = 1e-5
"""Share of a client, and of a site's capacity, up to which a rule counts as kept."""

S = TypeVar("S")


@dataclass(frozen=True, eq=False)
class Allocation:
    """
    Open sites, and the one site that serves each client.

    Parameters
    ----------
    is_open
        Shape (sites,).
    site_of_client
        Site of each client, -1 where no site serves it, shape (clients,).

    Raises
    ------
    ValueError
        If ``is_open`` is not a vector of booleans or a client is given a site that does not exist.
    """

    is_open: BoolArray
    site_of_client: IntArray

    def __post_init__(self) -> None:
        """Refuse sites that do not exist."""
        check_open(self.is_open)
        site, num_sites = self.site_of_client, self.is_open.size
        if site.ndim != 1 or not np.issubdtype(site.dtype, np.integer):
            raise ValueError(
                f"site_of_client has shape {site.shape} and type {site.dtype}, "
                "expected one integer a client."
            )
        wrong = np.flatnonzero((site < -1) | (site >= num_sites))
        if wrong.size:
            client = int(wrong[0])
            raise ValueError(
                f"site_of_client[{client}] is {site[client]}; give a site 0..{num_sites - 1}, "
                "or -1 for none."
            )


@dataclass(frozen=True, eq=False)
class SplitAllocation:
    """
    Open sites, and how the demand of each client is split among them.

    Parameters
    ----------
    is_open
        Shape (sites,).
    share
        Share of the client's demand that a site serves, shape (clients, sites).

    Raises
    ------
    ValueError
        If ``is_open`` is not a vector of booleans or ``share`` has another number of sites.
    """

    is_open: BoolArray
    share: FloatArray

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        check_open(self.is_open)
        if self.share.ndim != 2 or self.share.shape[1] != self.is_open.size:
            raise ValueError(
                f"share has shape {self.share.shape}, expected (clients, {self.is_open.size})."
            )


@dataclass(frozen=True, eq=False)
class AllocationModel(Generic[S]):
    """
    A formulation, and the way between its columns and the solutions of the problem.

    Parameters
    ----------
    model
        The mixed integer program.
    decode
        Solution that values of the columns stand for. Where nothing limits what a site serves,
        clients go to the closest open site, which no other allocation beats.
    encode
        Values of the columns that stand for a solution: a start for the solver. The model's
        objective at these values is the problem's.
    """

    model: LinearModel
    decode: Callable[[FloatArray], S]
    encode: Callable[[S], FloatArray]


def closest_allocation(distances: FloatArray, is_open: BoolArray) -> Allocation:
    """
    Allot each client to its closest open site, the first of them where several are as close.

    Parameters
    ----------
    distances
        Shape (clients, sites); infinite where a site cannot serve a client.
    is_open
        Shape (sites,). A client for which nothing is open is not served.

    Examples
    --------
    >>> distances = np.array([[0.0, 2.0, 5.0], [4.0, 1.0, 3.0]])
    >>> closest_allocation(distances, np.array([True, False, True])).site_of_client.tolist()
    [0, 2]
    """
    sites = np.flatnonzero(is_open)
    if not sites.size:
        return Allocation(is_open, np.full(distances.shape[0], -1, dtype=np.int64))
    place = np.argmin(distances[:, sites], axis=1)
    served = np.isfinite(distances[np.arange(place.size), sites[place]])
    return Allocation(is_open, np.where(served, sites[place], -1))


def allocation_costs(costs: FloatArray, allocation: Allocation) -> FloatArray:
    """Pick from ``costs`` what each client costs at its site, infinite where it has none."""
    site = allocation.site_of_client
    return np.asarray(np.where(site < 0, np.inf, costs[np.arange(site.size), site]))


def site_loads(demand: FloatArray, allocation: Allocation) -> FloatArray:
    """Sum up the demand that each site serves, shape (sites,)."""
    served = allocation.site_of_client >= 0
    return np.bincount(
        allocation.site_of_client[served], demand[served], minlength=allocation.is_open.size
    ).astype(float)


def check_open(is_open: BoolArray) -> None:
    """Refuse anything but a vector of booleans."""
    if is_open.ndim != 1 or is_open.dtype != np.bool_:
        raise ValueError(
            f"is_open has shape {is_open.shape} and type {is_open.dtype}, "
            "expected one boolean a site."
        )


def check_matrix(label: str, array: FloatArray) -> None:
    """Refuse a matrix without clients or sites, or with an entry below 0 or not finite."""
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"{label} has shape {array.shape}, expected (clients, sites) with at least one of each."
        )
    check_numbers(label, array, shape=array.shape)


def check_numbers(label: str, array: FloatArray, *, shape: tuple[int, ...]) -> None:
    """Refuse another shape than ``shape``, and entries below 0 or not finite."""
    if array.shape != shape:
        raise ValueError(f"{label} has shape {array.shape}, expected {shape}.")
    wrong = np.argwhere(~((array >= 0) & np.isfinite(array)))
    if wrong.size:
        place = tuple(wrong[0].tolist())
        raise ValueError(f"{label}{list(place)} is {array[place]}; give a finite number >= 0.")


def check_reach(reach: FloatArray | None, *, num_clients: int) -> None:
    """Refuse another shape than one number a client, and negative ones; infinite is no limit."""
    if reach is None:
        return
    if reach.shape != (num_clients,):
        raise ValueError(f"reach has shape {reach.shape}, expected {(num_clients,)}.")
    wrong = np.flatnonzero(~(reach >= 0))
    if wrong.size:
        raise ValueError(f"reach[{wrong[0]}] is {reach[wrong[0]]}; give a number >= 0.")


def check_p(p: int, *, num_sites: int) -> None:
    """Refuse to open less than one site, or more than there are."""
    if not 1 <= p <= num_sites:
        raise ValueError(f"p = {p} of {num_sites} sites cannot be opened; give 1..{num_sites}.")


def shape_violations(
    **arrays: tuple[FloatArray | IntArray | BoolArray, tuple[int, ...]],
) -> list[str]:
    """Name the arrays of a solution, given with the shape expected, that have another one."""
    return [
        f"{label} has shape {array.shape}, expected {shape}"
        for label, (array, shape) in arrays.items()
        if array.shape != shape
    ]


def allocation_misfits(allocation: Allocation, *, shape: tuple[int, int]) -> list[str]:
    """Say so where an allocation is made for another number of clients or sites."""
    return shape_violations(
        is_open=(allocation.is_open, shape[1:]),
        site_of_client=(allocation.site_of_client, shape[:1]),
    )


def allocation_violations(allocation: Allocation) -> list[str]:
    """Name the clients that no site or a closed site serves."""
    site = allocation.site_of_client
    closed = (site >= 0) & ~allocation.is_open[site]
    return [f"client {i} is served by no site" for i in np.flatnonzero(site < 0)] + [
        f"client {i} is served by site {site[i]}, which is closed" for i in np.flatnonzero(closed)
    ]


def count_violations(is_open: BoolArray, *, p: int) -> list[str]:
    """Say so where another number of sites than p is open."""
    count = int(is_open.sum())
    return [] if count == p else [f"{count} sites are open, not p = {p}"]


def capacity_violations(loads: FloatArray, capacity: FloatArray) -> list[str]:
    """Name the sites that serve more than their capacity."""
    over = np.flatnonzero(loads > capacity + TOLERANCE * (1 + capacity))
    return [f"site {j} serves {loads[j]:g}, more than its capacity {capacity[j]:g}" for j in over]


def add_count(builder: ModelBuilder, y: IntArray, *, p: int) -> None:
    """Add Σ_j y_j = p."""
    builder.add_rows(np.zeros(y.size, dtype=np.int64), y, 1, lower=[p], upper=[p])


def add_assignment(
    builder: ModelBuilder,
    costs: FloatArray,
    *,
    allowed: BoolArray | None = None,
    integer: bool = False,
) -> IntArray:
    """
    Add columns x_ij and Σ_j x_ij = 1; return the columns, shape (clients, sites).

    Columns that are not ``allowed`` are fixed to 0; None allows all.
    """
    num_clients, num_sites = costs.shape
    upper = 1.0 if allowed is None else allowed.ravel().astype(float)
    x = builder.add_columns(costs.ravel(), upper=upper, integer=integer)
    client = np.repeat(np.arange(num_clients), num_sites)
    builder.add_rows(client, x, 1, lower=np.ones(num_clients), upper=1)
    return x.reshape(costs.shape)


def add_links(builder: ModelBuilder, x: IntArray, y: IntArray) -> None:
    """Add x_ij ≤ y_j for every pair."""
    pair = np.arange(x.size)
    builder.add_rows(
        np.r_[pair, pair],
        np.r_[x.ravel(), np.tile(y, x.shape[0])],
        np.repeat([1, -1], x.size),
        upper=np.zeros(x.size),
    )


def add_capacity(
    builder: ModelBuilder, x: IntArray, y: IntArray, *, demand: FloatArray, capacity: FloatArray
) -> None:
    """Add Σ_i q_i x_ij ≤ Q_j y_j for every site."""
    num_clients, num_sites = x.shape
    site = np.arange(num_sites)
    builder.add_rows(
        np.r_[np.tile(site, num_clients), site],
        np.r_[x.ravel(), y],
        np.r_[np.repeat(demand, num_sites), -capacity],
        upper=np.zeros(num_sites),
    )


def decode_open(values: FloatArray, *, costs: FloatArray) -> Allocation:
    """Read the open sites, and allot each client to the one where it costs least."""
    return closest_allocation(costs, values[: costs.shape[1]] > 0.5)


def decode_assigned(values: FloatArray, *, shape: tuple[int, int]) -> Allocation:
    """Read the open sites and the site of each client."""
    num_clients, num_sites = shape
    x = values[num_sites : num_sites + num_clients * num_sites].reshape(shape)
    site = np.where(x.max(axis=1) > 0.5, np.argmax(x, axis=1), -1)
    return Allocation(values[:num_sites] > 0.5, site)


def encode_assigned(allocation: Allocation, *, shape: tuple[int, int]) -> FloatArray:
    """Write the open sites and the site of each client as columns y, then x."""
    x = np.zeros(shape)
    served = np.flatnonzero(allocation.site_of_client >= 0)
    x[served, allocation.site_of_client[served]] = 1
    return np.concatenate([allocation.is_open.astype(float), x.ravel()])
