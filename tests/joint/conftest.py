"""Small random communities with sites."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy import sparse
from shequ.models.districting.problem import point_districting
from shequ.models.joint.problem import JointPlan, JointSplit
from shequ.models.siting.station import StationSiting

Make = Callable[..., JointSplit]


@pytest.fixture(scope="session")
def community() -> Make:
    """Return a function that makes a grid of units with sites, by seed."""

    def make(
        seed: int,
        *,
        columns: int = 3,
        rows: int = 3,
        num_sites: int = 4,
        k: int = 2,
        tolerance: float = 0.3,
        reach: float = 1.5,
        rate: float = 0.5,
    ) -> JointSplit:
        rng = np.random.default_rng(seed)
        n = columns * rows
        place = np.arange(n).reshape(rows, columns)
        points = np.stack(np.divmod(np.arange(n), columns), axis=1)[:, ::-1] * 100.0
        edges = np.r_[
            np.c_[place[:, :-1].ravel(), place[:, 1:].ravel()],
            np.c_[place[:-1].ravel(), place[1:].ravel()],
        ]
        residents = rng.integers(5, 15, n).astype(float)
        households = np.maximum(np.rint(residents / rng.uniform(2, 4, n)), 1)
        mean = residents.sum() / k
        split = point_districting(
            residents,
            points + rng.normal(0, 5, (n, 2)),
            edges,
            k,
            np.ceil(mean * (1 - tolerance)),
            np.floor(mean * (1 + tolerance)),
        )
        home = rng.choice(n, num_sites, replace=False)
        away = np.abs(points[home][:, None] - points[None]).sum(axis=2) / 100
        site, unit = np.nonzero(away <= reach)
        minutes = sparse.csr_array(
            sparse.coo_array((away[site, unit] + 0.1, (site, unit)), shape=away.shape)
        )
        existing = np.arange(num_sites) == 0
        largest = rng.integers(10, 25, num_sites).astype(float)
        stations = StationSiting(
            existing=existing,
            area_today_m2=np.where(existing, 5.0, 0.0),
            min_area_m2=np.full(num_sites, 4.0),
            max_area_m2=largest,
            fixed_cost=np.where(existing, 0.0, rng.integers(5, 15, num_sites)).astype(float),
            cost_per_m2=rng.integers(1, 5, num_sites).astype(float),
            community_of_site=np.zeros(num_sites, dtype=np.int64),
            required=np.zeros(num_sites, dtype=bool),
            forbidden=np.zeros(num_sites, dtype=bool),
            residents=residents,
            households=households,
            community_of_unit=np.zeros(n, dtype=np.int64),
            must_reach=np.ones(n, dtype=bool),
            minutes=minutes,
            target_m2=np.zeros(1),
        )
        units = np.arange(n)
        return JointSplit(split, stations, units, home, rate)

    return make


@pytest.fixture(scope="session")
def every_plan() -> Callable[[JointSplit], Iterator[JointPlan]]:
    """Return a function that yields every plan with all rules kept, and the cheapest areas."""

    def plans(problem: JointSplit) -> Iterator[JointPlan]:
        stations, split = problem.stations, problem.districting
        candidates = np.flatnonzero(stations.may_open)
        labels = [
            np.array((0, *rest), dtype=np.int64)
            for rest in itertools.product(range(split.num_districts), repeat=split.num_nodes - 1)
        ]
        labels = [one for one in labels if not split.violations(one)]
        for chosen in itertools.product((False, True), repeat=candidates.size):
            is_open = stations.fixed_open.copy()
            is_open[candidates] = chosen
            for one in labels:
                plan = problem.sized(one, is_open)
                if not problem.violations(plan):
                    yield plan

    return plans
