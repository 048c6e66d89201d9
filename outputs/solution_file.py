"""The answer to a districting request as files: a JSON record, and the districts of the units."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..instances.district_problem import INERTIA_UNITS
from ..models.districting.measures import MEASURES
from ..optimize.districting.methods import all_values
from ..optimize.districting.request import Solved
from ..optimize.result import Result
from ..version import __version__
from .atomic import replacing, write_text

if TYPE_CHECKING:
    from ..optimize.districting.goals.levels import Goal, Level

KIND = "districting"


def solution_record(solved: Solved, options: dict[str, Any]) -> dict[str, Any]:
    """
    State what was asked and found, as JSON.

    Parameters
    ----------
    solved
        Request and answer.
    options
        How the file was read (:class:`.unit_graph.ReadOptions` as JSON), for who checks it.

    Returns
    -------
    dict
        ``objective`` and ``bound`` are those of the last level; ``assignment`` is the district
        0..k-1 of each unit by its id, null without a plan.
    """
    request, answer = solved.request, solved.answer
    result, plan = solved.result, solved.unit_districts
    ids = request.graph.ids
    return {
        "shequ": __version__,
        "kind": KIND,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **_outcome(result),
        "total_seconds": round(solved.seconds, 3),
        "note": solved.note,
        "method": answer.method,
        "why": answer.why,
        "solver": result.solver or None,
        "solver_version": result.version or None,
        "seed": request.limits.seed,
        "limits": {
            "seconds": request.limits.seconds,
            "gap": request.limits.gap,
            "threads": request.limits.threads,
        },
        "goals": [_goal(solved, goal) for goal in request.goals],
        "levels": [_level(level) for level in answer.levels],
        "values": _values(solved),
        "instance": _instance(solved),
        "read": options,
        "request": {
            "k": request.numbers,
            "distance": solved.units.distance,
            "rules": request.book.as_record(),
        },
        "attempts": [
            {
                "k": attempt.num_districts,
                "status": str(attempt.status),
                "detail": attempt.detail,
                "seconds": round(attempt.seconds, 3),
            }
            for attempt in solved.numbered.attempts
        ],
        "districts": _districts(solved),
        "assignment": None
        if plan is None
        else {unit: int(district) for unit, district in zip(ids, plan, strict=True)},
        "history": [
            {"seconds": round(seconds, 3), "k": k, "objective": objective, "bound": bound}
            for seconds, k, objective, bound in solved.history
        ],
    }


def _outcome(result: Result[Any]) -> dict[str, Any]:
    return {
        "status": str(result.status),
        "reason": str(result.reason),
        "detail": result.detail,
        "objective": result.objective,
        "bound": result.bound,
        "gap": result.gap,
        "seconds": {phase: round(seconds, 3) for phase, seconds in result.seconds.items()},
        "nodes": result.nodes,
        "cuts": result.cuts,
    }


def _goal(solved: Solved, goal: Goal) -> dict[str, Any]:
    unit = MEASURES[goal.measure].unit
    if goal.measure == "moment-of-inertia":
        unit = INERTIA_UNITS[solved.units.distance]
    if goal.measure == "border":
        unit = solved.request.graph.raw.length_unit
    return {**asdict(goal), "unit": unit}


def _level(level: Level) -> dict[str, Any]:
    limit = level.limit if np.isfinite(level.limit) else None
    names = [goal.measure for goal in level.goals]
    return {"goals": names, "limit": limit, **_outcome(level.result)}


def _values(solved: Solved) -> dict[str, float]:
    """Every measure of the plan that can be computed."""
    plan = solved.result.solution
    if plan is None:
        return {}
    return dict(all_values(solved.units.problem, solved.units.geography, plan))


def _instance(solved: Solved) -> dict[str, Any]:
    graph, bounds = solved.request.graph, solved.units.bounds
    return {
        "file": graph.raw.path.name,
        "sha256": graph.sha256,
        "units": graph.num_units,
        "edges": graph.num_edges,
        "nodes": int(solved.units.groups.max()) + 1,
        "k": solved.numbered.num_districts,
        "weights": list(graph.weight_names),
        "total": graph.weights.sum(axis=0).tolist(),
        "lower": bounds.lower.tolist(),
        "upper": bounds.upper.tolist(),
        "bounds_from": bounds.source,
        "joined": [list(pair) for pair in graph.joined],
    }


def _districts(solved: Solved) -> list[dict[str, Any]]:
    """One row a district: its units, weights, deviation from the mean, and centre."""
    plan = solved.result.solution
    if plan is None:
        return []
    graph, problem = solved.request.graph, solved.units.problem
    by_unit = solved.units.to_units(plan)
    totals = problem.totals(plan)
    mean = np.maximum(totals.mean(axis=0), 1e-12)
    return [
        {
            "district": district,
            "units": int((by_unit == district).sum()),
            **{name: totals[district, w] for w, name in enumerate(graph.weight_names)},
            "deviation": float(totals[district, 0] / mean[0] - 1),
            "centre": graph.ids[solved.units.representatives[centre]],
        }
        for district, centre in enumerate(problem.centres(plan))
    ]


def write_record(path: Path, record: dict[str, Any]) -> None:
    """Write a record whole or not at all."""
    write_text(path, json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def write_assignment(path: Path, solved: Solved) -> None:
    """
    Write the district of every unit, whole or not at all.

    Parameters
    ----------
    path
        ``.csv`` for a table of unit_id and district; ``.gpkg`` for layers units and districts.
    solved
        An answer with a plan.

    Raises
    ------
    ValueError
        If the ending is another, or the file has no geometries for a GeoPackage.
    """
    plan = solved.unit_districts
    if plan is None:
        return
    check_assignment(path, has_shapes=solved.request.graph.raw.shapes is not None)
    with replacing(path) as beside:
        if path.suffix == ".csv":
            with beside.open("w", encoding="utf-8", newline="") as file:
                rows = csv.writer(file)
                rows.writerow(["unit_id", "district"])
                rows.writerows(zip(solved.request.graph.ids, plan.tolist(), strict=True))
        else:
            _write_layers(beside, solved)


def check_assignment(path: Path, *, has_shapes: bool) -> None:
    """Refuse a name that no assignment can be written to."""
    if path.suffix not in {".csv", ".gpkg"}:
        raise ValueError(f"--assignment {path.name} not understood; name a .csv or a .gpkg file.")
    if path.suffix == ".gpkg" and not has_shapes:
        raise ValueError(
            f"--assignment {path.name}: the input has no geometries to draw. Name a .csv file."
        )


def _write_layers(path: Path, solved: Solved) -> None:
    """Layers of the units and of the districts that they make up."""
    import geopandas as gpd  # noqa: PLC0415 - takes a second

    raw, plan = solved.request.graph.raw, solved.unit_districts
    units = gpd.GeoDataFrame(list(raw.rows), geometry=raw.shapes, crs=raw.crs)
    units["unit_id"], units["district"] = solved.request.graph.ids, plan
    units.to_file(path, layer="units", driver="GPKG")
    outlines = units[["district", units.geometry.name]].dissolve("district", as_index=False)
    rows = _districts(solved)
    for name in rows[0]:
        outlines[name] = [rows[district][name] for district in outlines["district"]]
    outlines.to_file(path, layer="districts", driver="GPKG")
