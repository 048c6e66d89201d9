"""
What one year's money can buy at most, where one or two facilities of a category must do.

To be worth more than L, a plan needs in every category facilities that make circles worth more than
L whole. Say that in category g these are F, one or two of them: then the other categories must make
circles worth more than L whole among those of F, and the cheapest two at most that do, or the three
cheapest of all, tell what that costs at least. If nothing of that can be paid for any F, and three
of every category cannot either, no plan is worth more than L. Bisection finds the least such L.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ...models.formulation import BoolArray, FloatArray, IntArray
from .circles_core import Core
from .circles_counts import MANY, MOST_FACILITIES, together_reached

MOST_SETS = 1_500
"""Sets of facilities above which nothing is proven."""

STEPS = 12
"""Steps of the bisection."""


@dataclass(frozen=True, eq=False)
class Kind:
    """
    A category: which circles one facility, and which pair, makes whole in it.

    Parameters
    ----------
    costs
        Of its facilities, the cheapest first, shape (facilities,).
    free
        Circles that are whole in it today, shape (circles,).
    alone
        Circles that a facility makes whole by itself, shape (facilities, circles); free ones too.
    pairs
        For each circle, the pairs that make it whole and of which neither does alone.
    """

    costs: FloatArray
    free: BoolArray
    alone: BoolArray
    pairs: list[IntArray]
    least_of: dict[tuple[bytes, float], float] = field(default_factory=dict)

    @property
    def three(self) -> float:
        """Cost of the three cheapest; infinite if there are fewer."""
        return float(self.costs[:MANY].sum()) if self.costs.size >= MANY else np.inf

    def worth(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what each facility, and each pair, makes whole, as values of circles."""
        some = np.flatnonzero(values > 0)
        alone = self.alone[:, some].astype(float)
        one = alone @ values[some]
        two = one[:, None] + one[None, :] - (alone * values[some]) @ alone.T
        for circle in some:
            place = self.pairs[circle]
            two[place[:, 0], place[:, 1]] += values[circle]
        return one, two

    def sets_above(
        self, values: FloatArray, level: float, money: float
    ) -> list[tuple[float, tuple[int, ...]]]:
        """List cost and members of the sets of two at most that are worth more than a level."""
        found: list[tuple[float, tuple[int, ...]]] = []
        if values[self.free].sum() > level:
            found.append((0.0, ()))
        one, two = self.worth(values)
        single = np.flatnonzero((one > level) & (self.costs <= money))
        found += [(float(self.costs[a]), (int(a),)) for a in single]
        cost = self.costs[:, None] + self.costs[None, :]
        pairs = np.argwhere(np.triu((two > level) & (cost <= money), 1))
        found += [(float(cost[a, b]), (int(a), int(b))) for a, b in pairs[: MOST_SETS + 1]]
        return found

    def least(self, values: FloatArray, mask: BoolArray, level: float) -> float:
        """Cost of the cheapest two at most that are worth more than a level among some circles."""
        if values[mask & self.free].sum() > level:
            return 0.0
        key = (mask.tobytes(), level)
        if key not in self.least_of:
            one, two = self.worth(np.where(mask, values, 0.0))
            cost = self.costs[:, None] + self.costs[None, :]
            np.fill_diagonal(two, -np.inf)
            self.least_of[key] = min(
                float(np.min(self.costs, where=one > level, initial=np.inf)),
                float(np.min(cost, where=two > level, initial=np.inf)),
            )
        return self.least_of[key]

    def whole(self, members: tuple[int, ...]) -> BoolArray:
        """Circles that two facilities at most make whole."""
        found = self.free | self.alone[list(members)].any(axis=0)
        if len(members) == 2:
            for circle in np.flatnonzero(~found):
                place = self.pairs[circle]
                found[circle] = bool((place == members).all(axis=1).any())
        return np.asarray(found)


