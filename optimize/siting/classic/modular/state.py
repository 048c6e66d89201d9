"""The plan at hand, as levels of the reduced problem and flows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import FloatArray, IntArray
from .reduction import Reduced


@dataclass
class State:
    """
    Levels among those of the reduced problem, and flows.

    Parameters
    ----------
    chosen
        Level of each site, counted among all levels; -1 where nothing is built, shape (sites,).
    flow
        Floor area for each arc, shape (arcs,).
    """

    chosen: IntArray
    flow: FloatArray

    def copy(self) -> State:
        """Return a copy of its own."""
        return State(self.chosen.copy(), self.flow.copy())

    def levels(self, reduced: Reduced) -> IntArray:
        """Levels as the problem numbers them, shape (sites,)."""
        if not reduced.level_index.size:
            return np.zeros(self.chosen.size, dtype=np.int64)
        return np.where(self.chosen >= 0, reduced.level_index[self.chosen], 0)
