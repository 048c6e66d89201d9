"""Inexact contiguity: connected, never better than exact, best among the plans that are left."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import all_plans, plan_values
from shequ.models.districting.flows import shir_model
from shequ.models.districting.inexact import (
    Contiguity,
    Distance,
    InexactModel,
    allowed_pairs,
    inexact_model,
    predecessors,
)
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.models.formulation import IntArray
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model

KINDS: list[tuple[Contiguity, Distance]] = [
    ("tree", "hop"),
    ("tree", "path"),
    ("distance", "hop"),
    ("distance", "path"),
    ("dag", "hop"),
    ("dag", "path"),
    ("dag", "euclidean"),
    ("dag", "cost"),
]


def random_problem(seed: int, *, units: int = 9, k: int = 2) -> tuple[Districting, IntArray]:
    """Planar graph with some borders missing, and a root for each district."""
    rng = np.random.default_rng(seed)
    problem, _ = voronoi_districting(units, k, seed=seed, tolerance=0.4)
    kept = rng.random(problem.edges.shape[0]) < 0.8
    roots = rng.choice(units, k, replace=False).astype(np.int64)
    return replace(problem, edges=problem.edges[kept]), roots


def plans_about(problem: Districting, roots: IntArray) -> tuple[IntArray, np.ndarray]:
    """All plans whose districts hold their roots, and their inertia about these."""
    seated = replace(problem, rules=DistrictRules(seats=roots))
    plans = all_plans(seated)
    return plans, plan_values(seated, Objective(), plans)


def keeps(problem: Districting, roots: IntArray, plan: IntArray, kind: tuple) -> bool:
    """Whether each node but the root has a predecessor in its own district."""
    for district, root in enumerate(roots):
        node, before = predecessors(problem, int(root), contiguity=kind[0], distance=kind[1])
        linked = set(node[plan[before] == district].tolist()) | {int(root)}
        if not set(np.flatnonzero(plan == district).tolist()) <= linked:
            return False
    return True


def plan_of(model: InexactModel) -> tuple[float, IntArray | None]:
    """Optimum of a model and its plan; infinite and None if it is infeasible."""
    result = solve_model(model.model)
    if result.status is Status.INFEASIBLE:
        return np.inf, None
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert result.objective is not None
    return result.objective, model.decode(result.solution)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", KINDS, ids="-".join)
def test_the_optimum_is_the_best_plan_that_is_left(
    kind: tuple[Contiguity, Distance], seed: int
) -> None:
    """The model finds the best of the plans whose nodes all have a predecessor beside them."""
    problem, roots = random_problem(seed)
    plans, values = plans_about(problem, roots)
    left = [keeps(problem, roots, plan, kind) for plan in plans]
    expected = min(values[left], default=np.inf)
    model = inexact_model(problem, roots, contiguity=kind[0], distance=kind[1])
    objective, plan = plan_of(model)
    assert objective == pytest.approx(expected)
    if plan is not None:
        assert problem.violations(plan) == []
        assert (plan[roots] == np.arange(2)).all()
        assert problem.evaluate(plan) <= objective * (1 + 1e-9)


@pytest.mark.parametrize("distance", ["path", "hop"])
@pytest.mark.parametrize("seed", range(20))
def test_no_inexact_optimum_beats_the_exact_one(seed: int, distance: Distance) -> None:
    """Balance alone, exact contiguity, DAG, distance, tree: each is at least as dear as before."""
    problem, roots = random_problem(seed, units=10, k=3)
    free = plan_of(inexact_model(problem, roots, contiguity="none"))[0]
    flow = solve_model(shir_model(problem, allowed=allowed_pairs(problem, roots)).model)
    exact = np.inf if flow.objective is None else flow.objective
    _, all_values = plans_about(problem, roots)
    assert exact == pytest.approx(min(all_values, default=np.inf))
    kinds: list[Contiguity] = ["dag", "distance", "tree"]
    rest = [
        plan_of(inexact_model(problem, roots, contiguity=kind, distance=distance))[0]
        for kind in kinds
    ]
    values = [free, exact, *rest]
    assert all(before <= after * (1 + 1e-9) for before, after in itertools.pairwise(values))


def test_a_ring_shows_what_each_kind_cuts_off() -> None:
    """Of the two ways around a ring the tree knows one, the others know both."""
    angle = np.arange(4) * np.pi / 2
    points = np.stack([np.cos(angle), np.sin(angle)], axis=1) * 100
    problem = Districting(
        weights=np.ones((4, 1)),
        lower=np.array([1.0]),
        upper=np.array([3.0]),
        edges=np.array([[0, 1], [1, 2], [2, 3], [3, 0]]),
        num_districts=1,
        mass=np.ones(4),
        location=points,
        centre=points,
        inertia=np.zeros(4),
    )
    ways: dict[str, list[int]] = {}
    kinds: list[Contiguity] = ["tree", "distance", "dag"]
    for kind in kinds:
        node, before = predecessors(problem, 0, contiguity=kind, distance="hop")
        ways[kind] = sorted(before[node == 2].tolist())
    assert ways["tree"] in ([1], [3])
    assert ways["distance"] == ways["dag"] == [1, 3]


def test_nodes_at_one_place_make_no_circle() -> None:
    """Where distances tie, no two nodes come before each other."""
    problem, _ = voronoi_districting(12, 2, seed=1)
    heap = replace(problem, location=np.zeros((12, 2)) + 5e5, centre=np.zeros((12, 2)) + 5e5)
    for contiguity, distance in KINDS:
        node, before = predecessors(heap, 3, contiguity=contiguity, distance=distance)
        pairs = set(zip(node.tolist(), before.tolist(), strict=True))
        assert not pairs & {(u, i) for i, u in pairs}


def test_rules_of_districts_hold() -> None:
    """Bounds, locks and pairs apart of each district are kept, as by enumeration."""
    problem, roots = random_problem(5, units=9)
    rules = DistrictRules(
        seats=roots,
        upper=np.array([[problem.weights.sum() * 0.6], [problem.weights.sum()]]),
        locked=np.where(np.arange(9) == np.setdiff1d(np.arange(9), roots)[0], 1, -1),
        apart=np.setdiff1d(np.arange(9), roots)[None, 2:4],
    )
    ruled = replace(problem, lower=np.zeros(1), upper=np.array([np.inf]), rules=rules)
    plans = all_plans(ruled)
    left = [keeps(ruled, roots, plan, ("dag", "hop")) for plan in plans]
    objective, plan = plan_of(inexact_model(ruled, roots, distance="hop"))
    assert objective == pytest.approx(plan_values(ruled, Objective(), plans)[left].min())
    assert plan is not None
    assert ruled.violations(plan) == []


def test_a_plan_encodes_to_its_own_value() -> None:
    """A plan that is left is a feasible solution; it decodes to itself."""
    problem, roots = random_problem(4, units=12)
    plans, values = plans_about(problem, roots)
    model = inexact_model(problem, roots, distance="hop")
    seen = 0
    for plan, value in zip(plans, values, strict=True):
        point = model.encode(plan)
        assert model.model.evaluate(point) == pytest.approx(value)
        assert (model.model.violations(point) == []) == keeps(problem, roots, plan, ("dag", "hop"))
        assert (model.decode(point) == plan).all()
        seen += 1
    assert seen > 2


def test_the_scope_warns_of_the_bound() -> None:
    """Every kind says of which plans its optimum is the best, and that its bound is theirs only."""
    problem, roots = random_problem(1)
    scopes = set()
    for contiguity in get_args(Contiguity):
        model = inexact_model(problem, roots, contiguity=contiguity, distance="hop")
        assert "bound does not hold for all plans" in model.scope
        assert contiguity in model.model.name
        scopes.add(model.scope)
    assert len(scopes) == 4


@pytest.mark.parametrize(
    ("roots", "options", "message"),
    [
        ([0], {}, "not one node for each of 2"),
        ([1, 1], {}, "not one node for each of 2"),
        ([0, 9], {}, "outside 0..8"),
        ([0, 1], {"contiguity": "star"}, "choose none, tree, distance, dag"),
        ([0, 1], {"distance": "air"}, "choose path, hop, euclidean, cost"),
        ([0, 1], {"contiguity": "tree", "distance": "cost"}, "choose path or hop"),
        ([0, 1], {"seats": [1, 0]}, "has its seat at node 1"),
    ],
)
def test_what_does_not_fit_is_refused(roots: list[int], options: dict, message: str) -> None:
    """Roots, kinds and seats are checked before anything is built."""
    problem, _ = random_problem(1)
    seats = options.pop("seats", None)
    if seats is not None:
        problem = replace(problem, rules=DistrictRules(seats=np.array(seats)))
    with pytest.raises(ValueError, match=message):
        inexact_model(problem, np.array(roots), **options)
