"""Plans that start from an earlier one: what is kept, what changes, and that no less could."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from shequ.instances.city import City, read_city, write_city
from shequ.instances.decided_city import apply_decisions
from shequ.instances.decisions import Decision
from shequ.instances.policy import Policy
from shequ.models.siting.station import Siting, StationSiting
from shequ.optimize.limits import Limits, Stop
from shequ.optimize.planning.earlier_plan import EarlierPlan
from shequ.optimize.planning.from_plan import Replanning, replan
from shequ.optimize.planning.kept_stations import EarlierStations, anchored, keep_stations
from shequ.optimize.planning.plan import Plan
from shequ.optimize.planning.stages import make_plan
from shequ.optimize.result import Status
from shequ.optimize.siting.engine import cheapest_siting, most_served
from shequ.outputs.assemble import plan_layers
from shequ.outputs.files import write_plan
from shequ.outputs.layers import PlanFiles
from shequ.outputs.plan_changes import changes_text, plan_changes, read_earlier
from shequ.outputs.verify import verify_layers

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def city(city_file: Path) -> City:
    """Return the synthetic city as read."""
    return read_city(city_file, Policy())


@pytest.fixture(scope="module")
def folder(city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a plan."""
    path = tmp_path_factory.mktemp("earlier") / "plan"
    write_plan(plan_layers(make_plan(city, Policy())), path)
    return path


@pytest.fixture(scope="module")
def earlier(folder: Path) -> tuple[EarlierPlan, PlanFiles]:
    """Return the plan as read back."""
    return read_earlier(folder)


def again(
    city: City, earlier: tuple[EarlierPlan, PlanFiles], policy: Policy | None = None, **how: float
) -> tuple[Plan, Replanning, PlanFiles, pd.DataFrame]:
    """Plan again from an earlier plan; check the files; return what changed too."""
    plan, done = replan(city, policy or Policy(), earlier[0], **how)  # type: ignore[arg-type]
    files = plan_layers(plan)
    files = replace(files, record={**files.record, "from_plan": done.as_record()})
    assert verify_layers(files).findings == ()
    table = plan_changes(earlier[1], files)
    assert changes_text(table, earlier[1], files).startswith("changes against plan:")
    return plan, done, files, table


def decided(city: City, *rows: tuple[str, str, str]) -> City:
    """Take decisions given as kind, id and decision."""
    return apply_decisions(city, [Decision(*row, place="test") for row in rows], Policy())


def test_nothing_changes_without_a_reason(
    city: City, earlier: tuple[EarlierPlan, PlanFiles]
) -> None:
    """The same city and rules give the same plan, ids, areas and proofs."""
    plan, done, files, table = again(city, earlier)
    assert table.empty
    assert {split.how for split in done.splits} == {"kept"}
    assert all(split.result.status is Status.OPTIMAL for split in plan.splits)
    assert done.changes is not None
    assert (done.changes.objective, done.changes.status) == (0.0, Status.OPTIMAL)
    columns = ["community_id", "name", "parent_id", "provisional"]
    assert files.districts[columns].equals(earlier[1].districts[columns])


def test_a_forbidden_station_is_replaced_by_the_fewest(
    city: City, earlier: tuple[EarlierPlan, PlanFiles]
) -> None:
    """Only stations change, no more than is proven to be needed, and the others keep their area."""
    sites = earlier[1].facilities
    lost = str(sites.loc[sites["action"] == "opened", "site_id"].iloc[0])
    plan, done, _, table = again(decided(city, ("site", lost, "forbid")), earlier)
    assert set(table["kind"]) == {"station"}
    assert done.changes is not None
    assert done.changes.status is Status.OPTIMAL
    assert (table["change"].isin(["opened", "no longer open"])).sum() == done.changes.objective
    assert lost in set(table.loc[table["change"] == "no longer open", "id"])
    ids = city.sites["site_id"].astype(str)
    before = earlier[0].stations(city)
    same = plan.after.is_open & before.is_open
    assert (plan.after.area_m2[same] >= before.area_m2[same] - 1e-6).all()
    assert done.cheapest is not None
    assert done.cheapest.objective is not None
    assert plan.after.cost.sum() >= done.cheapest.objective - 1e-6
    assert ids[plan.after.is_open & ~before.is_open].isin(table["id"]).all()


def grown(city: City, earlier: tuple[EarlierPlan, PlanFiles], share: float) -> City:
    """Return the city with more people in one district of the earlier plan."""
    communities = earlier[1].units["community_id"].to_numpy()
    district = earlier[1].record["split"][0]["community_id"]
    units = city.units.copy()
    for column in ("residents", "households"):
        more = (units[column] * (1 + share)).astype(int)
        units[column] = units[column].where(communities != district, more)
    return replace(city, units=units)


