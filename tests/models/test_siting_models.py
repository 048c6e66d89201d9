"""Formulations of the siting problems against brute force, on every backend."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from shequ.models.siting.allocation import Allocation, AllocationModel, SplitAllocation
from shequ.models.siting.capacitated_p_median import (
    CapacitatedPMedian,
    capacitated_p_median_model,
)
from shequ.models.siting.fixed_charge import FixedCharge, fixed_charge_model
from shequ.models.siting.maximal_covering import MaximalCovering, maximal_covering_model
from shequ.models.siting.p_center import PCenter, p_center_model, p_center_radius_model
from shequ.models.siting.p_median import PMedian, p_median_model, p_median_radius_model
from shequ.models.siting.set_covering import SetCovering, set_covering_model
from shequ.optimize.limits import Limits
from shequ.optimize.result import Result, Status
from shequ.optimize.solvers import solve_model


@dataclass(frozen=True)
class Case:
    """A problem, its formulation, and a best solution found by trying all of them."""

    problem: Any
    built: AllocationModel[Any]
    optimum: float
    solution: Any


def subsets(num_sites: int, sizes: range | list[int]) -> Iterator[np.ndarray]:
    """Every set of open sites of one of the sizes."""
    for size in sizes:
        for chosen in itertools.combinations(range(num_sites), size):
            yield np.isin(np.arange(num_sites), chosen)


def closest(costs: np.ndarray, is_open: np.ndarray) -> Allocation:
    """Each client at its cheapest open site, by plain comparison."""
    sites = [min(np.flatnonzero(is_open), key=lambda site: row[site]) for row in costs]
    return Allocation(is_open, np.array(sites))


def best(candidates: list[tuple[float, Any]], *, most: bool = False) -> tuple[float, Any]:
    """Best of the pairs of objective and solution."""
    return (max if most else min)(candidates, key=lambda pair: pair[0])


def p_median(build: Callable[[PMedian], AllocationModel[Allocation]], seed: int) -> Case:
    """Distances from a small range, so that several sites are as close."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(0, 9, (7, 5)).astype(float)
    weights = rng.integers(0, 6, 7).astype(float)
    tried = []
    for is_open in subsets(5, [2]):
        cost = sum(w * min(row[is_open]) for w, row in zip(weights, distances, strict=True))
        tried.append((cost, closest(distances, is_open)))
    problem = PMedian(distances, weights, 2)
    return Case(problem, build(problem), *best(tried))


def p_center(build: Callable[[PCenter], AllocationModel[Allocation]], seed: int) -> Case:
    """Few distinct distances on even seeds, many on odd ones."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(1, 6 if seed % 2 else 60, (7, 6)).astype(float)
    tried = [
        (max(min(row[is_open]) for row in distances), closest(distances, is_open))
        for is_open in subsets(6, [2])
    ]
    problem = PCenter(distances, 2)
    return Case(problem, build(problem), *best(tried))


def covers(rng: np.random.Generator) -> np.ndarray:
    """Eight clients and six sites; every client is covered by a site at least."""
    pairs = rng.random((8, 6)) < 0.3
    pairs[np.arange(8), rng.integers(0, 6, 8)] = True
    return pairs


def set_covering(seed: int) -> Case:
    """Any number of sites, at different costs."""
    rng = np.random.default_rng(seed)
    pairs, costs = covers(rng), rng.integers(1, 9, 6).astype(float)
    tried = [
        (sum(costs[is_open]), is_open)
        for is_open in subsets(6, range(7))
        if all(any(row & is_open) for row in pairs)
    ]
    problem = SetCovering(sparse.csr_array(pairs), costs)
    return Case(problem, set_covering_model(problem), *best(tried))


def maximal_covering(seed: int) -> Case:
    """Two sites, and a client that no site covers."""
    rng = np.random.default_rng(seed)
    pairs, weights = covers(rng), rng.integers(0, 9, 8).astype(float)
    pairs[3] = False
    tried = [
        (sum(w for w, row in zip(weights, pairs, strict=True) if any(row & is_open)), is_open)
        for is_open in subsets(6, [2])
    ]
    problem = MaximalCovering(sparse.csr_array(pairs), weights, 2)
    return Case(problem, maximal_covering_model(problem), *best(tried, most=True))


def fixed_charge(seed: int) -> FixedCharge:
    """Five clients, one of them without demand, and four sites."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(2, 6, 5).astype(float)
    demand[2] = 0
    return FixedCharge(
        costs=rng.integers(1, 30, (5, 4)).astype(float),
        fixed_costs=rng.integers(5, 25, 4).astype(float),
        demand=demand,
    )


def capacities(seed: int) -> np.ndarray:
    """Capacities that bind."""
    return np.random.default_rng(seed + 100).integers(7, 11, 4).astype(float)


