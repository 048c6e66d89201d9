"""
The centdian problem: p sites that are good on average and not bad for anybody.

With the variables and rows of :mod:`.closest_sites`, weights w_i, and λ in [0, 1], minimise

    λ r + (1 - λ) Σ_i w_i d_i / Σ_i w_i

subject to

    d_i ≤ r                         every client i              (radius)

λ = 0 is the p-median problem (of the mean distance), λ = 1 the p-center problem.

Halpern 1976, "The location of a center-median convex combination on an undirected tree", Journal
of Regional Science 16(2), who takes the total in place of the mean distance; the mean has the unit
of r, so that λ means the same for any number of residents.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..formulation import FloatArray, ModelBuilder
from .allocation import Allocation, AllocationModel, decode_open, encode_assigned
from .closest_sites import ClosestSites, add_excess, add_served


@dataclass(frozen=True, eq=False, kw_only=True)
class Centdian(ClosestSites):
    """
    One centdian problem as arrays; its solution is an :class:`.allocation.Allocation`.

    Parameters
    ----------
    centre_share
        λ, the share of the largest distance in the objective, 0..1.

    Raises
    ------
    ValueError
        See :class:`.closest_sites.ClosestSites`; if λ is not in 0..1.

    Examples
    --------
    >>> line = np.array([0.0, 1.0, 5.0])
    >>> problem = Centdian(distances=np.abs(line[:, None] - line), p=1, centre_share=0.5)
    >>> problem.evaluate(Allocation(np.array([False, True, False]), np.array([1, 1, 1])))
    2.833333333333333
    """

    centre_share: float

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other, and a share that is none."""
        super().__post_init__()
        if not 0 <= self.centre_share <= 1:
            raise ValueError(f"centre_share is {self.centre_share}; give a share from 0 to 1.")

    @property
    def client_costs(self) -> FloatArray:
        """Share of each client's distance in the objective, shape (clients,)."""
        return np.asarray((1 - self.centre_share) * self.weight / self.weight.sum())

    def evaluate(self, allocation: Allocation) -> float:
        """Convex combination of largest and mean distance; infinite if a client has no site."""
        away = self.served_distances(allocation)
        if np.isinf(away).any():
            return float(np.inf)
        return float(self.centre_share * away.max() + self.client_costs @ away)


def centdian_model(problem: Centdian) -> AllocationModel[Allocation]:
    """Build the formulation, with a column for each pair of client and site."""
    distances = problem.reachable()
    builder = ModelBuilder("centdian")
    _, x = add_served(builder, problem, distances, costs=problem.client_costs)
    radius = builder.add_columns([problem.centre_share])
    add_excess(builder, x, distances, threshold=radius, costs=None)
    return AllocationModel(
        builder.build(),
        decode=partial(decode_open, costs=distances),
        encode=partial(_encode, problem=problem),
    )


def _encode(allocation: Allocation, *, problem: Centdian) -> FloatArray:
    """Write the open sites, the site of each client and the largest distance."""
    values = encode_assigned(allocation, shape=problem.pairs.shape)
    return np.append(values, problem.served_distances(allocation).max())
