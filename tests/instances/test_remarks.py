"""What a planner is told of units that should stay together and do not touch."""

import geopandas as gpd
from shequ.instances import remarks
from shequ.instances.city import build_city
from shequ.instances.policy import Policy

Layers = dict[str, gpd.GeoDataFrame]


def _groups(layers: Layers, policy: Policy) -> list[str]:
    """Return the warnings of groups that are not connected."""
    said = map(str, build_city(layers, policy).warnings)
    return [text for text in said if "split.keep_together" in text]


def _split_all(**values: object) -> Policy:
    """Return a policy under which every community of the grid is split."""
    tiers = {"split.mandatory_residents": 200, "split.gradual_residents": 200}
    return Policy().with_values({**tiers, **values})


def test_group_in_parts_is_told(grid):
    """An estate on two plots that do not touch is told with its name."""
    grid["units"]["estate_id"] = ["E1", "E2", None, None, "E2", None, "E1", "", ""]
    found = _groups(grid, _split_all())
    assert found == [
        (
            "units: 1 group of split.keep_together in parts that do not touch (estate_id E1: 2 "
            "parts in community A); their connected parts each stay together."
        )
    ]


def test_connected_groups_are_not_told(grid):
    """Groups whose units touch, and those that only share a value across communities, are good."""
    grid["units"]["estate_id"] = ["E1", None, "E1", "E1", None, None, None, None, None]
    assert _groups(grid, _split_all()) == []


def test_group_of_a_community_that_stays_whole_is_not_told(grid):
    """Where nothing is split nothing can be separated."""
    grid["units"]["estate_id"] = ["E1", None, None, None, None, None, "E1", None, None]
    assert _groups(grid, Policy()) == []


def test_groups_of_any_column_are_told(grid):
    """Columns that the policy names are looked at as the estates are."""
    grid["units"]["plot"] = [7, 0, 1, 2, 3, 4, 7, 5, 6]
    policy = _split_all(**{"split.keep_together": ["plot"]})
    assert "(plot 7: 2 parts in community A)" in _groups(grid, policy)[0]


def test_groups_across_a_street_are_connected_within_the_gap(grid):
    """Units count as neighbours across the gap that the policy allows."""
    units = grid["units"]
    units["estate_id"] = ["E1", "E1", *[None] * 7]
    grid["units"] = units.set_geometry(units.buffer(-5, join_style="mitre"))
    assert len(_groups(grid, _split_all())) == 1
    assert _groups(grid, _split_all(**{"split.connect_gap_m": 15})) == []


def test_neighbours_are_found_once(grid, monkeypatch):
    """The two remarks on connection share one search for neighbours."""
    calls = []
    search = remarks.shared_borders
    monkeypatch.setattr(
        remarks, "shared_borders", lambda *a, **k: calls.append(1) or search(*a, **k)
    )
    grid["units"]["estate_id"] = "E1"
    build_city(grid, _split_all())
    assert len(calls) == 1
