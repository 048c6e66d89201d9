"""The page on getting about shows what its commands and its Python print."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
import textwrap
from pathlib import Path

import pytest
from shequ.cli import main
from shequ.instances.walking_import import import_network

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "walking.md"
BLOCK = re.compile(
    r"```python\n(?P<code>(?:(?!```).*\n)*)```\n(?:\n(?P<printed>(?:    (?!\$).*\n)+))?"
    r"|^    \$ shequ (?P<command>.*)\n(?P<said>(?:    .*\n)+)",
    flags=re.MULTILINE,
)


def test_the_page_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command and every example, in their order, prints what stands below it."""
    monkeypatch.chdir(tmp_path)
    blocks = list(BLOCK.finditer(PAGE.read_text(encoding="utf-8")))
    assert [bool(block["command"]) for block in blocks] == [True, False, True, False, True]
    for block in blocks:
        if block["command"]:
            monkeypatch.setattr(sys, "argv", ["shequ", *shlex.split(block["command"])])
            with pytest.raises(SystemExit) as ended:
                main()
            assert not ended.value.code
            assert capsys.readouterr().out == textwrap.dedent(block["said"])
        else:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(block["code"], PAGE.name, "exec"), {})  # noqa: S102 - our own examples
            assert printed.getvalue() == textwrap.dedent(block["printed"] or "")


@pytest.mark.parametrize(
    ("file", "rows"), [("porto_alegre/poa_osm.pbf", 0), ("helsinki/Helsinki.osm.pbf", 2)]
)
def test_the_table_of_extracts_is_what_comes_out(shared_data: Path, file: str, rows: int) -> None:
    """Edges, nodes, kilometres and the largest part of each extract stand in the table."""
    pytest.importorskip("osmium")
    text = PAGE.read_text(encoding="utf-8")
    table = re.findall(r"^\| .*\| (?:walking|cycling) \| (.*) \|$", text, flags=re.MULTILINE)
    for row, profile in enumerate(("walking", "cycling"), start=rows):
        made = import_network(shared_data / "cities" / file, profile=profile)  # type: ignore[arg-type]
        size, parts = made.notes[-2:]
        found = re.findall(r"[\d,.]+(?= edges| nodes| km)", size)
        share = re.findall(r"[\d.]+(?=%)", parts)
        assert [*found, f"{share[0]} %"] == table[row].split(" | ")
