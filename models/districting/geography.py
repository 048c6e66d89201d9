"""What measures know of the ground beyond the problem: lengths, areas, minutes, and today."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formulation import FloatArray, IntArray
from .problem import Districting


@dataclass(frozen=True, eq=False)
class Geography:
    """
    What the measures know of the ground beyond the problem; None where it is not known.

    Parameters
    ----------
    edge_lengths
        Length of the border of each edge in metres, shape (edges,).
    edge_factors
        Share at which the length of each edge counts for the measure "border", shape (edges,):
        below 1 where the border runs along an arterial, a river or a railway.
    outer_perimeter
        Length of each node's outline that borders on no other node, in metres, shape (nodes,).
    area
        Area of each node in m², shape (nodes,).
    today
        District 0..k-1 of each node today, -1 where it has none, shape (nodes,).
    minutes
        Walking minutes from each node to the seat of each district, shape (nodes, districts).
    """

    edge_lengths: FloatArray | None = None
    edge_factors: FloatArray | None = None
    outer_perimeter: FloatArray | None = None
    area: FloatArray | None = None
    today: IntArray | None = None
    minutes: FloatArray | None = None

    def check(self, problem: Districting) -> None:
        """
        Refuse data that does not fit a problem.

        Raises
        ------
        ValueError
            If a shape differs, a number is negative or not finite, or a district has no number.
        """
        n, k = problem.num_nodes, problem.num_districts
        edges = (problem.edges.reshape(-1, 2).shape[0],)
        shapes = {
            "edge_lengths": edges,
            "edge_factors": edges,
            "outer_perimeter": (n,),
            "area": (n,),
            "today": (n,),
            "minutes": (n, k),
        }
        for label, shape in shapes.items():
            values = getattr(self, label)
            if values is None:
                continue
            if values.shape != shape:
                raise ValueError(f"{label} has shape {values.shape}, expected {shape}.")
            least = -1 if label == "today" else 0
            wrong = np.argwhere(~(np.isfinite(values) & (values >= least)))
            if wrong.size:
                place = tuple(int(i) for i in wrong[0])
                raise ValueError(
                    f"{label}{list(place)} is {values[place]:g}; give a finite number of at least "
                    f"{least}."
                )
        if self.today is not None and self.today.max() >= k:
            node = int(self.today.argmax())
            raise ValueError(
                f"today puts {problem.name(node)} into district {self.today[node]}; number the "
                f"districts 0..{k - 1}, or -1 for none."
            )
        if self.area is not None and not (self.area > 0).all():
            raise ValueError(
                f"The area of {problem.name(int(self.area.argmin()))} is not positive."
            )

    def needed(self, label: str, measure: str) -> FloatArray:
        """
        Return one of the arrays.

        Raises
        ------
        ValueError
            If it is not known.
        """
        values = getattr(self, label)
        if values is None:
            raise ValueError(f"The measure {measure!r} needs {label}; give it in the geography.")
        return np.asarray(values)
