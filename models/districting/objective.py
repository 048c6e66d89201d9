"""What a plan is judged by: a weighted sum that engines and heuristics understand alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formulation import FloatArray, IntArray
from .problem import Districting


@dataclass(frozen=True, eq=False)
class Objective:
    """
    Weighted sum: inertia · (moment of inertia) + costs of cut edges + costs of nodes in districts.

    Parameters
    ----------
    inertia
        Factor of the moment of inertia, not negative.
    edge_costs
        Cost of each edge whose ends lie in two districts, shape (edges,): ones count the cut
        edges, lengths measure the borders; None for no such cost.
    label_costs
        Cost of each node in each district, shape (nodes, districts): residents who would change
        their community, minutes to the seat; None for no such cost.
    """

    inertia: float = 1.0
    edge_costs: FloatArray | None = None
    label_costs: FloatArray | None = None

    def check(self, problem: Districting) -> None:
        """
        Refuse costs that do not fit a problem.

        Raises
        ------
        ValueError
            If a shape differs, or a cost is negative or not finite.
        """
        if self.edge_costs is not None:
            _check_edge_costs(problem, self.edge_costs)
        if self.label_costs is not None:
            _check_label_costs(problem, self.label_costs)
        if not (np.isfinite(self.inertia) and self.inertia >= 0):
            raise ValueError(f"inertia is {self.inertia:g}; give a factor that is not negative.")

    @property
    def is_whole(self) -> bool:
        """Whether every plan has a whole number as its value."""
        parts = [costs for costs in (self.edge_costs, self.label_costs) if costs is not None]
        return self.inertia == 0 and all(np.array_equal(c, np.rint(c)) for c in parts)

    def evaluate(self, problem: Districting, assignment: IntArray) -> float:
        """
        Value of a plan.

        Parameters
        ----------
        assignment
            District 0..k-1 of each node, shape (nodes,).
        """
        value = self.inertia * problem.evaluate(assignment) if self.inertia else 0.0
        if self.edge_costs is not None:
            value += float(self.edge_costs[problem.is_cut(assignment)].sum())
        if self.label_costs is not None:
            value += float(self.label_costs[np.arange(assignment.size), assignment].sum())
        return value


def _check_edge_costs(problem: Districting, edge_costs: FloatArray) -> None:
    """Refuse costs that do not fit the edges, by the names of the nodes."""
    expected = (problem.edges.reshape(-1, 2).shape[0],)
    if edge_costs.shape != expected:
        raise ValueError(f"edge_costs has shape {edge_costs.shape}, expected {expected}.")
    wrong = np.flatnonzero(~(np.isfinite(edge_costs) & (edge_costs >= 0)))
    if wrong.size:
        edge = int(wrong[0])
        u, v = problem.edges[edge]
        raise ValueError(
            f"The cost of the edge {problem.name(int(u))} - {problem.name(int(v))} is "
            f"{edge_costs[edge]:g}; give a finite cost that is not negative."
        )


def _check_label_costs(problem: Districting, label_costs: FloatArray) -> None:
    """Refuse costs that do not fit nodes and districts."""
    expected = (problem.num_nodes, problem.num_districts)
    if label_costs.shape != expected:
        raise ValueError(f"label_costs has shape {label_costs.shape}, expected {expected}.")
    wrong = np.argwhere(~(np.isfinite(label_costs) & (label_costs >= 0)))
    if wrong.size:
        node, district = (int(i) for i in wrong[0])
        raise ValueError(
            f"label_costs[{node}, {district}] is {label_costs[node, district]:g}; give a finite "
            "cost that is not negative."
        )
