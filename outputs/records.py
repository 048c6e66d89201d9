"""What the records of several commands have in common."""

from __future__ import annotations

import json
from typing import Any

from ..instances.city import City
from .files import plain


def record_text(record: dict[str, Any]) -> str:
    """Return a record as it is written."""
    return json.dumps(plain(record), ensure_ascii=False, indent=2)


def city_source(city: City) -> dict[str, Any]:
    """Return which city a record is about: its name, its file and the hash of that."""
    return {
        "name": city.name,
        "file": city.source.name if city.source else "",
        "sha256": city.sha256,
    }
