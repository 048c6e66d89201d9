"""Generated siting cases with a target: many points, streets, and floor area in steps."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ...instances.synthetic.modular_sites import CityKind, modular_sites
from ...models.formulation import FloatArray
from ...models.siting.distances import PointDistances
from ...models.siting.modular_floor_area import ModularFloorArea
from ...models.siting.p_center import PCenter
from ...models.siting.set_covering import SetCovering
from ..problems import ClientStream
from ..registry import Case, register_case
from .published_siting import LEAST_LIMIT, TARGET

Load = Any

STREET_METRES = 100.0
STREETS_CUT = 0.2
REACH_METRES = 1125.0
"""Fifteen minutes on foot at 4.5 km/h."""


def random_centres(data: Path, *, num_points: int, p: int) -> PCenter:
    """Return a p-center problem in which every point of a square is client and site."""
    del data
    points = np.random.default_rng((3, num_points)).uniform(0, 1e6, (num_points, 2))
    return PCenter(PointDistances(points, points), p)


def client_stream(data: Path, **asked: Any) -> ClientStream:  # noqa: ANN401 - its fields
    """Return maximal covering of clients in batches."""
    del data
    return ClientStream(**asked, seed=5)


def street_cover(data: Path, *, num_sites: int, num_clients: int) -> SetCovering:
    """
    Return set covering within fifteen minutes along streets; every client is covered.

    The streets are a square grid with corners moved by a quarter of a block and a fifth of the
    links cut; clients and sites stand at corners.
    """
    del data
    rng = np.random.default_rng((7, num_sites, num_clients))
    side = int(np.ceil(np.sqrt(1.2 * num_clients)))
    streets = _streets(side, rng)
    _, part = csgraph.connected_components(streets, directed=False)
    whole = np.flatnonzero(part == np.bincount(part).argmax())
    sites = rng.choice(whole, num_sites, replace=False)
    clients = rng.choice(whole, num_clients, replace=False)
    client_of = np.full(side**2, -1)
    client_of[clients] = np.arange(num_clients)
    rows, columns = [], []
    for begin in range(0, num_sites, 100):
        some = sites[begin : begin + 100]
        away = csgraph.dijkstra(streets, directed=False, indices=some, limit=REACH_METRES)
        site, corner = np.nonzero(np.isfinite(away))
        kept = client_of[corner] >= 0
        rows.append(client_of[corner[kept]])
        columns.append(site[kept] + begin)
    row, column = np.concatenate(rows), np.concatenate(columns)
    covered, row = np.unique(row, return_inverse=True)
    entries = (np.ones(row.size), (row, column))
    covers = sparse.csr_array(sparse.coo_array(entries, shape=(covered.size, num_sites)))
    return SetCovering(covers, np.ones(num_sites))


def _streets(side: int, rng: np.random.Generator) -> sparse.csr_array:
    """Lengths of the links between the corners of a grid."""
    corner = np.arange(side**2).reshape(side, side)
    row, column = np.indices((side, side)) * STREET_METRES
    moved: FloatArray = np.stack([row, column]) + rng.normal(0, STREET_METRES / 8, (2, side, side))
    place = moved.reshape(2, -1).T
    one = np.r_[corner[:, :-1].ravel(), corner[:-1].ravel()]
    other = np.r_[corner[:, 1:].ravel(), corner[1:].ravel()]
    kept = rng.random(one.size) >= STREETS_CUT
    one, other = one[kept], other[kept]
    lengths = np.linalg.norm(place[one] - place[other], axis=1)
    return sparse.csr_array(sparse.coo_array((lengths, (one, other)), shape=(side**2, side**2)))


def modular_city(
    data: Path, *, num_clients: int, num_sites: int, kind: CityKind, budget: float | None
) -> ModularFloorArea:
    """Return sites with floor area in steps: most residents in a budget, or 80 % at least cost."""
    del data
    return modular_sites(
        num_clients,
        num_sites=num_sites,
        seed=1,
        kind=kind,
        budget_share=budget,
        least_share=0.8 if budget is None else None,
    )


def add(
    family: str,
    name: str,
    load: Load,
    *,
    size: tuple[int, int],
    target: float | None = None,
    time_limit: float = LEAST_LIMIT,
) -> None:
    """Register one case with clients and sites, its target and limit in seconds."""
    register_case(
        Case(
            name=f"{family}/{name}",
            family=family,
            load=load,
            size=dict(zip(("clients", "sites"), size, strict=True)),
            tags=frozenset({"generated", TARGET}),
            target_seconds=target,
            time_limit=max(time_limit, target or 0.0),
        )
    )


def _add_centres() -> None:
    for num_points in (100_000, 1_000_000):
        for p in (5, 10):
            add(
                "p-center",
                f"random-{num_points}-p{p:02}",
                partial(random_centres, num_points=num_points, p=p),
                size=(num_points, num_points),
                target=600.0,
            )


def _add_streams() -> None:
    for num_clients, num_sites, radius, p, target, limit in (
        (1_000_000, 1000, 1.2, 20, 15.0, 60.0),
        (1_000_000, 1000, 1.2, 50, None, 120.0),
        (1_000_000, 1000, 1.2, 100, None, 120.0),
        (20_000_000, 100, 5.5, 10, 30.0, 120.0),
    ):
        asked: dict[str, Any] = {
            "num_clients": num_clients, "num_sites": num_sites, "radius": radius, "p": p,
        }  # fmt: skip
        add(
            "covering-stream",
            f"{num_sites}x{num_clients}-p{p:03}",
            partial(client_stream, side=30.0, **asked),
            size=(num_clients, num_sites),
            target=target,
            time_limit=limit,
        )


def _add_streets() -> None:
    for num_sites, num_clients, target in ((1000, 10_000, None), (10_000, 100_000, 60.0)):
        add(
            "set-covering",
            f"streets-{num_sites}x{num_clients}",
            partial(street_cover, num_sites=num_sites, num_clients=num_clients),
            size=(num_clients, num_sites),
            target=target,
        )


MODULAR_LIMITS = {(450, 100): 60.0, (5_500, 500): 300.0, (20_000, 2_000): 900.0}
"""Limit in seconds by clients and sites."""

BUDGETS = (0.3, 0.6)
"""Share of what serving everybody costs at least."""


def _add_modular() -> None:
    kinds: tuple[CityKind, ...] = ("uniform", "clustered", "existing")
    for size, limit in MODULAR_LIMITS.items():
        for kind in kinds:
            for budget in (*BUDGETS, None):
                asked = "cost" if budget is None else f"budget{100 * budget:.0f}"
                add(
                    "modular-floor-area",
                    f"{size[0]}x{size[1]}-{kind}-{asked}",
                    partial(
                        modular_city,
                        num_clients=size[0],
                        num_sites=size[1],
                        kind=kind,
                        budget=budget,
                    ),
                    size=size,
                    time_limit=limit,
                )


for register in (_add_centres, _add_streams, _add_streets, _add_modular):
    register()
