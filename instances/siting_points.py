"""Siting data from points: any GIS file, or a CSV with columns x and y in metres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from ..models.formulation import BoolArray, FloatArray
from ..models.siting.distances import Rounding
from .columns import Column, Reading, read_ids
from .faults import Findings, counted, nearest
from .projection import check_extents, choose_crs, has_crs, to_crs
from .siting_data import SitingData, SourceFile, named
from .siting_tables import CAPACITIES, FIXED_COSTS, REACHES, WEIGHTS, flags, numbers, unique_ids


@dataclass(frozen=True)
class PointFiles:
    """
    Files of points and what their columns are called; None for the usual names.

    Parameters
    ----------
    clients, sites
        The files; without ``sites`` every client is a site, too.
    clients_layer, sites_layer
        Layers of files that hold several.
    client_id, site_id, weight, reach, capacity, fixed_cost
        Columns.
    rounding
        How distances are rounded.
    """

    clients: Path
    sites: Path | None = None
    clients_layer: str | None = None
    sites_layer: str | None = None
    client_id: str | None = None
    site_id: str | None = None
    weight: str | None = None
    reach: str | None = None
    capacity: str | None = None
    fixed_cost: str | None = None
    rounding: Rounding = None


@dataclass(frozen=True)
class _Role:
    """Clients or sites of a file: its rows, and the columns that they may have."""

    label: str
    frame: Any
    id_column: str | None
    file: str

    def ids(self, usual: tuple[str, ...]) -> tuple[str, ...]:
        """Ids of a column, else the numbers of the rows from 1."""
        column = self.id_column or next((name for name in usual if name in self.frame), None)
        if column is None:
            return tuple(str(row) for row in range(1, len(self.frame) + 1))
        self.require(column, f"--{self.label}-id")
        texts = read_ids(
            self.frame[column], Reading(self.file, Column(column, "id", nullable=True), Findings())
        )
        return unique_ids(["" if text is None else text for text in texts], self.place(column))

    def amounts(self, wanted: str | None, usual: tuple[str, ...], option: str) -> FloatArray | None:
        """Numbers of a column; None if none is named and the usual ones are not there."""
        column = wanted or next((name for name in usual if name in self.frame), None)
        if column is None:
            return None
        self.require(column, option)
        return numbers(self.frame, column, self.file)

    def marks(self, column: str) -> BoolArray | None:
        """Yes or no of a column; None if it is not there."""
        return flags(self.frame, column, self.file) if column in self.frame else None

    def existing(self) -> BoolArray | None:
        """Rows whose status is existing; None without such a column."""
        if "status" not in self.frame:
            return None
        return np.array([str(value).strip() == "existing" for value in self.frame["status"]])

    def require(self, column: str, option: str) -> None:
        """Refuse a column that is not there."""
        if column not in self.frame:
            names = [str(name) for name in self.frame.columns if name != "geometry"]
            near = nearest(column, names)
            raise ValueError(
                f"{self.file} has no column {column!r} ({option}). "
                f"{f'Did you mean {near}? ' if near else ''}Its columns are {', '.join(names)}."
            )

    def place(self, column: str) -> str:
        """Name file and column."""
        return f"{self.file}, column {column}"


def read_point_files(files: PointFiles) -> SitingData:
    """
    Read clients and sites as points in projected metres.

    Polygons and lines count by their centroid. Coordinates in degrees are brought into the zone
    of their place.

    Raises
    ------
    ValueError
        If a layer has no usable coordinates, a column is missing, or a value cannot be used.
    """
    frames = {"clients": _read(files.clients, files.clients_layer)}
    if files.sites is not None:
        frames["sites"] = _read(files.sites, files.sites_layer)
    sources = [SourceFile.of("clients", files.clients)]
    if files.sites is not None:
        sources.append(SourceFile.of("sites", files.sites))
    return _data(files, frames, sources)


def data_of_frames(clients: Any, sites: Any = None, **columns: Any) -> SitingData:  # noqa: ANN401
    """
    Take clients and sites from tables in memory.

    Parameters
    ----------
    clients, sites
        GeoDataFrames, or DataFrames with columns x and y in metres; without sites every client is
        one. They stay as they are.
    columns
        Names of columns, as :class:`PointFiles` has them: ``client_id``, ``site_id``, ``weight``,
        ``reach``, ``capacity``, ``fixed_cost``; and ``rounding``.

    Raises
    ------
    ValueError
        As :func:`read_point_files` does.
    TypeError
        If a table is none, or there is no such column to name.
    """
    frames = {"clients": clients} if sites is None else {"clients": clients, "sites": sites}
    for label, frame in frames.items():
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(
                f"{label} is a {type(frame).__name__}; give a GeoDataFrame or DataFrame."
            )
        _check_rows(frame, label)
    files = PointFiles(Path("clients"), None if sites is None else Path("sites"), **columns)
    sources = [SourceFile(label, label, "") for label in frames]
    return _data(files, {label: frame.copy() for label, frame in frames.items()}, sources)


def _data(files: PointFiles, frames: dict[str, Any], sources: list[SourceFile]) -> SitingData:
    """Take ids, points and numbers from the rows of the clients, and of the sites if given."""
    findings = Findings()
    points = _points(files, frames, findings)
    client = _Role("client", frames["clients"], files.client_id, files.clients.name)
    site_file = files.sites or files.clients
    same = files.sites is None
    site = _Role(
        "site", frames.get("sites", frames["clients"]),
        files.client_id if same else files.site_id, site_file.name,
    )  # fmt: skip
    client_ids = _indexed(client, ("client_id", "unit_id", "id"))
    site_ids = client_ids if same else _indexed(site, ("site_id", "id"))
    return SitingData(
        files=tuple(sources),
        form="points",
        client_ids=client_ids,
        site_ids=site_ids,
        client_points=points["clients"],
        site_points=points.get("sites", points["clients"]),
        rounding=files.rounding,
        weights=client.amounts(files.weight, WEIGHTS, "--weight-column"),
        reach=client.amounts(files.reach, REACHES, "--reach-column"),
        capacity=site.amounts(files.capacity, CAPACITIES, "--capacity-column"),
        least_load=site.amounts(None, ("least_load",), ""),
        fixed_costs=site.amounts(files.fixed_cost, FIXED_COSTS, "--fixed-cost-column"),
        in_metres=True,
        # The checks of coordinates are those of a city, whose first layer are units.
        warnings=tuple(str(told).replace("the units", "the clients") for told in findings.warnings),
        required=site.marks("required"),
        forbidden=site.marks("forbidden"),
        existing=site.existing(),
    )


def _indexed(role: _Role, usual: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids and make them the index of the rows, so that messages name them."""
    ids = role.ids(usual)
    role.frame.index = pd.Index(ids)
    return ids


