"""Generated communities whose boundaries and stations are chosen together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from scipy import sparse

from ...instances.synthetic.district_graphs import voronoi_districting
from ...models.districting.problem import Districting
from ...models.formulation import FloatArray
from ...models.joint.problem import JointSplit
from ...models.siting.station import StationSiting
from ..registry import Case, register_case

SIZES = ((30, 2, 4), (100, 2, 6), (300, 3, 7), (600, 3, 8))
"""Units, districts and sites."""

REACH = 0.9
"""Reach of a site, as a share of the side of the mean district."""

AREA_PER_HOUSEHOLD_M2 = 0.8
SPARE = 1.6
"""Floor area that all sites together may have, by what is needed."""

WIDER = 1.3
"""Limit of the moment of inertia by that of the nearest of k means: no plan with balance, which
costs more, is much more compact than they are."""


@dataclass(frozen=True, eq=False)
class CompactJointSplit:
    """
    Boundaries and stations at least cost, within a moment of inertia.

    Parameters
    ----------
    problem
        The community.
    most_inertia
        Largest moment of inertia.
    """

    problem: JointSplit
    most_inertia: float


def joint_community(data: Path, *, units: int, districts: int, sites: int) -> JointSplit:
    """Return Voronoi cells with sites that are spread over them; the first is there today."""
    del data
    split, _ = voronoi_districting(units, districts, seed=units)
    rng = np.random.default_rng((11, units))
    households = np.maximum(np.rint(split.mass / rng.uniform(2.0, 3.2, units)), 1.0)
    home = _spread(split.location, sites, int(rng.integers(units)))
    side = np.ptp(split.location, axis=0).mean() / np.sqrt(districts)
    away = np.linalg.norm(split.location[home][:, None] - split.location[None], axis=2)
    site, unit = np.nonzero(away <= REACH * side)
    minutes = sparse.csr_array(
        sparse.coo_array((1 + away[site, unit] / 75, (site, unit)), shape=away.shape)
    )
    need = AREA_PER_HOUSEHOLD_M2 * float(households.sum())
    existing = np.arange(sites) == 0
    share = rng.uniform(0.6, 1.4, sites)
    most = np.round(SPARE * need * share / share.sum())
    one = np.zeros(units, dtype=np.int64)
    stations = StationSiting(
        existing=existing,
        area_today_m2=np.where(existing, np.round(0.4 * most), 0.0),
        min_area_m2=np.minimum(100.0, most),
        max_area_m2=most,
        fixed_cost=np.where(existing, 0.0, np.round(rng.uniform(60, 140, sites))),
        cost_per_m2=np.round(rng.uniform(0.4, 0.9, sites), 3),
        community_of_site=np.zeros(sites, dtype=np.int64),
        required=np.zeros(sites, dtype=bool),
        forbidden=np.zeros(sites, dtype=bool),
        residents=split.mass,
        households=households,
        community_of_unit=one,
        must_reach=np.ones(units, dtype=bool),
        minutes=minutes,
        target_m2=np.array([need]),
    )
    return JointSplit(split, stations, np.arange(units), home, AREA_PER_HOUSEHOLD_M2)


def compact_joint_community(
    data: Path, *, units: int, districts: int, sites: int
) -> CompactJointSplit:
    """Return the same with a limit that the nearest of k means gives."""
    problem = joint_community(data, units=units, districts=districts, sites=sites)
    return CompactJointSplit(problem, WIDER * _means(problem.districting))


def _spread(
    points: FloatArray, number: int, first: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return points each as far as can be from those before it."""
    chosen = [first]
    while len(chosen) < number:
        away = np.linalg.norm(points[:, None] - points[chosen][None], axis=2).min(axis=1)
        chosen.append(int(away.argmax()))
    return np.array(chosen, dtype=np.int64)


def _means(split: Districting) -> float:
    """Moment of inertia of the units about the nearest of k means (Lloyd), without balance."""
    centre = split.location[_spread(split.location, split.num_districts, 0)]
    for _ in range(100):
        away = np.square(split.location[:, None] - centre[None]).sum(axis=2)
        nearest = away.argmin(axis=1)
        mass = np.bincount(nearest, split.mass, split.num_districts)
        sums = [
            np.bincount(nearest, split.mass * split.location[:, axis], split.num_districts)
            for axis in (0, 1)
        ]
        centre = np.stack(sums, axis=1) / mass[:, None]
    away = np.square(split.location[:, None] - centre[None]).sum(axis=2)
    return float(split.mass @ away.min(axis=1) / 1e6)


for family, load in (("joint-compact", joint_community), ("joint-cost", compact_joint_community)):
    for units, districts, sites in SIZES:
        size = {"units": units, "districts": districts, "sites": sites}
        register_case(
            Case(
                name=f"{family}/voronoi-{units}-k{districts}",
                family=family,
                load=partial(load, units=units, districts=districts, sites=sites),
                size=size,
                tags=frozenset({"generated", "joint"}),
                time_limit=60.0,
            )
        )
