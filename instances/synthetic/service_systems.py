"""Random service systems of any size, with floor areas in whole hundreds of m²."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ...models.siting.capacity_flow import Capacities
from ...models.siting.service_parts import (
    Facilities,
    Grounds,
    Needs,
    Prices,
    Reaches,
    Sharing,
)
from ...models.siting.service_system import ServiceSystem


def _matrix(rows: list[np.ndarray], num: int) -> sparse.csr_array:
    table = np.zeros((len(rows), num))
    for row, columns in enumerate(rows):
        table[row, columns] = 1.0
    return sparse.csr_array(table)


def random_system(
    seed: int,
    *,
    num_sites: int = 3,
    num_units: int = 4,
    num_communities: int = 2,
    is_shared: bool = False,
    budget: float = np.inf,
    keep: bool = True,
    reach: float | None = None,
) -> ServiceSystem:
    """
    Make a system of stations, points and one more service; areas are whole hundreds of m².

    Services 0 and 2 exclude each other at a site; 1 is the point of 0. Site 0 stands today.

    Parameters
    ----------
    seed
        Seed of every random choice.
    num_sites, num_units, num_communities
        Sizes.
    is_shared
        Whether a station may serve two communities, anywhere.
    budget
        Money of each of two funds.
    keep
        Whether what stands today must stay.
    reach
        Sites within reach of a unit, on average; None for 0.6 of them all.
    """
    rng = np.random.default_rng(seed)
    community = rng.permutation(np.arange(num_sites) % num_communities)
    home = rng.permutation(np.arange(num_units) % num_communities)
    existing = np.arange(num_sites) == 0
    built = np.where(existing, 200.0, 0.0)
    most = 100.0 * rng.integers(2, 5, num_sites)
    build = rng.integers(1, 9, num_sites) / 10
    grounds = Grounds(
        built_m2=built,
        most_m2=np.maximum(most, built),
        fixed_cost=np.where(existing, 0.0, rng.integers(0, 3, num_sites) * 40.0),
        build_cost=build,
        convert_cost=np.where(existing, np.minimum(0.1, build), build),
        fund=community % 2,
    )
    site = np.repeat(np.arange(num_sites), 3)
    service = np.tile(np.arange(3), num_sites)
    today = np.where((site == 0) & (service == 2 * (seed % 2)), 200.0, 0.0)
    least = np.where(today > 0, today, 100.0)
    room = grounds.most_m2[site]
    largest = np.where(service == 1, np.minimum(100.0, room), np.minimum(300.0, room))
    facilities = Facilities(
        site=site,
        service=service,
        today_m2=today,
        least_m2=least,
        most_m2=np.maximum(largest, least),
        is_kept=(today > 0) & keep,
        closing_cost=0.05 * today,
    )
    num = site.size
    stations = [
        np.flatnonzero((service == 0) & (community[site] == c)) for c in range(num_communities)
    ]
    points = [
        np.flatnonzero((service == 1) & (community[site] == c)) for c in range(num_communities)
    ]
    others = [
        np.flatnonzero((service == 2) & (community[site] == c)) for c in range(num_communities)
    ]
    none = [np.empty(0, dtype=int)] * num_communities
    area = 200.0 * rng.integers(1, 3, num_communities)
    needs = Needs(
        service=np.repeat([0, 2], num_communities),
        names=tuple(f"community {c}" for c in range(num_communities)) * 2,
        area_m2=np.r_[area, np.zeros(num_communities)],
        least=np.ones(2 * num_communities, dtype=np.int64),
        most=np.r_[np.full(num_communities, 2), np.full(num_communities, 99)],
        members=_matrix((none if is_shared else stations) + others, num),
        points=_matrix(points + none, num),
        point_share=0.5,
    )
    shared = np.arange(num_communities) if is_shared else np.empty(0, dtype=np.int64)
    anywhere = [np.flatnonzero(service == 0)] * len(shared)
    near = rng.random((num_units, num_sites)) < (0.6 if reach is None else reach / num_sites)
    reach_rows, reach_service, reach_unit = [], [], []
    for unit in range(num_units):
        for kind, serving in ((0, [0, 1]), (2, [2])):
            mine = np.isin(service, serving) & near[unit][site]
            reach_rows.append(np.flatnonzero(mine))
            reach_service.append(kind)
            reach_unit.append(unit)
    capacity_rows = [
        np.flatnonzero(np.isin(service, [0, 1]) & near[unit][site]) for unit in range(num_units)
    ]
    return ServiceSystem(
        grounds,
        facilities,
        needs,
        Reaches(
            np.array(reach_service),
            np.array(reach_unit),
            rng.integers(1, 9, len(reach_rows)).astype(float),
            _matrix(reach_rows, num),
        ),
        Capacities(
            np.arange(num_units),
            100.0 * rng.integers(0, 2, num_units).astype(float),
            home.astype(np.int64),
            _matrix(capacity_rows, num),
        ),
        Sharing(shared, _matrix(anywhere, num), most_places=2),
        np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]], dtype=bool),
        Prices(person=30.0, square_metre=2.0, facility=150.0),
        np.array([budget, budget]),
    )
