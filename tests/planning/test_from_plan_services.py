"""Plans of services that start from an earlier one: what is kept, what changes, what is said."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from shequ.cli import main
from shequ.instances.catalogue import builtin_catalogue
from shequ.instances.city import City, read_city, write_city
from shequ.instances.decided_city import apply_decisions
from shequ.instances.decisions import Decision
from shequ.instances.policy import Policy
from shequ.instances.synthetic import generate_city
from shequ.optimize.planning.earlier_plan import EarlierPlan
from shequ.optimize.planning.from_plan import replan
from shequ.optimize.planning.plan import Plan, ServicesAsked
from shequ.optimize.planning.stages import make_plan
from shequ.outputs.assemble import plan_layers
from shequ.outputs.files import write_plan
from shequ.outputs.layers import PlanFiles
from shequ.outputs.plan_changes import changes_text, plan_changes, read_earlier
from shequ.outputs.verify import verify_layers

SERVICES = ("comprehensive_station", "service_point", "health_station", "elderly_daycare", "parcel")
ASKED = ServicesAsked(builtin_catalogue(), SERVICES)
RULES = {"services.seconds": 40.0, "services.gap": 0.002}

Earlier = tuple[EarlierPlan, PlanFiles]


@pytest.fixture(scope="module")
def small_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a small synthetic city, whose plan opens, keeps, converts and extends services."""
    path = tmp_path_factory.mktemp("city") / "small-city.gpkg"
    return write_city(generate_city(residents=30_000, seed=2), path)


@pytest.fixture(scope="module")
def city(small_file: Path) -> City:
    """Return the small city as read."""
    return read_city(small_file, Policy())


def written(city: City, folder: Path, policy: Policy, asked: ServicesAsked | None) -> Path:
    """Write a plan from scratch."""
    write_plan(plan_layers(make_plan(city, policy, services=asked)), folder)
    return folder


