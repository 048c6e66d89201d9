"""
Files of a siting problem, in any of the three forms that people have.

One file in a published format, a matrix of costs with its tables, or points of clients and sites:
all become a :class:`.siting_data.SitingData`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from .siting_data import SitingData, SourceFile, rounded_by
from .siting_formats import FormatOptions, read_published
from .siting_tables import TableFiles, read_tables

ROLES = ("file", "distances", "costs", "weights", "capacities", "fixed_costs", "clients", "sites")
"""What a file can give."""

_GIS = {".gpkg", ".shp", ".geojson", ".json", ".parquet", ".fgb", ".kml", ".gml"}
_COLUMNS = (
    "clients_layer", "sites_layer", "client_id", "site_id", "weight_column", "reach_column",
    "capacity_column", "fixed_cost_column",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SitingFiles:
    """
    Files, and how they are to be read.

    Parameters
    ----------
    file
        One file in a published format.
    costs, weights, capacities, fixed_costs
        A matrix (or list of pairs) and its tables.
    clients, sites
        Points.
    form, capacity, distances
        What a published file leaves open; see :class:`.siting_formats.FormatOptions`.
    rounding
        "floor", "nearest", "ceiling" or "none"; None for the rule of the published tables.
    clients_layer, sites_layer, client_id, site_id
        Layers and columns of points.
    weight_column, reach_column, capacity_column, fixed_cost_column
        Columns of points.
    """

    file: Path | None = None
    costs: Path | None = None
    weights: Path | None = None
    capacities: Path | None = None
    fixed_costs: Path | None = None
    clients: Path | None = None
    sites: Path | None = None
    form: str | None = None
    capacity: float | None = None
    distances: Path | None = None
    rounding: str | None = None
    clients_layer: str | None = None
    sites_layer: str | None = None
    client_id: str | None = None
    site_id: str | None = None
    weight_column: str | None = None
    reach_column: str | None = None
    capacity_column: str | None = None
    fixed_cost_column: str | None = None

    def as_record(self) -> dict[str, Any]:
        """Return how the files are read, without their places, as JSON."""
        options = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in options.items()
                if name not in ROLES and value is not None}  # fmt: skip


def read_siting(files: SitingFiles, *, model: str) -> SitingData:
    """
    Read the files of a problem.

    Parameters
    ----------
    files
        The files.
    model
        Name of the model: the published tables of some round distances their own way.

    Raises
    ------
    ValueError
        If the files do not belong together, are in no form that is known, or hold values that
        cannot be used.
    """
    _refuse_mixtures(files)
    for role in ROLES:
        path = getattr(files, role)
        if path is not None and not path.exists():
            raise ValueError(f"{path} does not exist; check the path.")
    rounding = rounded_by(files.rounding)
    if files.costs is not None:
        tables = TableFiles(files.costs, files.weights, files.capacities, files.fixed_costs)
        return read_tables(tables)
    if files.clients is not None:
        return _read_points(files)
    path = files.file or Path()
    options = FormatOptions(files.form, rounding, files.capacity, files.distances)
    data = read_published(path, options)
    if data.form == "tsplib" and files.rounding is None:
        usual = {"p-median": "floor", "p-center": "nearest"}.get(model)
        data = replace(data, rounding=rounded_by(usual))
    return data


def _read_points(files: SitingFiles) -> SitingData:
    """Read points; geopandas takes a second to load."""
    from .siting_points import PointFiles, read_point_files  # noqa: PLC0415 - slow to load

    assert files.clients is not None  # noqa: S101 - for the type checker
    return read_point_files(
        PointFiles(
            clients=files.clients,
            sites=files.sites,
            clients_layer=files.clients_layer,
            sites_layer=files.sites_layer,
            client_id=files.client_id,
            site_id=files.site_id,
            weight=files.weight_column,
            reach=files.reach_column,
            capacity=files.capacity_column,
            fixed_cost=files.fixed_cost_column,
            rounding=rounded_by(files.rounding),
        )
    )


def _refuse_mixtures(files: SitingFiles) -> None:
    """Refuse no input, or two kinds of it, and options of another kind."""
    kinds = {"FILE": files.file, "--costs": files.costs, "--clients": files.clients}
    given = [name for name, path in kinds.items() if path is not None]
    if len(given) != 1:
        what = f"{' and '.join(given)} are given" if given else "No file is given"
        raise ValueError(
            f"{what}; give one of FILE, --costs MATRIX.csv, or --clients POINTS --sites POINTS."
        )
    belongs: dict[str, tuple[str, ...]] = {
        "FILE": ("form", "capacity", "distances", "rounding"),
        "--costs": ("weights", "capacities", "fixed_costs"),
        "--clients": ("sites", "rounding", *_COLUMNS),
    }
    every = dict.fromkeys(name for names in belongs.values() for name in names)
    strange = [
        f"--{'format' if name == 'form' else name.replace('_', '-')}"
        for name in every
        if name not in belongs[given[0]] and getattr(files, name) is not None
    ]
    if strange:
        raise ValueError(f"{given[0]} does not go with {', '.join(strange)}; leave that out.")
    if files.file is not None and files.form is None:
        _refuse_other_kinds(files.file)


def _refuse_other_kinds(path: Path) -> None:
    """Say how a table or a GIS file is given."""
    suffix = path.suffix.lower()
    if suffix == ".csv":
        raise ValueError(
            f"{path.name} is a table: give it as --costs {path.name} (rows clients, columns sites)"
            f" or --clients {path.name} (columns x, y)."
        )
    if suffix in _GIS:
        raise ValueError(f"{path.name} is a GIS file: give it as --clients or --sites.")


def files_by_role(
    record: Sequence[Mapping[str, str]], paths: Sequence[Path]
) -> tuple[dict[str, Path], list[str]]:
    """
    Find the recorded files among those that are given.

    Parameters
    ----------
    record
        Role, name and hash of each file, as :class:`.siting_data.SourceFile` says them.
    paths
        Files in any order; one and the same may have several roles.

    Returns
    -------
    dict
        Path of each role.
    list
        What speaks against a file: its content differs.

    Raises
    ------
    ValueError
        If a file of the record is not among those given, or one is too many.
    """
    found: dict[str, Path] = {}
    changed = []
    for source in (SourceFile(**one) for one in record):
        same_name = [path for path in paths if path.name == source.name]
        alike = [path for path in paths if SourceFile.of(source.role, path).sha256 == source.sha256]
        if not same_name and not alike and len(record) == len(paths) == 1:
            same_name = list(paths)
        if not same_name and not alike:
            names = ", ".join(path.name for path in paths) or "none"
            raise ValueError(
                f"The solution was made from {source.name} ({source.role}), which is not among the "
                f"files given ({names}). Give it, too."
            )
        found[source.role] = (alike or same_name)[0]
        if not alike:
            changed.append(f"the solution was made from another {source.name}: the hash differs")
    extra = [path.name for path in paths if path not in found.values()]
    if extra:
        raise ValueError(f"The solution was not made from {', '.join(extra)}; leave that out.")
    return found, changed
