"""Fixed charges, modular sizes and capacitated p-median: engines against brute force."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from shequ.models.siting.allocation import SplitAllocation
from shequ.models.siting.capacitated_p_median import CapacitatedPMedian
from shequ.models.siting.fixed_charge import FixedCharge
from shequ.models.siting.modular_capacity import ModularCapacity
from shequ.models.siting.site_rules import SiteRules
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.result import Reason, Result, Status
from shequ.optimize.siting.classic.capacitated_p_median import solve_capacitated_p_median
from shequ.optimize.siting.classic.fixed_charge import solve_fixed_charge
from shequ.optimize.siting.classic.modular_capacity import solve_modular_capacity

CLIENTS, SITES = 5, 4
LIMITS = Limits(seconds=30)
ASSIGNMENTS = np.array(list(itertools.product(range(SITES), repeat=CLIENTS)))
SUBSETS = [np.array(choice) for choice in itertools.product([False, True], repeat=SITES)]


@dataclass(frozen=True, eq=False)
class Drawn:
    """Numbers of one random problem; the engines' problems are made of them."""

    costs: np.ndarray
    demand: np.ndarray
    fixed: np.ndarray
    capacity: np.ndarray
    least_load: np.ndarray | None
    rules: SiteRules | None


def drawn(seed: int, *, ruled: bool) -> Drawn:
    """Whole numbers on even seeds, others on odd ones; capacities that bind."""
    rng = np.random.default_rng(seed)

    def numbers(low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
        whole = rng.integers(low, high, shape).astype(float)
        return whole if seed % 2 == 0 else whole + rng.random(shape).round(2)

    costs = numbers(1, 30, (CLIENTS, SITES))
    demand = numbers(0 if seed % 3 == 0 else 1, 7, (CLIENTS,))
    capacity = numbers(4, 14, (SITES,))
    if not ruled:
        return Drawn(costs, demand, numbers(2, 25, (SITES,)), capacity, None, None)
    costs[rng.random(costs.shape) < 0.15] = np.inf
    least_load = numbers(0, 5, (SITES,)) if rng.random() < 0.5 else None
    return Drawn(costs, demand, numbers(2, 25, (SITES,)), capacity, least_load, rules_of(rng))


def rules_of(rng: np.random.Generator) -> SiteRules | None:
    """Rules that do not contradict each other in a way that is refused."""
    kind = rng.integers(0, 5)
    site = np.arange(SITES)
    return [
        None,
        SiteRules(required=site == rng.integers(SITES)),
        SiteRules(forbidden=site == rng.integers(SITES)),
        SiteRules(least=int(rng.integers(1, 4)), most=3),
        SiteRules(apart=np.array([[0, 1], [2, 3]])),
    ][kind]


def keeps(is_open: np.ndarray, rules: SiteRules | None, p: int | None) -> bool:
    """Whether a choice of sites keeps the rules, told in plain words."""
    count = int(is_open.sum())
    rules = rules or SiteRules()
    least, most = rules.least, rules.most
    if p is not None:
        least, most = (p if least is None else least), p
    return not (
        (rules.required is not None and (rules.required & ~is_open).any())
        or (rules.forbidden is not None and (rules.forbidden & is_open).any())
        or (least is not None and count < least)
        or (most is not None and count > most)
        or (rules.apart is not None and any(is_open[a] and is_open[b] for a, b in rules.apart))
    )


def best_single(
    costs: np.ndarray, demand: np.ndarray, least: np.ndarray, most: np.ndarray, idle: np.ndarray
) -> float:
    """Least cost of serving each client from one site, over all assignments."""
    serving = costs[np.arange(CLIENTS), ASSIGNMENTS].sum(axis=1)
    at_site = ASSIGNMENTS[:, :, None] == np.arange(SITES)
    loads = (demand[None, :, None] * at_site).sum(axis=1)
    fits = (loads <= most + 1e-9).all(axis=1) & (loads >= least - 1e-9).all(axis=1)
    fits &= ~at_site.any(axis=1)[:, idle].any(axis=1)
    return float(serving[fits].min(initial=np.inf))


def best_split(
    costs: np.ndarray, demand: np.ndarray, least: np.ndarray, most: np.ndarray, idle: np.ndarray
) -> float:
    """Least cost of serving the clients by shares, as a linear program."""
    permitted = np.isfinite(costs) & ~idle
    assign = np.kron(np.eye(CLIENTS), np.ones(SITES))
    load = np.kron(demand, np.eye(SITES)).reshape(SITES, -1)
    found = linprog(
        np.where(permitted, costs, 0).ravel(),
        A_ub=np.r_[load, -load],
        b_ub=np.r_[np.minimum(most, 1e6), -least],
        A_eq=assign,
        b_eq=np.ones(CLIENTS),
        bounds=[(0, float(allowed)) for allowed in permitted.ravel()],
    )
    return float(found.fun) if found.status == 0 else np.inf


def best(
    data: Drawn,
    *,
    single: bool,
    capacity: np.ndarray | None,
    fixed: np.ndarray,
    p: int | None = None,
) -> float:
    """Least cost over all choices of sites; infinite if none is feasible."""
    serve = best_single if single else best_split
    found = np.inf
    for is_open in SUBSETS:
        if not keeps(is_open, data.rules, p) or not is_open.any():
            continue
        most = np.where(is_open, np.inf if capacity is None else capacity, 0.0)
        least = np.zeros(SITES) if data.least_load is None else data.least_load
        least = np.where(is_open, least, 0.0)
        serving = serve(data.costs, data.demand, least, most, ~is_open)
        found = min(found, float(fixed[is_open].sum()) + serving)
    return found


def agrees(result: Result[Any], truth: float, problem: Any) -> None:  # noqa: ANN401 - any problem
    """Optimal with the true objective and no rule broken, or infeasible if it must be."""
    if np.isinf(truth):
        assert result.status is Status.INFEASIBLE
        assert result.solution is None
        return
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(truth, rel=2e-6)
    assert result.bound == pytest.approx(truth, rel=2e-6)
    assert problem.violations(result.solution) == []
    assert problem.evaluate(result.solution) == pytest.approx(truth, rel=2e-6)


def capacitated(seed: int, *, single: bool, ruled: bool) -> tuple[FixedCharge, float]:
    """Return a problem and the least cost of its solutions."""
    data = drawn(seed, ruled=ruled)
    problem = FixedCharge(
        data.costs, data.fixed, data.demand, data.capacity, single, data.least_load, data.rules
    )
    return problem, best(data, single=single, capacity=data.capacity, fixed=data.fixed)


def p_median(seed: int, *, split: bool, ruled: bool) -> tuple[CapacitatedPMedian, float]:
    """Exactly two sites, or up to two where the rules give a least number."""
    data = drawn(seed, ruled=ruled)
    if data.rules is not None and data.rules.most is not None:
        data = replace(data, rules=SiteRules(least=1))
    reach = np.where(np.isfinite(data.costs), data.costs, 0).max(axis=1) if ruled else None
    distances = np.where(np.isfinite(data.costs), data.costs, 99.0)
    capacity = 1.5 * data.capacity
    problem = CapacitatedPMedian(
        distances, data.demand, capacity, 2, split, data.least_load, reach, data.rules
    )
    truth = best(data, single=not split, capacity=capacity, fixed=np.zeros(SITES), p=2)
    return problem, truth


def modular(seed: int, *, single: bool, ruled: bool) -> tuple[ModularCapacity, float]:
    """Two sizes a site, one of which is missing."""
    data = drawn(seed, ruled=ruled)
    rng = np.random.default_rng(seed + 1000)
    size_costs = np.c_[data.fixed, data.fixed + rng.integers(1, 15, SITES)]
    size_capacity = np.c_[data.capacity, data.capacity + rng.integers(1, 9, SITES)]
    size_costs[2:, 1] = np.inf
    problem = ModularCapacity(
        data.costs, data.demand, size_costs, size_capacity, single, data.least_load, data.rules
    )
    site = np.arange(SITES)
    truth = min(
        best(
            data,
            single=single,
            capacity=size_capacity[site, (*sizes, 0, 0)],
            fixed=size_costs[site, (*sizes, 0, 0)],
        )
        for sizes in itertools.product(range(2), repeat=2)
    )
    return problem, truth


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_uncapacitated_is_the_best_of_all_choices(seed: int, ruled: bool) -> None:
    """Without capacity each client goes to its cheapest open site."""
    data = replace(drawn(seed, ruled=ruled), least_load=None)
    problem = FixedCharge(data.costs, data.fixed, data.demand, rules=data.rules)
    truth = best(data, single=True, capacity=None, fixed=data.fixed)
    agrees(solve_fixed_charge(problem, limits=LIMITS), truth, problem)


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_capacitated_is_the_best_of_all_choices(seed: int, single: bool, ruled: bool) -> None:
    """Split and single-source demand, with least loads, forbidden pairs and rules of sites."""
    problem, truth = capacitated(seed, single=single, ruled=ruled)
    agrees(solve_fixed_charge(problem, limits=LIMITS), truth, problem)


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("split", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_capacitated_p_median_is_the_best_of_all_choices(
    seed: int, split: bool, ruled: bool
) -> None:
    """Reach, least loads and rules of sites hold."""
    problem, truth = p_median(seed, split=split, ruled=ruled)
    agrees(solve_capacitated_p_median(problem, limits=LIMITS), truth, problem)


@pytest.mark.parametrize("ruled", [False, True])
@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_modular_capacity_is_the_best_of_all_choices(seed: int, single: bool, ruled: bool) -> None:
    """Each open site has one of its sizes."""
    problem, truth = modular(seed, single=single, ruled=ruled)
    agrees(solve_modular_capacity(problem, limits=LIMITS), truth, problem)


@pytest.mark.parametrize("method", ["core", "textbook"])
@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_every_method_finds_the_best(seed: int, one: bool, method: str) -> None:
    """The plain models and the integer program over what is left agree with brute force."""
    problem, truth = capacitated(seed, single=one, ruled=True)
    agrees(solve_fixed_charge(problem, limits=LIMITS, method=method), truth, problem)
    medians, truth = p_median(seed, split=one, ruled=True)
    agrees(solve_capacitated_p_median(medians, limits=LIMITS, method=method), truth, medians)
    sizes, truth = modular(seed, single=one, ruled=True)
    agrees(solve_modular_capacity(sizes, limits=LIMITS, method=method), truth, sizes)


@pytest.mark.parametrize("kind", ["split", "single", "median", "sizes"])
@pytest.mark.parametrize("seed", range(4))
def test_larger_problems_agree_with_the_plain_model(seed: int, kind: str) -> None:
    """The tree on sites, options and clients proves what HiGHS proves."""
    rng = np.random.default_rng(seed)
    clients, sites = rng.random((24, 2)), rng.random((9, 2))
    costs = np.round(100 * np.linalg.norm(clients[:, None] - sites, axis=2))
    demand = rng.integers(5, 25, 24).astype(float)
    capacity = np.round(demand.sum() / 3 * rng.uniform(0.8, 1.4, 9))
    fixed = rng.integers(40, 160, 9).astype(float)
    problem: Any
    if kind == "median":
        problem, solve = CapacitatedPMedian(costs, demand, capacity, 4), solve_capacitated_p_median
    elif kind == "sizes":
        menu = np.c_[fixed, 1.5 * fixed], np.c_[capacity, 1.7 * capacity]
        problem, solve = (
            ModularCapacity(costs, demand, *menu, single_source=True),
            (solve_modular_capacity),
        )
    else:
        problem = FixedCharge(costs, fixed, demand, capacity, single_source=kind == "single")
        solve = solve_fixed_charge
    plain = solve(problem, limits=LIMITS, method="textbook")
    assert plain.status is Status.OPTIMAL
    agrees(solve(problem, limits=LIMITS), plain.objective, problem)


TWO = np.array([[1.0, 2.0], [3.0, 1.0], [2.0, 2.0]])


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (
            FixedCharge(TWO, np.ones(2), np.array([4.0, 3.0, 3.0]), np.array([5.0, 3.0])),
            "All sites that may open hold 8, 2 less than the demand 10.",
        ),
        (
            FixedCharge(TWO, np.ones(2), np.array([6.0, 1.0, 1.0]), np.full(2, 5.0), True),
            (
                "No single site can take client 0: client 0 has demand 6, the largest site that "
                "may serve it holds 5."
            ),
        ),
        (
            CapacitatedPMedian(TWO, np.array([4.0, 3.0, 3.0]), np.array([9.0, 8.0]), 1),
            "The 1 largest sites hold 9, 1 less than the demand 10; 2 sites are needed.",
        ),
        (
            FixedCharge(np.where(TWO > 1, np.inf, TWO), np.ones(2), np.ones(3)),
            "No site may serve client 2.",
        ),
        (
            FixedCharge(
                TWO,
                np.ones(2),
                np.ones(3),
                np.full(2, 9.0),
                least_load=np.full(2, 2.0),
                rules=SiteRules(least=2),
            ),
            "The sites that must open ask for a least load of 4, 1 more than the demand 3.",
        ),
    ],
)
def test_what_cannot_be_is_said_before_any_solve(problem: Any, reason: str) -> None:  # noqa: ANN401
    """The reason comes with the figures that miss."""
    solve = (
        solve_capacitated_p_median
        if isinstance(problem, CapacitatedPMedian)
        else solve_fixed_charge
    )
    result = solve(problem)
    assert result.status is Status.INFEASIBLE
    assert result.detail.startswith(reason)
    assert result.nodes == 0


