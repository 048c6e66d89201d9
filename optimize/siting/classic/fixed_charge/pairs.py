"""Pairs of an option and a client that a solution may use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .form import Form


@dataclass(frozen=True, eq=False)
class Pairs:
    """
    Pairs of an option and a client by option and rising cost.

    Parameters
    ----------
    start
        First pair of each option, shape (options + 1,).
    client, cost
        Of each pair.
    """

    start: IntArray
    client: IntArray
    cost: FloatArray

    @property
    def option(self) -> IntArray:
        """Option of each pair."""
        return np.repeat(np.arange(self.start.size - 1), np.diff(self.start))

    def only(self, kept: BoolArray) -> Pairs:
        """Return the pairs that are kept."""
        counts = np.r_[0, np.cumsum(kept)]
        return Pairs(counts[self.start], self.client[kept], self.cost[kept])


def all_pairs(form: Form) -> Pairs:
    """Return the permitted pairs of a form."""
    counts = form.permitted.sum(axis=1)
    order = np.argsort(np.where(form.permitted, form.costs, np.inf), axis=1, kind="stable")
    inside = np.arange(form.num_clients) < counts[:, None]
    client = order[inside]
    option = np.repeat(np.arange(form.num_options), counts)
    return Pairs(np.r_[0, np.cumsum(counts)], client, form.costs[option, client])
