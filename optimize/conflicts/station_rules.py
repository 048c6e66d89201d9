"""
Station siting with every rule by its name, for explaining why rules clash.

Variables as in :mod:`...models.siting.station_models`: y_j = 1 if candidate j opens, a_j = floor
area beyond today's at site j. In any case a_j ≤ K_j y_j of every candidate, with K_j more than
anything that could be asked of it. The rules, each of which may be left out or relaxed:

    Σ_{j in c} a_j ≥ T_c - area today in c      floor area of community c, in m²
    Σ_{j reaches i} y_j ≥ 1                     reach of the units with the same candidates
    a_j ≤ M_j, every site j of community c      sizes: the most that its sites can hold, in m²
    a_j ≥ m_j y_j, every candidate j in c       least size of what is opened, in m²
    y_j ≥ 1, y_j ≤ 0                            a site that is required, or forbidden
    Σ f_j y_j + c_j a_j ≤ B                     the budget
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from ...models.siting.station import Siting, StationSiting
from .groups import GroupedModel, RuleGroup

FLOOR_AREA, REACH, SIZES, LEAST_SIZE = "floor_area", "reach", "sizes", "least_size"
REQUIRED, FORBIDDEN, BUDGET = "required", "forbidden", "budget"
NEEDS = (FLOOR_AREA, REACH)
"""Kinds of rules that say what residents need."""


@dataclass(frozen=True, eq=False)
class StationRules:
    """
    The rules of a station siting.

    Parameters
    ----------
    problem
        What is asked.
    grouped
        The model and its rules.
    candidates, sized
        Site of each opening column, and of each area column after them.
    needs
        Community of each rule on floor area, by its number.
    units
        Units of each rule on reach, by its number.
    """

    problem: StationSiting
    grouped: GroupedModel
    candidates: IntArray
    sized: IntArray
    needs: dict[int, int] = field(default_factory=dict)
    units: dict[int, IntArray] = field(default_factory=dict)

    def of_kind(self, *kinds: str) -> frozenset[int]:
        """Numbers of the rules of some kinds."""
        groups = self.grouped.groups
        return frozenset(n for n, group in enumerate(groups) if group.kind in kinds)

    def costs(self) -> FloatArray:
        """Cost of each column, shape (columns,)."""
        problem = self.problem
        fixed = problem.fixed_cost[self.candidates]
        return np.asarray(np.r_[fixed, problem.cost_per_m2[self.sized]])

    def siting(self, values: FloatArray) -> Siting:
        """Decision that values of the columns stand for, whatever rule they break."""
        problem, num = self.problem, self.candidates.size
        is_open = problem.existing.copy()
        is_open[self.candidates] = values[:num] > 0.5
        area = problem.today().area_m2.copy()
        area[self.sized] += np.maximum(values[num : num + self.sized.size], 0)
        return Siting(is_open, np.where(is_open, area, 0.0))


@dataclass(eq=False)
class _Rules:
    """The model and its rules while they are put together."""

    problem: StationSiting
    liftable: BoolArray
    names: tuple[str, ...]
    builder: ModelBuilder = field(default_factory=lambda: ModelBuilder("station rules"))
    groups: list[RuleGroup] = field(default_factory=list)
    needs: dict[int, int] = field(default_factory=dict)
    units: dict[int, IntArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = self.problem
        usable = ~problem.existing & (problem.max_area_m2 > 0)
        usable &= ~problem.forbidden | self.liftable
        self.candidates = np.flatnonzero(usable)
        self.sized = np.flatnonzero(usable | problem.existing)
        self.missing = np.maximum(problem.target_m2 - problem.community_area(problem.today()), 0.0)
        self.opening = self.builder.add_columns(
            np.zeros(self.candidates.size), upper=1, integer=True
        )
        self.area = self.builder.add_columns(np.zeros(self.sized.size))
        self.opening_of = np.full(problem.num_sites, -1, dtype=np.int64)
        self.opening_of[self.candidates] = self.opening
        self.area_of = np.full(problem.num_sites, -1, dtype=np.int64)
        self.area_of[self.sized] = self.area
        self._link()

    def _link(self) -> None:
        """Add a_j ≤ K_j y_j, which is no rule: what is closed has no floor area."""
        problem, sites = self.problem, self.candidates
        if not sites.size:
            return
        home = problem.community_of_site[sites]
        asked = np.where(home >= 0, np.r_[self.missing, 0.0][home], 0.0)
        most = np.maximum(problem.max_area_m2[sites], problem.min_area_m2[sites])
        most = np.maximum(most, asked)
        place = np.arange(sites.size)
        self.builder.add_rows(
            np.r_[place, place],
            np.r_[self.area_of[sites], self.opening_of[sites]],
            np.r_[np.ones(sites.size), -most],
            upper=np.zeros(sites.size),
        )

    def floor_area(self) -> None:
        """Add the floor area that each community lacks."""
        problem = self.problem
        residents = np.bincount(
            problem.community_of_unit, problem.residents, problem.num_communities
        )
        for community in np.flatnonzero(self.missing > 1e-9):
            mine = self.sized[problem.community_of_site[self.sized] == community]
            row = self.builder.add_rows(
                np.zeros(mine.size, dtype=int), self.area_of[mine], 1,
                lower=[self.missing[community]],
            )  # fmt: skip
            self.needs[len(self.groups)] = int(community)
            self.groups.append(
                RuleGroup(
                    f"community {self.names[community]} needs "
                    f"{problem.target_m2[community]:,.0f} m² of floor area",
                    FLOOR_AREA,
                    rows=row,
                    price=max(residents[community], 1e-3) / problem.target_m2[community],
                    unit_of_measure="m2",
                    place_kind="community",
                    place_ids=(problem.community_ids[community],),
                )
            )

    def reach(self) -> None:
        """Add the reach of every unit that no station of today reaches; equal rows are one rule."""
        problem = self.problem
        covered = np.isfinite(problem.nearest(problem.existing)[1])
        units = np.flatnonzero(problem.must_reach & ~covered)
        by_site = sparse.csr_array(problem.minutes.T)
        merged: dict[bytes, list[int]] = {}
        columns: dict[bytes, IntArray] = {}
        for unit in units:
            near = by_site.indices[by_site.indptr[unit] : by_site.indptr[unit + 1]]
            own = np.sort(self.opening_of[near])
            own = own[own >= 0]
            merged.setdefault(own.tobytes(), []).append(int(unit))
            columns[own.tobytes()] = own
        for key, members in merged.items():
            own = columns[key]
            row = self.builder.add_rows(np.zeros(own.size, dtype=int), own, 1, lower=[1.0])
            ids = tuple(problem.unit_ids[unit] for unit in members)
            self.units[len(self.groups)] = np.array(members, dtype=np.int64)
            self.groups.append(
                RuleGroup(
                    f"{_listed('unit', ids)} must reach a station",
                    REACH,
                    rows=row,
                    price=max(float(problem.residents[members].sum()), 1e-3),
                    unit_of_measure="stations",
                    place_kind="unit",
                    place_ids=ids,
                )
            )

    def sizes(self) -> None:
        """Add the most that each site can hold, by community."""
        problem = self.problem
        room = problem.max_area_m2 - np.where(problem.existing, problem.area_today_m2, 0.0)
        for community in np.flatnonzero(self.missing > 1e-9):
            mine = self.sized[problem.community_of_site[self.sized] == community]
            if not mine.size:
                continue
            row = self.builder.add_rows(
                np.arange(mine.size), self.area_of[mine], 1, upper=room[mine]
            )
            self.groups.append(
                RuleGroup(
                    f"the sites of community {self.names[community]} can hold "
                    f"{problem.max_area_m2[mine].sum():,.0f} m² ({mine.size} sites)",
                    SIZES,
                    rows=row,
                    unit_of_measure="m2",
                    place_kind="site",
                    place_ids=tuple(problem.site_ids[site] for site in mine),
                )
            )

    def least_size(self) -> None:
        """Add the least size of what is opened, by community: one rule would join all parts."""
        problem = self.problem
        sites = self.candidates[problem.min_area_m2[self.candidates] > 0]
        homes = problem.community_of_site[sites]
        for community in np.unique(homes):
            mine = sites[homes == community]
            place, least = np.arange(mine.size), problem.min_area_m2[mine]
            row = self.builder.add_rows(
                np.r_[place, place],
                np.r_[self.area_of[mine], self.opening_of[mine]],
                np.r_[np.ones(mine.size), -least],
                lower=np.zeros(mine.size),
            )
            where = f"in community {self.names[community]}" if community >= 0 else "elsewhere"
            self.groups.append(
                RuleGroup(
                    f"a new station {where} has its least size (up to {least.max():,.0f} m²)",
                    LEAST_SIZE,
                    rows=row,
                    unit_of_measure="m2",
                    place_kind="site",
                    place_ids=tuple(problem.site_ids[site] for site in mine),
                )
            )

    def decisions(self) -> None:
        """Add the candidates that must open, or must not."""
        problem = self.problem
        for kind, marked in ((REQUIRED, problem.required), (FORBIDDEN, problem.forbidden)):
            for site in self.candidates[marked[self.candidates]]:
                bound = {"lower": [1.0]} if kind == REQUIRED else {"upper": [0.0]}
                row = self.builder.add_rows([0], [self.opening_of[site]], 1, **bound)
                self.groups.append(
                    RuleGroup(
                        f"site {problem.site_ids[site]} is {kind}",
                        kind,
                        rows=row,
                        unit_of_measure="sites",
                        place_kind="site",
                        place_ids=(problem.site_ids[site],),
                    )
                )

    def budget(self, budget: float, currency: str) -> None:
        """Add that a plan costs at most the budget."""
        problem = self.problem
        columns = np.r_[self.opening, self.area]
        costs = np.r_[problem.fixed_cost[self.candidates], problem.cost_per_m2[self.sized]]
        row = self.builder.add_rows(
            np.zeros(columns.size, dtype=int), columns, costs, upper=[budget]
        )
        self.groups.append(
            RuleGroup(
                f"the budget is {budget:,.1f} ({currency})",
                BUDGET,
                rows=row,
                unit_of_measure=currency,
            )
        )


def station_rules(
    problem: StationSiting,
    *,
    names: tuple[str, ...] = (),
    liftable: BoolArray | None = None,
    budget: float | None = None,
    currency: str = "",
) -> StationRules:
    """
    Build the model of a station siting in which every rule has a name.

    Parameters
    ----------
    problem
        What is asked; with ids of sites, units and communities.
    names
        Name of each community; empty for their ids.
    liftable
        Sites that are forbidden by a decision which could be taken back, shape (sites,); all other
        forbidden sites cannot be used at all.
    budget, currency
        Most money, and its unit; None for no such rule.
    """
    lifted = np.zeros(problem.num_sites, dtype=bool) if liftable is None else liftable
    rules = _Rules(problem, lifted, names or problem.community_ids)
    rules.floor_area()
    rules.reach()
    rules.sizes()
    rules.least_size()
    rules.decisions()
    if budget is not None:
        rules.budget(budget, currency)
    grouped = GroupedModel(rules.builder.build(), tuple(rules.groups))
    return StationRules(problem, grouped, rules.candidates, rules.sized, rules.needs, rules.units)


def _listed(noun: str, ids: tuple[str, ...], most: int = 3) -> str:
    """Name a few places, and count the rest."""
    if len(ids) == 1:
        return f"{noun} {ids[0]}"
    shown = ", ".join(ids[:most])
    return f"{noun}s {shown}" + (f" and {len(ids) - most} more" if len(ids) > most else "")
