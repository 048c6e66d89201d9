"""The seeded synthetic city."""

import time

import numpy as np
import pandas as pd
import pytest
import shapely
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree
from shequ.instances.adjacency import components, shared_borders
from shequ.instances.city import read_city
from shequ.instances.policy import Policy
from shequ.instances.synthetic import generate_city
from shequ.instances.synthetic.courtyards import apportion
from shequ.instances.synthetic.partition import Graph, partition

FLOOR_AREA_PER_HOUSEHOLD = 0.8
COLUMNS = {
    "units": {
        "unit_id": "str",
        "residents": "int64",
        "households": "int64",
        "residents_65plus": "int64",
        "residents_under_7": "int64",
        "community_id": "str",
        "street_id": "str",
        "estate_id": "str",
    },
    "sites": {
        "site_id": "str",
        "name": "str",
        "status": "str",
        "floor_area_m2": "float64",
        "max_area_m2": "float64",
        "fixed_cost": "float64",
        "cost_per_m2": "float64",
        "services": "str",
        "required": "bool",
        "forbidden": "bool",
    },
    "network": {
        "from_node": "int64",
        "to_node": "int64",
        "length_m": "float64",
        "minutes": "float64",
    },
    "barriers": {"kind": "str", "crossable": "bool", "crossing_minutes": "float64"},
    "communities": {
        "community_id": "str",
        "name": "str",
        "code": "str",
        "seat": "str",
        "street_id": "str",
    },
}
GEOMETRIES = {
    "units": "Polygon",
    "sites": "Point",
    "network": "LineString",
    "barriers": "LineString",
    "communities": "Polygon",
}


@pytest.fixture(scope="module")
def city():
    """Make the city of the plan that comes with shequ."""
    return generate_city()


@pytest.fixture(scope="module", params=[(30_000, 1), (30_000, 3), (120_000, 5), (300_000, 2)])
def any_city(request):
    """Make cities of several sizes and seeds."""
    residents, seed = request.param
    return generate_city(residents=residents, seed=seed)


def neighbours(layers):
    """Pairs of units with a common border of more than 1 m that is no uncrossable barrier."""
    units = layers["units"].geometry.to_numpy()
    return shared_borders(units, min_length_m=1.0, barriers=layers["barriers"]).pairs


def indices(values):
    """Give each distinct value a number, -1 for none."""
    return pd.factorize(values)[0]


def owners(layers):
    """Row of the community that each site lies in."""
    tree = shapely.STRtree(layers["communities"].geometry.to_numpy())
    site, community = tree.query(layers["sites"].geometry.to_numpy(), predicate="within")
    assert site.tolist() == list(range(len(layers["sites"])))
    return community


def shortest_minutes(layers, sites):
    """Minutes from the nearest of some sites to each unit, by the layers alone."""
    network = layers["network"]
    ends = np.concatenate([network["from_node"], network["to_node"]])
    xy = np.zeros((ends.max() + 1, 2))
    xy[ends] = np.concatenate([[line.coords[end] for line in network.geometry] for end in (0, -1)])
    tree = cKDTree(xy)
    graph = sparse.csr_array(
        (network["length_m"], (network["from_node"], network["to_node"])), (len(xy), len(xy))
    )
    leg, node = tree.query(shapely.get_coordinates(sites.geometry))
    unit_leg, unit_node = tree.query(
        shapely.get_coordinates(layers["units"].geometry.representative_point())
    )
    metres = csgraph.dijkstra(graph, directed=False, indices=node)[:, unit_node]
    return ((metres + leg[:, None]).min(axis=0) + unit_leg) / 75


@pytest.mark.parametrize("layer", COLUMNS)
def test_layers_follow_the_schema(city, layer):
    """Every layer has the columns of the city input, of the right types, in EPSG:4549."""
    table = city[layer]
    types = {name: str(table[name].dtype) for name in COLUMNS[layer]}
    assert types == COLUMNS[layer]
    assert table.crs.to_epsg() == 4549
    assert set(table.geom_type) == {GEOMETRIES[layer]}


def test_ids_are_unique(any_city):
    """No id and no name of a community or site is given twice."""
    for layer, column in (
        ("units", "unit_id"),
        ("sites", "site_id"),
        ("sites", "name"),
        ("communities", "community_id"),
        ("communities", "name"),
    ):
        assert any_city[layer][column].is_unique, (layer, column)


