"""Equal rows of a sparse matrix: what reaches the same sites need be asked only once."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .formulation import IntArray


def equal_rows(table: sparse.csr_array, also: IntArray | None = None) -> tuple[IntArray, IntArray]:
    """
    Find the rows that store the same columns.

    Parameters
    ----------
    table
        Matrix with sorted columns in each row; what it stores there does not count.
    also
        A number that must be equal, too, shape (rows,); None for no such number.

    Returns
    -------
    tuple
        One row of each distinct set of columns, shape (sets,), and the set of each row, shape
        (rows,).

    Examples
    --------
    >>> first, member = equal_rows(sparse.csr_array([[1, 0], [1, 1], [2, 0]]))
    >>> first.size, bool(member[0] == member[2])
    (2, True)
    """
    numbers = np.zeros(table.shape[0], dtype=np.int64) if also is None else also
    ends = zip(table.indptr[:-1].tolist(), table.indptr[1:].tolist(), numbers.tolist(), strict=True)
    keys = [table.indices[a:b].tobytes() + n.to_bytes(8, "little") for a, b, n in ends]
    if not keys:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    _, first, member = np.unique(
        np.array(keys, dtype=object), return_index=True, return_inverse=True
    )
    return first.astype(np.int64), member.astype(np.int64)
