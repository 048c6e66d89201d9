"""Bounded shortest paths on networks: grids of growing size, and real cities."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..problems import MicroTask
from ..registry import Case, register_case

GRIDS = ((10_000, 200), (50_000, 2_000), (200_000, 2_000))
"""Nodes and sources."""

LIMIT = 15.0
SHARE_OF_STREETS = 0.9
REAL = {"kaohsiung": 1306, "taipei": 2210}


def _grid(data: Path, *, nodes: int, sources: int) -> MicroTask:
    """Make streets of 60 to 140 m on a square grid, a tenth of them missing, walked at 75 m/min."""
    from ...instances.network import quickest_edges  # noqa: PLC0415 - geopandas is slow to load

    del data
    random = np.random.default_rng(1)
    side = int(np.ceil(nodes**0.5))
    node = np.arange(side * side).reshape(side, side)
    start = np.concatenate([node[:, :-1].ravel(), node[:-1].ravel()])
    end = np.concatenate([node[:, 1:].ravel(), node[1:].ravel()])
    there = random.random(start.size) < SHARE_OF_STREETS
    minutes = random.uniform(60, 140, int(there.sum())) / 75
    graph = quickest_edges(start[there], end[there], minutes, node.size)
    chosen = np.sort(random.choice(node.size, sources, replace=False))
    return MicroTask("paths", (graph, chosen, np.arange(node.size), LIMIT))


def _real(data: Path, *, name: str) -> MicroTask:
    """Search from the nodes of all sites to those of all units of a city."""
    from ...instances.city import read_city  # noqa: PLC0415 - geopandas is slow to load
    from ...instances.network import walking_network  # noqa: PLC0415
    from ...instances.policy import Policy  # noqa: PLC0415

    city = read_city(data / "cities" / name / "city.gpkg")
    network = walking_network(city.network, city.barriers, Policy())
    sources, ends = (
        np.unique(network.snap(points)[0]) for points in (city.site_points, city.unit_points)
    )
    return MicroTask("paths", (network.graph, sources, ends, LIMIT))


def _size(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - as the registry takes them
    return values


for place, (nodes, sources) in enumerate(GRIDS):
    register_case(
        Case(
            name=f"micro-paths/grid-{nodes:06}",
            family="micro-paths",
            load=partial(_grid, nodes=nodes, sources=sources),
            size=_size(nodes=nodes, sources=sources),
            tags=frozenset({"generated", "micro", "walking", *(["smoke"] if place == 0 else [])}),
        )
    )
for name, sites in REAL.items():
    register_case(
        Case(
            name=f"micro-paths/{name}",
            family="micro-paths",
            load=partial(_real, name=name),
            size=_size(sites=sites),
            tags=frozenset({"real", "walking"}),
            needs=f"cities/{name}/city.gpkg",
            where="Taiwan government open data",
        )
    )
