"""
Inequalities of circles that the linear relaxation does not know.

For a circle and a category, the facilities in reach of some of its units are of three kinds: those
that make it whole alone, those that can with one other, and the rest. Whatever makes the circle
whole holds one of the first, two of the first two, or three of any, hence

    z_k ≤ Σ_{alone} y_f + 1/2 Σ_{in two} y_f + 1/3 Σ_{rest} y_f         every circle k, category g

(a lifted set covering inequality; the rows (share) give each facility the residents that it reaches
instead, and so let two halves that overlap make a whole). Integer columns n_g = Σ_f y_f that count
the facilities of a category are there to branch on: where money is short, that two or three are
built decides much more than whether one of them is.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .circles_core import Core

LARGEST = 2_000
"""Facilities near one circle above which no two of them are compared."""


def company_rows(core: Core) -> list[tuple[int, IntArray, FloatArray]]:
    """Circle, facilities and coefficients of every such inequality."""
    found = []
    groups = [np.flatnonzero(core.circle == k) for k in range(core.num_circles)]
    for category in np.unique(core.category):
        own = np.flatnonzero(core.category == category)
        pairs = sparse.csc_array(core.covers[own])
        for circle, group in enumerate(groups):
            lacking = core.lacks[category, group]
            if not lacking.any():
                continue
            near = pairs[:, group].toarray() > 0
            spare = core.residents[group][~lacking].sum()
            some = np.flatnonzero(near.any(axis=1))
            needed = core.needed[circle] - spare
            if not some.size or needed <= 0:
                continue
            coefficient = _company(near[some], core.residents[group], float(needed))
            found.append((circle, own[some], coefficient))
    return found


def _company(near: BoolArray, residents: FloatArray, needed: float) -> FloatArray:
    """1 for facilities that suffice alone, 1/2 for those that do with another one, else 1/3."""
    reached = near @ residents
    coefficient = np.where(reached >= needed, 1.0, 1 / 2)
    part = np.flatnonzero(reached < needed)
    if 0 < part.size <= LARGEST:
        own = near[part].astype(float)
        common = (own * residents) @ own.T
        together = reached[part][:, None] + reached[part][None, :] - common
        np.fill_diagonal(together, 0.0)
        pairs_up = (together >= needed - 1e-9 * (1 + needed)).any(axis=1)
        coefficient[part[~pairs_up]] = 1 / 3
    return coefficient


def add_company(
    builder: ModelBuilder,
    rows: list[tuple[int, IntArray, FloatArray]],
    y: IntArray,
    z: IntArray,
) -> None:
    """Add the inequalities for one year."""
    if not rows:
        return
    sizes = np.array([facilities.size for _, facilities, _ in rows])
    line = np.arange(sizes.size)
    builder.add_rows(
        np.r_[line, np.repeat(line, sizes)],
        np.r_[
            z[np.array([circle for circle, _, _ in rows])],
            y[np.concatenate([facilities for _, facilities, _ in rows])],
        ],
        np.r_[-np.ones(sizes.size), np.concatenate([part for _, _, part in rows])],
        lower=np.zeros(sizes.size),
    )


def add_counts(builder: ModelBuilder, core: Core, y: IntArray) -> IntArray:
    """Add the columns that count the facilities of each category; returns them."""
    kinds, place = np.unique(core.category, return_inverse=True)
    if not kinds.size:
        return np.empty(0, dtype=np.int64)
    most = np.bincount(place).astype(float)
    n = builder.add_columns(np.zeros(kinds.size), upper=most, integer=True)
    builder.add_rows(
        np.r_[place, np.arange(kinds.size)],
        np.r_[y, n],
        np.r_[np.ones(y.size), -np.ones(kinds.size)],
        lower=np.zeros(kinds.size),
        upper=np.zeros(kinds.size),
    )
    return n
