"""The checker of districting solutions: right about right plans, and about every kind of wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.balance import Balance, balance_of
from shequ.instances.district_problem import UnitProblem
from shequ.instances.districting_files import read_unit_graph
from shequ.instances.rule_book import RuleBook
from shequ.instances.unit_graph import Distance, ReadOptions, UnitGraph
from shequ.models.districting.measures import MEASURES
from shequ.optimize.districting.goals.levels import Goal
from shequ.optimize.districting.methods import all_values
from shequ.optimize.districting.request import Request, solve_request
from shequ.optimize.limits import Limits
from shequ.outputs.check_districting import Demanded, check_districting
from shequ.outputs.plain_measures import PlainPlan
from shequ.outputs.solution_file import solution_record

ROOT = Path(__file__).resolve().parents[2]
SHORT = Limits(seconds=6.0)
BOOK = RuleBook(
    locked={"a": 0},
    forbidden={"f": (0,)},
    apart=(("a", "f"),),
    together=(("e", "f"),),
    seats={1: "f"},
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> UnitGraph:
    """Return six units of a state, two by three, with all that any measure or distance needs."""
    names = "abcdef"
    nodes = [
        {
            "geoid": name, "pop": 5 + i, "x": 900.0 * (i % 3), "y": 1300.0 * (i // 3) + 40 * i,
            "lon": 0.01 * (i % 3), "lat": 0.02 * (i // 3), "area_m2": 1e6 + i,
            "ext_perim_m": 900 + i, "community_id": "east" if i % 3 else "west",
        }
        for i, name in enumerate(names)
    ]  # fmt: skip
    pairs = [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]
    edges = [[u, v, 0.1, 100.0 + u + 10 * v] for u, v in pairs]
    record = {"k": 2, "L": 15, "U": 35, "nodes": nodes, "edges": edges}
    path = tmp_path_factory.mktemp("state") / "state.json"
    path.write_text(json.dumps(record), encoding="utf-8")
    return read_unit_graph(path)


def solved(graph: UnitGraph, *goals: str, book: RuleBook | None = None) -> dict[str, Any]:
    """Return the record of a solve by goals, all but the last within 50 % of their best."""
    levels = tuple(Goal(goal, level=i, slack=0.5) for i, goal in enumerate(goals))
    request = Request(graph, book or RuleBook(), Balance(), None, levels, limits=SHORT)
    return json.loads(json.dumps(solution_record(solve_request(request), {})))


@pytest.fixture(scope="module")
def record(state: UnitGraph) -> dict[str, Any]:
    """Return the record of the least moment of inertia in hops."""
    return solved(state, "moment-of-inertia")


def findings(graph: UnitGraph, record: dict[str, Any], **demanded: Any) -> list[str]:  # noqa: ANN401 - fields of Demanded
    """Return what a check finds."""
    return list(check_districting(graph, record, Demanded(**demanded)).findings)


def plans(graph: UnitGraph, k: int = 2) -> Iterator[list[int]]:
    """Yield every assignment without an empty district."""
    for plan in product(range(k), repeat=graph.num_units):
        if len(set(plan)) == k:
            yield list(plan)


@pytest.mark.parametrize("distance", ["metres", "kilometres", "hops", "miles", "euclidean"])
def test_plain_measures_are_those_of_the_models(distance: Distance, state: UnitGraph) -> None:
    """Every measure of every plan is the same in plain Python as in the models."""
    units = UnitProblem(state, RuleBook(), balance_of(state, Balance(), 2), 2, distance)
    mean = float(state.weights.sum()) / 2
    for districts in plans(state):
        plain = PlainPlan(state, RuleBook(), districts, 2, distance, [[mean]] * 2)
        values = all_values(units.problem, units.geography, np.array(districts))
        assert set(values) == set(MEASURES) - {"minutes"}
        own = {name: plain.value(name) for name in values}
        assert own == pytest.approx(dict(values), rel=1e-9), districts


@pytest.mark.parametrize("distance", ["metres", "hops"])
def test_plain_measures_know_groups_and_seats(distance: Distance, state: UnitGraph) -> None:
    """Units that stay together offer one centre, and a seat is the centre of its district."""
    book = RuleBook(together=(("b", "c", "f"),), seats={1: "f"})
    units = UnitProblem(state, book, balance_of(state, Balance(), 2), 2, distance)
    mean = float(state.weights.sum()) / 2
    for nodes in product(range(2), repeat=units.problem.num_nodes):
        by_node = np.array(nodes)
        districts = units.to_units(by_node).tolist()
        if len(set(districts)) < 2 or districts[state.row_of["f"]] != 1:
            continue
        plain = PlainPlan(state, book, districts, 2, distance, [[mean]] * 2)
        values = all_values(units.problem, units.geography, by_node)
        own = {name: plain.value(name) for name in values}
        assert own == pytest.approx(dict(values), rel=1e-9), districts


@pytest.mark.parametrize(
    "goals",
    [("moment-of-inertia",), ("deviation",), ("moment-of-inertia", "border"), ("polsby-popper",)],
)
def test_solutions_of_the_engines_hold(goals: tuple[str, ...], state: UnitGraph) -> None:
    """What the engines write has nothing wrong with it, and is the best of all plans."""
    found = solved(state, *goals)
    assert findings(state, found) == []
    assert found["status"] == "optimal"
    if len(goals) > 1:
        return
    best = np.inf
    for districts in plans(state):
        mean = float(state.weights.sum()) / 2
        plain = PlainPlan(state, RuleBook(), districts, 2, "hops", [[mean]] * 2)
        balanced = all(15 <= plain.totals(d)[0] <= 35 for d in range(2))
        if balanced and all(len(plain.parts(d)) == 1 for d in range(2)):
            best = min(best, plain.value(goals[0]) or 0.0)
    assert found["objective"] == pytest.approx(best)


def test_a_solution_with_rules_holds(state: UnitGraph) -> None:
    """Rules are part of the record, and the plan keeps them."""
    found = solved(state, "moment-of-inertia", book=BOOK)
    assert found["request"]["rules"] == BOOK.as_record()
    assert findings(state, found) == []


def moved(record: dict[str, Any], **districts: object) -> dict[str, Any]:
    """Return the record with other districts of some units."""
    return record | {"assignment": record["assignment"] | districts}


def changed(record: dict[str, Any], part: str, **fields: object) -> dict[str, Any]:
    """Return the record with other fields in a part."""
    return record | {part: record[part] | fields}


def row(record: dict[str, Any], **fields: object) -> dict[str, Any]:
    """Return the record with other fields in the first row of its table."""
    first, *rest = record["districts"]
    return record | {"districts": [first | fields, *rest]}


def torn(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with opposite corners in one district."""
    return record | {"assignment": {"a": 0, "b": 1, "c": 1, "d": 1, "e": 1, "f": 0}}


