"""Engines of the covering problems against brute force on hundreds of tiny cases."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from shequ.models.siting.backup_covering import BackupCovering
from shequ.models.siting.capacitated_maximal_covering import CapacitatedMaximalCovering
from shequ.models.siting.capacitated_set_covering import CapacitatedSetCovering
from shequ.models.siting.cooperative_covering import CooperativeCovering
from shequ.models.siting.coverage import opening_violations
from shequ.models.siting.gradual_covering import GradualCovering
from shequ.models.siting.maximal_covering import MaximalCovering
from shequ.models.siting.partial_covering import PartialCovering
from shequ.models.siting.set_covering import SetCovering
from shequ.models.siting.site_rules import SiteRules, rule_violations
from shequ.optimize.limits import Limits
from shequ.optimize.result import Result, Status
from shequ.optimize.siting.classic import (
    backup_covering,
    capacitated_maximal_covering,
    capacitated_set_covering,
    cooperative_covering,
    gradual_covering,
    maximal_covering,
    partial_covering,
    set_covering,
)

Solve = Callable[..., Result[Any]]

ENGINES: dict[str, tuple[Solve, dict[str, str]]] = {
    "backup": (backup_covering.solve_backup_covering, backup_covering.METHODS),
    "cooperative": (cooperative_covering.solve_cooperative_covering, cooperative_covering.METHODS),
    "gradual": (gradual_covering.solve_gradual_covering, gradual_covering.METHODS),
    "maximal": (maximal_covering.solve_maximal_covering, maximal_covering.METHODS),
    "partial": (partial_covering.solve_partial_covering, partial_covering.METHODS),
    "set": (set_covering.solve_set_covering, set_covering.METHODS),
    "capacitated-set": (
        capacitated_set_covering.solve_capacitated_set_covering,
        capacitated_set_covering.METHODS,
    ),
    "capacitated-maximal": (
        capacitated_maximal_covering.solve_capacitated_maximal_covering,
        capacitated_maximal_covering.METHODS,
    ),
}
LONG = Limits(seconds=60)


def choices(num_sites: int) -> Iterator[np.ndarray]:
    """Every set of open sites."""
    for bits in itertools.product((False, True), repeat=num_sites):
        yield np.array(bits)


def drawn_rules(rng: np.random.Generator, num_sites: int, *, with_most: bool) -> SiteRules | None:
    """Rules of any kind, or none."""
    if rng.random() < 0.35:
        return None
    order = rng.permutation(num_sites)
    required, forbidden = np.zeros((2, num_sites), dtype=bool)
    required[order[0]], forbidden[order[1]] = rng.random(2) < 0.5
    apart = np.array([[order[2], order[3]], [order[3], order[4]]])
    return SiteRules(
        required=required,
        forbidden=forbidden,
        apart=apart if rng.random() < 0.5 else None,
        least=int(rng.integers(0, 3)) if rng.random() < 0.4 else None,
        most=int(rng.integers(2, 6)) if with_most and rng.random() < 0.3 else None,
    )


def numbers(rng: np.random.Generator, size: int) -> np.ndarray:
    """Whole numbers with ties and zeros, or any."""
    return rng.integers(0, 7, size).astype(float) if rng.random() < 0.6 else rng.random(size)


def draw(kind: str, seed: int) -> Any:  # noqa: ANN401 - a problem of any kind
    """Draw a tiny problem; None where the draw contradicts itself."""
    rng = np.random.default_rng((seed, len(kind)))
    n, m = int(rng.integers(1, 9)), int(rng.integers(5, 7))
    pairs = rng.random((n, m)) < rng.choice([0.25, 0.4, 0.6])
    covers = sparse.csr_array(pairs.astype(float))
    weights, costs = numbers(rng, n), numbers(rng, m)
    cheapest = drawn_rules(rng, m, with_most=True)
    bounded = drawn_rules(rng, m, with_most=False)
    by_count: dict[str, Any] = {"p": int(rng.integers(1, 4))}
    by_cost: dict[str, Any] = {"costs": costs, "budget": float(rng.random() * costs.sum())}
    opening = {**(by_count if rng.random() < 0.6 else by_cost), "rules": bounded}
    demand, capacity = numbers(rng, n), 2 * numbers(rng, m)
    single = {"single_source": bool(rng.random() < 0.5)}
    shares = sparse.csr_array(pairs * rng.choice([0.25, 0.5, 1.0], pairs.shape))
    signals = sparse.csr_array(pairs * rng.choice([0.3, 0.5, 0.8, 1.5], pairs.shape))
    share = float(rng.choice([0.3, 0.7, 1.0]))
    build: dict[str, Callable[[], Any]] = {
        "backup": lambda: BackupCovering(covers, costs, weights, rules=cheapest),
        "cooperative": lambda: CooperativeCovering(signals, weights, **opening),
        "gradual": lambda: GradualCovering(shares, weights, **opening),
        "maximal": lambda: MaximalCovering(covers, weights, **opening),
        "partial": lambda: PartialCovering(covers, costs, weights, share, cheapest),
        "set": lambda: SetCovering(covers, costs, cheapest),
        "capacitated-set": lambda: CapacitatedSetCovering(
            covers, costs, demand, capacity, rules=cheapest, **single
        ),
        "capacitated-maximal": lambda: CapacitatedMaximalCovering(
            covers, demand, capacity, **opening, **single
        ),
    }
    try:
        return build[kind]()
    except ValueError:
        return None


def most_served(
    problem: Any,  # noqa: ANN401 - one of two kinds
    is_open: np.ndarray,
) -> float:
    """Most demand that open sites serve: by trying all, or by a linear program."""
    pairs = (problem.covers.toarray() > 0) & is_open
    if problem.single_source:
        return _most_whole(problem.demand, problem.capacity.copy(), pairs, 0)
    client, site = np.nonzero(pairs)
    if not client.size:
        return 0.0
    rows = np.zeros((sum(pairs.shape), client.size))
    rows[client, np.arange(client.size)] = 1
    rows[pairs.shape[0] + site, np.arange(client.size)] = 1
    limits = np.r_[problem.demand, problem.capacity]
    return -float(linprog(-np.ones(client.size), A_ub=rows, b_ub=limits).fun)


def _most_whole(demand: np.ndarray, room: np.ndarray, pairs: np.ndarray, client: int) -> float:
    if client == demand.size:
        return 0.0
    best = _most_whole(demand, room, pairs, client + 1)
    for site in np.flatnonzero(pairs[client]):
        if demand[client] <= room[site] + 1e-9:
            room[site] -= demand[client]
            rest = _most_whole(demand, room, pairs, client + 1)
            best = max(best, demand[client] + rest)
            room[site] += demand[client]
    return best


def brute_force(problem: Any) -> float | None:  # noqa: ANN401 - a problem of any kind
    """Best objective of all choices of sites; None if none is feasible."""
    if isinstance(problem, CapacitatedMaximalCovering):
        values = [
            most_served(problem, is_open)
            for is_open in choices(problem.num_sites)
            if not opening_violations(problem, is_open)
        ]
        return max(values, default=None)
    if isinstance(problem, CapacitatedSetCovering):
        values = [
            float(problem.costs @ is_open)
            for is_open in choices(problem.num_sites)
            if not rule_violations(is_open, problem.rules)
            and (problem.covers @ is_open.astype(float) > 0).all()
            and most_served(problem, is_open) >= problem.demand.sum() - 1e-7
        ]
        return min(values, default=None)
    if isinstance(problem, BackupCovering):
        least = brute_force(problem.without_backup)
        if least is None:
            return None
        problem = problem.at_cost(least)
    minimise = isinstance(problem, (SetCovering, PartialCovering))
    values = [
        problem.evaluate(is_open)
        for is_open in choices(problem.num_sites)
        if not problem.violations(is_open)
    ]
    return (min if minimise else max)(values, default=None)


@pytest.mark.parametrize("kind", ENGINES)
def test_engine_finds_what_brute_force_finds(kind: str) -> None:
    """On tiny problems with and without rules: the same optimum, proven, or none at all."""
    solve, _ = ENGINES[kind]
    for seed in range(60):
        problem = draw(kind, seed)
        if problem is not None:
            agree(solve(problem, limits=LONG), problem, seed)


@pytest.mark.parametrize("kind", ENGINES)
def test_textbook_model_finds_what_brute_force_finds(kind: str) -> None:
    """The plain models are oracles for the engines, so they must be right themselves."""
    solve, _ = ENGINES[kind]
    for seed in range(60, 75):
        problem = draw(kind, seed)
        if problem is not None:
            agree(solve(problem, limits=LONG, method="textbook"), problem, seed)


def agree(
    result: Result[Any],
    problem: Any,  # noqa: ANN401 - a problem of any kind
    seed: int,
) -> None:
    """Compare a result with brute force, and its solution with the rules."""
    expected = brute_force(problem)
    if expected is None:
        assert result.status is Status.INFEASIBLE, (seed, result)
        return
    assert result.status is Status.OPTIMAL, (seed, result)
    assert result.objective == pytest.approx(expected, abs=1e-5), (seed, result)
    assert problem.violations(result.solution) == []
    assert problem.evaluate(result.solution) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ENGINES)
def test_unknown_methods_are_refused(kind: str) -> None:
    """The message lists the methods."""
    solve, methods = ENGINES[kind]
    problem = next(found for seed in range(50) if (found := draw(kind, seed)) is not None)
    with pytest.raises(ValueError, match=", ".join(methods)):
        solve(problem, method="magic")


def test_clients_that_no_site_covers_are_named() -> None:
    """The set covering says who is stranded, not only that someone is."""
    covers = sparse.csr_array(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]))
    rules = SiteRules(forbidden=np.array([False, True]))
    result = set_covering.solve_set_covering(SetCovering(covers, np.ones(2), rules))
    assert result.status is Status.INFEASIBLE
    assert result.detail == "2 clients are covered by no site that may open: 1, 2"


def test_missing_capacity_is_told_before_any_solve() -> None:
    """The message says by how much the capacity falls short."""
    covers = sparse.csr_array(np.ones((2, 1)))
    problem = CapacitatedSetCovering(covers, np.ones(1), np.array([3.0, 4.0]), np.array([5.0]))
    result = capacitated_set_covering.solve_capacitated_set_covering(problem)
    assert result.status is Status.INFEASIBLE
    assert "the demand is 7" in result.detail
    assert "2 too little" in result.detail


def test_too_large_a_share_is_told() -> None:
    """The message says what the sites that may open cover at most."""
    covers = sparse.csr_array(np.array([[1.0], [0.0]]))
    problem = PartialCovering(covers, np.ones(1), np.array([3.0, 4.0]), 0.9)
    result = partial_covering.solve_partial_covering(problem)
    assert result.status is Status.INFEASIBLE
    assert "cover a weight of 3" in result.detail


def test_weights_in_batches_of_any_kind_keep_the_bound_above_the_objective() -> None:
    """A heuristic result is a plan with a bound, never called optimal without a proof."""
    rng = np.random.default_rng(4)
    covers = sparse.csr_array((rng.random((400, 60)) < 0.05).astype(float))
    problem = MaximalCovering(covers, rng.integers(1, 20, 400).astype(float), 12)
    quick = maximal_covering.solve_maximal_covering(problem, method="heuristic")
    exact = maximal_covering.solve_maximal_covering(problem, limits=LONG)
    assert exact.status is Status.OPTIMAL
    assert quick.objective is not None
    assert quick.bound is not None
    assert exact.objective is not None
    assert quick.objective <= exact.objective <= quick.bound
