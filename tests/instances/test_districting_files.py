"""Districting files of every kind become units with weights and neighbours, or a clear message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import networkx as nx
import numpy as np
import pytest
import shapely
from shequ.instances.balance import Balance, balance_of, possible_numbers
from shequ.instances.district_problem import UnitProblem
from shequ.instances.districting_files import read_unit_graph
from shequ.instances.edge_changes import EdgeChange, read_edge_changes
from shequ.instances.readers.networkx_json import node_link_record
from shequ.instances.rule_book import RuleBook, read_rule_book
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.instances.unit_graph import ReadOptions, UnitGraph
from shequ.models.districting.measures import measure_named


def write(folder: Path, record: object, name: str = "units.json") -> Path:
    """Write a JSON file."""
    path = folder / name
    path.write_text(json.dumps(record), encoding="utf-8")
    return path


def grid(columns: int = 3, rows: int = 2) -> nx.Graph:
    """Return a grid of units named a0, a1, ... b0, ... with ten residents and borders of 5 m."""
    graph = nx.Graph(k=2, coordinates="metres")
    for x in range(columns):
        for y in range(rows):
            name = f"{'abcdefgh'[y]}{x}"
            graph.add_node(name, x=100.0 * x, y=100.0 * y, residents=10)
            if x:
                graph.add_edge(f"{'abcdefgh'[y]}{x - 1}", name, shared_perim=5.0)
            if y:
                graph.add_edge(f"{'abcdefgh'[y - 1]}{x}", name, shared_perim=7.0)
    return graph


def read_grid(folder: Path, options: ReadOptions | None = None) -> UnitGraph:
    """Read the grid from node-link JSON."""
    return read_unit_graph(write(folder, nx.node_link_data(grid(), edges="links")), options)


def pairs(graph: UnitGraph) -> set[tuple[str, str]]:
    """Neighbours by their ids."""
    return {(graph.ids[i], graph.ids[j]) for i, j in graph.raw.edges}


def polygons(folder: Path, **columns: list[Any]) -> Path:
    """Write three squares in a row as a GeoPackage, the third only at a corner of the second."""
    shapes = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(20, 10, 30, 20)]
    rows = {"unit_id": ["A", "B", "C"], "residents": [1, 2, 3], **columns}
    frame = gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:3826")
    frame.to_file(folder / "city.gpkg", layer="units")
    return folder / "city.gpkg"


def units_of(
    graph: UnitGraph, book: RuleBook | None = None, k: int = 2, **balance: tuple[float, ...]
) -> UnitProblem:
    """Return the problem of k districts."""
    bounds = balance_of(graph, Balance(**balance), k)
    return UnitProblem(graph, book or RuleBook(), bounds, k, graph.default_distance)


@pytest.mark.parametrize("kind", ["links", "edges", "adjacency"])
def test_graphs_of_networkx_are_the_same_in_every_form(kind: str, tmp_path: Path) -> None:
    """Node-link with links or edges, and adjacency lists, give the same units and borders."""
    record = (
        nx.adjacency_data(grid()) if kind == "adjacency" else nx.node_link_data(grid(), edges=kind)
    )
    read = read_unit_graph(write(tmp_path, record))
    assert read.ids == ("a0", "b0", "a1", "b1", "a2", "b2")
    assert pairs(read) == {
        ("a0", "b0"), ("a0", "a1"), ("b0", "b1"), ("a1", "b1"), ("a1", "a2"), ("b1", "b2"),
        ("a2", "b2"),
    }  # fmt: skip
    assert read.raw.lengths is not None
    assert sorted(read.raw.lengths.tolist()) == [5, 5, 5, 5, 7, 7, 7]
    assert read.raw.asked.num_districts == 2
    assert read.default_distance == "metres"


def test_a_generated_problem_survives_writing_and_reading(tmp_path: Path) -> None:
    """Weights, bounds, borders and inertia of a Voronoi problem come back."""
    problem, lengths = voronoi_districting(20, 3, seed=4)
    read = read_unit_graph(write(tmp_path, node_link_record(problem, lengths)))
    again = units_of(read, k=3)
    assert np.array_equal(again.problem.weights, problem.weights)
    assert np.array_equal(again.problem.edges, problem.edges)
    assert (again.problem.lower, again.problem.upper) == (problem.lower, problem.upper)
    plan = np.arange(20) % 3
    assert again.problem.evaluate(plan) == pytest.approx(problem.evaluate(plan), rel=1e-4)
    assert again.geography.edge_lengths == pytest.approx(lengths, abs=1e-3)


def test_polygons_share_borders_and_corners_by_contiguity(tmp_path: Path) -> None:
    """Rook joins over borders only, queen over corners too."""
    path = polygons(tmp_path)
    assert pairs(read_unit_graph(path, ReadOptions(contiguity="queen"))) == {("A", "B"), ("B", "C")}
    with pytest.raises(ValueError, match=r"2 parts.*unit C: 3 residents.*--join-parts"):
        read_unit_graph(path)


def test_barriers_of_a_geopackage_part_units(tmp_path: Path) -> None:
    """A line that nobody can cross parts the units on both sides; one that can be does not."""
    path = polygons(tmp_path)
    wall = gpd.GeoDataFrame(
        {"crossable": [False]}, geometry=[shapely.LineString([(10, 0), (10, 10)])], crs="EPSG:3826"
    )
    wall.to_file(path, layer="barriers")
    with pytest.raises(ValueError, match="falls into 3 parts"):
        read_unit_graph(path)
    wall.assign(crossable=True).to_file(path, layer="barriers")
    assert pairs(read_unit_graph(path, ReadOptions(join_parts=True))) == {("A", "B"), ("B", "C")}


def test_joined_parts_are_the_nearest_and_named(tmp_path: Path) -> None:
    """The shortest link joins parts, has no length, and is told."""
    read = read_unit_graph(polygons(tmp_path), ReadOptions(join_parts=True))
    assert read.joined == (("B", "C"),)
    assert read.raw.lengths is not None
    assert read.raw.lengths.tolist() == [10, 0]


def test_degrees_are_measured_in_metres(tmp_path: Path) -> None:
    """Polygons in longitude and latitude have borders and areas in metres."""
    frame = gpd.read_file(polygons(tmp_path), layer="units").to_crs(4326)
    frame.to_file(tmp_path / "units.geojson")
    read = read_unit_graph(tmp_path / "units.geojson", ReadOptions(join_parts=True))
    assert read.raw.lengths is not None
    assert read.raw.area is not None
    assert read.raw.lengths[0] == pytest.approx(10, rel=2e-3)
    assert read.raw.area == pytest.approx(100, rel=2e-3)
    assert any("UTM" in warning for warning in read.warnings)


def test_rows_are_chosen_by_a_condition(tmp_path: Path) -> None:
    """Only the rows that meet the condition are read."""
    read = read_unit_graph(polygons(tmp_path), ReadOptions(where="unit_id <> 'C'"))
    assert read.ids == ("A", "B")


def test_bridges_and_cuts_change_the_graph(tmp_path: Path) -> None:
    """A bridge joins, a cut parts, and the border that was cut becomes an outer one."""
    path = polygons(tmp_path)
    table = tmp_path / "edges.csv"
    table.write_text(
        "unit_a,unit_b,action,length_m\nC,B,add,4\nC,A,add,\nA,B,remove,\n", encoding="utf-8"
    )
    changes = read_edge_changes(table)
    assert changes[0] == EdgeChange("C", "B", "add", 4.0, "edges.csv, line 2")
    read = read_unit_graph(path, ReadOptions(edges=changes))
    assert pairs(read) == {("A", "C"), ("B", "C")}
    assert read.raw.lengths is not None
    assert read.raw.outer_perimeter is not None
    assert read.raw.lengths.tolist() == [0, 4]
    assert read.raw.outer_perimeter.tolist() == [40, 40, 40]


def test_a_name_that_does_not_tell_units_apart_is_passed_over(tmp_path: Path) -> None:
    """A usual column with doubles is passed over with a warning; unit_id and --id bind."""
    record = nx.node_link_data(grid(), edges="links")
    for node in record["nodes"]:
        node["geoid"] = "7"
    path = write(tmp_path, record)
    read = read_unit_graph(path)
    assert read.ids[0] == "a0"
    assert "geoid" in read.warnings[0]
    with pytest.raises(ValueError, match=r'column geoid: 5 ids given twice \("7" in nodes 0 and 1'):
        read_unit_graph(path, ReadOptions(id_column="geoid"))


def test_several_weights_have_their_own_bounds(tmp_path: Path) -> None:
    """Columns are balanced each by its own tolerance, a single one holds for all."""
    path = polygons(tmp_path, households=[4, 4, 4])
    options = ReadOptions(weights=("residents", "households"), join_parts=True)
    read = read_unit_graph(path, options)
    each = balance_of(read, Balance(tolerance=(0.5, 0.25)), 2)
    assert (each.lower.tolist(), each.upper.tolist()) == ([2, 5], [4, 7])
    both = balance_of(read, Balance(tolerance=(0.5,), upper=(3.0,)), 2)
    assert (both.lower.tolist(), both.upper.tolist()) == ([2, 3], [3, 9])


def test_possible_numbers_are_those_that_the_totals_fit(tmp_path: Path) -> None:
    """Sixty residents in districts of 15 to 25 make three or four districts."""
    asked = Balance(lower=(15.0,), upper=(25.0,))
    assert possible_numbers(read_grid(tmp_path), asked, range(1, 7)) == [3, 4]


def test_units_that_stay_together_are_one_node(tmp_path: Path) -> None:
    """A group weighs what its units weigh, keeps every border, and the plan is expanded again."""
    units = units_of(read_grid(tmp_path), RuleBook(together=(("a0", "a1", "b1"),)))
    problem = units.problem
    assert problem.num_nodes == 4
    assert sorted(problem.weights[:, 0].tolist()) == [10, 10, 10, 30]
    plan = units.groups[[units.graph.row_of[u] for u in ("b0", "a0", "a2", "b2")]]
    districts = np.empty(4, dtype=np.int64)
    districts[plan] = [0, 0, 1, 1]
    by_unit = dict(zip(units.graph.ids, units.to_units(districts).tolist(), strict=True))
    assert by_unit == {"a0": 0, "b0": 0, "a1": 0, "b1": 0, "a2": 1, "b2": 1}
    assert measure_named("cut-edges", units.geography).evaluate(problem, districts) == 2
    assert measure_named("border", units.geography).evaluate(problem, districts) == 10


def test_a_group_has_the_inertia_of_its_units(tmp_path: Path) -> None:
    """By points and by hops alike, a group costs what its units cost about its own centre."""
    book = RuleBook(together=(("a0", "a1"),))
    graph = read_grid(tmp_path)
    metres = units_of(graph, book).problem
    one_district = np.zeros(metres.num_nodes, dtype=np.int64)
    centre = units_of(graph, book).representatives[metres.centres(one_district)[0]]
    points = np.array([[x, y] for x in (0, 1, 2) for y in (0, 1)]) * 100.0
    expected = 10 * np.square(points - points[centre]).sum() / 1e6
    assert metres.evaluate(one_district) == pytest.approx(expected)
    bounds = balance_of(graph, Balance(), 2)
    hops = UnitProblem(graph, book, bounds, 2, "hops")
    best = hops.representatives[hops.problem.centres(one_district)[0]]
    away = nx.single_source_shortest_path_length(grid(), graph.ids[best])
    assert hops.problem.evaluate(one_district) == 10 * sum(away.values())


def test_rules_by_id_become_rules_by_node(tmp_path: Path) -> None:
    """Locks, bans, seats, pairs and own bounds are those of the nodes and districts named."""
    text = """
        apart = [["a0", "a2"]]
        together = [["b1", "b2"]]
        [locked]
        b1 = 1
        [forbidden]
        a0 = [1]
        [seats]
        0 = "b0"
        [districts.1]
        lower = 20
        upper = { residents = 45 }
        """
    (tmp_path / "rules.toml").write_text(text, encoding="utf-8")
    book = read_rule_book(tmp_path / "rules.toml")
    units = units_of(read_grid(tmp_path), book, lower=(10.0,), upper=(30.0,))
    rules, node = units.problem.rules, units.groups
    row = units.graph.row_of
    assert rules is not None
    assert rules.locked is not None
    assert rules.forbidden is not None
    assert rules.seats is not None
    assert rules.apart is not None
    assert rules.locked[node[row["b2"]]] == 1
    assert np.argwhere(rules.forbidden).tolist() == [[node[row["a0"]], 1]]
    assert rules.seats.tolist() == [node[row["b0"]], -1]
    assert rules.apart.tolist() == [sorted([node[row["a0"]], node[row["a2"]]])]
    assert units.problem.district_lower.tolist() == [[10], [20]]
    assert units.problem.district_upper.tolist() == [[30], [45]]
    assert RuleBook.from_record(book.as_record(), "record").as_record() == book.as_record()


def test_rules_from_a_table_are_those_from_toml(tmp_path: Path) -> None:
    """CSV says the same in lines of rule, subject and value."""
    (tmp_path / "rules.csv").write_text(
        "rule,subject,value\nlocked,b1,1\nforbidden,a0,1\nseat,b0,0\napart,a0,a2\n"
        "together,b1,b2\nlower,1,20\nupper,1,45\n",
        encoding="utf-8",
    )
    assert read_rule_book(tmp_path / "rules.csv").as_record() == {
        "locked": {"b1": 1},
        "forbidden": {"a0": [1]},
        "seats": {"0": "b0"},
        "apart": [["a0", "a2"]],
        "together": [["b1", "b2"]],
        "districts": {"1": {"lower": 20.0, "upper": 45.0}},
    }


CONTRADICTIONS = {
    "both be together": ({"together": [["a0", "a1"]], "apart": [["a0", "a1"]]}, "both together"),
    "two locks": ({"together": [["a0", "a1"]], "locked": {"a0": 0, "a1": 1}}, "locked to both"),
    "lock and ban": ({"locked": {"a0": 0}, "forbidden": {"a0": [0]}}, "leave no district"),
    "apart in one": ({"locked": {"a0": 0, "a1": 0}, "apart": [["a0", "a1"]]}, "to be apart"),
    "two seats": ({"seats": {"0": "a0", "1": "a0"}}, "seat of two districts"),
    "far apart": ({"together": [["a0", "b2"]]}, "do not touch"),
    "own bounds": ({"districts": {"0": {"lower": 50, "upper": 40}}}, "at least 50 and at most 40"),
    "no district": ({"locked": {"a0": 2}}, "there is no district 2"),
    "no unit": ({"locked": {"a9": 0}}, "no unit 'a9'"),
    "no weight": ({"districts": {"0": {"lower": {"dogs": 1}}}}, "bounds on 'dogs'"),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_contradicting_rules_are_refused(name: str, tmp_path: Path) -> None:
    """Rules that no plan can keep, or that name nothing, are refused with the rule."""
    record, words = CONTRADICTIONS[name]
    units = units_of(read_grid(tmp_path), RuleBook.from_record(record, "r.toml"), tolerance=(0.5,))
    with pytest.raises(ValueError, match=rf"r\.toml.*{words}"):
        _ = units.problem


def test_the_distance_of_a_state_is_that_of_its_recipe(tmp_path: Path) -> None:
    """Kilometres, miles or hops, as the file words it; k, L and U too."""
    state = {
        "k": 2,
        "L": 9,
        "U": 14,
        "nodes": [
            {"geoid": "01", "name": "North", "pop": 10, "x": 0, "y": 0, "lon": 0, "lat": 0},
            {"geoid": "02", "name": "South", "pop": 13, "x": 0, "y": 1600, "lon": 0, "lat": 1},
        ],
        "edges": [[0, 1, 0.5]],
    }
    hops = read_unit_graph(write(tmp_path, state))
    assert (hops.ids, hops.labels[0]) == (("01", "02"), "unit 01 (North)")
    assert hops.default_distance == "hops"
    problem = units_of(hops).problem
    assert (problem.lower.tolist(), problem.upper.tolist()) == ([9], [14])
    assert problem.costs.tolist() == [[0, 10], [13, 0]]
    for recipe, distance, cost in (
        ("round km", "kilometres", 13 * 4 / 1e6),
        ("geodesic miles", "miles", 13 * 68.7**2),
    ):
        read = read_unit_graph(write(tmp_path, state | {"distance_recipe": recipe}))
        assert read.default_distance == distance
        assert units_of(read).problem.costs[1, 0] == pytest.approx(cost, rel=1e-3)


def test_published_files_are_read_as_they_are(shared_data: Path) -> None:
    """Counties, perturbed counties, tracts, the tutorial, grids and GeoJSON have their sizes."""
    folder = shared_data / "districting"
    sizes = {
        "county2010/ID.json": (44, 102, "kilometres"),
        "county2020/ID.json": (44, 102, "hops"),
        "tract2010/NM.json": (499, 1335, "kilometres"),
        "ok_county_2020_tutorial/OK.json": (77, 195, "miles"),
        "gerrychain/gerrymandria.json": (64, 112, "euclidean"),
        "redist/fl25.geojson": (25, 51, "metres"),
    }
    for name, size in sizes.items():
        read = read_unit_graph(folder / name)
        assert (read.num_units, read.num_edges, read.default_distance) == size, name
    perturbed = folder / "county2010_perturbed" / "ID.json"
    read = read_unit_graph(perturbed, ReadOptions(instance=0))
    assert read.raw.asked.num_districts == 2
    with pytest.raises(ValueError, match="holds 10 instances; choose one with --instance 0 to 9"):
        read_unit_graph(perturbed)
