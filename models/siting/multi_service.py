"""
Several services at one site: what a site costs is paid once, whatever it offers.

Sets: services s, sites j, clients i of each service. Variables: z_j = 1 if site j is open, y_sj = 1
if it offers service s, x_sij = share of client i that service s serves from site j. Minimise

    Σ_j F_j z_j + Σ_sj f_sj y_sj + Σ_sij c_sij x_sij

subject to

    Σ_j x_sij = 1                        every client i of service s        (assign)
    x_sij ≤ y_sj                         every client, site and service     (link)
    y_sj ≤ z_j                           every site and service             (site)
    Σ_s a_s y_sj ≤ A_j                   every site j                       (room)
    Σ_j y_sj ≤ p_s                       every service s                    (count)

and the rules of :mod:`.site_rules` on z. Pairs whose cost is infinite may not be used, so that with
costs of 0 within reach and infinity beyond it, every client is covered by every service that it
needs; with costs of distance and p_s sites, each service is a p-median problem of its own but for
the sites that they share.

Warszawski 1973, "Multi-dimensional location problems", Operational Research Quarterly 24(2);
Klincewicz and Luss 1987, "A dual-based algorithm for multiproduct uncapacitated facility location",
Transportation Science 21(3). (room) and (count) are additions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .allocation import TOLERANCE, Allocation, AllocationModel, check_numbers, shape_violations
from .assignment_rules import (
    add_permitted_assignment,
    add_permitted_links,
    cheapest_allocation,
    pair_matrix,
)
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class Offer:
    """
    Open sites, and what each of them offers.

    Parameters
    ----------
    is_open
        Shape (sites,).
    offered
        Whether the site offers the service, shape (services, sites).
    """

    is_open: BoolArray
    offered: BoolArray


@dataclass(frozen=True, eq=False)
class MultiService:
    """
    One problem of several services that share sites, as arrays; its solution is an :class:`Offer`.

    Parameters
    ----------
    costs
        For each service, the cost of serving its client from the site, shape (clients of the
        service, sites); infinite where the site may not serve the client. A CSR array holds the
        permitted pairs only.
    service_costs
        Cost of offering the service at the site, shape (services, sites); infinite where it cannot
        be offered.
    site_costs
        Cost of opening each site, whatever it offers, shape (sites,).
    most
        Number of sites at most that offer each service, shape (services,); None for no such rule.
    needs, room
        Floor area that each service needs at a site, shape (services,), and that each site has,
        shape (sites,), m²; None for no such rule.
    rules
        Which sites may be open together. A site that is required need not offer anything.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative or not a number, ``needs`` and ``room`` are not both
        given, or the rules contradict each other.

    Examples
    --------
    >>> near = np.array([[1.0, 3.0], [3.0, 1.0]])
    >>> problem = MultiService([near, near], np.ones((2, 2)), np.full(2, 10.0))
    >>> problem.evaluate(Offer(np.array([True, False]), np.array([[True, False]] * 2)))
    20.0
    """

    costs: Sequence[FloatArray | sparse.csr_array]
    service_costs: FloatArray
    site_costs: FloatArray
    most: IntArray | None = None
    needs: FloatArray | None = None
    room: FloatArray | None = None
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        if not self.costs:
            raise ValueError("costs is empty; give an array for each service.")
        check_numbers("site_costs", self.site_costs, shape=(self.num_sites,))
        expected = (self.num_services, self.num_sites)
        if self.service_costs.shape != expected:
            raise ValueError(
                f"service_costs has shape {self.service_costs.shape}, expected {expected}."
            )
        pair_matrix("service_costs", self.service_costs)
        for service, matrix in enumerate(self.matrices):
            if matrix.shape[1] != self.num_sites:
                raise ValueError(
                    f"costs[{service}] has shape {matrix.shape}, expected (clients, "
                    f"{self.num_sites}) as costs[0] has {self.num_sites} sites."
                )
        if (self.needs is None) != (self.room is None):
            raise ValueError("needs and room belong together; give both or neither.")
        if self.needs is not None and self.room is not None:
            check_numbers("needs", self.needs, shape=(self.num_services,))
            check_numbers("room", self.room, shape=(self.num_sites,))
        if self.most is not None:
            check_numbers("most", self.most.astype(float), shape=(self.num_services,))
        check_rules(self.rules, num_sites=self.num_sites)

    @cached_property
    def matrices(self) -> list[FloatArray]:
        """Costs of each service as a matrix, infinite where a site may not serve a client."""
        return [pair_matrix(f"costs[{s}]", costs) for s, costs in enumerate(self.costs)]

    @property
    def num_services(self) -> int:
        """Number of services."""
        return len(self.costs)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return int(self.costs[0].shape[1])

    def allocations(self, offer: Offer) -> list[Allocation]:
        """For each service, its sites and each client's cheapest one, -1 if there is none."""
        return [
            cheapest_allocation(matrix, offered)
            for matrix, offered in zip(self.matrices, offer.offered, strict=True)
        ]

    def evaluate(self, offer: Offer) -> float:
        """Cost of sites, services and of serving all clients; infinite if one has no site."""
        total = float(self.site_costs @ offer.is_open)
        total += float(self.service_costs[offer.offered].sum())
        for matrix, offered in zip(self.matrices, offer.offered, strict=True):
            total += float(np.min(matrix, axis=1, where=offered, initial=np.inf).sum())
        return total

    def violations(self, offer: Offer) -> list[str]:
        """Every broken rule of an offer, in words; empty if it is feasible."""
        misfits = shape_violations(
            is_open=(offer.is_open, (self.num_sites,)),
            offered=(offer.offered, (self.num_services, self.num_sites)),
        )
        if misfits:
            return misfits
        broken = [
            f"site {j} offers service {s} and is closed"
            for s, j in np.argwhere(offer.offered & ~offer.is_open)
        ]
        broken += [
            f"site {j} offers service {s}, which it cannot"
            for s, j in np.argwhere(offer.offered & ~np.isfinite(self.service_costs))
        ]
        for service, allocation in enumerate(self.allocations(offer)):
            lost = np.flatnonzero(allocation.site_of_client < 0)
            broken += [f"client {i} has no site of service {service}" for i in lost]
        return broken + self._limit_violations(offer) + rule_violations(offer.is_open, self.rules)

    def _limit_violations(self, offer: Offer) -> list[str]:
        broken = []
        if self.most is not None:
            number = offer.offered.sum(axis=1)
            broken += [
                f"{number[s]} sites offer service {s}, at most {self.most[s]} may"
                for s in np.flatnonzero(number > self.most)
            ]
        if self.needs is not None and self.room is not None:
            used = self.needs @ offer.offered
            broken += [
                f"site {j} needs {used[j]:g} m² and has {self.room[j]:g}"
                for j in np.flatnonzero(used > self.room + TOLERANCE * (1 + self.room))
            ]
        return broken


