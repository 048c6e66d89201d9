"""The examples in docstrings run, and the links of the documentation lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from shequ.instances.columns import LAYERS
from shequ.instances.policy import Policy

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("models", "instances", "optimize", "outputs", "benchmarks", "commands")
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("benchmarks/*.md")]
)


def modules_with_examples() -> list[str]:
    """Names of the modules that hold a doctest."""
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    names = [
        ".".join(("shequ", *path.relative_to(ROOT).with_suffix("").parts))
        for path in [*files, ROOT / "cli.py"]
        if ">>> " in path.read_text(encoding="utf-8")
    ]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_print_what_they_say(name: str) -> None:
    """Every example of a module gives the output that stands below it."""
    failed, attempted = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )
    assert attempted > 0
    assert failed == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(document: Path) -> None:
    """Every relative link of a document names a file of the repository."""
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    relative = [target for target in targets if "://" not in target]
    missing = [target for target in relative if not (document.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("block", [0, 1])
def test_the_python_of_the_readme_runs(block: int) -> None:
    """The Python examples of the README run as they stand, with their own assertions."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    assert len(examples) == 2
    exec(compile(examples[block], "README.md", "exec"), {})  # noqa: S102 - our own examples


def test_every_policy_value_is_documented_with_its_default() -> None:
    """The tables of the policy name every key, once a section, with its present default."""
    text = (ROOT / "docs" / "policy-and-input.md").read_text(encoding="utf-8")
    for section in Policy.model_fields:
        table = text.split(f"### [{section}]\n")[1].split("\n### [")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| `(.*?)` \|", table, flags=re.MULTILINE))
        values = getattr(Policy(), section).model_dump(mode="json")
        assert {key: json.loads(row) for key, row in rows.items()} == values


def test_every_input_column_is_documented() -> None:
    """The table of the city input names every column that is read, required ones in bold."""
    text = (ROOT / "docs" / "policy-and-input.md").read_text(encoding="utf-8")
    table = text.split("## Policy\n")[0]
    columns = [column for layer in LAYERS.values() for column in layer]
    assert [c.name for c in columns if not re.search(rf"\b{c.name}\b", table)] == []
    assert [c.name for c in columns if c.required and f"**{c.name}**" not in table] == []


def test_the_python_of_the_benchmark_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The case, the method and the run from Python work as the page shows them."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    case, method, run = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    for name, code in (("four_towns.py", case), ("greedy.py", method)):
        (tmp_path / name).write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "shequ", "bench", "run", "--reference-every", "0"]
    command += ["--plugin", "four_towns.py", "--plugin", "greedy.py", "-o", "towns.jsonl"]
    command += ["--case", "p-median/four-towns", "--method", "greedy", "--method", "textbook"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in Path("towns.jsonl").read_text().splitlines()]
    assert {row["method"]: row["objective"] for row in rows} == {"greedy": 2.0, "textbook": 2.0}
    exec(compile(run, "docs/benchmarks.md", "exec"), {})  # noqa: S102 - our own example
    assert (tmp_path / "report" / "report.html").exists()
