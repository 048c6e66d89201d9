"""
Files that hold a districting problem, in any of the formats that people have.

States of the literature (counties, tracts, and their perturbed populations), graphs of NetworkX and
GerryChain, and every GIS file: all become a :class:`.unit_graph.UnitGraph`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ..models.formulation import FloatArray
from .edge_changes import EdgeChange, changed_edges, refuse_parts, shortest_links
from .readers.graph_json import border_lengths, border_place, state_edges
from .readers.json_fields import JsonFile, read_json
from .readers.networkx_json import graph_attributes, is_network, network_edges
from .unit_columns import amounts, column_names, require, unit_ids, weight_columns
from .unit_graph import Asked, Distance, RawUnits, ReadOptions, UnitGraph

_SHAPEFILE_PARTS = (".shp", ".dbf", ".shx", ".prj")
_POINT_COLUMNS = (("x", "y"), ("C_X", "C_Y"))


def read_unit_graph(path: Path | str, options: ReadOptions | None = None) -> UnitGraph:
    """
    Read units, their weights and their neighbours.

    Parameters
    ----------
    path
        A JSON file of a state (n, k, L, U, nodes, edges) or of its perturbed populations, a graph
        of NetworkX or GerryChain (node-link or adjacency), GeoJSON, or any GIS file.
    options
        How it is to be read; None for the defaults.

    Returns
    -------
    UnitGraph
        Its graph is connected.

    Raises
    ------
    ValueError
        If the file cannot be used; names file, column, unit and value, and says what to do.
    """
    path, options = Path(path), options or ReadOptions()
    if not path.is_file():
        raise ValueError(f"{path} does not exist; check the path.")
    raw = _read_raw(path, options)
    ids, warnings = unit_ids(raw, options.id_column)
    names = weight_columns(raw, options.weights)
    weights = np.column_stack([amounts(raw, name, ids) for name in names])
    row_of = {unit: row for row, unit in enumerate(ids)}
    raw = _with_changes(raw, options.edges, row_of)
    graph = UnitGraph(
        raw=raw,
        ids=ids,
        weight_names=names,
        weights=weights,
        today=_today(raw, options.today),
        sha256=_sha256(path),
        warnings=(*raw.warnings, *warnings),
    )
    return _connected(graph, join_parts=options.join_parts)


def _read_raw(path: Path, options: ReadOptions) -> RawUnits:
    """Read a file by its kind."""
    file = _json(path) if path.suffix.lower() in {".json", ".geojson"} else None
    several = file is not None and "instances" in file.record
    if options.instance is not None and not several:
        raise ValueError(f"{path.name} holds one instance; leave --instance out.")
    if file is None or file.record.get("type") == "FeatureCollection":
        return read_layer(path, options)
    if options.for_shapes:
        given = ", ".join(
            f"--{name.removesuffix('_m').replace('_', '-')}" for name in options.for_shapes
        )
        raise ValueError(
            f"{path.name} is a graph that says itself which units are neighbours; leave {given} "
            "out, or change single borders with --edges."
        )
    if several:
        return _perturbed(file, options.instance)
    if is_network(file.record):
        return _network(file)
    return _state(file)


def _json(path: Path) -> JsonFile:
    """Read a JSON file whose nodes, if it has any, are objects."""
    try:
        file = read_json(path)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not text in UTF-8 ({error}); save it so.") from None
    nodes = file.record.get("nodes", [])
    odd = [i for i, node in enumerate(nodes) if not isinstance(node, dict)]
    if odd:
        raise file.fault(f"nodes[{odd[0]}]", f"an object, got {nodes[odd[0]]!r}")
    if not {"nodes", "instances", "features"} & set(file.record):
        raise file.fault("the file", "nodes and edges of a graph, or features of GeoJSON")
    return file


def read_layer(path: Path, options: ReadOptions) -> RawUnits:
    """Read a GIS file; its library is slow to load."""
    from .unit_layers import read_unit_layer  # noqa: PLC0415 - geopandas takes a second

    return read_unit_layer(path, options)


def _state(file: JsonFile) -> RawUnits:
    """Counties or tracts of a state, as :func:`.graph_json.read_districting` knows them."""
    nodes = file.rows("nodes")
    edges = state_edges(file, len(nodes))
    borders = file.rows("edges")
    metric = border_place(borders) == 3
    area, outer = ("area_m2", "ext_perim_m") if metric else ("area_deg2", "ext_perim_deg")
    points = _columns(file, ("x", "y"))
    kilometres = None
    if "dist_km" in file.record:
        square = (len(nodes), len(nodes))
        flat = file.floats([file.record], "dist_km", place="the file", width=square)
        kilometres = flat.reshape(square)
    return RawUnits(
        path=file.path,
        rows=tuple(nodes),
        edges=edges,
        lengths=None if border_place(borders) is None else border_lengths(borders),
        length_unit="m" if metric else "units of the file",
        asked=Asked(
            num_districts=_whole(file.record, "k"),
            lower=_whole(file.record, "L"),
            upper=_whole(file.record, "U"),
            distance=_recipe(file.record),
        ),
        points=points,
        points_m=points,
        degrees=_columns(file, ("lon", "lat")),
        kilometres=kilometres,
        area=_column(file, area),
        outer_perimeter=_column(file, outer),
    )


def _recipe(record: Mapping[str, Any]) -> Distance:
    """Distance of the published tables: as the file words it; hops where it says nothing."""
    text = str(record.get("distance_recipe", ""))
    if "mile" in text:
        return "miles"
    return "kilometres" if text or "dist_km" in record else "hops"


def _perturbed(file: JsonFile, instance: int | None) -> RawUnits:
    """One of several populations of a state, with the graph of its base."""
    records = file.rows("instances")
    if instance is None or not 0 <= instance < len(records):
        given = "" if instance is None else f", not {instance}"
        raise ValueError(
            f"{file.path.name} holds {len(records)} instances; choose one with --instance 0 to "
            f"{len(records) - 1}{given}."
        )
    base = file.path.resolve().parents[1] / file.field("base_instance", str)
    if not base.is_file():
        raise ValueError(f"{file.path.name}: its base_instance {base} is not there.")
    state = _state(read_json(base))
    record, place = records[instance], f"instances[{instance}]"
    mass = file.floats([record], "pop", place=place, width=len(state.rows))[0]
    rows = tuple(
        {**row, "pop": float(residents)} for row, residents in zip(state.rows, mass, strict=True)
    )
    asked = Asked(
        num_districts=_whole(record, "k"),
        lower=_whole(record, "L"),
        upper=_whole(record, "U"),
        distance=state.asked.distance,
    )
    return replace(state, path=file.path, rows=rows, asked=asked)


def _network(file: JsonFile) -> RawUnits:
    """Read a graph of NetworkX; its own attributes may say k, lower, upper and distance."""
    attributes = graph_attributes(file)
    edges, lengths = network_edges(file)
    nodes = tuple(file.rows("nodes"))
    pairs = (pair for pair in _POINT_COLUMNS if pair[0] in nodes[0])
    points = next((_columns(file, pair) for pair in pairs), None)
    metric = attributes.get("coordinates") == "metres"
    area = _column(file, "area")
    return RawUnits(
        path=file.path,
        rows=nodes,
        edges=edges,
        lengths=lengths if lengths.any() else None,
        length_unit="m" if metric else "units of the file",
        asked=Asked(
            num_districts=_whole(attributes, "k"),
            lower=_whole(attributes, "lower"),
            upper=_whole(attributes, "upper"),
            distance=_distance_of(file, attributes),
        ),
        points=points,
        points_m=points if metric else None,
        area=area,
        outer_perimeter=None if area is None else _boundary(file),
    )


def _boundary(file: JsonFile) -> FloatArray:
    """Outer outline of each node; GerryChain gives it to nodes at the boundary only."""
    nodes = [{"boundary_perim": 0.0} | node for node in file.rows("nodes")]
    return file.floats(nodes, "boundary_perim", place="nodes")


def _distance_of(file: JsonFile, attributes: Mapping[str, Any]) -> Distance | None:
    distance = attributes.get("distance")
    if distance is None or distance in get_args(Distance):
        return distance
    raise file.fault("graph", f"distance, one of {', '.join(get_args(Distance))}, got {distance!r}")


def _columns(file: JsonFile, names: tuple[str, str]) -> FloatArray | None:
    """Two columns of the nodes side by side; None if the first node lacks one."""
    nodes = file.rows("nodes")
    if not all(name in nodes[0] for name in names):
        return None
    return np.column_stack([file.floats(nodes, name, place="nodes") for name in names])


def _column(file: JsonFile, name: str) -> FloatArray | None:
    """One column of the nodes; None if a node lacks it."""
    nodes = file.rows("nodes")
    if any(node.get(name) is None for node in nodes):
        return None
    return file.floats(nodes, name, place="nodes")


def _whole(record: Mapping[str, Any], key: str) -> int | None:
    """Return a number of the file; None if it has none."""
    value = record.get(key)
    return value if isinstance(value, int) else None


def _with_changes(
    raw: RawUnits, changes: tuple[EdgeChange, ...], row_of: Mapping[str, int]
) -> RawUnits:
    """Add bridges and remove borders; a border that is removed becomes an outer one."""
    if not changes:
        return raw
    edges, lengths = changed_edges(raw.edges, raw.lengths, changes, row_of)
    outer = raw.outer_perimeter
    if outer is not None and raw.lengths is not None:
        size = len(raw.rows)
        left = edges @ np.array([size, 1])
        removed = ~np.isin(raw.edges @ np.array([size, 1]), left)
        ends, freed = raw.edges[removed].T.ravel(), np.tile(raw.lengths[removed], 2)
        outer = outer + np.bincount(ends, freed, size)
    return replace(raw, edges=edges, lengths=lengths, outer_perimeter=outer)


def _today(raw: RawUnits, wanted: str | None) -> tuple[str, ...] | None:
    """Community of today of every unit."""
    if wanted is not None:
        require(raw, wanted, "--today")
    column = wanted or "community_id"
    if column not in column_names(raw):
        return None
    values = (row.get(column) for row in raw.rows)
    return tuple("" if value is None or value != value else str(value) for value in values)  # noqa: PLR0124 - NaN


def _connected(graph: UnitGraph, *, join_parts: bool) -> UnitGraph:
    """Join the parts of the graph if that is wanted, else refuse them."""
    raw = graph.raw
    if not join_parts:
        refuse_parts(
            raw.path.name, raw.edges, graph.labels, graph.weights[:, 0], graph.weight_names[0]
        )
        return graph
    points = raw.points_m if raw.points_m is not None else raw.points
    if points is None:
        points = raw.degrees
    links = shortest_links(raw.edges, graph.num_units, raw.shapes, points)
    joined = tuple((graph.ids[i], graph.ids[j]) for i, j in links)
    changes = tuple(EdgeChange(one, other, "add", place="--join-parts") for one, other in joined)
    edges, lengths = changed_edges(raw.edges, raw.lengths, changes, graph.row_of)
    return replace(graph, raw=replace(raw, edges=edges, lengths=lengths), joined=joined)


def _sha256(path: Path) -> str:
    """Hash the file; the parts of a shapefile together."""
    files = [path]
    if path.suffix.lower() == ".shp":
        files = [path.with_suffix(part) for part in _SHAPEFILE_PARTS]
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()
