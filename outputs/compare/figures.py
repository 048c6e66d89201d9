"""The figures of plans side by side, and what was asked of them differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .comparison import ComparedPlan, Comparison, Floats

WORST_SHARE = 0.10
"""Share of the residents in reach whose walk is averaged as the worst."""

SHARE = -1
"""Digits of a figure that is a share."""

UNCHANGED = 1e-9


@dataclass(frozen=True)
class Figure:
    """
    One figure of all plans.

    Parameters
    ----------
    key
        Its name.
    amounts
        Its value by plan; None where a plan has none.
    better
        1 if more is better, -1 if less is better, 0 if neither.
    digits
        Decimals to show; -1 for a share, shown as per cent.
    """

    key: str
    amounts: tuple[float | None, ...]
    better: int
    digits: int

    @property
    def differences(self) -> tuple[float | None, ...]:
        """Differences to the first plan; None where one of the two has no value."""
        base = self.amounts[0]
        return tuple(
            None if amount is None or base is None else amount - base for amount in self.amounts
        )

    def verdict(self, plan: int) -> int:
        """Return 1 if a plan is better than the first, -1 if it is worse, 0 for neither."""
        difference = self.differences[plan]
        if difference is None or abs(difference) <= UNCHANGED:
            return 0
        return self.better if difference > 0 else -self.better


_OF_RECORD = {
    "communities": (0, 0),
    "over_mandatory": (-1, 0),
    "over_gradual": (-1, 0),
    "largest_residents": (0, 0),
    "facilities": (0, 0),
    "floor_area_m2": (0, 0),
    "floor_area_per_100_households": (1, 1),
    "communities_below_target": (-1, 0),
    "share_in_reach": (1, SHARE),
    "residents_in_reach": (1, 0),
    "residents_out_of_reach": (-1, 0),
    "mean_minutes": (-1, 2),
}
"""Figures of ``plan.json``: whether more is better, and digits."""

GAPS = ("split", "cost", "served", "walking")


def figures(comparison: Comparison) -> list[Figure]:
    """Return every figure of the plans, in the order in which people ask."""
    plans = comparison.plans
    rows = [_figure("residents", [comparison.residents.sum()] * len(plans), 0, 0)]
    for key, (better, digits) in _OF_RECORD.items():
        values = [plan.record["figures"]["after"].get(key) for plan in plans]
        rows.append(_figure(key, values, better, digits))
    walks = [(plan.minutes, comparison.residents) for plan in plans]
    rows.append(_figure("worst_minutes", [worst_minutes(*walk) for walk in walks], -1, 2))
    rows.append(_figure("largest_minutes", [largest_minutes(*walk) for walk in walks], -1, 2))
    costs = [plan.record["figures"]["after"]["cost"] for plan in plans]
    total = float(comparison.residents.sum())
    rows.append(_figure("cost", costs, -1, 1))
    rows.append(_figure("cost_per_resident", [c / total if total else None for c in costs], -1, 4))
    if any(plan.services is not None for plan in plans):
        spent = [None if p.services is None else p.services["cost"].sum() for p in plans]
        rows.append(_figure("cost_of_services", spent, -1, 1))
    for action in ("opened", "extended"):
        many = [(plan.files.facilities["action"] == action).sum() for plan in plans]
        rows.append(_figure(f"facilities_{action}", many, 0, 0))
    rows.append(_figure("residents_moved", [_moved(plan) for plan in plans], -1, 0))
    rows.append(_figure("shortfalls", [len(p.record["shortfalls"]) for p in plans], -1, 0))
    for step in GAPS:
        gaps = [_gap(plan.record, step) for plan in plans]
        if any(gap is not None for gap in gaps):
            rows.append(_figure(f"gap_{step}", gaps, -1, SHARE))
    return rows


def _figure(key: str, values: list[Any], better: int, digits: int) -> Figure:
    known = tuple(
        None if value is None or not np.isfinite(float(value)) else float(value) for value in values
    )
    return Figure(key, known, better, digits)


def worst_minutes(minutes: Floats, residents: Floats, share: float = WORST_SHARE) -> float | None:
    """
    Mean minutes of those who walk furthest.

    Parameters
    ----------
    minutes
        Minutes of each unit, not a number where no facility is in reach.
    residents
        Residents of each unit; those of a unit may be counted in part.
    share
        Share of the residents in reach that are averaged.

    Returns
    -------
    float
        Minutes; None if nobody is in reach.

    Examples
    --------
    >>> worst_minutes(np.array([2.0, 8.0, 10.0]), np.array([80.0, 15.0, 5.0]))
    9.0
    """
    reached = np.isfinite(minutes) & (residents > 0)
    walk, weight = minutes[reached], residents[reached]
    order = np.argsort(-walk, kind="stable")
    wanted = share * weight.sum()
    before = np.cumsum(weight[order]) - weight[order]
    taken = np.clip(wanted - before, 0, weight[order])
    return float((walk[order] * taken).sum() / taken.sum()) if taken.sum() > 0 else None


def largest_minutes(minutes: Floats, residents: Floats) -> float | None:
    """Longest walk of any unit with residents that is in reach; None if there is none."""
    walk = minutes[np.isfinite(minutes) & (residents > 0)]
    return float(walk.max()) if walk.size else None


def _moved(plan: ComparedPlan) -> float:
    """Residents whose community has another id than today's."""
    units = plan.files.units
    moved = plan.community != units["community_id_before"].astype(str).to_numpy(object)
    return float(units["residents"].to_numpy(float)[moved].sum())


