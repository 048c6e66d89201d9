"""Named selections of cases and methods, with their limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Suite:
    """
    A selection with its limits.

    Parameters
    ----------
    name, text
        What it is called and what it is for.
    any_of
        A case belongs to it if it has one of these tags.
    solvers
        Solvers to use; empty for those that each method takes by default.
    peers
        Whether peers take part.
    repeats, time_limit, memory_limit_mib
        Repeats and limits of each job: seconds, MiB.
    """

    name: str
    text: str
    any_of: frozenset[str]
    solvers: tuple[str, ...] = ()
    peers: bool = True
    repeats: int = 1
    time_limit: float = 60.0
    memory_limit_mib: float = 6144.0


SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            name="smoke",
            text="the smallest case of each family, HiGHS only: does everything run?",
            any_of=frozenset({"smoke"}),
            solvers=("highs",),
            peers=False,
            time_limit=20.0,
        ),
        Suite(
            name="micro",
            text="parts on their own: building, walking times, dissolve, reading, writing",
            any_of=frozenset({"micro"}),
            repeats=3,
        ),
        Suite(
            name="growth",
            text="generated cases of growing size, every family, all default solvers and peers",
            any_of=frozenset({"growth"}),
        ),
        Suite(
            name="table",
            text="growth and the quick published instances: the table of a release",
            any_of=frozenset({"growth", "short"}),
            time_limit=10.0,
        ),
        Suite(
            name="published",
            text="every published instance that the data folder holds",
            any_of=frozenset({"published"}),
            time_limit=300.0,
        ),
    )
}


def suite_named(name: str) -> Suite:
    """
    Return the suite of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in SUITES:
        raise ValueError(f"--suite {name} not understood; choose one of {', '.join(SUITES)}.")
    return SUITES[name]
