"""Tiny cities on a line, and every decision on them by brute force."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from shequ.models.siting.station import Siting, StationSiting


def _line_city(seed: int, *, num_sites: int = 7, num_units: int = 8) -> StationSiting:
    """Two communities on a line, one existing station, one required, candidates with costs."""
    rng = np.random.default_rng(seed)
    site_at, unit_at = rng.uniform(0, 30, num_sites), rng.uniform(0, 30, num_units)
    minutes = np.abs(site_at[:, None] - unit_at[None, :]) + 0.5
    existing = np.arange(num_sites) == 0
    households = rng.integers(50, 200, num_units).astype(float)
    of_unit = (unit_at > 15).astype(np.int64)
    return StationSiting(
        existing=existing,
        area_today_m2=np.where(existing, 60.0, 0.0),
        min_area_m2=np.full(num_sites, 20.0),
        max_area_m2=np.where(existing, 90.0, rng.integers(80, 400, num_sites)),
        fixed_cost=np.where(existing, 0, rng.integers(5, 40, num_sites)).astype(float),
        cost_per_m2=rng.uniform(0.3, 1.0, num_sites),
        community_of_site=(site_at > 15).astype(np.int64),
        required=(np.arange(num_sites) == 1) & (seed % 2 == 1),
        forbidden=np.zeros(num_sites, dtype=bool),
        residents=np.rint(households * 2.6),
        households=households,
        community_of_unit=of_unit,
        must_reach=np.ones(num_units, dtype=bool),
        minutes=sparse.csr_array(np.where(minutes <= 8, minutes, 0.0)),
        target_m2=0.5 * np.bincount(of_unit, households, 2),
    )


@pytest.fixture
def line_city() -> Callable[..., StationSiting]:
    """Return a function from a seed to a tiny city."""
    return _line_city


@pytest.fixture
def decisions() -> Callable[[StationSiting], list[np.ndarray]]:
    """Return a function from a problem to every set of open sites."""

    def every(problem: StationSiting) -> list[np.ndarray]:
        free = np.flatnonzero(problem.may_open)
        sets = []
        for choice in itertools.product((False, True), repeat=free.size):
            is_open = problem.fixed_open.copy()
            is_open[free] = choice
            sets.append(is_open)
        return sets

    return every


@pytest.fixture
def cheapest_of() -> Callable[[StationSiting, np.ndarray], Siting | None]:
    """Return a function from a set of open sites to its cheapest siting that keeps every rule."""

    def cheapest(problem: StationSiting, is_open: np.ndarray) -> Siting | None:
        least = np.where(problem.existing, problem.area_today_m2, problem.min_area_m2)
        bounds = [
            (low, high) if o else (0, 0)
            for low, high, o in zip(least, problem.max_area_m2, is_open, strict=True)
        ]
        inside = (problem.community_of_site[None, :] == np.arange(2)[:, None]).astype(float)
        answer = linprog(problem.cost_per_m2, A_ub=-inside, b_ub=-problem.target_m2, bounds=bounds)
        if answer.status != 0:
            return None
        siting = Siting(is_open, np.where(is_open, answer.x, 0.0))
        return None if problem.violations(siting) else siting

    return cheapest


@pytest.fixture
def most_served_by() -> Callable[[StationSiting, np.ndarray, float], float | None]:
    """Return a function: most residents that open sites serve within a budget, by an LP."""

    def most(problem: StationSiting, is_open: np.ndarray, budget: float) -> float | None:
        least = np.where(problem.existing, problem.area_today_m2, problem.min_area_m2)
        many, units = problem.num_sites, problem.num_units
        opened = is_open & ~problem.existing
        room = budget - float(problem.fixed_cost[opened].sum())
        room += float(problem.cost_per_m2 @ np.where(is_open, problem.area_today_m2, 0.0))
        reached = np.isfinite(problem.nearest(is_open)[1])
        need = problem.floor_area_per_unit()
        rows, limits = [np.r_[problem.cost_per_m2, np.zeros(units)]], [room]
        for community in range(2):
            area = -(problem.community_of_site == community).astype(float)
            rows.append(np.r_[area, need * (problem.community_of_unit == community)])
            limits.append(0.0)
        sizes = zip(least, problem.max_area_m2, is_open, strict=True)
        bounds = [(low, high) if o else (0, 0) for low, high, o in sizes]
        bounds += [(0, 1 if one else 0) for one in reached]
        costs = np.r_[np.zeros(many), -problem.residents]
        answer = linprog(costs, A_ub=np.array(rows), b_ub=limits, bounds=bounds)
        return None if answer.status != 0 else -float(answer.fun)

    return most
