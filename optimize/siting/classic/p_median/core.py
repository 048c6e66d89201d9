"""
The radius model of what the bound has left, with equal sets of sites merged.

z_S = 1 if no site of S is open. Every client has one such set for each of its radii, and equal sets
of different clients share their z (Cornuéjols, Nemhauser and Wolsey 1980; Elloumi 2010; García,
Labbé and Marín 2011, "Solving large p-median problems with a radius formulation", INFORMS Journal
on Computing 23(4)). With S' the set of the radius before S, minimise Σ_S c_S z_S subject to

    z_S + Σ_{j in S, not in S'} y_j ≥ z_S'         every set S that is not the last    (radius)
    Σ_{j in S, not in S'} y_j ≥ z_S'               every last set S of a client        (cover)
    m ≤ Σ_j y_j ≤ p                                                                   (count)
    y_a + y_b ≤ 1                                  every pair of sites that are apart  (apart)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from ....compiled import kernel
from .dual_kernels import CLOSED, OPEN
from .near import Near

_SEED = 20110901


@dataclass(frozen=True, eq=False)
class Core:
    """
    The model of a core.

    Parameters
    ----------
    model
        The model; its first columns are the sites.
    sites
        Site of each of these columns.
    """

    model: LinearModel
    sites: IntArray


@dataclass(frozen=True, eq=False)
class RadiusSets:
    """
    Distinct sets of sites within a radius of some client.

    Parameters
    ----------
    last
        Last entry of a list that makes up the set, one list for each set.
    before
        Last entry of the set before it in this list; the entry before the list if there is none.
    is_first
        Whether it is the first set of its list.
    set_before
        Number of the set before it, whatever if it is the first.
    weight
        What it costs that no site of the set is open; 0 for last sets.
    is_cover
        Whether it is the last set of its list, one site of which is open.
    """

    last: IntArray
    before: IntArray
    is_first: BoolArray
    set_before: IntArray
    weight: FloatArray
    is_cover: BoolArray


def radius_sets(near: Near) -> tuple[RadiusSets, float]:
    """Merge the sets of all clients; returns what nearest sites cost too."""
    client_start = near.first[:-1]
    ends = np.ones(near.site.size, dtype=bool)
    ends[:-1] = near.cost[1:] != near.cost[:-1]
    ends[near.first[1:] - 1] = True
    end = np.flatnonzero(ends)
    is_last = np.isin(end, near.first[1:] - 1)
    starts_client = np.concatenate([[True], is_last[:-1]])
    before = np.concatenate([[-1], end[:-1]])
    keys = np.random.default_rng(_SEED).integers(1, 2**63 - 1, size=(near.num_sites, 2))
    marks = _prefix_marks(near.first, near.site, keys)[end]
    place = end - np.repeat(client_start, np.diff(np.searchsorted(end, near.first)))
    _, first_use, number = np.unique(
        np.column_stack([marks, place, is_last]), axis=0, return_index=True, return_inverse=True
    )
    number = number.ravel()
    # The set that comes before the first of its equals is as good as any.
    step = np.zeros(end.size)
    inner = np.flatnonzero(~is_last)
    step[inner] = near.cost[end[inner + 1]] - near.cost[end[inner]]
    sets = RadiusSets(
        last=end[first_use],
        before=before[first_use],
        is_first=starts_client[first_use],
        set_before=number[np.maximum(first_use - 1, 0)],
        weight=np.bincount(number, step, minlength=first_use.size).astype(float),
        is_cover=is_last[first_use],
    )
    return sets, float(near.cost[client_start].sum())


def core_model(near: Near, state: IntArray, *, least: int, most: int, apart: IntArray) -> Core:
    """
    Build the model.

    Parameters
    ----------
    near
        All sites that a client may be served by; no list is empty.
    state
        1 for open sites, -1 for closed ones, 0 else, shape (sites,).
    least, most
        Fewest and most open sites.
    apart
        Pairs of sites that exclude each other, shape (pairs, 2).
    """
    sites = np.flatnonzero(state != CLOSED)
    column = np.full(state.size, -1, dtype=np.int64)
    column[sites] = np.arange(sites.size)
    near = near.kept(column[near.site] >= 0)
    sets, offset = radius_sets(near)
    builder = ModelBuilder("p-median-core", offset=offset)
    is_open = (state[sites] == OPEN).astype(float)
    y = builder.add_columns(np.zeros(sites.size), lower=is_open, upper=1, integer=True)
    y_of_site = np.where(column >= 0, y[column], -1)
    add_radius_rows(builder, near, sets, y_of_site)
    builder.add_rows(np.zeros(y.size, dtype=np.int64), y, 1, lower=[least], upper=[most])
    both = apart[(column[apart] >= 0).all(axis=1)] if apart.size else apart
    if both.size:
        pair = np.repeat(np.arange(len(both)), 2)
        builder.add_rows(pair, y_of_site[both.ravel()], 1, upper=np.ones(len(both)))
    return Core(builder.build(), sites)


def add_radius_rows(builder: ModelBuilder, near: Near, sets: RadiusSets, y: IntArray) -> None:
    """
    Add z and the rows (radius) and (cover).

    Parameters
    ----------
    builder
        The model.
    near, sets
        Lists, and their sets by :func:`radius_sets`.
    y
        Column of each site, shape (sites,).
    """
    z = np.full(sets.last.size, -1, dtype=np.int64)
    inner = np.flatnonzero(~sets.is_cover)
    z[inner] = builder.add_columns(sets.weight[inner], upper=1) if inner.size else inner
    sizes = sets.last - sets.before
    row = np.arange(sizes.size)
    entry = np.repeat(sets.last - np.cumsum(sizes) + 1, sizes) + np.arange(sizes.sum())
    later = np.flatnonzero(~sets.is_first)
    builder.add_rows(
        np.concatenate([np.repeat(row, sizes), row[inner], later]),
        np.concatenate([y[near.site[entry]], z[inner], z[sets.set_before[later]]]),
        np.concatenate([np.ones(entry.size + inner.size), -np.ones(later.size)]),
        lower=sets.is_first.astype(float),
    )


@kernel
def _prefix_marks(first: IntArray, site: IntArray, keys: IntArray) -> IntArray:
    """Two words for the set of each list up to each entry, whatever its order."""
    marks = np.empty((site.size, 2), dtype=np.int64)
    for i in range(first.size - 1):
        one, two = np.int64(0), np.int64(0)
        for e in range(first[i], first[i + 1]):
            one ^= keys[site[e], 0]
            two ^= keys[site[e], 1]
            marks[e, 0] = one
            marks[e, 1] = two
    return marks