def test_codes_are_those_of_residents_committees(city):
    """Codes have twelve digits: the made-up county, the street, and 001 to 199."""
    codes = city["communities"]["code"]
    assert codes.str.fullmatch(r"320599\d{3}(0(0[1-9]|[1-9]\d)|1\d\d)").all()
    streets = city["communities"].groupby(codes.str[:9])["street_id"].nunique()
    assert (streets == 1).all()


def test_names_are_chinese(city):
    """Communities and streets have Chinese names with their kind at the end."""
    assert city["communities"]["name"].str.fullmatch(r"[\u4e00-\u9fff]{2,3}社区").all()
    assert city["communities"]["street_id"].str.fullmatch(r"[\u4e00-\u9fff]{2,3}街道").all()


@pytest.mark.parametrize("residents", [10_000, 30_001, 123_457])
def test_residents_are_met_exactly(residents):
    """The units hold exactly as many residents as were asked for."""
    units = generate_city(residents=residents, seed=4)["units"]
    assert units["residents"].sum() == residents


def test_same_seed_gives_the_same_city():
    """Every layer is identical when the city is made up again."""
    one, other = (generate_city(residents=30_000, seed=11) for _ in range(2))
    for layer, table in one.items():
        assert table.equals(other[layer]), layer


def test_other_seed_gives_another_city():
    """Seeds differ in their units, not only in names."""
    one, other = (generate_city(residents=30_000, seed=seed)["units"] for seed in (11, 12))
    assert one["residents"].tolist() != other["residents"].tolist()


def test_units_are_an_exact_coverage(any_city):
    """Units neither overlap nor leave gaps, and communities are exactly their union."""
    units, communities = any_city["units"], any_city["communities"]
    assert shapely.coverage_is_valid(units.geometry.to_numpy())
    assert shapely.coverage_is_valid(communities.geometry.to_numpy())
    merged = units.dissolve("community_id", method="coverage").geometry
    assert (merged.area - communities.set_index("community_id").area).abs().max() < 1e-6
    holes = shapely.get_num_interior_rings(shapely.coverage_union_all(units.geometry.to_numpy()))
    assert holes == 0


def test_units_are_of_ordinary_size(city):
    """Units have up to 1,500 residents, some 420 in the mean, and some are empty."""
    residents = city["units"]["residents"]
    assert residents.max() <= 1_500
    assert 350 < residents[residents > 0].mean() < 520
    assert 600 < len(residents) < 900
    assert 0.03 < (residents == 0).mean() < 0.2


def test_people_fit_their_homes(any_city):
    """Households and age groups never exceed residents, and every resident has a household."""
    units = any_city["units"]
    assert (units["households"] <= units["residents"]).all()
    assert ((units["households"] > 0) == (units["residents"] > 0)).all()
    assert (units["residents_65plus"] + units["residents_under_7"] <= units["residents"]).all()
    assert 2.3 < units["residents"].sum() / units["households"].sum() < 2.8


def test_old_courtyards_are_older_than_new_estates(city):
    """The share of the elderly is higher in walk-ups than in tower estates."""
    sums = city["units"].groupby("land_use")[["residents", "residents_65plus"]].sum()
    share = sums["residents_65plus"] / sums["residents"]
    assert share["walk_up"] > 1.5 * share["tower_estate"]


def test_communities_are_connected(any_city):
    """Each community hangs together without crossing river or railway."""
    owner = indices(any_city["units"]["community_id"])
    pairs = neighbours(any_city)
    inside = pairs[owner[pairs[:, 0]] == owner[pairs[:, 1]]]
    assert components(owner.size, inside).max() + 1 == len(any_city["communities"])


@pytest.mark.parametrize("seed", range(6))
def test_some_communities_are_far_too_large(seed):
    """Four communities exceed 20,000 residents, three 15,000, one has many small households."""
    units = generate_city(residents=300_000, seed=seed)["units"]
    sizes = units.groupby("community_id")[["residents", "households"]].sum()
    residents, households = sizes["residents"], sizes["households"]
    assert (residents > 20_000).sum() >= 4
    assert ((residents >= 15_000) & (residents <= 20_000)).sum() >= 3
    assert ((residents < 15_000) & (households >= 5_000)).sum() >= 1
    ordinary = residents[(residents < 15_000) & (households < 5_000)]
    assert ordinary.between(2_500, 14_000).all()
    assert residents.max() < 35_500


