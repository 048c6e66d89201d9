"""The commands and the Python of the siting pages give what the pages show."""

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

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "solve-siting.md"
TABLES = ("m.csv", "w.csv", "cap.csv", "f.csv")
PAGES_WITH_PYTHON = sorted(
    page
    for page in [PAGE, *(ROOT / "docs" / "models").glob("*.md")]
    if "```python" in page.read_text(encoding="utf-8")
)


def test_the_documented_commands_print_what_is_documented(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every command of the page gives the first line that stands below it."""
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8")
    for name in TABLES:
        table = text.split(f"`{name}`:\n\n", 1)[1].split("\n\n")[0]
        (tmp_path / name).write_text(textwrap.dedent(table) + "\n", encoding="utf-8")
    blocks = re.findall(r"^    \$ shequ (.*)\n    (.*)", text, flags=re.MULTILINE)
    assert len(blocks) == 12
    for command, first in blocks:
        monkeypatch.setattr(sys, "argv", ["shequ", *shlex.split(command)])
        with pytest.raises(SystemExit):
            main()
        said = capsys.readouterr()
        assert first in said.out + said.err, command + said.err


@pytest.mark.parametrize("page", PAGES_WITH_PYTHON, ids=lambda page: page.stem)
def test_the_python_of_the_siting_pages_runs(page: Path) -> None:
    """Each example prints what stands below it."""
    text = page.read_text(encoding="utf-8")
    examples = re.findall(r"```python\n((?:(?!```).*\n)*)```\n\n((?:    .*\n)+)", text)
    assert examples
    for code, shown in examples:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, page.name, "exec"), {})  # noqa: S102 - our own examples
        assert printed.getvalue() == textwrap.dedent(shown)
