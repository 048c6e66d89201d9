"""Rows held against each other."""

from __future__ import annotations

from dataclasses import replace

from shequ.benchmarks.judge import cross_checked
from shequ.benchmarks.row import Outcome, Row

FOUND = Row(
    job="a", case="p-center/x", family="p-center", method="m", solver="", seed=1,
    status=Outcome.FEASIBLE, objective=155.0,
)  # fmt: skip


def statuses(*rows: Row) -> list[Outcome]:
    """Return the statuses of rows after the check."""
    return [row.status for row in cross_checked(rows)]


def test_a_false_optimum_is_found_out_by_a_better_solution() -> None:
    """Who calls a worse solution optimal, or excludes the better one, is wrong."""
    false = replace(FOUND, job="b", status=Outcome.OPTIMAL, objective=254.5, bound=254.5)
    unbound = replace(false, job="c", bound=None)
    assert statuses(FOUND, false, unbound) == [Outcome.FEASIBLE, Outcome.WRONG, Outcome.WRONG]
    never = replace(FOUND, job="d", status=Outcome.INFEASIBLE, objective=None)
    assert statuses(never, FOUND) == [Outcome.WRONG, Outcome.FEASIBLE]


def test_a_wrong_solution_proves_nothing() -> None:
    """A solution that breaks a rule contradicts nobody, nor does one of another case."""
    proven = replace(FOUND, job="b", status=Outcome.OPTIMAL, objective=160.0, bound=160.0)
    broken = replace(FOUND, status=Outcome.WRONG, objective=100.0)
    assert statuses(broken, proven) == [Outcome.WRONG, Outcome.OPTIMAL]
    other = replace(FOUND, case="p-center/y")
    assert statuses(other, proven) == [Outcome.FEASIBLE, Outcome.OPTIMAL]


def test_more_is_better_where_the_case_maximises() -> None:
    """For a maximum the larger value is the better one."""
    small = replace(FOUND, job="b", status=Outcome.OPTIMAL, objective=9.0, bound=9.0, maximize=True)
    large = replace(FOUND, objective=10.0, maximize=True)
    assert statuses(large, small) == [Outcome.FEASIBLE, Outcome.WRONG]
