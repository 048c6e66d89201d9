"""``shequ solve p-median``, ``lscp``, ``ufl``, ... and ``check siting`` as people type them."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.cli import main

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "siting"
Run = Callable[..., tuple[int, str, str]]

COSTS = "client_id,A,B,C\nc1,1,5,9\nc2,4,2,7\nc3,8,3,1\nc4,9,6,2\n"
PAIRS = "client_id,site_id,minutes\nc1,A,1\nc1,B,5\nc2,A,4\nc2,B,2\nc3,B,3\nc3,C,1\nc4,C,2\n"
SQUARE = "site,A,B,C\nA,0,4,9\nB,4,0,6\nC,9,6,0\n"
WEIGHTS = "client_id,weight\nc1,10\nc2,5\nc3,1\nc4,7\n"
CAPACITIES = "site_id,capacity\nA,12\nB,12\nC,12\n"
FIXED = "site_id,fixed_cost\nA,5\nB,9\nC,4\n"
GRAPH = "4 4 2\n1 2 3\n2 3 4\n3 4 5\n4 1 1\n"
TABLES = {
    "m.csv": COSTS, "pairs.csv": PAIRS, "square.csv": SQUARE, "w.csv": WEIGHTS,
    "cap.csv": CAPACITIES, "f.csv": FIXED, "pmed.txt": GRAPH,
}  # fmt: skip


@pytest.fixture
def shequ(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; return its exit code and what it says."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["shequ", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ending:
            main()
        said = capsys.readouterr()
        code = ending.value.code
        return (code if isinstance(code, int) else int(code is not None)), said.out, said.err

    return run


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the tables, and work in it."""
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def points(folder: Path) -> Path:
    """Add GIS files of clients (in metres) and sites (in degrees) to the folder."""
    rng = np.random.default_rng(3)
    origin = np.array([500_000, 3_400_000])
    homes = rng.random((30, 2)) * 2000 + origin
    clients = gpd.GeoDataFrame(
        {"unit_id": [f"u{i}" for i in range(30)], "residents": rng.integers(10, 90, 30)},
        geometry=shapely.buffer(shapely.points(homes), 20),
        crs="EPSG:32651",
    )
    clients.to_file(folder / "clients.gpkg", layer="clients")
    places = rng.random((8, 2)) * 2000 + origin
    sites = gpd.GeoDataFrame(
        {
            "site_id": [f"s{i}" for i in range(8)],
            "capacity": [900] * 8,
            "fixed_cost": rng.integers(100, 300, 8),
            "forbidden": [i == 5 for i in range(8)],
        },
        geometry=shapely.points(places),
        crs="EPSG:32651",
    )
    sites.to_crs(4326).to_file(folder / "sites.geojson")
    return folder


def solve(shequ: Run, *words: str | Path) -> dict[str, Any]:
    """Solve, demand a solution that checks, and return its record."""
    code, out, err = shequ("solve", *words, "--json", "record.json")
    assert code == 0, out + err
    record: dict[str, Any] = json.loads(Path("record.json").read_text(encoding="utf-8"))
    files = [file["name"] for file in record["instance"]["files"]]
    places = {Path(str(word)).name: word for word in words}
    code, out, err = shequ("check", "siting", *(places[name] for name in files), "record.json")
    assert code == 0, out + err
    assert "8 checks, nothing found" in out
    return record


