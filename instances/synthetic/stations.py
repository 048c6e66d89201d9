"""Existing service stations and candidate sites of a synthetic city."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ...models.formulation import BoolArray, FloatArray, IntArray
    from .communities import Communities
    from .courtyards import Courtyards
    from .walkways import Walkways

REACH_MINUTES, SAFE_REACH_MINUTES = 15.0, 13.0
SHARE_OUT_OF_REACH, SHARE_TOLERANCE = 0.125, 0.012
MOVES, PLACES_PER_STATION = 600, 6
SHARE_WITHOUT_STATION = 0.08
RESIDENTS_PER_STATION = 12_000
RESIDENTS_PER_CANDIDATE = 1_250
CROWDED_RESIDENTS, CROWDED_HOUSEHOLDS = 14_500, 4_900
EXTENSIBLE_SHARE = 0.45


@dataclass(frozen=True, eq=False)
class Sites:
    """
    Existing stations, then candidates, each ordered by community.

    Parameters
    ----------
    unit
        Unit that each site lies in, shape (sites,).
    existing
        True for existing stations, shape (sites,).
    floor_area_m2, max_area_m2
        Floor area today and at most, in square metres, shape (sites,).
    fixed_cost, cost_per_m2
        In 10,000 yuan, shape (sites,).
    """

    unit: IntArray
    existing: BoolArray
    floor_area_m2: FloatArray
    max_area_m2: FloatArray
    fixed_cost: FloatArray
    cost_per_m2: FloatArray


@dataclass(frozen=True, eq=False)
class Places:
    """
    What the choice of sites depends on.

    Parameters
    ----------
    courtyards, communities
        The city.
    households
        Households of each unit, shape (units,).
    points
        A point in each unit, in metres, shape (units, 2).
    walkways
        The walking network.
    """

    courtyards: Courtyards
    communities: Communities
    households: IntArray
    points: FloatArray
    walkways: Walkways

    def inhabited(self, community: int) -> IntArray:
        """Units of a community where people live."""
        inside = self.communities.of_unit == community
        return np.flatnonzero(inside & (self.courtyards.residents > 0))


def place_sites(places: Places, rng: np.random.Generator) -> Sites:
    """
    Place stations that leave about an eighth of the residents out of reach, and candidates.

    Candidates are so many and so large that every community, split or not, can reach its floor
    area and every resident a site.

    Parameters
    ----------
    places
        Units, communities and walkways.
    rng
        Source of every random choice.
    """
    stations = _place_stations(places, rng)
    chosen = [
        _choose_candidates(places, community, rng)
        for community in range(places.communities.num_communities)
    ]
    candidates = np.concatenate([units for units, _ in chosen])
    areas = np.concatenate([areas for _, areas in chosen])
    missed = _fill_gaps(places, np.concatenate([stations, candidates]))
    candidates = np.concatenate([candidates, missed])
    areas = np.concatenate([areas, np.full(missed.size, 1_200.0)])
    order = np.argsort(places.communities.of_unit[candidates], kind="stable")
    candidates, areas = candidates[order], areas[order]
    today, extended = _station_areas(stations.size, rng)
    sites = Sites(
        unit=np.concatenate([stations, candidates]),
        existing=np.arange(stations.size + candidates.size) < stations.size,
        floor_area_m2=np.concatenate([today, np.zeros(candidates.size)]),
        max_area_m2=np.concatenate([extended, areas]),
        fixed_cost=np.zeros(stations.size + candidates.size),
        cost_per_m2=np.zeros(stations.size + candidates.size),
    )
    return _price(sites, places.courtyards.centrality, rng)


def _place_stations(places: Places, rng: np.random.Generator) -> IntArray:
    """
    Choose units for the existing stations.

    Starts from well spread stations and moves one at a time to another place of its community, or
    closes it if few communities lack one, while that brings the residents out of reach nearer to
    their share.
    """
    community, places_of = _possible_stations(places, rng)
    residents = places.courtyards.residents
    minutes = places.walkways.minutes(
        places.points[places_of.ravel()], places.points, limit=REACH_MINUTES
    )
    reach = np.isfinite(minutes).reshape(*places_of.shape, -1)
    place, best = np.zeros(community.size, dtype=np.int64), np.inf
    station = np.arange(community.size)
    closures = math.ceil(SHARE_WITHOUT_STATION * places.communities.num_communities)
    for move in range(MOVES):
        trial = place.copy()
        if move:
            trial[rng.integers(community.size)] = rng.integers(-1, PLACES_PER_STATION)
        without = places.communities.num_communities - np.unique(community[trial >= 0]).size
        reached = reach[station[trial >= 0], trial[trial >= 0]].any(axis=0)
        share = residents[~reached].sum() / residents.sum()
        if without <= closures and abs(share - SHARE_OUT_OF_REACH) <= best:
            place, best = trial, abs(share - SHARE_OUT_OF_REACH)
        if best < SHARE_TOLERANCE:
            break
    return places_of[station[place >= 0], place[place >= 0]]


def _possible_stations(places: Places, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Community of each station, shape (stations,), and units to choose from, (stations, k)."""
    sizes = np.bincount(places.communities.of_unit, places.courtyards.residents)
    owners: list[int] = []
    rows: list[IntArray] = []
    for community, size in enumerate(sizes.tolist()):
        count = 1 + int(size // RESIDENTS_PER_STATION)
        inhabited = places.inhabited(community)
        spread = _spread(places, inhabited, count, rng)
        for unit in spread.tolist():
            others = rng.choice(inhabited, PLACES_PER_STATION - 1)
            rows.append(np.concatenate([[unit], others]))
            owners.append(community)
    return np.array(owners, dtype=np.int64), np.array(rows, dtype=np.int64)


def _choose_candidates(
    places: Places, community: int, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """Units and floor areas of the candidates of a community; larger where it is to be split."""
    inhabited = places.inhabited(community)
    residents = places.courtyards.residents[inhabited].sum()
    households = places.households[inhabited].sum()
    crowded = residents >= CROWDED_RESIDENTS or households >= CROWDED_HOUSEHOLDS
    count = max(3, math.ceil(residents / RESIDENTS_PER_CANDIDATE))
    units = _spread(places, inhabited, count, rng)
    areas = rng.uniform(400, 3_200, units.size)
    large = -(-units.size // (2 if crowded else 3))
    areas[:large] = rng.uniform(3_000 if crowded else 1_800, 4_000, large)
    return units, np.round(areas, -1)


def _spread(places: Places, units: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """Choose units far from each other, larger ones first (farthest-point sampling)."""
    points = places.points[units]
    weight = np.sqrt(places.courtyards.residents[units].astype(np.float64))
    chosen = [int(rng.choice(units.size, p=weight / weight.sum()))]
    distance = np.full(units.size, np.inf)
    while len(chosen) < min(count, units.size):
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(np.argmax(distance * weight)))
    return units[chosen]


def _fill_gaps(places: Places, sites: IntArray) -> IntArray:
    """Units to add as candidates, so that every resident has a site safely within reach."""
    residents = places.courtyards.residents
    reached = np.zeros(residents.size, dtype=bool)
    for start in range(0, sites.size, 256):
        minutes = places.walkways.minutes(
            places.points[sites[start : start + 256]], places.points, limit=SAFE_REACH_MINUTES
        )
        reached |= np.isfinite(minutes).any(axis=0)
    return np.flatnonzero(~reached & (residents > 0))


def _station_areas(count: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Floor areas of existing stations in square metres, today and at most."""
    drawn = rng.lognormal(np.log(900), 0.55, count).clip(150, 2_500)
    today: FloatArray = 10.0 * np.rint(drawn / 10)
    extended: FloatArray = 10.0 * np.rint(today * rng.uniform(0.12, 0.2, count))
    return today, np.where(rng.uniform(size=count) < EXTENSIBLE_SHARE, extended, today)


def _price(sites: Sites, centrality: FloatArray, rng: np.random.Generator) -> Sites:
    """Set the costs: dearer in the centre, and nothing to pay where nothing can be built."""
    central = centrality[sites.unit] / centrality.max()
    noise = rng.uniform(0, 0.25, (2, central.size))
    fixed = np.round(30 + 130 * (0.45 * central + 0.3 * sites.max_area_m2 / 4_000 + noise[0]))
    per_m2 = np.round(0.3 + 0.7 * (0.75 * central + noise[1]), 3)
    fixed[sites.existing] = 0
    per_m2[sites.max_area_m2 <= sites.floor_area_m2] = 0
    return Sites(sites.unit, sites.existing, sites.floor_area_m2, sites.max_area_m2, fixed, per_m2)
