"""Decisions of planners: how they are read, what they are checked for, and what they change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
from shapely import Point, box
from shequ.instances.city import City, read_city
from shequ.instances.decided_city import apply_decisions, decided_city, refuse_decisions
from shequ.instances.decision_files import layer_decisions, read_decisions
from shequ.instances.decisions import (
    Decision,
    closing,
    least_areas,
    locked_communities,
    locked_units,
    policy_decisions,
)
from shequ.instances.faults import CityError
from shequ.instances.policy import Policy


@pytest.fixture(scope="module")
def city(city_file: Path) -> City:
    """Return the synthetic city as read."""
    return read_city(city_file, Policy())


def decide(city: City, *rows: tuple[str, str, str] | tuple[str, str, str, str]) -> City:
    """Take decisions given as kind, id, decision and value."""
    decisions = [Decision(*row, place=f"row {number}") for number, row in enumerate(rows, start=1)]
    return apply_decisions(city, decisions, Policy())


def candidate(city: City, number: int = 0) -> str:
    """Return the id of a candidate."""
    return str(city.sites.loc[city.sites["status"] == "candidate", "site_id"].iloc[number])


def station(city: City, number: int = 0) -> str:
    """Return the id of a station of today."""
    return str(city.sites.loc[city.sites["status"] == "existing", "site_id"].iloc[number])


def said(refused: pytest.ExceptionInfo[CityError]) -> str:
    """Return a message without its line breaks."""
    return " ".join(str(refused.value).split())


def test_decisions_on_sites_change_the_layer_of_a_copy(city: City) -> None:
    """Required, forbidden and largest area are set on the sites named; the city read stays."""
    one, other, third = (candidate(city, number) for number in range(3))
    decided = decide(
        city,
        ("site", one, "require"),
        ("site", other, "forbid"),
        ("site", third, "max_area_m2", "321"),
        ("site", third, "min_area_m2", "300"),
        ("site", station(city), "close"),
        ("site", station(city, 1), "lock"),
    )
    sites = decided.sites.set_index("site_id")
    assert bool(sites.loc[one, "required"])
    assert bool(sites.loc[other, "forbidden"])
    assert sites.loc[third, "max_area_m2"] == 321
    locked = station(city, 1)
    assert sites.loc[locked, "max_area_m2"] == sites.loc[locked, "floor_area_m2"]
    assert least_areas(decided)[list(sites.index).index(third)] == 300
    assert closing(decided).sum() == 1
    assert not city.sites["required"].any()
    assert len(decided.decisions) == 6


def test_communities_and_units_are_locked(city: City) -> None:
    """To keep and to lock are one for communities and units."""
    community = str(city.communities["community_id"].iloc[1])
    unit = str(city.units["unit_id"].iloc[3])
    decided = decide(city, ("community", community, "keep"), ("unit", unit, "lock"))
    assert np.flatnonzero(locked_communities(decided)).tolist() == [1]
    assert np.flatnonzero(locked_units(decided)).tolist() == [3]


def test_all_faults_come_at_once_with_their_rows(city: City) -> None:
    """Unknown places, kinds, decisions and values are one message, each with what to do."""
    near = candidate(city)
    with pytest.raises(CityError) as refused:
        decide(
            city,
            ("site", f"{near}x", "require"),
            ("sight", near, "require"),
            ("community", "1", "split"),
            ("site", near, "max_area_m2", "much"),
            ("site", near, "keep"),
            ("site", station(city), "forbid"),
            ("unit", str(city.units["unit_id"].iloc[0]), "apart"),
        )
    text = said(refused)
    assert "7 faults" in text
    for words in (
        f"Did you mean {near}?",
        'kind "sight" is not understood',
        'decision "split" cannot be taken on a community',
        '"much" of max_area_m2 is no area',
        "write require to open it",
        "write close to give it up",
        "needs the name of a group",
        "row 7",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("require",), ("forbid",)),
        (("min_area_m2", "200"), ("max_area_m2", "150")),
        (("max_area_m2", "200"), ("max_area_m2", "300")),
        (("forbid",), ("min_area_m2", "150")),
    ],
)
def test_decisions_that_exclude_each_other_are_found(
    city: City, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    """Both are named with their rows."""
    with pytest.raises(CityError) as refused:
        decide(city, ("site", candidate(city), *first), ("site", candidate(city), *second))
    assert "exclude each other" in said(refused)
    assert "(row 1)" in said(refused)
    assert "(row 2)" in said(refused)


def test_areas_that_a_site_cannot_have_are_refused(city: City) -> None:
    """A station cannot shrink, nor be made to grow; a candidate not above its largest area."""
    sites = city.sites.set_index(city.sites["site_id"].astype(str))
    today = sites.loc[station(city), "floor_area_m2"]
    room = sites.loc[candidate(city), "max_area_m2"]
    for site, decision, area, words in (
        (station(city), "max_area_m2", today - 1, "write close"),
        (station(city), "min_area_m2", today + 1, "add the extension as one"),
        (candidate(city), "min_area_m2", room + 1, "raise its max_area_m2"),
    ):
        with pytest.raises(CityError) as refused:
            decide(city, ("site", site, decision, str(area)))
        assert words in said(refused)
    decide(
        city,
        ("site", candidate(city), "min_area_m2", str(room + 1)),
        ("site", candidate(city), "max_area_m2", str(room + 2)),
    )


def test_equal_decisions_count_once(city: City) -> None:
    """The same decision of two sources is no conflict."""
    row = ("site", candidate(city), "require")
    assert len(decide(city, row, row).decisions) == 1


def test_groups_must_hang_together_in_one_community(city: City) -> None:
    """Units of two communities, that do not touch, or that are apart too, are refused."""
    units = city.units
    home = units["community_id"].astype(str)
    ids = units["unit_id"].astype(str)
    one, other = ids[home == home.iloc[0]].iloc[0], ids[home != home.iloc[0]].iloc[0]
    with pytest.raises(CityError, match="lie in communities"):
        decide(city, ("unit", one, "together", "g"), ("unit", other, "together", "g"))
    mine = units[home == home.iloc[0]]
    far = mine.geometry.distance(mine.geometry.iloc[0]).to_numpy().argmax()
    last = str(mine["unit_id"].iloc[far])
    with pytest.raises(CityError, match="do not hang together"):
        decide(city, ("unit", one, "together", "g"), ("unit", last, "together", "g"))
    near = str(mine["unit_id"].iloc[np.argsort(mine.geometry.distance(mine.geometry.iloc[0]))[1]])
    pair = [("unit", one, "together", "g"), ("unit", near, "together", "g")]
    decide(city, *pair)
    with pytest.raises(CityError, match="together and apart"):
        decide(city, *pair, ("unit", one, "apart", "h"), ("unit", near, "apart", "h"))
    with pytest.raises(CityError, match="both locked to community"):
        decide(
            city,
            ("unit", one, "apart", "h"),
            ("unit", near, "apart", "h"),
            ("unit", one, "lock"),
            ("unit", near, "lock"),
        )


def test_units_apart_in_a_small_community_are_told(city: City) -> None:
    """A community that is not split cannot part its units: a warning says so."""
    totals = city.units.groupby("community_id")["residents"].sum()
    small = totals.idxmin()
    units = city.units.loc[city.units["community_id"] == small, "unit_id"].astype(str).iloc[:2]
    decided = decide(city, *(("unit", unit, "apart", "g") for unit in units))
    assert "that the policy does not split" in str(decided.warnings[-1])


def test_the_policy_lists_decisions_by_id(city: City) -> None:
    """Ids in the section decisions are the same decisions as rows."""
    policy = Policy().with_values(
        {
            "decisions.require_sites": [candidate(city)],
            "decisions.close_sites": [station(city)],
            "decisions.apart_units": ["U001;U002"],
        }
    )
    rows = {(d.kind, d.place_id, d.decision) for d in policy_decisions(policy)}
    assert rows == {
        ("site", candidate(city), "require"),
        ("site", station(city), "close"),
        ("unit", "U001", "apart"),
        ("unit", "U002", "apart"),
    }
    assert len(decided_city(city, policy).decisions) == 4


def test_a_table_is_read_and_its_empty_rows_are_skipped(city: City, tmp_path: Path) -> None:
    """A CSV gives decisions by line; rows without one decide nothing; a lost column is named."""
    file = tmp_path / "d.csv"
    file.write_text(
        f"kind,id,decision,value,note\nsite,{candidate(city)},Require,,ours\nsite,x,,,\n"
    )
    (decision,) = read_decisions(file, city, Policy())
    assert (decision.decision, decision.note, decision.place) == (
        "require",
        "ours",
        "d.csv, line 2",
    )
    file.write_text("kind,id\nsite,x\n")
    with pytest.raises(CityError, match=r"has no column decision"):
        read_decisions(file, city, Policy())
    file.write_text("kind,id,decision\nsite,,require\n")
    with pytest.raises(CityError, match=r"line 2: no id"):
        read_decisions(file, city, Policy())


def drawn(city: City, rows: list[dict[str, object]], path: Path, layer: str = "decisions") -> Path:
    """Write a layer in degrees, as a GIS user might draw it."""
    frame = gpd.GeoDataFrame(pd.DataFrame(rows).drop(columns="geometry"),
                             geometry=[row["geometry"] for row in rows], crs=city.crs)  # fmt: skip
    pyogrio.write_dataframe(frame.to_crs("EPSG:4326"), path, layer=layer)
    return path


def test_points_and_polygons_name_places(city: City, tmp_path: Path) -> None:
    """A point stands for the site near it or the unit under it, a polygon for all inside."""
    site = city.sites.iloc[12]
    beside = Point(site.geometry.x + 10, site.geometry.y)
    unit = city.units.iloc[5]
    community = city.units["community_id"].iloc[5]
    whole = box(*city.units.total_bounds)
    rows: list[dict[str, object]] = [
        {"kind": "", "decision": "forbid", "value": None, "geometry": beside},
        {"kind": "unit", "decision": "lock", "value": None,
         "geometry": unit.geometry.representative_point()},
        {"kind": "community", "decision": "lock", "value": None,
         "geometry": unit.geometry.representative_point()},
        {"kind": "community", "decision": "lock", "value": None, "geometry": whole},
    ]  # fmt: skip
    found = read_decisions(drawn(city, rows, tmp_path / "d.gpkg"), city, Policy())
    named = [(d.kind, d.place_id, d.decision) for d in found]
    assert named[:3] == [
        ("site", site["site_id"], "forbid"),
        ("unit", unit["unit_id"], "lock"),
        ("community", community, "lock"),
    ]
    assert {place for _, place, _ in named[3:]} == set(city.communities["community_id"])
    far: list[dict[str, object]] = [
        {"kind": "site", "decision": "forbid", "geometry": Point(beside.x + 5e4, beside.y)}
    ]
    with pytest.raises(CityError, match=r"row 1: no site within 30 m of it"):
        read_decisions(drawn(city, far, tmp_path / "far.gpkg"), city, Policy())
    geojson = drawn(city, rows[:1], tmp_path / "d.geojson")
    assert [d.place_id for d in read_decisions(geojson, city, Policy())] == [site["site_id"]]


def test_the_layer_of_the_city_is_taken(city_file: Path, city: City, tmp_path: Path) -> None:
    """A layer decisions in the GeoPackage counts, and is not called ignored."""
    file = tmp_path / "mine.gpkg"
    file.write_bytes(city_file.read_bytes())
    table = pd.DataFrame([{"kind": "site", "id": candidate(city), "decision": "require"}])
    pyogrio.write_dataframe(table, file, layer="decisions", append=True)
    read = read_city(file, Policy())
    assert not any("ignored" in str(warning) for warning in read.warnings)
    assert [d.decision for d in decided_city(read, Policy()).decisions] == ["require"]


def test_tables_beside_the_layers_of_a_folder_are_taken(city: City, tmp_path: Path) -> None:
    """Of a city that is a folder, the files decisions*.parquet count, drawn or not."""
    pytest.importorskip("pyarrow")
    table = pd.DataFrame([{"kind": "site", "id": candidate(city), "decision": "require"}])
    table.to_parquet(tmp_path / "decisions.parquet")
    shape = city.units.geometry.iloc[5].representative_point()
    drawn = gpd.GeoDataFrame({"kind": ["unit"], "decision": ["lock"]}, geometry=[shape],
                             crs=city.crs)  # fmt: skip
    drawn.to_parquet(tmp_path / "decisions_units.parquet")
    found = layer_decisions(replace(city, source=tmp_path), Policy())
    assert [(d.kind, d.place_id) for d in found] == [
        ("site", candidate(city)),
        ("unit", str(city.units["unit_id"].iloc[5])),
    ]


def test_commands_refuse_decisions_that_they_cannot_keep(city: City) -> None:
    """A command that cannot lock communities says which decision it would break."""
    community = str(city.communities["community_id"].iloc[0])
    decided = decide(city, ("community", community, "lock"))
    with pytest.raises(CityError, match=f"lock community {community}"):
        refuse_decisions(decided, ("lock community",))
    refuse_decisions(decided, ("lock unit",))
