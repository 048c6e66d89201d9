"""Reading, converting and writing of cities that are good, or nearly so."""

from pathlib import Path
from time import process_time

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shequ.instances.city import City, CityError, build_city, read_city, write_city
from shequ.instances.notes import Note
from shequ.instances.policy import Policy
from shequ.instances.site_units import site_units

Layers = dict[str, gpd.GeoDataFrame]
CITIES = Path(__file__).parents[3] / "shared" / "data" / "cities"


def _said(notes: tuple[Note, ...], *parts: str) -> bool:
    """Whether one of the notes holds all of the parts."""
    return any(all(part in text for part in parts) for text in map(str, notes))


def test_good_city_reads_without_remarks(grid, save):
    """A city without faults has no warnings and no repairs, and its sums are right."""
    city = read_city(save(grid))
    assert (city.warnings, city.repairs) == ((), ())
    assert (city.num_units, city.num_sites, city.num_communities) == (9, 2, 2)
    assert city.num_residents == sum(range(100, 109))
    assert city.num_households == 360
    assert city.name == "grid"
    assert len(city.sha256) == 64


def test_communities_are_derived_from_the_units(grid):
    """Without a layer of communities they are the unions of their units, with their names."""
    city = build_city(grid)
    assert city.communities["community_id"].tolist() == ["A", "B"]
    assert city.communities["name"].tolist() == ["West", "East"]
    assert city.communities["street_id"].tolist() == ["S1", "S1"]
    assert city.communities.geometry.area.tolist() == pytest.approx([60_000, 30_000])


def test_units_and_sites_know_their_community(grid):
    """Every unit and site is assigned the row of its community."""
    city = build_city(grid)
    assert city.unit_community_idx.tolist() == [0, 0, 1] * 3
    assert city.unit_community_idx[site_units(city, Policy())].tolist() == [0, 1]


def test_tree_tells_what_a_city_holds(grid):
    """Printing a city draws its layers and their sizes."""
    assert str(build_city(grid)).splitlines()[1:3] == [
        "├─ 9 units, 936 residents",
        "├─ 360 households",
    ]


def test_unknown_columns_pass_through(grid, save):
    """Columns that the schema does not know arrive as they were."""
    assert read_city(save(grid)).units["note"].tolist() == ["kept"] * 9


def test_input_is_not_changed(grid):
    """Frames that are passed in keep their columns and values."""
    before = grid["sites"].copy()
    build_city(grid)
    pd.testing.assert_frame_equal(grid["sites"], before)


def test_written_city_reads_back(grid, save, tmp_path):
    """A city that is written and read again has the same layers; writing twice, the same bytes."""
    city = read_city(save(grid))
    copies = [write_city(city, tmp_path / f"copy{i}.gpkg") for i in range(2)]
    assert copies[0].read_bytes() == copies[1].read_bytes()
    again = read_city(copies[0])
    pd.testing.assert_frame_equal(again.units, city.units)
    pd.testing.assert_frame_equal(again.sites, city.sites)


def test_writing_elsewhere_is_refused(grid, tmp_path):
    """Only a .gpkg file in a folder that exists is written."""
    with pytest.raises(CityError, match=r"give a \.gpkg file"):
        write_city(grid, tmp_path / "city.shp")
    with pytest.raises(CityError, match="existing folder"):
        write_city(grid, tmp_path / "none" / "city.gpkg")


def test_numeric_ids_become_text(grid, save):
    """Ids that are whole numbers lose no digit and gain no decimal, and it is said."""
    grid["units"]["unit_id"] = np.arange(9) + 320508001001.0
    city = read_city(save(grid))
    assert city.units["unit_id"].iloc[0] == "320508001001"
    assert _said(city.warnings, "units.unit_id: ids are numbers", '"320508001001"')


def test_text_numbers_are_converted(grid, save):
    """Counts written as text are converted, and it is said."""
    grid["units"]["residents"] = grid["units"]["residents"].astype(str)
    city = read_city(save(grid))
    assert city.units["residents"].dtype == np.int64
    assert _said(city.warnings, "units.residents: numbers are written as text", '"100"')


def test_degrees_of_cgcs2000_get_their_gauss_kruger_zone(grid, save):
    """EPSG:4490 is computed in the zone of its centre, and outputs go back to degrees."""
    city = read_city(save({name: frame.to_crs(4490) for name, frame in grid.items()}))
    assert city.crs.to_epsg() == 4549
    assert city.input_crs.to_epsg() == 4490
    assert _said(city.warnings, "units", "(EPSG:4490)", "(EPSG:4549)")
    assert city.units.geometry.area.tolist() == pytest.approx([10_000] * 9, rel=1e-6)
    assert city.in_input_crs(city.units).crs.to_epsg() == 4490


