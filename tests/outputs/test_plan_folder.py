"""The folder of a plan: whole or not there, of one plan, and refused in words if damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyogrio
import pytest
from shequ.outputs import files as writing
from shequ.outputs.atomic import interrupts_deferred, replacing_all
from shequ.outputs.files import read_plan, rewrite_report, write_plan
from shequ.outputs.layers import PlanFiles
from shequ.outputs.verify import verify_plan


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the folder of a plan."""
    return Path(shutil.copytree(folder, tmp_path / "plan"))


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", sorted(writing.LISTED))
def test_a_changed_or_missing_file_is_named(copied: Path, name: str) -> None:
    """A file that is not the one written with plan.json, or not there, is a finding."""
    assert verify_plan(copied).ok
    if name != "plan.gpkg":
        (copied / name).write_text("something else", encoding="utf-8")
        assert verify_plan(copied).findings == (
            f"copies: {name} is not the file that was written with plan.json",
        )
        (copied / name).unlink()
        assert verify_plan(copied).findings == (f"copies: {name} is missing",)
        return
    layer = pyogrio.read_dataframe(copied / name, layer="candidates")
    pyogrio.write_dataframe(layer.assign(max_area_m2=1e6), copied / name, layer="candidates")
    assert verify_plan(copied).findings == (
        "copies: plan.gpkg is not the file that was written with plan.json",
    )


def test_a_record_without_hashes_is_a_finding(copied: Path) -> None:
    """A plan.json that lists no files does not pass for one that does."""
    record = json.loads((copied / "plan.json").read_text(encoding="utf-8"))
    del record["files"]
    (copied / "plan.json").write_text(json.dumps(record), encoding="utf-8")
    assert any("lists no hashes" in text for text in verify_plan(copied).findings)


def test_the_report_is_written_again_in_another_language(copied: Path) -> None:
    """Report and picture change, the hashes with them, and nothing else."""
    before = contents(copied)
    assert rewrite_report(copied, lang="zh") == copied / "report.html"
    after = contents(copied)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"report.html", "map.png", "plan.json"}
    assert '<html lang="zh">' in after["report.html"].decode()
    assert json.loads(after["plan.json"])["lang"] == "zh"
    assert verify_plan(copied).ok


def test_an_unknown_language_leaves_the_report(copied: Path) -> None:
    """A report that cannot be written leaves every file, and no temporary one."""
    before = contents(copied)
    with pytest.raises(ValueError, match="lang = 'xx'"):
        rewrite_report(copied, lang="xx")
    assert contents(copied) == before


@pytest.mark.parametrize("fault", [OSError, KeyboardInterrupt, ZeroDivisionError])
def test_a_write_that_fails_leaves_the_older_plan(
    copied: Path, files: PlanFiles, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException]
) -> None:
    """Whatever ends the writing, the folder holds the older plan and nothing temporary."""

    def fail(*_: object, **__: object) -> None:
        raise fault("no space")

    before = contents(copied)
    monkeypatch.setattr(writing, "render_report", fail)
    with pytest.raises((fault, ValueError)):
        write_plan(replace(files, record={**files.record, "created": "later"}), copied)
    assert contents(copied) == before


def test_a_write_that_fails_leaves_no_new_folder(
    files: PlanFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that was made for a plan goes when the plan cannot be written."""
    monkeypatch.setattr(writing, "render_report", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_plan(files, tmp_path / "new" / "plan")
    assert list(tmp_path.iterdir()) == []


def test_a_move_that_fails_is_taken_back(tmp_path: Path) -> None:
    """If the second file cannot be moved, the first is again what it was."""
    (tmp_path / "one").write_text("older", encoding="utf-8")
    with (
        pytest.raises(ValueError, match="cannot be written"),
        replacing_all(tmp_path, ("one", "two")) as draft,
    ):
        (draft / "one").write_text("newer", encoding="utf-8")
    assert contents(tmp_path) == {"one": b"older"}


def test_ctrl_c_does_not_part_the_moves(
    copied: Path, files: PlanFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the files move takes effect when all of them are in place."""
    move = Path.replace

    def interrupted(path: Path, target: Path) -> Path:
        os.kill(os.getpid(), signal.SIGINT)
        return move(path, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_plan(replace(files, record={**files.record, "created": "later"}), copied)
    monkeypatch.undo()
    assert read_plan(copied).record["created"] == "later"
    assert verify_plan(copied).ok


def test_a_deferred_interrupt_comes_after_the_block() -> None:
    """The block is finished before Ctrl-C takes effect."""
    done: list[str] = []

    def work() -> None:
        with interrupts_deferred():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("block")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["block"]


@pytest.mark.parametrize("name", ["plan.gpkg", "report.html"])
def test_a_folder_in_the_way_is_named(files: PlanFiles, tmp_path: Path, name: str) -> None:
    """A folder that has the name of a file is refused before anything is written."""
    (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=f"{name} is a folder"):
        write_plan(files, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_in_place_of_the_folder_is_refused(files: PlanFiles, tmp_path: Path) -> None:
    """The message names what cannot be written."""
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(ValueError, match="file cannot be written"):
        write_plan(files, tmp_path / "file")


def cut(path: Path) -> None:
    """Cut a file off in the middle."""
    os.truncate(path, path.stat().st_size // 2)


def without(key: str) -> Callable[[Path], None]:
    """Return a damage that removes a key of the record."""

    def damage(path: Path) -> None:
        record = json.loads(path.read_text(encoding="utf-8"))
        del record[key]
        path.write_text(json.dumps(record), encoding="utf-8")

    return damage


def without_minutes(path: Path) -> None:
    """Write the units without their minutes."""
    units = pyogrio.read_dataframe(path, layer="units")
    pyogrio.write_dataframe(units.drop(columns="minutes"), path, layer="units")


DAMAGES: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "text": ("plan.gpkg", lambda path: path.write_text("x", encoding="utf-8"), "no GeoPackage"),
    "empty": ("plan.gpkg", lambda path: path.write_bytes(b""), "lacks the layers|no GeoPackage"),
    "cut off": ("plan.gpkg", cut, "damaged"),
    "no column": ("plan.gpkg", without_minutes, "layer units lacks minutes"),
    "broken JSON": ("plan.json", cut, "is not JSON"),
    "binary JSON": ("plan.json", lambda path: path.write_bytes(b"\xff\xfe"), "is not JSON"),
    "list": ("plan.json", lambda path: path.write_text("[]", encoding="utf-8"), "no object"),
    "no siting": ("plan.json", without("siting"), "siting is missing"),
    "no figures": ("plan.json", without("figures"), "figures is missing"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named(copied: Path, damage: str) -> None:
    """The message names the file, what is wrong with it and the command that mends it."""
    name, spoil, words = DAMAGES[damage]
    spoil(copied / name)
    with pytest.raises(ValueError, match=rf"(?s){name}.*({words}).*shequ plan"):
        verify_plan(copied)


def test_a_folder_without_a_plan_is_refused(tmp_path: Path) -> None:
    """The message names the missing file and the command that writes it."""
    with pytest.raises(ValueError, match=r"plan\.gpkg.*shequ plan"):
        verify_plan(tmp_path)
