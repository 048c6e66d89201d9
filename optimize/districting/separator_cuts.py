"""Separators as inequalities on the columns of a model."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...models.districting.hess import HessModel
from ...models.districting.labelling import LabellingModel
from ...models.districting.problem import Districting
from ...models.districting.separators import (
    Separator,
    fractional_separators,
    violated_separators,
)
from ...models.formulation import FloatArray, IntArray
from ..solvers.lazy import Cut


def passing_cut(inside: IntArray, between: IntArray) -> Cut:
    """
    Σ x_inside - Σ x_between ≤ |inside| - 1: whoever takes all of the first passes the others.

    Parameters
    ----------
    inside
        Columns of one node of an island, and of a node on the other side if the centre is free.
    between
        Columns of the nodes that separate them, -1 where a column does not exist: it is 0.
    """
    passed = between[between >= 0]
    return Cut(
        np.r_[inside, passed],
        np.r_[np.ones(inside.size), -np.ones(passed.size)],
        -np.inf,
        float(inside.size - 1),
    )


def label_cuts(labels: LabellingModel, separators: Iterable[Separator]) -> list[Cut]:
    """Separators as inequalities of a labelling model, for every district."""
    return [
        Cut(row.columns, row.coefficients, -np.inf, row.upper)
        for separator in separators
        for row in labels.rows_of(separator)
    ]


class HessSeparation:
    """
    Finds the separators that points of a Hess model break.

    Parameters
    ----------
    problem, hess
        The problem and its model.
    length_bounded
        Whether separators of integer points are strengthened by the upper bounds (LCUT).
    least
        Amount by which a fractional point must break an inequality.
    """

    def __init__(
        self,
        problem: Districting,
        hess: HessModel,
        *,
        length_bounded: bool = False,
        least: float = 1e-3,
    ) -> None:
        """Nothing is found yet."""
        self.problem, self.hess = problem, hess
        self.length_bounded, self.least = length_bounded, least
        self.found: list[Separator] = []
        self.found_in_part: list[Separator] = []

    def broken_by(self, values: FloatArray) -> list[Cut]:
        """Inequalities that an integer point breaks."""
        centre_of = self.hess.assignment(values)
        separators = violated_separators(
            self.problem, centre_of, length_bounded=self.length_bounded
        )
        self.found += separators
        return self._cuts(separators)

    def broken_in_part(self, values: FloatArray) -> list[Cut]:
        """Inequalities that a fractional point breaks, of a,b-separators only."""
        shares = np.zeros(self.hess.column.shape)
        shares[self.hess.node, self.hess.centre] = values[: self.hess.node.size]
        separators = fractional_separators(self.problem, shares, least=self.least)
        self.found_in_part += separators
        return self._cuts(separators)

    def _cuts(self, separators: Iterable[Separator]) -> list[Cut]:
        """State x_ab - Σ x_cb ≤ 0 where x_ab exists."""
        column = self.hess.column
        cuts = []
        for separator in separators:
            own = column[np.ix_(separator.island, separator.centres)]
            between = column[np.ix_(separator.between, separator.centres)]
            cuts += [
                passing_cut(own[place, side : side + 1], between[:, side])
                for place, side in np.argwhere(own >= 0)
            ]
        return cuts
