"""The commands of the page on decisions print what the page shows."""

from __future__ import annotations

import re
import shlex
import sys
import textwrap
from pathlib import Path

import pytest
from shequ.cli import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "decisions.md"


@pytest.mark.slow
def test_the_documented_commands_print_what_is_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line that stands below a command is a line that the command prints."""
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    table = text.split("`decisions.csv`:\n\n", 1)[1].split("\n\n")[0]
    (tmp_path / "decisions.csv").write_text(textwrap.dedent(table) + "\n", encoding="utf-8")
    blocks = re.findall(r"^    \$ shequ (.*)\n((?:    (?!\$).*\n)*)", text, flags=re.MULTILINE)
    assert len(blocks) == 7
    for command, shown in blocks:
        monkeypatch.setattr(sys, "argv", ["shequ", *shlex.split(command)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert ended.value.code in {None, 0}, said.err
        lines = [line.rstrip() for line in (said.out + said.err).splitlines()]
        missing = [line for line in textwrap.dedent(shown).splitlines() if line not in lines]
        assert missing == [], command
    assert (tmp_path / "conflicts" / "conflicts.gpkg").exists()
