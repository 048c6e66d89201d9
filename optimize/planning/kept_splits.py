"""Splits of an earlier plan: kept where they hold, changed as little as possible where not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from ...instances.notes import named, note
from ...models.districting.measures import Geography, measure_named
from ...models.districting.problem import Districting
from ...models.districting.rebalancing import Rebalancing
from ...models.formulation import FloatArray, IntArray
from ..districting.rebalancing.engine import rebalance_districts
from ..limits import Limits
from ..result import Reason, Result, Status
from .community import WIDER, CommunitySplit, SplitTask
from .region import WEIGHTS
from .split_goals import INERTIA, Compactness

KEPT, CHANGED, NEW = "kept", "changed", "new"


@dataclass(frozen=True, eq=False)
class KeptSplit:
    """
    What became of the districts that an earlier plan made of one community.

    Parameters
    ----------
    split
        The split now.
    how
        "kept": as it was. "changed": divided anew, with few residents moved. "new": the earlier
        plan did not divide the community.
    ids
        Id that each district of the split keeps from the earlier plan, None for a new one.
    moved
        Residents who change district, and how well it is known that fewer cannot; None unless
        changed. It speaks of splits into so many districts within this tolerance.
    why
        Rules that the earlier districts break, in words.
    """

    split: CommunitySplit
    how: str
    ids: tuple[str | None, ...]
    moved: Result[IntArray] | None = None
    why: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """Return the entry of the plan's record."""
        return {
            "community_id": self.split.community_id,
            "how": self.how,
            "why": list(self.why),
            "moved": None if self.moved is None else self.moved.as_record(),
        }


def keep_split(
    task: SplitTask, earlier_ids: list[str | None], entry: Mapping[str, Any] | None
) -> KeptSplit:
    """
    Split one community as an earlier plan did, or with as few residents moved as can be found.

    Parameters
    ----------
    task
        The community, with the rules and decisions of today.
    earlier_ids
        Community of each of its units in the earlier plan; None for a unit that it did not know.
    entry
        The earlier record of the split where everything that it depends on is the same, so that
        its proof still holds; else None.
    """
    ids = _labels(task, earlier_ids)
    if len(ids) < 2:
        split = task.solve()
        return KeptSplit(split, NEW, (None,) * split.districts)
    units = np.array([-1 if name is None else ids.index(name) for name in earlier_ids])
    nodes = _of_nodes(task, units)
    first: list[str] = []
    ruled_out = True
    for tolerance in _tolerances(task):
        broken = [f"it needs {task.least} districts and had {len(ids)}"]
        if task.least <= len(ids):
            problem = task.problem(len(ids), tolerance)
            broken = _wrong(task, problem, nodes, units)
            if not broken:
                result = _as_result(task, problem, nodes, entry)
                split = _as_split(task, problem, tolerance, result)
                return KeptSplit(replace(split, ruled_out=ruled_out), KEPT, tuple(ids))
        first = first or broken[:5]
        found = _fewest_moved(task, ids, nodes, units, tolerance)
        if isinstance(found, KeptSplit):
            return replace(found, split=replace(found.split, ruled_out=ruled_out), why=tuple(first))
        ruled_out &= found
    return replace(_matched(task, ids, units), why=tuple(first))


def _labels(task: SplitTask, earlier_ids: list[str | None]) -> list[str]:
    """Ids of the earlier districts; that of the community itself first, as locks ask for."""
    found = sorted({name for name in earlier_ids if name is not None})
    own = task.community_id
    return ([own] if own in found else []) + [name for name in found if name != own]


def _of_nodes(task: SplitTask, units: IntArray) -> IntArray:
    """Label of each node: of its units, that with the most residents; -1 if none is known."""
    groups, num = task.region.groups, task.region.num_nodes
    known = units >= 0
    weight = np.zeros((num, int(units.max(initial=0)) + 1))
    np.add.at(weight, (groups[known], units[known]), task.region.sizes[known, 0] + 1e-6)
    return np.where(weight.sum(axis=1) > 0, weight.argmax(axis=1), -1)


def _tolerances(task: SplitTask) -> Iterator[float]:
    rule = task.policy.split.tolerance
    yield rule
    if task.relax and rule > 0:
        yield from (min(0.5, rule * factor) for factor in WIDER)


def _wrong(task: SplitTask, problem: Districting, nodes: IntArray, units: IntArray) -> list[str]:
    """Rules that the earlier districts break."""
    if (units < 0).any():
        return [f"{int((units < 0).sum())} units are new"]
    parted = np.flatnonzero(nodes[task.region.groups] != units)
    if parted.size:
        names = task.city.units["unit_id"].iloc[task.members[parted]].astype(str)
        return [f"unit {names.iloc[0]} lay apart from units that now stay together with it"]
    return [_in_words(task, text) for text in problem.violations(nodes)]


def _in_words(task: SplitTask, text: str) -> str:
    """Return a broken rule with the names of the weights."""
    for place, name in enumerate(WEIGHTS):
        text = text.replace(f"weight {place} is", f"{name} are")
    return f"{task.name}, {text}"


