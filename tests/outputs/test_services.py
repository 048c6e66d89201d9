"""A plan of several services: made, written, read back, verified, and found out when tampered."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shequ.instances.catalogue import builtin_catalogue
from shequ.instances.city import read_city
from shequ.instances.notes import note
from shequ.instances.policy import Policy
from shequ.optimize.planning.plan import Plan, ServicesAsked
from shequ.optimize.planning.stages import make_plan
from shequ.outputs.assemble import plan_layers
from shequ.outputs.compare.comparison import ComparedPlan, Comparison
from shequ.outputs.compare.facilities import differing_facilities
from shequ.outputs.compare.page import render_comparison
from shequ.outputs.console import summary
from shequ.outputs.files import write_plan
from shequ.outputs.kept import lacks_services
from shequ.outputs.layers import PlanFiles
from shequ.outputs.reading import read_plan
from shequ.outputs.report.mapdata import map_data
from shequ.outputs.report.page import render_report
from shequ.outputs.report.texts import load_texts
from shequ.outputs.service_layers import _unmet_needs
from shequ.outputs.verify import verify_layers, verify_plan

SERVICES = (
    "comprehensive_station",
    "service_point",
    "health_station",
    "health_centre",
    "elderly_daycare",
    "parcel",
    "street_elderly_centre",
)


def made(city_file: Path, *, stages: tuple[str, ...] = ("site",), **values: object) -> Plan:
    """Return a plan of seven services."""
    rules = Policy().with_values(
        {
            "services.seconds": 40.0,
            "services.gap": 0.01,
            **{f"services.{k}": v for k, v in values.items()},
        }
    )
    asked = ServicesAsked(builtin_catalogue(), SERVICES)
    return make_plan(read_city(city_file, rules), rules, stages=stages, services=asked)


@pytest.fixture(scope="module")
def plan(city_file: Path) -> Plan:
    """Make the plan of the default mode."""
    return made(city_file)


@pytest.fixture(scope="module")
def folder(plan: Plan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its folder."""
    path = tmp_path_factory.mktemp("services")
    write_plan(plan_layers(plan), path)
    return path


def test_a_written_plan_of_services_verifies(folder: Path) -> None:
    """Nothing is found in a plan as it was written."""
    found = verify_plan(folder)
    assert found.findings == ()
    assert "services" in [check.name for check in found.checks]


def test_three_levels_share_sites(plan: Plan) -> None:
    """Services of streets, communities and points are there, and some share a building."""
    assert plan.services is not None
    rows, chosen = plan.services.problem.facilities, plan.services.plan
    levels = {plan.services.data.kinds[k].service.level for k in rows.service[chosen.is_open]}
    assert levels == {"point", "community", "street"}
    assert np.bincount(rows.site[chosen.is_open]).max() > 1
    assert plan.services.gap is not None
    assert plan.services.gap <= 0.02


def test_the_summary_and_the_report_tell_the_services(plan: Plan, folder: Path) -> None:
    """Both name every service, in both languages."""
    said = summary(plan_layers(plan).record)
    report = (folder / "report.html").read_text(encoding="utf-8")
    for service in SERVICES:
        assert service in said
        assert builtin_catalogue()[service].name_zh in report
    assert "Cost of the stations" in report


def test_the_report_tells_what_is_left_out_in_both_languages(folder: Path) -> None:
    """A service that cannot be sited is named with the reason, in English and Chinese."""
    files = read_plan(folder)
    record = copy.deepcopy(files.record)
    names = {"en": "primary school", "zh": "小学"}
    told = [
        note("service_without_area", service=names),
        note("service_unknown", count=2, service="x"),
    ]
    record["services"]["notes"] = [one.as_record() for one in told]
    report = render_report(replace(files, record=record))
    part = report.split('<section id="services">')[1].partition("</section>")[0]
    assert "primary school is left out: it has no min_area_m2 in the catalogue." in part
    assert "小学未参与布局：目录中没有其 min_area_m2。" in part
    assert "2 个站点提供目录中没有的服务 x。" in part


