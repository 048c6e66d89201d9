"""The check of circles counts as the problem does, and finds every broken rule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.benchmarks.checks.circles import check_circles
from shequ.models.siting.circles import CircleGround, PhasedCircles, Room


def random_circles(rng: np.random.Generator) -> PhasedCircles:
    """Twelve facilities of two categories, twenty units in five circles, three years."""
    exists = rng.random(12) < 0.2
    areas = 100.0 * rng.integers(1, 4, 12)
    ground = CircleGround(
        covers=sparse.csr_array((rng.random((12, 20)) < 0.5).astype(float)),
        category=np.arange(12) % 2,
        costs=np.where(exists, 0.0, rng.integers(1, 9, 12)).astype(float),
        exists=exists,
        residents=rng.integers(0, 90, 20).astype(float),
        circle=rng.integers(-1, 5, 20),
        num_categories=2,
        num_circles=5,
        share=float(rng.choice([0.6, 0.9, 1.0])),
        room=Room(rng.integers(-1, 3, 12), areas, np.array([400.0, 700.0, 900.0])),
    )
    return PhasedCircles(
        ground,
        budgets=rng.integers(3, 20, 3).astype(float),
        weights=np.array([1.0, 0.5, 2.0]),
        carries_over=bool(rng.random() < 0.5),
        targets=np.array([1, 3, 5]),
        bonus=10.0,
    )


@pytest.mark.parametrize("seed", range(40))
def test_counts_and_rules_agree_with_the_problem(seed: int) -> None:
    """Objective and whether a plan holds are the same, for plans with and without faults."""
    rng = np.random.default_rng(seed)
    problem = random_circles(rng)
    years = np.where(problem.ground.exists, 0, rng.choice([-1, -1, 1, 2, 3], 12))
    found, broken = check_circles(problem, years)
    assert found == pytest.approx(problem.evaluate(years))
    assert bool(broken) == bool(problem.violations(years))


def test_what_exists_and_floors_are_checked() -> None:
    """A facility of today that is built again, and too few residents, are named."""
    problem = random_circles(np.random.default_rng(1))
    years = problem.nothing()
    floors = replace(problem, floors=np.full(3, 1e6))
    assert any("too few" in line for line in check_circles(floors, years)[1])
    years[int(np.flatnonzero(problem.ground.exists)[0])] = 1
    assert any("exists today" in line for line in check_circles(problem, years)[1])
