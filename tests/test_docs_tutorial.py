"""The tutorial runs from its first command to its last."""

from __future__ import annotations

import re
import shlex
import sys
import textwrap
from pathlib import Path

import pytest
from shequ.cli import main

PAGE = Path(__file__).resolve().parents[1] / "docs" / "tutorial.md"


def test_every_command_of_the_tutorial_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each command ends well, in order, and leaves what the page says."""
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    table = text.split("```csv\n", 1)[1].split("```", 1)[0]
    (tmp_path / "decisions.csv").write_text(textwrap.dedent(table), encoding="utf-8")
    commands = re.findall(r"^    shequ (.*)$", text, flags=re.MULTILINE)
    assert len(commands) == 15
    for command in commands:
        words, _, target = command.partition(" > ")
        monkeypatch.setattr(sys, "argv", ["shequ", *shlex.split(words)])
        with pytest.raises(SystemExit) as ending:
            main()
        said = capsys.readouterr()
        assert ending.value.code in {0, None}, command + said.out + said.err
        if target:
            (tmp_path / target).write_text(said.out, encoding="utf-8")
    for name in (
        "audit/audit.png",
        "curve/trade_off.html",
        "services/report.html",
        "phases/phases.html",
        "plan-b/changes.csv",
        "alternatives/compare.html",
        "meeting.html",
    ):
        assert (tmp_path / name).stat().st_size > 0, name
