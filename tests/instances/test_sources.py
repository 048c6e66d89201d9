"""Where a city is read from, and the hash by which an input is known again."""

import sys
from types import ModuleType, SimpleNamespace

import geopandas as gpd
import pytest
from shequ.instances import sources
from shequ.instances.city import CityError, build_city, read_city
from shequ.instances.sources import content_hash

Layers = dict[str, gpd.GeoDataFrame]


def test_empty_file_is_called_empty(tmp_path):
    """A file of 0 bytes is not sent to a converter."""
    path = tmp_path / "city.gpkg"
    path.touch()
    with pytest.raises(CityError, match=r"city\.gpkg is empty") as caught:
        read_city(path)
    assert "ogr2ogr" not in str(caught.value)


def test_layers_in_memory_have_a_hash(grid):
    """Layers that come from no file, as those of a database, are known by their contents."""
    first, again = build_city(grid), build_city({**grid})
    assert first.sha256 == again.sha256 == content_hash(grid)
    assert len(first.sha256) == 64


def _other_value(grid: Layers) -> None:
    grid["units"].loc[3, "residents"] += 1


def _other_text(grid: Layers) -> None:
    grid["units"].loc[3, "note"] = "changed"


def _other_name(grid: Layers) -> None:
    grid["units"] = grid["units"].rename(columns={"note": "remark"})


def _other_place(grid: Layers) -> None:
    grid["sites"].loc[0, "geometry"] = grid["sites"].geometry[1]


def _other_crs(grid: Layers) -> None:
    grid["units"] = grid["units"].set_crs(4547, allow_override=True)


def _other_order(grid: Layers) -> None:
    grid["units"] = grid["units"].iloc[::-1]


def _fewer_layers(grid: Layers) -> None:
    del grid["network"]


def _digit_in_the_next_column(grid: Layers) -> None:
    """Move a digit from the last cell of a column to the first cell of the next."""
    grid["units"]["residents"] = [*range(8), 4]
    grid["units"]["households"] = [10, *range(8)]


def _no_text(grid: Layers) -> None:
    grid["units"].loc[3, "note"] = None


@pytest.mark.parametrize(
    "change",
    [
        _other_value,
        _other_text,
        _other_name,
        _other_place,
        _other_crs,
        _other_order,
        _fewer_layers,
        _no_text,
        _digit_in_the_next_column,
    ],
)
def test_other_contents_have_another_hash(grid, change):
    """Whatever changes in the layers changes the hash."""
    grid["units"]["residents"] = [*range(8), 41]
    grid["units"]["households"] = [0, *range(8)]
    before = content_hash(grid)
    changed = {name: frame.copy() for name, frame in grid.items()}
    change(changed)
    assert content_hash(changed) != before


def test_cells_of_any_kind_have_a_hash(grid):
    """Lists, dates and mixed values in a column that passes through are no obstacle."""
    grid["units"]["note"] = [[1], None, 3.5, "x", {"a": 1}, True, b"y", (2,), float("nan")]
    assert content_hash(grid) == content_hash({**grid})


@pytest.fixture
def database(grid, monkeypatch) -> Layers:
    """Return tables that a database of the test's own answers with."""
    fake = ModuleType("sqlalchemy")
    address = SimpleNamespace(
        database="town",
        drivername="postgresql+psycopg",
        render_as_string=lambda **_: "the database",
    )
    inspector = SimpleNamespace(get_table_names=lambda: list(grid), get_view_names=list)
    parts = {
        "make_url": lambda _: address,
        "create_engine": lambda _: None,
        "inspect": lambda _: inspector,
        "exc": SimpleNamespace(SQLAlchemyError=OSError),
    }
    for name, part in parts.items():
        setattr(fake, name, part)
    monkeypatch.setitem(sys.modules, "sqlalchemy", fake)
    monkeypatch.setattr(sources, "_read_table", lambda _, name: grid[name])
    return grid


def test_database_has_the_hash_of_its_contents(database):
    """A database is known again by what it holds, so that no other is taken for it."""
    url = "postgresql://reader@host/town"
    first = read_city(url)
    assert first.name == "town"
    assert first.sha256 == read_city(url).sha256
    database["units"].loc[3, "residents"] += 1
    assert read_city(url).sha256 not in ("", first.sha256)
