"""A tiny city that tests break in one place at a time."""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from shequ.instances.city import write_city

Layers = dict[str, gpd.GeoDataFrame]

CRS = "EPSG:4549"
EAST, NORTH = 500_000.0, 3_460_000.0
SIDE = 100.0


def _square(column: int, row: int) -> shapely.Polygon:
    x, y = EAST + column * SIDE, NORTH + row * SIDE
    return shapely.box(x, y, x + SIDE, y + SIDE)


def _grid_layers() -> Layers:
    """Nine units in three columns; columns 0 and 1 are community A, column 2 is B."""
    places = [(column, row) for row in range(3) for column in range(3)]
    units = gpd.GeoDataFrame(
        {
            "unit_id": [f"u{i}" for i in range(9)],
            "residents": [100 + i for i in range(9)],
            "households": [40] * 9,
            "community_id": ["B" if column == 2 else "A" for column, _ in places],
            "community_name": ["East" if column == 2 else "West" for column, _ in places],
            "street_id": ["S1"] * 9,
            "note": ["kept"] * 9,
        },
        geometry=[_square(*place) for place in places],
        crs=CRS,
    )
    sites = gpd.GeoDataFrame(
        {
            "site_id": ["s0", "s1"],
            "status": ["existing", "candidate"],
            "floor_area_m2": [300.0, 0.0],
            "max_area_m2": [300.0, 900.0],
            "fixed_cost": [0.0, 50.0],
            "cost_per_m2": [0.0, 0.5],
        },
        geometry=shapely.points([EAST + 50, EAST + 250], [NORTH + 50, NORTH + 150]),
        crs=CRS,
    )
    return {"units": units, "sites": sites, "network": _street_grid()}


def _street_grid() -> gpd.GeoDataFrame:
    """Return streets along the borders of the units, with 16 numbered crossings."""
    xy = np.array([(EAST + x * SIDE, NORTH + y * SIDE) for y in range(4) for x in range(4)])
    start = [i for i in range(16) if i % 4 < 3] + list(range(12))
    end = [i + 1 for i in range(16) if i % 4 < 3] + [i + 4 for i in range(12)]
    lines = shapely.linestrings(np.stack([xy[start], xy[end]], axis=1))
    return gpd.GeoDataFrame(
        {"from_node": start, "to_node": end, "length_m": [SIDE] * len(start)},
        geometry=lines,
        crs=CRS,
    )


@pytest.fixture
def grid() -> Layers:
    """Return the layers of a good city of nine units, fresh for every test."""
    return _grid_layers()


@pytest.fixture
def square() -> Callable[[int, int], shapely.Polygon]:
    """Return the function from a column and a row to the polygon there."""
    return _square


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Layers], Path]:
    """Return a function that writes layers to a GeoPackage of this test."""

    def write(layers: Layers) -> Path:
        return write_city(layers, tmp_path / "grid.gpkg")

    return write
