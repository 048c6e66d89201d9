"""
Whether an earlier plan of services stands: it was good enough, and nothing has changed.

Its facilities then keep every rule as they did, and its bound is still one: the problem that starts
from it has the same rules, and changes only add to the objective.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...instances.city import City
from ...instances.notes import note
from ...instances.policy import Policy
from ...instances.service_places import SystemData
from ...models.siting.service_parts import SystemPlan
from ..result import Reason, Result, Status
from .kept_services import KeptServices

SAME = 1e-6
"""Share by which an objective that is written may differ from the one that is counted."""

_HOW = frozenset({"seconds", "gap", "price_change", "price_smaller_m2"})
"""Values of a policy that say how long and how well to look, not what is asked."""


def standing(
    city: City, policy: Policy, data: SystemData, kept: KeptServices, record: Mapping[str, Any]
) -> Result[SystemPlan] | None:
    """
    Return an earlier plan with what is known about it; None if it has to be solved again.

    That is so where something has changed, or its gap is larger than `services.gap`.

    Parameters
    ----------
    city, policy, data
        What is asked now.
    kept
        What can be kept, with the plan to start from, whose places are attached to stations.
    record
        Content of the earlier plan's ``plan.json``.
    """
    written = record.get("services")
    if written is None or kept.lost or _question(city, policy, data) != _asked_then(record):
        return None
    gap = written["proof"]["gap_of_what_can_change"]
    if gap is None or gap > policy.services.gap or kept.problem.violations(kept.first):
        return None
    proof, objective = written["proof"], kept.problem.evaluate(kept.first)
    counted = 0.0 if not written.get("earlier") else float(written["earlier"]["counted"])
    if abs(proof["objective"] - counted - objective) > 1.0 + SAME * abs(objective):
        return None
    if written.get("earlier"):  # its bound speaks of changes against a plan before it
        alone = Result(Status.FEASIBLE, Reason.LIMIT, solution=kept.first, objective=objective)
        return alone.telling(note("earlier_stands"))
    bound = proof["bound"]
    found = Result(
        Status(proof["status"]),
        Reason(proof["reason"]),
        solution=kept.first,
        objective=objective,
        bound=None if bound is None else min(float(bound), objective),
        solver=str(proof["solver"]),
    )
    return found.telling(note("earlier_stands_bound"))


def _question(city: City, policy: Policy, data: SystemData) -> Any:  # noqa: ANN401 - JSON
    """Return what the answer depends on, as a record tells it."""
    return _as_written(
        {
            "file": city.sha256,
            "edges": [change.as_record() for change in city.edge_changes],
            "decisions": [decision.as_record() for decision in city.decisions],
            "policy": _rules(policy.model_dump(mode="json")),
            "kinds": [rule.as_record() for rule in data.rules],
        }
    )


def _asked_then(record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Return the same of a record."""
    return _as_written(
        {
            "file": record["city"].get("sha256"),
            "edges": record["city"].get("edge_changes", []),
            "decisions": record.get("decisions", []),
            "policy": _rules(record["policy"]),
            "kinds": record["services"].get("kinds"),
        }
    )


def _rules(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a policy that say what is asked."""
    return {
        section: {key: value for key, value in values.items() if key not in _HOW}
        for section, values in policy.items()
        if section != "solver"
    }


def _as_written(value: object) -> Any:  # noqa: ANN401 - JSON
    return json.loads(json.dumps(value))
