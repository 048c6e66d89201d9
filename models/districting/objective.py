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
        shapes = {
            "edge_costs": (problem.edges.reshape(-1, 2).shape[0],),
            "label_costs": (problem.num_nodes, problem.num_districts),
        }
        for label, shape in shapes.items():
            costs = getattr(self, label)
            if costs is None:
                continue
            if costs.shape != shape:
                raise ValueError(f"{label} has shape {costs.shape}, expected {shape}.")
            wrong = np.argwhere(~(np.isfinite(costs) & (costs >= 0)))
            if wrong.size:
                place = tuple(int(i) for i in wrong[0])
                raise ValueError(
                    f"{label}{list(place)} is {costs[place]:g}; give a finite cost that is not "
                    "negative."
                )
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
            u, v = problem.edges.reshape(-1, 2).T
            value += float(self.edge_costs[assignment[u] != assignment[v]].sum())
        if self.label_costs is not None:
            value += float(self.label_costs[np.arange(assignment.size), assignment].sum())
        return value
