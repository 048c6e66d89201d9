"""The first plan of a service system keeps the rules, though the average of fillings does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.synthetic.service_systems import random_system
from shequ.models.formulation import LinearModel
from shequ.models.siting.service_system_model import system_model
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.siting.system.best import Best
from shequ.optimize.siting.system.bounding import Bounding
from shequ.optimize.siting.system.first_plan import FirstPlan, eased
from shequ.optimize.siting.system.packings import SitePackings
from shequ.optimize.siting.system.parts import Parts
from shequ.optimize.siting.system.search import Search
from shequ.optimize.siting.system.short_units import ShortUnits
from shequ.optimize.solvers import solve_model


def search_of(seed: int, **sizes: float) -> Search:
    """Return a search on a generated system, with the plan of today as its average."""
    problem = random_system(seed, **sizes)
    built = system_model(problem)
    parts = Parts(Limits(30.0), "highs", None)
    best, short = Best(problem, None, problem.today()), ShortUnits(problem)
    bounding = Bounding(built, best, parts, short)
    points = np.random.default_rng(seed).random((problem.num_sites, 2))
    return Search(built, built.model, best, parts, short, points, bounding.average, bounding.gaps())


@pytest.mark.parametrize("seed", range(12))
def test_what_is_one_too_many_is_closed(seed: int) -> None:
    """With everything open, rows of facilities alone are broken; afterwards none is."""
    search = search_of(seed)
    built = search.built
    plan = FirstPlan(built, search.split, search.parts, search.points, search.average)
    model, opening = built.model, built.columns.opening
    plan.values[:] = 0.0
    plan.values[opening] = 1.0
    rows = sparse.csr_array(model.rows)
    is_other = np.ones(model.num_columns, dtype=bool)
    is_other[opening] = False
    alone = (abs(rows) @ is_other.astype(float) == 0) & np.isfinite(model.row_upper)

    def broken() -> int:
        return int((rows @ plan.values > model.row_upper + 1e-6)[alone].sum())

    assert broken() > 0
    plan.close_surplus()
    assert broken() == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_first_plan_fits_though_the_average_does_not(seed: int) -> None:
    """Where nearly all is certain to be open, and as large as can be, the plan still fits."""
    search = search_of(seed)
    problem, columns = search.built.problem, search.built.columns
    today = problem.evaluate(problem.today())
    sized = columns.area >= 0
    search.average[columns.opening] = np.random.default_rng(seed).uniform(0.9, 1.0, sized.size)
    search.average[columns.area[sized]] = problem.facilities.most_m2[sized]
    search.values = search.average.copy()
    assert problem.violations(search.built.plan(search.values))
    search.start(SitePackings(problem))
    plan = search.built.plan(search.values)
    assert not problem.violations(plan)
    assert problem.evaluate(plan) == pytest.approx(search.best.objective)
    assert search.best.objective < today


@pytest.mark.parametrize("seed", range(6))
def test_what_is_undecided_agrees_with_what_is_certain(seed: int) -> None:
    """From an average that misses rows, with some facilities held, no row is missed any more."""
    search = search_of(seed, num_sites=12, num_units=16, num_communities=4)
    columns, model = search.built.columns, search.model
    is_open = np.random.default_rng(seed).uniform(0.1, 0.9, columns.opening.size)
    search.average[columns.opening] = is_open
    plan = FirstPlan(search.built, search.split, search.parts, search.points, search.average)
    held = columns.opening[(is_open < 0.3) & ~search.built.problem.facilities.is_kept]
    plan.values[held] = 0.0
    assert model.violations(plan.values)
    plan._agree(held)
    linear = replace(model, integer=np.zeros(model.num_columns, dtype=bool))
    assert not linear.violations(plan.values)
    assert (plan.values[held] == 0.0).all()


def test_a_row_that_others_break_is_missed_by_a_cluster_of_one_site() -> None:
    """Beside others that break a row, one site has no solution unless the row may be missed."""
    tried = 0
    for seed in range(10):
        search = search_of(seed, num_sites=12, num_units=16, num_communities=2)
        plan = FirstPlan(search.built, search.split, search.parts, search.points, search.average)
        plan.values[search.built.columns.opening] = 1.0
        model, site = search.model, search.split.region
        for last in range(12):
            others = np.where(site == last, 0.0, plan.values)
            follows = sparse.csr_array(abs(model.rows)[:, site < 0]).sum(axis=1) > 0
            met = sparse.csr_array(abs(model.rows)[:, site == last]).sum(axis=1) > 0
            if not (met & ~follows & (model.rows @ others > model.row_upper + 0.5)).any():
                continue
            kept = plan._part(site == last, misses=False).program
            assert solve_model(kept).status is Status.INFEASIBLE
            assert solve_model(plan._part(site == last, misses=True).program).solution is not None
            tried += 1
    assert tried


@pytest.mark.parametrize("seed", range(8))
def test_what_a_plan_lacks_is_known_to_the_model_at_once(seed: int) -> None:
    """Judged again and again, a plan counts in the model what it counts on its own."""
    search = search_of(seed, num_sites=12, num_units=40, num_communities=4)
    problem, columns = search.built.problem, search.built.columns
    search.start(SitePackings(problem))
    closing = np.random.default_rng(seed).random(columns.opening.size) < 0.5
    search.values[columns.opening[closing & ~problem.facilities.is_kept]] = 0.0
    search.values[columns.area[(columns.area >= 0) & (search.values[columns.opening] == 0)]] = 0.0
    search.values[columns.unserved] = 0.0
    search._settle()
    before = search.model.num_rows
    for _ in range(20):
        search._refresh()
    plan = search.built.plan(search.values)
    assert search.model.evaluate(search.values) == pytest.approx(problem.evaluate(plan), rel=1e-3)
    assert search.model.num_rows > before


def test_only_rows_that_join_sites_are_missed() -> None:
    """A row that joins sites is missed by what it must, one inside a site is kept."""
    program = LinearModel(
        costs=np.array([1.0, 2.0]),
        lower=np.zeros(2),
        upper=np.ones(2),
        integer=np.array([True, False]),
        rows=sparse.csr_array(np.array([[1.0, 1.0], [1.0, 0.0]])),
        row_lower=np.array([-np.inf, 1.0]),
        row_upper=np.array([-0.25, np.inf]),
    )
    assert solve_model(program).status is Status.INFEASIBLE
    found = solve_model(eased(program, np.array([True, False])))
    assert found.solution is not None
    assert found.solution == pytest.approx([1.0, 0.0, 1.25])
    inside = solve_model(eased(program, np.array([False, False])))
    assert inside.status is Status.INFEASIBLE
