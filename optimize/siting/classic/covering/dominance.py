"""Rows and sites that another one makes superfluous."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .....models.formulation import BoolArray, FloatArray, IntArray
from .dominance_kernels import contained, containing

MOST_WORK = 200_000_000
"""Pairs of sets up to which containment is looked for."""


def dominated_rows(covers: sparse.csr_array) -> BoolArray:
    """
    Tell which rows hold all sites of another row, shape (rows,).

    Whoever covers the other row covers them too. Of equal rows the first stays.
    """
    by_site = sparse.csr_array(covers.T)
    by_site.sort_indices()
    if _work(covers, by_site) > MOST_WORK:
        return np.zeros(covers.shape[0], dtype=np.bool_)
    return np.asarray(containing(*_indices(covers), *_indices(by_site)))


def dominated_sites(covers: sparse.csr_array, costs: FloatArray, *, keep: IntArray) -> BoolArray:
    """
    Tell which sites another one beats: it covers all that they cover, and costs no more.

    Parameters
    ----------
    covers
        CSR of shape (rows, sites).
    costs
        Shape (sites,).
    keep
        Sites that neither beat nor are beaten.
    """
    by_site = sparse.csr_array(covers.T)
    by_site.sort_indices()
    free = np.ones(costs.size, dtype=np.bool_)
    free[keep] = False
    if _work(by_site, covers) > MOST_WORK:
        return np.zeros(costs.size, dtype=np.bool_)
    rows, sites = _indices(covers), _indices(by_site)
    return np.asarray(contained(*sites, *rows, costs, free))


def _indices(matrix: sparse.csr_array) -> tuple[IntArray, IntArray]:
    return matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64)


def _work(sets: sparse.csr_array, members: sparse.csr_array) -> int:
    """Count the pairs to look at: for each set, the sets that share its rarest member."""
    rarity = np.diff(members.indptr)
    full = np.flatnonzero(np.diff(sets.indptr))
    if not full.size:
        return 0
    return int(np.minimum.reduceat(rarity[sets.indices], sets.indptr[full]).sum())
