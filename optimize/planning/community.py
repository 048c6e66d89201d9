"""The split of one community: its units as districting problems, and what came of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from ...instances.city import City
from ...instances.decisions import locked_units, unit_groups
from ...instances.notes import Note, all_of, note
from ...instances.policy import Policy
from ...models.districting.problem import Districting
from ...models.districting.rules import DistrictRules
from ...models.formulation import FloatArray, IntArray
from ..districting.hess.engine import solve_districting
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, Progress
from ..result import Reason, Result, Status
from .region import Region
from .snapshot import Snapshot
from .split_goals import INERTIA, Compactness, solve_two_levels

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
        District 0..districts-1 of each member; objective and bound are those of ``objective``.
    objective
        Name of the measure that was minimised last.
    compactness
        The moment of inertia that was kept; None if it was the objective, or there is no plan.
    ruled_out
        Whether it is proven that no number of districts that was tried, up to the policy's most,
        can be balanced within the policy's tolerance.
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
    objective: str = INERTIA
    compactness: Compactness | None = None
    ruled_out: bool = False

    @property
    def is_proven(self) -> bool:
        """Whether nothing is left to be found: every level is proven best."""
        limited = self.compactness is None or self.compactness.is_proven
        return limited and self.result.status is Status.OPTIMAL

    def deviation(self, residents: FloatArray) -> float:
        """Largest share by which a district's residents, by member, differ from the mean."""
        if self.result.solution is None:
            return 0.0
        totals = np.bincount(self.result.solution, residents, self.districts)
        mean = max(float(totals.mean()), 1e-9)
        return float(np.abs(totals / mean - 1).max())

    def as_record(self) -> dict[str, Any]:
        """Return the entry of the plan's record."""
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
            "ruled_out": self.ruled_out,
            "objective_of": self.objective,
            "compactness": None if self.compactness is None else self.compactness.as_record(),
            **self.result.as_record(),
        }


@dataclass(frozen=True, eq=False)
class _Attempts:
    """What came of the numbers of districts and tolerances that were tried."""

    refused: list[Note] = field(default_factory=list)
    unsure: list[float] = field(default_factory=list)

    def add(self, k: int, tolerance: float, result: Result[IntArray]) -> None:
        if result.status is not Status.INFEASIBLE:
            self.unsure.append(tolerance)
        why = result.told if result.status is Status.INFEASIBLE else None
        told = why or result.detail or note("not_in_time")
        self.refused.append(note("attempt", districts=k, percent=100 * tolerance, why=told))