def extra(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with a unit too many and one too few."""
    left = {unit: district for unit, district in record["assignment"].items() if unit != "a"}
    return record | {"assignment": left | {"z": 0}}


Change = Callable[[dict[str, Any]], dict[str, Any]]
WRONG: dict[str, tuple[Change, str]] = {
    "another file": (lambda r: changed(r, "instance", sha256="0"), "file: the solution was made"),
    "other edges": (lambda r: changed(r, "instance", edges=9), "says 9 edges, the file has 7"),
    "a word of no meaning": (lambda r: r | {"status": "perfect"}, "status 'perfect' is none of"),
    "a reason of no meaning": (lambda r: r | {"reason": "magic"}, "reason 'magic' is none of"),
    "a bound above": (lambda r: r | {"bound": 1e9}, "proof: the bound 1,000,000,000 is above"),
    "a bound below": (lambda r: r | {"bound": 1.0}, "optimal, but the bound 1 is below"),
    "no bound": (lambda r: r | {"bound": None}, "proof: optimal without a bound"),
    "a wrong gap": (lambda r: r | {"gap": 0.5}, "proof: gap 0.5, recomputed 0"),
    "optimal by time": (lambda r: r | {"reason": "time"}, "optimal, but the solve stopped by time"),
    "infeasible with a plan": (lambda r: r | {"status": "infeasible"}, "infeasible with a plan"),
    "a plan without a plan": (lambda r: r | {"assignment": None}, "status optimal without a plan"),
    "units amiss": (extra, "1 units without a district: a"),
    "units too many": (extra, "1 units that the file does not have: z"),
    "no such district": (lambda r: moved(r, a=7), "unit a is in district 7, not in 0 to 1"),
    "half a district": (lambda r: moved(r, a=0.5), "unit a is in district 0.5"),
    "an empty district": (
        lambda r: r | {"assignment": dict.fromkeys("abcdef", 0)}, "district 1 has no unit",
    ),
    "two parts": (torn, "contiguity: district 0 is in 2 parts; cut off: unit"),
    "out of balance": (
        lambda r: r | {"assignment": dict.fromkeys("abcdef", 0) | {"a": 1}},
        "bounds: district 0 has 40 pop, not in [15, 35]",
    ),
    "other bounds": (
        lambda r: changed(r, "instance", lower=[1.0]), "the file says L = 15, the solution 1",
    ),
    "a wrong sum": (lambda r: row(r, pop=1.0), "districts: district 0: pop is 1.0, recomputed"),
    "a centre outside": (lambda r: row(r, centre="nowhere"), "its centre nowhere lies outside it"),
    "a wrong objective": (
        lambda r: r | {"objective": 1.0, "bound": 1.0}, "objective: objective 1.0, recomputed",
    ),
    "a wrong value": (lambda r: changed(r, "values", border=1.0), "values: border 1.0, recomputed"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_every_kind_of_wrong_is_found(name: str, state: UnitGraph, record: dict[str, Any]) -> None:
    """Each change of a right record has a finding that says what is wrong."""
    change, words = WRONG[name]
    assert findings(state, record) == []
    found = findings(state, change(record))
    assert [text for text in found if words in text], found


BROKEN_RULES: dict[str, tuple[dict[str, Any], str]] = {
    "locked": ({"locked": {"a": 1, "b": 0}}, "is locked to district"),
    "forbidden": ({"forbidden": {"a": [0, 1]}}, "which is forbidden for it"),
    "seats": ({"seats": {"0": "a", "1": "b"}}, "is the seat of district"),
    "together": ({"together": [list("abcdef")]}, "are to be together and lie in several"),
    "apart": ({"apart": [list("abc")]}, "are to be apart and both lie in"),
    "own bounds": ({"districts": {"1": {"upper": 16}}}, "not in [15, 16]"),
    "unknown units": ({"locked": {"y": 0}}, "a rule names unit y"),
}


@pytest.mark.parametrize("name", BROKEN_RULES)
def test_every_broken_rule_is_found(name: str, state: UnitGraph, record: dict[str, Any]) -> None:
    """A plan is held to the rules that are demanded of it."""
    rules, words = BROKEN_RULES[name]
    found = findings(state, record, book=RuleBook.from_record(rules, "rules"))
    assert [text for text in found if words in text], found


def test_a_limit_of_an_earlier_level_is_checked(state: UnitGraph) -> None:
    """A plan above the limit that an earlier level left is found."""
    found = solved(state, "moment-of-inertia", "border")
    found["levels"][0]["limit"] = 1.0
    assert [text for text in findings(state, found) if "above its limit 1" in text]


def test_a_record_without_a_field_is_refused(state: UnitGraph, record: dict[str, Any]) -> None:
    """What is missing is named."""
    with pytest.raises(ValueError, match=r"lacks goals, instance\.k\."):
        findings(
            state,
            {key: value for key, value in record.items() if key != "goals"}
            | {"instance": {k: v for k, v in record["instance"].items() if k != "k"}},
        )


def test_borders_of_polygons_are_measured_again(tmp_path: Path) -> None:
    """A plan on a GeoPackage is checked from its geometries."""
    shapes = [shapely.box(x, y, x + 50, y + 50) for x in (0, 50, 100) for y in (0, 50)]
    frame = gpd.GeoDataFrame(
        {"unit_id": list("abcdef"), "residents": 10}, geometry=shapes, crs="EPSG:3826"
    )
    frame.to_file(tmp_path / "city.gpkg", layer="units")
    graph = read_unit_graph(tmp_path / "city.gpkg", ReadOptions())
    request = Request(graph, RuleBook(), Balance(), "3", (Goal("polsby-popper"),), limits=SHORT)
    found = solution_record(solve_request(request), {})
    assert found["values"]["border"] == 200
    assert found["objective"] == pytest.approx(300**2 / (4 * np.pi * 5000))
    assert findings(graph, found) == []


def test_the_checker_knows_nothing_of_the_engines() -> None:
    """Neither the checker nor the plain measures import optimize or the models."""
    for name in ("check_districting.py", "plain_measures.py"):
        text = (ROOT / "outputs" / name).read_text(encoding="utf-8")
        assert "optimize" not in text.replace("optimized", "")
        assert "models" not in text.split('"""', 2)[2]
