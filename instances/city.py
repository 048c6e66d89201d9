"""A city as read: validated layers in one projected CRS, and what was read and repaired."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyogrio
import shapely

from .columns import LAYERS, TABLES
from .faults import CityError, Findings, counted
from .notes import Note, note
from .policy import Policy
from .sources import Source, content_hash, read_source
from .validate import validate_layers

if TYPE_CHECKING:
    import geopandas as gpd
    from pyproj import CRS

    from ..models.formulation import FloatArray, IntArray
    from .decisions import Decision
    from .edge_changes import EdgeChange

__all__ = ["City", "CityError", "build_city", "read_city", "write_city"]


@dataclass(frozen=True, eq=False)
class City:
    """
    A city ready to plan with.

    Parameters
    ----------
    name
        Name of the city, from its file.
    units, sites, network, barriers, communities
        The layers, each with a fresh index from 0, ids as text and coordinates in metres; the
        units form a coverage of polygons, sites are points. Network and barriers may be None.
    input_crs, crs
        CRS of the units as read, and of the layers here.
    edge_changes
        Bridges and cuts: pairs of units that are made neighbours, or parted, in their order.
    decisions
        What planners have decided on its sites, units and communities.
    source, sha256
        File or folder that was read and hash of its bytes; None and hash of the layers as they
        came if they came from a database or from memory.
    warnings, repairs
        What to know about the input, and what was mended in it.
    """

    name: str
    units: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    network: gpd.GeoDataFrame | None
    barriers: gpd.GeoDataFrame | None
    communities: gpd.GeoDataFrame
    input_crs: CRS
    crs: CRS
    edge_changes: tuple[EdgeChange, ...] = ()
    decisions: tuple[Decision, ...] = ()
    source: Path | None = None
    sha256: str = ""
    warnings: tuple[Note, ...] = ()
    repairs: tuple[Note, ...] = ()

    @property
    def num_units(self) -> int:
        """Number of units."""
        return len(self.units)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return len(self.sites)

    @property
    def num_communities(self) -> int:
        """Number of communities."""
        return len(self.communities)

    @property
    def num_residents(self) -> int:
        """Residents of all units."""
        return int(self.units["residents"].sum())

    @property
    def num_households(self) -> int:
        """Households of all units."""
        return int(self.units["households"].sum())

    @cached_property
    def unit_community_idx(self) -> IntArray:
        """Row in ``communities`` of every unit's community, shape (units,)."""
        rows = pd.Index(self.communities["community_id"]).get_indexer(self.units["community_id"])
        return np.asarray(rows, dtype=np.int64)

    @cached_property
    def unit_points(self) -> FloatArray:
        """Coordinates of a point inside every unit, where its residents are, shape (units, 2)."""
        inside = shapely.point_on_surface(np.asarray(self.units.geometry, dtype=object))
        return shapely.get_coordinates(inside)

    @cached_property
    def site_points(self) -> FloatArray:
        """Coordinates of the sites, shape (sites, 2)."""
        return shapely.get_coordinates(np.asarray(self.sites.geometry, dtype=object))

    def in_input_crs(self, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Return rows in the CRS of the input, as outputs are written."""
        return frame if self.crs == self.input_crs else frame.to_crs(self.input_crs)

    @property
    def _changes(self) -> list[str]:
        if not self.edge_changes:
            return []
        added = sum(change.action == "add" for change in self.edge_changes)
        removed = len(self.edge_changes) - added
        return [f"{counted(added, 'bridge')} added, {counted(removed, 'border')} removed"]

    def __str__(self) -> str:
        """Draw a small tree of what the city holds."""
        existing = int((self.sites["status"] == "existing").sum())
        branches = [
            f"{self.num_units:,} units, {self.num_residents:,} residents",
            f"{self.num_households:,} households",
            f"{self.num_communities:,} communities",
            f"{self.num_sites:,} sites, {existing:,} of them existing",
            "no network" if self.network is None else f"{len(self.network):,} network edges",
            "no barriers" if self.barriers is None else f"{len(self.barriers):,} barriers",
            *self._changes,
            f"{counted(len(self.warnings), 'warning')}, {counted(len(self.repairs), 'repair')}",
        ]
        marks = ["├─"] * (len(branches) - 1) + ["└─"]
        lines = [f"{mark} {text}" for mark, text in zip(marks, branches, strict=True)]
        return "\n".join([f"{self.name} ({self.crs.name})", *lines])


def read_city(
    path: Path | str,
    policy: Policy | None = None,
    *,
    need_sites: bool = True,
    edge_changes: Sequence[EdgeChange] = (),
) -> City:
    """
    Read, check and repair a city.

    Parameters
    ----------
    path
        A GeoPackage, a folder of GeoParquet files ``<layer>.parquet``, or a ``postgresql://`` URL.
    policy
        What is repaired, who is split and how people walk; None for the defaults.
    need_sites
        Whether a city without a layer of sites is refused.
    edge_changes
        Bridges and cuts beside those of the layer ``edge_changes``, made after them.

    Raises
    ------
    CityError
        If the input cannot be used; names every fault with layer, column, row and value.
    """
    source = read_source(path)
    return _checked(source, policy or Policy(), need_sites=need_sites, edge_changes=edge_changes)


def build_city(
    layers: Mapping[str, gpd.GeoDataFrame],
    policy: Policy | None = None,
    *,
    name: str = "city",
    need_sites: bool = True,
    edge_changes: Sequence[EdgeChange] = (),
) -> City:
    """
    Check and repair layers that are in memory, as :func:`read_city` does for those in a file.

    Parameters
    ----------
    layers
        Frames by the name of the layer; they are not changed.
    policy, need_sites, edge_changes
        As for :func:`read_city`.
    name
        Name of the city.

    Raises
    ------
    CityError
        If the layers cannot be used.
    """
    source = Source(name, name, layers, sha256=content_hash(layers))
    return _checked(source, policy or Policy(), need_sites=need_sites, edge_changes=edge_changes)


def write_city(city: City | Mapping[str, gpd.GeoDataFrame], path: Path | str) -> Path:
    """
    Write a city as a GeoPackage that :func:`read_city` reads.

    The file appears whole or not at all, and the same layers give the same bytes.

    Parameters
    ----------
    city
        The city, written in the CRS of its input, or its layers by name.
    path
        The file, ending in ``.gpkg``; replaced if it exists.

    Raises
    ------
    CityError
        If the path is not that of a GeoPackage in an existing folder.
    """
    target = Path(path)
    if target.suffix != ".gpkg" or not target.parent.is_dir():
        raise CityError(f"{target} cannot be written; give a .gpkg file in an existing folder.")
    layers = _layers_of(city) if isinstance(city, City) else city
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".shequ-") as folder:
        draft = Path(folder) / target.name
        _write_layers({name: layers[name] for name in LAYERS if name in layers}, draft)
        os.replace(draft, target)  # noqa: PTH105 - atomic on one file system
    return target


def _checked(
    source: Source, policy: Policy, *, need_sites: bool, edge_changes: Sequence[EdgeChange]
) -> City:
    """Turn what was read into a city, or refuse it."""
    findings = Findings(warnings=[note("reader_said", text=text) for text in source.messages])
    layers = validate_layers(
        source.layers,
        policy,
        findings,
        name=source.label,
        others=source.others,
        need_sites=need_sites,
        edge_changes=edge_changes,
    )
    return City(
        name=source.name,
        **vars(layers),
        source=source.path,
        sha256=source.sha256,
        warnings=tuple(findings.warnings),
        repairs=tuple(findings.repairs),
    )


def _layers_of(city: City) -> dict[str, Any]:
    """Return the layers of a city that it has, in the CRS of the input."""
    shaped = {
        layer: city.in_input_crs(frame)
        for layer in LAYERS
        if layer not in TABLES and (frame := getattr(city, layer)) is not None
    }
    changes = [change.as_record() for change in city.edge_changes]
    return {**shaped, **({"edge_changes": pd.DataFrame(changes)} if changes else {})}


def _write_layers(layers: Mapping[str, gpd.GeoDataFrame], path: Path) -> None:
    """Write layers into one new file, without the time of day in it."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2000-01-01T00:00:00.000Z"})
    try:
        for name, frame in layers.items():
            pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", append=False)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
