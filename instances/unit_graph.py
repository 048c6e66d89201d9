"""Units and their neighbours as a districting file gives them, before anything is asked of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from ..models.formulation import FloatArray, IntArray
from .adjacency import Contiguity, GeometryArray
from .edge_changes import EdgeChange

Distance = Literal["metres", "kilometres", "hops", "miles", "euclidean"]


@dataclass(frozen=True)
class ReadOptions:
    """
    How a districting file is to be read.

    Parameters
    ----------
    instance
        Which instance of a file that holds several, from 0.
    layer, where
        Layer of a GIS file and condition on its columns (SQL), such as ``community_id = 'A'``.
    id_column
        Column that names the units; None for the usual names.
    weights
        Columns that are kept within bounds; the first is the mass of the moment of inertia. Empty
        for the usual names of residents.
    today
        Column with the community of today.
    contiguity
        Whether a border makes neighbours ("rook") or a corner is enough ("queen").
    min_border_m
        Metres; polygons that share a shorter border are not neighbours.
    across_m
        Metres; polygons at most this far apart are neighbours.
    edges
        Bridges that are added and borders that are removed.
    join_parts
        Whether parts that do not touch are joined by the shortest links.
    """

    instance: int | None = None
    layer: str | None = None
    where: str | None = None
    id_column: str | None = None
    weights: tuple[str, ...] = ()
    today: str | None = None
    contiguity: Contiguity = "rook"
    min_border_m: float = 1.0
    across_m: float = 0.0
    edges: tuple[EdgeChange, ...] = ()
    join_parts: bool = False

    def __post_init__(self) -> None:
        """Refuse a contiguity that is none."""
        if self.contiguity not in get_args(Contiguity):
            raise ValueError(
                f"contiguity = {self.contiguity!r} not understood; choose rook or queen."
            )

    @property
    def for_shapes(self) -> list[str]:
        """Options that say how shapes become neighbours, where they are not the default."""
        plain = ReadOptions()
        names = ("layer", "where", "contiguity", "min_border_m", "across_m")
        return [name for name in names if getattr(self, name) != getattr(plain, name)]


@dataclass(frozen=True)
class Asked:
    """What a file asks for by itself; None where it is silent."""

    num_districts: int | None = None
    lower: float | None = None
    upper: float | None = None
    distance: Distance | None = None


@dataclass(frozen=True, eq=False)
class RawUnits:
    """
    Rows of a districting file in its own words.

    Parameters
    ----------
    path
        The file.
    rows
        Attributes of every unit.
    edges, lengths
        Neighbours, the smaller index first, shape (edges, 2), and the length of their border in
        ``length_unit``; None where the file gives none.
    points
        Coordinates of the units as the file has them, shape (units, 2).
    points_m
        The same in metres of a plane.
    degrees
        Longitude and latitude.
    kilometres
        Distances that the file gives, shape (units, units).
    area, outer_perimeter
        In m² and metres, shape (units,) each.
    shapes, crs
        Geometries in metres, and their coordinate reference system.
    row_word, first_row
        What a row is called in messages, and the number of the first.
    """

    path: Path
    rows: tuple[Mapping[str, Any], ...]
    edges: IntArray
    lengths: FloatArray | None
    asked: Asked
    length_unit: str = "m"
    points: FloatArray | None = None
    points_m: FloatArray | None = None
    degrees: FloatArray | None = None
    kilometres: FloatArray | None = None
    area: FloatArray | None = None
    outer_perimeter: FloatArray | None = None
    shapes: GeometryArray | None = None
    crs: Any = None
    row_word: str = "node"
    first_row: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class UnitGraph:
    """
    Units with ids and weights, and a connected graph of their neighbours.

    Parameters
    ----------
    raw
        Rows of the file, with the edges as changed by bridges and cuts.
    ids
        Id of every unit, as text.
    weight_names, weights
        What is kept within bounds, shape (units, weights).
    today
        Community of today of every unit, "" for none; None where it is not given.
    sha256
        Hash of the file.
    joined
        Links that were made between parts, as pairs of ids.
    warnings
        What was chosen or mended on the way.
    """

    raw: RawUnits
    ids: tuple[str, ...]
    weight_names: tuple[str, ...]
    weights: FloatArray
    today: tuple[str, ...] | None = None
    sha256: str = ""
    joined: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = field(default=())

    @property
    def num_units(self) -> int:
        """Number of units."""
        return len(self.ids)

    @property
    def num_edges(self) -> int:
        """Number of pairs of neighbours."""
        return int(self.raw.edges.shape[0])

    @cached_property
    def row_of(self) -> dict[str, int]:
        """Row of each unit by its id."""
        return {unit: row for row, unit in enumerate(self.ids)}

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """What each unit is called in messages: its id, and its name if it has another."""
        named = zip(self.ids, self.raw.rows, strict=True)
        return tuple(_label(unit, str(row.get("name", unit))) for unit, row in named)

    @property
    def default_distance(self) -> Distance:
        """Distance of the moment of inertia unless another is asked for."""
        if self.raw.asked.distance is not None:
            return self.raw.asked.distance
        if self.raw.points_m is not None:
            return "metres"
        return "hops" if self.raw.points is None else "euclidean"


def _label(unit: str, name: str) -> str:
    return f"unit {unit}" if name in {unit, "None", "nan"} else f"unit {unit} ({name})"
