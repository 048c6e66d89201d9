"""The unit that each site belongs to."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.city import City, build_city
from shequ.instances.policy import Policy
from shequ.instances.site_units import site_units

Layers = dict[str, gpd.GeoDataFrame]
X, Y = 500_000, 3_460_000


def _city(layers: Layers, *places: tuple[float, float], policy: Policy | None = None) -> City:
    """Build the city with candidate sites at these metres east and north of its corner."""
    sites = gpd.GeoDataFrame(
        {
            "site_id": [f"s{i}" for i in range(len(places))],
            "status": "candidate",
            "floor_area_m2": 0.0,
            "max_area_m2": 500.0,
        },
        geometry=[shapely.Point(X + x, Y + y) for x, y in places],
        crs=layers["units"].crs,
    )
    return build_city({**layers, "sites": sites}, policy)


def _drawn(layers: Layers, boxes: dict[str, tuple[float, float, float, float]]) -> Layers:
    """Return the layers with communities drawn as boxes of metres from the corner."""
    shapes = [shapely.box(X + a, Y + b, X + c, Y + d) for a, b, c, d in boxes.values()]
    frame = gpd.GeoDataFrame(
        {"community_id": list(boxes)}, geometry=shapes, crs=layers["units"].crs
    )
    return {**layers, "communities": frame}


def _narrowed(layers: Layers) -> Layers:
    """Return the layers with streets of 10 m between the units, in drawn communities."""
    units = layers["units"]
    narrow = units.set_geometry(units.buffer(-5, join_style="mitre"))
    return _drawn({**layers, "units": narrow}, {"A": (0, 0, 200, 300), "B": (200, 0, 300, 300)})


def _gap(metres: float) -> Policy:
    return Policy().with_values({"split.connect_gap_m": metres})


def test_site_belongs_to_the_unit_around_it(grid):
    """A site inside a unit belongs to it."""
    assert site_units(_city(grid, (50, 50), (250, 150), (150, 299)), Policy()).tolist() == [0, 5, 7]


def test_site_on_a_border_goes_by_the_drawn_community(grid):
    """On the border of two units the one of the drawn community around the site comes first."""
    drawn = _drawn(grid, {"A": (0, 0, 199, 300), "B": (199, 0, 300, 300)})
    assert site_units(_city(drawn, (200, 50)), Policy()).tolist() == [2]


@pytest.mark.parametrize("order", [["A", "B"], ["B", "A"]])
def test_site_on_a_border_of_communities_goes_to_the_first_unit(grid, order):
    """Where both communities touch the site the lowest unit comes first, whatever their order."""
    boxes = {"A": (0, 0, 200, 300), "B": (200, 0, 300, 300)}
    drawn = _drawn(grid, {name: boxes[name] for name in order})
    city = _city(drawn, (200, 50), (100, 100))
    assert site_units(city, Policy()).tolist() == [1, 0]
    names = city.communities["community_id"].to_numpy(object)
    home = names[city.unit_community_idx[site_units(city, Policy())]]
    assert home.tolist() == ["A", "A"]


def test_site_in_a_street_of_a_drawn_community(grid):
    """A site between the units belongs to the nearest of the drawn community that it lies in."""
    city = _city(_narrowed(grid), (101, 50), (201, 50), (199, 50))
    assert site_units(city, Policy()).tolist() == [1, 2, 1]


def test_site_beside_the_units_within_the_gap(grid):
    """A site beside the city belongs to the nearest unit as far as units connect across gaps."""
    city = _city(grid, (310, 50), (311, 50), (50, -10))
    assert site_units(city, _gap(10)).tolist() == [2, -1, 0]
    assert site_units(city, Policy()).tolist() == [-1, -1, -1]


def test_site_as_near_to_two_units_goes_to_the_first(grid):
    """Of units equally near the one with the lowest index is taken."""
    assert site_units(_city(grid, (200, 305)), _gap(10)).tolist() == [7]


def test_site_on_the_outer_border_in_spite_of_rounding(grid):
    """A site that rounding has put a hair outside of the last unit still belongs to it."""
    assert site_units(_city(grid, (300 + 1e-6, 50)), Policy()).tolist() == [2]


def test_city_without_sites(grid):
    """Without sites there is nothing to place."""
    del grid["sites"]
    units = site_units(build_city(grid, need_sites=False), Policy())
    assert (units.dtype, units.shape) == (np.dtype(np.int64), (0,))


def test_sites_without_a_unit_are_told(grid):
    """The sites that belong to no unit are told, by the same rule."""
    warning = (
        "sites: 1 site outside of every community (site s1); the floor area there counts for "
        "none; move it, or set split.connect_gap_m."
    )
    assert warning in map(str, _city(grid, (50, 50), (320, 50)).warnings)
    assert warning not in map(str, _city(grid, (50, 50), (320, 50), policy=_gap(30)).warnings)


def test_few_sites_of_many_match_the_rule(grid):
    """At random places the units are those of the rule, worked out one site at a time."""
    rng = np.random.default_rng(3)
    layers = _narrowed(grid)
    city = _city(layers, *map(tuple, rng.integers(-2, 31, (200, 2)) * 10.0))
    units, communities = city.units.geometry, city.communities.geometry
    expected = []
    for site in city.sites.geometry:
        around = communities.index[communities.intersects(site)]
        home = np.isin(city.unit_community_idx, around)
        touching = units.intersects(site).to_numpy()
        near = units.distance(site).to_numpy()
        if touching.any():
            both = touching & home
            expected.append(int(np.flatnonzero(both if both.any() else touching)[0]))
        elif home.any():
            expected.append(int(np.flatnonzero(home)[np.argmin(near[home])]))
        else:
            expected.append(int(np.argmin(near)) if near.min() <= 12 else -1)
    assert site_units(city, _gap(12)).tolist() == expected
    assert set(expected) >= {-1, 0, 8}
