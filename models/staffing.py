"""
Whole persons: workers of communities from a rate, so that the total is right.

Each community i has r_i residents and the exact share q_i = N r_i / R of N workers. Whole numbers
x_i between a_i and b_i with Σ_i x_i = N are chosen by one of four rules:

* **Hamilton** (largest remainders, 1792): the whole part of every share, and one more for the
  largest remainders. It minimises Σ_i φ(x_i - q_i) for every convex, even φ at once (Birkhoff 1976,
  "House monotone apportionment schemes", Proceedings of the National Academy of Sciences 73(3)).
* **Webster** (Sainte-Laguë 1910): one worker after the other to the largest r_i / (2 x_i + 1),
  which minimises Σ_i (x_i - q_i)² / q_i, and never takes a worker away when N grows.
* **total deviation**: least Σ_i |x_i / r_i - N / R|.
* **largest deviation**: least max_i |x_i / r_i - N / R|, and of those the least Σ_i (x_i - q_i)².

Balinski and Young 1982, "Fair Representation", compares the rules and proves that none has all good
properties: Hamilton stays between the whole numbers next to every share, Webster is consistent.

Why one worker after the other is exact: all but the last minimise a separable convex function under
one sum and bounds, for which the greedy algorithm of Gross (1956, "A class of discrete type
minimization problems", RAND P-644) and Fox (1966, "Discrete optimization via marginal analysis",
Management Science 13(3)), which gives each unit where it costs least, finds an optimum. For the
largest deviation, each level d allows an interval of x_i; the least d whose intervals can sum to N
is found among the finitely many that matter, and the same greedy algorithm finishes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from .formulation import FloatArray, IntArray
from .siting.allocation import check_numbers, shape_violations

Rule = Literal["hamilton", "webster", "total_deviation", "largest_deviation"]
RULES: tuple[Rule, ...] = get_args(Rule)

TIE = 1e-12
"""Difference up to which two costs count as equal; the first community then comes first."""


@dataclass(frozen=True, eq=False)
class Staffing:
    """
    Whole workers for communities. A solution is the number of each, shape (communities,).

    Parameters
    ----------
    residents
        Of each community, shape (communities,).
    total
        Workers to allot.
    least, most
        Workers of each community at least and at most, shape (communities,).
    rule
        One of :data:`RULES`.

    Raises
    ------
    ValueError
        If shapes differ, a number is negative, or the bounds do not allow the total.

    Examples
    --------
    >>> problem = Staffing(np.array([6.0, 3.0, 1.0]), 4, np.zeros(3), np.full(3, 9.0))
    >>> allotted(problem).tolist()
    [3, 1, 0]
    """

    residents: FloatArray
    total: int
    least: FloatArray
    most: FloatArray
    rule: Rule = "hamilton"

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit each other."""
        shape = (self.residents.size,)
        for label in ("residents", "least", "most"):
            check_numbers(label, np.asarray(getattr(self, label), dtype=float), shape=shape)
        if self.rule not in RULES:
            raise ValueError(f"rule {self.rule!r} not understood; choose {', '.join(RULES)}.")
        if self.total < 0:
            raise ValueError(f"total is {self.total}; give a number >= 0.")
        crossed = np.flatnonzero(self.least > self.most)
        if crossed.size:
            i = crossed[0]
            raise ValueError(f"least[{i}] = {self.least[i]:g} is above most = {self.most[i]:g}.")
        low, high = int(self.least.sum()), float(self.most.sum())
        if not low <= self.total <= high:
            raise ValueError(
                f"{self.total} workers cannot be allotted: the communities must have {low:,} "
                f"together at least and may have {high:,.0f}. Change the total or the bounds."
            )

    @property
    def shares(self) -> FloatArray:
        """Exact share of each community, shape (communities,)."""
        everybody = float(self.residents.sum())
        return self.residents * (self.total / everybody if everybody > 0 else 0.0)

    def evaluate(self, workers: IntArray) -> float:
        """Return what the rule minimises; smaller is better."""
        shares, difference = self.shares, workers - self.shares
        some = self.residents > 0
        if self.rule == "hamilton":
            return float((difference**2).sum())
        if self.rule == "webster":
            return float((difference[some] ** 2 / np.maximum(shares[some], TIE)).sum())
        relative = np.abs(difference[some]) / self.residents[some]
        if self.rule == "total_deviation":
            return float(relative.sum())
        return float(relative.max(initial=0.0))

    def violations(self, workers: IntArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        misfits = shape_violations(workers=(workers, self.residents.shape))
        if misfits:
            return misfits
        broken = [
            f"community {i} has {workers[i]} workers, not {self.least[i]:g} to {self.most[i]:g}"
            for i in np.flatnonzero((workers < self.least) | (workers > self.most))
        ]
        if int(workers.sum()) != self.total:
            broken.append(f"{int(workers.sum())} workers are allotted, expected {self.total}")
        return broken


def allotted(problem: Staffing) -> IntArray:
    """
    Allot workers by the rule of a problem: exactly.

    A community without residents gets its least number, and more only where all others are full.

    Returns
    -------
    IntArray
        Workers of each community, shape (communities,). Of equal choices, the first community
        gets more.
    """
    if problem.rule == "largest_deviation":
        low, high = _intervals(problem)
        return _greedy(problem, low, high, _squares(problem))
    costs = {
        "hamilton": _squares,
        "webster": _weighted_squares,
        "total_deviation": _relative,
    }[problem.rule](problem)
    return _greedy(problem, np.ceil(problem.least), np.floor(problem.most), costs)


Marginal = Callable[[int, int], float]
"""Cost of one worker more for a community that has so many."""


def _squares(problem: Staffing) -> Marginal:
    shares = problem.shares
    return lambda i, x: 2 * (x - shares[i]) + 1


def _weighted_squares(problem: Staffing) -> Marginal:
    shares = problem.shares
    return lambda i, x: (2 * (x - shares[i]) + 1) / shares[i] if shares[i] > 0 else np.inf


def _relative(problem: Staffing) -> Marginal:
    shares, residents = problem.shares, problem.residents

    def marginal(i: int, x: int) -> float:
        if residents[i] <= 0:
            return np.inf
        return float((abs(x + 1 - shares[i]) - abs(x - shares[i])) / residents[i])

    return marginal


def _greedy(problem: Staffing, low: FloatArray, high: FloatArray, marginal: Marginal) -> IntArray:
    """Give one worker after the other where it costs least (Gross 1956; Fox 1966)."""
    workers = low.astype(np.int64)

    def entry(i: int) -> tuple[float, int]:
        cost = marginal(i, int(workers[i]))
        return (round(cost / TIE) * TIE if np.isfinite(cost) else np.inf, i)

    waiting = [entry(i) for i in range(workers.size) if workers[i] < high[i]]
    heapq.heapify(waiting)
    for _ in range(problem.total - int(workers.sum())):
        _, i = heapq.heappop(waiting)
        workers[i] += 1
        if workers[i] < high[i]:
            heapq.heappush(waiting, entry(i))
    return workers


def _intervals(problem: Staffing) -> tuple[FloatArray, FloatArray]:
    """Bounds under the least largest deviation of workers per resident."""
    levels = _levels(problem)
    first, last = 0, levels.size - 1
    while first < last:
        middle = (first + last) // 2
        if _fits(problem, float(levels[middle])):
            last = middle
        else:
            first = middle + 1
    return _allowed(problem, float(levels[last]))


def _levels(problem: Staffing) -> FloatArray:
    """Deviations that some community has with some number of workers, in rising order."""
    found = [np.zeros(1)]
    for i in np.flatnonzero(problem.residents > 0):
        high = min(float(problem.most[i]), float(problem.total))
        numbers = np.arange(np.ceil(problem.least[i]), np.floor(high) + 1)
        found.append(np.abs(numbers - problem.shares[i]) / problem.residents[i])
    return np.unique(np.concatenate(found))


def _allowed(problem: Staffing, level: float) -> tuple[FloatArray, FloatArray]:
    """Whole numbers of workers that deviate by no more than a level, within the bounds."""
    room = problem.residents * level * (1 + 1e-9) + 1e-9
    some = problem.residents > 0
    low = np.where(some, np.ceil(problem.shares - room), 0.0)
    high = np.where(some, np.floor(problem.shares + room), np.inf)
    return np.maximum(np.ceil(problem.least), low), np.minimum(np.floor(problem.most), high)


def _fits(problem: Staffing, level: float) -> bool:
    low, high = _allowed(problem, level)
    return bool((low <= high).all() and low.sum() <= problem.total <= high.sum())
