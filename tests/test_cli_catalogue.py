"""``shequ catalogue``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from shequ.cli import main
from shequ.commands.options import BAD_INPUT
from shequ.instances.catalogue import builtin_catalogue


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    """Run the command; return exit code and what it says."""
    monkeypatch.setattr(sys, "argv", ["shequ", "catalogue", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def test_the_list_marks_what_is_recalled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One row a service, with both names; a question mark behind recalled figures."""
    code, out, err = run(monkeypatch, capsys)
    rows = out.splitlines()
    assert code == 0
    assert len(rows) == 1 + len(builtin_catalogue().service)
    kindergarten = next(row for row in rows if row.startswith("kindergarten"))
    assert "2,200?" in kindergarten
    assert "幼儿园" in kindergarten
    station = next(row for row in rows if row.startswith("comprehensive_station"))
    assert " 80 " in station
    assert f"{len(list(builtin_catalogue().recalled()))} figures are recalled" in err


def test_sources_and_categories(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each figure of one category with its source and how sure it is."""
    _, out, _ = run(monkeypatch, capsys, "--sources", "--category", "elderly")
    assert "places_per_1000_of_target = 40, confirmed: 城镇老年人设施规划规范" in out
    assert "tiers[0].area_m2 = 750, recalled" in out
    assert "kindergarten" not in out
    code, _, err = run(monkeypatch, capsys, "--category", "fun")
    assert code == BAD_INPUT
    assert "--category fun not understood; choose child, domestic, education" in err


def test_json_is_the_whole_catalogue(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Figures stay with source and confidence."""
    _, out, _ = run(monkeypatch, capsys, "--json")
    record = json.loads(out)
    assert [one["id"] for one in record["service"]] == [
        one.id for one in builtin_catalogue().service
    ]
    assert record["service"][0]["min_area_m2"]["source"] == "S20"


def test_a_copy_is_written_edited_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file that is there is not overwritten; a fault in it is named."""
    path = tmp_path / "own.toml"
    assert run(monkeypatch, capsys, "--write", str(path))[0] == 0
    code, _, err = run(monkeypatch, capsys, "--write", str(path))
    assert (code, "is there already" in err) == (BAD_INPUT, True)
    assert run(monkeypatch, capsys, str(path))[0] == 0
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('level = "point"', 'level = "corner"', 1), encoding="utf-8")
    code, _, err = run(monkeypatch, capsys, str(path))
    assert code == BAD_INPUT
    assert "service service_point.level" in err
