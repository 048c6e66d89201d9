"""Paths that districts need, against all paths and all plans of tiny communities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from numba import njit
from scipy import sparse
from scipy.sparse.csgraph import dijkstra
from shequ.models.joint.groupings import Groupings
from shequ.models.joint.problem import JointPlan, JointSplit
from shequ.optimize.joint import compact, lowering, settling
from shequ.optimize.joint.centre_boxes import CentreBoxes
from shequ.optimize.joint.compact import solve_compact
from shequ.optimize.joint.engine import one_after_the_other
from shequ.optimize.joint.lowering import attainable, most_per_100
from shequ.optimize.joint.path_kernels import HUGE, Links, Walk, farthest, join, no_walk
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status

Make = Callable[..., JointSplit]
Every = Callable[[JointSplit], Iterator[JointPlan]]
LIMITS = Limits(seconds=300.0)
NODES, DISTRICTS = 14, 3


@njit
def walked(links: Links, d: int, walk: Walk) -> tuple[float, int]:
    """Call a kernel that kernels alone may call."""
    return farthest(links, d, 0, walk)  # type: ignore[no-any-return, unused-ignore]


@njit
def joined(links: Links, weights: np.ndarray, use: np.ndarray, walk: Walk) -> float:
    """Do the same for all districts."""
    return join(links, np.zeros(use.shape[0], np.int64), weights, use, walk)


def random_links(rng: np.random.Generator) -> tuple[Links, sparse.csr_array]:
    """Return a random sparse graph with two sites and one box of three nodes a district."""
    near = np.triu(rng.random((NODES, NODES)) < 0.2, 1)
    graph = sparse.csr_array(near | near.T)
    order = rng.permutation(NODES)
    inside = np.zeros((DISTRICTS, 1, NODES), dtype=bool)
    for d in range(DISTRICTS):
        inside[d, 0, rng.choice(NODES, 3, replace=False)] = True
    return Links(
        graph.indptr.astype(np.int64),
        graph.indices.astype(np.int64),
        order[: 2 * DISTRICTS].reshape(DISTRICTS, 2).astype(np.int64),
        np.full(DISTRICTS, 2, dtype=np.int64),
        inside,
    ), graph


def random_walk(rng: np.random.Generator, links: Links) -> Walk:
    """Return what nodes pay: some nothing more than elsewhere, some may not lie there at all."""
    walk = no_walk(links)
    walk.pays[:] = rng.integers(1, 6, walk.pays.shape)
    walk.pays[rng.random(walk.pays.shape) < 0.1] = HUGE
    walk.pays[0, walk.pays.min(axis=0) >= HUGE] = 1.0
    for d in range(DISTRICTS):
        # A site pays in its own district alone.
        walk.pays[:, links.sites[d]] = HUGE
        walk.pays[d, links.sites[d]] = 1.0
    walk.low[:], walk.own[:] = walk.pays.min(axis=0), walk.pays.argmin(axis=0)
    return walk


@pytest.mark.parametrize("seed", range(40))
def test_the_farthest_is_found(seed: int) -> None:
    """The length is the longest of the shortest ones, and the way back has that length."""
    rng = np.random.default_rng(seed)
    links, graph = random_links(rng)
    walk = random_walk(rng, links)
    for d in range(DISTRICTS):
        extra = walk.pays[d] - walk.low
        may = walk.pays[d] < HUGE
        arcs = sparse.coo_array(graph)
        keep = may[arcs.row] & may[arcs.col]
        weights = np.maximum(extra[arcs.col[keep]], 1e-12)
        heads = (arcs.row[keep], arcs.col[keep])
        lengths = dijkstra(
            sparse.csr_array((weights, heads), shape=graph.shape), indices=links.sites[d, 0]
        )
        expected = max(lengths[links.sites[d, 1]], lengths[links.inside[d, 0]].min())
        found, node = walked(links, d, walk)
        if not np.isfinite(expected):
            assert found >= HUGE
            continue
        assert found == pytest.approx(expected, abs=1e-9)
        passed, last = 0.0, node
        while node >= 0:
            passed += extra[node]
            last, node = node, int(walk.before[node])
        assert last == links.sites[d, 0]
        assert passed == pytest.approx(found, abs=1e-9)


def test_nodes_on_a_path_count_for_its_district() -> None:
    """Joining two sites takes the node between them from its own district."""
    ends = np.array([1, 0, 2, 1])
    links = Links(
        np.array([0, 1, 3, 4]),
        ends,
        np.array([[0, 2], [1, -1]]),
        np.array([2, 1]),
        np.ones((2, 1, 3), dtype=bool),
    )
    walk = no_walk(links)
    walk.pays[:] = [[1.0, 5.0, 1.0], [HUGE, 2.0, HUGE]]
    walk.low[:], walk.own[:] = [1.0, 2.0, 1.0], [0, 1, 0]
    weights, use = np.array([[1.0], [10.0], [1.0]]), np.array([[2.0], [10.0]])
    assert joined(links, weights, use, walk) == pytest.approx(3.0)
    assert use.ravel().tolist() == [12.0, 0.0]
    walk.pays[0, 1] = HUGE
    assert joined(links, weights, use, walk) >= HUGE


@pytest.fixture(scope="module", params=range(4))
def street(community: Make, request: pytest.FixtureRequest) -> JointSplit:
    """Two districts on two rows of units, whose sites lie in pairs far from each other."""
    seed = 10 + request.param
    problem = community(seed, columns=5, rows=2, reach=9.0, tolerance=0.6, rate=0.2)
    home = np.array([0, 4, 5, 9])
    return replace(problem, node_of_site=home)


def test_boxes_lose_no_plan_of_far_sites(street: JointSplit, every_plan: Every) -> None:
    """Where paths bind, no plan lies below the bound of what is left, nor outside of it."""
    plans = list(every_plan(street))
    groupings, dropped = Groupings(street), 0
    pairs = np.ones((street.districting.num_nodes,) * 2, dtype=bool)
    for limit in 1.001 * np.quantile([street.compactness(one) for one in plans], [0, 0.1, 1]):
        left = {}
        for one in groupings.all():
            boxes = CentreBoxes(street, one, pairs)
            before = [nodes[0].size for nodes in boxes.nodes]
            boxes.narrow(limit)
            dropped += sum(before) - sum(nodes[0].size for nodes in boxes.nodes)
            parts = [] if boxes.is_empty else boxes.divided(boxes.all, limit, 100_000)[0]
            left[one.groups] = (one, boxes, parts)
        inside = 0
        for plan in plans:
            found = street.compactness(plan)
            if found >= limit:
                continue
            inside += 1
            one, boxes, parts = left[groupings.of(plan)]
            home = plan.labels[street.node_of_site[[group[0] for group in one.groups]]]
            centres = street.districting.centres(plan.labels)[home].tolist()
            own = [part for part in parts if boxes.seats(part).tolist() == centres]
            assert len(own) == 1
            assert own[0].bound <= found + 1e-6
        assert inside > 0
    assert dropped > 0


def test_paths_raise_the_bound(street: JointSplit) -> None:
    """Sites of a district at both ends of a street pay for the way between them."""
    pairs = np.ones((street.districting.num_nodes,) * 2, dtype=bool)
    one = next(one for one in Groupings(street).complete() if one.groups == ((0, 1), (2, 3)))
    boxes = CentreBoxes(street, one, pairs)
    bounds = []
    for terms in (boxes.terms, without_sites(boxes)):
        boxes.__dict__["terms"] = terms
        parts = boxes.divided(boxes.all, np.inf, 100_000)[0]
        bounds.append({tuple(boxes.seats(part)): part.bound for part in parts})
    joined, apart = bounds
    assert joined.keys() <= apart.keys()
    assert np.mean([joined[own] / apart[own] for own in joined]) > 1.02


def without_sites(boxes: CentreBoxes) -> object:
    """Return the terms of boxes with nothing but the first site of each district to join."""
    links = boxes.terms.links
    inside = np.ones_like(links.inside)
    alone = links._replace(num_sites=np.ones_like(links.num_sites), inside=inside)
    return boxes.terms._replace(links=alone)


@pytest.mark.parametrize("at_once", [1, 4000])
def test_far_sites_agree_with_enumeration(
    street: JointSplit, every_plan: Every, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most compact plan is that of enumeration, also if nodes are dropped first."""
    monkeypatch.setattr(settling, "AT_ONCE", at_once)
    every_site = [plan for plan in every_plan(street) if plan.siting.is_open.all()]
    found = solve_compact(street, limits=LIMITS)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(min(map(street.compactness, every_site)))


