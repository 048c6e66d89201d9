"""
Integer programs of a part of the city: levels of some sites, flows to the groups around them.

Variables: y_l = 1 if level l is built; f_gj = floor area of site j that serves group g; s_k =
floor area that segment k of a group gets. With worth w_k and need n_k of the segments, price m of
money, area A_l and cost C_l of the levels and floor area A_j0 today,

    maximise Σ_k w_k s_k - m Σ_l C_l y_l  subject to

    Σ_{l of j} y_l ≤ 1                                      every site j             (level)
    Σ_{k of g} s_k = Σ_j f_gj                               every group g            (group)
    Σ_g f_gj ≤ A_j0 + Σ_l (A_l - A_j0) y_l                  every site j             (area)
    f_gj ≤ min(n_g, A_j0) + Σ_l (min(n_g, A_l) - min(n_g, A_j0)) y_l   every arc     (link)

(link) is the strong form for steps: a level helps a group by no more than the group needs and the
level has. The bound without integrality is that of the Lagrangian relaxation of (group), whose
sites are knapsacks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .....models.formulation import FloatArray, IntArray, LinearModel, ModelBuilder
from .....models.siting.modular_floor_area import totals


@dataclass(frozen=True, eq=False)
class Part:
    """
    Sites and groups of a part, numbered from 0 within it.

    Parameters
    ----------
    base_area
        Floor area without any level, shape (sites,).
    level_site, level_area, level_cost
        Site, floor area and cost of each level, by site.
    must_build
        Sites that must have a level, shape (sites,).
    arc_group, arc_site
        Pairs of group and site, by group.
    segment_group, segment_worth, segment_need
        Group, residents a m² and floor area of each segment, by group.
    apart
        Pairs of sites of which only one may have a level, shape (pairs, 2).
    """

    base_area: FloatArray
    level_site: IntArray
    level_area: FloatArray
    level_cost: FloatArray
    must_build: IntArray
    arc_group: IntArray
    arc_site: IntArray
    segment_group: IntArray
    segment_worth: FloatArray
    segment_need: FloatArray
    apart: IntArray

    @property
    def num_levels(self) -> int:
        """Number of levels."""
        return self.level_site.size


@dataclass(frozen=True, eq=False)
class Goal:
    """
    What a part is asked for.

    Parameters
    ----------
    price
        Residents that a unit of money is worth, in the objective.
    budget
        Most that may be spent; None for no limit.
    least
        Worth that must be served, with residents of no value beyond it; None for no limit.
    shortage
        Cost of each resident below ``least``; None where none may be missing.
    sites
        Fewest and most sites without floor area today that may have a level; None for no limit.
    """

    price: float = 0.0
    budget: float | None = None
    least: float | None = None
    shortage: float | None = None
    sites: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class PartModel:
    """A model with its columns y, s and f, its rows (group), and its row of budget or worth."""

    model: LinearModel
    levels: IntArray
    segments: IntArray
    flows: IntArray
    group_rows: IntArray
    goal_rows: IntArray


def part_model(part: Part, goal: Goal) -> PartModel:
    """Build the program of a part."""
    saving = goal.least is not None
    builder = ModelBuilder("part", maximize=True)
    price = 1.0 if saving else goal.price
    y = builder.add_columns(-price * part.level_cost, upper=1, integer=True)
    worth = 0.0 * part.segment_worth if saving else part.segment_worth
    s = builder.add_columns(worth, upper=part.segment_need)
    f = builder.add_columns(np.zeros(part.arc_group.size))
    _add_levels(builder, part, y)
    group_rows = _add_flows(builder, part, y, s, f)
    _add_links(builder, part, y, f)
    goal_rows = _add_goal(builder, part, goal, y, s)
    return PartModel(builder.build(), y, s, f, group_rows, goal_rows)


def _add_goal(builder: ModelBuilder, part: Part, goal: Goal, y: IntArray, s: IntArray) -> IntArray:
    """Add the rows of the goal; returns the one of budget or worth."""
    row = np.empty(0, dtype=np.int64)
    zero = np.zeros(max(y.size, s.size) + 1, dtype=np.int64)
    if goal.budget is not None and y.size:
        row = builder.add_rows(zero[: y.size], y, part.level_cost, upper=[goal.budget])
    if goal.least is not None:
        missing = np.empty(0, dtype=np.int64)
        if goal.shortage is not None:
            missing = builder.add_columns([-goal.shortage])
        served = np.r_[s, missing]
        worth = np.r_[part.segment_worth, np.ones(missing.size)]
        row = builder.add_rows(zero[: served.size], served, worth, lower=[goal.least])
    counted = y[part.base_area[part.level_site] <= 0]
    if goal.sites is not None:
        low, high = goal.sites
        builder.add_rows(zero[: counted.size], counted, 1, lower=[low], upper=[high])
    return row


def _add_levels(builder: ModelBuilder, part: Part, y: IntArray) -> None:
    """Add the rows (level), and those of the sites that must or may not be open."""
    if not y.size:
        return
    least = np.zeros(part.base_area.size)
    least[part.must_build] = 1.0
    builder.add_rows(part.level_site, y, 1, lower=least, upper=1.0)
    if part.apart.size:
        first = np.searchsorted(part.level_site, np.arange(part.base_area.size + 1))
        rows, columns = [], []
        for row, pair in enumerate(part.apart.tolist()):
            for site in pair:
                own = y[first[site] : first[site + 1]]
                rows.append(np.full(own.size, row))
                columns.append(own)
        builder.add_rows(
            np.concatenate(rows), np.concatenate(columns), 1, upper=np.ones(len(part.apart))
        )


def _add_flows(
    builder: ModelBuilder, part: Part, y: IntArray, s: IntArray, f: IntArray
) -> IntArray:
    """Add the rows (group) and (area); returns the first."""
    group_rows = np.empty(0, dtype=np.int64)
    num_groups = int(part.segment_group[-1]) + 1 if s.size else 0
    if num_groups:
        group_rows = builder.add_rows(
            np.r_[part.segment_group, part.arc_group],
            np.r_[s, f],
            np.r_[np.ones(s.size), -np.ones(f.size)],
            lower=np.zeros(num_groups),
            upper=0.0,
        )
    growth = part.level_area - part.base_area[part.level_site]
    builder.add_rows(
        np.r_[part.arc_site, part.level_site],
        np.r_[f, y],
        np.r_[np.ones(f.size), -growth],
        upper=part.base_area,
    )
    return group_rows


def _add_links(builder: ModelBuilder, part: Part, y: IntArray, f: IntArray) -> None:
    """Add the rows (link)."""
    if not (f.size and y.size):
        return
    num_groups = int(part.segment_group[-1]) + 1
    need = totals(part.segment_group, part.segment_need, num_groups)
    need = need[part.arc_group]
    base = np.minimum(need, part.base_area[part.arc_site])
    first = np.searchsorted(part.level_site, np.arange(part.base_area.size + 1))
    count = np.diff(first)[part.arc_site]
    row = np.repeat(np.arange(f.size), count)
    level = np.repeat(first[part.arc_site] - np.cumsum(count) + count, count)
    level += np.arange(row.size)
    help_ = np.minimum(need[row], part.level_area[level]) - base[row]
    builder.add_rows(
        np.r_[np.arange(f.size), row],
        np.r_[f, y[level]],
        np.r_[np.ones(f.size), -help_],
        upper=base,
    )