def test_what_services_lack_is_no_rule_that_is_kept(folder: Path) -> None:
    """Without shortfalls of stations, neither pages nor summary claim that all is well."""
    files = read_plan(folder)
    record = copy.deepcopy(files.record) | {"shortfalls": []}
    record["services"]["unserved_m2"] = 0.0
    for key in ("over_mandatory", "over_gradual", "communities_below_target"):
        record["figures"]["after"][key] = 0
    for row in record["services"]["services"]:
        row |= {"people_out_of_reach": 0, "places_lacking_one": 0, "places_lacking_area": 0}
    whole = replace(files, record=copy.deepcopy(record))
    assert not lacks_services(whole.record)
    assert "keeps every rule of the policy" in render_report(whole)
    record["services"]["services"][0]["people_out_of_reach"] = 12
    lacking = replace(files, record=record)
    assert lacks_services(record)
    report = render_report(lacking)
    assert "Some people or places lack a service" in report
    assert "keeps every rule of the policy" not in report
    assert "every rule is kept in every community" not in report
    assert summary(record).endswith("every rule on communities and stations is met")
    table = None if files.services is None else pd.DataFrame(files.services)
    plans = [ComparedPlan(name, one, table) for name, one in (("A", whole), ("B", lacking))]
    page = render_comparison(Comparison(tuple(plans)))
    assert "Stations cost" in page
    assert "but lacks some services" in page
    assert "Cost of the stations per resident" in page


def test_the_map_marks_the_places_that_lack_a_service(folder: Path) -> None:
    """One mark a place, with all that it lacks in both languages; none for stations alone."""
    files = read_plan(folder)
    assert files.service_gaps is not None
    texts = load_texts()
    marks = map_data(files, texts)["gaps"]
    gaps = files.service_gaps
    assert len(marks["id"]) == len(gaps.groupby(["place_kind", "place_id"]))
    short = gaps.loc[gaps["rule"] == "reach", "short"].sum()
    assert sum(marks["people"]) == pytest.approx(short, abs=len(marks["id"]))
    row = gaps[gaps["rule"] == "reach"].sort_values("short").iloc[-1]
    lines = marks["lines"][marks["id"].index(row["place_id"])]
    service = builtin_catalogue()[row["service"]]
    assert any(service.name_zh in line and f"{row['short']:,.0f}" in line for line in lines["zh"])
    assert any(line.endswith("people out of reach") for line in lines["en"])
    assert 'data-layer="gaps"' in (folder / "report.html").read_text(encoding="utf-8")
    alone = replace(files, service_gaps=None, services=None)
    assert map_data(alone, texts)["gaps"]["id"] == []


@pytest.mark.slow
def test_marks_are_switched_on_and_tell_what_lacks(
    folder: Path, notes: Callable[[str, str], dict[str, str]]
) -> None:
    """The layer is off at first; a mark tells its place's lacks, and a click selects the place."""
    script = """
    const group = document.querySelector("svg[data-side=after] .gaps");
    note("before", group.style.display);
    document.querySelector('[type=checkbox][data-layer="gaps"]').click();
    note("after", group.style.display);
    const mark = group.querySelector("path"), box = mark.getBoundingClientRect();
    const at = { bubbles: true, clientX: box.left + 3, clientY: box.top + 3 };
    mark.dispatchEvent(new PointerEvent("pointermove", at));
    note("tip", document.getElementById("tip").textContent.replace(/"/g, ""));
    mark.dispatchEvent(new MouseEvent("click", at));
    note("legend", document.getElementById("legend").textContent);
    """
    files = read_plan(folder)
    marks = map_data(files, load_texts())["gaps"]
    noted = notes(render_report(files), script)
    assert (noted["before"], noted["after"]) == ("none", "")
    assert noted["tip"] == "".join(marks["lines"][0]["en"])
    assert noted["selected"] == marks["id"][0]
    assert "lacks a service" in noted["legend"]


