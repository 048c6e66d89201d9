"""Means, profiles, gaps, fits and rankings against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from shequ.benchmarks.row import Outcome, Row
from shequ.benchmarks.standings import Settings, choose_baselines, rank
from shequ.benchmarks.statistics import (
    best_value,
    contradictions,
    drifts,
    fit_growth,
    gap_over_time,
    mean_gap_over_time,
    performance_profiles,
    relative_gap,
    shifted_geometric_mean,
    size_measure,
)
from shequ.benchmarks.trials import Trial, entrant_names, families_of, natural, trials_of


def row(case: str, method: str, seconds: float | None, **other: object) -> Row:
    """Return a row that solved its case unless told otherwise."""
    given = {"job": f"{case}/{method}", "family": "f", "solver": "", "seed": 1, "time_limit": 60.0}
    given |= {"status": Outcome.OPTIMAL, "total_seconds": seconds}
    return Row(**{**given, **other, "case": case, "method": method})


def unsolved(case: str, method: str, **other: object) -> Row:
    """Return a row that ran into its time limit."""
    return row(case, method, 60.0, **{"status": Outcome.TIMEOUT, **other})


def test_the_shifted_geometric_mean_of_two_values():
    """With shift 1, 1 and 7 give sqrt(2 * 8) - 1 = 3."""
    assert shifted_geometric_mean([1.0, 7.0], shift=1.0) == pytest.approx(3.0)


def test_a_shift_of_zero_gives_the_geometric_mean():
    """2 and 8 give 4; a zero among them gives zero."""
    assert shifted_geometric_mean([2.0, 8.0], shift=0.0) == pytest.approx(4.0)
    assert shifted_geometric_mean([0.0, 8.0], shift=0.0) == 0.0


def test_the_mean_with_an_infinite_value_is_infinite():
    """A case without a time limit that was not solved cannot be averaged away."""
    assert math.isinf(shifted_geometric_mean([1.0, math.inf], shift=1.0))


@pytest.mark.parametrize(("values", "shift"), [([], 1.0), ([-0.5], 1.0), ([1.0], -1.0)])
def test_a_mean_without_values_or_of_negative_ones_is_refused(values, shift):
    """The message says what to do."""
    with pytest.raises(ValueError, match=r"leave out|0 or more"):
        shifted_geometric_mean(values, shift=shift)


def test_profiles_of_two_entrants():
    """Ratios 1, 2 against 3, 1 over three cases, the third of which only one solves."""
    profiles = performance_profiles({"a": [1.0, 4.0, 5.0], "b": [3.0, 2.0, math.inf]})
    assert profiles["a"].ratios == (1.0, 1.0, 2.0)
    assert profiles["b"].ratios == (1.0, 3.0)
    assert profiles["a"].share(1.0) == pytest.approx(2 / 3)
    assert profiles["a"].share(2.0) == 1.0
    assert profiles["b"].share(100.0) == pytest.approx(2 / 3)


def test_a_case_that_nobody_solved_stays_in_the_profile():
    """The share is of all cases, so that it ends below one."""
    profile = performance_profiles({"a": [1.0, math.inf], "b": [1.0, math.inf]})["a"]
    assert profile.share(1e9) == 0.5


def test_a_time_of_zero_counts_as_the_floor_in_profiles():
    """Zero seconds are no infinite advantage over two milliseconds."""
    profiles = performance_profiles({"a": [0.0], "b": [0.002]}, floor=1e-3)
    assert profiles["a"].ratios == (1.0,)
    assert profiles["b"].ratios == (pytest.approx(2.0),)


def test_profiles_over_different_cases_are_refused():
    """All entrants need a time, be it infinite, for each case."""
    with pytest.raises(ValueError, match="different numbers of cases"):
        performance_profiles({"a": [1.0], "b": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("value", "other", "gap"),
    [
        (100.0, 80.0, 0.2),
        (80.0, 100.0, 0.2),
        (0.0, 0.0, 0.0),
        (-5.0, 5.0, 1.0),
        (None, 5.0, 1.0),
        (5.0, -math.inf, 1.0),
        (0.0, 3.0, 1.0),
    ],
)
def test_relative_gaps(value, other, gap):
    """The gap is symmetric, at most one, and one where nothing is known."""
    assert relative_gap(value, other) == pytest.approx(gap)


def test_the_gap_of_a_run_steps_at_its_points_and_at_its_end():
    """No gap is known before the first bound; the checked result ends the curve."""
    run = row(
        "c", "a", 4.0, curve=((1.0, 100.0, None), (2.0, None, 50.0)), objective=80.0, bound=80.0
    )
    gaps = gap_over_time(run, np.array([0.5, 1.0, 2.0, 3.9, 4.0]))
    assert gaps.tolist() == [1.0, 1.0, 0.5, 0.5, 0.0]


def test_the_gap_to_the_best_value_needs_no_bound():
    """A heuristic is measured against the best known value."""
    run = row("c", "a", 4.0, status=Outcome.FEASIBLE, curve=((1.0, 100.0, None),), objective=80.0)
    gaps = gap_over_time(run, np.array([0.0, 1.0, 4.0]), best=80.0, to_best=True)
    assert gaps == pytest.approx([1.0, 0.2, 0.0])


def test_a_wrong_run_never_closes_its_gap():
    """What is wrong counts as nothing."""
    run = row("c", "a", 1.0, status=Outcome.WRONG, objective=5.0, bound=5.0)
    assert gap_over_time(run, np.array([2.0])).tolist() == [1.0]


def test_the_mean_gap_is_over_repeats_then_cases_and_counts_cases_not_run():
    """Gaps 0 and 0.5 in two repeats, and one case not run: (0.25 + 1) / 2."""
    rows = [
        row("c1", "a", 1.0, objective=10.0, bound=10.0),
        row("c1", "a", 1.0, repeat=1, status=Outcome.FEASIBLE, objective=10.0, bound=5.0),
        row("c2", "b", 1.0, objective=10.0, bound=10.0),
    ]
    (family,) = families_of(rows)
    assert mean_gap_over_time(family, "a", np.array([2.0])) == pytest.approx([0.625])


def test_a_power_law_is_found_exactly():
    """Seconds = 3 * size^2 give exponent 2, factor 3 and no error."""
    fit = fit_growth([1, 2, 4, 8], [3.0, 12.0, 48.0, 192.0])
    assert fit is not None
    assert fit.exponent == pytest.approx(2.0)
    assert fit.factor == pytest.approx(3.0)
    assert fit.standard_error == pytest.approx(0.0, abs=1e-9)
    assert fit.seconds(np.array([16.0])) == pytest.approx([768.0])


def test_the_standard_error_of_an_exponent_by_hand():
    """Logs (0, 0), (1, 2), (2, 1): slope 1/2, squared residuals 3/2, error sqrt(3/2 / 1 / 2)."""
    sizes, seconds = np.exp([0.0, 1.0, 2.0]), np.exp([0.0, 2.0, 1.0])
    fit = fit_growth(list(sizes), list(seconds))
    assert fit is not None
    assert fit.exponent == pytest.approx(0.5)
    assert fit.standard_error == pytest.approx(math.sqrt(0.75))


@pytest.mark.parametrize(
    ("sizes", "seconds"),
    [([1, 2], [1.0, 2.0]), ([5, 5, 5], [1.0, 2.0, 3.0]), ([1, 2, 3], [0.0, 1.0, 2.0])],
)
def test_too_few_sizes_give_no_fit(sizes, seconds):
    """Two sizes, one size, or a time without a logarithm."""
    assert fit_growth(sizes, seconds) is None


def test_the_size_that_tells_most_cases_apart_is_taken():
    """Two cases differ in units, none in districts."""
    rows = [row(f"c{n}", "a", 1.0, size={"districts": 3, "units": n}) for n in (10, 20)]
    assert size_measure(families_of(rows)[0]) == "units"


def test_a_trial_is_the_median_of_its_repeats():
    """Rows of one job in several repeats are one trial with lowest and highest."""
    (trial,) = trials_of([row("c", "a", seconds, repeat=n) for n, seconds in enumerate((3, 1, 9))])
    assert trial.seconds is not None
    assert (trial.seconds.median, trial.seconds.lowest, trial.seconds.highest) == (3, 1, 9)
    assert trial.typical.total_seconds == 3


def test_a_trial_is_as_bad_as_its_worst_repeat():
    """One repeat at the time limit makes the case unsolved, one wrong makes it wrong."""
    rows = [row("c", "a", 1.0), unsolved("c", "a", repeat=1)]
    (trial,) = trials_of(rows)
    assert trial.status is Outcome.TIMEOUT
    assert trial.charged(penalty=10.0) == 600.0
    (trial,) = trials_of([*rows, row("c", "a", 1.0, status=Outcome.WRONG)])
    assert trial.status is Outcome.WRONG


def test_an_unsolved_case_without_a_limit_is_charged_without_end():
    """Nothing is invented where the rows state no limit."""
    (trial,) = trials_of([unsolved("c", "a", time_limit=0.0)])
    assert math.isinf(trial.charged())


def test_a_solved_run_without_a_time_is_charged_the_limit():
    """A missing time is no short time."""
    (trial,) = trials_of([row("c", "a", None)])
    assert trial.charged() == 60.0


def test_a_trial_needs_a_run():
    """The message names entrant and case."""
    with pytest.raises(ValueError, match="a on c"):
        Trial(family="f", case="c", entrant="a", runs=())


def test_runs_under_other_settings_are_other_entrants():
    """Two time limits for one case are told apart, for every case of that entrant."""
    rows = [
        row("c1", "a", 1.0),
        row("c1", "a", 1.0, time_limit=5.0),
        row("c2", "a", 1.0),
        row("c1", "b", 1.0),
    ]
    assert entrant_names(rows) == ["a, 60 s", "a, 5 s", "a, 60 s", "b"]


def test_numbers_in_names_sort_by_value():
    """pmed2 comes before pmed10."""
    assert sorted(["pmed10", "pmed2", "PMED1"], key=natural) == ["PMED1", "pmed2", "pmed10"]


def test_ranking_with_and_without_penalty():
    """Times 1 and 7 give 3; 1 and unsolved give sqrt(2 * 61) - 1 or sqrt(2 * 601) - 1."""
    rows = [row("c1", "a", 1.0), row("c2", "a", 7.0), row("c1", "b", 1.0), unsolved("c2", "b")]
    ranking = rank(families_of(rows)[0], baseline="b", settings=Settings())
    best, other = ranking.standings
    assert (best.entrant, best.num_solved, best.num_fastest) == ("a", 2, 2)
    assert best.penalised_seconds == pytest.approx(3.0)
    assert other.limited_seconds == pytest.approx(math.sqrt(122) - 1)
    assert other.penalised_seconds == pytest.approx(math.sqrt(1202) - 1)
    assert other.to_best == pytest.approx((math.sqrt(1202) - 1) / 3)
    assert other.to_baseline == 1.0
    assert best.to_baseline == pytest.approx(3 / (math.sqrt(1202) - 1))


def test_a_case_that_was_not_run_counts_like_one_not_solved():
    """An entrant cannot gain by leaving out what is hard."""
    rows = [row("c1", "a", 1.0), row("c2", "a", 7.0), row("c1", "b", 1.0)]
    standing = rank(families_of(rows)[0], baseline="a", settings=Settings()).standings[1]
    assert (standing.num_run, standing.num_cases) == (1, 2)
    assert standing.limited_seconds == pytest.approx(math.sqrt(122) - 1)


def test_a_wrong_entrant_never_ranks_above_a_right_one():
    """However fast it is on the other cases."""
    rows = [
        *(row(f"c{n}", "quick", 0.1) for n in range(9)),
        row("c9", "quick", 0.1, status=Outcome.WRONG),
        *(row(f"c{n}", "slow", 59.0) for n in range(10)),
    ]
    ranking = rank(families_of(rows)[0], baseline="slow", settings=Settings())
    assert ranking.best.entrant == "slow"
    assert ranking.standings[1].num_wrong == 1


def test_where_nothing_is_solved_the_gap_decides_and_there_are_no_ratios():
    """Limits alone are not compared."""
    rows = [
        row("c", "a", 60.0, status=Outcome.FEASIBLE, objective=10.0, bound=5.0),
        row("c", "b", 60.0, status=Outcome.FEASIBLE, objective=10.0, bound=9.0),
    ]
    ranking = rank(families_of(rows)[0], baseline="a", settings=Settings())
    assert ranking.best.entrant == "b"
    assert {own.to_best for own in ranking.standings} == {None}
    assert not ranking.is_timed


def test_times_of_zero_give_no_ratio():
    """A best mean of zero divides nothing."""
    rows = [row("c", "a", 0.0), row("c", "b", 1.0)]
    first, second = rank(families_of(rows)[0], baseline="a", settings=Settings()).standings
    assert first.to_best == 1.0
    assert second.to_best is None


@pytest.mark.parametrize("wrong", [{"shift": -1.0}, {"penalty": 0.5}, {"floor": 0.0}])
def test_settings_that_give_no_mean_are_refused(wrong):
    """The message names the setting and its value."""
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} = "):
        Settings(**wrong)


def test_the_baseline_is_the_wanted_method_or_the_commonest_entrant():
    """A family without the wanted one falls back on what was run most."""
    rows = [row("c1", "a", 1.0), row("c1", "b", 1.0), row("c2", "b", 1.0)]
    rows += [row("d1", "a", 1.0, family="g"), row("d1", "z", 1.0, family="g", solver="s")]
    families = families_of(rows)
    assert choose_baselines(families, wanted=["z"]) == {"f": "a", "g": "z [s]"}
    assert choose_baselines(families, wanted=["b"]) == {"f": "b", "g": "a"}


def test_the_best_value_follows_the_sense_and_passes_over_what_is_wrong():
    """The largest of a maximise problem, the smallest otherwise."""
    rows = [
        row("c", "a", 1.0, objective=8.0, best_known=7.0),
        row("c", "b", 1.0, objective=9.0, best_known=7.0, status=Outcome.WRONG),
    ]
    assert best_value(trials_of(rows)) == 7.0
    upward = [Row(**{**vars(own), "maximize": True}) for own in rows]
    assert best_value(trials_of(upward)) == 8.0


@pytest.mark.parametrize(("maximize", "bound", "is_broken"), [
    (False, 9.0, False), (False, 11.0, True), (True, 11.0, False), (True, 9.0, True),
])  # fmt: skip
def test_a_bound_that_a_solution_breaks_is_found(maximize, bound, is_broken):
    """A minimise bound lies below every solution, a maximise bound above."""
    rows = [
        row("c", "a", 1.0, objective=10.0, bound=10.0, maximize=maximize),
        unsolved("c", "b", bound=bound, maximize=maximize),
    ]
    found = contradictions(families_of(rows)[0])
    assert [(own.claimant, own.finder) for own in found] == [("b", "a")] * is_broken


def test_a_proof_of_infeasibility_that_a_solution_breaks_is_found():
    """One entrant proves that there is none, another has one."""
    rows = [row("c", "a", 1.0, objective=3.0), row("c", "b", 1.0, status=Outcome.INFEASIBLE)]
    (found,) = contradictions(families_of(rows)[0])
    assert (found.claimant, found.bound, found.objective) == ("b", None, 3.0)


def test_the_drift_of_the_reference_job():
    """Runs are ordered by their start: 2, 1, 1, 4 seconds have the median 1.5."""
    seconds = {"10:03": 4.0, "10:00": 2.0, "10:01": 1.0, "10:02": 1.0}
    rows = [
        row("reference", "reference", own, family="reference", host="h",
            started=f"2025-01-01T{at}:00+00:00", commit=at)
        for at, own in seconds.items()
    ]  # fmt: skip
    (drift,) = drifts([*rows, row("c", "a", 1.0)])
    assert drift.name == "reference on h"
    assert drift.minutes == (0.0, 1.0, 2.0, 3.0)
    assert drift.ratios == pytest.approx([2 / 1.5, 1 / 1.5, 1 / 1.5, 4 / 1.5])
    assert drift.spread == pytest.approx(4.0)
    assert drift.trend == pytest.approx(2.5 / 1.5)


def test_drift_without_moments_counts_the_runs():
    """Rows that do not say when they started, and a time of zero that says nothing."""
    rows = [row("r", "r", own, family="reference") for own in (1.0, 2.0, 0.0)]
    (drift,) = drifts(rows)
    assert drift.minutes == (0.0, 1.0)
    assert not drift.is_timed
    assert drift.trend is None


def test_the_reference_job_is_in_no_family():
    """It is left out of all rankings."""
    rows = [row("c", "a", 1.0), row("r", "r", 1.0, family="reference")]
    assert [family.name for family in families_of(rows)] == ["f"]
