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
    own_limits
        Whether a time limit that a case brings along counts in place of that of the suite.
    methods
        Methods that take part; empty for all.
    """

    name: str
    text: str
    any_of: frozenset[str]
    solvers: tuple[str, ...] = ()
    peers: bool = True
    repeats: int = 1
    time_limit: float = 60.0
    memory_limit_mib: float = 6144.0
    own_limits: bool = False
    methods: tuple[str, ...] = ()


def _beside_plain(name: str, text: str) -> Suite:
    """Return the suite of a family's engine and its plain form, each case with its own limit."""
    return Suite(
        name=name,
        text=text,
        any_of=frozenset({name}),
        own_limits=True,
        methods=(f"shequ-{name}", f"{name}-plain"),
        memory_limit_mib=8192.0,
    )


SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            name="smoke",
            text="the smallest case of each family, HiGHS only: does everything run?",
            any_of=frozenset({"smoke"}),
            solvers=("highs",),
            peers=False,
            time_limit=60.0,
        ),
        Suite(
            name="micro",
            text="parts on their own: building, walking times, dissolve, reading, writing",
            any_of=frozenset({"micro"}),
            repeats=3,
        ),
        Suite(
            name="walking",
            text="bounded shortest paths: the compiled search beside scipy's, in one run",
            any_of=frozenset({"walking"}),
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
            name="districting",
            text="engines of districting on every case with a target, each with a limit of its own",
            any_of=frozenset({"target"}),
            solvers=("scip",),
            peers=False,
            own_limits=True,
            methods=("shequ", "labelling-separators"),
        ),
        Suite(
            name="districting-perturbed",
            text="the engine of districting on counties with perturbed populations",
            any_of=frozenset({"perturbed"}),
            solvers=("scip",),
            peers=False,
            methods=("shequ",),
        ),
        Suite(
            name="districting-large",
            text="plans of 5,000 to 100,000 units with a bound, beside peers in the same time",
            any_of=frozenset({"large"}),
            own_limits=True,
        ),
        Suite(
            name="siting",
            text="engines of siting on every case with a target, each with a limit of its own",
            any_of=frozenset({"siting-target"}),
            peers=False,
            own_limits=True,
            methods=("shequ",),
            memory_limit_mib=8192.0,
        ),
        Suite(
            name="siting-peers",
            text="siting on random points: shequ, textbook models and spopt in one run",
            any_of=frozenset({"siting-peers"}),
            solvers=("highs", "pulp-cbc", "pulp-highs"),
            time_limit=120.0,
            methods=("shequ", "textbook", "spopt", "spopt-p-center"),
        ),
        _beside_plain(
            "services", "several services that share sites: the engine beside the plain form"
        ),
        _beside_plain(
            "circles", "circles of daily life in three years: the engine beside the plain form"
        ),
        _beside_plain(
            "joint", "boundaries and stations together: the engine beside the plain form"
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
