"""
The inverse Polsby-Popper score in linear rows: outlines, areas and tangents.

q ≥ P² / (4π A) is a rotated second-order cone (Belotti, Buchanan and Ezazipour 2025, "Political
districting to optimize the Polsby-Popper compactness score", Operations Research, inverse score).
P² / A is convex and homogeneous, so the cone is the intersection of the half-spaces

    4π q ≥ 2 r P - r² A        for every ratio r > 0,

each of which touches it where P / A = r; elsewhere it is lower by (P - r A)² / A. A few ratios
bound the score from below, those of the plans that appear make it exact. Every linear solver can
take them, and no bound depends on a nonlinear one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..formulation import FloatArray, IntArray
from .measures import Geography
from .problem import Districting

FIRST_RATIOS: FloatArray = np.geomspace(2.5, 25.0, 20)
"""Ratios of the first tangents, where the mean district has area 1: circles have about 3.5."""

SCORE_UNIT = 0.01
"""Unit of P, A and q together, so small that the tolerance of a solver does not matter."""


@dataclass(frozen=True, eq=False)
class Outlines:
    """
    Lengths and areas, scaled so that the mean district has area 1 / :data:`SCORE_UNIT`.

    Lengths and areas are stretched by the same factor beyond that, which P, A and q share.

    Parameters
    ----------
    edge_lengths, outer_perimeter, area
        As in :class:`.measures.Geography`, in these units.
    ends
        Pairs of neighbouring nodes, shape (edges, 2).
    """

    edge_lengths: FloatArray
    outer_perimeter: FloatArray
    area: FloatArray
    ends: IntArray

    @classmethod
    def of(cls, problem: Districting, geography: Geography) -> Outlines:
        """Scale the data of a geography."""
        lengths, outer, area = (
            geography.needed(label, "polsby-popper")
            for label in ("edge_lengths", "outer_perimeter", "area")
        )
        mean = float(area.sum()) / problem.num_districts
        side = np.sqrt(mean) * SCORE_UNIT
        ends = problem.edges.reshape(-1, 2)
        return cls(lengths / side, outer / side, area / (mean * SCORE_UNIT), ends)

    def values(self, group: IntArray, num_groups: int) -> FloatArray:
        """
        Outline, area and score of groups of nodes, shape (groups, 3); zeros for an empty group.

        Parameters
        ----------
        group
            Group of each node, shape (nodes,).
        """
        u, v = group[self.ends].T
        border = np.where(u != v, self.edge_lengths, 0.0)
        outline = np.bincount(group, self.outer_perimeter, num_groups)
        outline += np.bincount(u, border, num_groups) + np.bincount(v, border, num_groups)
        area = np.bincount(group, self.area, num_groups)
        score = np.square(outline) / (4 * np.pi * np.maximum(area, 1e-12))
        return np.column_stack([outline, area, score])


def tangent(ratio: float) -> FloatArray:
    """
    Coefficients of P, A and q in the row ≤ 0 that touches the cone at P / A = ``ratio``.

    Examples
    --------
    >>> circle = np.array([np.sqrt(4 * np.pi), 1.0, 1.0])
    >>> abs(float(tangent(circle[0]) @ circle)) < 1e-9
    True
    """
    scale = 1 / (4 * np.pi)
    return np.array([2 * ratio * scale, -(ratio**2) * scale, -1.0])
