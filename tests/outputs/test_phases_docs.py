"""The commands of the page on phases print what the page shows."""

from __future__ import annotations

import re
import shlex
import textwrap
from pathlib import Path

import pytest
from shequ.cli import app
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "phases.md"
RUN = CliRunner()


@pytest.mark.slow
def test_the_commands_of_the_page_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made anew, city, phases, staff, plan and spending are those of the page."""
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    prepared = re.findall(r"`shequ ((?:generate|plan) [^`]*)`", text)
    shown = re.findall(
        r"^    \$ shequ (.*)\n((?:(?!    \$).*\n)*?)((?:    .*\n)+)", text, re.MULTILINE
    )
    assert len(prepared) == 2
    assert len(shown) == 3
    for command in prepared:
        done = RUN.invoke(app, shlex.split(command))
        assert done.exit_code == 0, done.output
    for command, _, output in shown:
        done = RUN.invoke(app, shlex.split(command))
        assert done.exit_code == 0, done.output
        assert done.stdout == textwrap.dedent(output), command
