"""Two results files against each other: what is named, and what is left alone."""

from __future__ import annotations

import pytest
from shequ.benchmarks.compare import Comparison, compare_rows, comparison_markdown
from shequ.benchmarks.row import Outcome, Row


def runs(case: str, *seconds: float | None, **other: object) -> list[Row]:
    """Return a repeat for each of some times."""
    given = {"job": case, "family": "f", "method": "m", "solver": "", "seed": 1, "time_limit": 60.0}
    given |= {"status": Outcome.OPTIMAL, "objective": 10.0, **other}
    return [
        Row(**{**given, "case": case, "repeat": n, "total_seconds": own})
        for n, own in enumerate(seconds)
    ]


def compared(before: list[Row], after: list[Row], **options: float) -> Comparison:
    """Return a comparison whose text could be written."""
    comparison = compare_rows(before, after, **options)
    assert comparison_markdown(comparison).startswith("# ")
    return comparison


def named(comparison: Comparison) -> tuple[list[str], list[str]]:
    """Return the cases of regressions and of improvements."""
    worse = [pair.after.case for pair in comparison.regressions]
    return worse, [pair.after.case for pair in comparison.improvements]


def test_the_ratio_is_of_medians_and_its_spread_of_the_extremes():
    """Medians 2 and 6; from 5 / 4 to 8 / 1."""
    (pair,) = compared(runs("c", 1.0, 2.0, 4.0), runs("c", 5.0, 6.0, 8.0)).pairs
    assert pair.ratio == 3.0
    assert pair.spread == (1.25, 8.0)


def test_the_mean_of_the_ratios_is_geometric():
    """Ratios 4 and 1 give 2, whatever the sizes of the cases."""
    before = [*runs("c1", 1.0), *runs("c2", 50.0)]
    after = [*runs("c1", 4.0), *runs("c2", 50.0)]
    mean, number = compared(before, after).mean_ratio()
    assert mean == pytest.approx(2.0)
    assert number == 2


def test_changes_beyond_threshold_and_spread_are_named():
    """One slower, one faster, one below the threshold, one within the spread of its repeats."""
    before = [*runs("slow", 1.0, 1.1), *runs("fast", 2.0, 2.1), *runs("same", 1.0, 1.0)]
    after = [*runs("slow", 2.0, 2.1), *runs("fast", 1.0, 1.1), *runs("same", 1.1, 1.1)]
    before += runs("noisy", 1.0, 1.0, 9.0)
    after += runs("noisy", 3.0, 3.0, 3.0)
    assert named(compared(before, after)) == (["slow"], ["fast"])


def test_the_threshold_is_a_choice():
    """Three times slower is no regression where only fivefold counts."""
    assert named(compared(runs("c", 1.0), runs("c", 3.0), threshold=5.0)) == ([], [])
    assert named(compared(runs("c", 1.0), runs("c", 3.0), threshold=2.9)) == (["c"], [])


def test_a_threshold_below_one_is_refused():
    """The message names the value."""
    with pytest.raises(ValueError, match=r"threshold = 0\.5"):
        compare_rows([], [], threshold=0.5)


def test_the_largest_change_is_named_first():
    """Regressions are in order of their ratio."""
    before = [*runs("a", 1.0), *runs("b", 1.0)]
    after = [*runs("a", 2.0), *runs("b", 5.0)]
    assert named(compared(before, after))[0] == ["b", "a"]


def test_times_at_the_limit_are_no_ratio():
    """A case that is no longer solved is a change of status, not of time."""
    lost = runs("c", 60.0, status=Outcome.TIMEOUT, objective=None)
    comparison = compared(runs("c", 1.0), lost)
    assert named(comparison) == ([], [])
    assert comparison.mean_ratio() == (None, 0)
    assert [pair.rank_change < 0 for pair in comparison.status_changes] == [True]
    text = comparison_markdown(comparison)
    assert "1 no longer solved; 0 newly solved" in text
    assert "- c, m: optimal to timeout" in text


def test_a_newly_solved_case_is_told():
    """It counts in the verdict."""
    before = runs("c", 60.0, status=Outcome.FEASIBLE)
    assert "0 no longer solved; 1 newly solved" in comparison_markdown(
        compared(before, runs("c", 1.0))
    )


