"""Bridges and cuts: changes to the neighbours of units, and links between parts."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import shapely
from scipy.spatial import cKDTree

from ..models.formulation import FloatArray, IntArray
from .adjacency import Adjacency, GeometryArray, components
from .faults import counted, nearest, quote

Action = Literal["add", "remove"]

_COLUMNS = ("unit_a", "unit_b", "action")


@dataclass(frozen=True)
class EdgeChange:
    """
    One bridge or cut.

    Parameters
    ----------
    unit_a, unit_b
        Ids of the two units.
    action
        "add" makes them neighbours, "remove" parts them.
    length_m
        Length of their border in metres, for objectives that count it.
    place
        Where it was given, for messages.
    """

    unit_a: str
    unit_b: str
    action: Action
    length_m: float = 0.0
    place: str = ""

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "unit_a": self.unit_a,
            "unit_b": self.unit_b,
            "action": self.action,
            "length_m": self.length_m,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], place: str) -> EdgeChange:
        """
        Read it back, or take a row of a table.

        Raises
        ------
        ValueError
            If a field is missing or not understood.
        """
        missing = [name for name in _COLUMNS if not str(record.get(name) or "").strip()]
        if missing:
            raise ValueError(
                f"{place}: no {missing[0]}. Give unit_a, unit_b and action (add or remove)."
            )
        unit_a, unit_b, action = (str(record[name]).strip() for name in _COLUMNS)
        if action not in get_args(Action):
            raise ValueError(f"{place}, column action: {action!r} is neither add nor remove.")
        if unit_a == unit_b:
            raise ValueError(f"{place}: unit {unit_a} cannot border on itself. Name two units.")
        length = str(record.get("length_m") or "0").strip()
        try:
            metres = float(length)
        except ValueError:
            metres = np.nan
        if not (np.isfinite(metres) and metres >= 0):
            raise ValueError(
                f"{place}, column length_m: {length!r} is not a number of at least 0. Give metres, "
                "or leave it empty."
            )
        return cls(unit_a, unit_b, action, metres, place)  # type: ignore[arg-type]  # checked


def read_edge_changes(path: Path | str) -> tuple[EdgeChange, ...]:
    """
    Read a table of bridges and cuts.

    Parameters
    ----------
    path
        A CSV file with the columns unit_a, unit_b, action (add, remove) and perhaps length_m.

    Raises
    ------
    ValueError
        If a column is missing or a value not understood; names file, line and column.
    """
    path = Path(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = [name.strip() for name in reader.fieldnames or ()]
        absent = [name for name in _COLUMNS if name not in names]
        if absent:
            raise ValueError(
                f"{path.name} has no column {absent[0]}; it has {', '.join(names) or 'none'}. The "
                "columns are unit_a, unit_b, action and, where known, length_m."
            )
        reader.fieldnames = names
        return tuple(
            EdgeChange.from_record(row, f"{path.name}, line {reader.line_num}") for row in reader
        )


def changed_edges(
    edges: IntArray,
    lengths: FloatArray | None,
    changes: Sequence[EdgeChange],
    row_of: Mapping[str, int],
) -> tuple[IntArray, FloatArray | None]:
    """
    Return the edges after all changes in their order, and their lengths.

    Raises
    ------
    ValueError
        If a change names an unknown unit, or removes a border that is not there.
    """
    if not changes:
        return edges, lengths
    given = np.zeros(len(edges)) if lengths is None else lengths
    known = {(int(i), int(j)): float(length) for (i, j), length in zip(edges, given, strict=True)}
    for change in changes:
        pair = _pair(change, row_of)
        if change.action == "add":
            known[pair] = change.length_m or known.get(pair, 0.0)
        elif known.pop(pair, None) is None:
            raise ValueError(
                f"{change.place}: units {change.unit_a} and {change.unit_b} are no neighbours, so "
                "nothing can be removed. Delete the line, or correct the ids."
            )
    pairs = sorted(known)
    changed = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return changed, None if lengths is None else np.array([known[pair] for pair in pairs])


def with_changes(
    found: Adjacency,
    changes: Sequence[EdgeChange],
    ids: Sequence[str],
    within: IntArray | None = None,
) -> Adjacency:
    """
    Return the neighbours among some units after the changes that concern two of them.

    Parameters
    ----------
    found
        Neighbours as the polygons give them.
    changes
        Bridges and cuts; those that name other units are left out.
    ids
        Id of each unit.
    within
        Group of every unit, shape (units,): only changes inside one group count; None for all.

    Raises
    ------
    ValueError
        If a change removes a border that is not there.
    """
    row_of = {unit: row for row, unit in enumerate(ids)} if changes else {}
    inside = [
        change
        for change in changes
        if change.unit_a in row_of
        and change.unit_b in row_of
        and (within is None or within[row_of[change.unit_a]] == within[row_of[change.unit_b]])
    ]
    pairs, lengths = changed_edges(found.pairs, found.length_m, inside, row_of)
    return found if lengths is None else Adjacency(pairs, lengths)


def change_faults(
    found: Adjacency, changes: Sequence[EdgeChange], row_of: Mapping[str, int]
) -> list[str]:
    """Return what is wrong with each change, made one after the other; empty if nothing is."""
    faults: list[str] = []
    edges, lengths = found.pairs, found.length_m
    for change in changes:
        try:
            edges, changed = changed_edges(edges, lengths, [change], row_of)
        except ValueError as error:
            faults.append(str(error))
        else:
            lengths = lengths if changed is None else changed
    return faults


def _pair(change: EdgeChange, row_of: Mapping[str, int]) -> tuple[int, int]:
    """Rows of the two units, the smaller first."""
    for column, unit in (("unit_a", change.unit_a), ("unit_b", change.unit_b)):
        if unit not in row_of:
            near = nearest(unit, row_of)
            hint = f" Did you mean {near}?" if near else " Name a unit of the file."
            raise ValueError(f"{change.place}, column {column}: there is no unit {unit!r}.{hint}")
    one, other = row_of[change.unit_a], row_of[change.unit_b]
    return min(one, other), max(one, other)


def refuse_parts(
    file: str, edges: IntArray, labels: Sequence[str], weights: FloatArray, weight: str
) -> None:
    """
    Refuse a graph that falls into parts.

    Raises
    ------
    ValueError
        If there is more than one; names the units of all but the largest.
    """
    part = components(len(labels), edges)
    sizes = np.bincount(part)
    if sizes.size == 1:
        return
    small = sorted(np.flatnonzero(np.arange(sizes.size) != sizes.argmax()), key=lambda p: sizes[p])
    shown = []
    for number in small:
        members = np.flatnonzero(part == number)
        names = quote([labels[i] for i in members.tolist()], most=5)
        shown.append(f"{names}: {weights[members].sum():,.0f} {weight}")
    raise ValueError(
        f"{file} falls into {counted(sizes.size, 'part')} that do not touch. Outside the largest "
        f"({counted(int(sizes.max()), 'unit')}): {' | '.join(shown[:8])}"
        f"{f' | … and {len(shown) - 8} more parts' if len(shown) > 8 else ''}. Add bridges with "
        "--edges FILE.csv, join the parts by shortest links with --join-parts, let polygons with "
        "gaps between them touch with --across METRES, or leave these units out."
    )


def shortest_links(
    edges: IntArray, num_units: int, shapes: GeometryArray | None, points: FloatArray | None
) -> IntArray:
    """
    Pairs of units whose links join all parts of a graph, each as short as can be.

    The links are those of a shortest spanning tree of the parts (Prim 1957, "Shortest connection
    networks and some generalizations", Bell System Technical Journal 36), measured between the
    polygons, or between the points where there are none.

    Parameters
    ----------
    edges
        Neighbours, shape (edges, 2).
    num_units
        Number of units.
    shapes, points
        Polygons or points of the units; None for what is not known.

    Returns
    -------
    IntArray
        The smaller row first, shape (parts - 1, 2).

    Raises
    ------
    ValueError
        If neither shapes nor points are known.
    """
    part = components(num_units, edges)
    if part.max() == 0:
        return np.empty((0, 2), dtype=np.int64)
    if shapes is None and points is None:
        raise ValueError("--join-parts needs coordinates of the units, and the file has none.")
    links = []
    inside = part == part[0]
    while not inside.all():
        here, there = np.flatnonzero(inside), np.flatnonzero(~inside)
        one, other = _nearest_pair(here, there, shapes, points)
        links.append((min(one, other), max(one, other)))
        inside |= part == part[other]
    return np.array(links, dtype=np.int64)


def _nearest_pair(
    here: IntArray, there: IntArray, shapes: GeometryArray | None, points: FloatArray | None
) -> tuple[int, int]:
    """Return the nearest unit of one set and of the other."""
    if shapes is not None:
        pairs, distance = shapely.STRtree(shapes[here]).query_nearest(
            shapes[there], return_distance=True, all_matches=False
        )
        best = int(np.argmin(distance))
        return int(here[pairs[1, best]]), int(there[pairs[0, best]])
    assert points is not None  # noqa: S101 - the caller has one of the two
    reach, place = cKDTree(points[here]).query(points[there])
    best = int(np.argmin(reach))
    return int(here[np.asarray(place)[best]]), int(there[best])
