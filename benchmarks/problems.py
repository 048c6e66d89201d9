"""Problems of the suite that are no problem of ``models`` alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
