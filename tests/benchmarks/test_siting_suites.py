"""The suites of siting: cases with a target load, engines answer them, and checks find faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shequ.benchmarks.ask import Ask
from shequ.benchmarks.cases.siting_growth import SIZES
from shequ.benchmarks.cases.siting_targets import (
    client_stream,
    modular_city,
    random_centres,
    street_cover,
)
from shequ.benchmarks.checks.siting_targets import check_modular, check_stream
from shequ.benchmarks.jobs import Job, Matrix, find_job_parts, plan_jobs
from shequ.benchmarks.methods.siting_engines import FAMILIES, engine
from shequ.benchmarks.registry import Case, Method, Registry, discover
from shequ.benchmarks.suites import suite_named
from shequ.models.siting.modular_floor_area import ModularPlan
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
NOWHERE = Path()


@pytest.fixture(scope="module")
def registry() -> Registry:
    """Return everything that is known."""
    return discover()


def cases_of(registry: Registry, suite: str) -> list[Case]:
    """Return the cases of a suite."""
    tags = suite_named(suite).any_of
    return [case for case in registry.cases.values() if case.tags & tags]


def test_every_case_with_a_target_has_a_limit_and_an_engine(registry: Registry) -> None:
    """The limit is at least the target, and the engine takes the family."""
    cases = cases_of(registry, "siting")
    assert len(cases) > 400
    for case in cases:
        assert case.time_limit is not None, case.name
        assert case.time_limit >= (case.target_seconds or 0), case.name
        assert case.family in FAMILIES, case.name
        assert case.family in registry.checks, case.name


def test_the_targets_that_were_asked_for_are_there(registry: Registry) -> None:
    """Median, centre, capacitated and single source have their seconds."""
    targets = {case.name: case.target_seconds for case in cases_of(registry, "siting")}
    expected = {
        "p-median/pmed40": 2.0, "p-median/rl1304-p500": 8.0, "p-median/rl5934-p500": 600.0,
        "p-median/u1432-p400": None, "p-center/pmed01": 0.2, "p-center/random-1000000-p05": 600.0,
        "single-source/holmberg-p71": 5.0, "capacitated-p-median/sjc4b": 60.0,
        "set-covering/streets-10000x100000": 60.0, "covering-stream/100x20000000-p010": 30.0,
    }  # fmt: skip
    assert {name: targets[name] for name in expected} == expected


@pytest.mark.parametrize(
    "name",
    [
        "p-median/pmed01", "p-center/pr226-p010", "p-median/rl1304-p500", "capacitated/capa-8000",
        "uncapacitated/kcapmo1", "single-source/holmberg-p41", "single-source/yang-p16",
        "single-source/orlib-p17", "single-source/delmaire-p50", "capacitated-p-median/sjc4a",
        "maximal-covering/newyork-r400-p100", "set-covering/scp41",
    ],
)  # fmt: skip
def test_published_cases_have_the_size_that_they_state(name: str, registry: Registry) -> None:
    """Clients and sites of the file are those of the table of cases."""
    case = registry.cases[name]
    if case.missing(DATA):
        pytest.skip(case.missing(DATA))
    problem = case.problem(DATA)
    sizes = {"clients": problem.num_clients, "sites": problem.num_sites}
    assert sizes == dict(case.size)


def test_peers_meet_shequ_on_the_same_points(registry: Registry) -> None:
    """The suite asks shequ, the textbook model and spopt, each on all four sizes."""
    suite = suite_named("siting-peers")
    matrix = Matrix(
        cases=cases_of(registry, "siting-peers"),
        methods=registry.methods_like(suite.methods),
        solvers=suite.solvers,
        reference_every=0,
    )
    jobs, _ = plan_jobs(matrix)
    for method, families in (("shequ", 4), ("textbook", 4), ("spopt", 3), ("spopt-p-center", 1)):
        own = {job.case for job in jobs if job.method == method}
        assert len(own) == families * len(SIZES), method


def test_two_methods_share_a_name_for_different_families(registry: Registry) -> None:
    """The engine of districting and those of siting are both called shequ."""
    job = Job(
        case="p-median/field-0025", method="shequ", solver="", seed=1, repeat=0, time_limit=5.0,
        memory_limit_mib=2000.0, threads=1,
    )  # fmt: skip
    assert "p-median" in find_job_parts(registry, job)[1].families
    other = replace(job, case="districting-inertia/county2010-ID")
    assert "p-median" not in find_job_parts(registry, other)[1].families
    with pytest.raises(ValueError, match="There is no method shequ for city"):
        registry.method_of("shequ", "city")
    with pytest.raises(ValueError, match="There are two methods shequ"):
        registry.add_method(Method(name="shequ", families=frozenset({"p-median"}), run=engine))


def test_a_stream_is_covered_as_its_clients_are() -> None:
    """The engine sees merged clients, the check every single one; both count the same."""
    stream = client_stream(NOWHERE, num_clients=5000, num_sites=12, side=30.0, radius=6.0, p=3)
    answer = engine(stream, Ask(solver="", limits=Limits(seconds=20)))
    assert answer.status is Status.OPTIMAL
    value, broken = check_stream(stream, answer.solution)
    assert (value, broken) == (pytest.approx(answer.objective), [])
    assert check_stream(stream, np.ones(12, dtype=bool))[1] == ["12 sites are open"]


def test_floor_area_in_steps_is_judged_pair_by_pair() -> None:
    """Area, money and shares that break a rule are found."""
    city = modular_city(NOWHERE, num_clients=30, num_sites=4, kind="uniform", budget=0.5)
    answer = engine(city, Ask(solver="", limits=Limits(seconds=20)))
    assert answer.status is Status.OPTIMAL
    value, broken = check_modular(city, answer.solution)
    assert (value, broken) == (pytest.approx(answer.objective), [])
    levels = city.offered.sum(axis=1)
    greedy = ModularPlan(levels, np.full(city.pairs[0].size, 2.0))
    found = " ".join(check_modular(city, greedy)[1])
    assert "more than" in found
    assert "is served to" in found


def test_generated_cases_are_feasible_and_repeat() -> None:
    """Streets cover every client, and the same numbers come again."""
    streets = street_cover(NOWHERE, num_sites=60, num_clients=300)
    assert np.diff(streets.covers.indptr).min() >= 1
    again = street_cover(NOWHERE, num_sites=60, num_clients=300)
    assert (streets.covers != again.covers).nnz == 0
    centre = random_centres(NOWHERE, num_points=50, p=3)
    assert (centre.num_clients, centre.p) == (50, 3)