def test_a_known_split_is_not_solved_again(
    street: JointSplit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The split of one after the other serves as the bound to begin with."""
    alone = solve_compact(street, limits=LIMITS)
    split = one_after_the_other(street, limits=LIMITS).split
    solved: list[object] = []
    monkeypatch.setattr(compact, "solve_districting", lambda *given, **_: solved.append(given))
    found = solve_compact(street, split=split, limits=LIMITS)
    assert not solved
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(alone.objective)


def test_room_of_a_plan_is_counted(community: Make, every_plan: Every) -> None:
    """A plan keeps the largest whole m² per 100 households that is said, and no more."""
    problem = community(3, rate=0.01, reach=9.0)
    nobody = np.empty(0, dtype=np.int64)
    for plan in list(every_plan(problem))[::50]:
        per_100 = most_per_100(problem, plan)
        for more in (0, 1):
            asked = problem.with_rules(exempt=nobody, area_per_household_m2=(per_100 + more) / 100)
            again = asked.sized(plan.labels, plan.siting.is_open)
            assert bool(asked.violations(again)) == bool(more)


def test_a_plan_near_one_of_lower_rules_is_found(
    community: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where searches find nothing at tight rules, the centres of a plan of lower ones help."""
    problem = community(3, rate=5.0, reach=9.0)
    expected = attainable(problem, limits=LIMITS).problem.area_per_household_m2
    search = lowering.plans_of

    def of_loose_rules(asked: JointSplit, *given: object, **named: object) -> Iterator[JointPlan]:
        if asked.area_per_household_m2 > 0:
            return iter(())
        return search(asked, *given, **named)

    monkeypatch.setattr(lowering, "plans_of", of_loose_rules)
    monkeypatch.setattr(
        lowering._Finder,  # the last resort is shut off
        "_solved",
        lambda *_: (None, False),
    )
    found = attainable(problem, limits=LIMITS)
    assert found.plan is not None
    assert found.problem.violations(found.plan) == []
    assert 0 < found.problem.area_per_household_m2 <= expected