def test_small_city_has_a_community_to_split():
    """Even the small city of the tests has a community above 20,000 residents."""
    for seed in range(5):
        units = generate_city(residents=30_000, seed=seed)["units"]
        assert units.groupby("community_id")["residents"].sum().max() > 20_000


def test_estates_are_small_connected_and_within_a_community(any_city):
    """An estate has two to four adjacent units of one community and fewer than 4,000 residents."""
    units = any_city["units"]
    estates = units[units["estate_id"].notna()].groupby("estate_id")
    assert len(estates) > 0
    assert estates["community_id"].nunique().max() == 1
    assert estates.size().between(2, 4).all()
    assert (estates["residents"].sum() < 4_000).all()
    estate = indices(units["estate_id"])
    pairs = neighbours(any_city)
    inside = pairs[(estate[pairs[:, 0]] == estate[pairs[:, 1]]) & (estate[pairs[:, 0]] >= 0)]
    parts = components(estate.size, inside)
    assert len(set(zip(estate[estate >= 0], parts[estate >= 0], strict=True))) == len(estates)


def test_streets_are_of_like_size(city):
    """Streets hold 50,000 to 100,000 residents."""
    sizes = city["units"].groupby("street_id")["residents"].sum()
    assert sizes.between(50_000, 100_000).all()


def test_sites_say_what_can_be_built(any_city):
    """Stations have floor area today; candidates have none and cost what building costs."""
    sites = any_city["sites"]
    existing = sites[sites["status"] == "existing"]
    candidates = sites[sites["status"] == "candidate"]
    assert len(existing) + len(candidates) == len(sites)
    assert existing["floor_area_m2"].between(150, 2_500).all()
    assert (existing["max_area_m2"] >= existing["floor_area_m2"]).all()
    extensible = existing["max_area_m2"] > existing["floor_area_m2"]
    assert ((existing["cost_per_m2"] > 0) == extensible).all()
    assert (candidates["floor_area_m2"] == 0).all()
    assert candidates["max_area_m2"].between(400, 4_000).all()
    assert candidates["fixed_cost"].between(30, 160).all()
    assert candidates["cost_per_m2"].between(0.3, 1.0).all()
    assert sites.geometry.is_unique


def test_seats_are_stations_of_their_community(any_city):
    """The seat is an existing station inside; nearly every community has one."""
    sites, communities = any_city["sites"], any_city["communities"]
    owner = pd.Series(owners(any_city), index=sites["site_id"])
    status = sites.set_index("site_id")["status"]
    seats = communities["seat"].dropna()
    assert (owner[seats.to_numpy()].to_numpy() == seats.index).all()
    assert (status[seats.to_numpy()] == "existing").all()
    assert communities["seat"].isna().sum() <= max(1, 0.12 * len(communities))


def test_every_community_can_reach_its_floor_area(any_city):
    """Sites inside each community offer at least twice 80 m² per 100 households."""
    room = np.bincount(owners(any_city), any_city["sites"]["max_area_m2"])
    households = any_city["units"].groupby("community_id")["households"].sum()
    needed = FLOOR_AREA_PER_HOUSEHOLD * households[any_city["communities"]["community_id"]]
    assert (room >= 2 * needed.to_numpy()).all()