def _gap(record: Mapping[str, Any], step: str) -> float | None:
    """Largest gap of the splits, or gap of one step of the siting; None if there is none."""
    if step == "split":
        gaps = [entry["gap"] for entry in record["split"] if entry["gap"] is not None]
        return max(gaps, default=None)
    entry = record["siting"].get(step)
    return None if entry is None else entry["gap"]


@dataclass(frozen=True)
class Proof:
    """
    What is proven of one step of a plan.

    Parameters
    ----------
    step
        ``split``; ``cost``, ``served`` or ``walking`` of the siting; or ``services``.
    proven, total
        Solves that are proven optimal, of how many.
    gap
        Largest gap; None if one has no bound.
    """

    step: str
    proven: int
    total: int
    gap: float | None


def proofs(plan: ComparedPlan) -> list[Proof]:
    """Return what is proven of a plan, step by step."""
    record = plan.record
    siting = {step: record["siting"].get(step) for step in ("cost", "served", "walking")}
    found = [_proof("split", record["split"])] if record["split"] else []
    found += [_proof(step, [entry]) for step, entry in siting.items() if entry]
    together = (record.get("services") or {}).get("proof")
    if not together:
        return found
    return [*found, _proof("services", [{**together, "gap": together["gap_of_what_can_change"]}])]


def _proof(step: str, entries: list[Mapping[str, Any]]) -> Proof:
    gaps = [entry["gap"] for entry in entries]
    proven = sum(entry["status"] == "optimal" for entry in entries)
    known = None if any(gap is None for gap in gaps) else max(gaps)
    return Proof(step, proven, len(entries), known)


def asked_differently(comparison: Comparison) -> list[tuple[str, tuple[Any, ...]]]:
    """Return the policy values, and the budget, that are not the same in all plans."""
    rows = []
    for section in comparison.first.record["policy"]:
        for key in comparison.first.record["policy"][section]:
            values = tuple(
                plan.record["policy"].get(section, {}).get(key) for plan in comparison.plans
            )
            rows.append((f"{section}.{key}", values))
    siting = [plan.record["siting"] for plan in comparison.plans]
    rows += [(key, tuple(one.get(key) for one in siting)) for key in ("mode", "budget")]
    return [(name, values) for name, values in rows if any(v != values[0] for v in values)]