MATRIX = ("--costs", "m.csv", "--weights", "w.csv")
COSTED = (*MATRIX, "--fixed-costs", "f.csv")
FULL = (*COSTED, "--capacities", "cap.csv")
BEST: dict[str, tuple[tuple[str, ...], float, list[str] | None]] = {
    "p-median": (("p-median", *MATRIX, "-p", "2"), 45, ["A", "C"]),
    "p-median with a rule": (("p-median", *MATRIX, "-p", "2", "--required", "B"), 65, ["A", "B"]),
    "p-median from two to three": (
        ("p-median", *MATRIX, "-p", "3", "--least", "2"), 35, ["A", "B", "C"],
    ),
    "p-median of pairs": (
        ("p-median", "--costs", "pairs.csv", "--weights", "w.csv", "-p", "2"), 45, ["A", "C"],
    ),
    "p-median of a graph": (("p-median", "pmed.txt"), 4, ["1", "3"]),
    "p-center": (("p-center", *MATRIX, "-p", "2"), 4, ["A", "C"]),
    "p-center by weight": (("p-center", *MATRIX, "-p", "2", "--weighted"), 20, ["A", "C"]),
    "p-center with capacities": (
        ("p-center", *MATRIX, "--capacities", "cap.csv", "-p", "2", "--capacitated"), 7, None,
    ),
    "lscp with backup": (("lscp-b", *MATRIX, "--radius", "6", "--budget", "3"), 23, None),
    "lscp with capacities": (
        ("lscp", *MATRIX, "--capacities", "cap.csv", "--radius", "9", "--capacitated"), 2, None,
    ),
    "pscp": (("pscp", *MATRIX, "--radius", "4", "--share", "0.6"), 1, ["A"]),
    "mclp with capacities": (
        ("mclp", *MATRIX, "--capacities", "cap.csv", "--radius", "4", "-p", "1", "--capacitated"),
        10, ["A"],
    ),
    "mclp with capacities, split": (
        ("mclp", *MATRIX, "--capacities", "cap.csv", "--radius", "4", "-p", "1", "--capacitated",
         "--split"),
        12, ["A"],
    ),
    "mclp within a budget": (
        ("mclp", *COSTED, "--radius", "4", "--budget", "9"), 23, ["A", "C"],
    ),
    "p-dispersion": (("p-dispersion", "--costs", "square.csv", "-p", "2"), 9, ["A", "C"]),
    "lscp": (("lscp", *MATRIX, "--radius", "4"), 2, ["A", "C"]),
    "lscp of costs": (("lscp", *COSTED, "--radius", "5"), 9, ["A", "C"]),
    "mclp": (("mclp", *MATRIX, "-p", "1", "--radius", "4"), 15, ["A"]),
    "ufl": (("ufl", *COSTED), 17, ["A", "C"]),
    "ufl by weight": (("ufl", *COSTED, "--unit-cost", "1"), 53, ["A", "B", "C"]),
    "sscfl": (("sscfl", *FULL), 24, ["A", "B", "C"]),
    "cpmp": (("cpmp", *MATRIX, "--capacities", "cap.csv", "-p", "3"), 6, ["A", "B", "C"]),
}  # fmt: skip


@pytest.mark.parametrize("name", BEST)
def test_each_model_finds_the_optimum_worked_by_hand(name: str, shequ: Run, folder: Path) -> None:
    """Objective and open sites by id, proven, and the record checks."""
    assert folder.is_dir()
    words, objective, sites = BEST[name]
    record = solve(shequ, *words)
    assert (record["status"], record["reason"]) == ("optimal", "proven")
    assert record["objective"] == pytest.approx(objective)
    assert record["gap"] == pytest.approx(0, abs=1e-6)
    assert sites is None or record["open_sites"] == sites


