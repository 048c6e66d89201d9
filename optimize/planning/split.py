"""Stage split: divide every community above a threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ...instances.adjacency import shared_borders
from ...instances.city import City
from ...instances.policy import Policy
from ...models.districting.problem import Districting, merge_units
from ...models.formulation import FloatArray, IntArray
from ..districting.engine import solve_districting
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, Progress, silent
from ..result import Reason, Result, Status
from .checkpoint import Checkpoint
from .shortfall import InfeasibleError, Shortfall
from .snapshot import Snapshot

LABELS = ("residents", "households")
WIDER = (2.0, 4.0)
"""Factors by which the tolerance is widened when a split is relaxed."""


@dataclass(frozen=True, eq=False)
class CommunitySplit:
    """
    The split of one community.

    Parameters
    ----------
    row
        Row of the community in the audit.
    community_id, name, tier
        Which community, and under which rule it is split.
    residents, households
        Of the whole community.
    members
        Units of the community, shape (members,).
    districts
        Number of districts; 1 if it could not be split.
    lower, upper
        Bounds on the residents of a district.
    tolerance
        Share by which residents may differ from the mean district.
    result
        District 0..districts-1 of each member.
    """

    row: int
    community_id: str
    name: str
    tier: str
    residents: int
    households: int
    members: IntArray
    districts: int
    lower: float
    upper: float
    tolerance: float
    result: Result[IntArray]

    def as_record(self) -> dict[str, Any]:
        """Return the entry of the plan's record."""
        result = self.result
        return {
            "community_id": self.community_id,
            "name": self.name,
            "tier": self.tier,
            "residents": self.residents,
            "households": self.households,
            "units": int(self.members.size),
            "districts": self.districts,
            "lower": self.lower,
            "upper": self.upper,
            "tolerance": self.tolerance,
            "status": str(result.status),
            "reason": str(result.reason),
            "objective": result.objective,
            "bound": result.bound,
            "gap": result.gap,
            "seconds": dict(result.seconds),
            "solver": f"{result.solver} {result.version}".strip(),
            "detail": result.detail,
        }


def split_city(
    city: City,
    policy: Policy,
    audit: Snapshot,
    *,
    relax: bool = False,
    deadline: Deadline | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
    checkpoint: Checkpoint | None = None,
) -> tuple[list[CommunitySplit], list[Shortfall]]:
    """
    Split every community over a threshold into as few districts as the rules allow.

    Parameters
    ----------
    city, policy, audit
        The city, the rules, and where it stands.
    relax
        Widen the balance, or keep a community whole, where the rules cannot be met.
    deadline, stop
        When to stop; communities not reached by then are reported as not split.
    listen
        Takes progress messages.
    checkpoint
        Finished splits of an earlier run with the same input.

    Raises
    ------
    InfeasibleError
        If a community cannot be split by the rules, unless ``relax``.
    """
    table = audit.communities
    tiers = {"mandatory"} | ({"gradual"} if policy.split.tier == "gradual" else set())
    rows = [int(row) for row in np.flatnonzero(table["tier"].isin(tiers))]
    splits, shortfalls = [], []
    for done, row in enumerate(rows):
        task = _Task(city, policy, audit, row, relax, deadline, stop, listen, done, len(rows))
        kept = checkpoint.entries.get(task.community_id) if checkpoint else None
        split = _restored(task, kept) if kept else task.solve()
        splits.append(split)
        shortfalls += list(_shortfalls(split, policy))
        if checkpoint is not None and split.result.status is Status.OPTIMAL:
            checkpoint.put(task.community_id, _entry(split))
        listen(
            Progress(
                "split",
                split.name,
                done + 1,
                len(rows),
                split.result.objective,
                split.result.bound,
                f"{split.districts} districts, {split.result.status}",
            )
        )
    if shortfalls and not relax:
        raise InfeasibleError(shortfalls)
    return splits, shortfalls