def test_an_unknown_method_is_refused() -> None:
    """The message lists the methods."""
    problem = FixedCharge(TWO, np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="method = 'magic' not understood; choose one of auto"):
        solve_fixed_charge(problem, method="magic")


def test_pairs_of_a_sparse_array_are_the_permitted_ones() -> None:
    """A CSR array of pairs says the same as a matrix with infinite entries."""
    matrix = np.array([[1.0, np.inf], [np.inf, 2.0]])
    pairs = sparse.csr_array((np.array([1.0, 2.0]), ([0, 1], [0, 1])), shape=(2, 2))
    results = [
        solve_fixed_charge(FixedCharge(costs, np.ones(2), np.ones(2))) for costs in (matrix, pairs)
    ]
    assert [result.objective for result in results] == [5.0, 5.0]


def test_shares_of_one_site_are_listed_with_every_broken_rule() -> None:
    """Least loads and forbidden pairs are named with client and site."""
    costs = np.array([[1.0, np.inf], [1.0, 1.0]])
    problem = FixedCharge(
        costs, np.ones(2), np.ones(2), np.full(2, 9.0), least_load=np.full(2, 1.5)
    )
    solution = SplitAllocation(np.array([True, True]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert problem.violations(solution) == [
        "client 0 is served by site 1, which may not serve it",
        "site 0 is open and serves 1, less than its least load 1.5",
        "site 1 is open and serves 1, less than its least load 1.5",
    ]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (
            lambda: FixedCharge(-TWO, np.ones(2), np.ones(3)),
            r"costs\[0, 0\] is -1.0; give a number",
        ),
        (
            lambda: FixedCharge(TWO, np.ones(2), np.ones(3), least_load=np.ones(3)),
            "least_load has shape",
        ),
        (
            lambda: ModularCapacity(TWO, np.ones(3), np.ones((3, 1)), np.ones((3, 1))),
            r"size_costs has shape \(3, 1\), expected \(2, sizes\)",
        ),
        (
            lambda: ModularCapacity(TWO, np.ones(3), np.full((2, 1), np.inf), np.ones((2, 1))),
            r"size_costs\[0\] is infinite for every size",
        ),
        (
            lambda: CapacitatedPMedian(TWO, np.ones(3), np.ones(2), 1, reach=np.ones(2)),
            "reach has shape",
        ),
    ],
)
def test_arrays_that_make_no_sense_are_refused(build: Any, message: str) -> None:  # noqa: ANN401
    """The message names the array and what to give."""
    with pytest.raises(ValueError, match=message):
        build()


def test_neighbourhoods_do_not_change_the_optimum() -> None:
    """A problem large enough for them is proven."""
    rng = np.random.default_rng(5)
    points = rng.random((62, 2))
    distances = np.round(100 * np.linalg.norm(points[:, None] - points, axis=2))
    demand = rng.integers(1, 10, 62).astype(float)
    capacity = np.full(62, np.ceil(demand.sum() / 8 * 1.15))
    problem = CapacitatedPMedian(distances, demand, capacity, 8)
    result = solve_capacitated_p_median(problem, limits=LIMITS)
    assert result.status is Status.OPTIMAL
    assert "heuristic" in result.seconds
    # HiGHS needs five seconds to prove the same with the plain model.
    assert result.objective == 725


def test_a_stop_keeps_the_best_plan() -> None:
    """A solve that is stopped at once tells so, and claims no proof."""
    stop = Stop()
    stop.request()
    problem, _ = capacitated(1, single=True, ruled=False)
    result = solve_fixed_charge(problem, stop=stop)
    assert result.status in {Status.FEASIBLE, Status.UNKNOWN}
    assert result.reason is Reason.INTERRUPTED
