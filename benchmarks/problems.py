"""Problems of the suite that are no problem of ``models`` alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..models.districting.problem import Districting
from ..models.formulation import FloatArray
from ..models.siting.station import StationSiting


@dataclass(frozen=True, eq=False)
class EdgeCostDistricting:
    """
    Districting that minimises the costs of the cut edges.

    Parameters
    ----------
    districting
        Units, balance and number of districts; its moment of inertia does not count.
    edge_costs
        Cost of each edge if it is cut: 1, or the length of the shared border, shape (edges,).
    """

    districting: Districting
    edge_costs: FloatArray


@dataclass(frozen=True, eq=False)
class StationPlan:
    """
    Station siting with the objective that is asked for.

    Parameters
    ----------
    siting
        The problem.
    objective
        ``cheapest`` or ``walking``; walking within ``budget``.
    budget
        Largest cost; infinite for none.
    """

    siting: StationSiting
    objective: str
    budget: float = float("inf")


@dataclass(frozen=True, eq=False)
class ClientStream:
    """
    Maximal covering of clients that are drawn batch by batch and never held at once.

    Clients and sites lie anywhere in a square; each client weighs a whole number from 1 to 39.

    Parameters
    ----------
    num_clients, num_sites
        Numbers of both.
    side, radius
        Side of the square, and distance up to which a site covers a client.
    p
        Number of sites to open.
    seed
        Same seed, same clients.
    """

    num_clients: int
    num_sites: int
    side: float
    radius: float
    p: int
    seed: int

    BATCH = 1_000_000

    @cached_property
    def sites(self) -> FloatArray:
        """Coordinates of the sites, shape (sites, 2)."""
        return np.random.default_rng((self.seed, 0)).uniform(0, self.side, (self.num_sites, 2))

    def batches(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Coordinates and weights of some clients each."""
        for number, begin in enumerate(range(0, self.num_clients, self.BATCH), 1):
            rng = np.random.default_rng((self.seed, number))
            count = min(self.BATCH, self.num_clients - begin)
            points = rng.uniform(0, self.side, (count, 2))
            yield points, rng.integers(1, 40, count).astype(float)


@dataclass(frozen=True, eq=False)
class CityFile:
    """A city on disk that is planned as a whole, with the policy's values to replace."""

    path: Path
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class MicroTask:
    """
    A part that is timed on its own.

    Parameters
    ----------
    task
        What is done: build, walk, dissolve, read or write.
    subject
        What it is done to.
    """

    task: str
    subject: Any