def _read(path: Path, layer: str | None) -> Any:  # noqa: ANN401 - a table or a GeoDataFrame
    """Read a layer, or a table with x and y."""
    if not path.is_file() and not path.is_dir():
        raise ValueError(f"{path} does not exist; check the path.")
    if path.suffix.lower() == ".csv":
        return _read_table(path)
    try:
        frame = gpd.read_file(path, layer=layer) if layer else _only_layer(path)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise ValueError(f"{path.name} cannot be read: {error}.") from None
    if not isinstance(frame, gpd.GeoDataFrame) or frame.empty:
        raise ValueError(f"{path.name} has no rows with a geometry.")
    _check_rows(frame, path.name)
    return frame


def _check_rows(frame: Any, place: str) -> None:  # noqa: ANN401 - a table or a GeoDataFrame
    """Refuse a table without rows, without coordinates, or with rows that have no geometry."""
    if not isinstance(frame, gpd.GeoDataFrame):
        lacking = [name for name in ("x", "y") if name not in frame]
        if lacking or frame.empty:
            raise ValueError(
                f"{place} has {'no rows' if not lacking else f'no column {lacking[0]}'}; give a "
                "GIS file, or a table with columns x and y in metres."
            )
        return
    if frame.empty:
        raise ValueError(f"{place} has no rows with a geometry.")
    empty = np.flatnonzero(frame.geometry.isna() | frame.geometry.is_empty)
    if empty.size:
        rows = named([str(row + 1) for row in empty])
        raise ValueError(
            f"{place}: {counted(empty.size, 'row')} without a geometry ({rows}). Draw or "
            "remove them."
        )


def _only_layer(path: Path) -> Any:  # noqa: ANN401 - geopandas has no types
    layers = pyogrio.list_layers(path)[:, 0].tolist()
    if len(layers) > 1:
        raise ValueError(
            f"{path.name} holds the layers {', '.join(layers)}; choose one with --clients-layer or "
            "--sites-layer."
        )
    return gpd.read_file(path)


def _read_table(path: Path) -> pd.DataFrame:
    """Read a table with columns x and y in metres."""
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no table of commas ({error}).") from None
    _check_rows(frame, path.name)
    return frame


def _points(files: PointFiles, frames: dict[str, Any], findings: Findings) -> dict[str, FloatArray]:
    """Coordinates in metres of each layer; all layers in the system of the clients."""
    tables = {role for role, frame in frames.items() if not isinstance(frame, gpd.GeoDataFrame)}
    if tables:
        if len(tables) < len(frames):
            raise ValueError(
                f"{files.clients.name} and {files.sites.name if files.sites else ''}: one is a "
                "table in metres and one has a coordinate reference system; give both in one kind."
            )
        return {role: _table_points(frame, getattr(files, role).name)
                for role, frame in frames.items()}  # fmt: skip
    known = [has_crs(role, frame, findings) for role, frame in frames.items()]
    findings.raise_faults(files.clients.name)
    crs, given = choose_crs(frames["clients"], findings), frames["clients"].crs
    flat = {role: to_crs(role, frame, crs, given, findings) for role, frame in frames.items()}
    if len(known) > 1:
        check_extents({"units": flat["clients"], "sites": flat["sites"]}, findings)
    findings.raise_faults(files.clients.name)
    return {
        role: np.asarray(shapely.get_coordinates(shapely.centroid(frame.geometry.to_numpy())))
        for role, frame in flat.items()
    }


def _table_points(frame: pd.DataFrame, place: str) -> FloatArray:
    """Columns x and y; coordinates may be negative."""
    columns = []
    for name in ("x", "y"):
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64)
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            rows = [f"row {i + 1}: {str(frame[name].iloc[i]).strip() or 'empty'}" for i in wrong]
            raise ValueError(
                f"{place}, column {name}: {counted(wrong.size, 'value')} that cannot be used "
                f"({named(rows)}). Give finite coordinates in metres."
            )
        columns.append(values)
    return np.column_stack(columns)
