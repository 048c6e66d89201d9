"""The real cities, end to end, against the limits that are promised for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

GAP = 0.01
VALUES = (
    f"solver.split_gap={GAP}",
    f"solver.siting_gap={GAP}",
    "split.seconds_per_community=900",
    "siting.seconds=900",
)
"""Policy under which the gap, and not the clock of the machine, ends every solve."""


def _plan(city: Path, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-m", "shequ", "plan", str(city), "-o", str(folder)]
    command += [word for value in VALUES for word in ("--set", value)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "nothing found" in run.stdout
    record: dict[str, object] = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    return record


@pytest.mark.slow
@pytest.mark.parametrize(("name", "num_splits"), [("kaohsiung", 12), ("taipei", 0)])
def test_real_city_is_planned_within_one_percent(
    shared_data: Path, tmp_path: Path, name: str, num_splits: int
) -> None:
    """Every community over a threshold is split, every gap is at most 1 %, the files verify."""
    record = _plan(shared_data / "cities" / name / "city.gpkg", tmp_path)
    splits = record["split"]
    assert isinstance(splits, list)
    assert len(splits) == num_splits
    steps = [*splits, *(record["siting"][step] for step in ("cost", "walking"))]  # type: ignore[index]
    assert all(step["gap"] <= GAP for step in steps)
    assert record["figures"]["after"]["over_mandatory"] == 0  # type: ignore[index]
    assert record["figures"]["after"]["over_gradual"] == 0  # type: ignore[index]
