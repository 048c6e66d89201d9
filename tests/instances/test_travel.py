"""Minutes of the groups that get about, and the searches behind them."""

from __future__ import annotations

import numpy as np
import pytest
from shequ.instances import travel
from shequ.instances.city import City, build_city
from shequ.instances.policy import Policy
from shequ.instances.travel import GROUPS, CityWalks, group_speed_kmh, walking_times

POLICY = Policy()


@pytest.fixture
def city(grid) -> City:
    """City of nine units on a grid of streets."""
    return build_city(grid)


def test_groups_walk_at_their_own_speed(city):
    """Minutes of a group are those of an adult times the ratio of the speeds."""
    adult = walking_times(city, POLICY, limit_minutes=60).minutes.toarray()
    for group in GROUPS:
        found = walking_times(city, POLICY, limit_minutes=120, group=group).minutes.toarray()
        assert np.allclose(found, adult * 4.5 / group_speed_kmh(POLICY, group))


def test_own_minutes_of_an_edge_are_an_adults(grid):
    """The minutes that an edge has of its own are scaled by the speeds too."""
    grid["network"]["minutes"] = 2.0
    city = build_city(grid)
    adult = walking_times(city, POLICY).minutes.toarray()
    elderly = walking_times(city, POLICY, group="elderly", limit_minutes=60).minutes.toarray()
    legs = 2 * 50 * 2**0.5 / 75
    assert adult[1, 0] == pytest.approx(legs + 2 * 3)
    assert np.allclose(elderly[adult > 0], adult[adult > 0] * 4.5 / 3.2)


def test_without_a_network_groups_differ_too(grid):
    """Straight lines are walked at the speed of the group."""
    del grid["network"]
    city = build_city(grid)
    adult = walking_times(city, POLICY).minutes.toarray()
    cycling = walking_times(city, POLICY, group="cycling").minutes.toarray()
    assert np.allclose(cycling, adult * 4.5 / 14, atol=2e-6)


def test_an_unknown_group_is_named(city):
    """A group that is not known is refused with those that are."""
    with pytest.raises(
        ValueError, match='"runner" is no group that gets about; choose adult, elderly'
    ):
        walking_times(city, POLICY, group="runner")  # type: ignore[arg-type]


@pytest.mark.parametrize("group", GROUPS)
def test_a_smaller_limit_is_cut_from_the_search(city, group):
    """What is cut from a longer search is what a search of its own finds, to the last bit."""
    walks = CityWalks(city, POLICY, longest_minutes=30)
    for limit in (2.5, 5, 10):
        cut = walks.minutes(group, limit)
        own = walking_times(city, POLICY, limit_minutes=limit, group=group)
        assert cut.limit_minutes == limit
        assert (cut.minutes != own.minutes).nnz == 0
        assert cut.minutes.nnz == own.minutes.nnz


def test_a_group_is_searched_once(city, monkeypatch):
    """Limits below the largest so far need no search; a larger one needs one more."""
    searched: list[float] = []
    search = travel.walking_times

    def counted(*arguments: object, **options: float) -> object:
        searched.append(options["limit_minutes"])
        return search(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(travel, "walking_times", counted)
    walks = CityWalks(city, POLICY)
    for limit in (10, 5, None, 15, 20, 12):
        walks.minutes("elderly", limit)
    assert searched == [15, 20]
    walks.minutes("child", 5)
    assert searched == [15, 20, 15]