def multi_service_model(problem: MultiService) -> AllocationModel[Offer]:
    """Build the plain formulation; the columns are z, then y by service, then x by service."""
    builder = ModelBuilder("multi-service")
    y = add_offers(builder, problem)
    shares = []
    for service, matrix in enumerate(problem.matrices):
        x = add_permitted_assignment(builder, matrix)
        add_permitted_links(builder, x, y[service], matrix)
        shares.append(x)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_offer, problem=problem),
        encode=partial(_encode, problem=problem),
    )


def add_offers(builder: ModelBuilder, problem: MultiService) -> IntArray:
    """Add z and y with all their rows; return y, shape (services, sites)."""
    num_services, num_sites = problem.num_services, problem.num_sites
    z = builder.add_columns(problem.site_costs, upper=1, integer=True)
    possible = np.isfinite(problem.service_costs)
    y = builder.add_columns(
        np.where(possible, problem.service_costs, 0.0).ravel(),
        upper=possible.ravel().astype(float),
        integer=True,
    )
    row = np.arange(y.size)
    builder.add_rows(
        np.r_[row, row],
        np.r_[y, np.tile(z, num_services)],
        np.repeat([1, -1], y.size),
        upper=np.zeros(y.size),
    )
    if problem.needs is not None and problem.room is not None:
        site = np.tile(np.arange(num_sites), num_services)
        builder.add_rows(site, y, np.repeat(problem.needs, num_sites), upper=problem.room)
    if problem.most is not None:
        service = np.repeat(np.arange(num_services), num_sites)
        builder.add_rows(service, y, 1, upper=problem.most.astype(float))
    add_site_rules(builder, z, problem.rules)
    return y.reshape(num_services, num_sites)


def decode_offer(values: FloatArray, *, problem: MultiService) -> Offer:
    """Read the open sites and what they offer."""
    num_sites = problem.num_sites
    y = values[num_sites : num_sites * (1 + problem.num_services)]
    return Offer(values[:num_sites] > 0.5, y.reshape(-1, num_sites) > 0.5)


def _encode(offer: Offer, *, problem: MultiService) -> FloatArray:
    """Write the open sites, what they offer, and who is served where."""
    parts = [offer.is_open.astype(float), offer.offered.astype(float).ravel()]
    for matrix, allocation in zip(problem.matrices, problem.allocations(offer), strict=True):
        share = np.zeros(matrix.shape)
        served = np.flatnonzero(allocation.site_of_client >= 0)
        share[served, allocation.site_of_client[served]] = 1.0
        parts.append(share.ravel())
    return np.concatenate(parts)
