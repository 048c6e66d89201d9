"""Ids and numbers of units, or a message that names file, column, unit and value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..models.formulation import FloatArray
from .faults import counted, nearest, quote, shorten
from .unit_graph import RawUnits

ID_COLUMNS = ("unit_id", "geoid", "GEOID", "GEOID20", "GEOID10", "id", "name")
"""Columns that name units, the likeliest first; ``unit_id`` binds where it is there."""

WEIGHT_COLUMNS = ("residents", "pop", "population", "TOTPOP", "POP100", "P0010001")
"""Columns that count residents, the likeliest first."""


def unit_ids(raw: RawUnits, wanted: str | None) -> tuple[tuple[str, ...], list[str]]:
    """
    Return the id of every unit, and warnings about columns that were passed over.

    Parameters
    ----------
    raw
        Rows of the file.
    wanted
        Column of the ids; None for the first usual one whose values are all there and differ.

    Raises
    ------
    ValueError
        If the column is missing, or a value of it is missing or appears twice.
    """
    names = column_names(raw)
    binding = wanted or ("unit_id" if "unit_id" in names else None)
    if binding is not None:
        require(raw, binding, "--id")
        values, fault = _ids_of(raw, binding)
        if fault:
            raise ValueError(f"{raw.path.name}, column {binding}: {fault}")
        return values, []
    warnings: list[str] = []
    for name in ID_COLUMNS:
        if name not in names:
            continue
        values, fault = _ids_of(raw, name)
        if not fault:
            return values, warnings
        warnings.append(f"column {name} does not name the units: {fault}")
    return tuple(str(i + raw.first_row) for i in range(len(raw.rows))), warnings


def _ids_of(raw: RawUnits, column: str) -> tuple[tuple[str, ...], str]:
    """Values of a column as text, and what is wrong with them as ids."""
    values = tuple(id_text(row.get(column)) for row in raw.rows)
    empty = [i for i, value in enumerate(values) if not value]
    if empty:
        return values, (
            f"{counted(len(empty), 'unit')} without an id ({quote(_rows(raw, empty))}). "
            "Give each unit its own."
        )
    first: dict[str, int] = {}
    twice = []
    for i, value in enumerate(values):
        if first.setdefault(value, i) != i:
            pair = f"{first[value] + raw.first_row} and {i + raw.first_row}"
            twice.append(f"{shorten(value)} in {raw.row_word}s {pair}")
    if twice:
        return values, (
            f"{counted(len(twice), 'id')} given twice ({quote(twice)}). Give each unit its own id, "
            "or name another column with --id."
        )
    return values, ""


def id_text(value: object) -> str:
    """Return an id as text, empty if there is none."""
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value).strip()
    return "" if text in {"<NA>", "NaT"} else text


def column_names(raw: RawUnits) -> list[str]:
    """Names of all attributes, in the order in which they appear."""
    return list(dict.fromkeys(name for row in raw.rows for name in row))


def require(raw: RawUnits, column: str, option: str) -> None:
    """Refuse a column that the file does not have."""
    names = column_names(raw)
    if column in names:
        return
    near = nearest(column, names)
    hint = f"Did you mean {near}?" if near else f"It has {', '.join(names[:12])}."
    raise ValueError(
        f"{raw.path.name} has no column {column!r}. {hint} Name a column with {option}."
    )


def weight_columns(raw: RawUnits, wanted: Sequence[str]) -> tuple[str, ...]:
    """
    Return the columns that are kept within bounds.

    Raises
    ------
    ValueError
        If one is missing, or none is wanted and none has a usual name.
    """
    names = column_names(raw)
    for column in wanted:
        require(raw, column, "--weight")
    if wanted:
        return tuple(dict.fromkeys(wanted))
    usual = [name for name in WEIGHT_COLUMNS if name in names]
    if not usual:
        numeric = [name for name in names if _is_number(raw.rows[0].get(name))]
        raise ValueError(
            f"{raw.path.name} has no column of residents ({', '.join(WEIGHT_COLUMNS)}). Name the "
            f"column with --weight; its numbers are {', '.join(numeric[:12]) or 'none'}."
        )
    return (usual[0],)


def amounts(raw: RawUnits, column: str, ids: Sequence[str]) -> FloatArray:
    """
    Return a column of amounts, shape (units,).

    Raises
    ------
    ValueError
        If one is missing, no number or negative, or all are 0.
    """
    values = [row.get(column) for row in raw.rows]
    numbers = np.array([_number(value) for value in values])
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if wrong.size:
        shown = [
            f"unit {ids[i]} in {raw.row_word} {i + raw.first_row}: {_shown(values[i])}"
            for i in wrong.tolist()
        ]
        raise ValueError(
            f"{raw.path.name}, column {column}: {counted(wrong.size, 'value')} that cannot be used "
            f"({quote(shown)}). Give a number of at least 0 for each unit; 0 for an empty one."
        )
    if not numbers.sum() > 0:
        raise ValueError(
            f"{raw.path.name}, column {column}: all {counted(len(values), 'unit')} have 0, so "
            "there is nothing to balance. Name another column with --weight."
        )
    return numbers


def _number(value: object) -> float:
    """Return a number, NaN for anything else; digits in text count."""
    if isinstance(value, bool) or value is None:
        return np.nan
    try:
        return float(value)  # type: ignore[arg-type]  # anything but a number raises
    except (TypeError, ValueError):
        return np.nan


def _is_number(value: object) -> bool:
    return bool(np.isfinite(_number(value))) and not isinstance(value, str)


def _shown(value: object) -> str:
    """Return a value as people see it in a table."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return "no value"
    return shorten(value)


def _rows(raw: RawUnits, rows: Sequence[int]) -> list[str]:
    return [f"{raw.row_word} {row + raw.first_row}" for row in rows]