def test_facilities_that_plans_treat_differently_are_listed(folder: Path) -> None:
    """A facility that only one plan has, and one that is larger, stand on the page; no others."""
    files = read_plan(folder)
    assert files.services is not None
    table = pd.DataFrame(files.services)
    other = table.drop(index=table.index[_open(files.services, "parcel")]).copy()
    row = _open(files.services, "comprehensive_station")
    gone = table.iloc[_open(files.services, "parcel")]
    other.loc[table.index[row], "floor_area_m2"] += 40.0
    plans = [ComparedPlan("A", files, table), ComparedPlan("B", files, other)]
    found = differing_facilities(Comparison(tuple(plans))).set_index(["site_id", "kind"])
    assert set(found.index) == {
        (gone["site_id"], "parcel"),
        (table["site_id"].iloc[row], "comprehensive_station"),
    }
    assert found.loc[(gone["site_id"], "parcel"), "action_1"] == "none"
    assert "Facilities that differ" in render_comparison(Comparison(tuple(plans)))
    same = Comparison((plans[0], replace(plans[0], name="B")))
    assert "Facilities that differ" not in render_comparison(same)
    alone = Comparison((plans[0], ComparedPlan("B", files, None)))
    assert differing_facilities(alone).empty


def test_layers_of_services_have_styles(folder: Path) -> None:
    """QGIS shows every layer of a plan of services in a style of its own."""
    styles = pyogrio.read_dataframe(folder / "plan.gpkg", layer="layer_styles")
    assert set(styles["f_table_name"]) >= {"services", "assignments"}


def test_gaps_lie_where_their_place_is(plan: Plan) -> None:
    """A street may have the id of a community, and a site that must open has its own place."""
    services = plan.services
    assert services is not None
    places, needs = services.data.places, services.problem.needs
    home = str(places.communities["community_id"].iloc[0])
    site = str(plan.city.sites["site_id"].iloc[0])
    asked = (f"community {home}", f"street {home}", f"site {site}")
    communities = places.communities.assign(street_id=home)
    lacks = replace(services.lacks, number=np.ones(3, dtype=np.int64), area_m2=np.zeros(3))
    short = SimpleNamespace(
        problem=SimpleNamespace(
            needs=SimpleNamespace(
                names=asked, area_m2=np.zeros(3), least=np.ones(3), service=needs.service[:3]
            )
        ),
        lacks=lacks,
        data=replace(services.data, places=replace(places, communities=communities)),
    )
    ids = communities["community_id"].astype(str).to_list()
    centres = np.array(shapely.points(np.arange(len(ids)), 0.0), dtype=object)
    community, street, own = (row["geometry"] for row in _unmet_needs(plan, short, ids, centres))
    assert community == centres[0]
    assert street.x == pytest.approx((len(ids) - 1) / 2)
    assert own == plan.city.sites.geometry.iloc[0]


@pytest.mark.parametrize("mode", ["one", "centre", "shared"])
def test_every_mode_gives_a_plan_that_verifies(city_file: Path, mode: str) -> None:
    """The modes of stations are kept, and each is checked from its layers."""
    plan = made(city_file, mode=mode)
    layers = plan_layers(plan)
    assert verify_layers(layers).findings == ()
    assert plan.services is not None
    assert layers.services is not None
    stations = layers.services[
        (layers.services["service"] == "comprehensive_station")
        & (layers.services["action"] != "closed")
    ]
    new = stations[stations["floor_area_before_m2"] == 0]
    if mode == "one":
        assert (new.groupby("community_id").size() <= 1).all()
        assert (new["floor_area_m2"] >= 800 - 1e-6).all()
    if mode == "centre":
        assert stations["kind"].str.endswith(":centre").sum() == 1
    if mode == "shared":
        served = plan.services.plan.attached
        assert (served >= 0).any()
        assert np.bincount(served[served >= 0]).max() <= 3


