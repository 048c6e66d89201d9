"""
The strong formulation of circles, on what the reductions leave.

The plain rows s R_k z_k ≤ Σ_u r_u v_u let a circle count in part that is reached in part, whatever
its other units have. As a unit counts for its own circle alone, nothing is lost by

    v_u ≤ z_k                                every unit u of circle k                (whole)

which turns (share) into Σ_u r_u (z_k - v_u) ≤ (1 - s) R_k z_k: a unit may be left out only as far
as the circle is recognised at all. What may be left out is a knapsack, so that a unit larger than
(1 - s) R_k never is: there v_u = z_k, the column goes, and (reach) reads z_k ≤ Σ_f a_fu y_f. If
that holds for all units of a circle (s = 1, above all), no unit column is left, and of nested rows
only that of the smaller reach stays. For others, each minimal set S of units that together are too
large to be left out gives

    z_k ≤ Σ_{u in S} v_u                     sets of two units                       (cover)

(minimal covers of the knapsack; Balas 1975, "Facets of the knapsack polytope", Mathematical
Programming 8). Groups of units stand for units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .circles_core import Core

PAIRS = 40
"""Sets of two units that a circle gets rows for."""


@dataclass(frozen=True, eq=False)
class Claims:
    """
    Which groups must be reached, and what may be left out; the same in every year.

    Parameters
    ----------
    must
        Groups that a circle cannot do without, shape (groups,).
    loose
        The others, that have a column v, shape (loose,).
    spare
        Residents that may be left out of each circle, shape (circles,).
    """

    must: BoolArray
    loose: IntArray
    spare: FloatArray


def claims_of(core: Core) -> Claims:
    """Tell which groups of a core must be reached."""
    reached = np.bincount(core.circle, core.residents, core.num_circles)
    spare = reached - core.needed
    must = core.residents > spare[core.circle]
    return Claims(must, np.flatnonzero(~must), spare)


@dataclass(frozen=True, eq=False)
class StrongModel:
    """A model with its columns y, shape (years, facilities), and z, shape (years, circles)."""

    model: LinearModel
    y: IntArray
    z: IntArray


@dataclass
class StrongBuilder:
    """Builds years of the strong formulation into one model."""

    core: Core
    builder: ModelBuilder

    def __post_init__(self) -> None:
        """Work out what is the same in every year."""
        self.claims = claims_of(self.core)
        self.by_group = sparse.csc_array(self.core.covers)
        self.rows = self._reach_rows()

    def _reach_rows(self) -> list[tuple[int, IntArray, bool]]:
        """Rows (reach) that say something: group, facilities that reach it, whether it must."""
        core, found = self.core, []
        tight: dict[tuple[int, int], list[tuple[int, set[int], IntArray]]] = {}
        for group in range(core.num_groups):
            own = self.by_group.indices[
                self.by_group.indptr[group] : self.by_group.indptr[group + 1]
            ]
            for category in np.flatnonzero(core.lacks[:, group]):
                some = own[core.category[own] == category].astype(np.int64)
                if self.claims.must[group]:
                    key = (int(core.circle[group]), int(category))
                    tight.setdefault(key, []).append((group, set(some.tolist()), some))
                else:
                    found.append((group, some, False))
        for rows in tight.values():
            rows.sort(key=lambda row: len(row[1]))
            kept: list[set[int]] = []
            for group, members, some in rows:
                if not any(smaller <= members for smaller in kept):
                    kept.append(members)
                    found.append((group, some, True))
        return found

    def add_year(self, weights: FloatArray, costs: FloatArray) -> tuple[IntArray, IntArray]:
        """Add y and z of one year with their rows; returns their columns."""
        core, builder, claims = self.core, self.builder, self.claims
        y = builder.add_columns(costs, upper=1, integer=True)
        z = builder.add_columns(weights, upper=1, integer=True)
        v = builder.add_columns(np.zeros(claims.loose.size), upper=1)
        of_group = z[core.circle].copy()
        of_group[claims.loose] = v
        sizes = np.array([members.size for _, members, _ in self.rows], dtype=np.int64)
        members = [members for _, members, _ in self.rows] or [np.empty(0, dtype=np.int64)]
        heads = of_group[np.array([group for group, _, _ in self.rows], dtype=np.int64)]
        row = np.arange(sizes.size)
        if row.size:
            builder.add_rows(
                np.r_[row, np.repeat(row, sizes)],
                np.r_[heads, y[np.concatenate(members)]],
                np.r_[np.ones(row.size), -np.ones(int(sizes.sum()))],
                upper=np.zeros(row.size),
            )
        self._add_share(z, v)
        return y, z

    def _add_share(self, z: IntArray, v: IntArray) -> None:
        """Add the rows (whole), (share) and (cover)."""
        core, builder, loose = self.core, self.builder, self.claims.loose
        if not loose.size:
            return
        circle, row = core.circle[loose], np.arange(loose.size)
        builder.add_rows(
            np.r_[row, row],
            np.r_[v, z[circle]],
            np.repeat([1, -1], row.size),
            upper=np.zeros(row.size),
        )
        some, place = np.unique(circle, return_inverse=True)
        scale = np.maximum(self.claims.spare[some], 1.0)
        part = core.residents[loose] / scale[place]
        total = np.bincount(place, part, some.size)
        limit = self.claims.spare[some] / scale
        builder.add_rows(
            np.r_[place, np.arange(some.size)],
            np.r_[v, z[some]],
            np.r_[part, limit - total],
            lower=np.zeros(some.size),
        )
        pairs = self._pairs(circle)
        if pairs.size:
            line = np.arange(len(pairs))
            builder.add_rows(
                np.r_[line, line, line],
                np.r_[v[pairs[:, 0]], v[pairs[:, 1]], z[circle[pairs[:, 0]]]],
                np.repeat([1, 1, -1], line.size),
                lower=np.zeros(line.size),
            )

    def _pairs(self, circle: IntArray) -> IntArray:
        """Pairs of loose groups of which one must be reached, places in ``loose``."""
        size = self.core.residents[self.claims.loose]
        found: list[tuple[int, int]] = []
        for k in np.unique(circle):
            own = np.flatnonzero(circle == k)
            own = own[np.argsort(-size[own], kind="stable")]
            mine = [
                (int(a), int(b))
                for place, a in enumerate(own)
                for b in own[place + 1 :]
                if size[a] + size[b] > self.claims.spare[k]
            ]
            found += mine[:PAIRS]
        return np.array(found, dtype=np.int64).reshape(-1, 2)


Extra = Callable[[ModelBuilder, IntArray, IntArray], None]


def strong_model(
    core: Core,
    weights: FloatArray,
    extra: Extra,
    *,
    costs: FloatArray | None = None,
    maximize: bool = True,
    offset: float = 0.0,
) -> StrongModel:
    """
    Build the strong formulation of some years.

    Parameters
    ----------
    core
        What the reductions leave.
    weights
        Objective of each circle in each year, shape (years, circles).
    extra
        Adds the rows of money and targets; called with the builder, y and z.
    costs
        Objective of each facility in the last year, shape (facilities,); None for none.
    maximize, offset
        As of the model.
    """
    builder = ModelBuilder("circles-strong", maximize=maximize, offset=offset)
    years = StrongBuilder(core, builder)
    nothing = np.zeros(core.facilities.size)
    last = len(weights) - 1
    columns = [
        years.add_year(row, costs if costs is not None and t == last else nothing)
        for t, row in enumerate(weights)
    ]
    y, z = (np.array([pair[part] for pair in columns]) for part in (0, 1))
    for t in range(last):
        for before, after in ((y[t], y[t + 1]), (z[t], z[t + 1])):
            row = np.arange(before.size)
            builder.add_rows(
                np.r_[row, row],
                np.r_[before, after],
                np.repeat([1, -1], row.size),
                upper=np.zeros(row.size),
            )
    limited = np.flatnonzero(core.site >= 0)
    if limited.size:
        site, place = np.unique(core.site[limited], return_inverse=True)
        builder.add_rows(place, y[last][limited], core.areas[limited], upper=core.room[site])
    extra(builder, y, z)
    return StrongModel(builder.build(), y, z)
