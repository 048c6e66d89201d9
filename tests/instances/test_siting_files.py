"""Published siting files are told apart by content; data that cannot be used is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from shequ.instances.siting_asked import Asked
from shequ.instances.siting_data import SitingData
from shequ.instances.siting_files import SitingFiles, files_by_role, read_siting
from shequ.instances.siting_problems import build_problem

TSP = "NAME: t\nDIMENSION: 3\nNODE_COORD_SECTION\n1 0 0\n2 0 1.5\n3 0 9\nEOF\n"
CITY = (
    "NAME : c\nEDGE_WEIGHT_TYPE : COORD\nDIMENSION : 2\nNODE_COORD_SECTION\n40.0 -73.0\n"
    "40.001 -73.0\nDEMAND_SECTION\n5\n7\nEOF\n"
)
FILES = {
    "tsplib": TSP,
    "city": CITY,
    "graph": "3 2 1\n1 2 3\n2 3 4\n",
    "warehouses": "3 2\n9 5\n8 6\n7 7\n2\n1 2 3\n3\n3 4 5\n",
    "single-source": "3 2\n9 8 7\n5 6 7\n2 3\n1 2 3\n4 5 6\n",
    "capacitated": "3 1\n0 0 9 2\n0 1 9 3\n5 5 9 1\n",
    "capacitated-matrix": "3 1\n0 4 9\n4 0 6\n9 6 0\n1 2 3\n9 9 9\n",
    "set-covering": "2 3\n4 5 6\n2 1 3\n1 2\n",
    "covering-points": "2\n0 1.5 2.5 1 7\n1 3.5 4.5 1 9\n",
}
PARTED = "1 2\nF 0 1 1 75\nC 0 1 2 5\nC 1 9 9 6\n"


def written(folder: Path, text: str, name: str = "instance.txt") -> Path:
    """Write a file and return its path."""
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def read(path: Path, model: str = "p-median", **options: object) -> SitingData:
    """Read one published file."""
    return read_siting(SitingFiles(file=path, **options), model=model)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FILES)
def test_each_format_is_told_by_its_content(form: str, tmp_path: Path) -> None:
    """No name or ending is needed, and ids count from 1."""
    data = read(written(tmp_path, FILES[form]))
    assert data.form == form
    assert data.client_ids == tuple(map(str, range(1, data.num_clients + 1)))


def test_sites_and_clients_of_their_own_are_read(tmp_path: Path) -> None:
    """Points marked F and C are sites and clients."""
    data = read(written(tmp_path, PARTED))
    assert (data.num_sites, data.num_clients) == (1, 2)
    assert data.pairs.dense().tolist() == [[1.0], [pytest.approx(np.sqrt(128))]]


def test_what_was_tried_is_named(tmp_path: Path) -> None:
    """A file in no format lists every format with what speaks against it."""
    path = written(tmp_path, "5 5 2\n1 2 3\n")
    with pytest.raises(ValueError, match="is in none of the formats that are known") as error:
        read(path)
    said = str(error.value)
    assert (
        "graph (OR-Library pmed: n m p, then m edges i j cost): expected 18 numbers, got 6" in said
    )
    assert "tsplib (points in a NODE_COORD_SECTION): it has no NODE_COORD_SECTION" in said
    assert said.count("\n  ") == len(FILES)


def test_a_file_that_fits_twice_asks_for_its_format(tmp_path: Path) -> None:
    """Nothing is guessed; --format decides."""
    path = written(tmp_path, "2 1\n0 0 5 2\n0 1 5 3\n")
    with pytest.raises(ValueError, match=r"as capacitated and as .*Say which with --format"):
        read(path)
    assert read(path, form="capacitated").form == "capacitated"
    with pytest.raises(ValueError, match="--format excel not understood; choose one of tsplib"):
        read(path, form="excel")


def test_a_named_format_says_where_the_file_breaks_it(tmp_path: Path) -> None:
    """File and line are those of the reader."""
    path = written(tmp_path, "3 2 1\n1 2 3\n2 9 4\n")
    with pytest.raises(ValueError, match=r"instance.txt, line 3: expected a node from 1 to 3"):
        read(path, form="graph")


def test_a_disconnected_graph_is_refused(tmp_path: Path) -> None:
    """The node that is not reached is named."""
    with pytest.raises(ValueError, match="node 3 is not reached from node 1"):
        read(written(tmp_path, "3 1 1\n1 2 3\n"))


@pytest.mark.parametrize(
    ("model", "rounding", "distance"),
    [
        ("p-median", None, 1.0),
        ("p-center", None, 2.0),
        ("lscp", None, 1.5),
        ("p-median", "none", 1.5),
        ("p-median", "nearest", 2.0),
        ("p-center", "floor", 1.0),
    ],
)
def test_points_are_rounded_as_their_tables_are(
    model: str, rounding: str | None, distance: float, tmp_path: Path
) -> None:
    """Down for the median, to the nearest for the centre, unless an option says otherwise."""
    data = read(written(tmp_path, TSP), model, rounding=rounding)
    assert data.pairs.dense()[0, 1] == distance
    assert data.site_distances.dense()[0, 1] == distance


@pytest.mark.parametrize("radius", [1.0, 1.5, 7.0, 9.0])
@pytest.mark.parametrize("rounding", ["none", "floor", "nearest", "ceiling"])
def test_covers_are_those_of_the_rounded_distances(
    radius: float, rounding: str, tmp_path: Path
) -> None:
    """The tree of points covers what the matrix covers, also with a reach for each client."""
    data = read(written(tmp_path, TSP), rounding=rounding)
    reach = np.array([radius, radius, 1.0])
    expected = data.pairs.dense() <= reach[:, None]
    assert (data.covers(reach).toarray() > 0).tolist() == expected.tolist()


def test_a_city_in_degrees_is_measured_on_the_sphere(tmp_path: Path) -> None:
    """A thousandth of a degree of latitude is 111 m, in covers as in distances."""
    data = read(written(tmp_path, CITY))
    assert data.in_metres
    assert data.pairs.dense()[0, 1] == pytest.approx(111.3, abs=0.1)
    assert data.covers(np.array([110.0, 112.0])).toarray().tolist() == [[1, 0], [1, 1]]


def test_the_word_capacity_needs_its_number(tmp_path: Path) -> None:
    """The OR-Library's capa, capb and capc leave it open."""
    path = written(tmp_path, FILES["warehouses"].replace("9 5", "capacity 5"))
    with pytest.raises(ValueError, match="Give the capacity that the word stands for"):
        read(path)
    capacity = read(path, capacity=40.0).capacity
    assert capacity is not None
    assert capacity.tolist() == [40, 8, 7]