def test_districts_of_large_communities_can_reach_their_floor_area(city):
    """Random connected districts of the communities to be split hold enough sites each."""
    units, pairs = city["units"], neighbours(city)
    inside = shapely.STRtree(units.geometry.to_numpy()).query(
        city["sites"].geometry.to_numpy(), predicate="within"
    )
    room = np.bincount(inside[1], city["sites"]["max_area_m2"], len(units))
    graph = Graph(
        units["residents"].to_numpy(float), pairs, np.ones(len(pairs)), np.ones(len(pairs))
    )
    rng = np.random.default_rng(0)
    for _, community in units.groupby("community_id"):
        districts = -(-int(community["households"].sum()) // 4_900)
        members = community.index.to_numpy()
        for _ in range(3 if districts > 1 else 0):
            part = partition(graph.part(members), np.ones(districts), rng)
            needed = FLOOR_AREA_PER_HOUSEHOLD * np.bincount(part, community["households"])
            assert (np.bincount(part, room[members]) >= 1.2 * needed).all()


def test_every_resident_is_within_reach_of_a_site(any_city):
    """A site lies within 15 walking minutes of every inhabited unit."""
    minutes = shortest_minutes(any_city, any_city["sites"])
    assert minutes[any_city["units"]["residents"] > 0].max() <= 15


def test_part_of_the_city_lacks_a_station_within_reach(city):
    """An eighth of the residents live farther than 15 minutes from all existing stations."""
    stations = city["sites"][city["sites"]["status"] == "existing"]
    residents = city["units"]["residents"]
    share = residents[shortest_minutes(city, stations) > 15].sum() / residents.sum()
    assert 0.10 <= share <= 0.15


def test_network_is_connected(any_city):
    """Every node can be walked to from every other one, at 75 m a minute."""
    network = any_city["network"]
    ends = network[["from_node", "to_node"]].to_numpy()
    assert components(ends.max() + 1, ends).max() == 0
    assert np.allclose(network["length_m"], network.length, atol=0.01)
    assert np.allclose(network["minutes"], network["length_m"] / 75, atol=1e-4)


def test_only_arterials_cross_river_and_railway(city):
    """Every walkway that touches an uncrossable line lies on an arterial."""
    barriers, network = city["barriers"], city["network"]
    assert not barriers.loc[barriers["kind"].isin(["river", "railway"]), "crossable"].any()
    for kind in ("river", "railway"):
        line = shapely.union_all(barriers.geometry[barriers["kind"] == kind].to_numpy())
        touching = network[network.intersects(line)]
        assert len(touching) >= 6
        assert set(touching["kind"]) <= {"bridge", "arterial"}


def test_city_is_read_without_warnings_or_repairs(tmp_path):
    """The reader of city inputs has nothing to complain about."""
    for layer, table in generate_city(residents=30_000, seed=7).items():
        table.to_file(tmp_path / "city.gpkg", layer=layer, driver="GPKG")
    read = read_city(tmp_path / "city.gpkg", Policy())
    assert not read.warnings
    assert not read.repairs


@pytest.mark.slow
def test_large_city_takes_less_than_a_minute():
    """A million residents are housed within 60 seconds of processor time."""
    start = time.process_time()
    layers = generate_city(residents=1_000_000, seed=3)
    assert time.process_time() - start < 60
    assert layers["units"]["residents"].sum() == 1_000_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"residents": 500}, "residents = 500 not understood"),
        ({"residents": 10**8}, "residents = 100000000 not understood"),
        ({"seed": -1}, "seed = -1 not understood"),
    ],
)
def test_impossible_cities_are_refused(arguments, message):
    """Arguments out of range are named with their value."""
    with pytest.raises(ValueError, match=message):
        generate_city(**arguments)


def test_apportion_keeps_zeros_and_the_total():
    """Empty units stay empty, and rounding loses nobody."""
    shares = apportion(np.array([0.0, 1.0, 2.0, 3.0]), 1_001)
    assert shares.tolist() == [0, 167, 334, 500]


def test_partition_of_a_path_hits_its_targets():
    """A path of ten equal vertices is cut into connected parts of two, three and five."""
    pairs = np.stack([np.arange(9), np.arange(1, 10)], axis=1)
    graph = Graph(np.ones(10), pairs, np.ones(9), np.ones(9))
    part = partition(graph, np.array([2.0, 3.0, 5.0]), np.random.default_rng(1))
    assert sorted(np.bincount(part).tolist()) == [2, 3, 5]
    assert np.count_nonzero(np.diff(part)) == 2


def test_partition_refuses_more_parts_than_vertices():
    """A path of two vertices cannot be cut into three parts."""
    graph = Graph(np.ones(2), np.array([[0, 1]]), np.ones(1), np.ones(1))
    with pytest.raises(ValueError, match="2 vertices cannot be cut into 3 connected parts"):
        partition(graph, np.ones(3), np.random.default_rng(1))
