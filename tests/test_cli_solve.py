"""``shequ solve districting``, ``check districting`` and ``generate districting`` as typed."""

from __future__ import annotations

import csv
import json
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from shequ.cli import main

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., tuple[int, str, str]]


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


def node_link(columns: int = 4, rows: int = 3, **graph: int) -> dict[str, Any]:
    """Return a grid of units u00, u01, ... with ten residents each and borders of 100 m."""
    names = {(x, y): f"u{x}{y}" for x in range(columns) for y in range(rows)}
    nodes = [
        {"id": name, "x": 100.0 * x, "y": 100.0 * y, "residents": 10}
        for (x, y), name in names.items()
    ]
    links = [
        {"source": names[x, y], "target": names[u, v], "shared_perim": 100.0}
        for x, y in names
        for u, v in ((x + 1, y), (x, y + 1))
        if (u, v) in names
    ]
    asked = {"k": 2, "lower": 50, "upper": 70, "coordinates": "metres"} | graph
    return {"directed": False, "graph": asked, "nodes": nodes, "links": links}


def write(path: Path, content: object) -> Path:
    """Write text, or JSON of anything else."""
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    """Return a grid of twelve units."""
    return write(tmp_path / "grid.json", node_link())


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Return a GeoPackage of nine squares with residents and households, in metres."""
    shapes = [shapely.box(x, y, x + 100, y + 100) for x in (0, 100, 200) for y in (0, 100, 200)]
    rows = {
        "unit_id": [f"q{i}" for i in range(9)],
        "residents": [10 + i for i in range(9)],
        "households": [4] * 9,
        "community_id": ["west"] * 5 + ["east"] * 4,
    }
    frame = gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:3826")
    frame.to_file(tmp_path / "city.gpkg", layer="units")
    return tmp_path / "city.gpkg"


def solve(shequ: Run, file: Path, *words: str | Path) -> dict[str, Any]:
    """Solve, demand a plan that checks, and return its record."""
    record = file.parent / "solution.json"
    code, _, err = shequ("solve", "districting", file, "--json", record, *words)
    assert code == 0, err
    code, out, err = shequ("check", "districting", file, record)
    assert code == 0, out + err
    found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return found


def test_a_plan_is_printed_written_and_proven(shequ: Run, grid: Path, tmp_path: Path) -> None:
    """Table and proof on standard output, progress on standard error, the record in a file."""
    record = tmp_path / "deep" / "solution.json"
    code, out, err = shequ("solve", "districting", grid, "--json", record)
    assert code == 0, err
    assert out.startswith("2 districts, moment-of-inertia: optimal (proven), objective")
    assert "district  units  residents  deviation  centre" in out
    assert "12 units, 17 edges, 120 residents" in err
    found = json.loads(record.read_text(encoding="utf-8"))
    assert (found["status"], found["gap"], found["method"]) == ("optimal", 0.0, "lagrangian")
    assert found["objective"] == found["bound"]
    assert found["instance"] | {"sha256": ""} == {
        "file": "grid.json", "sha256": "", "units": 12, "edges": 17, "nodes": 12, "k": 2,
        "weights": ["residents"], "total": [120.0], "lower": [50.0], "upper": [70.0],
        "bounds_from": "file", "joined": [],
    }  # fmt: skip
    assert sorted(found["assignment"]) == sorted(node["id"] for node in node_link()["nodes"])
    assert found["history"][-1]["objective"] == found["objective"]
    assert list(tmp_path.joinpath("deep").iterdir()) == [record]


@pytest.mark.parametrize(
    ("words", "objective"),
    [
        (("--objective", "cut-edges"), 3),
        (("--objective", "border"), 300),
        (("--objective", "deviation"), 0),
        (("--objective", "border", "--within", "moment-of-inertia=0.2"), 300),
        (("--objective", "cut-edges=2", "--objective", "border=0.01"), 9),
        (("--method", "hess-shir"), None),
        (("--method", "combined", "--objective", "cut-edges"), 3),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else None,
)
def test_objectives_and_methods_reach_known_optima(
    words: tuple[str, ...], objective: float | None, shequ: Run, grid: Path
) -> None:
    """The straight cut of a grid is the least by every objective, and proven so."""
    found = solve(shequ, grid, *words, "--time-limit", "8")
    assert found["status"] == "optimal"
    if objective is None:
        objective = solve(shequ, grid)["objective"]
    assert found["objective"] == pytest.approx(objective, abs=1e-6)


def test_a_heuristic_plan_is_never_called_optimal(shequ: Run, grid: Path) -> None:
    """Without a bound there is no proof."""
    found = solve(shequ, grid, "--method", "heuristic", "--time-limit", "1")
    assert (found["status"], found["bound"], found["gap"]) == ("feasible", None, None)


def test_the_least_number_of_districts_is_proven(shequ: Run, grid: Path) -> None:
    """Two districts of at most 45 do not hold 120 residents; three do."""
    found = solve(shequ, grid, "-k", "least", "--upper", "45")
    assert found["instance"]["k"] == 3
    assert [attempt["k"] for attempt in found["attempts"]] == [3]
    assert found["note"] == "fewer than 3 districts: the totals do not fit"


def test_a_range_gives_the_first_number_with_a_plan(shequ: Run, tmp_path: Path) -> None:
    """A number that the totals fit and the units do not is proven infeasible, then the next."""
    record = node_link(3, 1)
    for node, residents in zip(record["nodes"], (30, 50, 40), strict=True):
        node["residents"] = residents
    file = write(tmp_path / "row.json", record)
    code, out, err = shequ("solve", "districting", file, "-k", "2:3", "--lower", "40", "--upper",
                           "65")  # fmt: skip
    assert code == 3, out + err
    found = solve(shequ, file, "-k", "2:3", "--lower", "30", "--upper", "65")
    assert found["instance"]["k"] == 3
    assert found["note"] == "2 districts: proven infeasible"


@pytest.mark.parametrize("number", ["1", "12"])
def test_one_district_and_one_a_unit_are_plans(number: str, shequ: Run, grid: Path) -> None:
    """The extreme numbers of districts are solved like any other."""
    found = solve(shequ, grid, "-k", number, "--tolerance", "0")
    assert found["status"] == "optimal"
    assert len(found["districts"]) == int(number)


def test_rules_are_kept_and_groups_expanded(shequ: Run, grid: Path, tmp_path: Path) -> None:
    """Locks, bans, pairs and own bounds hold in the plan of the units."""
    rules = write(
        tmp_path / "rules.toml",
        'together = [["u00", "u10"]]\napart = [["u01", "u02"]]\n[locked]\nu00 = 1\n'
        "[forbidden]\nu32 = [1]\n[districts.1]\nlower = 40\nupper = 50\n",
    )
    found = solve(shequ, grid, "--rules", rules, "--time-limit", "20")
    of = found["assignment"]
    assert (of["u00"], of["u10"], of["u32"]) == (1, 1, 0)
    assert of["u01"] != of["u02"]
    assert sum(district == 1 for district in of.values()) in {4, 5}
    assert found["instance"]["nodes"] == 11


def test_neighbours_of_one_estate_stay_together(shequ: Run, city: Path) -> None:
    """Units with an equal value that touch share a district; those apart do not have to."""
    frame = gpd.read_file(city, layer="units")
    frame["estate"] = ["E", "E", None, None, None, None, "F", None, "F"]
    frame.to_file(city, layer="units")
    found = solve(shequ, city, "-k", "3", "--tolerance", "0.3", "--together", "estate")
    assert found["request"]["rules"] == {"together": [["q0", "q1"]]}
    assert found["assignment"]["q0"] == found["assignment"]["q1"]


def test_the_districts_of_a_geopackage_are_layers(shequ: Run, city: Path, tmp_path: Path) -> None:
    """The GeoPackage has the units with their district, and the districts with their figures."""
    found = solve(
        shequ, city, "-k", "3", "--tolerance", "0.2", "--assignment", tmp_path / "out.gpkg"
    )
    units = gpd.read_file(tmp_path / "out.gpkg", layer="units").set_index("unit_id")
    assert units["district"].to_dict() == found["assignment"]
    districts = gpd.read_file(tmp_path / "out.gpkg", layer="districts")
    assert districts["residents"].tolist() == [row["residents"] for row in found["districts"]]
    assert districts.geometry.area.sum() == pytest.approx(90_000)
    assert districts.crs == "EPSG:3826"


def test_the_assignment_is_a_table(shequ: Run, grid: Path, tmp_path: Path) -> None:
    """The CSV names every unit once."""
    found = solve(shequ, grid, "--assignment", tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["unit_id"]: int(row["district"]) for row in csv.DictReader(file)}
    assert rows == found["assignment"]


def test_several_weights_are_balanced(shequ: Run, city: Path) -> None:
    """Residents and households keep their own tolerance."""
    found = solve(shequ, city, "-k", "3", "--weight", "residents", "--weight", "households",
                  "--tolerance", "0.3", "--tolerance", "0")  # fmt: skip
    assert {row["households"] for row in found["districts"]} == {12}
    assert found["instance"]["weights"] == ["residents", "households"]


def test_residents_who_move_are_counted(shequ: Run, city: Path) -> None:
    """The least change from the communities of today moves nobody where they are balanced."""
    found = solve(shequ, city, "-k", "2", "--objective", "moved", "--tolerance", "0.3")
    assert (found["status"], found["objective"]) == ("optimal", 0)


def test_infeasible_is_exit_code_3_with_a_record(shequ: Run, grid: Path, tmp_path: Path) -> None:
    """A proof that there is no plan is written and checks."""
    record = tmp_path / "s.json"
    code, out, _ = shequ("solve", "districting", grid, "--upper", "55", "--json", record)
    assert code == 3
    assert "infeasible (proven)" in out
    assert "120 residents do not fit into 2 districts of at most 55" in out
    assert "Raise -k or --upper." in out
    assert json.loads(record.read_text(encoding="utf-8"))["assignment"] is None
    assert shequ("check", "districting", grid, record)[0] == 0


def test_no_plan_in_the_limits_is_exit_code_4(shequ: Run, tmp_path: Path) -> None:
    """Where nothing is found and nothing proven, the exit code says so."""
    file = tmp_path / "units.json"
    assert shequ("generate", "districting", "-n", "250", "-k", "9", "--tolerance", "0.0001", "-o",
                 file)[0] == 0  # fmt: skip
    code, out, _ = shequ("solve", "districting", file, "--time-limit", "0.1")
    assert code == 4
    assert "9 districts, moment-of-inertia: unknown (time)" in out


def test_generate_writes_the_same_units_twice(shequ: Run, tmp_path: Path) -> None:
    """The same seed writes the same bytes."""
    files = [tmp_path / name for name in ("a.json", "b.json")]
    for file in files:
        assert shequ("generate", "districting", "-n", "30", "--seed", "5", "-o", file)[0] == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def without(record: dict[str, Any], place: int, **fields: object) -> dict[str, Any]:
    """Return the record with other fields of one node; None leaves a field out."""
    node = record["nodes"][place]
    node.update(fields)
    for name in [name for name, value in fields.items() if value is None]:
        del node[name]
    return record


def zeros() -> dict[str, Any]:
    """Return a grid without residents."""
    record = node_link()
    for node in record["nodes"]:
        node["residents"] = 0
    return record


def torn() -> dict[str, Any]:
    """Return a grid whose last column does not touch the others."""
    record = node_link()
    record["links"] = [
        link for link in record["links"] if link["source"][1] == "3" or link["target"][1] != "3"
    ]
    return record


BAD_FILES: dict[str, tuple[object, str]] = {
    "a negative value": (
        without(node_link(), 4, residents=-5),
        "bad.json, column residents: 1 value that cannot be used (unit u11 in node 4: -5). Give",
    ),
    "a missing value": (without(node_link(), 2, residents=None), "unit u02 in node 2: no value"),
    "a word": (without(node_link(), 2, residents="many"), 'unit u02 in node 2: "many"'),
    "not a number": (without(node_link(), 2, residents=float("nan")), "node 2: no value"),
    "no residents at all": (zeros(), "column residents: all 12 units have 0"),
    "no column": (
        {"nodes": [{"id": 1, "dogs": 2}], "links": []},
        "TOTPOP, POP100, P0010001). Name the column with --weight; its numbers are id, dogs.",
    ),
    "an id twice": (
        without(node_link(), 1, unit_id="A"),
        "column unit_id: 11 units without an id (node 0; node 2; node 3; … and 8 more)",
    ),
    "an edge to nothing": (
        node_link() | {"links": [{"source": "u00", "target": "u99"}]},
        "bad.json, links[0]: expected an id of a node, got {'source': 'u00', 'target': 'u99'}.",
    ),
    "a negative border": (
        node_link() | {"links": [{"source": "u00", "target": "u01", "shared_perim": -1}]},
        "links[0]: expected shared_perim, a number of at least 0, got -1.",
    ),
    "a disconnected graph": (
        torn(),
        "do not touch. Outside the largest (9 units): unit u30; unit u31; unit u32: 30 resid",
    ),
    "no JSON": ("{", "bad.json, line 1: expected JSON"),
    "other JSON": ({"cats": []}, "bad.json, the file: expected nodes and edges of a graph"),
    "nodes of text": ({"nodes": ["a"], "links": []}, "nodes[0]: expected an object, got 'a'"),
    "a state without edges": (
        {"k": 1, "L": 0, "U": 9, "nodes": [{"pop": 1}], "edges": [[0, 7]]},
        "bad.json, edges[0]: expected two nodes from 0 to 0, got [0, 7].",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_told_what_is_wrong(name: str, shequ: Run, tmp_path: Path) -> None:
    """File, column, unit and value are named, and no traceback is shown."""
    content, words = BAD_FILES[name]
    file = write(tmp_path / "bad.json", content)
    code, out, err = shequ("solve", "districting", file, "-k", "2")
    assert (code, out) == (1, "")
    assert words in err.replace("\n", " ")


BAD_WORDS: dict[str, tuple[tuple[str, ...], str]] = {
    "too many districts": (("-k", "13"), "13 districts cannot be made of 12 units or groups"),
    "no number": (("-k", "few"), "-k few not understood; give 3, a range 3:5, or least."),
    "an empty range": (("-k", "4:2"), "-k 4:2 is an empty range"),
    "an unknown objective": (("--objective", "beauty"), "'beauty' not understood; choose moment"),
    "an unknown method": (("--method", "magic"), "--method magic not understood; choose one of"),
    "a method of another objective": (
        ("--method", "lagrangian", "--objective", "border"),
        "--method lagrangian minimises one of moment-of-inertia alone, not border; choose auto",
    ),
    "an unknown solver": (("--solver", "abacus"), "solver = 'abacus' not understood"),
    "an unknown distance": (("--distance", "feet"), "--distance feet not understood; choose"),
    "a distance without data": (("--distance", "miles"), "grid.json has no lon and lat, which"),
    "an unknown contiguity": (("--contiguity", "king"), "'king' not understood; choose rook"),
    "contiguity of a graph": (
        ("--contiguity", "queen", "--across", "5"),
        "which units are neighbours; leave --contiguity, --across out",
    ),
    "an unknown weight": (("--weight", "resident"), "no column 'resident'. Did you mean residents"),
    "bounds that cross": (
        ("--lower", "70", "--upper", "50"),
        "at least 70 and at most 50 residents (the mean of 2 is 60.0). Widen",
    ),
    "a bound too many": (("--upper", "70", "--upper", "9"), "--upper is given 2 times for 1 weig"),
    "a share without a number": (("--within", "border"), "write --within border=0.05"),
    "least of nothing": (("-k", "least", "--tolerance", "0.1"), "-k least needs to know how much"),
    "an instance of one": (("--instance", "1"), "grid.json holds one instance"),
    "moved from nowhere": (("--objective", "moved"), "Name the column with the community of today"),
    "areas of no shapes": (
        ("--objective", "polsby-popper"),
        "grid.json does not give the outer outline of each unit (boundary_perim, or polygons)",
    ),
    "minutes of no network": (("--objective", "minutes"), "does not give walking minutes to seats"),
    "a map of no shapes": (("--assignment", "a.gpkg"), "the input has no geometries to draw"),
    "a strange ending": (("--assignment", "a.xls"), "name a .csv or a .gpkg file"),
}


@pytest.mark.parametrize("name", BAD_WORDS)
def test_bad_options_are_told_what_is_wrong(
    name: str, shequ: Run, grid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option and its value are named, with what to do instead."""
    monkeypatch.chdir(grid.parent)
    words, message = BAD_WORDS[name]
    code, out, err = shequ("solve", "districting", grid, *words)
    assert (code, out) == (1, "")
    assert message in err.replace("\n", " ")


