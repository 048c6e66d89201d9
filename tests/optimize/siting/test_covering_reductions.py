"""Reductions and bounds of the covering engines."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from shequ.instances.readers.distances import covers_within
from shequ.models.formulation import ModelBuilder
from shequ.optimize.siting.classic.covering.dominance import dominated_rows, dominated_sites
from shequ.optimize.siting.classic.covering.merge import RowMerger, merge_clients, merge_points
from shequ.optimize.siting.classic.covering.model_bounds import dual_bound


@pytest.mark.parametrize("seed", range(20))
def test_clients_with_equal_sets_are_merged(seed: int) -> None:
    """Against a dictionary of sets; also when there is room for few groups at first."""
    rng = np.random.default_rng(seed)
    pairs = rng.random((3000, 12)) < 0.4
    weights = rng.integers(0, 5, 3000).astype(float)
    merged, group = merge_clients(sparse.csr_array(pairs.astype(float)), weights)
    expected: dict[bytes, float] = {}
    for row, weight in zip(pairs, weights, strict=True):
        expected[row.tobytes()] = expected.get(row.tobytes(), 0.0) + weight
    found = (merged.covers.toarray() > 0)[group]
    assert (found == pairs).all()
    assert len(expected) == merged.weights.size
    totals = [expected[row.tobytes()] for row in merged.covers.toarray() > 0]
    assert merged.weights.tolist() == totals


def test_points_in_batches_are_the_same_problem() -> None:
    """However the clients are cut into batches, as if all were held at once."""
    rng = np.random.default_rng(3)
    clients, sites = rng.uniform(0, 9, (5000, 2)), rng.uniform(0, 9, (40, 2))
    weights = rng.integers(1, 9, 5000).astype(float)
    cuts = [slice(0, 7), slice(7, 7), slice(7, 3000), slice(3000, 5000)]
    streamed = merge_points(((clients[c], weights[c]) for c in cuts), sites, radius=1.5)
    held, _ = merge_clients(covers_within(clients, sites, radius=1.5), weights)
    assert streamed.num_clients == 5000
    assert (streamed.covers != held.covers).nnz == 0
    assert streamed.weights == pytest.approx(held.weights)


def test_a_point_at_exactly_the_radius_is_covered() -> None:
    """The radius itself counts, as in the other forms of distances."""
    batch = (np.array([[3.0, 4.0], [3.0, 4.1]]), np.ones(2))
    merged = merge_points([batch], np.array([[0.0, 0.0]]), radius=5.0)
    assert merged.covers.toarray().tolist() == [[1.0], [0.0]]


@pytest.mark.parametrize(
    ("points", "weights", "radius", "message"),
    [
        (np.zeros((2, 2)), np.ones(3), 1.0, "points of shape"),
        (np.zeros((2, 2)), np.array([1.0, -2.0]), 1.0, r"weights\[1\] of a batch is -2.0"),
        (np.array([[0.0, np.nan]]), np.ones(1), 1.0, r"clients\[0\] of a batch"),
        (np.zeros((1, 2)), np.ones(1), 0.0, "radius is 0.0"),
    ],
)
def test_batches_that_do_not_fit_are_refused(
    points: np.ndarray, weights: np.ndarray, radius: float, message: str
) -> None:
    """Each message names the entry."""
    with pytest.raises(ValueError, match=message):
        merge_points([(points, weights)], np.zeros((1, 2)), radius=radius)


def test_groups_without_weights_keep_their_order() -> None:
    """Groups are numbered as they appear, over all batches."""
    merger = RowMerger(3)
    assert merger.add(np.array([0, 2, 2]), np.array([0, 2])).tolist() == [0, 1]
    assert merger.add(np.array([0, 0, 2, 3]), np.array([0, 2, 1])).tolist() == [1, 0, 2]


@pytest.mark.parametrize("seed", range(30))
def test_dominated_rows_and_sites(seed: int) -> None:
    """Against plain comparison of sets; of equal ones exactly the first stays."""
    rng = np.random.default_rng(seed)
    pairs = rng.random((12, 10)) < 0.35
    covers = sparse.csr_array(pairs.astype(float))
    costs = rng.integers(1, 4, 10).astype(float)
    rows = dominated_rows(covers)
    for i, row in enumerate(pairs):
        inside = [
            k
            for k in range(12)
            if k != i and pairs[k].any() and not (pairs[k] & ~row).any()
            if (pairs[k] != row).any() or k < i
        ]
        assert rows[i] == bool(inside)
    beaten = dominated_sites(covers, costs, keep=np.array([4]))
    for j, column in enumerate(pairs.T):
        better = [
            k
            for k in range(10)
            if k != j and not (column & ~pairs[:, k]).any() and costs[k] <= costs[j]
            if (pairs[:, k] != column).any() or costs[k] < costs[j] or k < j
            if 4 not in (j, k)
        ]
        assert beaten[j] == (bool(better) and bool(column.any()))


def test_any_duals_give_a_bound() -> None:
    """Even duals of the wrong sign: the bound is worse, not wrong."""
    rng = np.random.default_rng(2)
    for maximize in (False, True):
        builder = ModelBuilder(maximize=maximize)
        columns = builder.add_columns(rng.normal(size=4), upper=1, integer=True)
        builder.add_rows([0, 0, 1, 1], columns, [1.0, 1.0, 1.0, -1.0], lower=[1, -1], upper=[2, 0])
        model = builder.build()
        values = [
            model.evaluate(point)
            for point in np.array(np.meshgrid(*[[0.0, 1.0]] * 4)).reshape(4, -1).T
            if not model.violations(point)
        ]
        best = max(values) if maximize else min(values)
        for _ in range(50):
            bound = dual_bound(model, rng.normal(size=2)).value
            assert (bound >= best) if maximize else (bound <= best)
