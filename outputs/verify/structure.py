"""Do ids, geometry and layers belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import shapely
from geopandas import GeoDataFrame
from pyproj import CRS
from pyproj.exceptions import CRSError

from .numbers import number, numbers, texts
from .view import View

KEYS = {
    "units": "unit_id",
    "districts": "community_id",
    "communities_before": "community_id",
    "facilities": "site_id",
    "candidates": "site_id",
}


def ids(view: View) -> Iterator[str]:
    """Every id is text and names one row; a site is open or closed; none is missing."""
    for layer, key in KEYS.items():
        column = getattr(view.plan, layer)[key]
        wrong = [value for value in column if not (isinstance(value, str) and value)]
        yield from (f"{layer}.{key} {value!r} is not text" for value in wrong)
        counts = Counter(texts(column))
        yield from (f"{layer}.{key} {name} is double" for name, n in counts.items() if n > 1)
    both = set(view.facilities["site_id"]) & set(view.candidates["site_id"])
    yield from (f"site {site} is open and closed" for site in sorted(map(str, both)))
    rows = {
        "units": len(view.units),
        "communities": len(view.before),
        "sites": len(view.facilities) + len(view.candidates),
    }
    for name, count in rows.items():
        told = view.record["city"][name]
        if number(told) != count:
            yield f"the layers hold {count} {name}, the record says {told}"
    units = set(texts(view.units["unit_id"]))
    named = [change[end] for change in view.edge_changes for end in ("unit_a", "unit_b")]
    yield from (
        f"a bridge or cut names unit {name}, which is none" for name in named if name not in units
    )


def crs(view: View) -> Iterator[str]:
    """All layers are in the CRS of the record, and the plan was computed in metres."""
    wanted = view.plan.units.crs
    for name in (*KEYS, "allocation", "network", "barriers"):
        layer = getattr(view.plan, name)
        if layer is not None and layer.crs != wanted:
            yield f"{name} is in {layer.crs}, units are in {wanted}"
    for key in ("crs", "working_crs"):
        told = view.record["city"].get(key)
        try:
            known = None if told is None else CRS(told)
        except CRSError:
            yield f"city.{key} {told!r} is no CRS"
            continue
        if key == "crs" and known != wanted:
            yield f"the record says {told}, units are in {wanted}"
    unit = view.working.axis_info[0] if view.working is not None else None
    if unit is None or view.working is None or view.working.is_geographic:
        yield "no CRS in metres is known, in which lengths can be checked"
    elif not abs(unit.unit_conversion_factor - 1) <= 1e-12:
        yield f"{view.working.name} is in {unit.unit_name}, not in metres"


def coverage(view: View) -> Iterator[str]:
    """Polygons are valid and neither overlap nor leave slivers."""
    for name in ("units", "districts", "communities_before"):
        shapes = np.asarray(getattr(view.plan, name).geometry, dtype=object)
        if not shapely.is_valid(shapes).all():
            yield f"{name} has an invalid geometry"
        elif not shapely.coverage_is_valid(shapes):
            bad = shapely.coverage_invalid_edges(shapes)
            rows = np.flatnonzero(~shapely.is_empty(bad))
            yield f"{name} overlap or leave slivers at rows {rows[:5].tolist()}"


def membership(view: View) -> Iterator[str]:
    """Every unit lies in a district of its community, and districts consist of their units."""
    parents = dict(
        zip(texts(view.districts["community_id"]), view.districts["parent_id"], strict=True)
    )
    columns = ("unit_id", "community_id", "community_id_before")
    for unit, community, old in zip(*(view.units[name] for name in columns), strict=True):
        if community not in parents:
            yield f"unit {unit} lies in community {community}, which is no district"
        elif old != parents[community] and old not in view.rebalanced:
            yield f"unit {unit} was in {old}, its district {community} in {parents[community]}"
    yield from _unions(view.units, "community_id", view.districts, "district")


def before(view: View) -> Iterator[str]:
    """Every community of today consists of the units that were in it."""
    known = set(texts(view.before["community_id"]))
    columns = ("unit_id", "community_id_before")
    for unit, old in zip(*(view.units[name] for name in columns), strict=True):
        if old not in known:
            yield f"unit {unit} was in {old}, which is no community of today"
    yield from _unions(view.units, "community_id_before", view.before, "community")


def _unions(units: GeoDataFrame, column: str, areas: GeoDataFrame, word: str) -> Iterator[str]:
    """Say which areas differ from the union of their units."""
    shapes = np.asarray(units.geometry, dtype=object)
    rows = units.groupby(column).indices
    for community, area in zip(areas["community_id"], areas.geometry, strict=True):
        mine = rows.get(community)
        if mine is None:
            yield f"{word} {community} has no unit"
            continue
        away = shapely.symmetric_difference(shapely.union_all(shapes[mine]), area)
        differs = float(shapely.area(away)) if away is not None else float("nan")
        if not differs <= 1.0:
            yield f"{word} {community} differs from its units by {differs:.1f} m²"


def finite(layer: GeoDataFrame, columns: tuple[str, ...], key: str) -> Iterator[str]:
    """Say where numbers are missing or negative."""
    for column in columns:
        for name, value in zip(layer[key], numbers(layer[column]), strict=True):
            if not (np.isfinite(value) and value >= 0):
                yield f"{name}: {column} is {value}"