@dataclass(frozen=True, eq=False)
class SplitTask:
    """
    The split of one community.

    Parameters
    ----------
    city, policy, audit
        The city, the rules, and where it stands.
    row
        Row of the community in the audit.
    relax
        Whether the balance may be widened.
    deadline, stop, listen
        When all splits must be over, a request to stop, and who hears of progress.
    done, total
        Communities finished and in all.
    """

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
        """Id of the community."""
        return str(self.audit.communities.at[self.row, "community_id"])

    @property
    def name(self) -> str:
        """Name of the community."""
        return str(self.audit.communities.at[self.row, "name"])

    @cached_property
    def members(self) -> IntArray:
        """Units of the community, shape (members,)."""
        return np.flatnonzero(self.audit.unit_community == self.row)

    @cached_property
    def region(self) -> Region:
        """Its units as nodes."""
        return Region(self.city, self.policy, self.members)

    @property
    def sizes(self) -> FloatArray:
        """Residents and households of its units, shape (members, 2)."""
        return self.region.sizes

    def solve(self) -> CommunitySplit:
        """Try the least number of districts, then more; wider balance if that is allowed."""
        rules = self.policy.split
        tried = _Attempts()
        deadline = self._deadline()
        for k, tolerance in self._choices():
            if deadline.passed or (self.stop is not None and self.stop.requested):
                tried.unsure.append(tolerance)
                break
            problem = self.problem(k, tolerance)
            result, kept = self._solve(problem, deadline)
            if result.solution is not None:
                notes = [note("fewer_not_ruled_out")] if tried.unsure else []
                if kept is not None and not kept.is_proven:
                    notes.append(note("limit_not_proven"))
                result = result.telling(all_of(notes) if notes else None)
                split = self.finished(problem, tolerance, result, kept)
                return replace(split, ruled_out=rules.tolerance not in tried.unsure)
            tried.add(k, tolerance, result)
        unsure = bool(tried.unsure)
        whole = Result[IntArray](
            Status.UNKNOWN if unsure else Status.INFEASIBLE,
            Reason.TIME if unsure else Reason.PROVEN,
            solver=self.policy.solver.name,
        ).telling(all_of(tried.refused) if tried.refused else self._no_choice())
        split = self.finished(None, rules.tolerance, whole)
        return replace(split, ruled_out=rules.tolerance not in tried.unsure)

    @property
    def least(self) -> int:
        """Least number of districts that the thresholds allow."""
        rules = self.policy.split
        largest = np.array([rules.gradual_residents - 1, rules.gradual_households - 1])
        return max(2, int(np.ceil(self.sizes.sum(axis=0) / np.maximum(largest, 1)).max()))

    def _choices(self) -> Iterator[tuple[int, float]]:
        """Yield number of districts and tolerance, in the order in which they are tried."""
        most = min(self.least + self.policy.split.max_extra_districts, self.region.num_nodes)
        for tolerance in self._tolerances():
            yield from ((k, tolerance) for k in range(self.least, most + 1))

    def _no_choice(self) -> Note:
        nodes = self.region.num_nodes
        if self.least > nodes:
            return note("too_few_units", districts=self.least, units=nodes)
        return note("no_time_left")

    def _deadline(self) -> Deadline:
        """Return when all attempts at this community must be over."""
        seconds = self.policy.split.seconds_per_community
        if self.deadline is not None:
            left = max(1, self.total - self.done)
            seconds = min(seconds, 2 * self.deadline.seconds_left / left)
        return Deadline.after(max(seconds, 1e-3))

    def _tolerances(self) -> Iterator[float]:
        tolerance = self.policy.split.tolerance
        yield tolerance
        if self.relax:
            yield from (min(0.5, tolerance * factor) for factor in WIDER if tolerance > 0)

    def problem(self, num_districts: int, tolerance: float) -> Districting:
        """Build the districting problem of this community."""
        rules = self.policy.split
        mean = self.sizes[:, 0].sum() / num_districts
        asked = self.region.districting(
            num_districts=num_districts,
            lower=np.array([math.ceil(mean * (1 - tolerance) - 1e-9), 0.0]),
            upper=np.array(
                [
                    min(math.floor(mean * (1 + tolerance) + 1e-9), rules.gradual_residents - 1),
                    rules.gradual_households - 1,
                ],
                dtype=float,
            ),
        )
        return replace(asked, rules=self.decided_rules())

    def decided_rules(self) -> DistrictRules | None:
        """Return what is decided on its units: locked to district 0, apart; None for nothing."""
        groups, members = self.region.groups, self.members
        locked = np.full(self.region.num_nodes, -1, dtype=np.int64)
        locked[groups[locked_units(self.city)[members]]] = 0
        pairs = {
            (int(min(pair)), int(max(pair)))
            for units in unit_groups(self.city, "apart")
            for pair in combinations(groups[np.isin(members, units)].tolist(), 2)
        }
        if not pairs and (locked < 0).all():
            return None
        return DistrictRules(
            locked=locked if (locked >= 0).any() else None,
            apart=np.array(sorted(pairs), dtype=np.int64) if pairs else None,
        )

    def _solve(
        self, problem: Districting, deadline: Deadline
    ) -> tuple[Result[IntArray], Compactness | None]:
        """Solve one choice in half of the time that is left, so that others get their turn."""
        solver = self.policy.solver
        seconds = max(deadline.seconds_left / 2, 1e-3)
        limits = Limits(seconds, solver.split_gap, solver.seed, solver.threads)

        def heard(objective: float | None, bound: float | None) -> None:
            self.listen(Progress("split", self.name, self.done, self.total, objective, bound))

        rules = self.policy.split
        if rules.objective == INERTIA:
            result = solve_districting(
                problem, limits=limits, solver=solver.name, stop=self.stop, listen=heard
            )
            return result, None
        return solve_two_levels(
            problem,
            self.region,
            rules,
            limits=limits,
            solver=solver.name,
            stop=self.stop,
            listen=heard,
        )

    def finished(
        self,
        problem: Districting | None,
        tolerance: float,
        result: Result[IntArray],
        compactness: Compactness | None = None,
    ) -> CommunitySplit:
        """Bring the districts of the nodes back to the units."""
        residents, households = (int(total) for total in self.sizes.sum(axis=0))
        solution = result.solution
        if solution is not None and solution.size != self.members.size:
            solution = self.region.to_units(solution)
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
            objective=self.policy.split.objective,
            compactness=compactness,
        )
