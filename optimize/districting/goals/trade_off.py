"""
The curve of one measure against another, by ε-constraints: what one costs in terms of the other.

The first measure is minimised, then the second among its best plans; likewise the other way round.
Between these ends the first measure is capped at equal steps and the second minimised under each
cap (Haimes, Lasdon and Wismer 1971, "On a bicriterion formulation of the problems of integrated
system identification and system optimization", IEEE Transactions on Systems, Man, and
Cybernetics 1(3)).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....models.districting.measures import Geography, measure_named
from ....models.districting.problem import Districting
from ....models.formulation import IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Result
from .levels import Goal, GoalsResult, solve_goals


@dataclass(frozen=True)
class Point:
    """
    One point of the curve.

    Parameters
    ----------
    limit
        What the first measure must not exceed here.
    first, second
        Both measures of the plan.
    result
        The plan; objective and bound are those of the second measure under the limit.
    """

    limit: float
    first: float
    second: float
    result: Result[IntArray]


def trade_off(
    problem: Districting,
    first: str,
    second: str,
    *,
    points: int = 5,
    geography: Geography | None = None,
    limits: Limits | None = None,
    solver: str | None = None,
    stop: Stop | None = None,
) -> tuple[Point, ...]:
    """
    Points of the curve of two measures, from the best of the first to the best of the second.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    first, second
        Names of two measures.
    points
        Number of points, at least 2, both ends counted.
    geography
        What the measures need beyond the problem.
    limits
        Time, gap, seed and threads; the time is shared by all points.
    solver
        As for :func:`.goals.solve_goals`.
    stop
        A request to stop; the points so far are kept.

    Returns
    -------
    tuple of Point
        With a rising limit of the first measure; points that an earlier one equals in both
        measures are left out. Empty if no plan was found. A point is proven best under its limit
        if its result is optimal, else it carries a gap.

    Raises
    ------
    ValueError
        If there are less than 2 points, or as for :func:`.goals.solve_goals`.
    """
    if points < 2:
        raise ValueError(f"points = {points} not understood; give at least 2.")
    limits, ground = limits or Limits(), geography or Geography()
    deadline = Deadline.after(limits.seconds)

    def solve(
        *names: str, share: int, most: float | None = None, start: IntArray | None = None
    ) -> GoalsResult:
        return solve_goals(
            problem,
            [Goal(name, level=level) for level, name in enumerate(names)],
            geography=ground,
            caps=None if most is None else {first: most},
            limits=limits.within(deadline.seconds_left / share),
            solver=solver,
            start=start,
            stop=stop,
        )

    near, far = solve(first, second, share=points), solve(second, first, share=points - 1)
    if near.plan is None or far.plan is None or len(near.levels) < 2 or len(far.levels) < 2:
        return ()
    found = [(near.values[first], near)]
    for step, limit in enumerate(np.linspace(near.values[first], far.values[first], points)[1:-1]):
        left = points - 2 - step
        solved = solve(second, share=left, most=float(limit), start=found[-1][1].plan)
        found.append((float(limit), solved))
    # The far end minimised the second measure first: that level is its result.
    last = replace(far.levels[0].result, solution=far.plan)
    end = Point(far.values[first], far.values[first], far.values[second], last)
    measure = measure_named(first, ground)
    curve = [
        Point(
            limit,
            measure.evaluate(problem, solved.plan),
            solved.values[second],
            solved.result,
        )
        for limit, solved in found
        if solved.plan is not None
    ]
    return _distinct([*curve, end])


def _distinct(curve: list[Point]) -> tuple[Point, ...]:
    """Leave out points that an earlier one equals in both measures."""
    kept: list[Point] = []
    for point in curve:
        values = (point.first, point.second)
        if not any(np.allclose(values, (p.first, p.second), rtol=1e-6) for p in kept):
            kept.append(point)
    return tuple(kept)
