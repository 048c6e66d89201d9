"""Several near-best plans of a city: every community to be split is divided in different ways."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...instances.city import City
from ...instances.notes import note
from ...instances.policy import Policy
from ...instances.site_units import site_units
from ...instances.walking import walking_times
from ...models.districting.difference import difference
from ...models.districting.labelling import border_length, cut_edges
from ...models.districting.problem import Districting
from ...models.formulation import IntArray
from ..districting.alternatives import alternatives
from ..limits import Deadline, Limits, Stop
from ..progress import Listener, Progress, silent
from ..result import Reason, Result, Status
from .audit import audit_city
from .communities_named import new_communities
from .community import CommunitySplit, SplitTask
from .plan import Plan, plan_without_stations
from .split import split_city
from .split_goals import INERTIA


@dataclass(frozen=True, eq=False)
class CommunityAlternatives:
    """
    The alternatives of one community.

    Parameters
    ----------
    split
        The first, best split.
    problem
        What was asked, by nodes.
    results
        District of each node and what is proven, the first plan first; the last may hold no plan
        and then says why there are no more.
    splits
        The alternatives as splits, one for each result with a plan.
    border_m
        Length of the borders between the districts of each, in metres.
    """

    split: CommunitySplit
    problem: Districting
    results: tuple[Result[IntArray], ...]
    splits: tuple[CommunitySplit, ...]
    border_m: tuple[float, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the figures of every alternative, and why there are no more."""
        rows = [self._row(number) for number in range(len(self.splits))]
        last = self.results[-1]
        return {
            "community_id": self.split.community_id,
            "name": self.split.name,
            "districts": self.split.districts,
            "alternatives": rows,
            "no_more": None
            if last.solution is not None
            else {"status": str(last.status), "reason": str(last.reason), "detail": last.detail},
        }

    def _row(self, number: int) -> dict[str, Any]:
        result, first = self.results[number], self.results[0]
        plan, best = result.solution, first.solution
        assert plan is not None  # noqa: S101 - splits are made of results with a plan
        assert best is not None  # noqa: S101
        residents = self.problem.weights[:, 0]
        totals = np.bincount(plan, residents, self.split.districts)
        share = difference(residents, plan, best)
        others = [r.solution for r in self.results[:number] if r.solution is not None]
        return {
            "number": number + 1,
            "status": str(result.status),
            "reason": str(result.reason),
            "objective": result.objective,
            "bound": result.bound,
            "gap": result.gap,
            "detail": result.detail,
            "inertia": self.problem.evaluate(plan),
            "border_m": self.border_m[number],
            "cut_edges": cut_edges(self.problem, plan),
            "largest_deviation": float(np.abs(totals / max(totals.mean(), 1e-9) - 1).max()),
            "residents_differ_from_1": float(round(share * float(residents.sum()))),
            "share_differs_from_1": share,
            "least_share_differs": min((difference(residents, plan, o) for o in others), default=0),
        }


@dataclass(frozen=True, eq=False)
class CityAlternatives:
    """
    Plans of a city that differ from each other.

    Parameters
    ----------
    plans
        Whole plans, the best first: plan m takes the m-th alternative of every community that has
        one, and the first of every other.
    communities
        What was found for each community that is split.
    within, differ
        What was asked.
    """

    plans: tuple[Plan, ...]
    communities: tuple[CommunityAlternatives, ...]
    within: float
    differ: float

    def as_record(self) -> dict[str, Any]:
        """Return the content of ``alternatives.json``."""
        return {
            "within": self.within,
            "differ": self.differ,
            "plans": len(self.plans),
            "communities": [community.as_record() for community in self.communities],
        }


