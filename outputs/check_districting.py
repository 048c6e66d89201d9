"""
Check the solution of a districting problem from its file and the assignment alone.

Contiguity, bounds, rules, measures and the words of the proof are computed afresh, in plain Python
(:mod:`.plain_measures`); nothing of the engines is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from ..instances.faults import quote
from ..instances.rule_book import RuleBook
from ..instances.unit_graph import UnitGraph
from .plain_measures import PlainPlan
from .verify.verification import Check, Verification

STATUSES = ("optimal", "feasible", "infeasible", "unknown")
REASONS = ("proven", "gap", "time", "interrupted", "limit", "error")
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Demanded:
    """
    What the plan must keep, if it is not what the record says that it was asked.

    Parameters
    ----------
    num_districts
        Number of districts; None for that of the record.
    lower, upper
        Bounds on the weights; None for those of the record.
    book
        Rules; None for those of the record.
    """

    num_districts: int | None = None
    lower: tuple[float, ...] | None = None
    upper: tuple[float, ...] | None = None
    book: RuleBook | None = None


def check_districting(
    graph: UnitGraph, record: Mapping[str, Any], demanded: Demanded | None = None
) -> Verification:
    """
    Check a record.

    Parameters
    ----------
    graph
        Units of the file, read afresh.
    record
        As ``shequ solve districting --json`` wrote it.
    demanded
        What to hold the plan to instead of what the record says.

    Raises
    ------
    ValueError
        If the record lacks what a check needs; says what.
    """
    view = _View(graph, record, demanded or Demanded())
    checks = [Check("file", tuple(_file(view))), Check("proof", tuple(_proof(view)))]
    if record["assignment"] is not None:
        found = tuple(_assignment(view))
        checks.append(Check("assignment", found))
        if not found:
            for name, check in _OF_PLANS.items():
                checks.append(Check(name, tuple(check(view))))
    return Verification(tuple(checks))


class _View:
    """The record beside the file, in the shape that the checks need."""

    def __init__(self, graph: UnitGraph, record: Mapping[str, Any], demanded: Demanded) -> None:
        _refuse_incomplete(record)
        self.graph, self.record, self.demanded = graph, record, demanded
        instance, request = record["instance"], record["request"]
        self.instance: Mapping[str, Any] = instance
        self.book = demanded.book or RuleBook.from_record(request["rules"], "recorded rules")
        self.num_districts = demanded.num_districts or int(instance["k"])
        many = len(graph.weight_names)
        self.lower = _padded(demanded.lower, instance["lower"], many, 0.0)
        self.upper = _padded(demanded.upper, instance["upper"], many, math.inf)
        self.distance = str(request["distance"])

    @property
    def districts(self) -> list[int]:
        """District of each unit."""
        return [self.record["assignment"][unit] for unit in self.graph.ids]

    def bounds(self, district: int) -> tuple[list[float], list[float]]:
        """Own bounds of a district, else the common ones."""
        low, high = list(self.lower), list(self.upper)
        for bound, own in ((low, self.book.lower), (high, self.book.upper)):
            for weight, amount in own.get(district, {}).items():
                bound[self.graph.weight_names.index(weight) if weight else 0] = amount
        return low, high

    def plan(self) -> PlainPlan:
        """Return the plan with the weights that its districts should have."""
        k = self.num_districts
        own = bool(self.book.lower or self.book.upper)
        shares = [float(total) / k for total in self.graph.weights.sum(axis=0)]
        targets = []
        for district in range(k):
            low, high = self.bounds(district)
            middle = [(a + b) / 2 for a, b in zip(low, high, strict=True)]
            targets.append(middle if own else shares)
        return PlainPlan(self.graph, self.book, self.districts, k, self.distance, targets)


def _refuse_incomplete(record: Mapping[str, Any]) -> None:
    """Refuse a record that lacks a field of the first two levels."""
    needed = {
        "instance": ("sha256", "units", "edges", "k", "lower", "upper"),
        "request": ("distance", "rules"),
    }
    keys = ["status", "reason", "objective", "bound", "gap", "goals", "levels", "values"]
    missing = [key for key in [*keys, "assignment", "districts", *needed] if key not in record]
    missing += [
        f"{part}.{key}"
        for part, keys_ in needed.items()
        for key in keys_
        if part in record and key not in record[part]
    ]
    if missing:
        raise ValueError(
            f"The solution lacks {', '.join(missing[:5])}. Give a file that `shequ solve "
            "districting --json` wrote."
        )


def _padded(
    demanded: Sequence[float] | None, recorded: Sequence[float], many: int, rest: float
) -> list[float]:
    """Bounds of all weights, of which the first are given."""
    values = [float(value) for value in (recorded if demanded is None else demanded)]
    return (values + [rest] * many)[:many]


def _file(view: _View) -> Iterator[str]:
    """Whether the record was made from this file."""
    if view.instance["sha256"] != view.graph.sha256:
        yield f"the solution was made from another {view.instance['file']}: the hash differs"
    for name, count in (("units", view.graph.num_units), ("edges", view.graph.num_edges)):
        if view.instance[name] != count:
            yield f"the solution says {view.instance[name]:,} {name}, the file has {count:,}"


def _proof(view: _View) -> Iterator[str]:
    """Whether status, objective, bound and gap agree, on every level."""
    yield from _outcome(view.record, has_plan=view.record["assignment"] is not None)
    for number, level in enumerate(view.record["levels"], 1):
        has_plan = level["objective"] is not None
        yield from (f"level {number}: {text}" for text in _outcome(level, has_plan=has_plan))


def _outcome(record: Mapping[str, Any], *, has_plan: bool) -> Iterator[str]:
    status, reason, objective = (record[name] for name in ("status", "reason", "objective"))
    if status not in STATUSES:
        yield f"status {status!r} is none of {', '.join(STATUSES)}"
    if reason not in REASONS:
        yield f"reason {reason!r} is none of {', '.join(REASONS)}"
    if has_plan != (status in {"optimal", "feasible"}):
        yield f"status {status} {'with' if has_plan else 'without'} a plan"
    if (objective is not None) != has_plan:
        yield f"objective {objective} {'with' if has_plan else 'without'} a plan"
    if status == "optimal" and reason != "proven":
        yield f"optimal, but the solve stopped by {reason}"
    if objective is not None and record["bound"] is not None:
        yield from _bound(status, objective, record["bound"], record["gap"])
    elif status == "optimal":
        yield "optimal without a bound"


def _bound(status: str, objective: float, bound: float, gap: float | None) -> Iterator[str]:
    """Whether a bound lies below its objective, and the gap between them is the stated one."""
    slack = _TOLERANCE * max(1.0, abs(objective))
    if bound > objective + slack:
        yield f"the bound {bound:,.10g} is above the objective {objective:,.10g}"
    if status == "optimal" and objective - bound > slack:
        yield f"optimal, but the bound {bound:,.10g} is below the objective {objective:,.10g}"
    true_gap = max(0.0, objective - bound) / max(abs(objective), 1e-9)
    if gap is None or abs(gap - true_gap) > _TOLERANCE:
        yield f"gap {gap}, recomputed {true_gap:.6g}"


def _assignment(view: _View) -> Iterator[str]:
    """Whether each unit of the file has one district, and each district a unit."""
    given = view.record["assignment"]
    known = set(view.graph.ids)
    for text, units in (
        ("without a district", [unit for unit in view.graph.ids if unit not in given]),
        ("that the file does not have", [unit for unit in given if unit not in known]),
    ):
        if units:
            yield f"{len(units)} units {text}: {quote(units, most=5)}"
    for unit, district in given.items():
        whole = isinstance(district, int) and not isinstance(district, bool)
        if not (whole and 0 <= district < view.num_districts):
            yield f"unit {unit} is in district {district!r}, not in 0 to {view.num_districts - 1}"
    used = {district for district in given.values() if isinstance(district, int)}
    for district in range(view.num_districts):
        if district not in used:
            yield f"district {district} has no unit"


def _contiguity(view: _View) -> Iterator[str]:
    plan = view.plan()
    for district in range(view.num_districts):
        _, *islands = plan.parts(district)
        for island in islands:
            names = quote([view.graph.labels[unit] for unit in island], most=5)
            yield f"district {district} is in {len(islands) + 1} parts; cut off: {names}"


def _bounds(view: _View) -> Iterator[str]:
    plan = view.plan()
    file = view.graph.raw.asked
    if view.demanded == Demanded() and view.instance.get("bounds_from") == "file":
        for name, own, used in (("L", file.lower, view.lower), ("U", file.upper, view.upper)):
            if own is not None and own != used[0]:
                yield f"the file says {name} = {own:,}, the solution {used[0]:,.0f}"
    for district in range(view.num_districts):
        low, high = view.bounds(district)
        for w, total in enumerate(plan.totals(district)):
            if not low[w] - _TOLERANCE <= total <= high[w] + _TOLERANCE:
                yield (
                    f"district {district} has {total:,.6g} {view.graph.weight_names[w]}, not in "
                    f"[{low[w]:,.10g}, {high[w]:,.10g}]"
                )


def _rules(view: _View) -> Iterator[str]:
    """Whether every rule is kept whose units the file has."""
    unknown = [unit for unit in _named(view.book) if unit not in view.record["assignment"]]
    if unknown:
        yield f"a rule names unit {unknown[0]}, which the file does not have"
        return
    yield from _single_units(view.book, view.record["assignment"])
    yield from _companies(view.book, view.record["assignment"])


def _single_units(book: RuleBook, of: Mapping[str, int]) -> Iterator[str]:
    """Whether units lie where they are locked or seated, and not where that is forbidden."""
    for unit, district in book.locked.items():
        if of[unit] != district:
            yield f"unit {unit} is locked to district {district} and lies in {of[unit]}"
    for unit, districts in book.forbidden.items():
        if of[unit] in districts:
            yield f"unit {unit} lies in district {of[unit]}, which is forbidden for it"
    for district, unit in book.seats.items():
        if of[unit] != district:
            yield f"unit {unit} is the seat of district {district} and lies in {of[unit]}"


def _companies(book: RuleBook, of: Mapping[str, int]) -> Iterator[str]:
    """Whether units are together or apart as they must be."""
    for units in book.together:
        if len({of[unit] for unit in units}) > 1:
            yield f"units {', '.join(units)} are to be together and lie in several districts"
    for units in book.apart:
        for one, other in combinations(units, 2):
            if of[one] == of[other]:
                yield f"units {one} and {other} are to be apart and both lie in {of[one]}"


def _named(book: RuleBook) -> Iterator[str]:
    """Every unit that a rule names."""
    yield from (*book.locked, *book.forbidden, *book.seats.values())
    for units in (*book.together, *book.apart):
        yield from units


def _table(view: _View) -> Iterator[str]:
    """Whether the table of the districts says what the assignment gives."""
    plan, rows = view.plan(), view.record["districts"]
    if len(rows) != view.num_districts:
        yield f"{len(rows)} rows for {view.num_districts} districts"
        return
    for district, row in enumerate(rows):
        totals = plan.totals(district)
        expected: dict[str, float] = dict(zip(view.graph.weight_names, totals, strict=True))
        expected |= {"district": district, "units": len(plan.members[district])}
        for name, value in expected.items():
            if not _equal(row.get(name), value):
                yield f"district {district}: {name} is {row.get(name)}, recomputed {value:,.10g}"
        if view.graph.row_of.get(row.get("centre", ""), -1) not in plan.members[district]:
            yield f"district {district}: its centre {row.get('centre')} lies outside it"


def _objective(view: _View) -> Iterator[str]:
    """Whether the objective is that of the plan, and earlier levels keep their limits."""
    plan, goals = view.plan(), view.record["goals"]
    last = max(goal["level"] for goal in goals)
    values = {goal["measure"]: plan.value(goal["measure"]) for goal in goals}
    for name, value in values.items():
        if value is None:
            yield f"{name} cannot be recomputed from this file"
    if None in values.values():
        return
    sums = {
        level: math.fsum(
            goal["weight"] * (values[goal["measure"]] or 0.0)
            for goal in goals
            if goal["level"] == level
        )
        for level in {goal["level"] for goal in goals}
    }
    if not _equal(view.record["objective"], sums[last]):
        yield f"objective {view.record['objective']}, recomputed {sums[last]:,.10g}"
    for level, solved in zip(sorted(sums), view.record["levels"], strict=False):
        limit = solved["limit"]
        if level != last and limit is not None and sums[level] > limit * (1 + _TOLERANCE) + 1e-9:
            name = " + ".join(solved["goals"])
            yield f"{name} is {sums[level]:,.10g}, above its limit {limit:,.10g}"


def _values(view: _View) -> Iterator[str]:
    """Whether every other measure is that of the plan."""
    plan = view.plan()
    for name, value in view.record["values"].items():
        own = plan.value(name)
        if own is not None and not _equal(value, own):
            yield f"{name} {value}, recomputed {own:,.10g}"


def _equal(one: object, other: float) -> bool:
    if isinstance(one, bool) or not isinstance(one, int | float):
        return False
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)


_OF_PLANS = {
    "contiguity": _contiguity,
    "bounds": _bounds,
    "rules": _rules,
    "districts": _table,
    "objective": _objective,
    "values": _values,
}