def test_a_district_that_grew_moves_few_residents(
    city: City, earlier: tuple[EarlierPlan, PlanFiles]
) -> None:
    """Only the community that broke its balance changes; ids stay; the fewest move, proven."""
    _, done, files, table = again(grown(city, earlier, 0.12), earlier)
    hows = [split.how for split in done.splits]
    assert sorted(hows) == ["changed", "kept"]
    changed = next(split for split in done.splits if split.how == "changed")
    assert changed.moved is not None
    assert changed.moved.status is Status.OPTIMAL
    assert any("residents are" in text for text in changed.why)
    moved = table[table["kind"] == "unit"]
    assert moved["residents"].sum() == changed.moved.objective
    parents = files.units.set_index("unit_id").loc[moved["id"], "community_id_before"]
    assert set(parents) == {changed.split.community_id}
    assert set(files.districts["community_id"]) == set(earlier[1].districts["community_id"])
    fresh = plan_changes(
        earlier[1], plan_layers(make_plan(grown(city, earlier, 0.12), Policy(), stages=("split",)))
    )
    mine = fresh[(fresh["kind"] == "unit") & (fresh["change"] == "another community")]
    assert moved["residents"].sum() <= mine["residents"].sum()


def test_a_locked_community_is_whole_again(
    city: City, earlier: tuple[EarlierPlan, PlanFiles]
) -> None:
    """Its districts of the earlier plan vanish, and the record says so."""
    community = str(earlier[1].record["split"][0]["community_id"])
    plan, done, _, table = again(decided(city, ("community", community, "lock")), earlier)
    assert done.whole == (community,)
    assert {s.place_id for s in plan.shortfalls if s.remedy_key == "locked"} == {community}
    gone = table[(table["kind"] == "community") & (table["change"] == "vanished")]
    assert gone["id"].str.startswith(community).all()
    assert len(gone) >= 1


@pytest.mark.parametrize("objective", ["border", "cut-edges"])
def test_another_objective_keeps_what_it_can(
    city: City, earlier: tuple[EarlierPlan, PlanFiles], objective: str
) -> None:
    """Districts that keep every rule stay under another objective, measured by it."""
    policy = Policy().with_values({"split.objective": objective})
    plan, done, _, table = again(city, earlier, policy)
    assert {split.how for split in done.splits} == {"kept"}
    assert not (table["kind"] == "unit").any()
    assert {split.objective for split in plan.splits} == {objective}


def test_the_minutes_of_another_goal_are_told(
    city: City, earlier: tuple[EarlierPlan, PlanFiles]
) -> None:
    """Where the policy wants the longest way least, the record holds the longest way."""
    policy = Policy().with_values({"siting.walking_goal": "largest"})
    plan, _, _, _ = again(city, earlier, policy)
    assert plan.siting is not None
    assert plan.siting.walking is not None
    inside = np.isfinite(plan.after.minutes) & (city.units["residents"] > 0).to_numpy()
    assert plan.siting.walking.objective == pytest.approx(plan.after.minutes[inside].max())


def test_decisions_on_units_hold(city: City, earlier: tuple[EarlierPlan, PlanFiles]) -> None:
    """A unit that is locked to its community comes back to it, with its district divided anew."""
    units = earlier[1].units
    moved = units[units["community_id"] != units["community_id_before"]]
    unit = str(moved.sort_values("residents")["unit_id"].iloc[-1])
    plan, done, _, _ = again(decided(city, ("unit", unit, "lock")), earlier)
    row = int(np.flatnonzero(city.units["unit_id"].astype(str) == unit)[0])
    home = plan.after.communities["community_id"].iloc[plan.after.unit_community[row]]
    assert home == city.units["community_id"].iloc[row]
    assert "changed" in {split.how for split in done.splits}


