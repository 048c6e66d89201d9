"""Rows put together: the trials of every entrant on every case, by family."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from .jobs import REFERENCE
from .row import Outcome, Row

WORST_FIRST = (
    Outcome.WRONG,
    Outcome.ERROR,
    Outcome.MEMORY,
    Outcome.TIMEOUT,
    Outcome.FEASIBLE,
    Outcome.INFEASIBLE,
    Outcome.OPTIMAL,
)

_SETTINGS: Mapping[str, Callable[[Row], str]] = {
    "time_limit": lambda row: f"{row.time_limit:g} s",
    "memory_limit_mib": lambda row: f"{row.memory_limit_mib:g} MiB",
    "threads": lambda row: f"{row.threads} threads",
    "solver_version": lambda row: f"version {row.solver_version or 'unknown'}",
    "host": lambda row: f"on {row.host or 'unknown'}",
    "commit": lambda row: f"at {row.commit[:9] or 'unknown'}",
}


@dataclass(frozen=True)
class Spread:
    """Median of some values, with the lowest and the highest."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread | None:
        """Return the spread of the values that are known; None if none is."""
        known = [value for value in values if value is not None and not math.isnan(value)]
        if not known:
            return None
        return cls(statistics.median(known), min(known), max(known))


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """
    One entrant on one case, over all its runs: repeats and seeds.

    Parameters
    ----------
    family, case, entrant
        What was run on what.
    runs
        At least one row.
    """

    family: str
    case: str
    entrant: str
    runs: tuple[Row, ...]

    def __post_init__(self) -> None:
        """Refuse a trial without a run."""
        if not self.runs:
            raise ValueError(f"{self.entrant} on {self.case}: a trial needs at least one row.")

    @property
    def status(self) -> Outcome:
        """The worst status of the runs."""
        return min((run.status for run in self.runs), key=WORST_FIRST.index)

    @property
    def solved(self) -> bool:
        """Whether every run answered the case."""
        return all(run.solved for run in self.runs)

    @property
    def seconds(self) -> Spread | None:
        """Seconds as measured, whatever came out."""
        return Spread.of(run.total_seconds for run in self.runs)

    @property
    def peak_mib(self) -> Spread | None:
        """Peak memory in MiB."""
        return Spread.of(run.peak_mib for run in self.runs)

    @property
    def limit(self) -> float:
        """Time limit in seconds; infinite where none is stated."""
        longest = max(run.time_limit for run in self.runs)
        return longest if longest > 0 else math.inf

    @property
    def typical(self) -> Row:
        """The run of median time among those with the status of the trial."""
        like = [run for run in self.runs if run.status == self.status]
        like.sort(key=lambda run: math.inf if run.total_seconds is None else run.total_seconds)
        return like[(len(like) - 1) // 2]

    def charged(self, *, penalty: float = 1.0) -> float:
        """Return the median seconds if solved, else ``penalty`` times the time limit."""
        if self.solved and self.seconds is not None:
            return self.seconds.median
        return penalty * self.limit


@dataclass(frozen=True, eq=False)
class Family:
    """All trials of one kind of problem."""

    name: str
    trials: tuple[Trial, ...]

    @property
    def cases(self) -> list[str]:
        """Names of the cases, in natural order."""
        return sorted({trial.case for trial in self.trials}, key=natural)

    @property
    def entrants(self) -> list[str]:
        """Names of the entrants, in natural order."""
        return sorted({trial.entrant for trial in self.trials}, key=natural)

    def of_case(self, case: str) -> list[Trial]:
        """Return the trials on one case."""
        return [trial for trial in self.trials if trial.case == case]

    def of_entrant(self, entrant: str) -> list[Trial | None]:
        """Return the trial on every case; None where the entrant was not run."""
        own = {trial.case: trial for trial in self.trials if trial.entrant == entrant}
        return [own.get(case) for case in self.cases]

    def charged(self, entrant: str, *, penalty: float = 1.0) -> list[float]:
        """Return the seconds charged for every case; not run counts like not solved."""
        limits = {case: max(trial.limit for trial in self.of_case(case)) for case in self.cases}
        return [
            penalty * limits[case] if trial is None else trial.charged(penalty=penalty)
            for case, trial in zip(self.cases, self.of_entrant(entrant), strict=True)
        ]


def families_of(rows: Sequence[Row]) -> list[Family]:
    """Return the families of all rows but those of the reference job."""
    trials = trials_of([row for row in rows if row.family != REFERENCE])
    return [Family(name, tuple(own)) for name, own in groupby(trials, key=lambda t: t.family)]


def trials_of(rows: Sequence[Row]) -> list[Trial]:
    """Return the rows as trials, in natural order of family, case and entrant."""
    runs: dict[tuple[str, str, str], list[Row]] = {}
    for row, entrant in zip(rows, entrant_names(rows), strict=True):
        runs.setdefault((row.family, row.case, entrant), []).append(row)
    ordered = sorted(runs, key=lambda key: tuple(natural(part) for part in key))
    return [
        Trial(family=family, case=case, entrant=entrant, runs=tuple(runs[family, case, entrant]))
        for family, case, entrant in ordered
    ]


def entrant_names(rows: Sequence[Row]) -> list[str]:
    """
    Return the entrant of every row, so that rows are repeats only if they were run alike.

    Where one entrant met one case under two time limits, solver versions, hosts, ..., these
    are added to its name.
    """
    seen: dict[tuple[str, str, str, str], set[str]] = {}
    for row in rows:
        for setting, words in _SETTINGS.items():
            key = (row.entrant, setting, row.family, row.case)
            seen.setdefault(key, set()).add(words(row))
    varied = {(entrant, setting) for (entrant, setting, *_), own in seen.items() if len(own) > 1}
    names = []
    for row in rows:
        extra = [words(row) for key, words in _SETTINGS.items() if (row.entrant, key) in varied]
        names.append(", ".join([row.entrant, *extra]))
    return names


def natural(name: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts pmed2 before pmed10."""
    parts = re.split(r"([0-9]+)", name)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part.casefold()) for part in parts]