def pair_bound(
    core: Core,
    values: FloatArray,
    money: float,
    *,
    num_categories: int,
    known: float,
    bound: float,
    over: Callable[[], bool],
) -> float:
    """
    Bound what circles can be worth in one year.

    Parameters
    ----------
    core
        What the reductions leave.
    values
        What each circle is worth, shape (circles,).
    money
        What may be spent.
    num_categories
        Number of categories.
    known
        What a plan that is known is worth.
    bound
        A bound that is known; returned if there is no better one.
    over
        Tells whether to stop.
    """
    sizes = np.bincount(core.category, minlength=num_categories)
    if bound <= known or sizes.max(initial=0) > MOST_FACILITIES or not core.num_circles:
        return bound
    kinds = [_kind(core, number) for number in range(num_categories)]
    if money + 1e-6 >= sum(kind.three for kind in kinds):
        return bound
    low = known
    if not _possible(kinds, values, money, low, over):
        return low
    for _ in range(STEPS):
        if over() or bound - low <= 1e-3 * abs(bound):
            break
        level = (low + bound) / 2
        if _possible(kinds, values, money, level, over):
            low = level
        else:
            bound = level
    return bound


def _possible(
    kinds: list[Kind],
    values: FloatArray,
    money: float,
    level: float,
    over: Callable[[], bool],
) -> bool:
    """Whether a plan worth more than a level cannot be ruled out."""
    level = level + 1e-6 * (1 + abs(level))
    every = np.ones(values.size, dtype=bool)
    least = [kind.least(values, every, level) for kind in kinds]
    for many in itertools.product((False, True), repeat=len(kinds)):
        floor = [
            kind.three if is_many else cost
            for kind, is_many, cost in zip(kinds, many, least, strict=True)
        ]
        if sum(floor) > money + 1e-6:
            continue
        few = [number for number, is_many in enumerate(many) if not is_many]
        if not few:
            return True
        if _some_set(kinds, values, money, level, few, floor, over):
            return True
    return False


def _some_set(
    kinds: list[Kind],
    values: FloatArray,
    money: float,
    level: float,
    few: list[int],
    floor: list[float],
    over: Callable[[], bool],
) -> bool:
    """Whether some set of one or two of a category can be paid with what it asks of the others."""
    listed = {
        number: kinds[number].sets_above(values, level, money - sum(floor) + floor[number] + 1e-6)
        for number in few
    }
    own = min(few, key=lambda number: len(listed[number]))
    if len(listed[own]) > MOST_SETS:
        return True
    others = [number for number in few if number != own]
    beside = sum(cost for number, cost in enumerate(floor) if number not in few)
    for cost, members in listed[own]:
        if over():
            return True
        mask = kinds[own].whole(members)
        total = cost + beside + sum(floor[number] for number in others)
        for number in others:
            total += kinds[number].least(values, mask, level) - floor[number]
            if total > money + 1e-6:
                break
        if total <= money + 1e-6:
            return True
    return False


def _kind(core: Core, number: int) -> Kind:
    """Work out what one and two facilities of a category make whole."""
    own = np.flatnonzero(core.category == number)
    own = own[np.argsort(core.costs[own], kind="stable")]
    near = sparse.csc_array(core.covers[own])
    alone = np.zeros((own.size, core.num_circles), dtype=bool)
    free = np.zeros(core.num_circles, dtype=bool)
    pairs = []
    for circle in range(core.num_circles):
        group = np.flatnonzero(core.circle == circle)
        lacking = group[core.lacks[number, group]]
        given = core.residents[group].sum() - core.residents[lacking].sum()
        needed = core.needed[circle] - given
        reach = near[:, lacking]
        reached = reach @ core.residents[lacking]
        free[circle] = needed <= 1e-9 * (1 + abs(needed))
        alone[:, circle] = reached >= needed - 1e-9 * (1 + abs(needed))
        part = np.flatnonzero((reached > 0) & ~alone[:, circle])
        together = together_reached(reach.toarray()[part] > 0, core.residents[lacking])
        pairs.append(part[np.argwhere(together >= needed - 1e-9 * (1 + abs(needed)))])
    return Kind(core.costs[own], free, alone, pairs)
