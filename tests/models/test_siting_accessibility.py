"""Measures of access against sums over all pairs, and on cases worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import sparse
from shequ.models.siting.accessibility import (
    access_of,
    gini,
    mean_envy,
    mean_of_worst,
    share_within,
    two_step_floating_catchment,
    weighted_mean,
    weighted_percentile,
)


def one_by_one(minutes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the minutes of each resident, one entry each."""
    return np.repeat(minutes, weights.astype(int))


@pytest.mark.parametrize("seed", range(40))
def test_weighted_measures_are_those_of_single_residents(seed: int) -> None:
    """A client of weight 3 counts like three residents at its place."""
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 9))
    minutes = rng.integers(0, 10, size).astype(float)
    weights = rng.integers(0, 4, size).astype(float)
    weights[0] += 1
    people = one_by_one(minutes, weights)
    difference = people[:, None] - people
    assert weighted_mean(minutes, weights) == pytest.approx(people.mean())
    assert mean_envy(minutes, weights) == pytest.approx(np.maximum(difference, 0).mean())
    expected = np.abs(difference).mean() / (2 * people.mean()) if people.any() else 0.0
    assert gini(minutes, weights) == pytest.approx(expected)
    assert share_within(minutes, weights, reach=4) == pytest.approx((people <= 4).mean())
    rank = int(np.ceil(0.95 * people.size)) - 1
    assert weighted_percentile(minutes, weights, share=0.95) == np.sort(people)[rank]
    count = max(1, people.size // 2)
    worst = mean_of_worst(minutes, weights, share=count / people.size)
    assert worst == pytest.approx(np.sort(people)[-count:].mean())


def test_the_worst_share_takes_part_of_a_client() -> None:
    """Of ten residents, a quarter are two and a half: one at 8 and one and a half at 4."""
    minutes, weights = np.array([8.0, 4.0, 0.0]), np.array([1.0, 4.0, 5.0])
    assert mean_of_worst(minutes, weights, share=0.25) == pytest.approx((8 + 1.5 * 4) / 2.5)


def test_supply_is_shared_by_those_within_reach() -> None:
    """All supply that somebody reaches is handed out, none of it twice."""
    rng = np.random.default_rng(4)
    covers = sparse.csr_array((rng.random((30, 8)) < 0.3).astype(float))
    weights, supply = rng.integers(1, 9, 30).astype(float), rng.integers(0, 9, 8).astype(float)
    access = two_step_floating_catchment(covers, weights, supply)
    reached = covers.toarray().any(axis=0)
    assert weights @ access == pytest.approx(supply[reached].sum())
    plain = [
        sum(
            supply[j] / sum(weights[k] for k in range(30) if covers[k, j])
            for j in range(8)
            if covers[i, j]
        )
        for i in range(30)
    ]
    assert access == pytest.approx(plain)


def test_a_site_that_nobody_reaches_gives_nothing() -> None:
    """There is no division by nobody."""
    covers = sparse.csr_array(np.array([[1.0, 0.0]]))
    found = two_step_floating_catchment(covers, np.array([2.0]), np.array([3.0, 9.0]))
    assert found.tolist() == [1.5]


def test_who_has_no_site_is_out_of_reach() -> None:
    """Means are infinite, shares are not."""
    minutes, weights = np.array([3.0, np.inf]), np.array([3.0, 1.0])
    access = access_of(minutes, weights, reach=5)
    assert (access.share_in_reach, access.mean, access.envy) == (0.75, np.inf, np.inf)
    assert np.isnan(access.gini)
    assert access_of(minutes, np.array([3.0, 0.0])).mean == 3.0


BAD: dict[str, tuple[Callable[[], object], str]] = {
    "another shape": (lambda: weighted_mean(np.ones(2), np.ones(3)), "minutes has shape"),
    "negative minutes": (
        lambda: gini(np.array([1.0, -2.0]), np.ones(2)), r"minutes\[1\] is -2.0",
    ),
    "no number": (lambda: mean_envy(np.array([np.nan]), np.ones(1)), r"minutes\[0\] is nan"),
    "a negative weight": (
        lambda: weighted_mean(np.ones(2), np.array([1.0, -1.0])), r"weights\[1\] is -1.0",
    ),
    "nobody": (lambda: weighted_mean(np.ones(2), np.zeros(2)), "weights are all 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_numbers_that_make_no_sense_are_refused(name: str) -> None:
    """The message names the array and the value."""
    make, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        make()
