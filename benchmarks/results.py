"""Results files: JSON lines, one row a line, appended as jobs finish."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import Path

from ..outputs.atomic import replacing
from .row import Row


def append_row(path: Path, row: Row) -> None:
    """Append a row in one write, and wait until it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(row.as_record(), ensure_ascii=False, allow_nan=False) + "\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read_rows(path: Path) -> list[Row]:
    """
    Read a results file, or all results files of a folder.

    Raises
    ------
    ValueError
        If there is none, or a line is no row; names the line.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise ValueError(f"{path} holds no results; name a file that `shequ bench run` wrote.")
    return [row for file in files for row in _rows_of(file)]


def _rows_of(file: Path) -> Iterable[Row]:
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield Row.from_record(json.loads(line))
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{file}, line {number} is no row: {error}") from error


def mend_tail(path: Path) -> None:
    """Drop a last line that was cut off when a run was killed while writing it."""
    if not path.is_file():
        return
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        whole = content[: content.rfind(b"\n") + 1]
        with replacing(path) as beside:
            beside.write_bytes(whole)


def rows_for_resume(path: Path, *, allowed: AbstractSet[tuple[str, str]]) -> list[Row]:
    """
    Return the rows of an earlier run that a new one goes on from.

    Parameters
    ----------
    path
        Results file; need not exist.
    allowed
        Commits and hosts whose rows may stand in it; empty for any.

    Raises
    ------
    ValueError
        If a row was made by other code or on another machine: times would not compare.
    """
    mend_tail(path)
    if not path.exists() or not path.stat().st_size:
        return []
    rows = read_rows(path)
    strange = {(row.commit, row.host) for row in rows} - allowed if allowed else set()
    if strange:
        seen = ", ".join(f"commit {commit} on {host}" for commit, host in sorted(strange))
        raise ValueError(
            f"{path} holds rows of {seen}, which is not what runs now. Write to another file, or "
            "allow it with --mix."
        )
    return rows
