"""Means, profiles, gaps, fits and rankings: every number of a report comes from here."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from ..models.formulation import FloatArray
from .jobs import REFERENCE
from .row import Outcome, Row
from .trials import Family, Trial

TOLERANCE = 1e-5
"""Share by which two values of one case may differ before they contradict each other."""

_PROVES = (Outcome.OPTIMAL, Outcome.FEASIBLE, Outcome.TIMEOUT)
_DENIES = (Outcome.INFEASIBLE,)
_HAS_SOLUTION = (Outcome.OPTIMAL, Outcome.FEASIBLE)


def shifted_geometric_mean(values: Iterable[float], *, shift: float) -> float:
    """
    Return exp(mean(log(value + shift))) - shift.

    Parameters
    ----------
    values
        At least one, none negative; infinite if one of them is.
    shift
        Keeps values near zero from ruling the mean; in the unit of the values.

    Raises
    ------
    ValueError
        If there is no value, or a value or the shift is negative.
    """
    shifted = [value + shift for value in values]
    if not shifted:
        raise ValueError("a mean of no values: leave out what has none.")
    if shift < 0 or min(shifted) < shift:
        raise ValueError(f"a value or the shift {shift} is negative: give seconds, 0 or more.")
    if min(shifted) == 0:
        return 0.0
    return max(math.exp(math.fsum(map(math.log, shifted)) / len(shifted)) - shift, 0.0)


def ratio(value: float | None, base: float | None) -> float | None:
    """Return value / base; None where that says nothing."""
    if value is None or base is None or base <= 0 or not math.isfinite(base):
        return None
    return value / base


@dataclass(frozen=True)
class Profile:
    """
    Performance profile of one entrant.

    Parameters
    ----------
    ratios
        Ratios to the best time, a solved case each, in increasing order.
    num_cases
        Cases of the family, solved or not.
    """

    ratios: tuple[float, ...]
    num_cases: int

    def share(self, tau: float) -> float:
        """Return the share of the cases that are solved within ``tau`` times the best time."""
        return sum(own <= tau for own in self.ratios) / self.num_cases


def performance_profiles(
    seconds: Mapping[str, Sequence[float]], *, floor: float = 1e-3
) -> dict[str, Profile]:
    """
    Return the performance profile of each entrant.

    Dolan & More (2002): with t(p, s) the time of entrant s on case p, the ratio is
    r(p, s) = t(p, s) / min over s of t(p, s), and the profile rho_s(tau) the share of all cases
    with r(p, s) <= tau.

    Parameters
    ----------
    seconds
        Time by entrant, all over the same cases; infinite where a case was not solved.
    floor
        Shorter times count as this long, for a clock cannot tell them apart.
    """
    if len({len(times) for times in seconds.values()}) > 1:
        raise ValueError("the entrants have times of different numbers of cases: give them all.")
    best = [max(min(times), floor) for times in zip(*seconds.values(), strict=True)]
    return {
        entrant: Profile(
            tuple(
                sorted(
                    max(time, floor) / fastest
                    for time, fastest in zip(times, best, strict=True)
                    if math.isfinite(time)
                )
            ),
            len(times),
        )
        for entrant, times in seconds.items()
    }


def is_known(value: float | None) -> TypeGuard[float]:
    """Whether a value is a finite number."""
    return value is not None and math.isfinite(value)


def relative_gap(value: float | None, other: float | None) -> float:
    """
    Return |value - other| / max(|value|, |other|).

    One if either is missing or their signs differ, as in Berthold (2013), so that a mean over
    cases and times exists.
    """
    if not (is_known(value) and is_known(other)) or value * other < 0:
        return 1.0
    return 0.0 if value == other else abs(value - other) / max(abs(value), abs(other))


def gap_over_time(
    run: Row, times: FloatArray, *, best: float | None = None, to_best: bool = False
) -> FloatArray:
    """
    Return the gap that a run had reached at each of the times.

    Parameters
    ----------
    run
        Its curve, ended by what the checked result says; all gap if it was wrong or crashed.
    times
        Seconds.
    best, to_best
        Measure the objective against ``best``, not against the bound.
    """
    if run.status in {Outcome.WRONG, Outcome.ERROR}:
        return np.ones(len(times))
    moments, gaps = [-math.inf], [1.0]
    objective = bound = None
    for second, now, proven in sorted(run.curve, key=lambda point: point[0]):
        objective = objective if now is None else now
        bound = bound if proven is None else proven
        moments.append(second)
        gaps.append(relative_gap(objective, best if to_best else bound))
    if run.total_seconds is not None:
        moments.append(max(run.total_seconds, moments[-1]))
        objective = objective if run.objective is None else run.objective
        bound = bound if run.bound is None else run.bound
        is_answered = run.status is Outcome.INFEASIBLE
        gaps.append(0.0 if is_answered else relative_gap(objective, best if to_best else bound))
    reached = np.searchsorted(moments, times, side="right") - 1
    return np.asarray(gaps, dtype=np.float64)[reached]


def mean_gap_over_time(
    family: Family, entrant: str, times: FloatArray, *, to_best: bool = False
) -> FloatArray:
    """Return the gap of an entrant, meaned over the repeats and then over the family's cases."""
    curves: list[FloatArray] = []
    for case, trial in zip(family.cases, family.of_entrant(entrant), strict=True):
        best = best_value(family.of_case(case))
        runs = () if trial is None else trial.runs
        own = [gap_over_time(run, times, best=best, to_best=to_best) for run in runs]
        curves.append(_mean(own) if own else np.ones(len(times)))
    return _mean(curves)


