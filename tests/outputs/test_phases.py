"""Phases of a small city: made, written, checked again, and tampered with."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shequ.cli import app
from shequ.instances.catalogue import load_catalogue
from shequ.instances.city import City, build_city, write_city
from shequ.instances.policy import Policy
from shequ.optimize.planning.circles_of_units import circles_of_units
from shequ.optimize.planning.phase_ground import circle_city, planned_city
from shequ.optimize.planning.phases import PhasePlan, phases_city, proven
from shequ.outputs.phases import phase_files, write_phases
from shequ.outputs.phases_check import check_phases
from shequ.outputs.phases_page import render_page
from typer.testing import CliRunner

RUN = CliRunner()
WEST, SOUTH, CELL = 500_000.0, 3_460_000.0, 300.0
CATALOGUE = """
remove = ["parcel"]

[[service]]
id = "primary_school"
aliases = []

[[service]]
id = "convenience"
min_area_m2 = { value = 60, source = "SHEQU", confidence = "assumed" }
"""
SETTINGS = {
    "walking.detour_factor": 1.0,
    "circles.reach_minutes": 8.0,
    "circles.targets": "[1, 0, 3]",
    "solver.siting_gap": 0.0,
}


def small_city() -> City:
    """Twelve by four square units in four communities; five candidates and a shop."""
    column, row = (part.ravel() for part in np.meshgrid(np.arange(12), np.arange(4)))
    west, south = WEST + CELL * column, SOUTH + CELL * row
    units = gpd.GeoDataFrame(
        {
            "unit_id": [f"u{n:02d}" for n in range(column.size)],
            "residents": 100 + 10 * column,
            "households": 40,
            "community_id": np.array(["C1", "C2", "C3", "C4"], dtype=object)[column // 3],
            "street_id": np.array(["S1", "S2"], dtype=object)[column // 6],
        },
        geometry=shapely.box(west, south, west + CELL, south + CELL),
        crs="EPSG:4547",
    )
    places = [(1.5, 2), (4.5, 2), (7.5, 2), (10.5, 2), (6, 1), (1.5, 1)]
    sites = gpd.GeoDataFrame(
        {
            "site_id": [f"s{n}" for n in range(6)],
            "status": ["candidate"] * 5 + ["existing"],
            "floor_area_m2": [0.0] * 5 + [400.0],
            "max_area_m2": [1000.0, 900.0, 800.0, 700.0, 250.0, 400.0],
            "fixed_cost": [20.0, 30.0, 20.0, 25.0, 10.0, 0.0],
            "cost_per_m2": [0.1] * 6,
            "services": [""] * 5 + ["supermarket"],
        },
        geometry=[shapely.Point(WEST + CELL * x, SOUTH + CELL * y) for x, y in places],
        crs="EPSG:4547",
    )
    return build_city({"units": units, "sites": sites}, name="small")


def rules(**more: object) -> Policy:
    """Return the policy of these tests."""
    return Policy().with_values(
        SETTINGS | {key.replace("__", "."): value for key, value in more.items()}
    )


@pytest.fixture(scope="module")
def catalogue_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Catalogue in which everyday trades have an area."""
    path = tmp_path_factory.mktemp("catalogue") / "own.toml"
    path.write_text(CATALOGUE, encoding="utf-8")
    return path


def make_plan(catalogue_file: Path, policy: Policy | None = None) -> PhasePlan:
    """Three years of the small city."""
    city, policy = small_city(), policy or rules()
    ground = circle_city(city, policy, load_catalogue(catalogue_file))
    return phases_city(city, policy, ground, budgets=[150.0, 120.0, 150.0], seconds=300)


@pytest.fixture(scope="module")
def phased(catalogue_file: Path) -> PhasePlan:
    """Phases of the small city."""
    return make_plan(catalogue_file)


