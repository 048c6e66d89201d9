"""Plans to begin with: levels by their value at the prices, within budget and rules."""

from __future__ import annotations

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from ....limits import Limits
from ....result import Result, Status
from ....solvers import solve_model
from .prices import Prices, whole_goal, whole_part
from .reduction import Reduced

_ROUGH, _HALF = 1e-3, 0.5

DOUBTED = 0.5
"""What counts of the value of levels beyond those given, whose neighbours sell too."""


def level_values(reduced: Reduced, prices: Prices) -> FloatArray:
    """Value of what each level can sell at the prices of the groups, shape (levels,)."""
    order, starts = reduced.arcs_by_site
    value = np.zeros(reduced.level_site.size)
    for site in range(reduced.num_sites):
        levels = slice(reduced.first_level[site], reduced.first_level[site + 1])
        groups = reduced.arc_group[order[starts[site] : starts[site + 1]]]
        groups = groups[np.argsort(-prices.of_group[groups], kind="stable")]
        sold = np.r_[0.0, np.cumsum(reduced.group_need[groups])]
        paid = np.r_[0.0, np.cumsum(reduced.group_need[groups] * prices.of_group[groups])]
        value[levels] = np.interp(reduced.level_area[levels], sold, paid)
        value[levels] -= np.interp(reduced.base_area[site], sold, paid)
    return value


def chosen_levels(
    reduced: Reduced, value: FloatArray, allowed: BoolArray, limits: Limits
) -> tuple[Status, IntArray | None]:
    """
    Choose at most one level a site: most value within the budget, by the rules.

    Returns
    -------
    tuple
        What is known, and the level of each site among all levels, -1 for none, shape (sites,).
    """
    part, goal = whole_part(reduced), whole_goal(reduced)
    builder = ModelBuilder("levels", maximize=True)
    y = builder.add_columns(value, upper=allowed, integer=True)
    least = np.zeros(reduced.num_sites)
    least[part.must_build] = 1.0
    zero = np.zeros(y.size, dtype=np.int64)
    builder.add_rows(reduced.level_site, y, 1, lower=least, upper=1.0)
    if goal.budget is not None:
        builder.add_rows(zero, y, reduced.level_cost, upper=[goal.budget])
    counted = reduced.base_area[reduced.level_site] <= 0
    if goal.sites is not None:
        low, high = goal.sites
        builder.add_rows(zero[counted], y[counted], 1, lower=[low], upper=[high])
    for a, b in part.apart.tolist():
        both = y[(reduced.level_site == a) | (reduced.level_site == b)]
        builder.add_rows(zero[: both.size], both, 1, upper=[1.0])
    found: Result[FloatArray] = solve_model(builder.build(), limits=limits)
    if found.solution is None:
        return found.status, None
    chosen = np.full(reduced.num_sites, -1, dtype=np.int64)
    taken = np.flatnonzero(np.rint(found.solution) > 0)
    chosen[reduced.level_site[taken]] = taken
    return found.status, chosen


def start_levels(
    reduced: Reduced, prices: Prices, built: BoolArray, limits: Limits
) -> IntArray | None:
    """
    Bring levels within budget and rules.

    With a budget they shrink, whatever is worth least at the prices first, or grow where
    money is left; without one they change only where a rule asks for it.
    """
    limits = Limits(seconds=limits.seconds, gap=_ROUGH, seed=limits.seed)
    if not reduced.problem.maximize:
        return chosen_levels(
            reduced, built.astype(float) - 0.01, np.ones(built.size, dtype=bool), limits
        )[1]
    value, taken = level_values(reduced, prices), np.flatnonzero(built)
    area, worth = np.zeros(reduced.num_sites), np.zeros(reduced.num_sites)
    area[reduced.level_site[taken]] = reduced.level_area[taken]
    worth[reduced.level_site[taken]] = value[taken]
    beyond = reduced.level_area > area[reduced.level_site]
    known = worth[reduced.level_site]
    value = np.where(beyond, known + DOUBTED * (value - known), value)
    return chosen_levels(reduced, value, np.ones(built.size, dtype=bool), limits)[1]


def rounded_levels(reduced: Reduced, share: FloatArray, limits: Limits) -> IntArray | None:
    """
    Keep the levels that a relaxation builds by half at least, as far as budget and rules allow.

    Parameters
    ----------
    reduced, limits
        The problem, and how long.
    share
        Share of each level in the relaxation, shape (levels,).
    """
    total = np.bincount(reduced.level_site, share, minlength=reduced.num_sites)
    order = np.lexsort((share, reduced.level_site))
    last = np.r_[reduced.level_site[1:] != reduced.level_site[:-1], True]
    kept = np.zeros(share.size, dtype=bool)
    kept[order[last]] = True
    kept &= (total >= _HALF)[reduced.level_site]
    value = np.where(kept, share * reduced.level_area, -1.0)
    limits = Limits(seconds=limits.seconds, gap=_ROUGH, seed=limits.seed)
    return chosen_levels(reduced, value, np.ones(share.size, dtype=bool), limits)[1]
