"""Boundaries and stations together, beside one after the other: layers, table and record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio

from ..instances.city import City
from ..instances.policy import Policy
from ..models.joint.problem import JointPlan
from ..optimize.joint.city import CommunityJoint
from ..optimize.joint.engine import JointSolution
from ..version import __version__
from .atomic import replacing_all
from .files import geometry_type
from .joint_layers import joint_layers
from .records import city_source, record_text
from .tables import write_table

LAYERS, TABLE, RECORD = "joint.gpkg", "joint.csv", "joint.json"
WAYS = ("two_step", "joint")
SHOWN = (
    "name", "units", "districts", "way", "cost", "inertia", "mean_minutes",
    "residents_out_of_reach", "missing_m2", "districts_without_station", "status", "gap", "seconds",
)  # fmt: skip


def write_joint(
    city: City,
    policy: Policy,
    found: list[CommunityJoint],
    folder: Path,
) -> list[Path]:
    """
    Write ``joint.gpkg``, ``joint.csv`` and ``joint.json``, all or none.

    Parameters
    ----------
    city, policy
        What the plans were made for.
    found
        What is known about each community.
    folder
        Where the files go.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    ValueError
        If the folder cannot be written.
    """
    layers = joint_layers(city, found)
    with replacing_all(folder, (LAYERS, TABLE, RECORD)) as draft:
        for name, layer in layers.items():
            kind = geometry_type(name, layer)
            pyogrio.write_dataframe(
                layer,
                draft / LAYERS,
                layer=name,
                driver="GPKG",
                geometry_type=kind,
                promote_to_multi=kind.startswith("Multi"),
            )
        write_table(comparison(found), draft / TABLE, digits=10)
        text = record_text(joint_record(city, policy, found))
        (draft / RECORD).write_text(text, encoding="utf-8")
    return [folder / name for name in (LAYERS, TABLE, RECORD)]


def comparison(found: list[CommunityJoint]) -> pd.DataFrame:
    """Return one row for each community and way to plan it: one after the other, and together."""
    return pd.DataFrame([row for one in found for row in _rows(one)])


def joint_text(found: list[CommunityJoint]) -> str:
    """Return the comparison as a table for people, and what the joint plans gain."""
    table = comparison(found)
    shown = table[[name for name in SHOWN if name in table]].copy()
    lines = [shown.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:,.4g}")]
    lines += [gain for one in found if (gain := _gain(one))]
    return "\n".join(lines + without_plan(found))


def without_plan(found: list[CommunityJoint]) -> list[str]:
    """Say which communities have no joint plan, and why, a line each."""
    return [f"{one.name}: no plan: {one.why_not}" for one in found if one.plan is None]


def _gain(one: CommunityJoint) -> str:
    """Say what the joint plan changes, in a sentence; empty without both plans."""
    solution = one.solution
    if solution is None or solution.plan is None or solution.two_step.plan is None:
        return ""
    problem, two, plan = solution.rules.problem, solution.two_step.plan, solution.plan
    before, after = problem.evaluate(two), problem.evaluate(plan)
    wider = problem.compactness(plan) / max(problem.compactness(two), 1e-12) - 1
    broken = _shortfalls(solution, two)
    kept = f"; one after the other leaves {broken}" if broken else ""
    proof = "proven" if solution.is_proven else "not proven"
    return (
        f"{one.name}: together {after:,.1f} instead of {before:,.1f} "
        f"({100 * (after - before) / max(before, 1e-9):+.1f} %), moment of inertia "
        f"{100 * wider:+.1f} %, {proof}{kept}"
    )


def _shortfalls(solution: JointSolution, plan: JointPlan) -> str:
    problem = solution.rules.problem
    out = problem.out_of_reach(plan)
    out = np.setdiff1d(out, solution.rules.exempt)
    residents, area = problem.stations.residents[out].sum(), problem.missing_m2(plan).sum()
    empty = problem.without_station(plan).size
    parts = [f"{residents:,.0f} residents out of reach"] if residents else []
    parts += [f"{area:,.0f} m² missing"] if area else []
    parts += [f"{empty} districts without a station"] if empty else []
    return ", ".join(parts)


def _plans(one: CommunityJoint) -> dict[str, JointPlan | None]:
    solution = one.solution
    if solution is None:
        return dict.fromkeys(WAYS)
    return {"two_step": solution.two_step.plan, "joint": solution.plan}


def _rows(one: CommunityJoint) -> list[dict[str, Any]]:
    """Figures of one community, a row for each way."""
    known = {
        "community_id": one.community_id,
        "name": one.name,
        "units": int(one.members.size),
        "districts": one.districts,
    }
    if one.solution is None:
        return [{**known, "way": "joint", "status": "none"}]
    solution, problem = one.solution, one.solution.rules.problem
    rows = []
    for way, plan in _plans(one).items():
        row: dict[str, Any] = {**known, "way": way}
        if plan is not None:
            row |= {
                "cost": problem.evaluate(plan),
                "inertia": problem.compactness(plan),
                "mean_minutes": problem.mean_minutes(plan),
                "residents_out_of_reach": float(
                    problem.stations.residents[problem.out_of_reach(plan)].sum()
                ),
                "missing_m2": float(problem.missing_m2(plan).sum()),
                "districts_without_station": int(problem.without_station(plan).size),
                "stations": int(plan.siting.is_open.sum()),
            }
        result = solution.cost if way == "joint" else solution.two_step.split
        row |= {"status": str(result.status), "reason": str(result.reason)}
        row |= {"bound": result.bound, "gap": result.gap}
        if way == "joint":
            row["is_proven"] = solution.is_proven
            row["seconds"] = one.seconds
        rows.append(row)
    return rows


def joint_record(city: City, policy: Policy, found: list[CommunityJoint]) -> dict[str, Any]:
    """Return the content of ``joint.json``."""
    return {
        "shequ": __version__,
        "city": city_source(city),
        "policy": policy.model_dump(mode="json"),
        "edge_changes": [change.as_record() for change in city.edge_changes],
        "communities": [_community_record(one) for one in found],
    }


def _community_record(one: CommunityJoint) -> dict[str, Any]:
    record: dict[str, Any] = {
        "community_id": one.community_id,
        "name": one.name,
        "districts": one.districts,
        "tolerance": one.tolerance,
        "why_not": one.why_not,
        "seconds": one.seconds,
        "ways": _rows(one),
    }
    solution = one.solution
    if solution is None:
        return record
    split = solution.asked.districting
    record |= {
        "lower": split.lower.tolist(),
        "upper": split.upper.tolist(),
        "rules": {
            "asked_m2_per_100_households": 100 * solution.asked.area_per_household_m2,
            "m2_per_100_households": 100 * solution.rules.problem.area_per_household_m2,
            "exempt_units": [solution.asked.stations.unit_ids[u] for u in solution.rules.exempt],
            "is_proven": solution.rules.is_proven,
        },
        "split": solution.two_step.split.as_record(),
        "compact": solution.compact.as_record(),
        "most_inertia": solution.most_inertia,
        "cost": solution.cost.as_record(),
        "is_proven": solution.is_proven,
    }
    return record