def test_demand_is_split_where_that_is_cheaper(shequ: Run, folder: Path) -> None:
    """The shares of a client are written by site and add up to 1."""
    assert folder.is_dir()
    record = solve(shequ, "cfl", *FULL, "--assignment", "a.csv")
    assert record["objective"] == pytest.approx(18.8)
    assert record["assignment"]["c2"] == pytest.approx({"A": 0.4, "C": 0.6})
    with Path("a.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["client_id"] == "c2"]
    assert [(row["site_id"], float(row["share"]), float(row["distance"])) for row in rows] == [
        ("A", pytest.approx(0.4), 4.0),
        ("C", pytest.approx(0.6), 7.0),
    ]


def test_the_record_says_what_was_found(shequ: Run, folder: Path) -> None:
    """Status, proof, sites with their figures, assignment and access stand in the record."""
    assert folder.is_dir()
    record = solve(shequ, "p-median", *MATRIX, "-p", "2", "--within", "2")
    assert record["assignment"] == {"c1": "A", "c2": "A", "c3": "C", "c4": "C"}
    assert record["sites"][0] == {
        "site": "A", "clients": 2, "weight": 15.0, "mean_distance": 2.0, "largest_distance": 4.0,
    }  # fmt: skip
    assert record["instance"] | {"files": []} == {
        "files": [], "format": "tables", "clients": 4, "sites": 3, "weight": 23.0, "p": 2,
        "unit": "units of the file", "warnings": [],
    }  # fmt: skip
    access = record["accessibility"]
    assert access["mean"] == pytest.approx(45 / 23)
    assert access["share_in_reach"] == pytest.approx(18 / 23)
    assert access["catchment"]["share_without"] == pytest.approx(5 / 23)
    assert record["history"][-1]["objective"] == record["objective"]
    assert sum(record["seconds"].values()) <= record["total_seconds"] + 0.01


def test_sites_and_proof_are_printed(shequ: Run, folder: Path) -> None:
    """The answer is on standard output, what was read on standard error, no stray file stays."""
    code, out, err = shequ("solve", "p-median", *MATRIX, "-p", "2", "--json", "deep/r.json")
    assert code == 0, err
    assert out.startswith("p-median, 2 of 3 sites: optimal (proven), objective 45, bound 45, gap")
    assert "site  clients  weight  mean distance  largest" in out
    assert "m.csv (tables): 4 clients, 3 sites, weight 23" in err
    assert [path.name for path in (folder / "deep").iterdir()] == ["r.json"]


GIS = ("--clients", "clients.gpkg", "--sites", "sites.geojson")


@pytest.mark.parametrize(
    "words",
    [
        ("p-median", *GIS, "-p", "3", "--min-distance", "600", "--reach", "2500"),
        ("p-center", *GIS, "-p", "3", "--required", "s0,s1"),
        ("lscp", *GIS, "--radius", "1500"),
        ("mclp", *GIS, "--radius", "500", "-p", "2"),
        ("ufl", *GIS, "--unit-cost", "0.02"),
        ("cfl", *GIS, "--unit-cost", "0.02"),
        ("cpmp", *GIS, "-p", "3"),
    ],
    ids=lambda words: words[0],
)
def test_points_of_a_city_are_sited(words: tuple[str, ...], shequ: Run, points: Path) -> None:
    """GIS files in two systems are brought to metres; minutes are reported; marks are kept."""
    assert points.is_dir()
    record = solve(shequ, *words)
    assert record["status"] == "optimal"
    assert "s5" not in record["open_sites"]
    assert record["instance"]["unit"] == "m"
    assert record["accessibility"]["unit"] == "minutes"
    assert set(record["assignment"]) == {f"u{i}" for i in range(30)}
    assert "brought into WGS 84 / UTM zone 51N" in record["instance"]["warnings"][0]


def test_every_client_is_a_site_where_no_sites_are_given(shequ: Run, folder: Path) -> None:
    """A table with x and y is enough."""
    rows = [f"h{i},{100 * i},0,{i + 1}" for i in range(5)]
    (folder / "homes.csv").write_text("id,x,y,residents\n" + "\n".join(rows), encoding="utf-8")
    record = solve(shequ, "p-median", "--clients", "homes.csv", "-p", "1")
    assert (record["open_sites"], record["objective"]) == (["h3"], 1500)


def test_infeasible_is_exit_code_3_with_a_record(shequ: Run, folder: Path) -> None:
    """A proof that nothing fits is written and checks."""
    assert folder.is_dir()
    Path("tight.csv").write_text("site_id,capacity\nA,9\nB,9\nC,9\n", encoding="utf-8")
    words = ("cpmp", *MATRIX, "--capacities", "tight.csv", "-p", "3", "--json", "r.json")
    code, out, err = shequ("solve", *words)
    assert code == 3, out + err
    assert "infeasible (proven)" in out
    record = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert (record["open_sites"], record["assignment"], record["objective"]) == (None, None, None)
    assert shequ("check", "siting", "m.csv", "w.csv", "tight.csv", "r.json")[0] == 0


BAD_TABLES: dict[str, tuple[dict[str, str], str]] = {
    "an empty cell": (
        {"m.csv": COSTS.replace("c2,4,2", "c2,4,")},
        "m.csv: 1 cell that cannot be used (row c2, column B: empty). Give finite numbers",
    ),
    "not a number": ({"m.csv": COSTS.replace("c2,4", "c2,NaN")}, "row c2, column A: NaN"),
    "a word": ({"m.csv": COSTS.replace("c2,4", "c2,far")}, "row c2, column A: far"),
    "infinite": ({"m.csv": COSTS.replace("c2,4", "c2,inf")}, "row c2, column A: inf"),
    "negative": ({"m.csv": COSTS.replace("c2,4", "c2,-4")}, "row c2, column A: -4"),
    "a client twice": (
        {"m.csv": COSTS.replace("c3", "c2")},
        "m.csv, clients in the first column: 1 id used more than once (c2)",
    ),
    "a site twice": (
        {"m.csv": COSTS.replace("A,B,C", "A,B,A")},
        "m.csv, sites in the header: 1 id used more than once (A)",
    ),
    "a row without an id": ({"m.csv": COSTS.replace("c3", " ")}, "1 row without an id (3)"),
    "weights of others": (
        {"w.csv": WEIGHTS.replace("c3", "c9")},
        "w.csv: 1 id of m.csv without a row (c3); 1 id that m.csv does not have (c9). The ids of",
    ),
    "a weight twice": (
        {"w.csv": WEIGHTS + "c4,2\n"}, "w.csv, first column: 1 id used more than once (c4)",
    ),
    "a negative weight": (
        {"w.csv": WEIGHTS.replace("c2,5", "c2,-5")},
        "w.csv, column weight: 1 value that cannot be used (c2: -5). Give finite numbers",
    ),
    "weights of no column": (
        {"w.csv": "client_id,wieght,age\nc1,1,1\n"},
        "w.csv: 3 ids of m.csv without a row (c2; c3; c4)",
    ),
    "two columns and neither": (
        {"w.csv": WEIGHTS.replace("weight", "wieght,age").replace(",", ",1,")},
        "w.csv has no column weight or residents or demand or population. Did you mean wieght?",
    ),
    "no table": ({"m.csv": "nothing\n"}, "m.csv, line 1: expected a header of at least two colu"),
    "only a header": ({"m.csv": "id,A\n"}, "m.csv has a header and no rows"),
    "a short header": ({"m.csv": "A,B\nc1,1,2\n"}, "the header has fewer columns than the rows"),
    "a mark of words": (
        {"f.csv": "site_id,fixed_cost,required\nA,1,maybe\nB,1,no\nC,1,yes\n"},
        "f.csv, column required: 1 value that cannot be used (A: maybe). Give true or false.",
    ),
    "a pair twice": (
        {"m.csv": PAIRS + "c1,A,3\n"}, "m.csv: 1 pair listed more than once (c1 to A)",
    ),
    "a negative pair": (
        {"m.csv": PAIRS.replace("c4,C,2", "c4,C,-2")},
        "m.csv, column minutes: 1 value that cannot be used (c4 to C: -2)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_told_what_is_wrong(name: str, shequ: Run, folder: Path) -> None:
    """File, row, column and value are named with what to do, and no traceback is shown."""
    files, message = BAD_TABLES[name]
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    words = COSTED if "f.csv" in files else MATRIX
    code, out, err = shequ("solve", "p-median", *words, "-p", "2")
    assert (code, out) == (1, ""), err
    assert message in err.replace("\n", " ")


BAD_WORDS: dict[str, tuple[tuple[str, ...], str]] = {
    "no p": (("p-median", *MATRIX), "m.csv does not say how many sites; give -p."),
    "p above the sites": (("p-median", *MATRIX, "-p", "4"), "p = 4 of 3 sites that may open"),
    "p of 0": (("p-median", *MATRIX, "-p", "0"), "p = 0 of 3 sites that may open cannot be op"),
    "required and forbidden": (
        ("p-median", *MATRIX, "-p", "2", "--required", "A", "--forbidden", "A,B"),
        "1 site required and forbidden at once (A); take each out of one of the two.",
    ),
    "a site that is none": (
        ("p-median", *MATRIX, "-p", "2", "--required", "Z"),
        "--required: m.csv has no site Z. Its sites are A; B; C.",
    ),
    "more required than p": (
        ("p-median", *MATRIX, "-p", "1", "--required", "A,B"), "2 sites are required, but only 1",
    ),
    "more least than p": (
        ("p-median", *MATRIX, "-p", "1", "--least", "2"), "at least 2 sites must be open, but onl",
    ),
    "capacity below demand": (
        ("cfl", *COSTED, "--capacities", "small.csv"),
        "m.csv: all sites that may open hold 12, the clients demand 23: 11 too little.",
    ),
    "capacity of p sites below demand": (
        ("cpmp", *MATRIX, "--capacities", "cap.csv", "-p", "1"),
        "the 1 largest sites hold 12, the clients demand 23: 11 too little. Raise capacities or -p",
    ),
    "clients that no site reaches": (
        ("p-median", *MATRIX, "-p", "2", "--reach", "1"),
        "m.csv: 2 clients that no site reaches (c2; c4). Raise --reach, add sites, or leave",
    ),
    "clients that no allowed site covers": (
        ("lscp", *MATRIX, "--radius", "4", "--forbidden", "C"),
        "m.csv: 1 client that no site reaches (c4). Raise --radius",
    ),
    "pairs that leave a client out": (
        ("p-median", "--costs", "lonely.csv", "-p", "1", "--forbidden", "B"),
        "lonely.csv: 1 client that no site reaches (c2)",
    ),
    "no radius": (("lscp", *MATRIX), "It is not known how far a site covers; give --radius"),
    "a negative radius": (("lscp", *MATRIX, "--radius", "-1"), "--radius -1.0 not understood"),
    "a radius of nothing": (("lscp", *MATRIX, "--radius", "nan"), "--radius nan not understood"),
    "a radius of the p-median": (
        ("p-median", *MATRIX, "-p", "1", "--radius", "4"),
        "p-median takes no --radius; it takes --forbidden, --keep-existing, --least, --min",
    ),
    "no fixed costs": (("ufl", *MATRIX), "m.csv gives no fixed costs, which ufl needs; give"),
    "no capacities": (("cfl", *COSTED), "m.csv gives no capacities, which cfl needs; give"),
    "distances between sites": (
        ("p-dispersion", *MATRIX, "-p", "2"),
        "m.csv gives distances from clients to sites, not between sites. Give a square matrix",
    ),
    "metres of no points": (
        ("p-median", *MATRIX, "-p", "2", "--min-distance", "5"),
        "--min-distance needs the coordinates of the sites, which m.csv does not give",
    ),
    "an unknown method": (
        ("p-median", *MATRIX, "-p", "1", "--method", "magic"),
        "--method magic not understood; choose one of auto",
    ),
    "an unknown solver": (
        ("p-median", *MATRIX, "-p", "1", "--solver", "abacus"), "solver = 'abacus' not understood",
    ),
    "nothing": (("p-median", "-p", "1"), "No file is given; give one of FILE, --costs MATRIX.csv"),
    "two kinds of input": (
        ("p-median", "pmed.txt", *MATRIX), "FILE and --costs are given; give one of FILE",
    ),
    "weights of a published file": (
        ("p-median", "pmed.txt", "--weights", "w.csv"), "FILE does not go with --weights; leave",
    ),
    "a table as a file": (("p-median", "m.csv"), "m.csv is a table: give it as --costs m.csv"),
    "a file that is not there": (("p-median", "none.txt"), "none.txt does not exist; check the"),
    "a strange rounding": (
        ("p-median", "pmed.txt", "--rounding", "up"), "rounding is 'up', expected None or one of",
    ),
    "a strange ending": (
        ("p-median", "pmed.txt", "--assignment", "a.xls"), "--assignment a.xls not understood",
    ),
    "an assignment of no clients": (
        ("p-dispersion", "--costs", "square.csv", "-p", "2", "--assignment", "a.csv"),
        "p-dispersion has sites and no clients; leave --assignment out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_WORDS)
def test_what_cannot_be_is_refused_before_any_solve(name: str, shequ: Run, folder: Path) -> None:
    """Option, ids and amounts are named, with what to do instead."""
    (folder / "small.csv").write_text("site_id,capacity\nA,4\nB,4\nC,4\n", encoding="utf-8")
    (folder / "lonely.csv").write_text("client_id,site_id,m\nc1,A,1\nc2,B,1\n", encoding="utf-8")
    words, message = BAD_WORDS[name]
    code, out, err = shequ("solve", *words)
    assert (code, out) == (1, ""), err
    assert message in err.replace("\n", " ")


def test_only_ten_of_many_stranded_clients_are_named(shequ: Run, folder: Path) -> None:
    """The message keeps to one screen, and says how many there are."""
    rows = "".join(f"h{i:02},9\n" for i in range(25))
    (folder / "far.csv").write_text("client_id,A\n" + rows, encoding="utf-8")
    code, _, err = shequ("solve", "p-median", "--costs", "far.csv", "-p", "1", "--reach", "2")
    assert code == 1
    said = err.replace("\n", " ")
    assert "25 clients that no site reaches (h00; h01; h02; h03; h04; h05; h06; h07; h08" in said
    assert "h09; … and 15 more)" in said


def test_a_client_that_nothing_covers_is_a_warning_of_mclp(shequ: Run, folder: Path) -> None:
    """It stays uncovered, without a site, and the record says so."""
    assert folder.is_dir()
    code, out, err = shequ("solve", "mclp", *MATRIX, "-p", "2", "--radius", "1", "--json", "r.json")
    assert code == 0, out
    assert "warning: 2 clients that no site reaches (c2; c4); they stay uncovered" in err
    record = json.loads(Path("r.json").read_text(encoding="utf-8"))
    assert record["assignment"] == {"c1": "A", "c2": None, "c3": "C", "c4": None}
    assert (record["objective"], record["accessibility"]["share_in_reach"]) == (11, 11 / 23)


TAMPERED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another objective": (
        lambda r: r.update(objective=44.0, bound=44.0), "objective: objective 44.0, recomputed 45",
    ),
    "a closed site": (
        lambda r: r["assignment"].update(c1="B"),
        "service: client c1 is served by site B, which is closed",
    ),
    "a client without a site": (
        lambda r: r["assignment"].update(c1=None), "clients are not served in full: c1",
    ),
    "a site too many": (
        lambda r: r["open_sites"].append("B"), "rules: 3 sites are open, expected 2",
    ),
    "an unknown site": (
        lambda r: r["open_sites"].append("Z"), "ids: 1 open sites that the files do not have: Z",
    ),
    "a forbidden site": (
        lambda r: r["request"].update(forbidden=["A"]), "rules: site A is forbidden and open",
    ),
    "a reach": (
        lambda r: r["request"].update(reach=3), "service: clients served beyond their reach: c2",
    ),
    "a bound above": (
        lambda r: r.update(bound=46.0), "proof: the bound 46 lies on the wrong side of the object",
    ),
    "a gap": (lambda r: r.update(gap=0.1), "proof: gap 0.1, recomputed 0"),
    "no proof": (
        lambda r: r.update(reason="time"), "proof: optimal, but the solve stopped by time",
    ),
    "a row": (
        lambda r: r["sites"][0].update(weight=1.0), "table: site A: 2 clients and weight 1.0, rec",
    ),
    "a mean": (
        lambda r: r["accessibility"].update(mean=1.0), "access: access, mean: 1.0, recomputed 1.95",
    ),
    "another file": (
        lambda r: r["instance"]["files"][0].update(sha256="0"), "the hash differs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_a_record_that_was_changed_does_not_check(name: str, shequ: Run, folder: Path) -> None:
    """Every part of a record is held against the files."""
    assert folder.is_dir()
    record = solve(shequ, "p-median", *MATRIX, "-p", "2")
    change, message = TAMPERED[name]
    change(record)
    Path("bad.json").write_text(json.dumps(record), encoding="utf-8")
    code, out, err = shequ("check", "siting", "m.csv", "w.csv", "bad.json")
    assert code == 1
    assert message in out
    assert "bad.json does not hold" in err


BAD_CHECKS: dict[str, tuple[tuple[str, ...], str]] = {
    "a file is missing": (("m.csv", "r.json"), "made from w.csv (weights), which is not among the"),
    "a file too many": (("m.csv", "w.csv", "f.csv", "r.json"), "was not made from f.csv; leave"),
    "no file": (("r.json",), "Give the files of the solution first, and the record last."),
    "no record": (("m.csv", "w.csv", "f.csv"), "f.csv is not JSON"),
}


@pytest.mark.parametrize("name", BAD_CHECKS)
def test_a_check_needs_the_files_of_the_record(name: str, shequ: Run, folder: Path) -> None:
    """What is missing, or too many, is named."""
    assert folder.is_dir()
    assert shequ("solve", "p-median", *MATRIX, "-p", "2", "--json", "r.json")[0] == 0
    words, message = BAD_CHECKS[name]
    code, _, err = shequ("check", "siting", *words)
    assert code == 1
    assert message in err.replace("\n", " ")


def test_ctrl_c_keeps_the_best_solution(folder: Path) -> None:
    """The first Ctrl-C ends the solve; what is known is written with its bound."""
    rng = np.random.default_rng(5)
    rows = [f"{i + 1} {x} {y}" for i, (x, y) in enumerate(rng.integers(0, 10_000, (250, 2)))]
    text = "NAME: field\nDIMENSION: 250\nNODE_COORD_SECTION\n" + "\n".join(rows) + "\nEOF\n"
    (folder / "field.tsp").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "shequ", "solve", "p-center", "field.tsp", "-p", "25"]
    command += ["--method", "textbook", "--time-limit", "60", "--json", "r.json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(8)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    record = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert record["reason"] == "interrupted"
    assert process.returncode == (0 if record["open_sites"] else 4)


PUBLISHED: dict[str, tuple[tuple[str, ...], float]] = {
    "pmed2": (("p-median", "pmedian_orlib/pmed2.txt"), 4093),
    "cap71": (("cfl", "cfl_orlib/cap71.txt"), 932_615.75),
    "cap71 without capacities": (("ufl", "cfl_orlib/cap71.txt"), 932_615.75),
    "Holmberg p1": (("sscfl", "sscflp_holmberg/p1"), 8848),
    "cpmp02": (("cpmp", "cpmp_orlib/cpmp02.txt", "--rounding", "floor"), 740),
    "scp41": (("lscp", "setcover_orlib/scp41.txt"), 429),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_files_give_the_published_optimum(name: str, shequ: Run, folder: Path) -> None:
    """The format is told by content, and the objective is that of the tables."""
    assert folder.is_dir()
    (model, file, *words), optimum = PUBLISHED[name]
    if not (DATA / file).exists():
        pytest.skip(f"{DATA / file} is not there")
    record = solve(shequ, model, DATA / file, *words)
    assert (record["status"], record["objective"]) == ("optimal", pytest.approx(optimum))
