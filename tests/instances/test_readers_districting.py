"""Readers of districting instances: faults in small files, and the published values."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shequ.instances.readers import graph_json, polygons
from shequ.models.districting.hess import hess_model
from shequ.models.formulation import LinearModel
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model

STATE: dict[str, Any] = {
    "k": 2,
    "L": 10,
    "U": 20,
    "nodes": [
        {"pop": 10, "x": 0, "y": 0, "lon": 0, "lat": 0},
        {"pop": 4, "x": 1400, "y": 0, "lon": 0.01, "lat": 0},
        {"pop": 9, "x": 0, "y": 2600, "lon": 0, "lat": 0.02},
    ],
    "edges": [[0, 1, 0.5, 70.0], [1, 2, 0.25, 30.0]],
    "published": {"hess": 1.0},
}


def write(folder: Path, record: object, name: str = "state.json") -> Path:
    """Write a JSON file."""
    path = folder / name
    path.write_text(json.dumps(record))
    return path


def best(model: LinearModel) -> float:
    """Proven optimum of a model."""
    result = solve_model(model, limits=Limits(seconds=30))
    assert result.status is Status.OPTIMAL, result
    assert result.objective is not None
    return result.objective


@pytest.fixture(scope="session")
def states(shared_data: Path) -> Path:
    """Folder of published districting instances."""
    return shared_data / "districting"


def test_state_is_read_with_whole_kilometres(tmp_path: Path) -> None:
    """Costs are population · km² / 1e6 with rounded distances, borders in the last unit."""
    read = graph_json.read_districting(write(tmp_path, STATE))
    assert (read.costs * 1e6).tolist() == [[0, 10, 90], [4, 0, 36], [81, 81, 0]]
    assert read.border_lengths.tolist() == [70, 30]
    assert (read.problem.lower.tolist(), read.problem.upper.tolist()) == ([10], [20])
    assert read.evaluate(np.array([0, 0, 1])) == pytest.approx(4e-6)
    assert read.published == {"hess": 1.0}


def test_distances_of_the_file_come_first(tmp_path: Path) -> None:
    """A matrix dist_km is taken as it is; one of another shape is refused."""
    record = STATE | {"dist_km": [[0, 5, 0], [5, 0, 0], [0, 0, 0]]}
    assert graph_json.read_districting(write(tmp_path, record)).costs[0, 1] == 250 / 1e6
    with pytest.raises(ValueError, match=r"a field dist_km, numbers of shape \(3, 3\)"):
        graph_json.read_districting(write(tmp_path, STATE | {"dist_km": [[0, 5], [5, 0]]}))


def test_other_measures(tmp_path: Path) -> None:
    """Hops count edges; miles are geodesic; an unknown measure is refused."""
    path = write(tmp_path, STATE)
    hops = graph_json.read_districting(path, measure="hops")
    assert hops.costs.tolist() == [[0, 10, 20], [4, 0, 4], [18, 9, 0]]
    miles = graph_json.read_districting(path, measure="miles")
    assert miles.costs[0, 1] == pytest.approx(10 * (1113.1949 / 1609.344) ** 2)
    with pytest.raises(ValueError, match="measure is 'feet'"):
        graph_json.read_districting(path, measure="feet")  # type: ignore[arg-type]


def test_tolerance_replaces_the_bounds(tmp_path: Path) -> None:
    """L is rounded up and U down, and a whole bound stays itself."""
    problem = graph_json.read_districting(write(tmp_path, STATE), tolerance=0.1).problem
    assert (problem.lower.tolist(), problem.upper.tolist()) == ([11], [12])
    mass = np.full(64, 1.0)
    assert graph_json.balance_bounds(mass, num_districts=8, tolerance=0.0) == (8, 8)


def test_degrees_alone_give_metres(tmp_path: Path) -> None:
    """Without x and y the points come from degrees, and whole kilometres are refused."""
    record = deepcopy(STATE)
    for node in record["nodes"]:
        del node["x"], node["y"]
    path = write(tmp_path, record)
    points = graph_json.read_districting(path, measure="hops").problem.location
    assert points[1, 0] - points[0, 0] == pytest.approx(1113.2, abs=0.1)
    with pytest.raises(ValueError, match=r"state\.json, nodes\[0\]: expected x and y"):
        graph_json.read_districting(path)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("k",), "two", r"the file: expected a field k of type int, got 'two'"),
        (("nodes",), [], r"nodes: expected at least one element"),
        (("nodes", 1, "pop"), None, r"nodes\[1\]: expected a field pop, a number, got None"),
        (("edges", 1), [1, 3, 0.1], r"edges\[1\]: expected two nodes from 0 to 2"),
        (("edges", 0), [0], r"edges\[0\]: expected two nodes from 0 to 2"),
    ],
)
def test_faults_of_a_state(
    tmp_path: Path, place: tuple[str | int, ...], value: object, message: str
) -> None:
    """Every fault says where in the file it is and what was expected."""
    record: Any = deepcopy(STATE)
    inner = record
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(ValueError, match=rf"^state\.json, {message}"):
        graph_json.read_districting(write(tmp_path, record))


def test_broken_json_is_named_with_its_line(tmp_path: Path) -> None:
    """A file that is not JSON, or no object, is refused."""
    path = tmp_path / "state.json"
    path.write_text('{"k": 2,\n"L": }')
    with pytest.raises(ValueError, match=r"^state\.json, line 2: expected JSON"):
        graph_json.read_districting(path)
    path.write_text("[1]")
    with pytest.raises(ValueError, match="expected a JSON object"):
        graph_json.read_districting(path)


def test_perturbed_populations_keep_the_graph(tmp_path: Path) -> None:
    """Each instance has its own populations and bounds, the base's edges and distances."""
    (tmp_path / "base").mkdir()
    (tmp_path / "perturbed").mkdir()
    write(tmp_path / "base", STATE)
    instance = {"pop": [1, 2, 3], "k": 3, "L": 1, "U": 4, "lcut": "5.00"}
    record = {"base_instance": "base/state.json", "instances": [instance]}
    path = write(tmp_path / "perturbed", record)
    (read,) = graph_json.read_perturbed_districtings(path)
    assert read.problem.weights.ravel().tolist() == [1, 2, 3]
    assert (read.problem.num_districts, read.problem.upper.tolist()) == (3, [4])
    assert read.costs[0, 2] * 1e6 == 9
    assert read.published == {"k": 3, "L": 1, "U": 4, "lcut": "5.00"}
    instance["pop"] = [1, 2]
    with pytest.raises(ValueError, match=r"instances\[0\]: expected a field pop, numbers"):
        graph_json.read_perturbed_districtings(write(tmp_path / "perturbed", record))


