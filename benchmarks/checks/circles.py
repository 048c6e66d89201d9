"""Circles of daily life, counted unit by unit and year by year in plain Python."""

from __future__ import annotations

import math
from collections import defaultdict

from ...models.formulation import IntArray
from ...models.siting.circles import PhasedCircles
from ..registry import register_check

SHARE = 1e-9
"""Residents, as a share of a circle's, up to which rounding is forgiven."""

MONEY = 1e-6
"""Share by which money and room may be exceeded."""


def check_circles(problem: PhasedCircles, years: IntArray) -> tuple[float, list[str]]:
    """Count the residents of recognised circles; check money, room, and what exists today."""
    built = [int(year) for year in years]
    span = range(1, problem.num_years + 1)
    broken = [f"facility {f} has year {year}" for f, year in enumerate(built) if year not in
              (-1, 0, *span)]  # fmt: skip
    for facility, exists in enumerate(problem.ground.exists.tolist()):
        if exists != (built[facility] == 0):
            broken.append(f"facility {facility} exists today, or not, and has {built[facility]}")
    broken += _money(problem, built) + _room(problem, built)
    weights, total = problem.weights.tolist(), 0.0
    for year in span:
        residents, circles = _recognised(problem, built, year)
        total += weights[year - 1] * residents
        if problem.targets is not None:
            total += problem.bonus * min(circles, int(problem.targets[year - 1]))
        if problem.floors is not None and residents < problem.floors[year - 1] - 1e-6:
            broken.append(f"year {year} has {residents:g} residents in circles, too few")
    return total, broken


def _recognised(problem: PhasedCircles, built: list[int], year: int) -> tuple[float, int]:
    """Residents in recognised circles at the end of a year, and the number of these."""
    ground = problem.ground
    starts, units = ground.covers.indptr.tolist(), ground.covers.indices.tolist()
    has = defaultdict(set)
    for facility, when in enumerate(built):
        if 0 <= when <= year:
            for place in range(starts[facility], starts[facility + 1]):
                if ground.covers.data[place] > 0:
                    has[units[place]].add(int(ground.category[facility]))
    whole, served = defaultdict(list), defaultdict(list)
    for unit, circle in enumerate(ground.circle.tolist()):
        if circle < 0:
            continue
        residents = float(ground.residents[unit])
        whole[circle].append(residents)
        if len(has[unit]) == ground.num_categories:
            served[circle].append(residents)
    total, number = [], 0
    for circle, all_of_it in whole.items():
        here = math.fsum(all_of_it)
        if math.fsum(served[circle]) >= ground.share * here - SHARE * max(here, 1.0):
            total.append(here)
            number += 1
    return math.fsum(total), number


def _money(problem: PhasedCircles, built: list[int]) -> list[str]:
    """Years that spend more than they have."""
    broken, left = [], 0.0
    for year in range(1, problem.num_years + 1):
        spent = math.fsum(
            float(problem.ground.costs[f]) for f, when in enumerate(built) if when == year
        )
        have = float(problem.budgets[year - 1]) + (left if problem.carries_over else 0.0)
        if spent > have + MONEY * (1 + have):
            broken.append(f"year {year} spends {spent:g} of {have:g}")
        left = have - spent
    return broken


def _room(problem: PhasedCircles, built: list[int]) -> list[str]:
    """Sites that hold more than they have room for."""
    room = problem.ground.room
    if room is None:
        return []
    used: dict[int, list[float]] = defaultdict(list)
    for facility, when in enumerate(built):
        if when >= 0 and room.site[facility] >= 0:
            used[int(room.site[facility])].append(float(room.areas[facility]))
    return [
        f"site {site} holds {math.fsum(areas):g} m² of {room.room[site]:g}"
        for site, areas in used.items()
        if math.fsum(areas) > room.room[site] + MONEY * (1 + room.room[site])
    ]


register_check("circles", check_circles)
