"""Counties and census tracts of the literature, read from where the user has them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...instances.readers.graph_json import read_districting, read_perturbed_districtings
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
TRACTS = {
    "AR": (686, 4), "IA": (825, 4), "ID": (298, 2), "KS": (770, 4), "ME": (358, 2),
    "MS": (664, 4), "NE": (532, 3), "NH": (295, 2), "NM": (499, 3), "NV": (687, 4),
    "OK": (1046, 5), "OR": (834, 5), "UT": (588, 4), "WV": (484, 3),
}  # fmt: skip
SHORT = {"county2010-ID", "county2010-ME", "county2010-NM", "county2010-NE"}
SHORT_TRACTS = {"tract2010-ID", "tract2010-NH"}
NUM_PERTURBED = 10
REFUTED = {("county2010_perturbed/NM", 8)}
"""Instances whose published optimum a plan beats that keeps every rule of the file; it counts
as known, not as proven."""

INERTIA_TARGETS = {
    **{f"county2010-{state}": 60.0 for state in COUNTIES},
    "county2010-ME": 5.0,
    **{f"tract2010-{state}": 5.0 for state in ("ID", "NH", "ME")},
    **{f"tract2010-{state}": 120.0 for state in ("NE", "UT", "NM", "AR")},
    **{f"tract2010-{state}": 900.0 for state in ("MS", "OK", "IA", "OR", "KS", "WV")},
}
"""Seconds within which a proof is aimed at."""

EDGE_TARGETS = {
    **{f"tract2010-{state}": 10.0 for state in ("ID", "NH", "ME")},
    **{f"county2010-{state}": 60.0 for state in ("OK", "NE", "WV", "NM")},
    **{f"county2010-{state}": 600.0 for state in ("IA", "KS", "MS", "AR", "LA", "AL")},
    **{f"tract2010-{state}": 3600.0 for state in ("UT", "MS", "AR", "NV")},
}
LEAST_LIMIT = 60.0
"""Time limit in seconds of cases whose target is shorter."""


def _read(data: Path, *, file: str) -> Districting:
    published = read_districting(data / file)
    return replace(published.problem, cost_matrix=published.costs)


def _read_edges(data: Path, *, file: str) -> EdgeCostDistricting:
    problem = read_districting(data / file).problem
    return EdgeCostDistricting(problem, np.ones(len(problem.edges)))


def _read_perturbed(data: Path, *, file: str, number: int) -> Districting:
    published = read_perturbed_districtings(data / file)[number]
    return replace(published.problem, cost_matrix=published.costs)


def _published(data: Path, file: str) -> Mapping[str, Any]:
    record = json.loads((data / file).read_text(encoding="utf-8"))
    found: Mapping[str, Any] = record.get("published") or {}
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


def find_perturbed(data: Path, *, file: str, number: int) -> Known | None:
    """Return the published value of a perturbed instance; None if it has none."""
    record = json.loads((data / file).read_text(encoding="utf-8"))["instances"][number]
    try:
        value, bound = float(record["lcut"]), float(record["bound"])
    except (KeyError, ValueError):
        return None
    refuted = any(name in file and number == index for name, index in REFUTED)
    return Known(value, abs(value - bound) <= 1e-6 * abs(value) and not refuted, SOURCE)


def _add(
    family: str,
    name: str,
    size: tuple[int, int],
    load: Callable[..., Any],
    find_best: Callable[..., Known | None],
    targets: Mapping[str, float],
) -> None:
    file = f"districting/{name.replace('-', '/')}.json"
    target = targets.get(name)
    short = name in SHORT or (name in SHORT_TRACTS and family == "districting-inertia")
    tags = {"published", *(["short"] if short else []), *(["target"] if target else [])}
    register_case(
        Case(
            name=f"{family}/{name}",
            family=family,
            load=partial(load, file=file),
            size=dict(zip(("units", "districts"), size, strict=True)),
            tags=frozenset(tags),
            find_best=partial(find_best, file=file),
            needs=file,
            where=SOURCE,
            target_seconds=target,
            time_limit=None if target is None else max(target, LEAST_LIMIT),
        )
    )


def _add_states() -> None:
    for folder, states in (("county2010", COUNTIES), ("tract2010", TRACTS)):
        for state, size in states.items():
            name = f"{folder}-{state}"
            _add("districting-inertia", name, size, _read, find_inertia, INERTIA_TARGETS)
            _add("districting-cut-edges", name, size, _read_edges, find_cut_edges, EDGE_TARGETS)


def _add_perturbed() -> None:
    for state, (units, districts) in COUNTIES.items():
        file = f"districting/county2010_perturbed/{state}.json"
        for number in range(NUM_PERTURBED):
            register_case(
                Case(
                    name=f"districting-inertia/county2010-perturbed-{state}-{number}",
                    family="districting-inertia",
                    load=partial(_read_perturbed, file=file, number=number),
                    size={"units": units, "districts": districts},
                    tags=frozenset({"perturbed"}),
                    find_best=partial(find_perturbed, file=file, number=number),
                    needs=file,
                    where=SOURCE,
                )
            )


_add_states()
_add_perturbed()
