"""Bundles of facilities of all categories: what they stand for, and that they find good plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.circles import NEVER, CircleGround, PhasedCircles, Room
from shequ.optimize.siting.circles_bundles import Bundles, bundles_of
from shequ.optimize.siting.circles_core import Core, reduced


def make_problem(seed: int, *, with_room: bool = False) -> PhasedCircles:
    """Three categories at 12 sites, 40 units in 8 circles; some of it exists."""
    draw = np.random.default_rng(seed)
    near = (draw.random((12, 40)) < 0.3).astype(float)
    costs = draw.integers(3, 9, 12)[:, None] * np.array([1.0, 2.0, 1.5])[None, :]
    site = np.repeat(np.arange(12), 3)
    areas = np.tile([2.0, 1.0, 1.0], 12)
    exists = np.zeros(36, dtype=bool)
    exists[draw.integers(0, 36, 3)] = True
    room = Room(site, areas, np.where(np.arange(12) % 3, 4.0, 3.0)) if with_room else None
    ground = CircleGround(
        covers=sparse.csr_array(np.repeat(near, 3, axis=0)),
        category=np.tile([0, 1, 2], 12),
        costs=costs.ravel().astype(float),
        exists=exists,
        residents=draw.integers(0, 30, 40).astype(float),
        circle=draw.integers(-1, 8, 40),
        num_categories=3,
        num_circles=8,
        share=0.7,
        room=room,
    )
    return PhasedCircles(
        ground,
        budgets=np.array([40.0, 50.0]),
        weights=np.array([2.0, 1.0]),
        targets=np.array([2, 5]),
        bonus=10.0,
    )


def made(problem: PhasedCircles) -> tuple[Core, Bundles]:
    """Return the core of a problem and its bundles."""
    core = reduced(problem.ground, most=float(problem.budgets.sum()))
    bundles = bundles_of(core, problem)
    assert bundles is not None
    return core, bundles


@pytest.mark.parametrize("with_room", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_a_plan_of_bundles_is_one_of_their_members(seed: int, with_room: bool) -> None:
    """Members cost no more, need no more room, and make at least the same circles whole."""
    problem = make_problem(seed, with_room=with_room)
    core, bundles = made(problem)
    draw = np.random.default_rng(seed)
    number = len(bundles.members)
    tried = 0
    for _ in range(200):
        years = bundles.problem.nothing()
        some = draw.choice(number, min(3, number), replace=False)
        years[some] = draw.integers(1, 3, some.size)
        if bundles.problem.violations(years):
            continue
        tried += 1
        found = problem.nothing()
        found[core.facilities] = bundles.of_members(np.arange(number), years[:number])
        assert problem.violations(found) == []
        assert problem.cost(found) <= bundles.problem.cost(years) + 1e-9
        whole = problem.states(found).recognised[:, core.circles]
        assert not (bundles.problem.states(years).recognised & ~whole).any()
    assert tried


def test_members_share_the_most_residents() -> None:
    """A shop goes with the clinic that serves the same units, the cheaper of two of them."""
    ground = CircleGround(
        covers=sparse.csr_array(
            np.array([[1.0, 1, 0, 0], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0], [0, 1, 1, 1]])
        ),
        category=np.array([0, 0, 1, 1, 1]),
        costs=np.array([3.0, 3.0, 5.0, 4.0, 4.0]),
        exists=np.zeros(5, dtype=bool),
        residents=np.array([10.0, 20.0, 30.0, 40.0]),
        circle=np.array([0, 0, 1, 1]),
        num_categories=2,
        num_circles=2,
    )
    problem = PhasedCircles(ground, budgets=np.array([20.0]), weights=np.ones(1))
    core, bundles = made(problem)
    names = [core.facilities[row].tolist() for row in bundles.members]
    assert sorted(names) == [[0, 3], [1, 4]]


def test_annealing_of_bundles_finds_what_they_can_do() -> None:
    """With money for one bundle a year, both circles are whole in turn, the larger one first."""
    ground = CircleGround(
        covers=sparse.csr_array(np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]])),
        category=np.array([0, 0, 1, 1]),
        costs=np.array([3.0, 3.0, 4.0, 4.0]),
        exists=np.zeros(4, dtype=bool),
        residents=np.array([50.0, 70.0]),
        circle=np.array([0, 1]),
        num_categories=2,
        num_circles=2,
    )
    problem = PhasedCircles(ground, budgets=np.array([7.0, 7.0]), weights=np.ones(2))
    core, bundles = made(problem)
    best = problem.nothing()

    def offer(years: np.ndarray) -> bool:
        found = problem.nothing()
        found[core.facilities] = years
        assert problem.violations(found) == []
        if problem.evaluate(found) > problem.evaluate(best):
            best[:] = found
            return True
        return False

    bundles.improve(offer, over=lambda: False, rounds=2, seed=1)
    assert best.tolist() == [2, 1, 2, 1]


def test_one_category_has_no_bundles() -> None:
    """Where only one category is missing, there is nothing to put together."""
    problem = make_problem(1)
    ground = problem.ground
    there = replace(ground, exists=ground.exists | (ground.category > 0))
    alone = replace(problem, ground=there)
    core = reduced(there, most=90.0)
    assert (core.category == 0).all()
    assert bundles_of(core, alone) is None


def test_bundles_that_never_fit_are_left_out() -> None:
    """Where a site has room for two of three categories, its bundle is not made."""
    problem = make_problem(2, with_room=True)
    core, bundles = made(problem)
    for own in bundles.members:
        some = own[own >= 0]
        limited = some[core.site[some] >= 0]
        assert np.unique(core.site[limited]).size <= 1
        if limited.size:
            assert core.areas[limited].sum() <= core.room[core.site[limited[0]]] + 1e-9
    assert NEVER not in bundles.members[:, 0]
