"""
What a m² is worth to each group and what money is worth; the city as one part; best flows.

Both directions come down to one relaxed problem. With a price m of money (residents a unit), let
V(m) bound what residents served less m times the cost can be. With a budget B no plan serves more
than V(m) + m B; where R residents must be served, no plan costs less than (R - V(m)) / m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import FloatArray, IntArray
from .....models.siting.modular_floor_area import totals
from ....limits import Limits
from ....result import Status
from ....solvers import solve_lp
from .part import Goal, Part, part_model
from .reduction import Reduced
from .segments import coarser


@dataclass(frozen=True, eq=False)
class Prices:
    """
    Prices of floor area and of money.

    Parameters
    ----------
    of_group
        Residents that a m² for the group is worth, shape (groups,).
    of_money
        Residents that a unit of money is worth.
    """

    of_group: FloatArray
    of_money: float


def whole_part(reduced: Reduced) -> Part:
    """Return the part that is the whole city."""
    rules = reduced.problem.all_rules
    required = np.zeros(reduced.num_sites, dtype=bool)
    if rules.required is not None:
        required = rules.required & ~reduced.problem.existing
    apart = np.empty((0, 2), dtype=np.int64)
    if rules.apart is not None:
        candidate = ~reduced.problem.existing
        apart = rules.apart[candidate[rules.apart].all(axis=1)]
    return Part(
        reduced.base_area,
        reduced.level_site,
        reduced.level_area,
        reduced.level_cost,
        np.flatnonzero(required),
        reduced.arc_group,
        reduced.arc_site,
        reduced.segment_group,
        reduced.segment_worth,
        reduced.segment_need,
        apart,
    )


def whole_goal(reduced: Reduced) -> Goal:
    """Return the goal of the problem, with its rules on the number of sites."""
    problem = reduced.problem
    low, high = problem.all_rules.count_range(num_sites=problem.num_sites)
    existing = int(problem.existing.sum())
    sites = None
    if low > existing or high < problem.num_sites:
        sites = (float(low - existing), float(high - existing))
    if problem.budget is not None:
        return Goal(budget=problem.budget, sites=sites)
    return Goal(least=problem.residents_to_serve * (1 - 1e-9), sites=sites)


def guessed_prices(reduced: Reduced) -> Prices:
    """Half the mean worth of each group, and the worth of what money usually buys."""
    worth = totals(
        reduced.segment_group, reduced.segment_worth * reduced.segment_need, reduced.num_groups
    )
    mean = worth / np.maximum(reduced.group_need, 1e-300)
    growth = reduced.level_area - reduced.base_area[reduced.level_site]
    money = float(growth.sum() / max(reduced.level_cost.sum(), 1e-9))
    return Prices(0.5 * mean, 0.5 * money * float(mean.mean() if mean.size else 0.0))


def best_flow(
    reduced: Reduced, level: IntArray, limits: Limits, *, error: float = 0.0
) -> FloatArray | None:
    """
    Find the flows that serve the most residents with the levels given.

    Parameters
    ----------
    reduced, level, limits
        The problem, the level of each site as it numbers them, and how long.
    error
        Residents by which the worth of a group may be set too low.

    Returns
    -------
    FloatArray or None
        Floor area for each arc, shape (arcs,); None if the time did not suffice.
    """
    area = reduced.areas(level)
    used = area[reduced.arc_site] > 0
    nothing = np.empty(0, dtype=np.int64)
    part = Part(
        area,
        nothing,
        np.empty(0),
        np.empty(0),
        nothing,
        reduced.arc_group[used],
        reduced.arc_site[used],
        *coarser(
            (reduced.segment_group, reduced.segment_worth, reduced.segment_need),
            error=error,
            above=False,
        ),
        np.empty((0, 2), dtype=np.int64),
    )
    flow = np.zeros(reduced.arc_group.size)
    if not used.any():
        return flow
    built = part_model(part, Goal())
    found = solve_lp(built.model, limits=limits)
    if found.status is not Status.OPTIMAL:
        return None
    flow[used] = np.maximum(found.values[built.flows], 0.0)
    return flow
