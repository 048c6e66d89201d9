"""Records of solutions, read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_record(path: Path, *, kind: str, command: str) -> dict[str, Any]:
    """
    Read a record.

    Parameters
    ----------
    path
        The file.
    kind
        What it must be a solution of.
    command
        What writes such records, for messages.

    Raises
    ------
    ValueError
        If it is no JSON, or no such record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not JSON ({error}).") from None
    fits = isinstance(record, dict) and record.get("kind", kind) == kind
    if not fits or not isinstance(record.get("read"), dict):
        raise ValueError(f"{path} is no solution. Give a file that `{command}` wrote.")
    found: dict[str, Any] = record
    return found
