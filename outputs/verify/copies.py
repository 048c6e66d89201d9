"""Do the files of a folder belong to one plan."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..schema import LISTED


def copies(folder: Path, record: Mapping[str, Any]) -> Iterator[str]:
    """
    Compare every file with the hash that ``plan.json`` lists.

    Parameters
    ----------
    folder
        Folder of the plan.
    record
        Content of its ``plan.json``.
    """
    listed = record.get("files")
    if not isinstance(listed, Mapping):
        yield "plan.json lists no hashes of files, so whether they belong together is not known"
        return
    for name in (*LISTED, *sorted(set(map(str, listed)) - set(LISTED))):
        path = folder / name
        if name not in listed:
            yield f"plan.json lists no hash of {name}"
        elif not path.is_file():
            yield f"{name} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != listed[name]:
            yield f"{name} is not the file that was written with plan.json"