def _mean(curves: Sequence[FloatArray]) -> FloatArray:
    return np.asarray(np.mean(curves, axis=0), dtype=np.float64)


def best_value(trials: Sequence[Trial]) -> float | None:
    """Return the best value of a case that is known before or after the runs."""
    runs = [run for trial in trials for run in trial.runs]
    found = [run.objective for run in runs if run.status in _HAS_SOLUTION]
    values = [value for value in found + [run.best_known for run in runs] if is_known(value)]
    if not values:
        return None
    return max(values) if runs[0].maximize else min(values)


@dataclass(frozen=True)
class Contradiction:
    """A bound, or a proof that there is no solution, that a solution of the same case breaks."""

    family: str
    case: str
    claimant: str
    bound: float | None
    finder: str
    objective: float


def contradictions(family: Family) -> list[Contradiction]:
    """Return, a case at most, the strongest claim that the best solution contradicts."""
    found = []
    for case in family.cases:
        runs = [(trial.entrant, run) for trial in family.of_case(case) for run in trial.runs]
        solutions = [
            (run.objective, entrant)
            for entrant, run in runs
            if run.status in _HAS_SOLUTION and is_known(run.objective)
        ]
        if not solutions:
            continue
        sign = -1.0 if runs[0][1].maximize else 1.0
        objective, finder = min(solutions, key=lambda pair: sign * pair[0])
        claims = [(sign * math.inf, entrant) for entrant, run in runs if run.status in _DENIES]
        claims += [
            (run.bound, entrant)
            for entrant, run in runs
            if run.status in _PROVES and is_known(run.bound)
        ]
        bound, claimant = max(claims, key=lambda pair: sign * pair[0], default=(objective, ""))
        if sign * (bound - objective) > TOLERANCE * max(1.0, abs(objective)):
            proven = bound if math.isfinite(bound) else None
            found.append(Contradiction(family.name, case, claimant, proven, finder, objective))
    return found


