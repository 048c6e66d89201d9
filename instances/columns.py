"""The columns of the city input, and what is read from a column as it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from .faults import Findings, counted, in_row, nearest, shorten
from .notes import note
from .services import service_ids

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..models.formulation import BoolArray

Kind = Literal[
    "id", "text", "services", "count", "number", "signed", "flag", "mark", "status", "node"
]

_STATUSES = ("existing", "candidate")
_TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0", "是"})
_FALSE = frozenset({"false", "f", "no", "n", "0", "0.0", "否", ""})


@dataclass(frozen=True)
class Column:
    """
    One column of a layer.

    Parameters
    ----------
    name, kind
        Its name and what it holds.
    required
        Whether the layer is refused without it.
    unique
        Whether every value may occur once only.
    nullable
        Whether a row may be without a value.
    default
        Value of a column that is missing; None adds no column.
    """

    name: str
    kind: Kind
    required: bool = False
    unique: bool = False
    nullable: bool = False
    default: object = None


UNITS = (
    Column("unit_id", "id", required=True, unique=True),
    Column("residents", "count", required=True),
    Column("households", "count", required=True),
    Column("community_id", "id", required=True),
    Column("residents_65plus", "count", nullable=True),
    Column("residents_under_7", "count", nullable=True),
    Column("street_id", "id", nullable=True),
    Column("estate_id", "id", nullable=True),
    Column("community", "text", nullable=True),
    Column("community_name", "text", nullable=True),
)
SITES = (
    Column("site_id", "id", required=True, unique=True),
    Column("status", "status", required=True),
    Column("floor_area_m2", "number", required=True),
    Column("max_area_m2", "number", required=True),
    Column("fixed_cost", "number", default=0.0),
    Column("cost_per_m2", "number", default=0.0),
    Column("name", "text", nullable=True, default=""),
    Column("services", "services", nullable=True, default=""),
    Column("forbidden", "flag", nullable=True, default=False),
    Column("required", "flag", nullable=True, default=False),
)
NETWORK = (
    Column("from_node", "node", required=True),
    Column("to_node", "node", required=True),
    Column("length_m", "number", required=True),
    Column("minutes", "number", nullable=True),
    Column("crossings", "number", nullable=True),
    Column("crossing_minutes", "number", nullable=True),
    Column("slope", "signed", nullable=True),
    Column("from_elevation_m", "signed", nullable=True),
    Column("to_elevation_m", "signed", nullable=True),
    Column("bridge", "mark", nullable=True),
    Column("tunnel", "mark", nullable=True),
    Column("stairs", "mark", nullable=True),
    Column("no_cycling", "mark", nullable=True),
)
BARRIERS = (
    Column("kind", "text", nullable=True, default=""),
    Column("crossable", "flag", nullable=True, default=False),
    Column("crossing_minutes", "number", nullable=True, default=0.0),
)
COMMUNITIES = (
    Column("community_id", "id", required=True, unique=True),
    Column("name", "text", nullable=True),
    Column("code", "id", nullable=True),
    Column("seat", "id", nullable=True),
)
EDGE_CHANGES = (
    Column("unit_a", "id", required=True, nullable=True),
    Column("unit_b", "id", required=True, nullable=True),
    Column("action", "text", required=True, nullable=True),
    Column("length_m", "number", nullable=True, default=0.0),
)
LAYERS: dict[str, tuple[Column, ...]] = {
    "units": UNITS,
    "sites": SITES,
    "network": NETWORK,
    "barriers": BARRIERS,
    "communities": COMMUNITIES,
    "edge_changes": EDGE_CHANGES,
}
TABLES = frozenset({"edge_changes"})
"""Layers that need no geometry."""


@dataclass(frozen=True)
class Reading:
    """A column being read: where it is, and where to note what is found."""

    layer: str
    column: Column
    findings: Findings

    @property
    def place(self) -> str:
        """Layer and column."""
        return f"{self.layer}.{self.column.name}"

    def refuse(self, values: pd.Series, wrong: BoolArray, problem: str, remedy: str) -> None:
        """Note the rows with wrong values as one fault, if there are any."""
        if wrong.any():
            bad = values[wrong]
            rows = [in_row(row, value) for row, value in bad.items()]
            self.findings.fault(
                self.place, f"{problem} in {counted(len(bad), 'row')}", remedy, rows=rows
            )


def read_ids(values: pd.Series, reading: Reading) -> pd.Series:
    """Return identifiers as text, without blanks around them and without decimals."""
    texts = [_id_text(value) for value in values]
    if any(not isinstance(value, str) for value in values.dropna()):
        reading.findings.warn(
            reading.place,
            "ids_are_numbers",
            rows=[in_row(values.index[0], values.iloc[0])],
            text=shorten(texts[0]),
        )
    if any(isinstance(value, str) and value != value.strip() for value in values):
        reading.findings.warn(reading.place, "blanks_removed")
    ids = pd.Series(texts, index=values.index)
    missing = ids.isna().to_numpy(dtype=bool)
    if not reading.column.nullable:
        reading.refuse(values, missing, "no id", "Give every row one.")
    if reading.column.unique:
        repeated = ids.duplicated(keep="first").to_numpy(dtype=bool) & ~missing
        reading.refuse(
            ids, repeated, "an id that was used before", "Ids must be unique: rename them."
        )
    return ids


def read_nodes(values: pd.Series, reading: Reading) -> pd.Series:
    """Return node numbers as whole numbers where all are, else as text."""
    missing = values.isna().to_numpy(dtype=bool)
    reading.refuse(values, missing, "no node", "Name the node at both ends of every line.")
    if missing.any():
        return values
    if pd.api.types.is_float_dtype(values) and bool((values % 1 == 0).all()):
        return values.astype("int64")
    if pd.api.types.is_integer_dtype(values):
        return values
    return pd.Series([_id_text(value) for value in values], index=values.index)


def read_text(values: pd.Series, reading: Reading) -> pd.Series:
    """Return text; missing values become the default, if there is one."""
    texts = [_id_text(value) for value in values]
    if reading.column.default is not None:
        texts = [str(reading.column.default) if text is None else text for text in texts]
    return pd.Series(
        texts, index=values.index, dtype=object if all(text is None for text in texts) else None
    )


def read_services(values: pd.Series, reading: Reading) -> pd.Series:
    """Return ids of services joined by semicolons, whatever stood between them."""
    texts = read_text(values, reading)
    return pd.Series([";".join(service_ids(text)) for text in texts], index=values.index)


def read_numbers(
    values: pd.Series, reading: Reading, *, may_be_negative: bool = False
) -> pd.Series:
    """Return numbers that are finite and not negative; text that holds numbers is converted."""
    numbers = pd.to_numeric(values, errors="coerce").astype("float64")
    if pd.api.types.is_datetime64_any_dtype(values):
        numbers[:] = np.nan
    number = numbers.to_numpy()
    blank = values.isna().to_numpy(dtype=bool)
    unreadable = np.isnan(number) & ~blank
    reading.refuse(values, unreadable, "no number", "Give plain numbers such as 120 or 3.5.")
    is_text = values.map(lambda value: isinstance(value, str)).to_numpy(dtype=bool)
    if is_text.any() and not unreadable.any():
        row = int(np.flatnonzero(is_text)[0])
        reading.findings.warn(
            reading.place,
            "numbers_as_text",
            rows=[in_row(values.index[row], values.iloc[row])],
        )
    if not reading.column.nullable:
        reading.refuse(values, blank, "no value", "Fill them in; 0 where there is none.")
    if not may_be_negative:
        reading.refuse(values, number < 0, "a negative value", "Give 0 or more.")
    reading.refuse(values, np.isinf(number), "an infinite value", "Give a finite number.")
    if reading.column.nullable and reading.column.default is not None:
        numbers = numbers.fillna(float(str(reading.column.default)))
    return numbers


def read_signed(values: pd.Series, reading: Reading) -> pd.Series:
    """Return numbers that are finite, such as elevations; otherwise as :func:`read_numbers`."""
    return read_numbers(values, reading, may_be_negative=True)


def read_counts(values: pd.Series, reading: Reading) -> pd.Series:
    """Return whole numbers of people or households; 0 where an optional one is missing."""
    numbers = read_numbers(values, reading)
    blank = values.isna().to_numpy(dtype=bool)
    if reading.column.nullable and blank.any():
        rows = [note("row", row=row) for row in values.index[blank]]
        reading.findings.warn(reading.place, "values_missing", rows=rows, count=len(rows))
        numbers = numbers.mask(blank, 0)
    number = numbers.to_numpy()
    usable = np.isfinite(number)
    fractional = usable & (np.where(usable, number, 0) % 1 != 0)
    reading.refuse(values, fractional, "a fraction", "Round them to whole numbers.")
    if not usable.all() or fractional.any():
        return numbers
    return numbers.astype("int64")


def read_flags(values: pd.Series, reading: Reading) -> pd.Series:
    """Return yes or no; a missing value is the default."""
    if pd.api.types.is_bool_dtype(values) and not values.hasnans:
        return values.astype(bool)
    texts = values.map(lambda value: "" if pd.isna(value) else str(value).strip().casefold())
    known = texts.isin(_TRUE | _FALSE).to_numpy(dtype=bool)
    reading.refuse(values, ~known, "neither yes nor no", "Write true or false.")
    return texts.isin(_TRUE)


def read_marks(values: pd.Series, reading: Reading) -> pd.Series:
    """Return yes where anything but no is written, such as the viaduct of OpenStreetMap."""
    del reading
    return values.map(is_marked).astype(bool)


def is_marked(value: Any) -> bool:  # noqa: ANN401 - whatever a cell may hold
    """Whether a cell says anything but no."""
    return not pd.isna(value) and str(value).strip().casefold() not in _FALSE


def read_status(values: pd.Series, reading: Reading) -> pd.Series:
    """Return ``existing`` or ``candidate``."""
    texts = values.map(lambda value: "" if pd.isna(value) else str(value).strip().casefold())
    known = texts.isin(_STATUSES).to_numpy(dtype=bool)
    wrong = values[~known]
    near = nearest(str(wrong.iloc[0]), _STATUSES) if len(wrong) else None
    hint = f"Did you mean {near}? " if near else ""
    reading.refuse(values, ~known, "an unknown status", f"{hint}Write existing or candidate.")
    return texts


READERS: dict[Kind, Callable[[pd.Series, Reading], pd.Series]] = {
    "id": read_ids,
    "text": read_text,
    "services": read_services,
    "count": read_counts,
    "number": read_numbers,
    "signed": read_signed,
    "flag": read_flags,
    "mark": read_marks,
    "status": read_status,
    "node": read_nodes,
}


def _id_text(value: Any) -> str | None:  # noqa: ANN401 - whatever a cell may hold
    """Text of one cell; None for nothing."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return None
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value).strip() or None
