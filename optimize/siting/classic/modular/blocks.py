"""
Bounds by blocks: exact programs of neighbouring sites, held together by prices.

A group whose sites all lie in one block is served inside it. The others buy from several blocks at
a price λ_g a m²: the row (group) of these alone is relaxed, and the budget at a price m. For all
λ ≥ 0, with the worth φ_g(λ_g) = Σ_k n_k max(0, w_k - λ_g) that is left to the group,

    V(m) ≤ Σ_g φ_g(λ_g) + Σ_b max { worth served inside b + Σ_g λ_g q_gb - m cost }

over the plans of block b, where q_gb is what it sells to group g. With single sites as blocks this
is the Lagrangian bound of Beasley 1993, "Lagrangean heuristics for location problems", European
Journal of Operational Research 65(3), and no better than the linear relaxation; blocks of
neighbours keep what that loses between them. The prices that make the bound least are found by a
cutting plane model of each block in a box around the best prices (Marsten, Hogan and Blankenship
1975, "The boxstep method for large-scale optimization", Operations Research 23(3)).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .....models.siting.modular_floor_area import totals
from ....limits import Deadline, Limits, Stop
from ....result import Status
from ....solvers import solve_lp, solve_model
from .part import Goal, Part, part_model
from .prices import Prices, whole_part
from .reduction import Reduced
from .segments import coarser

SAFE = 1e-9
"""Share by which a bound made of floating numbers is widened."""

_SHRINK, _GROW = 0.5, 1.5


@dataclass(frozen=True, eq=False)
class Block:
    """
    One block.

    Parameters
    ----------
    part
        Its sites and groups; the worth of the segments of border groups is set by the prices.
    sites, levels
        Its sites, and its levels among those of the city.
    border, bought
        Groups that other blocks serve too, and the segment of each in ``part``.
    """

    part: Part
    sites: IntArray
    levels: IntArray
    border: IntArray
    bought: IntArray


@dataclass(frozen=True, eq=False)
class Answer:
    """What a block answers at some prices: bound, worth inside, cost, sold, and levels built."""

    bound: float
    worth: float
    cost: float
    sold: FloatArray
    built: BoolArray


@dataclass
class BlockBound:
    """
    Bounds by blocks at better and better prices.

    Parameters
    ----------
    reduced
        The problem.
    label
        Block of each site, shape (sites,).
    prices
        The best prices so far.
    aim
        Budget, or the cost that the bound is compared with.
    error
        Residents by which the worth of an inner group may be set too high.
    """

    reduced: Reduced
    label: IntArray
    prices: Prices
    aim: float
    error: float = 0.0
    value: float = np.inf
    passes: int = 0
    box: float = 0.02
    built: BoolArray | None = None
    blocks: list[Block] = field(default_factory=list)
    is_border: BoolArray = field(default_factory=lambda: np.empty(0, dtype=bool))
    cuts: list[list[Answer]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Cut the city into its blocks."""
        reduced = self.reduced
        block = self.label[reduced.arc_site]
        low = np.full(reduced.num_groups, np.iinfo(np.int64).max)
        high = np.full(reduced.num_groups, -1)
        np.minimum.at(low, reduced.arc_group, block)
        np.maximum.at(high, reduced.arc_group, block)
        self.is_border = low < high
        self.blocks = [self._cut(b) for b in range(int(self.label.max(initial=-1)) + 1)]
        self.cuts = [[] for _ in self.blocks]

    def _cut(self, number: int) -> Block:
        """Make one block: inner groups with their segments, border groups with one each."""
        reduced, whole = self.reduced, whole_part(self.reduced)
        inside = self.label == number
        arcs = np.flatnonzero(inside[reduced.arc_site])
        groups, arc_group = np.unique(reduced.arc_group[arcs], return_inverse=True)
        local = np.cumsum(inside) - 1
        levels = np.flatnonzero(inside[reduced.level_site])
        border = self.is_border[groups]
        pieces = np.where(border, 1, np.diff(reduced.first_segment)[groups])
        segment_group = np.repeat(np.arange(groups.size), pieces)
        first = np.cumsum(pieces) - pieces
        place = reduced.first_segment[:-1][groups][segment_group]
        place += np.arange(segment_group.size) - first[segment_group]
        on_border = border[segment_group]
        need = np.where(
            on_border, reduced.group_need[groups][segment_group], reduced.segment_need[place]
        )
        worth = np.where(on_border, 0.0, reduced.segment_worth[place])
        segment_group, worth, need = coarser(
            (segment_group, worth, need), error=self.error, above=True
        )
        on_border = border[segment_group]
        pairs = whole.apart[inside[whole.apart].all(axis=1)]
        must = whole.must_build[inside[whole.must_build]]
        part = Part(
            reduced.base_area[inside],
            local[reduced.level_site[levels]],
            reduced.level_area[levels],
            reduced.level_cost[levels],
            local[must],
            arc_group.astype(np.int64),
            local[reduced.arc_site[arcs]],
            segment_group,
            worth,
            need,
            local[pairs],
        )
        return Block(
            part, np.flatnonzero(inside), levels, groups[border], np.flatnonzero(on_border)
        )

    def bound(self) -> float:
        """Bound on the objective of the problem, from the best prices; infinite before a pass."""
        if self.reduced.problem.maximize:
            return self.value + SAFE * abs(self.value)
        reach = self.value - self.prices.of_money * self.aim
        reach += SAFE * abs(self.value)
        return (self.reduced.problem.residents_to_serve - reach) / self.prices.of_money

    def move_aim(self, aim: float) -> None:
        """Compare the bound with another cost from now on."""
        self.value += self.prices.of_money * (aim - self.aim)
        self.aim = aim

    def step(self, *, gap: float, deadline: Deadline, stop: Stop | None) -> bool:
        """
        Try prices, the first time those given, then those of the model; tell if they are better.

        Parameters
        ----------
        gap
            Gap up to which each block is solved.
        deadline, stop
            When to give up; the prices stay as they were then.
        """
        prices = self.prices if not self.passes else self._next(deadline)
        if prices is None:
            return False
        value = prices.of_money * self.aim + self._left(prices.of_group)
        answers = []
        for block in self.blocks:
            if deadline.passed or (stop is not None and stop.requested):
                return False
            answer = self._ask(block, prices, gap, deadline, stop)
            if answer is None:
                return False
            value += answer.bound
            answers.append(answer)
        for cuts, answer in zip(self.cuts, answers, strict=True):
            cuts.append(answer)
        self.passes += 1
        better = value < self.value
        if better:
            gained = (self.value - value) / abs(value)
            self.prices, self.value = prices, value
            self.built = self._built(answers)
            self.box *= _GROW if gained > gap else 1.0
        else:
            self.box *= _SHRINK
        return better

    def _built(self, answers: list[Answer]) -> BoolArray:
        """Levels that the blocks build, shape (levels,)."""
        built = np.zeros(self.reduced.level_site.size, dtype=bool)
        for block, answer in zip(self.blocks, answers, strict=True):
            built[block.levels] = answer.built
        return built

    def _left(self, price: FloatArray) -> float:
        """Worth that is left to the border groups at these prices."""
        reduced = self.reduced
        gain = np.maximum(reduced.segment_worth - price[reduced.segment_group], 0.0)
        gain *= self.is_border[reduced.segment_group]
        return float(gain @ reduced.segment_need)

    def _ask(
        self, block: Block, prices: Prices, gap: float, deadline: Deadline, stop: Stop | None
    ) -> Answer | None:
        """Solve one block; None if the time did not suffice for a bound."""
        worth = block.part.segment_worth.copy()
        worth[block.bought] = prices.of_group[block.border]
        built = part_model(replace(block.part, segment_worth=worth), Goal(price=prices.of_money))
        limits = Limits(seconds=max(deadline.seconds_left, 0.01), gap=gap)
        found = solve_model(built.model, limits=limits, stop=stop)
        if found.bound is None or found.solution is None:
            return None
        taken = np.rint(found.solution[built.levels]) > 0
        got = found.solution[built.segments]
        inner = float(block.part.segment_worth @ got)
        cost = float(block.part.level_cost @ taken)
        return Answer(found.bound, inner, cost, got[block.bought], taken)

    def _next(self, deadline: Deadline) -> Prices | None:
        """Prices within the box that the model of the blocks thinks best."""
        reduced = self.reduced
        border = np.flatnonzero(self.is_border)
        centre = self.prices.of_group[border]
        reach = (
            self.box
            * np.bincount(reduced.segment_group, reduced.segment_worth * reduced.segment_need)[
                border
            ]
            / reduced.group_need[border]
        )
        builder = ModelBuilder("prices")
        low, high = np.maximum(centre - reach, 0.0), centre + reach
        segment = np.flatnonzero(self.is_border[reduced.segment_group])
        place = np.cumsum(self.is_border) - 1
        owner = place[reduced.segment_group[segment]]
        worth, need = reduced.segment_worth[segment], reduced.segment_need[segment]
        # A segment worth more than the highest price always gains, one below the lowest never.
        always = worth >= high[owner]
        slope = totals(owner[always], need[always], border.size)
        price = builder.add_columns(-slope, lower=low, upper=high)
        money = self.prices.of_money
        money_column = builder.add_columns(
            [self.aim], lower=money * (1 - self.box), upper=money * (1 + self.box)
        )
        bent = ~always & (worth > low[owner])
        gain = builder.add_columns(need[bent])
        rows = np.arange(gain.size)
        builder.add_rows(
            np.r_[rows, rows],
            np.r_[gain, price[owner[bent]]],
            np.ones(2 * gain.size),
            lower=worth[bent],
        )
        top = builder.add_columns(np.ones(len(self.blocks)), lower=-np.inf)
        for number, (block, cuts) in enumerate(zip(self.blocks, self.cuts, strict=True)):
            columns = np.r_[top[number], money_column, price[place[block.border]]]
            for cut in cuts:
                builder.add_rows(
                    np.zeros(columns.size, dtype=np.int64),
                    columns,
                    np.r_[1.0, cut.cost, -cut.sold],
                    lower=[cut.worth],
                )
        found = solve_lp(builder.build(), limits=Limits(seconds=max(0.01, deadline.seconds_left)))
        if found.status is not Status.OPTIMAL:
            return None
        prices = self.prices.of_group.copy()
        prices[border] = np.maximum(found.values[price], 0.0)
        return Prices(prices, float(found.values[money_column[0]]))
