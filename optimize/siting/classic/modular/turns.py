"""Bounds by blocks and plans by neighbourhoods, in turns: the way for large cities."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from .....models.siting.modular_floor_area import ModularPlan, totals
from ....search import Search
from .blocks import BlockBound
from .multipliers import climb
from .neighbourhood import Neighbourhoods, State
from .partition import blocks_of, shared_need
from .prices import Prices, best_flow, guessed_prices
from .reduction import Reduced
from .stage import Stage
from .starts import start_levels

TURNS = 4
"""Aims of the climb where there is no budget."""

MISSED = 1e-6
"""Share of the residents that rounding may cost before a plan counts as impossible."""

SITES_A_BLOCK = 10
"""Sites of the first blocks; they double whenever better prices help little."""

WORTHWHILE = 0.05
"""Share of the gap that a turn at better prices must close, else the blocks grow."""

GROWTH = 8
"""Times as long that a turn with blocks of double size may take."""

BLOCK_GAP = 3e-4
"""Gap up to which each block is solved."""


class Turns(Stage):
    """One solve in turns."""

    def __init__(self, search: Search[ModularPlan], reduced: Reduced) -> None:
        super().__init__(search, reduced)
        self.size, self.idle = SITES_A_BLOCK, 0

    def run(self) -> None:
        """Take turns until the gap is closed or the time is over."""
        search, reduced = self.search, self.reduced
        if self._serves_too_few():
            return
        with search.timed("relax"):
            prices = self._prices()
        shared = shared_need(reduced)
        blocks = self._blocks(shared, prices)
        if prices.of_money > 0:
            blocks = self._tighten(blocks, shared)
        plans = self._begin(blocks, shared)
        while plans is not None and not search.done:
            self._improve(plans, self._turn())
            if not search.done and blocks.prices.of_money > 0:
                blocks = self._tighten(blocks, shared)
        if plans is None and not search.done:
            self._solve_whole(None)
        search.detail += f"; blocks of up to {self.size} neighbouring sites"

    def _serves_too_few(self) -> bool:
        """See whether even the largest levels everywhere serve too few; with a share only."""
        search, reduced = self.search, self.reduced
        if self.problem.maximize:
            return False
        largest = np.full(reduced.num_sites, -1, dtype=np.int64)
        largest[reduced.level_site] = np.arange(reduced.level_site.size)
        state = State(largest, np.zeros(reduced.arc_site.size))
        limits = search.limits.within(0.3 * search.deadline.seconds_left)
        with search.timed("relax"):
            flow = best_flow(reduced, state.levels(reduced), limits)
        if flow is None:
            return False
        state.flow = flow
        given = totals(reduced.arc_group, flow, reduced.num_groups)
        served, wanted = float(reduced.worth(given).sum()), self.problem.residents_to_serve
        if served < wanted * (1 - MISSED):
            self.refuse()
        else:
            self._offer(state)
        return search.infeasible

    def _prices(self) -> Prices:
        """
        Climb to the prices of the linear relaxation.

        Without a budget the cost that the bound is compared with is the bound itself, found by
        turns (Dinkelbach 1967, "On nonlinear fractional programming", Management Science 13(7)).
        """
        search, reduced, problem = self.search, self.reduced, self.problem
        prices = guessed_prices(reduced)
        if problem.budget is not None:
            prices, value = climb(reduced, prices, problem.budget, search.deadline)
            search.raise_bound(self._safe(value))
            return prices
        wanted = problem.residents_to_serve
        aim = wanted / (2 * prices.of_money)
        for _ in range(TURNS):
            prices, value = climb(reduced, prices, aim, search.deadline)
            low = (wanted - (value - prices.of_money * aim)) / prices.of_money
            search.raise_bound(self._safe(low))
            aim = max(search.bound, 0.1 * aim)
        return prices

    def _blocks(self, shared: sparse.csr_array, prices: Prices) -> BlockBound:
        """Make blocks of the present size."""
        aim = self.problem.budget if self.problem.budget is not None else self.search.bound
        label = blocks_of(shared, most=self.size)
        return BlockBound(self.reduced, label, prices, aim, error=self.error)

    def _tighten(self, blocks: BlockBound, shared: sparse.csr_array) -> BlockBound:
        """Give the bound its turn; returns the blocks of the next one."""
        search = self.search
        if not self.problem.maximize:
            blocks.move_aim(search.objective if search.plan is not None else search.bound)
        before, distance = search.bound, search.distance
        began = search.deadline.seconds_left
        with search.timed("bound"):
            blocks.step(gap=BLOCK_GAP, deadline=search.deadline, stop=search.stop)
        if blocks.passes:
            search.raise_bound(blocks.bound())
        took = began - search.deadline.seconds_left
        gained = abs(search.bound - before) if np.isfinite(before) else np.inf
        self.idle = 0 if gained > WORTHWHILE * distance else self.idle + 1
        may_grow = len(blocks.blocks) > 1 and GROWTH * took < search.deadline.seconds_left
        if self.idle < 2 or not may_grow or search.done:
            return blocks
        self.size, self.idle = 2 * self.size, 0
        return self._blocks(shared, blocks.prices)

    def _begin(self, blocks: BlockBound, shared: sparse.csr_array) -> Neighbourhoods | None:
        """Start the search of plans from the levels of the blocks."""
        search, reduced = self.search, self.reduced
        built = blocks.built
        if built is None:
            last = np.r_[reduced.level_site[1:] != reduced.level_site[:-1], True]
            built = last
        limits = search.limits.within(max(1.0, 0.2 * search.deadline.seconds_left))
        with search.timed("heuristic"):
            chosen = start_levels(reduced, blocks.prices, built, limits)
        if chosen is None:
            return None
        return self._from(chosen, shared)

    def _turn(self) -> float:
        """Seconds of the next turn of the plans: until they had as many as the bound."""
        spent = self.search.seconds
        return max(2.0, spent.get("bound", 0.0) - spent.get("heuristic", 0.0))