@dataclass(frozen=True)
class Growth:
    """
    The law seconds = factor * size ** exponent, fitted.

    Parameters
    ----------
    exponent, standard_error
        Slope of log seconds over log size, and its standard error.
    factor
        Seconds at size one.
    num_points
        Cases that it was fitted to.
    """

    exponent: float
    standard_error: float
    factor: float
    num_points: int

    def seconds(self, size: FloatArray) -> FloatArray:
        """Return the seconds that the law gives for sizes."""
        return np.asarray(self.factor * size**self.exponent, dtype=float)


def fit_growth(sizes: Sequence[float], seconds: Sequence[float]) -> Growth | None:
    """
    Fit log seconds = log factor + exponent * log size by least squares.

    The standard error is sqrt(residuals^2 / (n - 2) / sum((log size - mean)^2)). Points that have
    no logarithm are left out; None with fewer than three different sizes.
    """
    points = [(s, t) for s, t in zip(sizes, seconds, strict=True) if s > 0 and 0 < t < math.inf]
    if len({size for size, _ in points}) < 3:
        return None
    x, y = np.log(np.array(points, dtype=float)).T
    centred = x - x.mean()
    exponent = float(centred @ y / (centred @ centred))
    intercept = float(y.mean() - exponent * x.mean())
    residuals = y - intercept - exponent * x
    error = math.sqrt(float(residuals @ residuals) / (len(x) - 2) / float(centred @ centred))
    return Growth(exponent, error, math.exp(intercept), len(x))


def size_measure(family: Family) -> str | None:
    """Return the word of size that tells most cases apart, the first of several."""
    sizes: dict[str, list[int]] = {}
    for case in family.cases:
        for word, number in family.of_case(case)[0].typical.size.items():
            if number > 0:
                sizes.setdefault(word, []).append(number)
    if not sizes:
        return None
    return max(sizes, key=lambda word: len(set(sizes[word])))


@dataclass(frozen=True)
class Drift:
    """
    The reference job on one machine, in order of time.

    Parameters
    ----------
    name
        Job and host.
    minutes
        Since the first run; 0, 1, 2, ... if the rows do not say when they started.
    ratios
        Seconds of each run, by the median of all.
    """

    name: str
    minutes: tuple[float, ...]
    ratios: tuple[float, ...]
    median_seconds: float
    is_timed: bool

    @property
    def spread(self) -> float:
        """The slowest run by the fastest."""
        return max(self.ratios) / min(self.ratios)

    @property
    def trend(self) -> float | None:
        """Median of the later half by that of the earlier; None with fewer than four runs."""
        half = len(self.ratios) // 2
        if half < 2:
            return None
        return statistics.median(self.ratios[-half:]) / statistics.median(self.ratios[:half])


def drifts(rows: Sequence[Row]) -> list[Drift]:
    """Return the drift of each reference job on each host; runs without a time are left out."""
    own: dict[str, list[Row]] = {}
    for row in rows:
        if row.family == REFERENCE and (row.total_seconds or 0.0) > 0:
            job = row.case if row.entrant == row.case else f"{row.case}, {row.entrant}"
            own.setdefault(f"{job} on {row.host or 'an unnamed host'}", []).append(row)
    return [_drift(name, sorted(runs, key=lambda run: run.started)) for name, runs in own.items()]


def _drift(name: str, runs: Sequence[Row]) -> Drift:
    seconds = [float(run.total_seconds or 0.0) for run in runs]
    middle = statistics.median(seconds)
    minutes = _minutes([run.started for run in runs])
    counted = [float(idx) for idx in range(len(runs))]
    ratios = tuple(own / middle for own in seconds)
    return Drift(name, tuple(minutes or counted), ratios, middle, minutes is not None)


def _minutes(started: Sequence[str]) -> list[float] | None:
    """Return minutes since the first of some moments; None if one of them cannot be read."""
    try:
        moments = [dt.datetime.fromisoformat(text) for text in started]
        return [(moment - moments[0]).total_seconds() / 60 for moment in moments]
    except (ValueError, TypeError):
        return None