@pytest.mark.parametrize("code", [4326, 3857])
def test_degrees_and_web_mercator_get_a_utm_zone(grid, save, code):
    """Degrees and Web Mercator, whose metres are not true, are computed in UTM."""
    city = read_city(save({name: frame.to_crs(code) for name, frame in grid.items()}))
    assert city.crs.to_epsg() == 32651
    assert _said(city.warnings, "units: the CRS is", "written in the CRS of the input")


def test_layers_in_several_crs_are_brought_together(grid, save):
    """A layer in another CRS than the units is brought into theirs, and it is said."""
    grid["sites"] = grid["sites"].to_crs(4326)
    city = read_city(save(grid))
    assert city.sites.crs == city.units.crs
    assert np.allclose(city.site_points[0] - [500_050, 3_460_050], 0, atol=0.01)
    assert _said(city.warnings, "sites: is in WGS 84 (EPSG:4326)")


def test_invalid_polygon_is_made_valid(grid, save):
    """A bow tie becomes two triangles, with its area before and after."""
    x, y = 500_300, 3_460_000
    bow = shapely.Polygon([(x, y), (x + 100, y + 100), (x + 100, y), (x, y + 100)])
    extra = grid["units"].iloc[[0]].assign(unit_id="bow", community_id="B", geometry=[bow])
    grid["units"] = pd.concat([grid["units"], extra], ignore_index=True)
    city = read_city(save(grid))
    assert _said(city.repairs, "1 invalid polygon made valid", "row 10", "5,000.0 m²")
    assert city.units.geometry.is_valid.all()


def test_small_overlap_is_repaired(grid, save):
    """Units that overlap a little are cut apart, and it is said by how much."""
    shape = shapely.box(500_000, 3_460_000, 500_110, 3_460_100)
    grid["units"].loc[0, "geometry"] = shape
    city = read_city(save(grid))
    assert shapely.coverage_is_valid(city.units.geometry.to_numpy())
    assert city.units.geometry.area.sum() == pytest.approx(90_000)
    assert _said(
        city.repairs, "1 overlap of", "unit u0 and unit u1: 1,000.0 m², 10% of the smaller"
    )


def test_narrow_gap_is_closed(grid, save):
    """A sliver between units is closed, also where it is open to the outside."""
    grid["units"].loc[3, "geometry"] = shapely.box(500_000, 3_460_100, 500_099.8, 3_460_200)
    city = read_city(save(grid))
    assert shapely.coverage_is_valid(city.units.geometry.to_numpy(), gap_width=0.5)
    assert city.units.geometry.area.sum() == pytest.approx(90_000, abs=25)
    assert _said(city.repairs, "gaps narrower than 0.5 m were closed", "unit u3 by")


def test_wide_gap_is_told(grid, save):
    """A hole between units stays, and its area is told."""
    grid["units"] = grid["units"].drop(index=4).reset_index(drop=True)
    city = read_city(save(grid))
    assert _said(city.warnings, "1 gap between the units, 10,000 m² in all")


def test_vertices_that_do_not_match_are_matched(grid, save):
    """A border with a vertex on one side only is matched; no area changes."""
    shape = grid["units"].geometry[0]
    bent = shapely.Polygon(
        [*shape.exterior.coords[:2], (500_050, 3_460_100.0), *shape.exterior.coords[2:]]
    )
    grid["units"].loc[0, "geometry"] = bent
    city = read_city(save(grid))
    assert shapely.coverage_is_valid(city.units.geometry.to_numpy())
    assert _said(city.repairs, "borders of neighbouring units were matched")


def _as_points(layers: Layers) -> Layers:
    points = layers["units"].geometry.centroid
    return {**layers, "units": layers["units"].set_geometry(points)}


def test_points_get_cells_within_their_community(grid, save):
    """Units as points get cells that fill the drawn communities and keep their point."""
    outlines = build_city(grid).communities[["community_id", "name", "geometry"]]
    layers = _as_points(grid) | {"communities": outlines}
    city = read_city(save(layers))
    shapes = city.units.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.contains(shapes, layers["units"].geometry.to_numpy()).all()
    assert city.units.geometry.area.tolist() == pytest.approx([10_000] * 9)
    assert _said(city.repairs, "9 points given Voronoi cells")


def test_points_get_cells_without_communities(grid, save):
    """Without drawn communities the cells end at a margin around the points of each."""
    layers = _as_points(grid)
    city = read_city(save(layers))
    shapes = city.units.geometry.to_numpy()
    assert shapely.coverage_is_valid(shapes)
    assert shapely.contains(shapes, layers["units"].geometry.to_numpy()).all()
    assert not _said(city.warnings, "cut off")


def test_points_on_each_other_are_moved_apart(grid, save):
    """Units at the same place each get a cell, and it is said who was moved."""
    layers = _as_points(grid)
    layers["units"].loc[[1, 4], "geometry"] = layers["units"].geometry[0]
    city = read_city(save(layers))
    assert (city.units.geometry.area > 0).all()
    assert shapely.coverage_is_valid(city.units.geometry.to_numpy())
    assert _said(city.repairs, "2 points on top of another", "unit u1", "unit u4")


