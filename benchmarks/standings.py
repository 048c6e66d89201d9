"""How the entrants of a family stand: the best first, with ratios to it and to a baseline."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .row import Outcome
from .statistics import (
    best_value,
    performance_profiles,
    ratio,
    relative_gap,
    shifted_geometric_mean,
)
from .trials import Family, Trial

BASELINES = (
    "textbook [highs]",
    "hess-separators [highs]",
    "labelling-flow [highs]",
    "stations-one-model [highs]",
    "plain-part",
)
"""Plain formulations on the default solver, one or two for every family that has any."""


@dataclass(frozen=True)
class Settings:
    """
    Choices that numbers depend on; a report states them.

    Parameters
    ----------
    shift
        Of the shifted geometric means, in seconds.
    penalty
        Factor on the time limit where a case was not solved.
    floor
        Seconds that a shorter time counts as in ratios a case.
    baselines
        Entrants or methods to compare with; the first that a family has is its baseline.
    """

    shift: float = 1.0
    penalty: float = 10.0
    floor: float = 1e-3
    baselines: tuple[str, ...] = BASELINES

    def __post_init__(self) -> None:
        """Refuse settings that give no mean."""
        if self.shift < 0:
            raise ValueError(f"shift = {self.shift} is negative; give seconds, 0 or more.")
        if self.penalty < 1:
            raise ValueError(f"penalty = {self.penalty} would reward failing; give 1 or more.")
        if self.floor <= 0:
            raise ValueError(f"floor = {self.floor} would divide by zero; give some seconds.")


@dataclass(frozen=True, kw_only=True)
class Standing:
    """
    One entrant in one family.

    Parameters
    ----------
    counts
        Cases by status.
    num_cases, num_run, num_solved, num_fastest
        Cases of the family, those that the entrant was run on, those that it solved, and those
        that nobody solved faster.
    measured_seconds
        Shifted geometric mean of the seconds as measured, whatever came out, over the cases that
        have any; None if none has.
    limited_seconds, penalised_seconds
        Shifted geometric means with an unsolved case at the time limit, and at its multiple.
    to_best, to_baseline
        Penalised mean by that of the best entrant and of the baseline; None if one of the two
        solved nothing, for then only limits would be compared.
    mean_gap, mean_gap_to_best
        Mean final gap to the bound, and to the best known value, over the cases.
    peak_mib
        Largest memory of any run.
    """

    entrant: str
    counts: Mapping[Outcome, int]
    num_cases: int
    num_run: int
    num_solved: int
    num_fastest: int
    measured_seconds: float | None
    limited_seconds: float
    penalised_seconds: float
    mean_gap: float
    mean_gap_to_best: float
    peak_mib: float | None
    to_best: float | None = None
    to_baseline: float | None = None

    @property
    def num_wrong(self) -> int:
        """Cases with a wrong answer."""
        return self.counts.get(Outcome.WRONG, 0)


@dataclass(frozen=True)
class Ranking:
    """Standings of a family, the best first, and what they are compared with."""

    family: Family
    standings: tuple[Standing, ...]
    baseline: str

    @property
    def is_timed(self) -> bool:
        """Whether anything was solved, so that times can be compared."""
        return any(standing.num_solved for standing in self.standings)

    @property
    def best(self) -> Standing:
        """The first; only a family in which everyone was wrong names a wrong one here."""
        return self.standings[0]


def rank(family: Family, *, baseline: str, settings: Settings) -> Ranking:
    """
    Rank the entrants of a family.

    First come those without a wrong answer; among them the smaller penalised mean wins, then the
    smaller gap to the bound, the smaller gap to the best known value, the shorter measured time.
    """
    bare = [_standing(family, entrant, settings=settings) for entrant in family.entrants]
    bare.sort(key=_order)
    best = bare[0]
    base = next((own for own in bare if own.entrant == baseline), None)
    standings = [
        dataclasses.replace(own, to_best=_to(own, best), to_baseline=_to(own, base)) for own in bare
    ]
    return Ranking(family, tuple(standings), baseline)


def _order(own: Standing) -> tuple[bool, float, float, float, float]:
    measured = math.inf if own.measured_seconds is None else own.measured_seconds
    gaps = (own.mean_gap, own.mean_gap_to_best)
    return (own.num_wrong > 0, own.penalised_seconds, *gaps, measured)


def _to(own: Standing, other: Standing | None) -> float | None:
    """Return the penalised mean of one entrant by that of another."""
    if other is None or not (own.num_solved and other.num_solved):
        return None
    if own is other:
        return 1.0
    return ratio(own.penalised_seconds, other.penalised_seconds)


def _standing(family: Family, entrant: str, *, settings: Settings) -> Standing:
    places = family.of_entrant(entrant)
    trials = [trial for trial in places if trial is not None]
    peaks = [trial.peak_mib.highest for trial in trials if trial.peak_mib is not None]
    measured = [trial.seconds.median for trial in trials if trial.seconds is not None]
    charged = family.charged(entrant, penalty=settings.penalty)
    fastest = performance_profiles(solved_seconds(family), floor=settings.floor)[entrant]
    to_best = [final_gap(own, best=best) for own, best in zip(places, _bests(family), strict=True)]
    return Standing(
        entrant=entrant,
        counts=Counter(trial.status for trial in trials),
        num_cases=len(places),
        num_run=len(trials),
        num_solved=sum(trial.solved for trial in trials),
        num_fastest=sum(own <= 1.0 for own in fastest.ratios),
        measured_seconds=_mean(measured, settings) if measured else None,
        limited_seconds=_mean(family.charged(entrant), settings),
        penalised_seconds=_mean(charged, settings),
        mean_gap=statistics.fmean(final_gap(trial) for trial in places),
        mean_gap_to_best=statistics.fmean(to_best),
        peak_mib=max(peaks, default=None),
    )


def _mean(seconds: Sequence[float], settings: Settings) -> float:
    return shifted_geometric_mean(seconds, shift=settings.shift)


def _bests(family: Family) -> list[float]:
    """Return the best known value of each case; not a number where there is none."""
    values = [best_value(family.of_case(case)) for case in family.cases]
    return [math.nan if value is None else value for value in values]


def final_gap(trial: Trial | None, *, best: float | None = None) -> float:
    """
    Return the gap that a trial ended with: at most one, and one if it has none to show.

    Parameters
    ----------
    trial
        None if there was none.
    best
        Measure the objective against this, not against the bound.
    """
    if trial is None or trial.status in {Outcome.WRONG, Outcome.ERROR}:
        return 1.0
    run = trial.typical
    if run.status is Outcome.INFEASIBLE:
        return 0.0
    return relative_gap(run.objective, run.bound if best is None else best)


def solved_seconds(family: Family) -> dict[str, list[float]]:
    """Return the seconds of every entrant on every case; infinite where it was not solved."""
    return {
        entrant: [
            trial.charged() if trial is not None and trial.solved else math.inf
            for trial in family.of_entrant(entrant)
        ]
        for entrant in family.entrants
    }


def choose_baselines(families: Sequence[Family], *, wanted: Sequence[str]) -> dict[str, str]:
    """
    Return the baseline of each family.

    The first that is wanted and that the family has; else the entrant that was run on the most
    cases of all families, the first by name of several.
    """
    spread = Counter(trial.entrant for family in families for trial in family.trials)
    chosen = {}
    for family in families:
        methods = {trial.runs[0].method: trial.entrant for trial in reversed(family.trials)}
        methods |= {entrant: entrant for entrant in family.entrants}
        named = [methods[name] for name in wanted if name in methods]
        commonest = max(family.entrants, key=lambda entrant: spread[entrant])
        chosen[family.name] = named[0] if named else commonest
    return chosen
