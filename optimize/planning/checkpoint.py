"""Finished splits on disk, so that a stopped run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Checkpoint:
    """
    Results of finished communities, kept beside the outputs until the plan is written.

    Parameters
    ----------
    path
        File that holds them.
    key
        Hash of everything that a result depends on; entries of another key are ignored.
    """

    path: Path
    key: str
    entries: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path, *parts: str) -> Checkpoint:
        """Open the file for runs on exactly these inputs; anything unreadable starts afresh."""
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            content = {}
        same = isinstance(content, dict) and content.get("key") == key
        return cls(path, key, dict(content["entries"]) if same else {})

    def put(self, name: str, entry: dict[str, Any]) -> None:
        """Keep a result; the file is replaced in one move."""
        self.entries[name] = entry
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        content = {"key": self.key, "entries": self.entries}
        beside.write_text(json.dumps(content), encoding="utf-8")
        beside.replace(self.path)

    def clear(self) -> None:
        """Remove the file: the plan is written."""
        self.path.unlink(missing_ok=True)
