"""Distances in their three forms agree with one matrix, and refuse what is no distance."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.distances import (
    Distances,
    MatrixDistances,
    PointDistances,
    Rounding,
    SparseDistances,
    as_distances,
)


def check(distances: Distances, matrix: np.ndarray, seed: int) -> None:
    """Compare everything that distances tell with the matrix."""
    rng = np.random.default_rng(seed)
    clients, sites = (rng.integers(0, size, 6) for size in matrix.shape)
    assert distances.shape == matrix.shape
    np.testing.assert_allclose(distances.dense(), matrix)
    np.testing.assert_allclose(distances.of_pairs(clients, sites), matrix[clients, sites])
    some = np.unique(sites)
    np.testing.assert_allclose(distances.block(clients, some), matrix[np.ix_(clients, some)])
    for share in (0.0, 0.4, 1.0):
        is_open = rng.random(matrix.shape[1]) < share
        least = np.where(is_open, matrix, np.inf).min(axis=1)
        site, away = distances.nearest(is_open)
        np.testing.assert_allclose(away, least)
        assert np.array_equal(site >= 0, np.isfinite(least))
        served = np.flatnonzero(site >= 0)
        np.testing.assert_allclose(matrix[served, site[served]], least[served])


@pytest.mark.parametrize("seed", range(10))
def test_a_matrix_is_what_it_is(seed: int) -> None:
    """A matrix tells its own entries."""
    matrix = np.random.default_rng(seed).integers(0, 9, (7, 5)).astype(float)
    check(as_distances(matrix), matrix, seed)


@pytest.mark.parametrize("seed", range(10))
def test_pairs_that_are_missing_are_infinitely_far(seed: int) -> None:
    """Stored zeros are distances; what is not stored is out of reach."""
    rng = np.random.default_rng(seed)
    client, site = np.nonzero(rng.random((8, 6)) < 0.4)
    values = rng.integers(0, 4, client.size).astype(float)
    matrix = np.full((8, 6), np.inf)
    matrix[client, site] = values
    pairs = sparse.csr_array(sparse.coo_array((values, (client, site)), shape=(8, 6)))
    check(as_distances(pairs), matrix, seed)


@pytest.mark.parametrize("rounding", [None, "floor", "nearest", "ceiling"])
def test_points_round_as_they_are_told(rounding: Rounding) -> None:
    """Distances from points equal the rounded exact ones."""
    rng = np.random.default_rng(3)
    clients, sites = rng.random((9, 2)) * 50, rng.random((6, 2)) * 50
    exact = np.linalg.norm(clients[:, None] - sites, axis=2)
    rounds = {None: exact, "floor": np.floor(exact), "ceiling": np.ceil(exact)}
    matrix = rounds.get(rounding, np.floor(exact + 0.5))
    check(PointDistances(clients, sites, rounding), matrix, 3)


def test_what_is_no_distance_is_refused() -> None:
    """The message names the pair or the point."""
    with pytest.raises(ValueError, match=r"distances\[0, 1\] is nan"):
        MatrixDistances(np.array([[0.0, np.nan]]))
    with pytest.raises(ValueError, match=r"distances\[1, 2\] is -3"):
        SparseDistances(sparse.csr_array(np.array([[0.0, 1, 0], [0, 0, -3.0]])))
    with pytest.raises(ValueError, match=r"sites\[0, 1\] is inf"):
        PointDistances(np.zeros((1, 2)), np.array([[0.0, np.inf]]))
    with pytest.raises(ValueError, match="expected \\(points, 2\\)"):
        PointDistances(np.zeros((0, 2)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="at least one of each"):
        SparseDistances(sparse.csr_array((0, 3)))
