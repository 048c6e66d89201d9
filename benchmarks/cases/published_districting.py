"""Counties and census tracts of the literature, read from where the user has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...instances.readers.graph_json import read_districting
from ...models.districting.problem import Districting
from ..problems import EdgeCostDistricting
from ..registry import Case, Known, register_case

SOURCE = "Validi, Buchanan and Lykhovyd (2022)"
EDGE_SOURCE = "Validi and Buchanan (2022)"
PROVEN_KEYS = ("hess_contiguity_cut", "hess_contiguity_lcut", "hess_cut", "hess_lcut")
COUNTIES = {
    "AL": (67, 7), "AR": (75, 4), "CO": (64, 7), "IA": (99, 4), "ID": (44, 2), "KS": (105, 4),
    "LA": (64, 6), "ME": (16, 2), "MS": (82, 4), "NE": (93, 3), "NH": (10, 2), "NM": (33, 3),
    "OK": (77, 5), "OR": (36, 5), "SC": (46, 7), "WV": (55, 3),
}  # fmt: skip
SHORT = {"ID", "ME", "NM", "NE"}


def _read(data: Path, *, file: str) -> Districting:
    published = read_districting(data / file)
    return replace(published.problem, cost_matrix=published.costs)


def _read_edges(data: Path, *, file: str) -> EdgeCostDistricting:
    problem = read_districting(data / file).problem
    return EdgeCostDistricting(problem, np.ones(len(problem.edges)))


def _published(data: Path, file: str) -> Mapping[str, Any]:
    record = json.loads((data / file).read_text(encoding="utf-8"))
    found: Mapping[str, Any] = record.get("published", {})
    return found


def find_inertia(data: Path, *, file: str) -> Known | None:
    """Return the published optimum with contiguity: proven where its gap is closed."""
    published = _published(data, file)
    for key in PROVEN_KEYS:
        entry = published.get(key) or {}
        if entry.get("objective") in {None, "", "n/a"}:
            continue
        closed = entry.get("status") == "optimal" or float(entry.get("mipgap_pct", 1)) == 0
        return Known(float(entry["objective"]), closed, SOURCE)
    return None


def find_cut_edges(data: Path, *, file: str) -> Known | None:
    """Return the published least number of cut edges."""
    entry = _published(data, file).get("min_cut_edges_contiguity") or {}
    if entry.get("status") != "optimal":
        return None
    return Known(float(entry["objective"]), True, EDGE_SOURCE)


def _add_states() -> None:
    for state, (units, districts) in COUNTIES.items():
        file = f"districting/county2010/{state}.json"
        tags = frozenset({"published", *(["short"] if state in SHORT else [])})
        for family, read, best in (
            ("districting-inertia", _read, find_inertia),
            ("districting-cut-edges", _read_edges, find_cut_edges),
        ):
            register_case(
                Case(
                    name=f"{family}/county2010-{state}",
                    family=family,
                    load=partial(read, file=file),
                    size={"units": units, "districts": districts},
                    tags=tags,
                    find_best=partial(best, file=file),
                    needs=file,
                    where=SOURCE,
                )
            )


def _add_tracts() -> None:
    for state, (units, districts) in {
        "ID": (298, 2), "NH": (295, 2), "NM": (499, 3), "NE": (532, 3), "UT": (588, 4),
    }.items():  # fmt: skip
        file = f"districting/tract2010/{state}.json"
        register_case(
            Case(
                name=f"districting-inertia/tract2010-{state}",
                family="districting-inertia",
                load=partial(_read, file=file),
                size={"units": units, "districts": districts},
                tags=frozenset({"published", *(["short"] if districts == 2 else [])}),
                find_best=partial(find_inertia, file=file),
                needs=file,
                where=SOURCE,
            )
        )


_add_states()
_add_tracts()
