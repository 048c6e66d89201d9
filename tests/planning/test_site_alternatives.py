"""Whole plans whose stations differ: verified folders, what is proven, and the comparison."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from shequ.instances.city import City, build_city
from shequ.instances.policy import Policy
from shequ.instances.synthetic import generate_city
from shequ.optimize.planning.site_alternatives import make_station_alternatives, siting_of
from shequ.outputs.alternatives_files import RECORD, TABLE
from shequ.outputs.compare.alternatives import run_station_alternatives
from shequ.outputs.reading import read_plan
from shequ.outputs.verify import verify_plan

POLICY = Policy().with_values({"split.seconds_per_community": 10.0})
NUMBER = 3


@pytest.fixture(scope="module")
def city() -> City:
    """Return a synthetic city of 30,000 residents, one of whose communities is split."""
    return build_city(generate_city(residents=30_000, seed=7), POLICY)


@pytest.fixture(scope="module", params=[False, True], ids=["stations", "both"])
def written(
    request: pytest.FixtureRequest, city: City, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Path], str]:
    """Write three plans with the same communities, and three with communities of their own."""
    folder = tmp_path_factory.mktemp("alternatives")
    text, folders = run_station_alternatives(
        city, POLICY, folder, number=NUMBER, within=0.1, differ=0.05, new_splits=request.param
    )
    return folder, folders, text


def test_every_plan_is_verified(written: tuple[Path, list[Path], str]) -> None:
    """Each folder holds a whole plan that passes every check."""
    _, folders, _ = written
    assert [path.name for path in folders] == ["plan-1", "plan-2", "plan-3"]
    for path in folders:
        assert verify_plan(path).findings == ()


def test_plans_cost_little_more_and_share_few_stations(
    written: tuple[Path, list[Path], str],
) -> None:
    """What the record says of cost and shared stations is what the written plans hold."""
    folder, folders, _ = written
    rows = json.loads((folder / RECORD).read_text(encoding="utf-8"))["plans"]
    opened = []
    for path, row in zip(folders, rows, strict=True):
        layer = read_plan(path).facilities
        new = set(layer.loc[layer["action"] == "opened", "site_id"])
        assert row["cost"] == pytest.approx(layer["cost"].sum())
        assert row["cost"] <= row["most_cost"] * (1 + 1e-6)
        assert row["opened"] == len(new)
        assert row["shared_with"] == [len(new & other) for other in opened]
        assert all(len(new & other) < len(other) for other in opened)
        opened.append(new)
    for row in rows[1:]:
        assert row["shared"]["status"] == "optimal"
        assert row["shared"]["objective"] == sum(row["shared_with"])
        assert row["walking_of_these"]["status"] == "optimal"


def test_a_further_plan_stands_against_the_bound_on_all(
    written: tuple[Path, list[Path], str],
) -> None:
    """In its own record a further plan is called feasible, with the bound on the cheapest."""
    _, folders, _ = written
    for path in folders[1:]:
        siting = read_plan(path).record["siting"]
        assert siting["cost"]["status"] == "feasible"
        assert siting["cost"]["bound"] == siting["lowest"]["bound"]
        assert siting["walking"]["bound"] <= siting["walking"]["objective"] * (1 + 1e-6)


def test_table_and_comparison_lie_beside_the_plans(
    written: tuple[Path, list[Path], str],
) -> None:
    """One row a plan, one page over all, and a text that says what is proven."""
    folder, folders, text = written
    assert len(pd.read_csv(folder / TABLE)) == len(folders)
    page = (folder / "compare.html").read_text(encoding="utf-8")
    assert all(path.name in page for path in folders)
    assert text.count("fewest shared proven") == NUMBER - 1


def test_what_other_stations_leave_unmet_is_listed_anew(city: City, tmp_path: Path) -> None:
    """Where reach cannot be met the list tells how far the stations of that very plan are."""
    policy = POLICY.with_values({"siting.reach_minutes": 4})
    _, folders = run_station_alternatives(city, policy, tmp_path, number=2, within=0.3, differ=0.01)
    assert len(folders) == 2
    for path in folders:
        assert read_plan(path).record["shortfalls"]
        assert verify_plan(path).findings == ()


def test_a_share_that_no_plan_reaches_is_proven_to_be_none(city: City) -> None:
    """Without money to spare no plan leaves out all stations of the first."""
    found = make_station_alternatives(city, POLICY, number=2, within=0.0, differ=1.0)
    assert len(found.plans) == 1
    ended = found.as_record()["no_more"]
    assert (ended["status"], ended["reason"]) == ("infeasible", "proven")
    assert "leaves out 100 %" in ended["detail"]
    assert siting_of(found.plans[0]).lowest is not None


@pytest.mark.parametrize("words", [{"number": 0}, {"number": 2, "within": -1.0},
                                   {"number": 2, "differ": 0.0}])  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(city: City, words: dict[str, float]) -> None:
    """No plans, a negative share and a difference of nothing are told."""
    with pytest.raises(ValueError, match="not understood"):
        make_station_alternatives(city, POLICY, **words)  # type: ignore[arg-type]
