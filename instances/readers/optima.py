"""Published optima and best known values, beside the instances."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Key = tuple[str, str, int | None]

_COLUMNS = ("family", "instance", "p", "optimum", "source")


@dataclass(frozen=True)
class Optimum:
    """
    A published value.

    Parameters
    ----------
    value
        The objective.
    source
        Where it was published, and how it was checked.
    proven
        Whether it was proved optimal again after publication (``checked=proved``).
    """

    value: float
    source: str
    proven: bool


def read_optima(folder: Path | str) -> dict[Key, Optimum]:
    """
    Read ``optima.csv`` of a folder.

    Parameters
    ----------
    folder
        The folder; its file has the columns family, instance, p, optimum and source.

    Returns
    -------
    dict
        Value of each (family, instance, p); p is None where the file gives none.

    Raises
    ------
    ValueError
        If a column is missing, a value is not a number or a key comes twice.
    """
    path = Path(folder) / "optima.csv"
    optima: dict[Key, Optimum] = {}
    with path.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise ValueError(f"{path.name}, line 1: expected the column {missing[0]}.")
        for row in rows:
            place = f"{path.name}, line {rows.line_num}"
            key, optimum = _optimum(row, place)
            if key in optima:
                raise ValueError(f"{place}: expected each family, instance, p once, got {key}.")
            optima[key] = optimum
    return optima


def _optimum(row: Mapping[str, str | None], place: str) -> tuple[Key, Optimum]:
    """Key and value of one row."""
    family, instance, p, value, source = (row[name] or "" for name in _COLUMNS)
    try:
        key: Key = (family, instance, int(p) if p else None)
        number = float(value)
    except ValueError:
        expected = "expected p as a whole number or empty, and optimum as a number"
        raise ValueError(f'{place}: {expected}, got "{p}" and "{value}".') from None
    return key, Optimum(number, source, proven="checked=proved" in source)
