"""The command line as its users type it."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def typed(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own and keep what it says."""
    command = [sys.executable, "-m", "shequ", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")


@pytest.fixture(scope="module")
def planned(shequ: Run, city_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a plan that the command line made."""
    folder = tmp_path_factory.mktemp("cli") / "plan"
    run = shequ("plan", city_file, "-o", folder, "--lang", "zh")
    assert re.search(r"verified: \d+ checks, nothing found", run.stdout)
    assert f"report: {folder / 'report.html'}" in run.stdout
    return folder


def test_version_is_printed() -> None:
    """The version is one line."""
    run = typed("--version")
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("shequ ")


def test_generate_writes_the_same_city_twice(shequ: Run, tmp_path: Path) -> None:
    """The same seed writes the same bytes, in this process and in another."""
    for name, run in (("a", shequ), ("b", typed)):
        done = run("generate", "city", "--residents", "20000", "-o", tmp_path / f"{name}.gpkg")
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.gpkg").read_bytes() == (tmp_path / "b.gpkg").read_bytes()


def test_plan_writes_record_and_report(planned: Path) -> None:
    """The record is JSON with figures, the report is in Chinese."""
    record = json.loads((planned / "plan.json").read_text(encoding="utf-8"))
    assert record["figures"]["after"]["over_mandatory"] == 0
    assert record["lang"] == "zh"
    assert 'lang="zh' in (planned / "report.html").read_text(encoding="utf-8")[:300]


def test_verify_reads_the_files_alone(planned: Path) -> None:
    """Verification of the folder finds nothing."""
    run = typed("verify", planned)
    assert run.returncode == 0, run.stdout + run.stderr


def test_report_changes_language(shequ: Run, planned: Path) -> None:
    """The report can be written again in English."""
    shequ("report", planned, "--lang", "en")
    assert 'lang="en' in (planned / "report.html").read_text(encoding="utf-8")[:300]


def test_audit_prints_figures_and_writes_tables(
    shequ: Run, city_file: Path, tmp_path: Path
) -> None:
    """The audit names thresholds, floor area, reach and workers, and writes CSV and map."""
    run = shequ("audit", city_file, "-o", tmp_path)
    for word in ("must be split", "per 100 households", "within 15 minutes", "per 10,000"):
        assert word in run.stdout
    for name in ("audit.csv", "blind_spots.csv", "audit.png"):
        assert (tmp_path / name).stat().st_size > 0


@pytest.mark.parametrize("command", ["split", "site"])
def test_single_stages_write_verified_plans(
    shequ: Run, command: str, city_file: Path, tmp_path: Path
) -> None:
    """Each stage alone writes a folder that verifies."""
    options = ["--relax"] if command == "site" else []
    run = shequ(command, city_file, "-o", tmp_path / "out", *options)
    assert "nothing found" in run.stdout


def test_bridges_and_cuts_are_an_option(shequ: Run, city_file: Path, tmp_path: Path) -> None:
    """A cut parts two units in the plan, which verifies; one of strangers names line and units."""
    file = tmp_path / "edges.csv"
    file.write_text("unit_a,unit_b,action\nU001,U164,add\nU164,U001,remove\n", encoding="utf-8")
    run = shequ("split", city_file, "-o", tmp_path / "out", "--edges", file)
    assert "1 bridge added, 1 border removed" in run.stderr
    assert "nothing found" in run.stdout
    file.write_text("unit_a,unit_b,action\nU001,U164,remove\n", encoding="utf-8")
    run = shequ("split", city_file, "-o", tmp_path / "none", "--edges", file, code=1)
    assert "edges.csv, line 2: units U001 and U164 are no neighbours" in run.stderr
    shequ("split", city_file, "-o", tmp_path / "none", "--edges", "no.csv", code=1)


def test_a_budget_is_an_option(shequ: Run, city_file: Path, tmp_path: Path) -> None:
    """With a budget the most residents are served, and the plan verifies."""
    run = shequ("plan", city_file, "-o", tmp_path / "out", "--budget", "2000")
    assert "siting, served" in run.stdout


def test_policy_round_trips(shequ: Run, tmp_path: Path) -> None:
    """The printed policy is a valid policy file."""
    printed = shequ("policy").stdout
    (tmp_path / "policy.toml").write_text(printed, encoding="utf-8")
    assert shequ("policy", tmp_path / "policy.toml").stdout == printed


def test_solvers_are_listed() -> None:
    """The list names the default solver with its version."""
    found = json.loads(typed("solvers", "--json").stdout)
    assert any(row["name"] == "highs" and row["available"] for row in found)


def test_bad_input_is_exit_code_1_and_no_traceback(
    shequ: Run, tmp_path: Path, city_file: Path
) -> None:
    """A wrong file, a wrong policy key and a wrong language are messages, not tracebacks."""
    (tmp_path / "city.gpkg").write_text("not a GeoPackage")
    (tmp_path / "p.toml").write_text("[split]\ntolerence = 0.1\n")
    runs = [
        (typed("audit", tmp_path / "city.gpkg"), "GeoPackage"),
        (shequ("audit", city_file, "--policy", tmp_path / "p.toml", code=1), "tolerance"),
        (shequ("plan", city_file, "-o", tmp_path / "x", "--lang", "fr", code=1), "choose en or zh"),
        (
            shequ("plan", city_file, "-o", tmp_path / "x", "--solver", "abacus", code=1),
            "choose one of",
        ),
    ]
    for run, word in runs:
        assert run.returncode == 1, run.stderr
        assert word in run.stderr
        assert "Traceback" not in run.stderr


def test_wrong_usage_is_exit_code_2(shequ: Run) -> None:
    """A missing argument is a usage error."""
    shequ("plan", code=2)


def test_infeasible_is_exit_code_3(tmp_path: Path, city_file: Path) -> None:
    """A rule that cannot be met is refused with places and a way out."""
    words = ["--strict", "--set", "siting.reach_minutes=3"]
    run = typed("plan", city_file, "-o", tmp_path / "x", *words)
    assert run.returncode == 3, run.stderr
    assert "--relax" in run.stderr
    assert not (tmp_path / "x/plan.gpkg").exists()


def test_interrupt_keeps_the_best_plan(tmp_path: Path, city_file: Path) -> None:
    """Ctrl-C during a run writes the best plan so far and says so."""
    words = ["plan", str(city_file), "-o", str(tmp_path / "out"), "--gap", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "shequ", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(("walk", "split")):
            break
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert "interrupted: the best plan so far is written" in err
    assert "nothing found" in out


def test_two_interrupts_end_at_once(tmp_path: Path, city_file: Path) -> None:
    """A second Ctrl-C ends the command with the code of "no plan", and nothing is written."""
    words = ["plan", str(city_file), "-o", str(tmp_path / "out")]
    process = subprocess.Popen(
        [sys.executable, "-m", "shequ", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("walk"):
            break
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    assert "interrupted twice" in err
    assert not (tmp_path / "out" / "plan.gpkg").exists()


@pytest.mark.parametrize("command", ["plan", "split", "audit"])
def test_an_output_that_is_a_file_is_refused_first(
    shequ: Run, command: str, tmp_path: Path, city_file: Path
) -> None:
    """A folder that cannot be written to is named before any work is done."""
    (tmp_path / "taken").write_text("")
    run = shequ(command, city_file, "-o", tmp_path / "taken", code=1)
    assert "taken" in run.stderr
    assert "units" not in run.stderr


def test_a_split_needs_no_sites(shequ: Run, tmp_path: Path, city_file: Path) -> None:
    """Communities are split without a layer of sites."""
    import geopandas as gpd  # noqa: PLC0415 - only here

    gpd.read_file(city_file, layer="units").to_file(tmp_path / "c.gpkg", layer="units")
    run = shequ("split", tmp_path / "c.gpkg", "-o", tmp_path / "out")
    assert "nothing found" in run.stdout
