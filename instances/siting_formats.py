"""Published formats of siting instances, told apart by what stands in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..models.formulation import FloatArray
from ..models.siting.capacitated_p_median import CapacitatedPMedian
from ..models.siting.distances import MatrixDistances, Rounding
from .readers import capacitated, mclp, orlib, tsplib
from .siting_data import SitingData, SourceFile, numbered

_WORDS = {"capacity": "0", "F": "0", "C": "1"}
"""Words that formats of numbers hold, and a number in place of each."""


@dataclass(frozen=True)
class FormatOptions:
    """
    What a published file leaves open.

    Parameters
    ----------
    form
        Name of the format; None to find it out.
    rounding
        How Euclidean distances are rounded.
    capacity
        Number for the word ``capacity`` of the OR-Library's capa, capb and capc.
    distances
        File with a square matrix to take in place of the distances between the points.
    """

    form: str | None = None
    rounding: Rounding = None
    capacity: float | None = None
    distances: Path | None = None


@dataclass(frozen=True)
class _Sketch:
    """What can be seen of a file without reading it by a format."""

    path: Path
    text: str

    @cached_property
    def values(self) -> FloatArray:
        """All numbers, or none if there is another word than a format knows."""
        words = [_WORDS.get(word, word) for word in self.text.split()]
        try:
            return np.array(words, dtype=np.float64)
        except ValueError:
            return np.empty(0)

    def head(self, place: int) -> int:
        """Return a number at the start as a whole one, 0 if it is none."""
        if place >= self.values.size or not 1 <= self.values[place] <= 1e9:
            return 0
        return int(self.values[place])

    @cached_property
    def line_sizes(self) -> list[int]:
        """Words of each line that has any."""
        return [len(line.split()) for line in self.text.splitlines() if line.strip()]

    @cached_property
    def in_pairs(self) -> bool:
        """Whether capacity and cost of a site share a line, as the OR-Library writes them."""
        sites = self.line_sizes[1 : 1 + self.head(0)]
        return bool(sites) and all(size == 2 for size in sites)


Fits = Callable[[_Sketch], str]
Read = Callable[[Path, FormatOptions], SitingData]


@dataclass(frozen=True)
class Format:
    """
    A format.

    Parameters
    ----------
    name, text
        Its name and what stands in the file.
    misfit
        Says why a file cannot be of this format; "" if it can.
    read
        Reads it.
    """

    name: str
    text: str
    misfit: Fits
    read: Read


def read_published(path: Path, options: FormatOptions) -> SitingData:
    """
    Read a file in a published format.

    Raises
    ------
    ValueError
        If it is in none of them (what was tried is named), or breaks its own.
    """
    if options.form is not None:
        return format_named(options.form).read(path, options)
    sketch = _Sketch(path, path.read_text(encoding="utf-8", errors="replace"))
    misfits = {form.name: form.misfit(sketch) for form in FORMATS}
    fitting = [name for name, misfit in misfits.items() if not misfit]
    if len(fitting) == 1:
        return format_named(fitting[0]).read(path, options)
    if fitting:
        raise ValueError(
            f"{path.name} can be read as {' and as '.join(fitting)}. Say which with --format."
        )
    tried = "\n".join(f"  {form.name} ({form.text}): {misfits[form.name]}" for form in FORMATS)
    raise ValueError(
        f"{path.name} is in none of the formats that are known:\n{tried}\n"
        "Name one with --format to see where the file breaks it, or give a matrix with --costs, "
        "or points with --clients and --sites."
    )


def format_named(name: str) -> Format:
    """
    Return the format of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    for form in FORMATS:
        if form.name == name:
            return form
    names = ", ".join(form.name for form in FORMATS)
    raise ValueError(f"--format {name} not understood; choose one of {names}.")


def _expects(total: int, sketch: _Sketch) -> str:
    found = sketch.values.size
    if not found:
        return "it holds other words than numbers"
    return "" if found == total else f"expected {total:,} numbers, got {found:,}"


def _no_graph(sketch: _Sketch) -> str:
    if sketch.head(2) > sketch.head(0):
        return "the third number, p, is larger than the first"
    return _expects(3 + 3 * sketch.head(1), sketch)


