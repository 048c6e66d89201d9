"""
A bound on circles for short money: how many facilities of each category are built when.

A circle that is whole is whole in every category, so that for any category g, what a plan is worth
is at most what its facilities of g alone make whole in g. Say that a plan has n_gt facilities of g
in year t. At least the n_gt cheapest ones are paid, which tells which counts are possible at all,
and what money is left for a category beside the others. For counts up to two, all facilities, or
all pairs of them, are looked at: the best value of g under its counts and money is exact. The bound
is

    max over counts that can be paid of  min over g of  (best value of g under its counts),

or the sum of that over the years, each by itself, where that is less,

where a third facility of a category is taken to make everything whole. It says much while money
pays for two facilities of some category at most, where linear relaxations say little.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import sparse

from ...models.formulation import FloatArray, IntArray
from .circles_core import Core

MANY = 3
"""A count that stands for itself and all above."""

MOST_FACILITIES, MOST_PLANS = 3_000, 20_000
"""Facilities of a category, and combinations of counts, above which there is no such bound."""


@dataclass(frozen=True, eq=False)
class Category:
    """
    What one, two, and all facilities of a category are worth in each year.

    Parameters
    ----------
    costs
        Of its facilities, the cheapest first, shape (facilities,).
    none, every
        Value without and with all of them, shapes (years,).
    one, two
        Value of each facility, and of each pair, shapes (years, facilities) and (years,
        facilities, facilities).
    """

    costs: FloatArray
    none: FloatArray
    every: FloatArray
    one: FloatArray
    two: FloatArray
    known: dict[tuple[tuple[int, ...], float, float], float] = field(default_factory=dict)

    def least_cost(self, count: int) -> float:
        """Cost of the cheapest facilities, so many; infinite if there are fewer."""
        return float(self.costs[:count].sum()) if count <= self.costs.size else np.inf

    def value(self, counts: tuple[int, ...], money: FloatArray) -> float:
        """
        Return the best value under counts and money.

        Parameters
        ----------
        counts
            Facilities in each year, never fewer than before; 3 for three or more.
        money
            What they may cost together in each year, shape (years,).
        """
        years = [[t for t, n in enumerate(counts) if n == number] for number in range(MANY + 1)]
        one, two = (min((float(money[t]) for t in years[n]), default=np.inf) for n in (1, 2))
        key = (counts, one, two)
        if key not in self.known:
            self.known[key] = self._value(years, one + 1e-9, two + 1e-9)
        return self.known[key]

    def _value(self, years: list[list[int]], for_one: float, for_two: float) -> float:
        total = float(self.none[years[0]].sum() + self.every[years[MANY]].sum())
        first = np.where(self.costs <= for_one, self.one[years[1]].sum(axis=0), -np.inf)
        if not years[2]:
            return total + (float(first.max(initial=-np.inf)) if years[1] else 0.0)
        pair = self.two[years[2]].sum(axis=0)
        if years[1]:
            pair = pair + first[:, None]
        paid = self.costs[:, None] + self.costs[None, :] <= for_two
        np.fill_diagonal(paid, val=False)
        return total + float(np.where(paid, pair, -np.inf).max(initial=-np.inf))


def counting_bound(
    core: Core,
    values: FloatArray,
    money: FloatArray,
    *,
    num_categories: int,
    caps: FloatArray | None = None,
) -> float:
    """
    Bound what circles can be worth.

    Parameters
    ----------
    core
        What the reductions leave.
    values
        What each circle is worth in each year in which it is recognised, shape (years, circles).
    money
        What may be spent up to each year, shape (years,).
    num_categories
        Number of categories.
    caps
        What all circles together are worth in each year at most, shape (years,); None for all.

    Returns
    -------
    float
        The bound; infinite where there is too much to look at.
    """
    num_years = len(values)
    counts = list(itertools.combinations_with_replacement(range(MANY + 1), num_years))
    sizes = np.bincount(core.category, minlength=num_categories)
    if len(counts) ** num_categories > MOST_PLANS or sizes.max(initial=0) > MOST_FACILITIES:
        return np.inf
    categories = [_category(core, values, kind) for kind in range(num_categories)]
    if caps is not None:
        categories = [
            replace(one, every=np.minimum(one.every, caps), known={}) for one in categories
        ]
    paid = [
        {c: np.array([category.least_cost(n) for n in c]) for c in counts}
        for category in categories
    ]
    possible: list[tuple[float, tuple[tuple[int, ...], ...]]] = []
    for plan in itertools.product(counts, repeat=num_categories):
        spent = sum(cost[own] for cost, own in zip(paid, plan, strict=True))
        if (np.asarray(spent) <= money + 1e-6).all():
            pairs = zip(categories, plan, strict=True)
            possible.append((min(one.value(own, money) for one, own in pairs), plan))
    best = -np.inf
    for loose, plan in sorted(possible, reverse=True):
        if loose <= best:
            break
        costs = [cost[own] for cost, own in zip(paid, plan, strict=True)]
        left = money - np.sum(costs, axis=0)
        tight = min(
            category.value(own, left + cost)
            for category, own, cost in zip(categories, plan, costs, strict=True)
        )
        best = max(best, tight)
    return best


def _category(core: Core, values: FloatArray, kind: int) -> Category:
    """Work out what one and two facilities of a category are worth."""
    own = np.flatnonzero(core.category == kind)
    own = own[np.argsort(core.costs[own], kind="stable")]
    near = sparse.csc_array(core.covers[own])
    num_years, num = len(values), own.size
    none, every = np.zeros(num_years), np.zeros(num_years)
    alone = np.zeros((num, core.num_circles), dtype=bool)
    two = np.zeros((num_years, num, num))
    for circle in range(core.num_circles):
        group = np.flatnonzero(core.circle == circle)
        lacking = group[core.lacks[kind, group]]
        needed = core.needed[circle] - (core.residents[group].sum() - core.residents[lacking].sum())
        worth = values[:, circle]
        every += worth
        if needed <= 0:
            none += worth
            alone[:, circle] = True
            continue
        reach = near[:, lacking]
        reached = reach @ core.residents[lacking]
        slack = 1e-9 * (1 + needed)
        alone[:, circle] = reached >= needed - slack
        part = np.flatnonzero((reached > 0) & ~alone[:, circle])
        together = together_reached(reach.toarray()[part] > 0, core.residents[lacking])
        place = part[np.argwhere(together >= needed - slack)]
        for year in range(num_years):
            two[year, place[:, 0], place[:, 1]] += worth[year]
    one = np.array([alone @ worth for worth in values]).reshape(num_years, num)
    for year, worth in enumerate(values):
        both = (alone * worth) @ alone.T.astype(float)
        two[year] += one[year][:, None] + one[year][None, :] - both
    return Category(core.costs[own], none, every, one, two)


def together_reached(near: IntArray, residents: FloatArray) -> FloatArray:
    """Residents that each pair of facilities reaches; a facility with itself counts nothing."""
    own = near.astype(float)
    reached = own @ residents
    total = reached[:, None] + reached[None, :] - (own * residents) @ own.T
    np.fill_diagonal(total, 0.0)
    return np.asarray(total)