def _as_result(
    task: SplitTask, problem: Districting, nodes: IntArray, entry: Mapping[str, Any] | None
) -> Result[IntArray]:
    """Return the earlier districts as a result, with their proof if that still holds."""
    inertia = problem.evaluate(nodes)
    kept: Result[IntArray] = Result(
        Status.FEASIBLE,
        Reason.LIMIT,
        solution=nodes,
        objective=inertia,
        solver="earlier plan",
        seed=task.policy.solver.seed,
    ).telling(note("kept_split"))
    same = entry is not None and task.policy.split.objective == INERTIA
    if entry is None or not same or entry["bound"] is None:
        return kept
    if entry["districts"] != problem.num_districts:
        return kept
    if abs(entry["objective"] - inertia) > 1e-6 * max(1.0, inertia):
        return kept
    return replace(
        kept,
        status=Status(entry["status"]),
        reason=Reason(entry["reason"]),
        bound=min(float(entry["bound"]), inertia),
    )


def _compactness(task: SplitTask, result: Result[IntArray]) -> Compactness | None:
    """Compactness of a kept split where another measure is the policy's: its own inertia."""
    rules = task.policy.split
    if rules.objective == INERTIA or result.objective is None:
        return None
    best = replace(result, solution=None, bound=None)
    limit = (1 + rules.compactness_slack) * result.objective
    return Compactness(best, rules.compactness_slack, limit, result.objective)


def _with_objective(
    task: SplitTask, problem: Districting, result: Result[IntArray]
) -> Result[IntArray]:
    """Return the result with the policy's measure as its objective."""
    name = task.policy.split.objective
    if name == INERTIA or result.solution is None:
        return result
    geography = Geography(edge_lengths=task.region.weighted_lengths(problem))
    _, unit = np.unique(task.region.groups, return_index=True)
    measured = measure_named(name, geography).evaluate(problem, result.solution[unit])
    return replace(result, objective=float(measured), bound=None)


def _fewest_moved(
    task: SplitTask, ids: list[str], nodes: IntArray, units: IntArray, tolerance: float
) -> KeptSplit | bool:
    """Divide the community anew with the fewest residents moved; else whether none can."""
    rules = task.policy.split
    most = min(task.least + rules.max_extra_districts, task.region.num_nodes)
    counts = sorted(range(task.least, most + 1), key=lambda k: (abs(k - len(ids)), k))
    ruled_out = True
    for k in counts:
        problem = task.problem(k, tolerance)
        free = replace(problem, num_districts=max(k, len(ids)), rules=None)
        outcome = rebalance_districts(
            Rebalancing(free, nodes, len(ids), k, k), limits=_limits(task), stop=task.stop
        )
        if outcome.plan is None:
            ruled_out &= outcome.moved.status is Status.INFEASIBLE
            continue
        used, districts = np.unique(outcome.plan, return_inverse=True)
        if problem.violations(districts):
            return _matched(task, ids, units)  # decisions bind units, which no rebalancing knows
        kept = tuple(ids[label] if label < len(ids) else None for label in used)
        return _changed(task, problem, tolerance, districts, kept, outcome.moved)
    return ruled_out


def _limits(task: SplitTask) -> Limits:
    """Return the limits of one attempt: half of the time that the community may still take."""
    seconds = task.policy.split.seconds_per_community
    if task.deadline is not None:
        left = max(1, task.total - task.done)
        seconds = min(seconds, task.deadline.seconds_left / left)
    return Limits(max(seconds / 2, 0.05), 0.0, task.policy.solver.seed, 1)


def _as_split(
    task: SplitTask, problem: Districting, tolerance: float, result: Result[IntArray]
) -> CommunitySplit:
    """Return districts of the nodes as a split, measured by the policy's objective."""
    finished = task.finished(problem, tolerance, result, _compactness(task, result))
    return replace(finished, result=_with_objective(task, problem, finished.result))


def _changed(
    task: SplitTask,
    problem: Districting,
    tolerance: float,
    districts: IntArray,
    ids: tuple[str | None, ...],
    moved: Result[IntArray],
) -> KeptSplit:
    """Return districts that were changed as a split."""
    result: Result[IntArray] = Result(
        Status.FEASIBLE,
        Reason.LIMIT,
        solution=districts.astype(np.int64),
        objective=problem.evaluate(districts),
        seconds=moved.seconds,
        solver=moved.solver,
        version=moved.version,
        seed=moved.seed,
    ).telling(note("few_moved", moved=moved.objective, status=named("known", moved.status)))
    return KeptSplit(_as_split(task, problem, tolerance, result), CHANGED, ids, moved)


def _matched(task: SplitTask, ids: list[str], units: IntArray) -> KeptSplit:
    """Split the community afresh, and match its districts with the earlier ones."""
    split = task.solve()
    if split.result.solution is None:
        return KeptSplit(split, CHANGED, (None,) * split.districts)
    residents = task.region.sizes[:, 0]
    shared: FloatArray = np.zeros((split.districts, len(ids)))
    known = units >= 0
    np.add.at(shared, (split.result.solution[known], units[known]), residents[known] + 1e-6)
    rules = task.decided_rules()
    pull = np.zeros_like(shared)
    if rules is not None and rules.locked is not None:
        pull[0, 0] = 1.0 + 2.0 * shared.sum()  # locked units lie in district 0, which keeps the id
    district, label = linear_sum_assignment(shared + pull, maximize=True)
    kept: list[str | None] = [None] * split.districts
    for one, other in zip(district, label, strict=True):
        kept[int(one)] = ids[int(other)]
    stays = shared[district, label].sum()
    moved: Result[IntArray] = Result(
        Status.FEASIBLE,
        Reason.LIMIT,
        objective=max(0.0, float(round(residents.sum() - stays))),
        solver=split.result.solver,
    ).telling(note("divided_afresh"))
    return KeptSplit(split, CHANGED, tuple(kept), moved)