def _warehouse_count(sketch: _Sketch) -> str:
    sites, clients = sketch.head(0), sketch.head(1)
    return _expects(2 + 2 * sites + clients * (sites + 1), sketch)


def _no_warehouses(sketch: _Sketch) -> str:
    if not sketch.in_pairs:
        return "the lines after the first do not hold two numbers each"
    return _warehouse_count(sketch)


def _no_single_source(sketch: _Sketch) -> str:
    if sketch.in_pairs and sketch.head(0) > 2:
        return "the lines after the first hold two numbers each"
    return _warehouse_count(sketch)


def _no_capacitated(sketch: _Sketch) -> str:
    if sketch.head(1) > sketch.head(0):
        return "the second number, p, is larger than the first"
    return _expects(2 + 4 * sketch.head(0), sketch)


def _no_capacitated_matrix(sketch: _Sketch) -> str:
    points = sketch.head(0)
    if sketch.head(1) > points:
        return "the second number, p, is larger than the first"
    return _expects(2 + points**2 + 2 * points, sketch)


def _no_set_covering(sketch: _Sketch) -> str:
    values, rows, columns = sketch.values, sketch.head(0), sketch.head(1)
    if not values.size:
        return "it holds other words than numbers"
    place = 2 + columns
    for row in range(1, rows + 1):
        count = sketch.head(place)
        covering = values[place + 1 : place + 1 + count]
        if not (count and covering.size == count and covering.min() >= 1):
            return f"row {row} does not begin with its number of columns"
        if covering.max() > columns:
            return f"row {row} names column {covering.max():g} of {columns}"
        place += 1 + count
    return "" if rows and place == values.size else "it does not end after the last row"


def _no_covering_points(sketch: _Sketch) -> str:
    values, words = sketch.values, sketch.text.split()
    if "F" in words[2:3]:
        return _expects(2 + 5 * (sketch.head(0) + sketch.head(1)), sketch)
    misfit = _expects(1 + 5 * sketch.head(0), sketch)
    if not misfit and (np.diff(values[1::5]) != 1).any():
        return "the ids of the points are not consecutive"
    return misfit


def _no_points(sketch: _Sketch) -> str:
    if "NODE_COORD_SECTION" not in sketch.text:
        return "it has no NODE_COORD_SECTION"
    return "it has a DEMAND_SECTION" if "DEMAND_SECTION" in sketch.text else ""


def _no_city(sketch: _Sketch) -> str:
    sections = ("NODE_COORD_SECTION", "DEMAND_SECTION")
    return next((f"it has no {name}" for name in sections if name not in sketch.text), "")


def _read_graph(path: Path, options: FormatOptions) -> SitingData:
    del options
    distances, p = orlib.read_graph_distances(path)
    ids = numbered(len(distances))
    return SitingData(
        files=_source(path), form="graph", client_ids=ids, site_ids=ids,
        distances=MatrixDistances(distances), p=p,
    )  # fmt: skip


def _read_warehouses(path: Path, options: FormatOptions) -> SitingData:
    problem = orlib.read_capacitated(path, capacity=options.capacity)
    return SitingData(
        files=_source(path), form="warehouses", client_ids=numbered(problem.num_clients),
        site_ids=numbered(problem.num_sites), totals=problem.matrix, weights=problem.demand,
        capacity=problem.capacity, fixed_costs=problem.fixed_costs,
    )  # fmt: skip


def _read_single_source(path: Path, options: FormatOptions) -> SitingData:
    del options
    problem = capacitated.read_single_source(path)
    return SitingData(
        files=_source(path), form="single-source", client_ids=numbered(problem.num_clients),
        site_ids=numbered(problem.num_sites), totals=problem.matrix, weights=problem.demand,
        capacity=problem.capacity, fixed_costs=problem.fixed_costs,
    )  # fmt: skip


