"""The commands of the pages on comparing and on trade-off curves give what the pages show."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
from shequ.cli import main

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.slow
@pytest.mark.parametrize(("page", "many"), [("compare", 6), ("trade-off", 3)])
def test_the_documented_commands_print_what_is_documented(
    page: str,
    many: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every command of the page says the line that stands below it."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^    \$ shequ (.*)\n    (.*)", text, flags=re.MULTILINE)
    assert len(blocks) == many
    for command, line in blocks:
        monkeypatch.setattr(sys, "argv", ["shequ", *shlex.split(command)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code, command
        said = capsys.readouterr()
        assert line.strip() in said.out + said.err, command
