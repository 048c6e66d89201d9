"""The plain formulation of modular floor area, as the head of the problem's module states it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from ..formulation import FloatArray, IntArray, ModelBuilder
from .allocation import AllocationModel
from .modular_floor_area import ModularFloorArea, ModularPlan
from .site_rules import add_site_rules


def modular_floor_area_model(problem: ModularFloorArea) -> AllocationModel[ModularPlan]:
    """Build the formulation, with a column for each level of a site and each pair within reach."""
    builder = ModelBuilder("modular-floor-area", maximize=problem.maximize)
    site, level = np.nonzero(problem.offered)
    cost = problem.costs[site, level]
    y = builder.add_columns(0.0 * cost if problem.maximize else cost, upper=1, integer=True)
    client, at = problem.pairs
    residents = problem.residents[client]
    x = builder.add_columns(residents if problem.maximize else 0.0 * residents, upper=1)
    is_open = builder.add_columns(
        np.zeros(problem.num_sites), lower=problem.existing, upper=1, integer=True
    )
    candidate = ~problem.existing[site]
    builder.add_rows(
        np.r_[np.arange(is_open.size)[~problem.existing], site[candidate]],
        np.r_[is_open[~problem.existing], y[candidate]],
        np.r_[np.ones(int((~problem.existing).sum())), -np.ones(int(candidate.sum()))],
        lower=np.zeros(problem.num_sites),
        upper=0,
    )
    builder.add_rows(site, y, 1, upper=np.ones(problem.num_sites))
    builder.add_rows(client, x, 1, upper=np.ones(problem.num_clients))
    growth = problem.areas[site, level] - problem.today[site]
    builder.add_rows(
        np.r_[at, site],
        np.r_[x, y],
        np.r_[problem.needs[client], -growth],
        upper=problem.today,
    )
    linked = np.arange(x.size)
    builder.add_rows(
        np.r_[linked, linked],
        np.r_[x, is_open[at]],
        np.r_[np.ones(x.size), -np.ones(x.size)],
        upper=np.zeros(x.size),
    )
    zero = np.zeros(max(x.size, y.size), dtype=np.int64)
    if problem.budget is not None:
        builder.add_rows(zero[: y.size], y, cost, upper=[problem.budget])
    else:
        builder.add_rows(zero[: x.size], x, residents, lower=[problem.residents_to_serve])
    add_site_rules(builder, is_open, problem.all_rules)
    columns = _Columns(site, level, x.size, problem)
    return AllocationModel(
        builder.build(), decode=partial(_decode, columns), encode=partial(_encode, columns)
    )


@dataclass(frozen=True, eq=False)
class _Columns:
    """Site and level of each column y; the columns x follow, then one for each open site."""

    site: IntArray
    level: IntArray
    num_pairs: int
    problem: ModularFloorArea


def _decode(columns: _Columns, values: FloatArray) -> ModularPlan:
    """Read levels and shares."""
    num_y = columns.site.size
    level = np.zeros(columns.problem.num_sites, dtype=np.int64)
    built = values[:num_y] > 0.5
    level[columns.site[built]] = columns.level[built] + 1
    share = values[num_y : num_y + columns.num_pairs]
    return ModularPlan(level, np.clip(share, 0.0, 1.0))


def _encode(columns: _Columns, plan: ModularPlan) -> FloatArray:
    """Write levels, shares and open sites."""
    y = plan.level[columns.site] == columns.level + 1
    return np.concatenate([y, plan.share, columns.problem.is_open(plan.level)]).astype(float)
