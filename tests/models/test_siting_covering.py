"""Covering problems: what they count, what breaks them, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.backup_covering import BackupCovering, backup_covering_model
from shequ.models.siting.capacitated_maximal_covering import CapacitatedMaximalCovering
from shequ.models.siting.capacitated_set_covering import CapacitatedSetCovering
from shequ.models.siting.cooperative_covering import CooperativeCovering
from shequ.models.siting.coverage import covers_in_reach
from shequ.models.siting.distances import PointDistances
from shequ.models.siting.gradual_covering import GradualCovering, falling_shares
from shequ.models.siting.maximal_covering import MaximalCovering
from shequ.models.siting.partial_covering import PartialCovering
from shequ.models.siting.serving import Serving
from shequ.models.siting.set_covering import SetCovering
from shequ.models.siting.site_rules import SiteRules

PAIRS = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
COVERS = sparse.csr_array(PAIRS)
COSTS = np.array([2.0, 1.0, 4.0])
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0])
CAPACITY = np.array([4.0, 2.0, 5.0])


def opened(*sites: int) -> np.ndarray:
    """Open these of three sites."""
    return np.isin(np.arange(3), sites)


def served(is_open: np.ndarray, *pairs: tuple[int, int, float]) -> Serving:
    """Clients served by sites to a share."""
    client, site, share = (list(part) for part in zip(*pairs, strict=True))
    return Serving(is_open, sparse.csr_array((share, (client, site)), shape=(4, 3)))


def test_rules_of_a_set_covering_are_named() -> None:
    """A required site that is closed is a violation, as an uncovered client is."""
    rules = SiteRules(required=opened(1), most=2)
    problem = SetCovering(COVERS, COSTS, rules)
    assert problem.violations(opened(0, 2)) == ["site 1 is required and closed"]
    assert problem.violations(opened(0, 1, 2)) == ["3 sites are open, expected 0 to 2"]


def test_budget_of_a_maximal_covering_is_kept() -> None:
    """The cost of the open sites counts, not their number."""
    problem = MaximalCovering(COVERS, WEIGHTS, costs=COSTS, budget=4)
    assert problem.violations(opened(0, 1)) == []
    assert problem.violations(opened(1, 2)) == [
        "the open sites cost 5, more than the budget 4",
    ]
    assert problem.evaluate(opened(0, 1)) == 1 + 2 + 4


def test_partial_covering_needs_its_share() -> None:
    """Half of a weight of ten is five."""
    problem = PartialCovering(COVERS, COSTS, WEIGHTS, 0.5)
    assert problem.violations(opened(0)) == []
    assert problem.violations(opened(1)) == ["a weight of 3 is covered, less than 5"]
    assert problem.evaluate(opened(0)) == 2


def test_backup_counts_clients_that_two_open_sites_cover() -> None:
    """A client that one site alone can cover never has a backup."""
    problem = BackupCovering(COVERS, COSTS, WEIGHTS)
    assert problem.evaluate(opened(0, 1, 2)) == 1 + 2
    assert problem.backup_share(opened(0, 1, 2)) == pytest.approx(0.3)
    assert BackupCovering(COVERS, COSTS).backup_share(opened(0, 1)) == pytest.approx(0.25)


def test_backup_of_two_clients_with_one_site_each_is_none() -> None:
    """Two clients, each covered by a site of its own: nobody is covered twice."""
    problem = BackupCovering(sparse.csr_array(np.eye(2)), np.ones(2))
    assert problem.backup_share(np.array([True, True])) == 0


def test_backup_model_needs_its_budget() -> None:
    """The least cost is found first."""
    problem = BackupCovering(COVERS, COSTS, WEIGHTS)
    with pytest.raises(ValueError, match=r"budget is None; find the least cost"):
        backup_covering_model(problem)
    assert problem.at_cost(6).violations(opened(0, 1, 2)) == [
        "the open sites cost 7, more than the budget 6",
    ]


def test_gradual_covering_counts_the_best_open_site() -> None:
    """Shares of several open sites do not add up."""
    shares = sparse.csr_array(np.array([[0.5, 0.75], [1.0, 0.0]]))
    problem = GradualCovering(shares, np.array([4.0, 10.0]), 2)
    assert problem.evaluate(np.array([True, True])) == 3 + 10
    assert problem.evaluate(np.array([True, False])) == 2 + 10


def test_falling_shares_refuse_a_wrong_order() -> None:
    """Full coverage ends before there is none."""
    with pytest.raises(ValueError, match="full = 3 and none = 2"):
        falling_shares(COVERS, full=3, none=2)


def test_cooperative_signals_add_up() -> None:
    """Two signals of half the threshold cover, one does not."""
    signals = sparse.csr_array(np.array([[0.5, 0.5], [0.0, 2.0]]))
    problem = CooperativeCovering(signals, np.array([3.0, 4.0]), 2)
    assert problem.evaluate(np.array([True, True])) == 7
    assert problem.evaluate(np.array([False, True])) == 4


def test_serving_names_all_that_is_wrong() -> None:
    """Reach, opening, capacity, splitting and what is left unserved."""
    problem = CapacitatedSetCovering(COVERS, COSTS, WEIGHTS, CAPACITY, single_source=True)
    plan = served(opened(0, 1), (0, 0, 1.0), (1, 1, 0.5), (1, 2, 0.5), (3, 1, 1.0))
    assert problem.violations(plan) == [
        "client 3 is served by site 1, which is out of its reach",
        "client 1 is served by site 2, which is closed",
        "client 1 is split, but one site must serve all of it",
        "site 1 serves 5, more than its capacity 2",
        "client 2 is served to 0% only",
    ]


def test_capacitated_maximal_covering_counts_the_demand_served() -> None:
    """A share of a client counts as that share of its demand."""
    problem = CapacitatedMaximalCovering(COVERS, WEIGHTS, CAPACITY, 2)
    plan = served(opened(0, 2), (3, 0, 1.0), (1, 2, 1.0), (2, 2, 1.0))
    assert problem.violations(plan) == []
    assert problem.evaluate(plan) == 9
    broken = problem.violations(served(opened(0), (3, 0, 0.5)))
    assert broken == ["1 sites are open, not p = 2"]


@pytest.mark.parametrize("form", ["matrix", "pairs", "points"])
def test_reach_may_differ_from_client_to_client(form: str) -> None:
    """The same sites are in reach, however the distances are given."""
    clients, sites = np.array([[0.0, 0.0], [5.0, 0.0]]), np.array([[3.0, 4.0], [5.0, 1.0]])
    points = PointDistances(clients, sites)
    distances = {"matrix": points.dense(), "pairs": sparse.csr_array(points.dense())}
    covers = covers_in_reach(distances.get(form, points), np.array([5.0, 1.0]))
    assert covers.toarray().tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: MaximalCovering(COVERS, WEIGHTS), "p, budget and rules.most are all None"),
        (lambda: MaximalCovering(COVERS, WEIGHTS, budget=3), "costs and budget belong together"),
        (lambda: MaximalCovering(COVERS, WEIGHTS, costs=COSTS, budget=-1), "budget is -1"),
        (
            lambda: MaximalCovering(
                COVERS, WEIGHTS, costs=COSTS, budget=3, rules=SiteRules(required=opened(2))
            ),
            "the required sites cost 4, more than the budget 3",
        ),
        (lambda: PartialCovering(COVERS, COSTS, WEIGHTS, 1.5), "share is 1.5"),
        (lambda: BackupCovering(COVERS, COSTS, WEIGHTS, np.nan), "budget is nan"),
        (lambda: BackupCovering(COVERS, COSTS, COSTS), "weights has shape"),
        (lambda: GradualCovering(COVERS * 2, WEIGHTS, 1), r"shares\[0, 0\] is 2.0"),
        (lambda: CooperativeCovering(COVERS, WEIGHTS, 1, threshold=0), "threshold is 0"),
        (lambda: CooperativeCovering(-COVERS, WEIGHTS, 1), r"signals\[0, 0\] is stored as -1.0"),
        (lambda: CapacitatedSetCovering(COVERS, COSTS, WEIGHTS, WEIGHTS), "capacity has shape"),
        (lambda: CapacitatedMaximalCovering(COVERS, -WEIGHTS, CAPACITY, 1), r"demand\[0\] is -1"),
        (lambda: Serving(opened(0), sparse.csr_array((4, 2))), r"expected \(clients, 3\)"),
        (lambda: covers_in_reach(PAIRS, np.ones(3)), "reach has shape"),
        (lambda: covers_in_reach(PAIRS, -1.0), "reach of client 0 is -1.0"),
    ],
)
def test_problems_refuse_what_does_not_fit(build: Callable[[], Any], message: str) -> None:
    """Each message names the thing and its value."""
    with pytest.raises(ValueError, match=message):
        build()
