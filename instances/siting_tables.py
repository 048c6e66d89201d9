"""
Siting data from tables: a matrix of costs, or a list of pairs, and weights, capacities and costs.

Clients are the rows of the matrix and sites its columns; ids stand in the first column and in the
header. A list of pairs has the columns ``client_id,site_id,VALUE``; pairs that it leaves out are
out of reach.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from ..models.formulation import BoolArray, FloatArray
from ..models.siting.distances import MatrixDistances, SparseDistances
from .faults import counted, nearest
from .siting_data import SitingData, SourceFile, named

WEIGHTS = ("weight", "residents", "demand", "population")
CAPACITIES = ("capacity",)
FIXED_COSTS = ("fixed_cost", "cost")
REACHES = ("reach",)
_TRUE = {"true", "1", "yes", "1.0"}
_FALSE = {"false", "0", "no", "0.0", "", "nan", "none"}


@dataclass(frozen=True)
class TableFiles:
    """
    The tables of a problem.

    Parameters
    ----------
    costs
        The matrix, or the list of pairs.
    weights, capacities, fixed_costs
        Tables with an id first; None where there is none.
    """

    costs: Path
    weights: Path | None = None
    capacities: Path | None = None
    fixed_costs: Path | None = None


def read_tables(files: TableFiles) -> SitingData:
    """
    Read a matrix or pairs, and the tables that go with them.

    Raises
    ------
    ValueError
        If a cell is empty, negative or not finite, an id comes twice, or ids do not match; names
        file, row, column and value.
    """
    header = _header(files.costs)
    pairs = len(header) == 3 and [name.strip() for name in header[:2]] == ["client_id", "site_id"]
    read = _read_pairs if pairs else _read_matrix
    distances, clients, sites = read(files.costs, header)
    sources = [SourceFile.of("costs", files.costs)]
    values: dict[str, Any] = {}
    for role, path, names, ids in (
        ("weights", files.weights, WEIGHTS, clients),
        ("capacity", files.capacities, CAPACITIES, sites),
        ("fixed_costs", files.fixed_costs, FIXED_COSTS, sites),
    ):
        if path is None:
            continue
        frame = _matched(path, ids, files.costs.name)
        values[role] = numbers(frame, _value_column(path, frame, names), path.name)
        values |= _marks(frame, path.name, of_clients=role == "weights")
        sources.append(SourceFile.of("capacities" if role == "capacity" else role, path))
    return SitingData(
        files=tuple(sources), form="tables", client_ids=clients, site_ids=sites,
        distances=distances, **values,
    )  # fmt: skip


def numbers(frame: pd.DataFrame, column: str, place: str) -> FloatArray:
    """
    Return a column as numbers that are finite and not negative.

    Parameters
    ----------
    frame
        Rows, indexed by id.
    column
        The column.
    place
        Name of the file, for messages.

    Raises
    ------
    ValueError
        If a value is none of these; names up to ten ids with their value.
    """
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64)
    wrong = np.flatnonzero(~((values >= 0) & np.isfinite(values)))
    if wrong.size:
        rows = [f"{frame.index[i]}: {_shown(frame[column].iloc[i])}" for i in wrong.tolist()]
        raise ValueError(
            f"{place}, column {column}: {counted(wrong.size, 'value')} that cannot be used "
            f"({named(rows)}). Give finite numbers of at least 0."
        )
    return values


def flags(frame: pd.DataFrame, column: str, place: str) -> BoolArray:
    """
    Return a column of yes and no.

    Raises
    ------
    ValueError
        If a value is neither; names up to ten ids with their value.
    """
    texts = [str(value).strip().casefold() for value in frame[column]]
    wrong = [i for i, text in enumerate(texts) if text not in _TRUE | _FALSE]
    if wrong:
        rows = [f"{frame.index[i]}: {frame[column].iloc[i]}" for i in wrong]
        raise ValueError(
            f"{place}, column {column}: {counted(len(wrong), 'value')} that cannot be used "
            f"({named(rows)}). Give true or false."
        )
    return np.array([text in _TRUE for text in texts])


def unique_ids(ids: Sequence[str], place: str) -> tuple[str, ...]:
    """
    Return ids without blanks around them.

    Raises
    ------
    ValueError
        If one is empty or comes twice.
    """
    stripped = [str(one).strip() for one in ids]
    empty = [row for row, one in enumerate(stripped, 1) if one in {"", "nan", "None"}]
    if empty:
        rows = named([str(row) for row in empty])
        raise ValueError(f"{place}: {counted(len(empty), 'row')} without an id ({rows}).")
    series = pd.Series(stripped)
    twice = series[series.duplicated()].unique().tolist()
    if twice:
        raise ValueError(
            f"{place}: {counted(len(twice), 'id')} used more than once ({named(twice)}). Ids must "
            "be unique: rename or remove them."
        )
    return tuple(stripped)


def _header(path: Path) -> list[str]:
    """First row of a table."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is not text in UTF-8 ({error}); save it so.") from None
    if len(header) < 2:
        raise ValueError(
            f"{path.name}, line 1: expected a header of at least two columns with commas between, "
            f"got {','.join(header)!r}."
        )
    return header


