"""The arrays of a synthetic city as layers of the city input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from .courtyards import LAND_USES, Courtyards
from .walkways import KINDS, METRES_PER_MINUTE, Walkways

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from ...models.formulation import BoolArray, FloatArray, IntArray
    from .communities import Communities
    from .fabric import Fabric
    from .stations import Sites

CRS = "EPSG:4549"
ARTERIAL_CROSSING_MINUTES = 0.5
Geometries = NDArray[np.object_]


def unit_polygons(nodes: FloatArray, courtyards: Courtyards) -> Geometries:
    """Polygons of the units along the lattice nodes, so that neighbours share every vertex."""
    rings = [
        np.concatenate(
            [
                nodes[top, left:right],
                nodes[top:bottom, right],
                nodes[bottom, right:left:-1],
                nodes[bottom:top:-1, left],
            ]
        )
        for top, bottom, left, right in courtyards.rectangles.tolist()
    ]
    return np.array([shapely.Polygon(ring) for ring in rings], dtype=object)


def units_layer(
    polygons: Geometries,
    courtyards: Courtyards,
    communities: Communities,
    *,
    counts: dict[str, IntArray],
    estates: IntArray,
    streets: list[str],
) -> GeoDataFrame:
    """Make the layer units; ``counts`` are further columns of integers."""
    width = len(str(courtyards.num_units))
    codes, street_names = np.array(communities.codes), np.array(streets)
    return _layer(
        {
            "unit_id": _text(f"U{i + 1:0{width}d}" for i in range(courtyards.num_units)),
            "residents": courtyards.residents,
            **counts,
            "community_id": _text(codes[communities.of_unit]),
            "street_id": _text(street_names[communities.street_of[communities.of_unit]]),
            "estate_id": _text(f"E{e + 1:0{width}d}" if e >= 0 else None for e in estates.tolist()),
            "land_use": _text(LAND_USES[use].name for use in courtyards.land_use.tolist()),
        },
        polygons,
    )


def sites_layer(
    sites: Sites,
    points: FloatArray,
    communities: Communities,
    names: list[str],
) -> GeoDataFrame:
    """Make the layer sites; ``names`` are those of the communities."""
    owner = communities.of_unit[sites.unit]
    number = _count_up(2 * owner + sites.existing)
    ids, titles = [], []
    for community, existing, i in zip(
        owner.tolist(), sites.existing.tolist(), number.tolist(), strict=True
    ):
        code, name = communities.codes[community][-6:], names[community].removesuffix("社区")
        ids.append(f"S{code}-{i + 1}" if existing else f"C{code}-{i + 1:02d}")
        again = "" if i == 0 else f"第{i + 1}"
        titles.append(f"{name}社区{again}服务站" if existing else f"{name}社区{i + 1}号备选点")
    return _layer(
        {
            "site_id": _text(ids),
            "name": _text(titles),
            "status": _text(np.where(sites.existing, "existing", "candidate")),
            "floor_area_m2": sites.floor_area_m2,
            "max_area_m2": sites.max_area_m2,
            "fixed_cost": sites.fixed_cost,
            "cost_per_m2": sites.cost_per_m2,
            "services": _text(np.where(sites.existing, "comprehensive_station", "")),
            "required": np.zeros(len(ids), dtype=bool),
            "forbidden": np.zeros(len(ids), dtype=bool),
        },
        np.asarray(shapely.points(points), dtype=object),
    )


def site_points(
    nodes: FloatArray,
    courtyards: Courtyards,
    sites: Sites,
    rng: np.random.Generator,
) -> FloatArray:
    """Points in the units of the sites, in metres; no two are the same, shape (sites, 2)."""
    centres = (nodes[:-1, :-1] + nodes[:-1, 1:] + nodes[1:, :-1] + nodes[1:, 1:]) / 4
    flat = courtyards.unit_of_cell.ravel()
    order = np.argsort(flat, kind="stable")
    start = np.searchsorted(flat[order], sites.unit)
    count = np.searchsorted(flat[order], sites.unit, side="right") - start
    turn, number = rng.integers(0, 2**20, courtyards.num_units), _count_up(sites.unit)
    cell = order[start + (turn[sites.unit] + number) % count]
    aside = 6.0 * (number // count)
    return np.round(centres.reshape(-1, 2)[cell] + aside[:, None], 2)


def network_layer(walkways: Walkways) -> GeoDataFrame:
    """Make the layer network."""
    kinds = np.array([KINDS.get(rank, "") for rank in range(max(KINDS) + 1)])[walkways.ranks]
    return _layer(
        {
            "from_node": walkways.ends[:, 0],
            "to_node": walkways.ends[:, 1],
            "length_m": walkways.length_m,
            "minutes": np.round(walkways.length_m / METRES_PER_MINUTE, 4),
            "kind": _text(np.where(walkways.bridge, "bridge", kinds)),
        },
        np.asarray(shapely.linestrings(walkways.xy[walkways.ends]), dtype=object),
    )


def barriers_layer(fabric: Fabric, nodes: FloatArray, *, river: str, railway: str) -> GeoDataFrame:
    """Make the layer barriers: the river, the railway and the arterials inside the city."""
    plan, inside = fabric.plan, fabric.block_of_cell >= 0
    kinds, names, lines = ["river"], [river], [nodes[_span(inside, plan.river_column, 1)]]
    if plan.railway_row is not None:
        kinds, names = [*kinds, "railway"], [*names, railway]
        lines.append(nodes[_span(inside, plan.railway_row, 0)])
    for axis, arterials in ((0, plan.arterial_rows), (1, plan.arterial_columns)):
        for line in arterials[1:-1]:
            kinds, names = [*kinds, "arterial"], [*names, ""]
            lines.append(nodes[_span(inside, line, axis)])
    crossable = np.array([kind == "arterial" for kind in kinds])
    return _layer(
        {
            "kind": _text(kinds),
            "name": _text(name or None for name in names),
            "crossable": crossable,
            "crossing_minutes": np.where(crossable, ARTERIAL_CROSSING_MINUTES, np.nan),
        },
        np.array([shapely.LineString(line) for line in lines], dtype=object),
    )


def communities_layer(
    units: GeoDataFrame, sites: GeoDataFrame, owner: IntArray, codes: list[str], names: list[str]
) -> GeoDataFrame:
    """
    Make the layer communities as the exact union of their units.

    Parameters
    ----------
    units, sites
        Their layers.
    owner
        Community of each site, shape (sites,).
    codes, names
        Codes and names of the communities.
    """
    streets = dict(zip(units["community_id"], units["street_id"], strict=True))
    existing = np.flatnonzero(sites["status"].to_numpy() == "existing")
    seats = {codes[owner[i]]: sites["site_id"].iloc[i] for i in existing[::-1].tolist()}
    areas = [
        shapely.coverage_union_all(units.geometry[units["community_id"] == code].to_numpy())
        for code in codes
    ]
    return _layer(
        {
            "community_id": _text(codes),
            "name": _text(names),
            "code": _text(codes),
            "seat": _text(seats.get(code) for code in codes),
            "street_id": _text(streets[code] for code in codes),
        },
        np.array(areas, dtype=object),
    )


def _span(inside: BoolArray, line: int, axis: int) -> tuple[Any, ...]:
    """Index of the nodes of a lattice line from the first to the last cell beside it."""
    cells = np.moveaxis(inside, axis, 0)
    beside = np.flatnonzero(cells[line - 1] | cells[line])
    along = slice(int(beside[0]), int(beside[-1]) + 2)
    return (line, along) if axis == 0 else (along, line)


def _count_up(key: IntArray) -> IntArray:
    """How often each value occurred before, shape (n,)."""
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    count = np.empty(key.size, dtype=np.int64)
    count[order] = np.arange(key.size) - np.searchsorted(ordered, ordered)
    return count


def _text(values: Any) -> pd.Series[str]:  # noqa: ANN401  # any iterable of text or None
    """Return a column of text."""
    return pd.Series(list(values), dtype="str")


def _layer(columns: dict[str, Any], geometry: Geometries) -> GeoDataFrame:
    """Put columns and geometries together."""
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)