def uncapacitated(*, weak: bool, seed: int) -> Case:
    """Any number of sites but none."""
    problem = fixed_charge(seed)
    tried = []
    for is_open in subsets(4, range(1, 5)):
        serving = sum(min(row[is_open]) for row in problem.costs)
        tried.append((sum(problem.fixed_costs[is_open]) + serving, closest(problem.costs, is_open)))
    return Case(problem, fixed_charge_model(problem, weak=weak), *best(tried))


def transport(problem: FixedCharge, is_open: np.ndarray) -> tuple[float, np.ndarray] | None:
    """Cheapest split of all demand among the open sites, by linear programming."""
    num_clients, num_sites = problem.costs.shape
    assert problem.capacity is not None
    answer = linprog(
        problem.costs.ravel(),
        A_eq=np.kron(np.eye(num_clients), np.ones(num_sites)),
        b_eq=np.ones(num_clients),
        A_ub=np.kron(problem.demand, np.eye(num_sites)),
        b_ub=problem.capacity,
        bounds=[(0, float(o)) for o in np.tile(is_open, num_clients)],
    )
    if answer.status != 0:
        return None
    share = np.asarray(answer.x).reshape(problem.costs.shape)
    return float((problem.costs * share).sum()), share


def split(*, weak: bool, seed: int) -> Case:
    """Demand may be split."""
    problem = replace(fixed_charge(seed), capacity=capacities(seed))
    tried = []
    for is_open in subsets(4, range(1, 5)):
        found = transport(problem, is_open)
        if found:
            cost = sum(problem.fixed_costs[is_open]) + found[0]
            tried.append((cost, SplitAllocation(is_open, found[1])))
    return Case(problem, fixed_charge_model(problem, weak=weak), *best(tried))


def assignments(
    demand: np.ndarray, capacity: np.ndarray, is_open: np.ndarray
) -> Iterator[Allocation]:
    """Every way to give each client one open site within capacity."""
    for chosen in itertools.product(np.flatnonzero(is_open), repeat=demand.size):
        site = np.array(chosen)
        if all(demand[site == j].sum() <= capacity[j] for j in np.flatnonzero(is_open)):
            yield Allocation(is_open, site)


def single_source(*, weak: bool, seed: int) -> Case:
    """Each client has one source."""
    problem = replace(fixed_charge(seed), capacity=capacities(seed), single_source=True)
    assert problem.capacity is not None
    tried = []
    for is_open in subsets(4, range(1, 5)):
        for found in assignments(problem.demand, problem.capacity, is_open):
            serving = sum(
                row[j] for row, j in zip(problem.costs, found.site_of_client, strict=True)
            )
            tried.append((sum(problem.fixed_costs[is_open]) + serving, found))
    return Case(problem, fixed_charge_model(problem, weak=weak), *best(tried))


def capacitated_p_median(seed: int) -> Case:
    """Two of four sites, tight enough that not every client goes to the closest."""
    rng = np.random.default_rng(seed)
    distances = rng.integers(0, 30, (6, 4)).astype(float)
    demand = rng.integers(1, 6, 6).astype(float)
    capacity = np.full(4, np.ceil(0.6 * demand.sum()))
    tried = [
        (sum(row[j] for row, j in zip(distances, found.site_of_client, strict=True)), found)
        for is_open in subsets(4, [2])
        for found in assignments(demand, capacity, is_open)
    ]
    problem = CapacitatedPMedian(distances, demand, capacity, 2)
    return Case(problem, capacitated_p_median_model(problem), *best(tried))


CASES: dict[str, Callable[[int], Case]] = {
    "p-median": lambda seed: p_median(p_median_model, seed),
    "p-median-radius": lambda seed: p_median(p_median_radius_model, seed),
    "p-center": lambda seed: p_center(p_center_model, seed),
    "p-center-radius": lambda seed: p_center(p_center_radius_model, seed),
    "set-covering": set_covering,
    "maximal-covering": maximal_covering,
    "uncapacitated": lambda seed: uncapacitated(weak=False, seed=seed),
    "uncapacitated-weak": lambda seed: uncapacitated(weak=True, seed=seed),
    "split": lambda seed: split(weak=False, seed=seed),
    "split-weak": lambda seed: split(weak=True, seed=seed),
    "single-source": lambda seed: single_source(weak=False, seed=seed),
    "single-source-weak": lambda seed: single_source(weak=True, seed=seed),
    "capacitated-p-median": capacitated_p_median,
}


def solved(case: Case, solver: str) -> Result[np.ndarray]:
    """
    Solve the formulation; CP-SAT gets every column as an integer.

    With integer data that changes no optimum but that of split demand: the other continuous
    columns take integer values as soon as the sites are chosen.
    """
    model = case.built.model
    if solver == "cp-sat":
        if isinstance(case.problem, FixedCharge) and case.problem.is_split:
            pytest.skip("split demand is continuous, CP-SAT takes integers only")
        model = replace(model, integer=np.ones(model.num_columns, dtype=bool))
    return solve_model(model, solver=solver, limits=Limits(seconds=30))


