"""Staff of communities and posts, and spending per resident, of cities and written plans."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shequ.cli import app
from shequ.instances.city import read_city
from shequ.instances.policy import Policy
from shequ.instances.walking import walking_times
from shequ.optimize.planning.staff import StaffPlan, staff_city, staff_plan
from shequ.outputs.staff_spending import plan_spending
from typer.testing import CliRunner

RUN = CliRunner()


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two communities; the second has one unit out of reach of every station."""
    communities = pd.DataFrame(
        {"community_id": ["A", "B"], "name": ["甲", "B"], "residents": [3000, 1000]}
    )
    units = pd.DataFrame(
        {
            "community_id": ["A", "A", "A", "B", "B"],
            "site_id": ["s1", "s2", "s2", None, "s1"],
            "residents": [1000, 1500, 500, 900, 100],
        }
    )
    return communities, units


def plan_of(**values: object) -> StaffPlan:
    """Allot with some values of the policy."""
    rules = Policy().with_values({f"staff.{key}": value for key, value in values.items()})
    return staff_plan(*tables(), rules)


def test_the_total_is_rounded_once() -> None:
    """4,000 residents need 7.2 workers, hence 8; rounding each up asks for the same or more."""
    plan = plan_of()
    assert plan.needed == pytest.approx(7.2)
    assert plan.communities["workers"].tolist() == [6, 2]
    assert plan.communities["rounded_up"].tolist() == [6, 2]


def test_posts_share_by_residents_served() -> None:
    """Workers of a community work where its residents are served; sums are kept."""
    posts = plan_of().posts
    assert posts.to_dict(orient="records") == [
        {"community_id": "A", "site_id": "s1", "residents": 1000, "workers": 2},
        {"community_id": "A", "site_id": "s2", "residents": 2000, "workers": 4},
        {"community_id": "B", "site_id": "s1", "residents": 100, "workers": 2},
    ]


def test_a_community_without_a_station_keeps_its_workers() -> None:
    """They are listed without a post."""
    communities, units = tables()
    posts = staff_plan(communities, units.assign(site_id=None), Policy()).posts
    assert posts["site_id"].isna().all()
    assert posts["workers"].tolist() == [6, 2]


def test_bounds_and_total_of_the_policy_hold() -> None:
    """A given total is allotted within least and most."""
    plan = plan_of(total=9, least_per_community=4, most_per_community=5)
    assert plan.communities["workers"].tolist() == [5, 4]
    with pytest.raises(ValueError, match="8 workers cannot be allotted"):
        plan_of(most_per_community=3)


def test_a_city_is_staffed_once(city_file: Path) -> None:
    """The synthetic city gets what its residents need in all, less than rounding each up."""
    city = read_city(city_file, Policy())
    plan = staff_city(city, Policy(), walking_times(city, Policy()))
    assert plan.communities["workers"].sum() == int(np.ceil(city.num_residents * 0.0018 - 1e-9))
    assert plan.posts.groupby("community_id")["workers"].sum().to_dict() == dict(
        zip(plan.communities["community_id"], plan.communities["workers"], strict=True)
    )
    assert plan.communities["rounded_up"].sum() >= plan.communities["workers"].sum()


def test_the_command_writes_tables(city_file: Path, tmp_path: Path) -> None:
    """Text, JSON and both tables agree."""
    file = tmp_path / "staff.csv"
    done = RUN.invoke(app, ["staff", str(city_file), "-o", str(file)])
    assert done.exit_code == 0, done.output
    table = pd.read_csv(file, encoding="utf-8-sig")
    posts = pd.read_csv(tmp_path / "staff-posts.csv", encoding="utf-8-sig")
    assert table["workers"].sum() == posts["workers"].sum()
    again = RUN.invoke(app, ["staff", str(city_file), "--json", "--set", "staff.method=webster"])
    record = json.loads(again.stdout)
    assert record["rule"] == "webster"
    assert record["total"] == table["workers"].sum()
    wrong = RUN.invoke(app, ["staff", str(city_file), "-o", str(tmp_path / "staff.txt")])
    assert isinstance(wrong.exception, ValueError)
    assert "name a .csv or a .json file" in str(wrong.exception)


def write_plan_layers(folder: Path, layer: str) -> None:
    """Write the layers of a plan that spending reads."""
    point = shapely.Point(0, 0)
    districts = gpd.GeoDataFrame(
        {
            "community_id": ["A", "B", "C"],
            "name": ["A", "B", None],
            "street_id": ["S1", "S1", "S2"],
            "residents": [100, 100, 200],
        },
        geometry=[point.buffer(1)] * 3,
        crs="EPSG:4547",
    )
    spent = gpd.GeoDataFrame(
        {"site_id": ["1", "2", "3"], "community_id": ["A", "A", None], "cost": [30.0, 10.0, 5.0]},
        geometry=[point] * 3,
        crs="EPSG:4547",
    )
    districts.to_file(folder / "plan.gpkg", layer="districts", driver="GPKG")
    spent.to_file(folder / "plan.gpkg", layer=layer, driver="GPKG")


@pytest.mark.parametrize("layer", ["services", "facilities"])
def test_spending_by_street_and_community(tmp_path: Path, layer: str) -> None:
    """Costs are added up where the sites lie; evenness is that of the places."""
    write_plan_layers(tmp_path, layer)
    found = plan_spending(tmp_path)
    assert found.layer == layer
    assert found.outside == pytest.approx(5.0)
    street, community = found.evenness["street"], found.evenness["community"]
    assert street.per_resident.tolist() == pytest.approx([0.2, 0.0])
    assert street.gini == pytest.approx(0.5)
    assert community.gini == pytest.approx(0.75)
    assert community.most == pytest.approx(0.4)
    done = RUN.invoke(app, ["spending", str(tmp_path), "--json"])
    record = json.loads(done.stdout)
    assert record["cost"] == pytest.approx(40.0)
    assert record["levels"]["street"]["ratio"] is None
    file = tmp_path / "spending.csv"
    text = RUN.invoke(app, ["spending", str(tmp_path), "-o", str(file)])
    assert "Gini 0.750" in text.output
    table = pd.read_csv(file, encoding="utf-8-sig")
    assert len(table) == 5
    assert table["amount_share"].max() == pytest.approx(1.0)


def test_spending_wants_a_plan(tmp_path: Path) -> None:
    """A folder without a plan is named."""
    with pytest.raises(ValueError, match=r"holds no plan\.gpkg"):
        plan_spending(tmp_path)
