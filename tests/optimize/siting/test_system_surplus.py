"""The first plan of a service system never has more facilities of a place than it may."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.synthetic.service_systems import random_system
from shequ.models.siting.service_system_model import system_model
from shequ.optimize.limits import Limits
from shequ.optimize.siting.system.best import Best
from shequ.optimize.siting.system.bounding import Bounding
from shequ.optimize.siting.system.parts import Parts
from shequ.optimize.siting.system.search import Search
from shequ.optimize.siting.system.short_units import ShortUnits


@pytest.mark.parametrize("seed", range(12))
def test_what_is_one_too_many_is_closed(seed: int) -> None:
    """With everything open, rows of facilities alone are broken; afterwards none is."""
    problem = random_system(seed)
    built = system_model(problem)
    parts = Parts(Limits(10.0), "highs", None)
    best, short = Best(problem, None, problem.today()), ShortUnits(problem)
    bounding = Bounding(built, best, parts, short)
    points = np.random.default_rng(seed).random((problem.num_sites, 2))
    search = Search(
        built, built.model, best, parts, short, points, bounding.average, bounding.gaps()
    )
    model, opening = built.model, built.columns.opening
    search.values[:] = 0.0
    search.values[opening] = 1.0
    rows = sparse.csr_array(model.rows)
    is_other = np.ones(model.num_columns, dtype=bool)
    is_other[opening] = False
    alone = (abs(rows) @ is_other.astype(float) == 0) & np.isfinite(model.row_upper)

    def broken() -> int:
        return int((rows @ search.values > model.row_upper + 1e-6)[alone].sum())

    assert broken() > 0
    search._close_surplus()
    assert broken() == 0