def make_alternatives(
    city: City,
    policy: Policy,
    *,
    number: int,
    within: float = 0.05,
    differ: float = 0.10,
    solver: str = "scip",
    relax: bool = False,
    seconds: float | None = None,
    stop: Stop | None = None,
    listen: Listener = silent,
) -> CityAlternatives:
    """
    Split a city in several ways; stations stay as they are.

    Parameters
    ----------
    city, policy
        The city and the rules.
    number
        Number of plans.
    within, differ
        Share by which a split may cost more than the best of its community, and least share of
        its residents that change district between any two.
    solver
        Backend of the integer programs of the alternatives.
    relax
        Widen the balance, or keep a community whole, where the rules cannot be met.
    seconds
        Time limit of all together.
    stop, listen
        A request to stop, and who hears of progress.

    Raises
    ------
    InfeasibleError
        If a community cannot be split by the rules, unless ``relax``.
    ValueError
        If a number or share makes no sense, or splits are not made by their moment of inertia.
    """
    if policy.split.objective != INERTIA:
        raise ValueError(
            f"Alternatives are nearly as compact as the best split, and split.objective is "
            f"{policy.split.objective!r}; set it to {INERTIA!r}."
        )
    began = time.monotonic()
    deadline = None if seconds is None else Deadline.after(seconds)
    times = walking_times(city, policy)
    before = audit_city(city, policy, times)
    half = None if deadline is None else Deadline.after(deadline.seconds_left / number)
    splits, missing = split_city(
        city, policy, before, relax=relax, deadline=half, stop=stop, listen=listen
    )
    divided = [split for split in splits if split.result.solution is not None]
    found: list[CommunityAlternatives] = []
    for done, split in enumerate(divided):
        task = SplitTask(
            city, policy, before, split.row, relax, deadline, stop, listen, done, len(divided)
        )
        limit = policy.split.seconds_per_community * max(1, number - 1)
        if deadline is not None:
            limit = min(limit, deadline.seconds_left / (len(divided) - done))
        tuning = policy.solver
        limits = Limits(max(limit, 0.1), 0.0, tuning.seed, tuning.threads)
        found.append(_of_community(task, split, number, within, differ, limits, solver))
        many = len(found[-1].splits)
        listen(Progress("alternatives", split.name, done + 1, len(divided), text=f"{many} plans"))
    site_unit = site_units(city, policy)
    plans = []
    for place in range(max([len(one.splits) for one in found], default=1)):
        chosen = [one.splits[place] if place < len(one.splits) else one.splits[0] for one in found]
        whole = [split for split in splits if split.result.solution is None]
        mixed = sorted([*chosen, *whole], key=lambda split: split.row)
        names, unit_community = new_communities(city, site_unit, before, mixed)
        plans.append(
            plan_without_stations(
                city,
                policy,
                times,
                before,
                names=names,
                unit_community=unit_community,
                site_unit=site_unit,
                shortfalls=tuple(missing),
                seconds={"split": time.monotonic() - began},
                splits=tuple(mixed),
                interrupted=stop is not None and stop.requested,
                time_limit=seconds,
            )
        )
    return CityAlternatives(tuple(plans), tuple(found), within, differ)


def _of_community(
    task: SplitTask,
    split: CommunitySplit,
    number: int,
    within: float,
    differ: float,
    limits: Limits,
    solver: str,
) -> CommunityAlternatives:
    """Find the alternatives of one community; the split that is known is the first."""
    problem = task.problem(split.districts, split.tolerance)
    _, unit = np.unique(task.region.groups, return_index=True)
    assert split.result.solution is not None  # noqa: S101 - only divided ones are asked
    first = replace(split.result, solution=split.result.solution[unit])
    results = alternatives(
        problem, number=number, within=within, differ=differ, limits=limits, solver=solver,
        first=first, stop=task.stop,
    )  # fmt: skip
    lengths = task.region.border_lengths(problem)
    kept = [result for result in results if result.solution is not None]
    borders = tuple(
        border_length(problem, result.solution, lengths=lengths)
        for result in kept
        if result.solution is not None
    )
    splits = [split] + [
        _as_split(task, problem, split, result, place)
        for place, result in enumerate(kept[1:], start=2)
    ]
    return CommunityAlternatives(split, problem, tuple(results), tuple(splits), borders)


def _as_split(
    task: SplitTask,
    problem: Districting,
    split: CommunitySplit,
    result: Result[IntArray],
    place: int,
) -> CommunitySplit:
    """Return an alternative as a split: measured against the bound on all splits."""
    bound = split.result.bound
    solution = replace(
        result,
        status=Status.FEASIBLE,
        reason=Reason.LIMIT,
        bound=bound,
    ).telling(note("alternative", place=place, why=result.told or result.detail))
    finished = task.finished(problem, split.tolerance, solution)
    return replace(finished, ruled_out=split.ruled_out)
