"""Stage split: divide every community above a threshold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.decisions import locked_communities
from ...instances.notes import Note
from ...instances.policy import Policy
from ..limits import Deadline, Stop
from ..progress import Listener, Progress, silent
from ..result import Reason, Result, Status
from .checkpoint import Checkpoint
from .community import CommunitySplit, SplitTask
from .shortfall import InfeasibleError, Shortfall
from .snapshot import Snapshot
from .split_goals import Compactness


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
    is_due, is_locked = table["tier"].isin(tiers).to_numpy(bool), locked_communities(city)
    rows = [int(row) for row in np.flatnonzero(is_due & ~is_locked)]
    splits: list[CommunitySplit] = []
    for done, row in enumerate(rows):
        task = SplitTask(city, policy, audit, row, relax, deadline, stop, listen, done, len(rows))
        kept = checkpoint.entries.get(task.community_id) if checkpoint else None
        split = _restored(task, kept) if kept else task.solve()
        splits.append(split)
        if checkpoint is not None and split.is_proven:
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
    missing = split_shortfalls(city, policy, audit, splits)
    if not relax and any(shortfall.remedy_key != "locked" for shortfall in missing):
        raise InfeasibleError(missing)
    return splits, missing


def split_shortfalls(
    city: City, policy: Policy, audit: Snapshot, splits: Sequence[CommunitySplit]
) -> list[Shortfall]:
    """
    List the communities whose split misses a rule, and those that a decision keeps whole.

    Parameters
    ----------
    city, policy, audit
        The city, the rules, and where it stands.
    splits
        What came of the communities over a threshold.
    """
    table = audit.communities
    tiers = {"mandatory"} | ({"gradual"} if policy.split.tier == "gradual" else set())
    locked = table["tier"].isin(tiers).to_numpy(bool) & locked_communities(city)
    residents = city.units["residents"].to_numpy(float)
    missing = [
        shortfall
        for split in splits
        for shortfall in _shortfalls(split, policy, split.deviation(residents[split.members]))
    ]
    return missing + [_locked(table.iloc[row], policy) for row in np.flatnonzero(locked)]


def _entry(split: CommunitySplit) -> dict[str, Any]:
    assignment = split.result.solution
    record = split.as_record()
    record["solver"], record["version"] = split.result.solver, split.result.version
    return {**record, "assignment": None if assignment is None else assignment.tolist()}


def _restored(task: SplitTask, entry: dict[str, Any]) -> CommunitySplit:
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
        told=Note.from_record(entry["told"]) if "told" in entry else None,
    )
    problem = task.problem(entry["districts"], entry["tolerance"])
    kept = entry["compactness"]
    compactness = None if kept is None else Compactness.from_entry(kept)
    restored = task.finished(problem, entry["tolerance"], result, compactness)
    return replace(restored, ruled_out=entry["ruled_out"])


def _locked(community: pd.Series, policy: Policy) -> Shortfall:
    """List a community over a threshold that is not split because a decision locks it."""
    residents, limit = float(community["residents"]), float(policy.split.gradual_residents - 1)
    return Shortfall(
        "split",
        "community",
        str(community["community_id"]),
        str(community["name"]),
        value=residents,
        target=limit,
        short=residents - limit if residents > limit else None,
        unit_of_measure="residents",
        remedy_key="locked",
    )


def _shortfalls(split: CommunitySplit, policy: Policy, deviation: float) -> Iterator[Shortfall]:
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
            remedy_key="not_split" if split.ruled_out else "not_in_time",
            remedy_values={"detail": split.result.told or split.result.detail},
        )
    elif split.tolerance > policy.split.tolerance + 1e-12 and deviation > policy.split.tolerance:
        yield Shortfall(
            "balance",
            *place,
            value=deviation,
            target=policy.split.tolerance,
            short=deviation - policy.split.tolerance,
            unit_of_measure="share",
            remedy_key="smaller_units" if split.ruled_out else "balance_in_time",
            remedy_values={"percent": f"{100 * deviation:.2g}"},
        )