def _entry(split: CommunitySplit) -> dict[str, Any]:
    assignment = split.result.solution
    record = split.as_record()
    record["solver"], record["version"] = split.result.solver, split.result.version
    return {**record, "assignment": None if assignment is None else assignment.tolist()}


def _restored(task: _Task, entry: dict[str, Any]) -> CommunitySplit:
    result = Result(
        status=Status(entry["status"]),
        reason=Reason(entry["reason"]),
        solution=np.array(entry["assignment"], dtype=np.int64),
        objective=entry["objective"],
        bound=entry["bound"],
        seconds=entry["seconds"],
        solver=entry["solver"],
        version=entry["version"],
        seed=task.policy.solver.seed,
        detail=entry["detail"],
    )
    problem = task.problem(entry["districts"], entry["tolerance"])
    return task.finished(problem, entry["tolerance"], result)


@dataclass(frozen=True, eq=False)
class _Task:
    """The split of one community: its units as a districting problem."""

    city: City
    policy: Policy
    audit: Snapshot
    row: int
    relax: bool
    deadline: Deadline | None
    stop: Stop | None
    listen: Listener
    done: int
    total: int

    @property
    def community_id(self) -> str:
        return str(self.audit.communities.at[self.row, "community_id"])

    @property
    def name(self) -> str:
        return str(self.audit.communities.at[self.row, "name"])

    @property
    def members(self) -> IntArray:
        return np.flatnonzero(self.audit.unit_community == self.row)

    @property
    def sizes(self) -> FloatArray:
        return np.asarray(self.city.units.loc[self.members, list(LABELS)], dtype=float)

    def solve(self) -> CommunitySplit:
        """Try the least number of districts, then more; wider balance if that is allowed."""
        rules = self.policy.split
        largest = np.array([rules.gradual_residents - 1, rules.gradual_households - 1])
        total = self.sizes.sum(axis=0)
        least = max(2, int(np.ceil(total / np.maximum(largest, 1)).max()))
        refused: list[str] = []
        unsure = False
        for tolerance in self._tolerances():
            for k in range(least, min(least + rules.max_extra_districts, self.members.size) + 1):
                problem = self.problem(k, tolerance)
                result = self._solve(problem)
                if result.solution is not None:
                    note = "a smaller number of districts is not ruled out" if unsure else ""
                    return self.finished(problem, tolerance, replace(result, detail=note))
                unsure |= result.status is not Status.INFEASIBLE
                refused.append(f"{k} districts within ±{100 * tolerance:g} %: {result.detail}")
        whole = Result[IntArray](
            Status.UNKNOWN if unsure else Status.INFEASIBLE,
            Reason.TIME if unsure else Reason.PROVEN,
            solver=self.policy.solver.name,
            detail="; ".join(dict.fromkeys(refused)),
        )
        return self.finished(None, rules.tolerance, whole)

    def _tolerances(self) -> Iterator[float]:
        tolerance = self.policy.split.tolerance
        yield tolerance
        if self.relax:
            yield from (min(0.5, tolerance * factor) for factor in WIDER if tolerance > 0)

    def problem(self, num_districts: int, tolerance: float) -> Districting:
        """Build the districting problem of this community."""
        members, rules = self.members, self.policy.split
        units = self.city.units.loc[members]
        adjacency = shared_borders(
            np.asarray(units.geometry, dtype=object),
            min_length_m=rules.min_border_m,
            connect_gap_m=rules.connect_gap_m,
            barriers=self.city.barriers,
            barrier_share=rules.barrier_share,
            barrier_width_m=rules.barrier_width_m,
        )
        sizes = self.sizes
        groups = self._groups()
        mean = sizes[:, 0].sum() / num_districts
        merged = merge_units(
            weights=sizes,
            mass=np.maximum(sizes[:, 0], max(rules.empty_unit_weight, 1e-6)),
            points=self.city.unit_points[members],
            edges=adjacency.pairs,
            groups=groups,
        )
        first = np.unique(groups, return_index=True)[1]
        ids = units["unit_id"].to_numpy(object)[first]
        return Districting(
            lower=np.array([math.ceil(mean * (1 - tolerance) - 1e-9), 0.0]),
            upper=np.array(
                [
                    min(math.floor(mean * (1 + tolerance) + 1e-9), rules.gradual_residents - 1),
                    rules.gradual_households - 1,
                ],
                dtype=float,
            ),
            num_districts=min(num_districts, int(groups.max()) + 1),
            names=tuple(f"unit {unit_id}" for unit_id in ids),
            **merged,
        )

    def _groups(self) -> IntArray:
        """Group of each unit: units with an equal value in a column that keeps together."""
        num = self.members.size
        head, tail = [np.arange(num)], [np.arange(num)]
        for column in self.policy.split.keep_together:
            if column not in self.city.units:
                continue
            values = self.city.units.loc[self.members, column]
            given = values.notna() & (values.astype(str).str.strip() != "")
            where = np.flatnonzero(given)
            _, first, code = np.unique(
                values.to_numpy(object)[where].astype(str), return_index=True, return_inverse=True
            )
            head.append(where)
            tail.append(where[first][code])
        edges = (np.concatenate(head), np.concatenate(tail))
        graph = sparse.coo_array((np.ones(edges[0].size), edges), shape=(num, num))
        return connected_components(graph, directed=False)[1].astype(np.int64)

    def _solve(self, problem: Districting) -> Result[IntArray]:
        seconds = self.policy.split.seconds_per_community
        if self.deadline is not None:
            left = max(1, self.total - self.done)
            seconds = min(seconds, max(1.0, 2 * self.deadline.seconds_left / left))
        solver = self.policy.solver
        limits = Limits(seconds, solver.split_gap, solver.seed, solver.threads)

        def heard(objective: float | None, bound: float | None) -> None:
            self.listen(Progress("split", self.name, self.done, self.total, objective, bound))

        return solve_districting(
            problem, limits=limits, solver=solver.name, stop=self.stop, listen=heard
        )

    def finished(
        self, problem: Districting | None, tolerance: float, result: Result[IntArray]
    ) -> CommunitySplit:
        """Bring the districts of the nodes back to the units."""
        residents, households = (int(total) for total in self.sizes.sum(axis=0))
        solution = result.solution
        if solution is not None and solution.size != self.members.size:
            solution = solution[self._groups()]
        return CommunitySplit(
            row=self.row,
            community_id=self.community_id,
            name=self.name,
            tier=str(self.audit.communities.at[self.row, "tier"]),
            residents=residents,
            households=households,
            members=self.members,
            districts=problem.num_districts if problem else 1,
            lower=float(problem.lower[0]) if problem else 0.0,
            upper=float(problem.upper[0]) if problem else float(residents),
            tolerance=tolerance,
            result=replace(result, solution=solution),
        )


def _shortfalls(split: CommunitySplit, policy: Policy) -> Iterator[Shortfall]:
    place = ("community", split.community_id, split.name)
    if split.result.solution is None:
        limit = float(policy.split.gradual_residents - 1)
        yield Shortfall(
            "split",
            *place,
            value=float(split.residents),
            target=limit,
            short=split.residents - limit if split.residents > limit else None,
            unit_of_measure="residents",
            remedy_key="not_split",
            remedy_values={"detail": split.result.detail},
        )
    elif split.tolerance > policy.split.tolerance + 1e-12:
        yield Shortfall(
            "balance",
            *place,
            value=split.tolerance,
            target=policy.split.tolerance,
            short=split.tolerance - policy.split.tolerance,
            unit_of_measure="share",
            remedy_key="smaller_units",
            remedy_values={"percent": f"{100 * split.tolerance:g}"},
        )