def test_adjacency_lists_give_each_edge_once(tmp_path: Path) -> None:
    """Ids may be anything; an unknown one is refused."""
    nodes = [{"id": "b", "TOTPOP": 3, "x": 0, "y": 0}, {"id": "a", "TOTPOP": 5, "x": 0, "y": 2}]
    adjacency = [[{"id": "a", "shared_perim": 7}], [{"id": "b", "shared_perim": 7}]]
    record = {"nodes": nodes, "adjacency": adjacency}
    path = write(tmp_path, record)
    read = graph_json.read_adjacency_graph(path, num_districts=2, tolerance=0.5)
    assert read.problem.edges.tolist() == [[0, 1]]
    assert read.border_lengths.tolist() == [7]
    assert read.costs.tolist() == [[0, 12], [20, 0]]
    adjacency[1].append({"id": "c"})
    with pytest.raises(ValueError, match=r"adjacency\[1\]: expected an id of a node"):
        graph_json.read_adjacency_graph(write(tmp_path, record), num_districts=2, tolerance=0.5)


def test_polygons_that_meet_in_a_corner_are_no_neighbours(tmp_path: Path) -> None:
    """Only borders of some length count."""
    boxes = [(0, 0), (1, 0), (1, 1)]
    rings = [[[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]] for x, y in boxes]
    features: list[dict[str, Any]] = [
        {"properties": {"pop": 2}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
        for ring in rings
    ]
    path = write(tmp_path, {"features": features})
    read = polygons.read_polygon_districting(path, num_districts=2, tolerance=0.5)
    assert read.problem.edges.tolist() == [[0, 1], [1, 2]]
    assert read.border_lengths.tolist() == [1, 1]
    assert read.costs[0, 2] == pytest.approx(4)
    features[2]["geometry"] = None
    with pytest.raises(ValueError, match=r"features\[2\]: expected a geometry"):
        polygons.read_polygon_districting(
            write(tmp_path, {"features": features}), num_districts=2, tolerance=0.5
        )


# Published files


def test_published_county_plans_recompute(states: Path) -> None:
    """Every published plan has its published moment of inertia, and the contiguous ones fit."""
    checked = 0
    for path in sorted(states.glob("county2010/*.json")):
        read, record = graph_json.read_districting(path), json.loads(path.read_text())
        values = record.get("recomputed_moi_of_published_plans", {})
        for kind, plan in record.get("published_plans", {}).items():
            assignment = np.array(plan)
            assert read.evaluate(assignment) == pytest.approx(values[kind], abs=0.006)
            assert kind != "lcut" or read.problem.violations(assignment) == []
            checked += 1
    assert checked == 16


def test_costs_beside_the_problem_are_the_rounded_ones(states: Path) -> None:
    """Without rounding the problem's own costs differ, but by little."""
    read = graph_json.read_districting(states / "county2010/ID.json")
    own = read.problem.costs / 1e6
    assert not np.allclose(own, read.costs)
    assert own.sum() == pytest.approx(read.costs.sum(), rel=1e-3)


def test_hop_moment_has_its_published_optimum(states: Path) -> None:
    """The Hess model with hop costs, contiguous by itself here, gives the published value."""
    read = graph_json.read_districting(states / "county2020/ID.json", measure="hops")
    every = np.ones((44, 44), dtype=bool)
    hess = hess_model(read.problem, every)
    costs = read.costs[hess.node, hess.centre]
    model = LinearModel(**{**vars(hess.model), "costs": costs})
    assert best(model) == read.published["hop_moment_hess_shir"]["objective"]


def test_other_published_graphs(states: Path) -> None:
    """Tracts, perturbed counties, grids and the polygons of redist."""
    assert graph_json.read_districting(states / "tract2010/NM.json").costs.shape == (499, 499)
    perturbed = graph_json.read_perturbed_districtings(states / "county2010_perturbed/ID.json")
    assert [read.problem.num_districts for read in perturbed] == [2] * 10
    grid = states / "gerrychain/gerrymandria.json"
    read = graph_json.read_adjacency_graph(grid, num_districts=8, tolerance=0.0)
    assert (read.problem.num_nodes, len(read.problem.edges)) == (64, 112)
    truth = json.loads((states / "redist/fl25_ground_truth.json").read_text())
    path = states / "redist/fl25.geojson"
    fl25 = polygons.read_polygon_districting(path, num_districts=3, tolerance=0.01)
    assert sorted(fl25.problem.edges.tolist()) == sorted(truth["edges"])
