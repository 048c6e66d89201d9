"""Alternatives of a city: whole plans in folders, each verified, compared in one table."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from shequ.instances.city import build_city
from shequ.instances.policy import Policy
from shequ.instances.synthetic import generate_city
from shequ.outputs.alternatives_files import RECORD, TABLE, run_alternatives
from shequ.outputs.verify import verify_plan

POLICY = Policy().with_values({"split.seconds_per_community": 30.0})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write three plans of a synthetic city."""
    path = tmp_path_factory.mktemp("alternatives")
    city = build_city(generate_city(residents=30_000, seed=7), POLICY)
    run_alternatives(city, POLICY, path, number=3, within=0.1, differ=0.03)
    return path


def test_every_plan_is_verified(folder: Path) -> None:
    """Each folder holds a whole plan that passes every check."""
    plans = sorted(path for path in folder.iterdir() if path.is_dir())
    assert [path.name for path in plans] == ["1", "2", "3"][: len(plans)]
    assert len(plans) > 1
    for path in plans:
        assert verify_plan(path).findings == ()


def test_the_record_keeps_what_was_asked(folder: Path) -> None:
    """Alternatives lie within the cost, differ enough, and say what is proven."""
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    assert (record["within"], record["differ"]) == (0.1, 0.03)
    for community in record["communities"]:
        first, *others = community["alternatives"]
        for row in others:
            assert row["objective"] <= 1.1 * first["objective"] + 1e-6
            assert row["share_differs_from_1"] >= 0.03 - 1e-9
            assert row["least_share_differs"] >= 0.03 - 1e-9
            assert row["status"] == "optimal"


def test_the_plans_differ_as_the_record_says(folder: Path) -> None:
    """The first plan differs from itself in nothing, every other one in somebody."""
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    differ = [row["residents_differ_from_1"] for row in record["totals"]]
    assert differ[0] == 0
    assert all(value > 0 for value in differ[1:])


def test_an_alternative_is_no_optimal_split_in_its_own_plan(folder: Path) -> None:
    """The record of a further plan measures its splits against the bound on all splits."""
    best = json.loads((folder / "1" / "plan.json").read_text(encoding="utf-8"))["split"]
    second = json.loads((folder / "2" / "plan.json").read_text(encoding="utf-8"))["split"]
    for one, other in zip(best, second, strict=True):
        if other["detail"].startswith("alternative"):
            assert other["status"] == "feasible"
            assert other["bound"] == one["bound"]


def test_the_table_has_a_row_for_every_alternative(folder: Path) -> None:
    """The table holds the figures of every community and alternative."""
    table = pd.read_csv(folder / TABLE)
    record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    assert len(table) == sum(len(entry["alternatives"]) for entry in record["communities"])
    assert {"inertia", "border_m", "cut_edges", "largest_deviation"} <= set(table.columns)
