"""
Seeded problems of stations with floor area in steps: cities of residential units and sites.

Clients are residential units of a few dozen to a few hundred households. Stations are candidates
near them, with an opening cost and a cost for each module of floor area; sizes and costs differ
from site to site. A client is within reach of a site at most fifteen minutes on foot away.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from ...models.formulation import FloatArray
from ...models.siting.modular_floor_area import AREA_PER_HOUSEHOLD, ModularFloorArea

CityKind = Literal["uniform", "clustered", "existing"]

REACH_METRES = 1000.0
"""Fifteen minutes on foot, as the crow flies, with a usual detour."""

SITES_IN_REACH = {"uniform": 4.0, "clustered": 2.5, "existing": 2.5}
"""Sites a client would reach on average if all were spread evenly."""

MODULE_M2 = (200.0, 250.0, 300.0, 400.0)
FEWEST_MODULES, MOST_MODULES = 3, 8
_HOUSEHOLDS = (4.6, 0.7)
_RESIDENTS_A_HOUSEHOLD = (2.0, 3.4)
_SUPPLY = 1.4
_EXISTING = 0.25
_SCATTERED = 0.25


def modular_sites(
    num_clients: int,
    *,
    num_sites: int,
    seed: int,
    kind: CityKind = "clustered",
    budget_share: float | None = 0.5,
    least_share: float | None = None,
) -> ModularFloorArea:
    """
    Draw a city with its candidates.

    Parameters
    ----------
    num_clients, num_sites
        Numbers of residential units and of sites, existing ones among them.
    seed
        Same seed, same city; the budget does not change it.
    kind
        "uniform" spreads clients and sites evenly, "clustered" puts most of them into quarters
        of different density, "existing" is clustered with a quarter of the sites built at their
        smallest size.
    budget_share
        Budget as a share of a lower bound on what serving everybody within reach costs: see
        :func:`least_cost_of_all`.
    least_share
        Share of the residents to be served at least cost, instead of a budget; counted of those
        within reach of a site.

    Raises
    ------
    ValueError
        If a number is below 1 or the kind is unknown.

    Examples
    --------
    >>> problem = modular_sites(200, num_sites=10, seed=1, kind="uniform")
    >>> problem.num_sites
    10
    """
    if num_clients < 1 or num_sites < 1:
        raise ValueError(f"A city needs clients and sites, got {num_clients} and {num_sites}.")
    if kind not in get_args(CityKind):
        raise ValueError(f"kind = {kind!r} not understood; choose {', '.join(get_args(CityKind))}.")
    rng = np.random.default_rng((seed, num_clients, num_sites))
    side = REACH_METRES * np.sqrt(np.pi * num_sites / SITES_IN_REACH[kind])
    clients, sites = _places(rng, num_clients, num_sites, side, clustered=kind != "uniform")
    households = np.ceil(rng.lognormal(*_HOUSEHOLDS, num_clients))
    residents = np.ceil(households * rng.uniform(*_RESIDENTS_A_HOUSEHOLD, num_clients))
    pairs = _pairs(clients, sites)
    areas, costs = _menus(rng, num_sites, AREA_PER_HOUSEHOLD * households.sum())
    today = None
    if kind == "existing":
        built = rng.random(num_sites) < _EXISTING
        today = np.where(built, areas[:, 0], 0.0)
        areas, costs = _grown(areas, costs, built)
    reached = np.diff(pairs.indptr) > 0
    share = None
    if least_share is not None:
        share = least_share * float(residents[reached].sum() / residents.sum())
    problem = ModularFloorArea(
        residents, households, pairs, areas, costs, 0.0 if share is None else None, share, today
    )
    if share is not None or budget_share is None:
        return problem
    return with_budget(problem, budget_share * least_cost_of_all(problem))


def with_budget(problem: ModularFloorArea, budget: float) -> ModularFloorArea:
    """Return the same city with a budget, rounded up to a whole amount."""
    return ModularFloorArea(
        problem.residents,
        problem.households,
        problem.within_reach,
        problem.areas,
        problem.costs,
        float(np.ceil(budget)),
        None,
        problem.area_today,
        problem.area_per_household,
        problem.rules,
    )


def least_cost_of_all(problem: ModularFloorArea) -> float:
    """
    Bound from below what serving every client within reach of a site costs.

    Every m² beyond today's costs at least what it does at the cheapest level in reach.
    """
    growth = problem.areas - problem.today[:, None]
    unit_cost = np.nanmin(problem.costs / growth, axis=1)
    client, site = problem.pairs
    cheapest = np.full(problem.num_clients, np.inf)
    np.minimum.at(cheapest, client, unit_cost[site])
    reached = np.isfinite(cheapest)
    total = float(problem.needs[reached] @ cheapest[reached])
    return max(0.0, total - float(problem.today.sum() * cheapest[reached].max(initial=0.0)))


def _places(
    rng: np.random.Generator, num_clients: int, num_sites: int, side: float, *, clustered: bool
) -> tuple[FloatArray, FloatArray]:
    """Points of clients and of sites."""
    clients = rng.uniform(0, side, (num_clients, 2))
    sites = rng.uniform(0, side, (num_sites, 2))
    if clustered:
        num_quarters = max(2, num_sites // 12)
        centres = rng.uniform(0.08 * side, 0.92 * side, (num_quarters, 2))
        spread = rng.uniform(0.5, 1.6, num_quarters) * REACH_METRES
        size = rng.lognormal(0.0, 0.6, num_quarters)
        for points in (clients, sites):
            inside = np.flatnonzero(rng.random(len(points)) >= _SCATTERED)
            quarter = rng.choice(num_quarters, inside.size, p=size / size.sum())
            shift = rng.normal(size=(inside.size, 2)) * spread[quarter, None]
            points[inside] = np.clip(centres[quarter] + shift, 0, side)
    return clients, sites


def _pairs(clients: FloatArray, sites: FloatArray) -> sparse.csr_array:
    """Pairs within reach."""
    near = KDTree(clients).sparse_distance_matrix(
        KDTree(sites), REACH_METRES, output_type="ndarray"
    )
    pairs = sparse.coo_array(
        (np.ones(len(near)), (near["i"], near["j"])), shape=(len(clients), len(sites))
    )
    found = sparse.csr_array(pairs)
    found.sum_duplicates()
    return found


def _menus(rng: np.random.Generator, num_sites: int, need: float) -> tuple[FloatArray, FloatArray]:
    """Sizes in modules and their costs; all at their largest would be ample for everybody."""
    module = rng.choice(MODULE_M2, num_sites)
    most = rng.integers(FEWEST_MODULES, MOST_MODULES + 1, num_sites)
    scale = _SUPPLY * need / float((module * most).sum())
    modules = np.arange(1, MOST_MODULES + 1)
    area = np.round(scale * module)[:, None] * modules
    opening = np.round(rng.uniform(0.5, 2.0, num_sites) * 300.0)
    each = np.round(module * rng.uniform(0.8, 1.3, num_sites))
    cost = opening[:, None] + each[:, None] * modules
    missing = modules > most[:, None]
    return np.where(missing, np.nan, area), np.where(missing, np.nan, cost)


def _grown(
    areas: FloatArray, costs: FloatArray, built: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """Levels of built sites beyond their first; they cost what is added, without the opening."""
    areas, costs = areas.copy(), costs.copy()
    first = costs[built, :1].copy()
    areas[built] = np.c_[areas[built, 1:], np.full(int(built.sum()), np.nan)]
    costs[built] = np.c_[costs[built, 1:] - first, np.full(int(built.sum()), np.nan)]
    return areas, costs
