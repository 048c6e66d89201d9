"""Comparing plans, plans that differ and trade-off curves as users of the command line type."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folders(shequ: Run, city_file: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two plans of one city: at least cost, and with a budget."""
    folder = tmp_path_factory.mktemp("compare")
    shequ("site", city_file, "-o", folder / "cheapest")
    shequ("site", city_file, "-o", folder / "budget", "--budget", "2000", "--relax")
    return [folder / "cheapest", folder / "budget"]


def test_a_comparison_is_a_page_and_two_tables(
    shequ: Run, folders: list[Path], tmp_path: Path
) -> None:
    """The command says the figures and where the page is, and writes it in Chinese if asked."""
    page = tmp_path / "meeting.html"
    run = shequ("compare", *folders, "-o", page, "--names", "A;B", "--lang", "zh")
    assert run.stdout.splitlines()[0].split() == ["A", "B"]
    assert f"comparison: {page}" in run.stdout
    assert '<html lang="zh">' in page.read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / "meeting.csv").set_index("figure")
    assert table.loc["cost", "B"] <= 2000
    assert table.loc["cost", "difference B"] == pytest.approx(
        table.loc["cost", "B"] - table.loc["cost", "A"], rel=1e-4
    )
    assert len(pd.read_csv(tmp_path / "meeting_units.csv"))


def test_a_comparison_as_json_writes_nothing_unless_asked(
    shequ: Run, folders: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard output is JSON alone; its figures are those of the plans."""
    monkeypatch.chdir(tmp_path)
    record = json.loads(shequ("compare", *folders, "--json").stdout)
    for plan, folder in zip(record["plans"], folders, strict=True):
        written = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
        assert plan["figures"]["cost"] == written["figures"]["after"]["cost"]
    assert record["files"] == []
    assert list(tmp_path.iterdir()) == []


def test_plans_of_two_cities_are_refused(shequ: Run, folders: list[Path], tmp_path: Path) -> None:
    """The message names both plans and what to do."""
    other = tmp_path / "other.gpkg"
    shequ("generate", "city", "--residents", "20000", "--seed", "3", "-o", other)
    shequ("site", other, "-o", tmp_path / "other", "--relax")
    run = shequ("compare", folders[0], tmp_path / "other", "-o", tmp_path / "x.html", code=1)
    assert "are not of the same city" in run.stderr
    assert "Compare plans of one city file." in run.stderr
    assert not (tmp_path / "x.html").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "compare.pdf"), "name a page that ends with .html"),
        (("--lang", "xx"), "--lang xx not understood"),
        (("--names", "only one"), "Give each a name"),
    ],
)
def test_what_is_not_understood_is_exit_code_1(
    shequ: Run, folders: list[Path], words: tuple[str, ...], message: str
) -> None:
    """A wrong name of the page, language or number of names is told."""
    assert message in shequ("compare", *folders, *words, code=1).stderr


def test_stations_that_differ_are_whole_plans(shequ: Run, city_file: Path, tmp_path: Path) -> None:
    """Plans lie in folders of their own, each is verified, and one page compares them."""
    run = shequ(
        *("alternatives", city_file, "-o", tmp_path, "--of", "stations", "-n", "2"),
        *("--set", "split.seconds_per_community=3"),
    )
    assert run.stdout.count("nothing found") == 2
    for name in ("plan-1/plan.json", "plan-2/report.html", "compare.html", "alternatives.json"):
        assert (tmp_path / name).stat().st_size > 0


def test_a_trade_off_is_written_and_goes_on(shequ: Run, city_file: Path, tmp_path: Path) -> None:
    """The curve is written with all its files, and its points are kept only until it is whole."""
    run = shequ("trade-off", city_file, "-o", tmp_path, "--points", "3")
    assert "3 of 3 points proven" in run.stdout
    names = {path.name for path in tmp_path.iterdir()}
    stem = "trade_off"
    assert names == {f"{stem}.{end}" for end in ("csv", "json", "gpkg", "svg", "html")}
    table = pd.read_csv(tmp_path / "trade_off.csv")
    assert table["proven"].all()
    assert table["residents_served"].is_monotonic_increasing


def test_a_trade_off_beyond_its_begin_is_refused(
    shequ: Run, city_file: Path, tmp_path: Path
) -> None:
    """A largest budget below the cost of every rule leaves no curve of walking."""
    run = shequ(
        *("trade-off", city_file, "-o", tmp_path, "--against", "walking", "--budget", "10"),
        code=1,
    )
    assert "where the curve begins" in run.stderr
