"""Read decisions: rows of a table, or of layers whose points and polygons name the places."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from .decisions import ALLOWED, Decision
from .faults import CityError, Findings, quote

if TYPE_CHECKING:
    from .city import City
    from .policy import Policy

LAYER = "decisions"
"""Name of the layer; those whose names begin with it count too."""

COLUMNS = ("kind", "id", "decision", "value", "note")
_ONLY_SITES = {"require", "forbid", "close", "min_area_m2", "max_area_m2"}
_INSIDE_SHARE = 0.5
"""Share of a community's area inside a drawn polygon from which on the polygon names it."""


def read_decisions(path: Path | str, city: City, policy: Policy) -> tuple[Decision, ...]:
    """
    Read decisions from a file.

    Parameters
    ----------
    path
        A CSV file with the columns kind, id, decision, value and note; or a GeoPackage, GeoJSON or
        any other file of GDAL with these columns, whose points and polygons may stand for the id.
        Of a GeoPackage the layers whose names begin with ``decisions`` are read, or its only one.
    city
        The city that they are about.
    policy
        How far a point may lie from its site.

    Raises
    ------
    CityError
        If the file cannot be read, or a row names no place; names all such rows.
    """
    path = Path(path)
    if not path.is_file():
        raise CityError(f"{path} does not exist; check the path of --decisions.")
    findings = Findings()
    if path.suffix.lower() == ".csv":
        found = _from_csv(path, findings)
    else:
        found = [
            decision
            for layer in _layers(path)
            for decision in _from_layer(
                _frame(path, layer), f"{path.name}, {layer}", city, policy, findings
            )
        ]
    findings.raise_faults(path.name)
    return tuple(found)


def layer_decisions(city: City, policy: Policy) -> tuple[Decision, ...]:
    """
    Read the layers ``decisions...`` of the city's own file or folder; none where there are none.

    Raises
    ------
    CityError
        As :func:`read_decisions`.
    """
    source = city.source
    if source is None:
        return ()
    findings = Findings()
    found: list[Decision] = []
    if source.is_dir():
        for file in sorted(source.glob(f"{LAYER}*.parquet")):
            found += _from_layer(_parquet(file), file.name, city, policy, findings)
    else:
        names = [str(name) for name, _ in pyogrio.list_layers(source)]
        for name in (name for name in names if name.startswith(LAYER)):
            found += _from_layer(_frame(source, name), name, city, policy, findings)
    findings.raise_faults(str(source))
    return tuple(found)


def _parquet(file: Path) -> pd.DataFrame:
    frame: pd.DataFrame
    try:
        frame = gpd.read_parquet(file)
    except ValueError:
        frame = pd.read_parquet(file)  # a table without geometry
    return frame


def _layers(path: Path) -> list[str]:
    try:
        names = [str(name) for name, _ in pyogrio.list_layers(path)]
    except pyogrio.errors.DataSourceError as error:
        raise CityError(
            f"{path.name} is neither CSV nor a GIS file: {error}. Give .csv, .gpkg or .geojson."
        ) from error
    mine = [name for name in names if name.startswith(LAYER)]
    if not mine and len(names) == 1:
        return names
    if not mine:
        raise CityError(f"{path.name} has no layer {LAYER}; it has {quote(names, most=8)}.")
    return mine


def _frame(path: Path, layer: str) -> pd.DataFrame:
    frame: pd.DataFrame = pyogrio.read_dataframe(path, layer=layer, fid_as_index=True)
    return frame


def _from_csv(path: Path, findings: Findings) -> list[Decision]:
    found: list[Decision] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = [name.strip() for name in reader.fieldnames or ()]
        absent = [name for name in COLUMNS[:3] if name not in names]
        if absent:
            raise CityError(
                f"{path.name} has no column {absent[0]}; it has {', '.join(names) or 'none'}. The "
                f"columns are {', '.join(COLUMNS)}; value and note may be missing."
            )
        reader.fieldnames = names
        for row in reader:
            place = f"{path.name}, line {reader.line_num}"
            cells = {name: str(row.get(name) or "").strip() for name in COLUMNS}
            if not cells["decision"]:
                continue
            if not cells["id"]:
                findings.fault(place, "no id", "Name the place; only layers can draw it.")
                continue
            found.append(_decision(cells, place))
    return found


def _decision(cells: dict[str, str], place: str, name: str | None = None) -> Decision:
    return Decision(
        cells["kind"].casefold(),
        cells["id"] if name is None else name,
        cells["decision"].casefold(),
        cells["value"],
        cells["note"],
        place,
    )