def _read_capacitated(path: Path, options: FormatOptions) -> SitingData:
    distances = options.distances
    matrix = None if distances is None else capacitated.read_spain_distances(distances)
    problem = capacitated.read_capacitated_p_median(
        path, rounding=options.rounding, distances=matrix
    )
    files = _source(path)
    if distances is not None:
        files += (SourceFile.of("distances", distances),)
    return _capacitated(files, "capacitated", problem, options.rounding)


def _read_capacitated_matrix(path: Path, options: FormatOptions) -> SitingData:
    del options
    problem = capacitated.read_capacitated_p_median_matrix(path)
    return _capacitated(_source(path), "capacitated-matrix", problem, None)


def _capacitated(
    files: tuple[SourceFile, ...],
    form: str,
    problem: CapacitatedPMedian,
    rounding: Rounding,
) -> SitingData:
    ids = numbered(problem.num_clients)
    return SitingData(
        files=files, form=form, client_ids=ids, site_ids=ids,
        distances=problem.pairs, weights=problem.demand,
        capacity=problem.capacity, p=problem.p, rounding=rounding,
    )  # fmt: skip


def _read_set_covering(path: Path, options: FormatOptions) -> SitingData:
    del options
    problem = orlib.read_set_covering(path)
    return SitingData(
        files=_source(path), form="set-covering", client_ids=numbered(problem.num_clients),
        site_ids=numbered(problem.num_sites), covering=problem.covers, fixed_costs=problem.costs,
    )  # fmt: skip


def _read_covering_points(path: Path, options: FormatOptions) -> SitingData:
    points = mclp.read_covering_points(path)
    return SitingData(
        files=_source(path), form="covering-points", client_ids=numbered(len(points.clients)),
        site_ids=numbered(len(points.sites)), client_points=points.clients,
        site_points=points.sites, rounding=options.rounding, weights=points.demand,
        fixed_costs=points.costs,
    )  # fmt: skip


def _read_points(path: Path, options: FormatOptions) -> SitingData:
    points = tsplib.read_points(path)
    ids = numbered(len(points))
    return SitingData(
        files=_source(path), form="tsplib", client_ids=ids, site_ids=ids,
        client_points=points, site_points=points, rounding=options.rounding,
    )  # fmt: skip


def _read_city(path: Path, options: FormatOptions) -> SitingData:
    points, weights, in_degrees = mclp.read_city_points(path)
    ids = numbered(len(points))
    plane, sphere = (None, points) if in_degrees else (points, None)
    return SitingData(
        files=_source(path), form="city", client_ids=ids, site_ids=ids, client_points=plane,
        site_points=plane, client_degrees=sphere, site_degrees=sphere, weights=weights,
        rounding=None if in_degrees else options.rounding, in_metres=in_degrees,
    )  # fmt: skip


def _source(path: Path) -> tuple[SourceFile, ...]:
    return (SourceFile.of("file", path),)


FORMATS = (
    Format("tsplib", "points in a NODE_COORD_SECTION", _no_points, _read_points),
    Format("city", "points, then a DEMAND_SECTION", _no_city, _read_city),
    Format("graph", "OR-Library pmed: n m p, then m edges i j cost", _no_graph, _read_graph),
    Format(
        "warehouses", "OR-Library cap, Kratica: m n, m lines capacity cost, n times demand and m "
        "costs", _no_warehouses, _read_warehouses,
    ),
    Format(
        "single-source", "Holmberg, Yang: m n, m capacities, m fixed costs, n demands, n times m "
        "costs", _no_single_source, _read_single_source,
    ),
    Format(
        "capacitated", "OR-Library, Lorena: n p, then n points x y capacity demand",
        _no_capacitated, _read_capacitated,
    ),
    Format(
        "capacitated-matrix", "n p, n x n distances, n demands, n capacities",
        _no_capacitated_matrix, _read_capacitated_matrix,
    ),
    Format(
        "set-covering", "OR-Library scp: m n, n costs, m rows of a count and columns",
        _no_set_covering, _read_set_covering,
    ),
    Format(
        "covering-points", "n, then n points id x y cost demand; or m n, then F and C points",
        _no_covering_points, _read_covering_points,
    ),
)  # fmt: skip
"""Every format, in the order in which a file is tried."""
