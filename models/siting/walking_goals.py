"""
The worst-off: plans that are best for those who walk farthest, among those within a budget.

With the minutes t_i of unit i written by its radius columns (:mod:`.station_models`), people w_i:

- *worst*: the mean minutes of the share θ of the people who walk farthest. Minimise
  η + Σ_i w_i s_i / (θ Σ_i w_i) with s_i ≥ t_i - η and s_i ≥ 0, the conditional value at risk
  (Rockafellar and Uryasev 2000, "Optimization of conditional value-at-risk", Journal of Risk 2,
  Theorem 1; for locations: Ogryczak and Zawadzki 2002, "Conditional median", Annals of Operations
  Research 110).
- *largest*: the minutes of the last one. Minimise M with M ≥ t_i (p-center: Hakimi 1964).
- *group*: the mean minutes of the group that walks farthest on average, such as a street. Minimise
  M with M Σ_{i in g} w_i ≥ Σ_{i in g} w_i t_i.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..formulation import FloatArray, IntArray
from .station import Siting, StationSiting
from .station_models import StationModel, minutes_blocks
from .station_spending import Spending

GoalKind = Literal["worst", "largest", "group"]


@dataclass(frozen=True, eq=False)
class WalkingGoal:
    """
    Whose minutes count, and how.

    Parameters
    ----------
    kind
        worst, largest or group.
    people
        People of each unit who count, shape (units,); those of units without are left out.
    share
        Share of the people who are the worst-off, for *worst*.
    group
        Group of each unit, shape (units,), for *group*.

    Raises
    ------
    ValueError
        If the share is not in (0, 1], or there is no group where one is needed.
    """

    kind: GoalKind
    people: FloatArray
    share: float = 0.1
    group: IntArray | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not 0 < self.share <= 1:
            raise ValueError(f"share = {self.share} not understood; give a number in (0, 1].")
        if self.kind == "group" and self.group is None:
            raise ValueError("the goal of groups needs the group of each unit.")

    def value(self, problem: StationSiting, siting: Siting) -> float:
        """Return the minutes that a plan gives; 0 where nobody counts."""
        minutes = problem.nearest(siting.is_open)[1]
        return goal_minutes(self, minutes, problem.must_reach)


def goal_minutes(goal: WalkingGoal, minutes: FloatArray, counts: np.ndarray) -> float:
    """
    Return the minutes that a goal is about.

    Parameters
    ----------
    goal
        The goal.
    minutes
        Of each unit, shape (units,).
    counts
        Units that count, shape (units,).
    """
    mine = np.flatnonzero(counts & (goal.people > 0))
    people, walked = goal.people[mine], minutes[mine]
    if not mine.size:
        return 0.0
    if goal.kind == "largest":
        return float(walked.max())
    if goal.kind == "group":
        assert goal.group is not None  # noqa: S101 - checked on construction
        group = goal.group[mine]
        total = np.bincount(group, people)
        mean = np.bincount(group, people * walked) / np.maximum(total, 1e-12)
        return float(mean[total > 0].max())
    order = np.argsort(-walked, kind="stable")
    wanted = goal.share * people.sum()
    before = np.cumsum(people[order]) - people[order]
    taken = np.clip(wanted - before, 0.0, people[order])
    return float((taken * walked[order]).sum() / wanted)


def goal_model(
    problem: StationSiting, goal: WalkingGoal, *, budget: float, spending: Spending | None = None
) -> StationModel:
    """
    Build the model of the plan within ``budget`` that is best for the worst-off.

    Parameters
    ----------
    problem
        What is asked; every unit that must be reached can be.
    goal
        Whose minutes count, and how.
    budget
        Largest cost.
    spending
        What parts of the city cost at least; None if unknown.
    """
    name = f"walking, {goal.kind}"
    blocks = minutes_blocks(problem, budget=budget, name=name, spending=spending)
    levels, builder = blocks.levels, blocks.builder
    assert levels is not None  # noqa: S101 - minutes_blocks makes them
    mine = np.flatnonzero(problem.must_reach & (goal.people > 0))
    if not mine.size:
        return blocks.build()
    place = np.full(problem.num_units, -1, dtype=np.int64)
    if goal.kind == "group":
        assert goal.group is not None  # noqa: S101 - checked on construction
        names, row_of = np.unique(goal.group[mine], return_inverse=True)
        place[mine] = row_of
        total = np.bincount(row_of, goal.people[mine])
        weight = goal.people / np.maximum(total[np.maximum(place, 0)], 1e-12)
        num = names.size
    else:
        place[mine] = np.arange(mine.size)
        weight, num = np.ones(problem.num_units), mine.size
    least = np.bincount(place[mine], weight[mine] * levels.least[mine], num)
    used = np.flatnonzero(place[levels.unit] >= 0)
    unit = levels.unit[used]
    top = builder.add_columns([1.0])
    rows = np.r_[place[unit], np.arange(num)]
    columns = np.r_[levels.columns[used], np.full(num, top[0])]
    weights = np.r_[-weight[unit] * levels.step[used], np.ones(num)]
    if goal.kind == "worst":
        share = goal.people[mine] / (goal.share * goal.people[mine].sum())
        beyond = builder.add_columns(share)
        rows, columns = np.r_[rows, np.arange(num)], np.r_[columns, beyond]
        weights = np.r_[weights, np.ones(num)]
    builder.add_rows(rows, columns, weights, lower=least)
    return blocks.build()