def _from_layer(
    frame: pd.DataFrame, label: str, city: City, policy: Policy, findings: Findings
) -> Iterator[Decision]:
    """Yield the decisions of a layer; rows without a decision are skipped."""
    if "decision" not in frame:
        findings.fault(
            label,
            "has no column decision",
            f"The columns are {', '.join(COLUMNS)}; with a geometry, kind and id may be missing.",
        )
        return
    drawn = _in_city(frame, label, city, findings)
    for spot, row in enumerate(frame.index):
        cells = {name: _text(frame[name].iloc[spot]) if name in frame else "" for name in COLUMNS}
        if not cells["decision"]:
            continue
        place = f"{label}, row {row}"
        cells["kind"] = cells["kind"] or _kind_of(cells["decision"].casefold())
        if cells["id"]:
            yield _decision(cells, place)
            continue
        shape = None if drawn is None else drawn[spot]
        names = _named_by(shape, cells["kind"].casefold(), place, city, policy, findings)
        yield from (_decision(cells, place, name) for name in names)


def _kind_of(decision: str) -> str:
    """Kind of place where the row does not say: units for groups, else sites."""
    if decision in _ONLY_SITES:
        return "site"
    return "unit" if decision in {"together", "apart"} else "site"


def _text(value: Any) -> str:  # noqa: ANN401 - whatever a cell may hold
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip()


def _in_city(frame: pd.DataFrame, label: str, city: City, findings: Findings) -> np.ndarray | None:
    """Shapes of the rows in the CRS of the city; None if the layer has none."""
    if not isinstance(frame, gpd.GeoDataFrame):
        return None
    shapes = frame.geometry
    if shapes.isna().all():
        return None
    if shapes.crs is None:
        findings.fault(label, "has no CRS", "Set the one that it was drawn in.")
        return None
    return np.asarray(shapes.to_crs(city.crs), dtype=object)


def _named_by(
    shape: Any,  # noqa: ANN401 - a geometry or None
    kind: str,
    place: str,
    city: City,
    policy: Policy,
    findings: Findings,
) -> Sequence[str]:
    """Ids of the places that a shape names; a fault if there is none."""
    if kind not in ALLOWED:
        return [""]  # the kind itself is refused when the decision is applied
    if shape is None or shapely.is_empty(shape):
        findings.fault(place, "neither an id nor a geometry", "Write the id, or draw the place.")
        return []
    is_area = shapely.get_dimensions(shape) == 2
    rows = _inside(shape, kind, city) if is_area else _at(shape, kind, city, policy)
    if not rows:
        beside = f"within {policy.decisions.match_m:g} m of it" if kind == "site" else "there"
        where = "inside the polygon" if is_area else beside
        findings.fault(
            place,
            f"no {kind} {where}",
            "Move it, write the id, or raise decisions.match_m.",
        )
    layer = {"site": city.sites, "unit": city.units, "community": city.communities}[kind]
    return [str(layer[f"{kind}_id"].iloc[row]) for row in rows]


def _inside(area: shapely.Geometry, kind: str, city: City) -> list[int]:
    """Rows of the sites and units whose point lies in an area, or of communities mostly in it."""
    if kind == "community":
        shapes = _communities(city)
        shared = shapely.area(shapely.intersection(shapes, area))
        return [int(r) for r in np.flatnonzero(shared > _INSIDE_SHARE * shapely.area(shapes))]
    points = city.site_points if kind == "site" else city.unit_points
    return [
        int(row) for row in np.flatnonzero(shapely.contains_xy(area, points[:, 0], points[:, 1]))
    ]


def _at(shape: shapely.Geometry, kind: str, city: City, policy: Policy) -> list[int]:
    """Row of the nearest site, or of the unit or community under a point."""
    point = shapely.point_on_surface(shape)
    if kind == "site":
        away = shapely.distance(np.asarray(city.sites.geometry, dtype=object), point)
        near = int(np.argmin(away)) if away.size else -1
        return [near] if near >= 0 and away[near] <= policy.decisions.match_m else []
    units = np.asarray(city.units.geometry, dtype=object)
    under = np.flatnonzero(shapely.intersects(units, point))[:1]
    if kind == "unit":
        return [int(row) for row in under]
    return [int(city.unit_community_idx[row]) for row in under]


def _communities(city: City) -> np.ndarray:
    """Area of every community: the union of its units."""
    units = np.asarray(city.units.geometry, dtype=object)
    rows = range(city.num_communities)
    return np.array(
        [shapely.coverage_union_all(units[city.unit_community_idx == row]) for row in rows],
        dtype=object,
    )