def test_distances_may_come_from_a_file_of_their_own(tmp_path: Path) -> None:
    """A square matrix replaces the distances between the points, and is recorded."""
    matrix = written(tmp_path, "0 1 2\n1 0 3\n2 3 0\n", "own.grd")
    data = read(written(tmp_path, FILES["capacitated"]), "cpmp", distances=matrix)
    assert data.pairs.dense()[0].tolist() == [0, 1, 2]
    assert [file.role for file in data.files] == ["file", "distances"]


def test_distances_between_sites_must_be_symmetric(tmp_path: Path) -> None:
    """Both directions are named."""
    path = written(tmp_path, "site,A,B\nA,0,4\nB,5,0\n", "m.csv")
    data = read_siting(SitingFiles(costs=path), model="p-dispersion")
    with pytest.raises(ValueError, match="from A to B is 4, back it is 5"):
        _ = data.site_distances


def test_a_site_too_close_to_a_required_one_is_named(tmp_path: Path) -> None:
    """Two required sites nearer than the least distance contradict each other."""
    data = read(written(tmp_path, TSP))
    asked = Asked(p=2, min_distance=2.0, required=("1", "2"))
    with pytest.raises(ValueError, match="nearer to each other than 2 m: 1 and 2"):
        build_problem("p-median", data, asked)


def test_files_keep_their_roles_under_other_names(tmp_path: Path) -> None:
    """A renamed file is known by its content."""
    data = read(written(tmp_path, TSP))
    renamed = written(tmp_path, TSP, "other.txt")
    found, changed = files_by_role([vars(file) for file in data.files], [renamed])
    assert (found, changed) == ({"file": renamed}, [])


def test_a_changed_file_of_the_same_name_is_found_out(tmp_path: Path) -> None:
    """The hash differs, and that is a finding."""
    path = written(tmp_path, TSP)
    record = [vars(file) for file in read(path).files]
    written(tmp_path, TSP.replace("9", "8"))
    _, changed = files_by_role(record, [path])
    assert changed == ["the solution was made from another instance.txt: the hash differs"]
