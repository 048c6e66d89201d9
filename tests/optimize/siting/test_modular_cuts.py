"""Cuts by blocks, and the relaxation that grows by them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.synthetic.modular_sites import modular_sites
from shequ.models.formulation import ModelBuilder
from shequ.optimize.limits import Deadline, Limits, Stop
from shequ.optimize.siting.classic.modular import solve_modular_floor_area
from shequ.optimize.siting.classic.modular.cuts import BlockCuts
from shequ.optimize.siting.classic.modular.growing_lp import GrowingLp
from shequ.optimize.siting.classic.modular.partition import shared_need
from shequ.optimize.siting.classic.modular.reduction import reduce


def test_blocks_know_more_than_the_relaxation() -> None:
    """Cuts tighten the bound of a city, and larger blocks tighten it further."""
    reduced = reduce(modular_sites(400, num_sites=24, seed=5, kind="uniform", budget_share=0.6))
    cuts = BlockCuts(reduced, shared_need(reduced), error=0.0)
    bounds = []
    for size in (6, 12):
        assert cuts.relax(Limits(seconds=10))
        bounds.append(cuts.bound)
        cuts.divide(size)
        assert cuts.separate(gap=1e-6, deadline=Deadline.after(20), stop=None) > 0
    assert cuts.relax(Limits(seconds=10))
    bounds.append(cuts.bound)
    assert bounds[0] > bounds[1] > bounds[2]


def test_same_size_again_has_other_borders() -> None:
    """Pairs of neighbours that a division cuts apart are held together by the next one."""
    reduced = reduce(modular_sites(400, num_sites=24, seed=5, kind="uniform", budget_share=0.6))
    cuts = BlockCuts(reduced, shared_need(reduced), error=0.0)
    cuts.divide(6)
    first = cuts.label.copy()
    cuts.divide(6)
    assert not np.array_equal(first, cuts.label)


def test_stopped_separation_adds_nothing() -> None:
    """A request to stop is heeded before the first block is asked."""
    reduced = reduce(modular_sites(200, num_sites=12, seed=5, kind="uniform", budget_share=0.6))
    cuts = BlockCuts(reduced, shared_need(reduced), error=0.0)
    assert cuts.relax(Limits(seconds=10))
    cuts.divide(4)
    stop = Stop()
    stop.request()
    assert cuts.separate(gap=1e-4, deadline=Deadline.after(10), stop=stop) == 0


def test_relaxation_grows_and_stays_a_bound() -> None:
    """Added rows count, and wrong prices make the bound weaker, never wrong."""
    builder = ModelBuilder("grows", maximize=True)
    x = builder.add_columns([3.0, 2.0], upper=1)
    builder.add_rows(np.zeros(2, dtype=np.int64), x, 1, upper=[1.5])
    lp = GrowingLp(builder.build())
    found = lp.solve(Limits(seconds=5))
    assert found is not None
    assert found.bound == pytest.approx(4.0)
    lp.add(sparse.csr_array(np.array([[1.0, 0.0]])), np.array([0.25]))
    found = lp.solve(Limits(seconds=5))
    assert found is not None
    assert found.bound == pytest.approx(2.75)
    for seed in range(50):
        prices = np.random.default_rng(seed).uniform(0, 4, 2)
        assert lp._bound(prices, lp.model.costs - lp.model.rows.T @ prices) >= 2.75 - 1e-9


@pytest.mark.parametrize("share", [0.5, None])
def test_prices_are_climbed_without_the_relaxation(
    share: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the relaxation takes too long there still is a plan, and a bound on its right side."""
    monkeypatch.setattr(BlockCuts, "relax", lambda *_: False)
    least = None if share is not None else 0.7
    problem = modular_sites(300, num_sites=16, seed=4, budget_share=share, least_share=least)
    result = solve_modular_floor_area(problem, method="blocks", limits=Limits(seconds=2))
    assert result.objective is not None
    assert result.bound is not None
    sign = 1.0 if problem.maximize else -1.0
    assert sign * (result.bound - result.objective) >= 0
