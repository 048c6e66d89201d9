"""Fields of a JSON file, with faults that name the file, the place and what was expected."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...models.formulation import FloatArray

T = TypeVar("T")


@dataclass(frozen=True)
class JsonFile:
    """
    A JSON object and the file that it comes from.

    Parameters
    ----------
    path
        The file, for messages.
    record
        The object.
    """

    path: Path
    record: dict[str, Any]

    def fault(self, place: str, expected: str) -> ValueError:
        """Return the error of a place."""
        return ValueError(f"{self.path.name}, {place}: expected {expected}.")

    def field(self, key: str, kind: type[T]) -> T:
        """Return a field of the object, of the type ``kind``."""
        value = self.record.get(key)
        if not isinstance(value, kind):
            raise self.fault("the file", f"a field {key} of type {kind.__name__}, got {value!r}")
        return value

    def rows(self, key: str) -> list[Any]:
        """Return a field that is a list with at least one element."""
        value = self.field(key, list)
        if not value:
            raise self.fault(key, "at least one element")
        return value

    def floats(
        self,
        records: Sequence[Any],
        key: str,
        *,
        place: str,
        width: int | tuple[int, ...] = (),
    ) -> FloatArray:
        """
        Return a numeric field of every record.

        Parameters
        ----------
        records
            Objects of the file.
        key
            Name of the field.
        place
            Where the records are, for messages.
        width
            Shape of the field; empty for a single number.

        Raises
        ------
        ValueError
            If a record has no such field, or it is not finite numbers of that shape.
        """
        shape = (width,) if isinstance(width, int) else width
        rows: list[FloatArray] = []
        for i, record in enumerate(records):
            value = record.get(key) if isinstance(record, dict) else None
            found = _numbers(value)
            if found is None or found.shape != shape:
                where = f"{place}[{i}]" if len(records) > 1 else place
                kind = f"numbers of shape {shape}" if shape else f"a number, got {value!r}"
                raise self.fault(where, f"a field {key}, {kind}")
            rows.append(found)
        return np.array(rows, dtype=np.float64)


def _numbers(value: object) -> FloatArray | None:
    """Finite numbers of a JSON value; None if it is anything else."""
    if value is None or isinstance(value, (str, bool, dict)):
        return None
    try:
        found = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found).all() else None


def read_json(path: Path | str) -> JsonFile:
    """
    Read a JSON object.

    Raises
    ------
    ValueError
        If the file is not JSON, or not an object.
    """
    path = Path(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        problem = f"expected JSON, {error.msg}"
        raise ValueError(f"{path.name}, line {error.lineno}: {problem}.") from None
    if not isinstance(record, dict):
        raise ValueError(f"{path.name}, line 1: expected a JSON object.")  # noqa: TRY004 - a fault
    return JsonFile(path, record)
