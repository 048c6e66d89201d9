"""Splits by border or cut edges among nearly as compact ones; contiguity; bridges and cuts."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.city import City, build_city, read_city
from shequ.instances.edge_changes import EdgeChange
from shequ.instances.policy import Policy
from shequ.models.districting.enumeration import all_plans
from shequ.models.formulation import IntArray
from shequ.optimize.planning.alternatives import make_alternatives
from shequ.optimize.planning.community import SplitTask
from shequ.optimize.planning.plan import Plan
from shequ.optimize.planning.shortfall import InfeasibleError
from shequ.optimize.planning.split_goals import with_bound
from shequ.optimize.planning.stages import make_plan
from shequ.optimize.progress import Listener, Progress, silent
from shequ.optimize.result import Reason, Result, Status
from shequ.outputs.assemble import plan_layers
from shequ.outputs.files import write_plan
from shequ.outputs.layers import PlanFiles
from shequ.outputs.report import render_report
from shequ.outputs.verify import verify_layers, verify_plan

CRS = "EPSG:4549"
WEST, SOUTH, SIDE = 500_000.0, 3_460_000.0, 200.0
MEASURES = ("border", "cut-edges")


def blocks(columns: int, rows: int, residents: list[int]) -> gpd.GeoDataFrame:
    """Return the units of one community: a grid whose rows grow in height to the north."""
    heights = np.r_[0, np.cumsum(SIDE + 60 * np.arange(rows))]
    places = [(x, y) for y in range(rows) for x in range(columns)]
    shapes = [
        shapely.box(
            WEST + x * SIDE, SOUTH + heights[y], WEST + (x + 1) * SIDE, SOUTH + heights[y + 1]
        )
        for x, y in places
    ]
    table = {
        "unit_id": [f"U{place}" for place in range(len(places))],
        "residents": residents,
        "households": [count // 3 for count in residents],
        "community_id": "C1",
    }
    return gpd.GeoDataFrame(table, geometry=shapes, crs=CRS)


def river(*places: tuple[float, float], crossable: bool = False) -> gpd.GeoDataFrame:
    """Return one barrier through places given in metres from the corner of the grid."""
    line = shapely.LineString([(WEST + x, SOUTH + y) for x, y in places])
    return gpd.GeoDataFrame({"kind": ["river"], "crossable": [crossable]}, geometry=[line], crs=CRS)


def city_of(
    policy: Policy, changes: tuple[EdgeChange, ...] = (), **layers: gpd.GeoDataFrame
) -> City:
    """Return a city of these layers, without stations."""
    return build_city(layers, policy, need_sites=False, edge_changes=changes)


def split_of(
    city: City,
    policy: Policy,
    *,
    relax: bool = True,
    resume: Path | None = None,
    listen: Listener = silent,
) -> Plan:
    """Split a city and leave its stations."""
    return make_plan(city, policy, stages=("split",), relax=relax, resume=resume, listen=listen)


def failed(layers: PlanFiles) -> set[str]:
    """Names of the checks that find something."""
    return {check.name for check in verify_layers(layers).checks if not check.ok}


@pytest.fixture(scope="module", params=MEASURES)
def policy(request: pytest.FixtureRequest) -> Policy:
    """Return a policy with another objective than the moment of inertia."""
    return Policy().with_values(
        {
            "split.objective": request.param,
            "split.compactness_slack": 0.3,
            "split.tolerance": 0.12,
        }
    )


@pytest.fixture(scope="module")
def grid_plan(policy: Policy) -> Plan:
    """Return the split of a grid of 12 units with an arterial through it."""
    rng = np.random.default_rng(3)
    units = blocks(4, 3, rng.integers(1_200, 2_600, 12).tolist())
    arterial = river((SIDE, -50), (SIDE, 1_000), crossable=True)
    return split_of(city_of(policy, units=units, barriers=arterial), policy)


def test_the_split_is_the_best_of_all_that_are_nearly_as_compact(
    grid_plan: Plan, policy: Policy
) -> None:
    """Enumeration of all plans gives the same least inertia, limit and least objective."""
    (split,) = grid_plan.splits
    task = SplitTask(
        grid_plan.city, policy, grid_plan.before, split.row, False, None, None, silent, 0, 1
    )
    problem = task.problem(split.districts, split.tolerance)
    plans = all_plans(problem)
    inertia = np.array([problem.evaluate(plan) for plan in plans])
    costs = np.ones(len(problem.edges))
    if policy.split.objective == "border":
        costs = task.region.weighted_lengths(problem)
    values = np.array([costs[problem.is_cut(plan)].sum() for plan in plans])
    kept = split.compactness
    assert kept is not None
    assert kept.best.objective == pytest.approx(inertia.min())
    assert kept.limit == pytest.approx(1.3 * inertia.min())
    near = inertia <= kept.limit * (1 + 1e-9)
    assert split.result.objective == pytest.approx(values[near].min())
    assert values[near].min() > values.min() or near.sum() < len(plans)
    assert split.is_proven
    assert split.result.bound == pytest.approx(values[near].min())
    assert kept.inertia == pytest.approx(problem.evaluate(np.asarray(split.result.solution)))


def test_the_verification_recomputes_objective_and_compactness(grid_plan: Plan) -> None:
    """The layers agree with the record; each figure that is changed is found."""
    layers = plan_layers(grid_plan)
    assert failed(layers) == set()
    paths: list[tuple[str, ...]] = [
        ("objective",),
        ("compactness", "inertia"),
        ("compactness", "limit"),
        ("compactness", "slack"),
        ("compactness", "best", "objective"),
    ]
    for path in paths:
        record = copy.deepcopy(layers.record)
        holder = record["split"][0]
        for key in path[:-1]:
            holder = holder[key]
        holder[path[-1]] *= 1.01
        assert failed(replace(layers, record=record)) == {"proofs"}, path
    record = copy.deepcopy(layers.record)
    record["split"][0]["compactness"] = None
    assert failed(replace(layers, record=record)) == {"proofs"}
    record["policy"]["split"]["objective"] = "moment-of-inertia"
    assert "split" in failed(replace(layers, record=record))


def test_a_split_above_its_limit_is_found(grid_plan: Plan) -> None:
    """A limit below the moment of inertia of the layers is found, though all figures agree."""
    layers = plan_layers(grid_plan)
    record = copy.deepcopy(layers.record)
    kept = record["split"][0]["compactness"]
    best = kept["inertia"] / (1 + kept["slack"]) * 0.99
    kept["best"] |= {"objective": best, "bound": best, "gap": 0.0}
    kept["limit"] = best * (1 + kept["slack"])
    assert failed(replace(layers, record=record)) == {"proofs"}


def test_the_report_says_what_was_minimised_in_both_languages(grid_plan: Plan) -> None:
    """The introduction names the last step, and each split its moment of inertia and limit."""
    page = render_report(plan_layers(grid_plan))
    for text in ("this last step", "the most compact division has", "最后一步", "最紧凑的划分为"):
        assert text in page


def test_splits_by_levels_are_resumed(grid_plan: Plan, policy: Policy, tmp_path: Path) -> None:
    """A finished split comes back from the file with its compactness, and is not solved again."""
    file = tmp_path / "resume.json"
    first = split_of(grid_plan.city, policy, resume=file)
    solved: list[str] = []

    def heard(progress: Progress) -> None:
        if progress.stage == "split" and not progress.text:
            solved.append(progress.item)

    again = split_of(grid_plan.city, policy, resume=file, listen=heard)
    assert solved == []
    assert json.dumps(again.splits[0].as_record()) == json.dumps(first.splits[0].as_record())
    assert failed(plan_layers(again)) == set()
    cut = (EdgeChange("U0", "U1", "remove"),)
    split_of(replace(grid_plan.city, edge_changes=cut), policy, resume=file, listen=heard)
    assert solved


def test_the_default_minimises_the_moment_of_inertia_alone(city_file: Path) -> None:
    """Without a word of the policy a split has one level, whose objective it is."""
    plan = split_of(read_city(city_file), Policy())
    assert {split.objective for split in plan.splits} == {"moment-of-inertia"}
    assert all(split.compactness is None for split in plan.splits)
    assert all(split.result.status is Status.OPTIMAL for split in plan.splits)


def test_a_barrier_draws_the_border() -> None:
    """With a factor of 0 the new border follows a road, and costs nothing."""
    rules = {"split.objective": "border", "split.compactness_slack": 2.0, "split.tolerance": 0.12}
    policy = Policy().with_values(rules)
    units = blocks(4, 3, [1_700] * 12)
    road = river((2 * SIDE, -50), (2 * SIDE, 1_000), crossable=True)
    lengths = {}
    for factor in (0.0, 1.0):
        asked = policy.with_values({"split.barrier_border_factor": factor})
        plan = split_of(city_of(asked, units=units, barriers=road), asked)
        lengths[factor] = plan.splits[0].result.objective
        assert failed(plan_layers(plan)) == set()
    assert lengths == {0.0: pytest.approx(0.0), 1.0: pytest.approx(780.0)}


def test_alternatives_refuse_another_objective(grid_plan: Plan, policy: Policy) -> None:
    """The message names the key and the value that it takes."""
    with pytest.raises(ValueError, match=r"split\.objective is .*set it to 'moment-of-inertia'"):
        make_alternatives(grid_plan.city, policy, number=2)


DIAGONAL = Policy().with_values({"split.max_extra_districts": 0})


def test_units_that_meet_at_a_point_are_neighbours_for_queen_only() -> None:
    """A plan whose district hangs together at a corner exists for queen, and verifies for it."""
    units = blocks(2, 2, [8_000, 5_000, 6_000, 3_000])  # 8 + 3 = 5 + 6
    policy = DIAGONAL.with_values({"split.tolerance": 0.0})
    with pytest.raises(InfeasibleError):
        split_of(city_of(policy, units=units), policy, relax=False)
    queen = policy.with_values({"split.contiguity": "queen"})
    layers = plan_layers(split_of(city_of(queen, units=units), queen, relax=False))
    assert len(layers.districts) == 2
    assert failed(layers) == set()
    record = copy.deepcopy(layers.record)
    record["policy"]["split"]["contiguity"] = "rook"
    assert "contiguity" in failed(replace(layers, record=record))


def test_a_bridge_joins_what_a_river_parts_and_a_cut_parts_neighbours(tmp_path: Path) -> None:
    """With the bridge the split exists; the written plan verifies, and does not without it."""
    units = blocks(4, 1, [2_000, 8_000, 2_000, 8_000])  # 10 + 10: U0 U1 | U2 U3, or ends joined
    stream = river((SIDE, -50), (SIDE, 400))
    policy = DIAGONAL.with_values({"split.tolerance": 0.05})
    with pytest.raises(InfeasibleError):
        split_of(city_of(policy, units=units, barriers=stream), policy, relax=False)
    bridge = (EdgeChange("U1", "U0", "add", place="bridges, row 1"),)
    city = city_of(policy, bridge, units=units, barriers=stream)
    assert not [told for told in city.warnings if "cut off" in str(told)]
    write_plan(plan_layers(split_of(city, policy, relax=False)), tmp_path)
    assert verify_plan(tmp_path).findings == ()
    assert "U1 and U0 were made neighbours" in (tmp_path / "report.html").read_text("utf-8")
    layers = plan_layers(split_of(city, policy))
    record = copy.deepcopy(layers.record)
    record["city"]["edge_changes"] = []
    assert "contiguity" in failed(replace(layers, record=record))
    record["city"]["edge_changes"] = [bridge[0].as_record() | {"unit_a": "U9"}]
    assert "ids" in failed(replace(layers, record=record))
    cut = (*bridge, EdgeChange("U2", "U3", "remove", place="bridges, row 2"))
    with pytest.raises(InfeasibleError):
        split_of(city_of(policy, cut, units=units, barriers=stream), policy, relax=False)


def test_a_length_that_is_given_counts_for_the_border() -> None:
    """The border of a bridge has the length that its change names, and verifies with it."""
    policy = DIAGONAL.with_values({"split.objective": "border", "split.compactness_slack": 5.0})
    units = blocks(4, 1, [5_000] * 4)
    change = (EdgeChange("U1", "U2", "add", 900.0, "bridges, row 1"),)
    plan = split_of(city_of(policy, change, units=units), policy)
    assert plan.splits[0].result.objective == pytest.approx(900.0)
    assert failed(plan_layers(plan)) == set()


def test_a_bound_without_the_limit_joins_a_split_that_is_not_proven() -> None:
    """The larger bound counts, and proves the split where it meets the objective."""
    split = Result[IntArray](Status.FEASIBLE, Reason.TIME, objective=10.0, bound=4.0)
    free = replace(split, objective=9.0, bound=7.0)
    assert with_bound(split, free).bound == 7.0
    assert with_bound(split, replace(free, bound=2.0)).bound == 4.0
    assert with_bound(split, free).status is Status.FEASIBLE
    proven = with_bound(split, replace(free, bound=10.0))
    assert (proven.status, proven.reason, proven.gap) == (Status.OPTIMAL, Reason.PROVEN, 0.0)