def test_units_that_the_earlier_plan_did_not_know_join_it(
    city: City, earlier: tuple[EarlierPlan, PlanFiles]
) -> None:
    """A community with a new unit is divided anew, with no other resident moved than needed."""
    split = earlier[1].record["split"][0]["community_id"]
    units = earlier[1].units
    mine = units[units["community_id_before"] == split].sort_values("residents")
    new = str(mine["unit_id"].iloc[len(mine) // 2])
    known = {unit: home for unit, home in earlier[0].unit_community.items() if unit != new}
    parent = {unit: home for unit, home in earlier[0].unit_parent.items() if unit != new}
    start = replace(earlier[0], unit_community=known, unit_parent=parent)
    _, done, _, table = again(city, (start, earlier[1]))
    assert [entry.how for entry in done.splits].count("changed") == 1
    assert table.loc[table["kind"] == "unit", "residents"].sum() <= mine["residents"].max()


def test_a_budget_serves_the_most_first(city: City, earlier: tuple[EarlierPlan, PlanFiles]) -> None:
    """With a budget as many are served as by a plan from scratch, within the budget."""
    plan, done, _, _ = again(city, earlier, budget=4000.0)
    assert plan.siting is not None
    assert plan.siting.served is not None
    assert plan.after.cost.sum() <= 4000 + 1e-6
    best = most_served(plan.siting.problem, budget=4000.0, limits=Limits(30.0))
    assert plan.siting.served.objective == pytest.approx(best.objective, rel=1e-6)
    assert done.changes is not None


def test_a_stopped_run_gives_a_plan_that_keeps_the_rules(
    city: City, earlier: tuple[EarlierPlan, PlanFiles]
) -> None:
    """A request to stop from the start still ends with a plan, which says that it was stopped."""
    stop = Stop()
    stop.request()
    plan, done = replan(city, Policy(), earlier[0], stop=stop)
    assert plan.interrupted
    assert plan.siting is not None
    assert plan.siting.problem.violations(plan.siting.siting) == []
    assert done.changes is not None


def small_siting(seed: int) -> tuple[StationSiting, EarlierStations]:
    """Return a siting with six candidates, and what an earlier plan made of its sites."""
    rng = np.random.default_rng(seed)
    num_sites, num_units = 7, 8
    site_at, unit_at = rng.uniform(0, 20, num_sites), rng.uniform(0, 20, num_units)
    minutes = np.abs(site_at[:, None] - unit_at[None, :]) + 0.5
    existing = np.arange(num_sites) == 0
    households = rng.integers(50, 200, num_units).astype(float)
    of_unit = (unit_at > 10).astype(np.int64)
    problem = StationSiting(
        existing=existing,
        area_today_m2=np.where(existing, 20.0, 0.0),
        min_area_m2=np.full(num_sites, 20.0),
        max_area_m2=np.where(existing, 60.0, rng.integers(80, 300, num_sites)),
        fixed_cost=np.where(existing, 0, rng.integers(5, 40, num_sites)).astype(float),
        cost_per_m2=rng.uniform(0.3, 1.0, num_sites),
        community_of_site=(site_at > 10).astype(np.int64),
        required=np.zeros(num_sites, dtype=bool),
        forbidden=np.arange(num_sites) == 2,
        residents=np.rint(households * 2.6),
        households=households,
        community_of_unit=of_unit,
        must_reach=np.ones(num_units, dtype=bool),
        minutes=sparse.csr_array(np.where(minutes <= 6, minutes, 0.0)),
        target_m2=0.5 * np.bincount(of_unit, households, 2),
    ).attainable()
    was = existing | (rng.random(num_sites) < 0.4)
    return problem, EarlierStations(was, np.where(was, rng.integers(20, 90, num_sites), 0.0))


@pytest.mark.parametrize("seed", range(15))
def test_the_fewest_stations_change_at_the_least_cost(seed: int) -> None:
    """Against every set of open sites: fewest changes, then the least cost with so few."""
    problem, earlier = small_siting(seed)
    found = keep_stations(problem, earlier, limits=Limits(20.0))
    assert found is not None
    asked = anchored(problem, earlier)
    best: dict[int, float] = {}
    free = np.flatnonzero(problem.may_open)
    for choice in itertools.product((False, True), repeat=free.size):
        is_open = problem.fixed_open.copy()
        is_open[free] = choice
        fixed = replace(asked, required=is_open & ~asked.existing, forbidden=~is_open)
        cost = cheapest_siting(fixed, limits=Limits(10.0)).objective
        if cost is not None:
            number = earlier.changes(Siting(is_open, asked.max_area_m2))
            best[number] = min(best.get(number, np.inf), cost)
    assert problem.violations(found.siting) == []
    assert found.changes.status is Status.OPTIMAL
    assert found.changes.objective == min(best)
    grown_today = earlier.area_m2[0] > problem.area_today_m2[0]
    if not grown_today:
        assert found.cost.objective == pytest.approx(best[min(best)], abs=1e-4)
        assert found.cost.status is Status.OPTIMAL


def test_the_command_says_what_changed(
    shequ: Run, city: City, folder: Path, earlier: tuple[EarlierPlan, PlanFiles], tmp_path: Path
) -> None:
    """The command prints the changes, writes them as a table, and verifies the plan."""
    file = write_city(grown(city, earlier, 0.12), tmp_path / "grown.gpkg")
    run = shequ("plan", file, "--from", folder, "-o", tmp_path / "out")
    assert "changes against plan:" in run.stdout
    assert "fewest in each community: proven" in run.stdout
    assert "nothing found" in run.stdout
    table = pd.read_csv(tmp_path / "out" / "changes.csv", dtype=str, encoding="utf-8-sig")
    assert (table["kind"] == "unit").any()
    refused = shequ("plan", file, "--from", tmp_path, "-o", tmp_path / "none", code=1)
    assert "holds no plan.gpkg" in refused.stderr
