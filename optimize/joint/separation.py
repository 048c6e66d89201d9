"""Contiguity of districts that are rooted at a site: separators that a solution breaks."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ...models.districting.problem import Districting
from ...models.districting.separators import (
    Separator,
    fractional_separators,
    violated_separators,
)
from ...models.formulation import FloatArray, IntArray
from ..districting.separator_cuts import passing_cut
from ..solvers.lazy import Cut

LEAST_BROKEN = 0.05
"""Amount by which a solution of the relaxation must break an inequality."""


class Rooted(Protocol):
    """A model with a column for a node in a district whose root is known."""

    @property
    def x(self) -> IntArray:
        """Column of each node in the district of each root, -1 where there is none."""

    def rows_of(self, cut: Separator) -> list[tuple[int, IntArray]]:
        """Pairs of the column of a node and those between it and a root, for every root."""


class RootSeparation:
    """
    Finds the separators that points of a model with roots break.

    Parameters
    ----------
    problem
        Nodes and their neighbours.
    rooted
        The model.
    roots
        Node of the root that each column of ``x`` stands for, shape (roots,).
    """

    def __init__(self, problem: Districting, rooted: Rooted, roots: IntArray) -> None:
        """Nothing is found yet."""
        self.problem, self.rooted, self.roots = problem, rooted, roots

    def broken_by(self, values: FloatArray) -> list[Cut]:
        """Inequalities that an integer point breaks."""
        centre_of = self.roots[self._shares(values).argmax(axis=1)]
        return self._cuts(violated_separators(self.problem, centre_of))

    def broken_in_part(self, values: FloatArray) -> list[Cut]:
        """Inequalities that a point of the relaxation breaks."""
        held = self._shares(values)
        shares = np.zeros((self.problem.num_nodes, self.problem.num_nodes))
        for place, node in enumerate(self.roots):
            # Of several sites in one node, one root at most is that of a district.
            shares[:, node] = np.maximum(shares[:, node], held[:, place])
        return self._cuts(fractional_separators(self.problem, shares, least=LEAST_BROKEN))

    def _shares(self, values: FloatArray) -> FloatArray:
        x = self.rooted.x
        return np.where(x >= 0, values[np.maximum(x, 0)], 0.0)

    def _cuts(self, separators: list[Separator]) -> list[Cut]:
        return [
            passing_cut(np.array([own]), between)
            for separator in separators
            for own, between in self.rooted.rows_of(separator)
        ]
