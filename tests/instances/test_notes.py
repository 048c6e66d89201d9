"""Notes have words in every language, and the code tells none that has not."""

from __future__ import annotations

import ast
import json
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from shequ.instances.notes import LANGUAGES, Note, all_of, fill, money, named, note, some, words

ROOT = Path(__file__).parents[2]
FOLDERS = ("instances", "optimize", "outputs", "commands")
TELLING = {"note", "Note", "warn", "repaired"}
BY_NAME = (
    "shape_", "walker_", "people_", "category_", "length_", "amount_", "known_", "remedy_",
    "decision_replaces_", "sites_far", "units_far",
)  # fmt: skip
"""Kinds whose name the code puts together."""

PLACEHOLDER = re.compile(r"{[^}]*}")
LATIN_WORDS = re.compile(r"[A-Za-z][\w.]*(?: [A-Za-z][\w.]*)+")


def placeholders(text: str) -> set[str]:
    """Names of the placeholders of a text."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def told_kinds(tree: ast.AST) -> Iterator[str]:
    """Kinds that the calls of a module name outright."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        place = 1 if name in {"warn", "repaired"} else 0
        if name in TELLING and len(call.args) > place:
            arg = call.args[place]
            parts = [arg.body, arg.orelse] if isinstance(arg, ast.IfExp) else [arg]
            yield from (str(one.value) for one in parts if isinstance(one, ast.Constant))


def trees() -> list[ast.AST]:
    """All modules that may tell something."""
    paths = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in paths]


def test_every_kind_has_the_same_placeholders_in_every_language() -> None:
    """No language lacks a kind, or a value that another shows."""
    by_lang = words()
    assert set(by_lang) == set(LANGUAGES)
    for lang in LANGUAGES:
        assert by_lang[lang].keys() == by_lang["en"].keys()
        for kind, text in by_lang[lang].items():
            assert placeholders(text) == placeholders(by_lang["en"][kind]), kind


def test_every_kind_that_is_told_has_words() -> None:
    """A kind that the code names is one of the file."""
    named_outright = {kind for tree in trees() for kind in told_kinds(tree)}
    assert len(named_outright) > 60
    assert sorted(named_outright - set(words()["en"])) == []


def test_no_kind_is_left_over() -> None:
    """Every kind of the file is named somewhere in the code."""
    constants = {
        node.value
        for tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    idle = set(words()["en"]) - constants
    assert sorted(kind for kind in idle if not kind.startswith(BY_NAME)) == []


@pytest.mark.parametrize("kind", sorted(words()["zh"]))
def test_chinese_words_are_chinese(kind: str) -> None:
    """Beside placeholders there is Chinese and, at most, single names of columns and tools."""
    text = PLACEHOLDER.sub(" ; ", words()["zh"][kind])
    assert LATIN_WORDS.findall(text) == []
    if re.search(r"[A-Za-z]{3}", text):
        assert re.search(r"[\u4e00-\u9fff]", text), text


def test_counts_choose_their_words() -> None:
    """One and many have their own words in English, and numbers are grouped."""
    assert fill("{n:# unit is|# units are} far", {"n": 1}, "en") == "1 unit is far"
    assert fill("{n:# unit is|# units are} far", {"n": 1200}, "en") == "1,200 units are far"
    assert fill("{n:,.1f} m", {"n": 0.25}, "en") == "0.2 m"


def test_notes_within_notes_are_told_in_the_same_language() -> None:
    """Rows, texts by language and names are told in the language of the note around them."""
    rows = some([note("row_value", row=row, value="x") for row in range(5)])
    told = note("values_missing", place="units.residents", count=5, rows=rows)
    assert str(told) == (
        "units.residents: no value in 5 rows (row 0: x; row 1: x; row 2: x; … and 2 more); "
        "counted as 0."
    )
    assert "第 2 行" in told.told("zh")
    assert "另 2 处" in told.told("zh")
    both = note("service_without_area", service={"en": "canteen", "zh": "食堂"})
    assert [both.told(lang).split(" ")[0][:2] for lang in LANGUAGES] == ["ca", "食堂"]
    assert str(named("people", "child")) == "children"
    assert named("people", "giants") == "giants"
    assert money(12.5, "euro").told("zh") == "12.5 euro"
    assert money(12.5, "10,000 yuan").told("zh") == "12.5 万元"


def test_a_note_survives_its_record() -> None:
    """What JSON gives back tells the same in every language, notes within notes too."""
    told = all_of([note("attempt", districts=3, percent=5.0, why=note("no_plan")), note("no_plan")])
    record = json.loads(json.dumps(told.as_record()))
    assert record["text"] == str(told)
    back = Note.from_record(record)
    assert [back.told(lang) for lang in LANGUAGES] == [told.told(lang) for lang in LANGUAGES]
