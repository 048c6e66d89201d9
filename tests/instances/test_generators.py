"""Seeded point fields and district graphs: reproducible, sensible, feasible."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shapely
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay
from shequ.instances.synthetic.district_graphs import voronoi_districting
from shequ.instances.synthetic.point_fields import (
    PointField,
    make_capacitated_p_median,
    make_fixed_charge,
    make_maximal_covering,
    make_p_center,
    make_p_median,
    make_set_covering,
    point_field,
)
from shequ.models.siting.fixed_charge import fixed_charge_model
from shequ.optimize.limits import Limits
from shequ.optimize.result import Status
from shequ.optimize.solvers import solve_model


def packs(demand: np.ndarray, capacity: np.ndarray) -> bool:
    """Whether whole demands, in falling order, each find a site with room."""
    room = capacity.copy()
    for amount in np.sort(demand)[::-1]:
        site = int(np.argmax(room))
        if room[site] < amount:
            return False
        room[site] -= amount
    return True


def arrays(problem: Any) -> dict[str, np.ndarray]:  # noqa: ANN401 - any problem of the suite
    """Arrays of a problem, by name."""
    values = {field.name: getattr(problem, field.name) for field in dataclasses.fields(problem)}
    return {
        name: value.toarray() if hasattr(value, "toarray") else np.asarray(value)
        for name, value in values.items()
        if value is not None
    }


MAKERS: dict[str, Any] = {
    "p_median": lambda field: make_p_median(field, p=3),
    "p_center": lambda field: make_p_center(field, p=3),
    "set_covering": lambda field: make_set_covering(field, radius=90, unit_costs=False),
    "maximal_covering": lambda field: make_maximal_covering(field, radius=90, p=3),
    "uncapacitated": lambda field: make_fixed_charge(field, kind="uncapacitated"),
    "split": lambda field: make_fixed_charge(field, kind="split"),
    "single_source": lambda field: make_fixed_charge(field, kind="single-source"),
    "capacitated_p_median": lambda field: make_capacitated_p_median(field, p=3),
}


@pytest.mark.parametrize("name", MAKERS)
def test_same_seed_same_arrays(name: str) -> None:
    """Every problem is a function of its seed, and another seed gives another problem."""
    first, again, other = (
        arrays(MAKERS[name](point_field(60, seed=seed, num_sites=12))) for seed in (4, 4, 5)
    )
    assert first.keys() == again.keys()
    assert all(np.array_equal(first[key], again[key]) for key in first)
    assert any(not np.array_equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize("name", MAKERS)
def test_problems_have_the_size_of_the_field(name: str) -> None:
    """Clients and sites of a problem are those of the field."""
    problem = MAKERS[name](point_field(60, seed=4, num_sites=12))
    assert (problem.num_clients, problem.num_sites) == (60, 12)


def test_sites_are_clients_unless_drawn() -> None:
    """Without a number of sites there is one at every client."""
    field = point_field(50, seed=2)
    assert np.array_equal(field.sites, field.clients)
    assert np.diag(make_p_median(field, p=2).distances).max() == 0


def test_points_lie_in_the_square_and_cluster() -> None:
    """Clustered points have nearer neighbours than uniform ones; none lies outside."""

    def spacing(clusters: int) -> float:
        points = point_field(400, seed=1, clusters=clusters).clients
        assert points.min() >= 0
        assert points.max() <= 1000
        gaps = np.linalg.norm(points[:, None] - points[None], axis=2) + np.diag([1e9] * 400)
        return float(np.median(gaps.min(axis=1)))

    assert spacing(5) < 0.7 * spacing(0)


def test_set_covering_is_feasible_however_small_the_radius() -> None:
    """Clients that no site would cover are covered by their nearest one only."""
    field = point_field(80, seed=3, num_sites=5)
    problem = make_set_covering(field, radius=1e-6)
    assert np.array_equal(np.diff(problem.covers.indptr), np.ones(80))
    assert np.array_equal(problem.covers.indices, field.distances().argmin(axis=1))
    assert set(problem.costs) == {1.0}


def test_covers_are_those_of_the_distances() -> None:
    """A client is covered by the sites within the radius and by no other."""
    field = point_field(80, seed=3, num_sites=20)
    problem = make_maximal_covering(field, radius=150, p=2)
    assert np.array_equal(problem.covers.toarray() > 0, field.distances() <= 150)


@pytest.mark.parametrize("ratio", [1.5, 3.0, 10.0])
def test_capacity_keeps_its_ratio_to_demand(ratio: float) -> None:
    """Total capacity is the wanted multiple of demand, and no site is too small for a client."""
    problem = make_fixed_charge(point_field(500, seed=6, num_sites=25), ratio=ratio)
    assert problem.capacity is not None
    assert problem.capacity.sum() / problem.demand.sum() == pytest.approx(ratio, rel=0.05)
    assert problem.capacity.min() >= problem.demand.max()


def test_fixed_charges_balance_serving() -> None:
    """The best plan opens some sites, neither one nor nearly all."""
    problem = make_fixed_charge(point_field(200, seed=6, num_sites=40), kind="uncapacitated")
    built = fixed_charge_model(problem)
    result = solve_model(built.model, limits=Limits(seconds=20))
    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert 2 <= built.decode(result.solution).is_open.sum() <= 20


@pytest.mark.parametrize("seed", range(5))
def test_single_source_packs(seed: int) -> None:
    """Whole clients fit into the sites."""
    problem = make_fixed_charge(
        point_field(90, seed=seed, num_sites=30), kind="single-source", ratio=1.5
    )
    assert problem.single_source
    assert problem.capacity is not None
    assert packs(problem.demand, problem.capacity)


@pytest.mark.parametrize("p", [1, 5, 20, 50])
def test_capacitated_p_median_packs(p: int) -> None:
    """Any p sites can hold whole clients, however many are opened."""
    problem = make_capacitated_p_median(point_field(50, seed=9), p=p, tightness=0.95)
    assert packs(problem.demand, problem.capacity[:p])
    assert problem.demand.sum() / problem.capacity[:p].sum() <= 0.95 + 1e-9


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda _: point_field(0, seed=1), "at least 1 point"),
        (lambda field: make_fixed_charge(field, ratio=0.5), "ratio of at least 1"),
        (lambda field: make_fixed_charge(field, kind="other"), "kind"),
        (lambda field: make_capacitated_p_median(field, p=99), "p from 1 to 10"),
        (lambda field: make_capacitated_p_median(field, p=2, tightness=0), "tightness"),
    ],
)
def test_senseless_wishes_are_refused(make: Callable[[PointField], object], message: str) -> None:
    """Numbers that make no problem are named."""
    field: PointField = point_field(10, seed=1)
    with pytest.raises(ValueError, match=message):
        make(field)


def test_large_covering_is_never_dense() -> None:
    """100,000 clients and 1,000 sites are a sparse matrix with a few per cent of the pairs."""
    problem = make_maximal_covering(
        point_field(100_000, seed=1, num_sites=1000, clusters=40), radius=20, p=10
    )
    assert 0 < problem.covers.nnz < 0.05 * 100_000 * 1000


@pytest.mark.parametrize("num_units", [2, 7, 60, 400])
def test_district_graph_is_connected_and_planar(num_units: int) -> None:
    """Cells hang together, an edge comes once, and there are at most 3n - 6 of them."""
    problem, lengths = voronoi_districting(num_units, 2, seed=5)
    assert connected_components(problem.graph, directed=False)[0] == 1
    assert np.unique(problem.edges, axis=0).shape == problem.edges.shape
    assert len(problem.edges) <= max(1, 3 * num_units - 6)
    assert (problem.edges[:, 0] < problem.edges[:, 1]).all()
    assert lengths.shape == (len(problem.edges),)
    assert (lengths > 0).all()


def test_borders_are_those_of_clipped_cells() -> None:
    """Edges and lengths agree with Voronoi polygons clipped to the square by shapely."""
    problem, lengths = voronoi_districting(40, 4, seed=8)
    square = shapely.box(0, 0, 200 * 40**0.5, 200 * 40**0.5)
    cloud = shapely.MultiPoint(problem.location)
    cells = shapely.get_parts(shapely.voronoi_polygons(cloud, extend_to=square))
    cells = shapely.intersection(cells, square)
    place = shapely.STRtree(cells).query(shapely.points(problem.location), predicate="within")[1]
    first, second = cells[place][problem.edges.T]
    measured = shapely.length(shapely.intersection(first, second))
    assert measured == pytest.approx(lengths, abs=1e-6)
    total = shapely.length(cells).sum() - square.length
    assert 2 * lengths.sum() == pytest.approx(total, rel=1e-6)


def test_edges_are_delaunay_edges() -> None:
    """Neighbours in the square are neighbours in the plane."""
    problem, _ = voronoi_districting(80, 4, seed=8)
    triangles = np.sort(Delaunay(problem.location).simplices, axis=1)
    sides = {tuple(t[[i, j]].tolist()) for t in triangles for i, j in ((0, 1), (0, 2), (1, 2))}
    assert {tuple(edge) for edge in problem.edges.tolist()} <= sides


def test_district_graph_is_a_function_of_its_seed() -> None:
    """Same seed, same arrays; another seed, other ones."""
    first, again, other = (voronoi_districting(50, 3, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first[1], again[1])
    assert np.array_equal(first[0].weights, again[0].weights)
    assert np.array_equal(first[0].edges, again[0].edges)
    assert not np.array_equal(first[0].location, other[0].location)


def test_bounds_lie_within_the_tolerance() -> None:
    """Bounds are whole and at most 5 % from the mean."""
    problem, _ = voronoi_districting(50, 3, seed=1, tolerance=0.05)
    mean = problem.weights.sum() / 3
    assert 0.95 * mean <= problem.lower[0] < 0.95 * mean + 1
    assert 1.05 * mean - 1 < problem.upper[0] <= 1.05 * mean


def test_impossible_district_graphs_are_refused() -> None:
    """More districts than units, one unit or a negative tolerance make no problem."""
    for num_units, k, tolerance in ((1, 1, 0.1), (5, 6, 0.1), (5, 2, -0.1)):
        with pytest.raises(ValueError, match="units"):
            voronoi_districting(num_units, k, seed=1, tolerance=tolerance)
