"""Reaches that say nothing new: whoever reaches what a nearer one reaches is served with it."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ....models.equal_rows import equal_rows
from ....models.formulation import BoolArray
from ....models.siting.service_system import ServiceSystem
from ..classic.covering.dominance import dominated_rows


def leading_reaches(problem: ServiceSystem) -> BoolArray:
    """
    Find the reaches that imply all others.

    A reach whose facilities are among those of another is the harder one: a plan that serves it
    serves the other. The model of the leading ones alone is a relaxation, exact for every plan
    that leaves none of them out. Those equal to one count with it.

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
        own = sparse.csr_array(table[rows])
        first, member = equal_rows(own)
        if rows.size:
            leading[rows] = ~dominated_rows(sparse.csr_array(own[first]))[member]
    return leading
