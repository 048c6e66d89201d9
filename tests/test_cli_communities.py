"""Rebalancing and alternative plans as users of the command line type them."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def rebalanced(shequ: Run, city_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a rebalancing of the communities that are too large."""
    folder = tmp_path_factory.mktemp("cli") / "rebalanced"
    few = ["--set", "split.seconds_per_community=3"]
    run = shequ("rebalance", city_file, "-o", folder, *few, "--lang", "zh")
    assert "nothing found" in run.stdout
    return folder


@pytest.fixture(scope="module")
def alternatives(shequ: Run, city_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of two plans that differ."""
    folder = tmp_path_factory.mktemp("cli") / "alternatives"
    run = shequ(
        *("alternatives", city_file, "-o", folder, "-n", "2", "--within", "10%"),
        *("--differ", "0.03", "--set", "split.seconds_per_community=5"),
    )
    assert run.stdout.count("nothing found") == 2
    return folder


def test_rebalancing_writes_who_moves(rebalanced: Path) -> None:
    """The table of moved units adds up to the residents moved in the record."""
    record = json.loads((rebalanced / "plan.json").read_text(encoding="utf-8"))
    with (rebalanced / "moved_units.csv").open(encoding="utf-8-sig", newline="") as file:
        moved = sum(int(row["residents"]) for row in csv.DictReader(file))
    assert moved == sum(region["moved"]["objective"] for region in record["rebalance"]["regions"])
    assert record["figures"]["after"]["over_gradual"] == 0
    assert (rebalanced / "communities_before_after.csv").stat().st_size > 0


def test_rebalancing_has_a_report_in_the_language_asked(rebalanced: Path) -> None:
    """The report of a rebalancing is that of any plan."""
    assert 'lang="zh' in (rebalanced / "report.html").read_text(encoding="utf-8")[:300]


def test_alternatives_are_whole_plans_side_by_side(alternatives: Path) -> None:
    """Each plan has a folder with record and report, and one table compares them."""
    for number in ("1", "2"):
        for name in ("plan.json", "plan.gpkg", "report.html"):
            assert (alternatives / number / name).stat().st_size > 0
    record = json.loads((alternatives / "alternatives.json").read_text(encoding="utf-8"))
    assert (record["within"], record["differ"]) == (0.1, 0.03)
    assert [total["residents_differ_from_1"] > 0 for total in record["totals"]] == [False, True]
    assert (alternatives / "alternatives.csv").stat().st_size > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("rebalance", "-k", "0"), "-k 0 not understood; give keep, free or a number"),
        (("rebalance", "--communities", "Atlantis"), "Atlantis"),
        (("alternatives", "--within", "much"), "--within much not understood; give a share"),
    ],
)
def test_what_is_not_understood_is_exit_code_1(
    shequ: Run, words: tuple[str, ...], message: str, city_file: Path, tmp_path: Path
) -> None:
    """A wrong number, share or community is named in a message, and nothing is written."""
    command, *options = words
    run = shequ(command, city_file, "-o", tmp_path / "out", *options, code=1)
    assert message in run.stderr
    assert not (tmp_path / "out" / "plan.json").exists()