def test_what_stands_today_may_be_given_up(city_file: Path) -> None:
    """Without keeping, the plan is no dearer, and it still verifies."""
    keeps, gives_up = made(city_file), made(city_file, keep_existing=False)
    assert verify_layers(plan_layers(gives_up)).findings == ()
    assert keeps.services is not None
    assert gives_up.services is not None
    most = keeps.services.result.objective or 0.0
    assert (gives_up.services.result.bound or 0.0) <= most + 1e-6


def test_a_street_spends_no_more_than_it_has(city_file: Path) -> None:
    """A budget holds, and what it cannot pay for is listed."""
    street = str(read_city(city_file).communities["street_id"].iloc[0])
    plan = made(city_file, budget_of_street=[f"{street}=3000"])
    assert plan.services is not None
    spending = {row["street_id"]: row for row in plan.services.spending()}
    assert spending[street]["spent"] <= 3000.01
    assert plan.services.lacks.price(plan.services.problem.prices) > 0
    assert verify_layers(plan_layers(plan)).findings == ()


Tamper = Callable[[PlanFiles], PlanFiles]


def layer(name: str, change: Callable[[gpd.GeoDataFrame], gpd.GeoDataFrame]) -> Tamper:
    """Return a tampering with a layer."""
    return lambda files: replace(files, **{name: change(getattr(files, name).copy())})


def entry(*keys: str, value: Callable[[Any], Any]) -> Tamper:
    """Return a tampering with a number of the record."""

    def tamper(files: PlanFiles) -> PlanFiles:
        record = dict(files.record)
        place = record
        for key in keys[:-1]:
            place[key] = dict(place[key])
            place = place[key]
        place[keys[-1]] = value(place[keys[-1]])
        return replace(files, record=record)

    return tamper


def _with(frame: gpd.GeoDataFrame, column: str, row: int, value: object) -> gpd.GeoDataFrame:
    frame.loc[frame.index[row], column] = value
    return frame


def _open(frame: gpd.GeoDataFrame, service: str) -> int:
    """Return the first new facility of a service."""
    return int(np.flatnonzero((frame["service"] == service) & (frame["action"] == "opened"))[0])


TAMPERINGS: dict[str, Tamper] = {
    "is the least": layer(
        "services", lambda f: _with(f, "floor_area_m2", _open(f, "health_station"), 1.0)
    ),
    "does not fit its floor area": layer(
        "services", lambda f: _with(f, "action", _open(f, "parcel"), "extended")
    ),
    "m from its site": layer(
        "services", lambda f: f.set_geometry(f.geometry.translate(3.0, 0.0), crs=f.crs)
    ),
    "people are out of reach": layer("services", lambda f: f[f["service"] != "parcel"]),
    "has none and is not listed": layer(
        "services", lambda f: f[f["service"] != "street_elderly_centre"]
    ),
    "the services cost": layer("services", lambda f: _with(f, "cost", 0, f["cost"].iloc[0] + 5)),
    "floor areas tell a cost": entry("services", "cost", value=lambda cost: cost + 5),
    "cost and lacks make": entry(
        "services", "proof", "objective", value=lambda objective: objective - 50
    ),
    "is above the objective": entry("services", "proof", "bound", value=lambda bound: bound * 2),
    "is assigned beyond": layer("assignments", lambda f: _with(f, "minutes", 0, 99.0)),
    "its assigned walk is wrong": layer(
        "assignments", lambda f: _with(f, "minutes", 0, f["minutes"].iloc[0] * 0.5 + 0.1)
    ),
    "is given": layer(
        "assignments", lambda f: _with(f, "floor_area_m2", 0, f["floor_area_m2"].iloc[0] + 1)
    ),
    "do not both tell services": entry("services", value=lambda _: None),
}


@pytest.mark.parametrize("words", TAMPERINGS)
def test_tampering_with_services_is_found(folder: Path, words: str) -> None:
    """Each change is told in its own words."""
    files = TAMPERINGS[words](read_plan(folder))
    assert any(words in text for text in verify_layers(files).findings)