def relaxation(built: AllocationModel[Any]) -> float:
    """Optimum of the linear relaxation."""
    integer = np.zeros(built.model.num_columns, dtype=bool)
    result = solve_model(replace(built.model, integer=integer))
    assert result.objective is not None
    return result.objective


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", CASES)
def test_the_optimum_agrees_with_brute_force(name: str, seed: int, solver_name: str) -> None:
    """The optimum is proven, and what it stands for is feasible and as good."""
    case = CASES[name](seed)
    result = solved(case, solver_name)
    assert result.status is Status.OPTIMAL, result
    assert result.objective == pytest.approx(case.optimum)
    assert result.solution is not None
    solution = case.built.decode(result.solution)
    assert case.problem.violations(solution) == []
    assert case.problem.evaluate(solution) == pytest.approx(case.optimum)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("name", CASES)
def test_a_solution_survives_the_way_through_the_columns(name: str, seed: int) -> None:
    """Encoding gives feasible values of the same objective, and decoding gives it back."""
    case = CASES[name](seed)
    values = case.built.encode(case.solution)
    assert case.built.model.violations(values) == []
    assert case.built.model.evaluate(values) == pytest.approx(case.optimum)
    back = case.built.decode(values)
    if isinstance(case.solution, np.ndarray):
        np.testing.assert_array_equal(back, case.solution)
        return
    np.testing.assert_array_equal(back.is_open, case.solution.is_open)
    field = "share" if isinstance(case.solution, SplitAllocation) else "site_of_client"
    np.testing.assert_array_equal(getattr(back, field), getattr(case.solution, field))


@pytest.mark.parametrize(
    "name", ["p-median", "p-median-radius", "p-center", "p-center-radius", "uncapacitated"]
)
def test_a_detour_is_encoded_as_it_is_and_decoded_without(name: str) -> None:
    """An allocation to the farthest open site keeps its objective; decoding improves on it."""
    case = CASES[name](4)
    costs = case.problem.costs if name == "uncapacitated" else case.problem.distances
    is_open = np.arange(costs.shape[1]) < 2
    detour = Allocation(is_open, np.argmax(costs[:, :2], axis=1))
    values = case.built.encode(detour)
    assert case.built.model.violations(values) == []
    assert case.built.model.evaluate(values) == pytest.approx(case.problem.evaluate(detour))
    better = case.problem.evaluate(case.built.decode(values))
    assert better < case.problem.evaluate(detour)


@pytest.mark.parametrize("seed", range(5))
def test_both_p_median_formulations_have_one_relaxation(seed: int) -> None:
    """Cornuéjols, Nemhauser and Wolsey (1980): the radius formulation is as tight."""
    classical, radius = (relaxation(CASES[name](seed).built) for name in list(CASES)[:2])
    assert classical == pytest.approx(radius)


def test_the_radius_formulation_of_the_p_center_is_tighter() -> None:
    """Elloumi, Labbé and Pochet (2004): its bound is never lower, and often higher."""
    bounds = [
        (
            relaxation(CASES["p-center"](seed).built),
            relaxation(CASES["p-center-radius"](seed).built),
        )
        for seed in range(6)
    ]
    assert all(classical <= radius + 1e-6 for classical, radius in bounds)
    assert any(classical < radius - 0.1 for classical, radius in bounds)


@pytest.mark.parametrize("name", ["uncapacitated", "split", "single-source"])
def test_the_strong_formulation_has_the_better_relaxation(name: str) -> None:
    """Its bound lies between that of the weak formulation and the optimum."""
    for seed in range(3):
        strong, weak = CASES[name](seed), CASES[f"{name}-weak"](seed)
        assert relaxation(weak.built) < relaxation(strong.built) - 1e-3
        assert relaxation(strong.built) <= strong.optimum + 1e-6


def test_the_radius_formulation_has_a_column_for_each_distinct_distance() -> None:
    """A client at the same distance to all sites needs no column of its own."""
    distances = np.array([[3.0, 3.0, 3.0], [1.0, 2.0, 2.0], [4.0, 5.0, 6.0]])
    built = p_median_radius_model(PMedian(distances, np.ones(3), 1))
    assert built.model.num_columns == 3 + 0 + 1 + 2


def test_one_distance_for_all_pairs_needs_no_radius() -> None:
    """Where nothing is to be chosen the p-center model has the sites as its only columns."""
    built = p_center_radius_model(PCenter(np.full((3, 2), 7.0), 1))
    result = solve_model(built.model)
    assert built.model.num_columns == 2
    assert result.objective == pytest.approx(7.0)
