"""Reaches that say nothing new: whoever reaches what a nearer one reaches is served with it."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ....models.formulation import BoolArray
from ....models.siting.service_system import ServiceSystem
from ..classic.covering.dominance import dominated_rows


def leading_reaches(problem: ServiceSystem) -> BoolArray:
    """
    Find the reaches that imply all others.

    A reach whose facilities are among those of another is the harder one: a plan that serves it
    serves the other. The model of the leading ones alone is a relaxation, exact for every plan
    that leaves none of them out.

    Returns
    -------
    BoolArray
        Shape (reaches,).
    """
    reaches, kept = problem.reaches, problem.facilities.is_kept.astype(float)
    table = reaches.facilities
    open_question = (np.diff(table.indptr) > 0) & ((table @ kept) == 0)
    leading = np.zeros(open_question.size, dtype=bool)
    for service in np.unique(reaches.service):
        rows = np.flatnonzero(open_question & (reaches.service == service))
        if rows.size:
            leading[rows] = ~dominated_rows(sparse.csr_array(table[rows]))
    return _with_equals(problem, leading, open_question)


def _with_equals(problem: ServiceSystem, leading: BoolArray, open_question: BoolArray) -> BoolArray:
    """Add the reaches equal to a leading one: their people count with it."""
    reaches = problem.reaches
    table = reaches.facilities
    found = leading.copy()
    for service in np.unique(reaches.service[leading]):
        rows = np.flatnonzero(open_question & (reaches.service == service))
        keys = [table.indices[a:b].tobytes() for a, b in _ends(table, rows)]
        wanted = {key for key, row in zip(keys, rows, strict=True) if leading[row]}
        found[rows] = [key in wanted for key in keys]
    return found


def _ends(table: sparse.csr_array, rows: np.ndarray) -> zip[tuple[int, int]]:
    return zip(table.indptr[rows].tolist(), table.indptr[rows + 1].tolist(), strict=True)
