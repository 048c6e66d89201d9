"""Branching on centres, forced on small problems that the engine would solve at the root."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.models.districting.enumeration import all_plans, plan_values
from shequ.models.districting.objective import Objective
from shequ.models.districting.problem import Districting
from shequ.models.districting.rules import DistrictRules
from shequ.optimize.districting.hess import centre_tree
from shequ.optimize.districting.hess.centre_tree import CentreTree
from shequ.optimize.districting.hess.engine import reachable_pairs
from shequ.optimize.districting.hess.lagrangian import Fixing
from shequ.optimize.districting.search import Search
from shequ.optimize.limits import Deadline, Limits


def branched(problem: Districting, plan: np.ndarray) -> Search:
    """Search that knows one plan and then branches, after a short climb at the root."""
    search = Search(
        problem=problem,
        evaluate=problem.evaluate,
        limits=Limits(seconds=60),
        solver="scip",
        stop=None,
        listen=None,
        deadline=Deadline.after(60),
    )
    search.offer(plan)
    fixing = Fixing(problem, np.where(reachable_pairs(problem), -np.inf, np.inf))
    fixing.tighten(search.plan, search.objective, iterations=2)
    CentreTree(search, fixing).run()
    return search


@pytest.mark.parametrize("leaf", [0, 12])
@pytest.mark.parametrize("seated", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_the_worst_plan_leads_to_the_best_one(
    seed: int, leaf: int, monkeypatch: pytest.MonkeyPatch, *, seated: bool
) -> None:
    """From the worst of all plans the tree comes to the optimum of enumeration, with a proof."""
    monkeypatch.setattr(centre_tree, "LEAF_PAIRS", leaf)
    problem, _ = voronoi_districting(11, 3, seed=seed, tolerance=0.4)
    if seated:
        seats = np.array([int(problem.mass.argmax()), -1, -1])
        problem = replace(problem, rules=DistrictRules(seats=seats))
    plans = all_plans(problem)
    values = plan_values(problem, Objective(), plans)
    search = branched(problem, plans[values.argmax()])
    assert search.proven
    assert search.objective == pytest.approx(values.min())
    assert search.bound == pytest.approx(values.min())
    assert search.nodes > 0