@pytest.fixture(scope="module")
def written(phased: PhasePlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of written phases."""
    folder = tmp_path_factory.mktemp("phases")
    write_phases(phase_files(phased), folder)
    return folder


def test_phases_are_proven_and_keep_the_rules(phased: PhasePlan) -> None:
    """The small city is solved to the end; something is built, and circles appear."""
    assert proven(phased)
    assert phased.problem.violations(phased.years) == []
    assert phased.states.circles[-1] > 0
    assert phased.circles.categories == ("shopping", "medical", "leisure", "domestic")
    assert "education" in str(phased.warnings[0])


def test_the_shop_of_today_counts(phased: PhasePlan) -> None:
    """What exists is there in year 0, free of charge."""
    table = phased.circles.facilities
    existing = table[table["exists"]]
    assert existing["facility_id"].tolist() == ["s5/supermarket"]
    assert existing["cost"].tolist() == [0.0]


def test_facilities_cost_what_site_and_area_say(phased: PhasePlan) -> None:
    """Fixed cost and least area times the cost of each m²; too small sites host nothing."""
    table = phased.circles.facilities.set_index("facility_id")
    assert table.loc["s1/health_station", "cost"] == pytest.approx(30 + 120 * 0.1)
    assert "s4/supermarket" not in table.index
    assert "s4/culture_station" in table.index


def test_written_phases_pass_every_check(written: Path) -> None:
    """The files are whole, and the checks that share nothing with the solver find nothing."""
    found = check_phases(written)
    assert found.findings == ()
    assert len(found.checks) == 9


def test_tables_tell_the_same(written: Path, phased: PhasePlan) -> None:
    """CSV, GeoPackage and record agree on years and circles."""
    years = pd.read_csv(written / "phases.csv", encoding="utf-8-sig")
    assert years["circles"].tolist()[1:] == phased.states.circles.tolist()
    circles = pd.read_csv(written / "circles.csv", encoding="utf-8-sig")
    assert (circles["first_year"].notna()).sum() == phased.states.circles[-1]
    units = pyogrio.read_info(written / "phases.gpkg", layer="units")
    assert dict(zip(units["fields"], units["dtypes"], strict=True))["first_year"] == "int64"
    layer = pyogrio.read_dataframe(written / "phases.gpkg", layer="circles")
    assert len(layer) == 4 * 4
    assert layer.geometry.is_valid.all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE facilities SET year = 1 WHERE year > 1", "spends"),
        ("UPDATE facilities SET cost = cost + 500 WHERE year > 0", "spends"),
        ("UPDATE circles SET recognised = 1 WHERE year = 0", "recognised = True"),
        ("UPDATE units SET residents = residents + 1", "residents are"),
        ("DELETE FROM reach", "has every category from year None"),
        ("UPDATE reach SET minutes = 99", "longer than 8 minutes"),
        ("UPDATE years SET circles = circles + 1", "is said to have"),
        ("UPDATE facilities SET max_area_m2 = 10", "more than its 10.0"),
    ],
)
def test_tampered_layers_are_found(written: Path, tmp_path: Path, change: str, words: str) -> None:
    """Every kind of figure that is changed in the GeoPackage is noticed, beside the file's hash."""
    folder = tmp_path / "copy"
    shutil.copytree(written, folder)
    with sqlite3.connect(folder / "phases.gpkg") as file:
        file.create_function("ST_IsEmpty", 1, lambda _: 0)
        for kind in ("MinX", "MaxX", "MinY", "MaxY"):
            file.create_function(f"ST_{kind}", 1, lambda _: 0.0)
        triggers = file.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            file.execute(f'DROP TRIGGER "{name}"')
        file.execute(change)
    file.close()
    findings = check_phases(folder).findings
    assert any("was changed after it was written" in line for line in findings)
    assert any(words in line for line in findings), findings


def test_a_bound_below_the_objective_is_found(written: Path, tmp_path: Path) -> None:
    """The record may not claim a bound that its own plan beats."""
    folder = tmp_path / "copy"
    shutil.copytree(written, folder)
    record = json.loads((folder / "phases.json").read_text(encoding="utf-8"))
    for step in record["steps"].values():
        step["bound"] = step["objective"] - 500
    (folder / "phases.json").write_text(json.dumps(record), encoding="utf-8")
    assert any("is below the objective" in line for line in check_phases(folder).findings)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_has_a_map_for_every_year(phased: PhasePlan, lang: str) -> None:
    """One drawing for today and each year, both languages, and nothing from the network."""
    page = render_page(phase_files(phased, lang=lang), lang=lang)
    assert page.count("<svg") == 4
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert f'<html lang="{lang}">' in page
    words = (
        "Today",
        "shopping, medical",
        "10,000 yuan",
        "proven best",
        "most residents in circles",
    )
    assert [word for word in words if word not in page] == []
    words = ("现状", "购物、医疗", "万元", "圈内居民最多")
    assert [word for word in words if word not in page] == []


def test_warnings_of_phases_are_chinese_too(phased: PhasePlan) -> None:
    """What was left out is told in the language of the page, with the names of categories."""
    page = render_page(phase_files(phased, lang="zh"), lang="zh")
    part = page.split('<section id="warnings">')[1].partition("</section>")[0]
    assert '<span class="t-zh" lang="zh">教育：没有站点提供此类服务' in part
    assert '<span class="t-en" lang="en">education: no service is offered' in part


@pytest.mark.slow
def test_maps_name_the_circles(phased: PhasePlan, notes: Callable[..., dict[str, str]]) -> None:
    """Every map shows names where there is room, a tooltip names the circle under the pointer."""
    script = """
    const maps = [...document.querySelectorAll("svg.map")];
    const shown = (svg) => [...svg.querySelectorAll(".labels text")]
      .filter((t) => t.style.display !== "none").map((t) => t.textContent);
    note("maps", maps.length);
    note("names", shown(maps[1]).sort().join("|"));
    const box = maps[1].getBoundingClientRect();
    const at = { clientX: box.left + box.width / 4, clientY: box.top + box.height / 2 };
    maps[1].dispatchEvent(new PointerEvent("pointermove", { ...at, bubbles: true }));
    note("tip", document.getElementById("tip").textContent);
    maps[1].dispatchEvent(new MouseEvent("click", { ...at, bubbles: true }));
    note("kept", document.getElementById("selected").textContent);
    document.querySelector("[data-layer=names]").click();
    note("hidden", maps[1].querySelector(".labels").style.display);
    """
    files = phase_files(phased)
    circles = files.circles[files.circles["year"] == 0]
    found = notes(render_page(files), script)
    assert found["maps"] == "4"
    assert found["names"] == "|".join(sorted(map(str, circles["name"])))
    named = [name for name in map(str, circles["name"]) if found["tip"].startswith(name)]
    assert len(named) == 1
    assert found["kept"].startswith(f"Selected: {named[0]}")
    assert found["hidden"] == "none"


def test_columns_need_no_quotes(written: Path) -> None:
    """No layer has a column or a name that SQL keeps for itself."""
    with closing(sqlite3.connect(written / "phases.gpkg")) as file:
        for (layer,) in file.execute("SELECT table_name FROM gpkg_contents").fetchall():
            for _, column, *_ in file.execute(f"PRAGMA table_info({layer})").fetchall():
                file.execute(f"SELECT {column} FROM {layer} WHERE {column} IS NULL")  # noqa: S608


def test_the_first_year_can_come_first(catalogue_file: Path) -> None:
    """In lexicographic order, no plan has more residents in the first year."""
    first = make_plan(catalogue_file, rules(circles__order="first_year_first"))
    last = make_plan(catalogue_file, rules(circles__order="last_year_first"))
    summed = make_plan(catalogue_file)
    assert len(first.steps) == 3
    assert first.states.residents[0] >= summed.states.residents[0]
    assert last.states.residents[2] >= first.states.residents[2]
    assert last.states.residents[2] >= summed.states.residents[2]


def test_without_carrying_over_every_year_has_its_own(catalogue_file: Path) -> None:
    """Money that is left is lost."""
    plan = make_plan(catalogue_file, rules(circles__carry_over="false"))
    assert (plan.states.spent <= plan.problem.budgets + 1e-6).all()
    assert plan.states.carried.tolist() == [0.0, 0.0, 0.0]


def services_of_a_plan() -> pd.DataFrame:
    """Return a layer of services: a kept shop, an opened clinic and hall, one that is closed."""
    return pd.DataFrame(
        {
            "site_id": ["s5", "s0", "s0", "s1", "s2"],
            "service": ["supermarket", "health_station", "culture_station"]
            + ["health_station"] * 2,
            "category": ["shopping", "medical", "leisure", "medical", "medical"],
            "level": "community",
            "action": ["kept", "opened", "opened", "closed", "opened"],
            "floor_area_m2": [400.0, 120.0, 250.0, 0.0, 120.0],
            "cost": [0.0, 32.0, 45.0, 0.0, 40.0],
        }
    )


def test_the_services_of_a_plan_are_put_in_order() -> None:
    """What a plan opens is built within the budgets; what it keeps is there, closed is not."""
    city, policy = small_city(), rules(circles__targets="[]", circles__share=0.3)
    ground = planned_city(city, policy, load_catalogue(None), services_of_a_plan())
    assert ground.facilities["exists"].tolist() == [True, False, False, False]
    plan = phases_city(city, policy, ground, budgets=[45.0, 45.0], seconds=300)
    assert proven(plan)
    assert plan.years[0] == 0
    assert set(plan.years[1:3].tolist()) <= {1, 2}
    assert plan.years[3] == -1
    assert plan.states.residents[1] > 0


def test_a_plan_of_another_city_is_refused() -> None:
    """Sites and columns that are not there are named."""
    services = services_of_a_plan()
    city, catalogue = small_city(), load_catalogue(None)
    with pytest.raises(ValueError, match="lacks category"):
        planned_city(city, rules(), catalogue, services.drop(columns="category"))
    with pytest.raises(ValueError, match="site_id s9"):
        planned_city(city, rules(), catalogue, services.replace({"site_id": {"s0": "s9"}}))
    with pytest.raises(ValueError, match="action: bought not understood"):
        planned_city(city, rules(), catalogue, services.replace({"action": {"closed": "bought"}}))


def test_circles_are_groups_of_a_column() -> None:
    """Streets, or any column; one that there is not is refused."""
    city = small_city()
    circle, table = circles_of_units(city, "street_id")
    assert table["circle_id"].tolist() == ["S1", "S2"]
    assert set(circle.tolist()) == {0, 1}
    with pytest.raises(ValueError, match="--circles block: the layer units has no such column"):
        circles_of_units(city, "block")


def test_categories_nobody_offers_can_be_refused(catalogue_file: Path) -> None:
    """With unknown = refuse, education stops the run."""
    with pytest.raises(ValueError, match=r"circles\.categories: education"):
        circle_city(small_city(), rules(circles__unknown="refuse"), load_catalogue(catalogue_file))
    with pytest.raises(ValueError, match="no service of sport"):
        circle_city(small_city(), rules(circles__categories='["sport"]'), load_catalogue(None))


def test_the_command_from_city_to_page(catalogue_file: Path, tmp_path: Path) -> None:
    """The command writes, verifies and says what it did."""
    city = write_city(small_city(), tmp_path / "small.gpkg")
    folder = tmp_path / "out"
    call = ["phases", str(city), "--budgets", "150,120,150", "-o", str(folder)]
    call += ["--catalogue", str(catalogue_file), "--circles", "street_id", "--share", "0.6"]
    call += [part for key, value in SETTINGS.items() for part in ("--set", f"{key}={value}")]
    done = RUN.invoke(app, call)
    assert done.exit_code == 0, done.output
    assert "verified: 9 checks, nothing found" in done.output
    assert {path.name for path in folder.iterdir()} == {
        "phases.gpkg", "phases.csv", "circles.csv", "phases.json", "phases.html",
    }  # fmt: skip
    record = json.loads((folder / "phases.json").read_text(encoding="utf-8"))
    assert record["circles"]["column"] == "street_id"
    assert record["circles"]["share"] == 0.6


def test_budgets_that_are_none_are_refused(tmp_path: Path) -> None:
    """The message shows how to write them."""
    done = RUN.invoke(app, ["phases", "no.gpkg", "--budgets", "300,,x", "-o", str(tmp_path)])
    assert "nothing is no amount" in str(done.exception)


def test_a_written_plan_is_ordered_by_the_command(
    city_file: Path, folder: Path, tmp_path: Path
) -> None:
    """The plan's services are built within the budgets, for the districts of the plan."""
    copy, out = tmp_path / "plan", tmp_path / "out"
    shutil.copytree(folder, copy)
    call = ["phases", str(city_file), "--plan", str(copy), "--budgets", "200,200", "-o", str(out)]
    assert "has no layer services" in str(RUN.invoke(app, call).exception)
    sites = pyogrio.read_dataframe(copy / "plan.gpkg", layer="facilities")
    services = (
        sites[["site_id", "community_id", "geometry"]]
        .head(4)
        .assign(
            service=["health_station", "health_station", "culture_station", "culture_station"],
            category=["medical", "medical", "leisure", "leisure"],
            level="community",
            role="specialised",
            action=["kept", "opened", "opened", "extended"],
            floor_area_before_m2=0.0,
            floor_area_m2=250.0,
            cost=[0.0, 90.0, 120.0, 10.0],
        )
    )
    pyogrio.write_dataframe(services, copy / "plan.gpkg", layer="services", driver="GPKG")
    done = RUN.invoke(app, [*call, "--share", "0.2"])
    assert done.exit_code == 0, done.output
    facilities = pyogrio.read_dataframe(out / "phases.gpkg", layer="facilities")
    assert facilities[facilities["existing"]]["service"].tolist() == [
        "health_station",
        "culture_station",
    ]
    circles = pd.read_csv(out / "circles.csv", encoding="utf-8-sig", dtype={"circle_id": str})
    districts = pyogrio.read_dataframe(copy / "plan.gpkg", layer="districts")
    assert set(circles["circle_id"]) == set(districts["community_id"].astype(str))