def test_worse_statuses_come_first():
    """What is wrong now stands before what is solved now."""
    before = [*runs("a", 60.0, status=Outcome.FEASIBLE), *runs("b", 1.0)]
    after = [*runs("a", 1.0), *runs("b", 1.0, status=Outcome.WRONG)]
    comparison = compared(before, after)
    assert [pair.after.case for pair in comparison.status_changes] == ["b", "a"]
    assert "1 wrong in B" in comparison_markdown(comparison)


@pytest.mark.parametrize(("maximize", "word"), [(False, "worse"), (True, "better")])
def test_another_objective_is_told_in_its_sense(maximize, word):
    """10 to 12 is worse if small is good, better if large is good."""
    before = runs("c", 1.0, maximize=maximize)
    after = runs("c", 1.0, maximize=maximize, objective=12.0)
    text = comparison_markdown(compared(before, after))
    assert f"- c, m: 10 to 12, {word}" in text


def test_times_of_zero_and_missing_times_give_no_ratio():
    """They are shown, and named nowhere."""
    before = [*runs("zero", 0.0), *runs("none", None)]
    after = [*runs("zero", 1.0), *runs("none", 1.0)]
    comparison = compared(before, after)
    assert [pair.ratio for pair in comparison.pairs] == [None, None]
    assert named(comparison) == ([], [])


def test_a_time_that_falls_to_zero_is_an_improvement():
    """Its ratio is zero, which no mean of logarithms takes."""
    comparison = compared(runs("c", 1.0), runs("c", 0.0))
    assert named(comparison) == ([], ["c"])
    assert comparison.mean_ratio() == (None, 0)


def test_what_only_one_file_has_is_listed():
    """Case and entrant, on the side that has them."""
    comparison = compared([*runs("a", 1.0), *runs("b", 1.0)], [*runs("b", 1.0), *runs("c", 1.0)])
    assert [own.case for own in comparison.only_before] == ["a"]
    assert [own.case for own in comparison.only_after] == ["c"]
    assert "## Only in A\n\n- a, m" in comparison_markdown(comparison)


def test_the_reference_job_tells_how_the_machine_changed():
    """It is no pair, and its ratio is told: medians 2 and 3."""
    before = runs("reference", 1.0, 2.0, 3.0, family="reference")
    after = runs("reference", 3.0, 3.0, 3.0, family="reference")
    comparison = compared(before, after)
    assert comparison.pairs == ()
    assert comparison.reference_ratio == pytest.approx(1.5)
    text = comparison_markdown(comparison)
    assert "The reference job takes 1.50 × in B" in text
    assert "no case and entrant in common" in text


def test_circumstances_that_differ_are_told():
    """Another commit and another time limit, but not the host that is the same."""
    before = runs("c", 1.0, commit="aaa", host="h")
    after = runs("c", 1.0, commit="bbb", host="h", time_limit=5.0)
    comparison = compared(before, after)
    assert comparison.differences == (("commit", "aaa", "bbb"), ("time limit", "60 s", "5 s"))
    assert "commit: aaa in A, bbb in B." in comparison_markdown(comparison)


def test_a_single_run_is_owned_up_to():
    """Without repeats there is no spread to stand outside of."""
    assert "1 pair with a single run" in comparison_markdown(compared(runs("c", 1.0), runs("c", 1)))
    assert "single run" not in comparison_markdown(compared(runs("c", 1, 1), runs("c", 1, 1)))


def test_hostile_names_do_not_become_markup():
    """A name cannot end a table cell or open an element."""
    text = comparison_markdown(compared(runs("<b>|x", 1.0), runs("<b>|x", 9.0)))
    assert "<b>" not in text
    assert r"&lt;b&gt;\|x" in text


def test_a_comparison_prints_as_its_markdown():
    """What a shell shows is the text with the default title."""
    comparison = compare_rows(runs("c", 1.0), runs("c", 9.0))
    assert str(comparison) == comparison_markdown(comparison)
    assert "1 regression;" in str(comparison)


def test_empty_files_compare_to_nothing():
    """There is a text, and it says that there is nothing in common."""
    assert "no case and entrant in common" in comparison_markdown(compared([], []))
