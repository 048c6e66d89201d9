"""Cuts by blocks and plans by neighbourhoods, in turns: the way for large cities."""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray
from .....models.siting.modular_floor_area import ModularPlan, totals
from ....limits import Deadline
from ....search import Search
from .cuts import BlockCuts
from .multipliers import climb
from .neighbourhood import Neighbourhoods
from .partition import shared_need
from .prices import Prices, best_flow, guessed_prices
from .reduction import Reduced
from .stage import FINER, Stage
from .starts import rounded_levels, start_levels
from .state import State

TURNS = 4
"""Aims of the climb where there is no budget."""

MISSED = 1e-6
"""Share of the residents that rounding may cost before a plan counts as impossible."""

RELAX_SHARE = 0.3
"""Share of the time for the linear relaxation; without it, prices are climbed."""

SITES_A_BLOCK = 20
"""Sites of the first blocks; they double from one division to the next."""

GROWTH = 6
"""Times as long that a turn with blocks of double size may take."""

WORTHWHILE = 0.03
"""Share of the gap that a division must close, else there are no more."""

BLOCK_GAP = 5e-5
"""Gap up to which each block is solved."""

TURN_SHARE, PRICED_SHARE = 0.5, 0.8
"""Share of the time left for a turn of the plans, and of the turn while money has a price."""

PRICED_SECONDS = 2.5
"""Most seconds of one neighbourhood while money has a price: many small ones go further."""

QUIET = 2.0
"""Times that each site is freed in vain before the search at a price is over."""


class Turns(Stage):
    """
    One solve in turns.

    Parameters
    ----------
    search, reduced
        As for :class:`.stage.Stage`.
    until
        When the turns end, which are of the plans alone after the first bound; None for the end of
        the search.
    """

    def __init__(
        self, search: Search[ModularPlan], reduced: Reduced, until: Deadline | None = None
    ) -> None:
        super().__init__(search, reduced)
        self.until = until or search.deadline
        self.shared = shared_need(reduced)
        self.size, self.tight = SITES_A_BLOCK, False
        self.plans_only = until is not None
        self.settled, self.money = False, 0.0
        self.kept: State | None = None
        self.priced: State | None = None

    def run(self) -> None:
        """Take turns until the gap is closed or the time is over."""
        search, until = self.search, self.until
        if self._serves_too_few():
            return
        cuts = self._relaxed()
        prices = cuts.prices() if cuts is not None else self._prices()
        if cuts is not None:
            self._tighten(cuts)
            prices = cuts.prices()
        plans = self._begin(prices, None if cuts is None else cuts.levels)
        if plans is not None and self.problem.maximize:
            self.kept = plans.state.copy()
        while plans is not None and not (search.done or until.passed):
            self._search_plans(plans, prices, self._turn())
            if cuts is not None and not (self.tight or search.done or until.passed):
                self._tighten(cuts)
                prices = cuts.prices()
        if plans is None and not search.done:
            self._solve_whole(None)
        if cuts is not None:
            search.detail += f"; blocks of up to {self.size} neighbouring sites"

    def _relaxed(self) -> BlockCuts | None:
        """Solve the linear relaxation; None if the time does not suffice."""
        search = self.search
        with search.timed("relax"):
            cuts = BlockCuts(self.reduced, self.shared, error=FINER * self.error)
            if not cuts.relax(search.limits.within(RELAX_SHARE * search.deadline.seconds_left)):
                return None
        search.raise_bound(self._safe(cuts.bound))
        return cuts

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

    def _tighten(self, cuts: BlockCuts) -> None:
        """Give the bound its turn: one division of the city, of larger blocks than before."""
        search = self.search
        before, distance = search.bound, search.distance
        deadline = Deadline.after(0.5 * self.until.seconds_left)
        began = deadline.seconds_left
        with search.timed("bound"):
            cuts.divide(self.size)
            search.num_cuts += cuts.separate(gap=BLOCK_GAP, deadline=deadline, stop=search.stop)
            if cuts.relax(search.limits.within(deadline.seconds_left)):
                search.raise_bound(self._safe(cuts.bound))
        took = began - deadline.seconds_left
        may_grow = len(cuts.blocks) > 1 and GROWTH * took < self.until.seconds_left
        if self.plans_only:
            self.tight = True
        elif may_grow:
            self.size *= 2
        else:
            self.tight = abs(search.bound - before) < WORTHWHILE * distance

    def _begin(self, prices: Prices, share: FloatArray | None) -> Neighbourhoods | None:
        """Start the search of plans from the levels of the relaxation."""
        search, reduced = self.search, self.reduced
        limits = search.limits.within(max(1.0, 0.2 * search.deadline.seconds_left))
        last = np.r_[reduced.level_site[1:] != reduced.level_site[:-1], True]
        with search.timed("heuristic"):
            if share is None:
                chosen = start_levels(reduced, prices, last, limits)
            else:
                chosen = rounded_levels(reduced, share, limits)
        return None if chosen is None else self._from(chosen, self.shared)

    def _turn(self) -> float:
        """Seconds of the next turn of the plans: at least as many as the bound had."""
        spent = self.search.seconds
        fair = spent.get("bound", 0.0) - spent.get("heuristic", 0.0)
        left = self.until.seconds_left
        return max(min(2.0, left), min(fair, left), TURN_SHARE * left)

    def _search_plans(self, plans: Neighbourhoods, prices: Prices, seconds: float) -> None:
        """Search at a price of money until that finds no more, then within the goal."""
        search, turn, objective = self.search, Deadline.after(seconds), self.search.objective
        if not self.settled and prices.of_money > 0 and seconds >= PRICED_SECONDS:
            self._search_at_price(plans, prices, PRICED_SHARE * seconds)
        elif self.kept is not None:
            plans.state = self.kept.copy()
        self._improve(plans, turn.seconds_left)
        if search.objective != objective:
            self.kept = plans.state.copy()

    def _search_at_price(self, plans: Neighbourhoods, prices: Prices, seconds: float) -> None:
        """Search while money has a price; the plan may miss the goal a little then."""
        search, turn, failed = self.search, Deadline.after(seconds), 0.0
        plans.money = self.money or prices.of_money
        plans.state = self.priced or plans.state
        with search.timed("heuristic"):
            while not (search.over or turn.passed or self.settled):
                better = plans.step(self._step_limits(PRICED_SECONDS), search.stop)
                failed = 0.0 if better else failed + plans.size
                self.settled = failed > QUIET * self.reduced.num_sites
            self.money, plans.money = plans.money, None
            self.priced = plans.state.copy()
            self._offer(plans.state)
