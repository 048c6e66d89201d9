"""Rules that tell districts apart: own bounds, locks, bans, seats; and pairs kept apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class DistrictRules:
    """
    Rules that name districts by number, or pairs of nodes; None where nothing is asked.

    Parameters
    ----------
    lower, upper
        Bounds on each weight of each district, shape (districts, weights).
    locked
        District that each node must belong to, -1 where it is free, shape (nodes,).
    forbidden
        Districts that each node must not belong to, shape (nodes, districts).
    seats
        Node that is the centre of each district and lies in it, -1 where the centre is free,
        shape (districts,).
    apart
        Pairs of nodes that must not share a district, shape (pairs, 2).

    Raises
    ------
    ValueError
        By :meth:`check`, if shapes differ, a number names nothing or two rules contradict.
    """

    lower: FloatArray | None = None
    upper: FloatArray | None = None
    locked: IntArray | None = None
    forbidden: BoolArray | None = None
    seats: IntArray | None = None
    apart: IntArray | None = None

    @property
    def names_districts(self) -> bool:
        """Whether districts are told apart, so that exchanging two of them changes the plan."""
        given = (self.lower, self.upper, self.locked, self.forbidden, self.seats)
        return any(rule is not None for rule in given)

    def check(self, num_nodes: int, num_districts: int, num_weights: int) -> None:
        """Refuse rules that do not fit a problem of this size."""
        shapes = {
            "lower": (num_districts, num_weights),
            "upper": (num_districts, num_weights),
            "locked": (num_nodes,),
            "forbidden": (num_nodes, num_districts),
            "seats": (num_districts,),
        }
        for label, shape in shapes.items():
            rule = getattr(self, label)
            if rule is not None and rule.shape != shape:
                raise ValueError(f"rules.{label} has shape {rule.shape}, expected {shape}.")
        if self.apart is not None and (self.apart.ndim != 2 or self.apart.shape[1] != 2):
            raise ValueError(f"rules.apart has shape {self.apart.shape}, expected (pairs, 2).")
        limits = {"locked": num_districts, "seats": num_nodes, "apart": num_nodes}
        for label, limit in limits.items():
            rule = getattr(self, label)
            least = 0 if label == "apart" else -1
            if rule is not None and rule.size and not least <= rule.min() <= rule.max() < limit:
                raise ValueError(f"rules.{label} holds a number outside {least}..{limit - 1}.")

    def allowed(self, num_nodes: int, num_districts: int) -> BoolArray:
        """Whether each node may belong to each district, shape (nodes, districts)."""
        may = np.ones((num_nodes, num_districts), dtype=bool)
        if self.forbidden is not None:
            may &= ~self.forbidden
        if self.locked is not None:
            fixed = np.flatnonzero(self.locked >= 0)
            may[fixed] &= self.locked[fixed][:, None] == np.arange(num_districts)
        if self.seats is not None:
            seated = np.flatnonzero(self.seats >= 0)
            own = self.seats[seated][:, None] == self.seats[seated]
            may[np.ix_(self.seats[seated], seated)] &= own
            for district in seated:
                others = np.arange(num_districts) != district
                may[self.seats[district], others] = False
        return may
