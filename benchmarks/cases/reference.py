"""The case of the reference job."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse

from ...models.siting.set_covering import SetCovering
from ..checks.siting import check_set_covering
from ..jobs import REFERENCE
from ..registry import Case, register_case, register_check

CLIENTS, SITES = 120, 60


def _load(data: Path) -> SetCovering:
    del data
    rng = np.random.default_rng(1)
    covers = sparse.csr_array((rng.random((CLIENTS, SITES)) < 0.06).astype(float))
    lonely = np.flatnonzero(np.diff(covers.indptr) == 0)
    extra = sparse.coo_array(
        (np.ones(lonely.size), (lonely, lonely % SITES)), shape=(CLIENTS, SITES)
    )
    return SetCovering(sparse.csr_array(covers + extra), rng.integers(1, 20, SITES).astype(float))


register_case(
    Case(
        name=REFERENCE,
        family=REFERENCE,
        load=_load,
        size={"clients": CLIENTS, "sites": SITES},
    )
)
register_check(REFERENCE, check_set_covering)
