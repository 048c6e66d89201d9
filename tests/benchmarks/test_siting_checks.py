"""The checks of siting find what the problems' own recomputation finds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from shequ.benchmarks.checks.siting import (
    check_capacitated_p_median,
    check_fixed_charge,
    check_maximal_covering,
    rule_faults,
)
from shequ.benchmarks.registry import discover
from shequ.models.siting.allocation import Allocation, SplitAllocation
from shequ.models.siting.capacitated_p_median import CapacitatedPMedian
from shequ.models.siting.fixed_charge import FixedCharge
from shequ.models.siting.maximal_covering import MaximalCovering
from shequ.models.siting.p_median import PMedian
from shequ.models.siting.site_rules import SiteRules

CLIENTS, SITES = 6, 4


def random_allocation(rng: np.random.Generator, *, split: bool) -> Allocation | SplitAllocation:
    """Serve clients from open sites, in half of the draws with a fault."""
    is_open = rng.random(SITES) < 0.7
    is_open[0] = True
    sites = rng.choice(np.flatnonzero(is_open), (CLIENTS, 2))
    if rng.random() < 0.25:
        sites[0] = rng.integers(SITES, size=2)
    if not split:
        return Allocation(is_open, sites[:, 0])
    share = np.zeros((CLIENTS, SITES))
    np.add.at(share, (np.arange(CLIENTS), sites[:, 0]), 0.25)
    np.add.at(share, (np.arange(CLIENTS), sites[:, 1]), 0.75)
    if rng.random() < 0.25:
        share[1] /= 2
    return SplitAllocation(is_open, share)


@pytest.mark.parametrize("seed", range(80))
def test_loads_shares_and_reach_are_judged_alike(seed: int) -> None:
    """Capacity, least load, reach, splits and closed sites: both say whether a plan holds."""
    rng = np.random.default_rng(seed)
    split = seed % 2 == 1
    plan = random_allocation(rng, split=split)
    distances = rng.integers(1, 10, (CLIENTS, SITES)).astype(float)
    demand = rng.integers(1, 5, CLIENTS).astype(float)
    capacity = rng.integers(4, 16, SITES).astype(float)
    least = rng.integers(0, 4, SITES).astype(float) if seed % 3 == 0 else None
    reach = rng.integers(5, 10, CLIENTS).astype(float) if seed % 4 < 2 else None
    required = rng.random(SITES) < 0.2 if seed % 5 == 0 else None
    rules = SiteRules(required=required, least=1)
    median = CapacitatedPMedian(
        distances, demand, capacity, SITES, split=split, least_load=least, reach=reach, rules=rules
    )
    value, broken = check_capacitated_p_median(median, plan)
    broken += rule_faults(rules, plan.is_open)
    assert bool(broken) == bool(median.violations(plan))
    if not broken:
        assert value == pytest.approx(median.evaluate(plan))
    charged = FixedCharge(
        distances, capacity, demand, capacity, single_source=not split, least_load=least
    )
    value, broken = check_fixed_charge(charged, plan)
    assert bool(broken) == bool(charged.violations(plan))
    if not broken:
        assert value == pytest.approx(charged.evaluate(plan))


@pytest.mark.parametrize("seed", range(40))
def test_rules_on_sites_are_judged_alike(seed: int) -> None:
    """Required, forbidden, fewest, most and pairs apart."""
    rng = np.random.default_rng(seed)
    draw = rng.permutation(SITES)
    rules = SiteRules(
        required=np.arange(SITES) == draw[0],
        forbidden=np.arange(SITES) == draw[1],
        least=2,
        most=3,
        apart=np.array([draw[2:4]]),
    )
    is_open = rng.random(SITES) < 0.6
    assert bool(rule_faults(rules, is_open)) == bool(rules.violations(is_open))


def test_a_budget_counts() -> None:
    """Two sites of 2 and 3 are too much for 4."""
    covers = sparse.csr_array(np.eye(3))
    costs = np.array([2.0, 3.0, 1.0])
    problem = MaximalCovering(covers, np.array([5.0, 6.0, 7.0]), costs=costs, budget=4.0)
    fine, dear = np.array([False, True, True]), np.array([True, True, False])
    assert check_maximal_covering(problem, fine) == (13.0, [])
    assert check_maximal_covering(problem, dear) == (11.0, ["it costs 5, more than 4"])


def test_the_registered_check_knows_the_rules() -> None:
    """A site that is required and closed is found by the check that a run takes."""
    distances = np.ones((CLIENTS, SITES))
    rules = SiteRules(required=np.arange(SITES) == 2)
    problem = PMedian(distances, np.ones(CLIENTS), 1, rules=rules)
    plan = Allocation(np.arange(SITES) == 1, np.ones(CLIENTS, dtype=np.int64))
    value, broken = discover().checks["p-median"](problem, plan)
    assert (value, broken) == (6.0, ["site 2 is required and closed"])