@pytest.mark.parametrize("seed", range(5))
def test_many_points_form_a_coverage(seed):
    """Random points in ten communities get cells that neither overlap nor vanish."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 2000, (120, 2)) + np.array([500_000, 3_460_000])
    units = gpd.GeoDataFrame(
        {
            "unit_id": [str(i) for i in range(120)],
            "residents": 10,
            "households": 4,
            "community_id": [f"c{int(x // 400)}" for x in xy[:, 0] - 500_000],
        },
        geometry=shapely.points(xy),
        crs="EPSG:4549",
    )
    city = build_city({"units": units}, need_sites=False)
    assert shapely.coverage_is_valid(city.units.geometry.to_numpy())
    assert shapely.contains(city.units.geometry.to_numpy(), units.geometry.to_numpy()).all()


def test_sites_as_polygons_become_points(grid, save):
    """Plots of sites are replaced by points inside of them."""
    grid["sites"] = grid["sites"].set_geometry(grid["sites"].buffer(20))
    city = read_city(save(grid))
    assert set(city.sites.geom_type) == {"Point"}
    assert np.allclose(city.site_points[0], [500_050, 3_460_050], atol=1)


def test_optional_columns_get_their_defaults(grid):
    """Sites without costs, flags and names get 0, no and empty; absent costs are told."""
    grid["sites"] = grid["sites"].drop(columns=["fixed_cost", "cost_per_m2"])
    city = build_city(grid)
    assert city.sites["fixed_cost"].tolist() == [0, 0]
    assert city.sites["required"].tolist() == [False, False]
    assert city.sites["services"].tolist() == ["", ""]
    said = [*map(str, city.warnings)]
    assert said == ["sites: no column fixed_cost and no cost_per_m2; taken as 0."]


def test_yes_and_no_are_read(grid, save):
    """Flags may be written as numbers or words."""
    grid["sites"]["required"] = ["yes", None]
    assert read_city(save(grid)).sites["required"].tolist() == [True, False]


def test_city_without_sites_on_request(grid, save):
    """A city without sites is read where only a split is asked for."""
    del grid["sites"]
    city = read_city(save(grid), need_sites=False)
    assert city.num_sites == 0
    assert city.site_points.shape == (0, 2)
    assert _said(city.warnings, "there is no layer sites", "no facility can be planned")


def test_no_network_is_told(grid, save):
    """Without a network straight lines are used and told, unless the policy asks for them."""
    del grid["network"]
    path = save(grid)
    assert _said(read_city(path).warnings, "no layer network", "detour factor 1.3")
    straight = Policy().with_values({"walking.mode": "straight_line"})
    assert read_city(path, straight).warnings == ()


@pytest.mark.parametrize(
    ("name", "units", "seconds"), [("kaohsiung", 4119, 2.5), ("taipei", 11490, 5.0)]
)
def test_real_cities_are_read_in_time(name, units, seconds):
    """The real cities are accepted within seconds of processor time."""
    path = CITIES / name / "city.gpkg"
    if not path.exists():
        pytest.skip(f"needs {path.parent.name}/city.gpkg beside the repository")
    start = process_time()
    city: City = read_city(path)
    took = process_time() - start
    assert city.num_units == units
    assert city.name == name
    assert took < seconds


def test_overlaps_are_cut_without_coverage_clean(grid, monkeypatch):
    """With a shapely that has no coverage_clean the later unit is cut by the earlier."""
    monkeypatch.delattr(shapely, "coverage_clean", raising=False)
    grid["units"].loc[0, "geometry"] = shapely.box(500_000, 3_460_000, 500_110, 3_460_100)
    city = build_city(grid)
    areas = city.units.geometry.area
    assert areas[:3].tolist() == pytest.approx([11_000, 9_000, 10_000])
    assert _said(city.repairs, "unit u1 by 1,000.0 m²")


def test_cells_in_a_bent_community_leave_no_scraps(square):
    """In a U-shaped community every scrap of a cell joins a neighbour: the cells fill the U."""
    outline = shapely.union_all([square(0, 0), square(1, 0), square(2, 0), square(0, 1)])
    outline = shapely.union(outline, square(2, 1))
    x, y = 500_000, 3_460_000
    units = gpd.GeoDataFrame(
        {"unit_id": ["a", "b"], "residents": 9, "households": 3, "community_id": "U"},
        geometry=shapely.points([x + 50, x + 50], [y + 20, y + 150]),
        crs="EPSG:4549",
    )
    drawn = gpd.GeoDataFrame({"community_id": ["U"]}, geometry=[outline], crs="EPSG:4549")
    city = build_city({"units": units, "communities": drawn}, need_sites=False)
    assert city.units.geometry.area.sum() == pytest.approx(outline.area)
    assert set(city.units.geometry.geom_type) == {"Polygon"}
    assert shapely.coverage_is_valid(city.units.geometry.to_numpy())