def _frame(path: Path) -> pd.DataFrame:
    """Read a table; the first column is text, empty cells stay empty."""
    try:
        frame = pd.read_csv(
            path, header=0, dtype={0: str}, keep_default_na=False, encoding="utf-8-sig"
        )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is no table of commas ({error}).") from None
    if frame.empty:
        raise ValueError(f"{path.name} has a header and no rows.")
    if not isinstance(frame.index, pd.RangeIndex):
        raise ValueError(  # noqa: TRY004 - a fault of the file
            f"{path.name}, line 1: the header has fewer columns than the rows; name the first one "
            "too, such as client_id."
        )
    return frame


def _read_matrix(
    path: Path, header: list[str]
) -> tuple[MatrixDistances, tuple[str, ...], tuple[str, ...]]:
    """Read rows of clients and columns of sites."""
    frame = _frame(path)
    clients = unique_ids(frame.iloc[:, 0].tolist(), f"{path.name}, clients in the first column")
    sites = unique_ids(header[1:], f"{path.name}, sites in the header")
    cells = frame.iloc[:, 1:].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    wrong = np.argwhere(~((cells >= 0) & np.isfinite(cells)))
    if wrong.size:
        rows = [
            f"row {clients[i]}, column {sites[j]}: {_shown(frame.iloc[i, j + 1])}"
            for i, j in wrong[:20]
        ]
        more = f" and {len(wrong) - 20:,} more" if len(wrong) > 20 else ""
        raise ValueError(
            f"{path.name}: {counted(len(wrong), 'cell')} that cannot be used ({named(rows)}{more})."
            " Give finite numbers of at least 0. To say which pairs are within reach, list them: "
            "client_id,site_id,cost."
        )
    return MatrixDistances(cells), clients, sites


def _read_pairs(
    path: Path, header: list[str]
) -> tuple[SparseDistances, tuple[str, ...], tuple[str, ...]]:
    """Read a list of pairs; clients and sites are in the order of their first row."""
    frame = _frame(path)
    client, clients = pd.factorize(frame.iloc[:, 0].astype(str).str.strip())
    site, sites = pd.factorize(frame.iloc[:, 1].astype(str).str.strip())
    label = [
        f"{clients[i]} to {sites[j]}" for i, j in zip(client.tolist(), site.tolist(), strict=True)
    ]
    values = numbers(frame.set_index(pd.Index(label)), frame.columns[2], path.name)
    twice = pd.Series(label)[pd.Series(label).duplicated()].unique().tolist()
    if twice:
        raise ValueError(
            f"{path.name}: {counted(len(twice), 'pair')} listed more than once ({named(twice)})."
        )
    shape = (len(clients), len(sites))
    pairs = sparse.csr_array(sparse.coo_array((values, (client, site)), shape=shape))
    del header
    return (
        SparseDistances(pairs),
        unique_ids(clients.tolist(), f"{path.name}, clients"),
        unique_ids(sites.tolist(), f"{path.name}, sites"),
    )


def _matched(path: Path, ids: tuple[str, ...], whose: str) -> pd.DataFrame:
    """Read a table with an id first, in the order of the ids."""
    _header(path)
    frame = _frame(path)
    frame.index = pd.Index(unique_ids(frame.iloc[:, 0].tolist(), f"{path.name}, first column"))
    known, given = set(ids), set(frame.index)
    lacking = [one for one in ids if one not in given]
    extra = [one for one in frame.index if one not in known]
    faults = []
    if lacking:
        faults.append(f"{counted(len(lacking), 'id')} of {whose} without a row ({named(lacking)})")
    if extra:
        faults.append(f"{counted(len(extra), 'id')} that {whose} does not have ({named(extra)})")
    if faults:
        raise ValueError(f"{path.name}: {'; '.join(faults)}. The ids of both files must match.")
    return frame.loc[list(ids)]


def _value_column(path: Path, frame: pd.DataFrame, names: tuple[str, ...]) -> str:
    """Name the column of values: by one of the names, or the only one there is."""
    columns = [str(name) for name in frame.columns[1:]]
    found = next((name for name in names if name in columns), None)
    if found is None and len(columns) == 1:
        found = columns[0]
    if found is None:
        near = next(filter(None, (nearest(name, columns) for name in names)), None)
        hint = f"Did you mean {near}? " if near else ""
        raise ValueError(
            f"{path.name} has no column {' or '.join(names)}. {hint}Its columns are "
            f"{', '.join(columns)}."
        )
    return found


def _marks(frame: pd.DataFrame, place: str, *, of_clients: bool) -> dict[str, Any]:
    """Reach of clients, or least loads and marks of sites, where a table has such a column."""
    if of_clients:
        return {"reach": numbers(frame, "reach", place)} if "reach" in frame else {}
    found: dict[str, Any] = {
        name: flags(frame, name, place) for name in ("required", "forbidden") if name in frame
    }
    if "least_load" in frame:
        found["least_load"] = numbers(frame, "least_load", place)
    return found


def _shown(value: object) -> str:
    """Return a value as text, also where there is none."""
    text = str(value)
    return text if text.strip() else "empty"