@pytest.fixture(scope="module")
def folder(city: City, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a plan of five services."""
    path = tmp_path_factory.mktemp("earlier") / "plan"
    return written(city, path, Policy().with_values(RULES), ASKED)


@pytest.fixture(scope="module")
def earlier(folder: Path) -> Earlier:
    """Return the plan as read back."""
    return read_earlier(folder)


def again(
    city: City, earlier: Earlier, asked: ServicesAsked = ASKED, **values: object
) -> tuple[Plan, pd.DataFrame, str]:
    """Plan again from an earlier plan; check the files; return what changed, and how it is told."""
    policy = Policy().with_values(RULES | values)
    plan, done = replan(city, policy, earlier[0], services=asked)
    files = plan_layers(plan)
    files = replace(files, record={**files.record, "from_plan": done.as_record()})
    assert verify_layers(files).findings == ()
    table = plan_changes(earlier[1], files)
    return plan, table, changes_text(table, earlier[1], files)


def changed(plan: Plan) -> int:
    """Count the facilities whose state counts as changed."""
    assert plan.services is not None
    against = plan.services.problem.earlier
    assert against is not None
    return int(against.changed(plan.services.plan.is_open).sum())


def test_nothing_changes_without_a_reason(city: City, earlier: Earlier) -> None:
    """The same city and rules give the same plan, with the bound that it had."""
    assert earlier[1].services is not None
    kinds = {"opened", "kept", "converted", "extended"}
    assert kinds <= set(earlier[1].services["action"])
    plan, table, told = again(city, earlier)
    assert table.empty
    assert "services: none (file, rules and decisions are the same)" in told
    assert plan.services is not None
    proof = earlier[1].record["services"]["proof"]
    assert plan.services.result.objective == pytest.approx(proof["objective"])
    assert plan.services.result.bound == pytest.approx(proof["bound"])


def test_a_plan_that_was_not_good_enough_is_solved_again(city: City, earlier: Earlier) -> None:
    """A gap beyond that of the policy lets no plan stand, even where nothing has changed."""
    record = copy.deepcopy(earlier[1].record)
    record["services"]["proof"]["gap_of_what_can_change"] = 0.5
    plan, table, _ = again(city, (replace(earlier[0], record=record), earlier[1]))
    assert plan.services is not None
    assert plan.services.kept is not None
    assert not plan.services.kept.stands
    assert table.empty


OTHER = {"services.shared_minutes": 14.0}
"""A policy value that matters to nothing here."""


@pytest.fixture(scope="module")
def second(city: City, earlier: Earlier) -> tuple[Plan, pd.DataFrame, str]:
    """Plan again with another policy value."""
    return again(city, earlier, **OTHER)


def test_nothing_changes_where_a_change_changes_nothing(
    second: tuple[Plan, pd.DataFrame, str],
) -> None:
    """With another policy value that matters to nothing here, all is solved again and stays."""
    plan, table, _ = second
    assert plan.services is not None
    assert plan.services.kept is not None
    assert not plan.services.kept.stands
    assert table.empty


def test_a_plan_from_a_plan_can_be_started_from(
    city: City, earlier: Earlier, second: tuple[Plan, pd.DataFrame, str]
) -> None:
    """A plan that counts changes against an earlier one stands too, without a bound of its own."""
    plan, _, _ = second
    start = replace(earlier[0], record=plan_layers(plan).record)
    third, table, _ = again(city, (start, earlier[1]), **OTHER)
    assert table.empty
    assert third.services is not None
    assert third.services.kept is not None
    assert third.services.kept.stands


@pytest.mark.parametrize("how", ["forbidden", "gone"])
def test_a_withdrawn_site_changes_what_it_must(
    city: City, earlier: Earlier, tmp_path: Path, how: str
) -> None:
    """Few facilities change, no more than from scratch; what was there is told with its reason."""
    rows = earlier[1].services
    assert rows is not None
    new = rows[rows["action"] == "opened"]
    site = str(new["site_id"].value_counts().index[0])
    if how == "forbidden":
        now = apply_decisions(city, [Decision("site", site, "forbid", place="test")], Policy())
    else:
        layers = replace(city, sites=city.sites[city.sites["site_id"].astype(str) != site])
        now = read_city(write_city(layers, tmp_path / "less.gpkg"), Policy())
    plan, table, told = again(now, earlier)
    fresh = plan_changes(
        earlier[1],
        plan_layers(make_plan(now, Policy().with_values(RULES), services=ASKED)),
    )
    why = "no longer possible" if how == "forbidden" else "gone from the input"
    lost = table[table["change"] == why]
    assert set(lost["id"]) == {site}
    assert set(lost["service"]) == set(new.loc[new["site_id"] == site, "kind"])
    assert changed(plan) == table["change"].isin(["opened", "no longer open"]).sum()
    assert set(table["kind"]) == {"service"}
    assert 0 < len(table) <= len(fresh)
    assert changed(plan) <= 2 * len(lost)
    assert f"{site}" in told
    assert why in told
    assert "note: " in told


def test_changes_cost_what_the_policy_says(city: City, earlier: Earlier) -> None:
    """At a higher price no more facilities change; the objective counts them, as is written."""
    rows = earlier[1].services
    assert rows is not None
    site = str(rows.loc[rows["action"] == "opened", "site_id"].iloc[0])
    now = apply_decisions(city, [Decision("site", site, "forbid", place="test")], Policy())
    few, *_ = again(now, earlier, **{"services.price_change": 5000.0})
    many, *_ = again(now, earlier, **{"services.price_change": 0.0})
    assert changed(many) == 0  # at no price, no change counts
    assert few.services is not None
    record = few.services.as_record()
    assert record["earlier"]["changes"] == changed(few)
    sums = record["cost"] + record["price_of_lacks"] + record["earlier"]["counted"]
    assert record["proof"]["objective"] == pytest.approx(sums)


def test_services_that_are_not_asked_for_are_left_out(city: City, earlier: Earlier) -> None:
    """They count as no change, and both the note and the table name them."""
    fewer = ServicesAsked(builtin_catalogue(), ("comprehensive_station", "nursery"))
    plan, table, told = again(city, earlier, fewer)
    left = table[table["change"] == "not asked for"]
    assert set(left["service"]) >= {"parcel", "elderly_daycare"}
    assert not left["service"].eq("comprehensive_station").any()
    new = table[table["change"] == "opened, a new service"]
    assert set(new["service"]) == {"nursery"}
    assert list(table["change"].tail(len(left) + len(new))) == [
        *table.loc[table["change"].isin({"not asked for", "opened, a new service"}), "change"]
    ]
    assert "not asked for" in told
    assert "Not asked for this time" in told
    assert plan.services is not None
    assert plan.services.kept is not None
    assert plan.services.kept.kinds == ("comprehensive_station",)


def test_stations_alone_are_facilities_to_start_from(city_file: Path, tmp_path: Path) -> None:
    """From a plan of stations they stay, and services are laid out around them."""
    city = read_city(city_file, Policy())  # of more stations than the small one
    start = read_earlier(written(city, tmp_path / "stations", Policy(), None))
    plan, table, told = again(city, start)
    stations = table[table["service"] == "comprehensive_station"]
    assert len(stations) < len(start[1].facilities) / 2
    assert changed(plan) == stations["change"].isin(["opened", "no longer open"]).sum()
    assert "stations has stations alone" in told
    assert (table["change"] == "opened, a new service").sum() > len(stations)


@pytest.mark.parametrize("mode", ["centre", "shared"])
def test_stations_of_every_mode_are_kept(city: City, tmp_path: Path, mode: str) -> None:
    """Centres stay, and so do stations of several communities with those attached to them."""
    values = {"services.mode": mode, "services.gap": 0.05}
    policy = Policy().with_values(RULES | values)
    start = read_earlier(written(city, tmp_path / "modes", policy, ASKED))
    plan, table, _ = again(city, start, **values)
    assert table.empty
    assert plan.services is not None
    assert plan.services.kept is not None
    assert plan.services.kept.stands
    _, table, _ = again(city, start, **values, **{"services.most_stations": 4})
    assert table.empty


def test_what_was_given_up_stays_given_up(city: City, tmp_path: Path) -> None:
    """Where services of today may close, those that the earlier plan closed stay closed."""
    values = {"services.keep_existing": False}
    policy = Policy().with_values(RULES | values)
    start = read_earlier(written(city, tmp_path / "closing", policy, ASKED))
    _, table, _ = again(city, start, **values, **{"services.shared_minutes": 14.0})
    assert table.empty


def test_less_room_and_money_make_facilities_smaller(city: City, earlier: Earlier) -> None:
    """A site that holds less than it did keeps what it can; a budget that is cut is kept."""
    rows = earlier[1].services
    assert rows is not None
    stations = rows[(rows["kind"] == "comprehensive_station") & (rows["action"] == "opened")]
    site = str(stations.sort_values("floor_area_m2")["site_id"].iloc[-1])
    most = float(rows.loc[rows["site_id"] == site, "floor_area_m2"].sum()) - 100.0
    decision = Decision("site", site, "max_area_m2", value=f"{most}", place="test")
    plan, table, told = again(apply_decisions(city, [decision], Policy()), earlier)
    assert plan.services is not None
    kept = plan.services.plan.area_m2[
        [plan.city.sites["site_id"].iloc[s] == site for s in plan.services.problem.facilities.site]
    ]
    assert kept.sum() <= most + 1e-3
    assert "1 site has too little room" in told
    assert not table.empty
    street = str(earlier[1].record["services"]["spending"][0]["street_id"])
    spent = earlier[1].record["services"]["spending"][0]["spent"]
    poor, _, _ = again(city, earlier, **{"services.budget_of_street": [f"{street}={0.8 * spent}"]})
    assert poor.services is not None
    assert poor.services.problem.cost(poor.services.plan) <= 0.8 * spent + 0.02


def test_a_count_that_was_tampered_with_is_found(city: City, earlier: Earlier) -> None:
    """The verification counts the changes again from what was open."""
    plan, *_ = again(city, earlier)
    files = plan_layers(plan)
    record = copy.deepcopy(files.record)
    record["services"]["earlier"]["was_open"].pop()
    found = verify_layers(replace(files, record=record)).findings
    assert any("changes against the earlier plan count" in text for text in found)


Said = tuple[int | str | None, str, str]


@pytest.fixture
def shequ(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Return a function that runs a command, and returns its exit code and what it says."""

    def run(*words: str | Path) -> Said:
        monkeypatch.setattr(sys, "argv", ["shequ", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


def test_the_command_starts_from_services(
    small_file: Path, folder: Path, tmp_path: Path, shequ: Callable[..., Said]
) -> None:
    """The command prints what changed, writes it as a table, and verifies the plan."""
    code, out, _ = shequ(
        *("plan", small_file, "--services", ",".join(SERVICES), "--from", folder),
        *("--set", "services.gap=0.002", "--set", "services.seconds=40", "-o", tmp_path / "out"),
    )
    assert code in {None, 0}
    assert "services: none" in out
    assert "nothing found" in out
    table = pd.read_csv(tmp_path / "out" / "changes.csv", dtype=str, encoding="utf-8-sig")
    assert table.empty
    assert "service" in table
    code, out, _ = shequ("plan", small_file, "--from", folder, "-o", tmp_path / "stations")
    assert code in {None, 0}
    assert "its other services are left out" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--services", "all", "--from", "nowhere"), "holds no plan.gpkg"),
        (("--services", "all", "--budget", "100"), "set services.budget_of_street"),
        (("--services", "zoo"), "The catalogue has no service zoo"),
        (("--services", ","), "--services names none"),
        (("--catalogue", "own.toml"), "--catalogue is for --services"),
    ],
)
def test_what_cannot_be_started_from_is_refused(
    small_file: Path,
    folder: Path,
    tmp_path: Path,
    shequ: Callable[..., Said],
    words: tuple[str, ...],
    said: str,
) -> None:
    """Folders, budgets and services that cannot be used are told, and nothing is written."""
    start = () if "--from" in words else ("--from", folder)
    code, _, told = shequ("plan", small_file, *words, *start, "-o", tmp_path / "out")
    assert code == 1
    assert said in " ".join(told.split())
    assert not list((tmp_path / "out").glob("*"))