IMPOSSIBLE: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a unit above the bound": (
        ("--upper", "9", "-k", "12"),
        "unit u00 alone has 10 residents, more than a district may have (9)",
        "Raise --upper (or --tolerance), or cut this unit in the input.",
    ),
    "a group above the bound": (
        ("--upper", "25", "-k", "6", "--rules", "group.toml"),
        "the group of unit u00 (3 units) alone has 30 residents",
        "Raise --upper (or --tolerance), or cut this unit in the input.",
    ),
    "weights that no number fits": (
        ("--lower", "70", "--upper", "75", "-k", "least"),
        "120 residents are too few for 2 districts of at least 70",
        "Lower -k or --lower.",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_cannot_be_is_proven_and_explained(
    name: str, shequ: Run, grid: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sizes that rule every plan out end with exit code 3, the reason and a remedy."""
    monkeypatch.chdir(grid.parent)
    write(grid.parent / "group.toml", 'together = [["u00", "u01", "u02"]]')
    words, reason, remedy = IMPOSSIBLE[name]
    code, out, err = shequ("solve", "districting", grid, *words)
    assert code == 3, err
    assert reason in out
    assert remedy in out


BAD_TABLES: dict[str, tuple[str, str, str]] = {
    "edges of an unknown unit": (
        "--edges",
        "unit_a,unit_b,action\nu00,u99,add\n",
        "t.csv, line 2, column unit_b: there is no unit 'u99'. Name a unit of",
    ),
    "a cut of nothing": (
        "--edges",
        "unit_a,unit_b,action\nu00,u11,remove\n",
        "t.csv, line 2: units u00 and u11 are no neighbours",
    ),
    "an unknown action": (
        "--edges",
        "unit_a,unit_b,action\nu00,u01,burn\n",
        "t.csv, line 2, column action: 'burn' is neither add nor remove",
    ),
    "a length of words": (
        "--edges",
        "unit_a,unit_b,action,length_m\nu00,u11,add,far\n",
        "t.csv, line 2, column length_m: 'far' is not a number of at least 0",
    ),
    "edges without a column": ("--edges", "unit_a,unit_b\n", "t.csv has no column action"),
    "a unit as its own neighbour": (
        "--edges", "unit_a,unit_b,action\nu00,u00,add\n", "unit u00 cannot border on itself",
    ),
    "an unknown rule": ("--rules", "rule,subject,value\nkeep,u00,1\n", "'keep' not understood"),
    "a district of words": ("--rules", "rule,subject,value\nlocked,u00,east\n", "is no district"),
    "contradicting locks": (
        "--rules",
        "rule,subject,value\nlocked,u00,0\nlocked,u01,1\ntogether,u00,u01\n",
        "t.csv: unit u00 + u01 stays together and is locked to both district 0 and district 1",
    ),
    "half a line": ("--rules", "rule,subject,value\nlocked,u00,\n", "line 2: no value"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_tables_are_told_what_is_wrong(name: str, shequ: Run, grid: Path) -> None:
    """File, line, column and value are named."""
    option, text, message = BAD_TABLES[name]
    table = write(grid.parent / "t.csv", text)
    code, out, err = shequ("solve", "districting", grid, option, table)
    assert (code, out) == (1, "")
    assert message in err.replace("\n", " ")


def test_bad_gis_input_is_told_what_is_wrong(shequ: Run, city: Path, tmp_path: Path) -> None:
    """Layers, conditions, ids, shapes and files of no kind have a message of their own."""
    frame = gpd.read_file(city, layer="units")
    frame.assign(unit_id="A").to_file(tmp_path / "twice.gpkg", layer="units")
    frame.assign(geometry=frame.geometry.where(frame.index != 3)).to_file(
        tmp_path / "blank.gpkg", layer="units"
    )
    frame.assign(residents=frame["residents"].where(frame.index != 2)).to_file(
        tmp_path / "gap.gpkg", layer="units"
    )
    write(tmp_path / "text.gpkg", "no GeoPackage")
    cases = [
        ((city, "--layer", "roads"), "city.gpkg has no layer roads; it has units."),
        ((city, "--where", "town = 'A'"), "--where town = 'A': no such column: town."),
        ((city, "--where", "unit_id = 'A'"), "city.gpkg has no rows with --where"),
        ((tmp_path / "twice.gpkg",), 'column unit_id: 8 ids given twice ("A" in rows 1 and 2'),
        ((tmp_path / "blank.gpkg",), "1 unit without geometry (row 4)"),
        ((tmp_path / "gap.gpkg",), "column residents: 1 value that cannot be used (unit q2 in row"),
        ((tmp_path / "text.gpkg",), "text.gpkg cannot be read as a GIS file"),
        ((tmp_path / "none.gpkg",), "none.gpkg does not exist; check the path."),
    ]
    for words, message in cases:
        code, out, err = shequ("solve", "districting", *words, "-k", "2")
        assert (code, out) == (1, ""), words
        assert message in err.replace("\n", " ")


def test_a_folder_that_cannot_be_written_is_refused_first(
    shequ: Run, grid: Path, tmp_path: Path
) -> None:
    """A record cannot replace a folder; that is said before any work."""
    code, _, err = shequ("solve", "districting", grid, "--json", tmp_path)
    assert code == 1
    assert "is a folder. Name a file." in err
    assert "units" not in err


def test_a_wrong_option_is_exit_code_2(shequ: Run, grid: Path) -> None:
    """Usage errors keep their code."""
    assert shequ("solve", "districting", grid, "--wrong")[0] == 2
    assert shequ("solve", "districting")[0] == 2


def test_a_tampered_solution_is_exit_code_1(shequ: Run, grid: Path, tmp_path: Path) -> None:
    """Findings are printed, and end with the code of bad input."""
    record = tmp_path / "s.json"
    shequ("solve", "districting", grid, "--json", record)
    found = json.loads(record.read_text(encoding="utf-8"))
    write(record, found | {"bound": 2 * found["objective"]})
    code, out, err = shequ("check", "districting", grid, record)
    assert code == 1
    assert "proof: the bound" in out
    assert "does not hold" in err
    write(record, {"status": "optimal"})
    code, _, err = shequ("check", "districting", grid, record)
    assert code == 1
    assert "is no solution" in err


def test_a_plan_is_held_to_other_demands(shequ: Run, grid: Path, tmp_path: Path) -> None:
    """Bounds and rules given to the check replace those of the record."""
    record = tmp_path / "s.json"
    shequ("solve", "districting", grid, "--json", record)
    code, out, _ = shequ("check", "districting", grid, record, "--tolerance", "0")
    assert (code, out) == (0, "optimal: 9 checks, nothing found\n")
    code, out, _ = shequ("check", "districting", grid, record, "--upper", "59")
    assert code == 1
    assert "bounds: district 0 has 60 residents, not in [0, 59]" in out


def test_interrupt_keeps_the_best_plan(tmp_path: Path, shequ: Run) -> None:
    """Ctrl-C ends with the best plan, its bound and "feasible", and the record checks."""
    file, record = tmp_path / "units.json", tmp_path / "s.json"
    shequ("generate", "districting", "-n", "200", "-k", "5", "-o", file)
    words = ["solve", "districting", str(file), "--objective", "border", "--json", str(record)]
    process = subprocess.Popen(
        [sys.executable, "-m", "shequ", *words, "--time-limit", "100"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    while "units" not in process.stderr.readline():
        pass
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "feasible (interrupted), objective" in out
    assert "interrupted: this is the best plan so far" in err
    assert shequ("check", "districting", file, record)[0] == 0


def test_the_documented_commands_print_what_is_documented(
    shequ: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands of the page that are proven in seconds give the objective that it shows."""
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "solve.md").read_text(encoding="utf-8")
    rules = text.split("every section may be left out:\n\n")[1].split("\n    $")[0]
    write(tmp_path / "rules.toml", textwrap.dedent(rules))
    blocks = re.findall(r"^    \$ shequ (.*)\n    (.*)", text, flags=re.MULTILINE)
    quick = [
        (command, first)
        for command, first in blocks
        if "--within" not in command and "-k least" not in command
    ]
    assert len(quick) == 9
    for command, first in quick:
        _, out, err = shequ(*shlex.split(command))
        assert first in out, command + err
