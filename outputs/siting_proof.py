"""Whether the words of a siting record's proof agree with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

STATUSES = ("optimal", "feasible", "infeasible", "unknown")
REASONS = ("proven", "gap", "time", "interrupted", "limit", "error")
MAXIMISED = {"lscp-b", "mclp", "p-dispersion"}
"""Models of which more is better."""

_TOLERANCE = 1e-6


def proof_findings(record: Mapping[str, Any]) -> Iterator[str]:
    """
    Say what does not agree of status, reason, objective, bound and gap.

    Parameters
    ----------
    record
        As ``shequ solve MODEL --json`` wrote it.
    """
    status, reason, objective = (record[name] for name in ("status", "reason", "objective"))
    has_plan = record["open_sites"] is not None
    if status not in STATUSES:
        yield f"status {status!r} is none of {', '.join(STATUSES)}"
    if reason not in REASONS:
        yield f"reason {reason!r} is none of {', '.join(REASONS)}"
    if has_plan != (status in {"optimal", "feasible"}):
        yield f"status {status} {'with' if has_plan else 'without'} open sites"
    if (objective is not None) != has_plan:
        yield f"objective {objective} {'with' if has_plan else 'without'} open sites"
    if status == "optimal" and reason != "proven":
        yield f"optimal, but the solve stopped by {reason}"
    if bool(record["maximize"]) != (record["model"] in MAXIMISED):
        yield f"maximize is {record['maximize']}, which {record['model']} is not"
    if objective is not None and record["bound"] is not None:
        yield from _bound(record)
    elif status == "optimal":
        yield "optimal without a bound"


def _bound(record: Mapping[str, Any]) -> Iterator[str]:
    """Whether the bound lies on its side of the objective, and the gap is the stated one."""
    objective, bound, gap = record["objective"], record["bound"], record["gap"]
    distance = objective - bound if record["model"] not in MAXIMISED else bound - objective
    slack = _TOLERANCE * max(1.0, abs(objective))
    if distance < -slack:
        yield f"the bound {bound:,.10g} lies on the wrong side of the objective {objective:,.10g}"
    if record["status"] == "optimal" and distance > slack:
        yield f"optimal, but bound {bound:,.10g} and objective {objective:,.10g} differ"
    true_gap = max(0.0, distance) / max(abs(objective), 1e-9)
    if gap is None or abs(gap - true_gap) > _TOLERANCE:
        yield f"gap {gap}, recomputed {true_gap:.6g}"
