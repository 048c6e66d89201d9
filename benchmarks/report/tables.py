"""The tables of a report, as words; how they look is up to Markdown and HTML."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..row import Outcome, Row
from ..standings import Ranking, Settings, Standing
from ..statistics import best_value, relative_gap
from ..trials import Family, Trial
from .formats import (
    MISSING,
    TIMES,
    TO,
    ratio_text,
    seconds_text,
    share_text,
    spread_text,
    value_text,
    whole_text,
)

_BAD = (Outcome.WRONG, Outcome.ERROR, Outcome.MEMORY)


@dataclass(frozen=True)
class Cell:
    """
    One cell.

    Parameters
    ----------
    text
        What it says.
    kind
        "" or what it stands out for: best, bad, quiet.
    """

    text: str
    kind: str = ""


@dataclass(frozen=True)
class Column:
    """Heading of a column, and whether it holds numbers."""

    name: str
    is_number: bool = True


@dataclass(frozen=True)
class Table:
    """Columns and rows; the first ``num_heads`` cells of a row name it."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    num_heads: int = 1


def headline_table(rankings: Sequence[Ranking]) -> Table:
    """Return a row a family: the best entrant, and how far behind the others are."""
    columns = (
        Column("family", is_number=False),
        Column("best entrant", is_number=False),
        *map(Column, ("solved", "next by it", "baseline by it")),
        Column("baseline", is_number=False),
        *map(Column, ("gap to bound", "gap to best known")),
    )
    return Table(columns, tuple(map(_headline, rankings)), num_heads=2)


def _headline(ranking: Ranking) -> tuple[Cell, ...]:
    best, others = ranking.best, ranking.standings[1:]
    base = next((own for own in ranking.standings if own.entrant == ranking.baseline), best)
    return (
        Cell(ranking.family.name),
        Cell(best.entrant, "bad" if best.num_wrong else "best"),
        Cell(f"{best.num_solved} of {best.num_cases}"),
        Cell(ratio_text(others[0].to_best if others else None)),
        Cell(ratio_text(base.to_best)),
        Cell("itself" if base is best else base.entrant, "quiet"),
        Cell(share_text(best.mean_gap)),
        Cell(share_text(best.mean_gap_to_best)),
    )


def ranking_table(ranking: Ranking, settings: Settings) -> Table:
    """Return how the entrants of a family stand."""
    names = (
        "time by the best",
        "by the baseline",
        "solved",
        "fastest on",
        "not run",
        "gap to bound",
        "gap to best known",
        "mean s as run",
        "mean s, unsolved at limit",
        f"mean s, unsolved at limit {TIMES} {settings.penalty:g}",
        "peak MiB",
    )
    columns = (Column("entrant", is_number=False), *map(Column, names))
    rows = [_ranking_row(ranking, standing) for standing in ranking.standings]
    return Table(columns, tuple(rows))


def _ranking_row(ranking: Ranking, own: Standing) -> tuple[Cell, ...]:
    name = own.entrant + (" (baseline)" if own.entrant == ranking.baseline else "")
    is_best = own is ranking.best and not own.num_wrong
    not_run = own.num_cases - own.num_run
    return (
        Cell(name, "bad" if own.num_wrong else "best" if is_best else ""),
        Cell(ratio_text(own.to_best), "best" if is_best else ""),
        Cell(ratio_text(own.to_baseline)),
        Cell(f"{own.num_solved} of {own.num_cases}"),
        Cell(str(own.num_fastest)),
        _count(not_run, "quiet"),
        Cell(share_text(own.mean_gap)),
        Cell(share_text(own.mean_gap_to_best)),
        Cell(seconds_text(own.measured_seconds)),
        Cell(seconds_text(own.limited_seconds)),
        Cell(seconds_text(own.penalised_seconds)),
        Cell(whole_text(own.peak_mib)),
    )


def status_table(families: Sequence[Family]) -> Table:
    """Return how often each entrant ended with each status, a case once."""
    counts: dict[str, Counter[Outcome]] = {}
    for family in families:
        for trial in family.trials:
            counts.setdefault(trial.entrant, Counter())[trial.status] += 1
    columns = (
        Column("entrant", is_number=False),
        Column("cases"),
        *(Column(status.value) for status in Outcome),
    )
    rows = [
        (
            Cell(entrant),
            Cell(str(own.total())),
            *(_count(own[status], "bad" if status in _BAD else "") for status in Outcome),
        )
        for entrant, own in sorted(counts.items())
    ]
    return Table(columns, tuple(rows))


def _count(number: int, kind: str) -> Cell:
    return Cell(str(number), kind) if number else Cell(MISSING, "quiet")


def cases_table(family: Family) -> Table:
    """Return every entrant on every case."""
    names = (
        "objective",
        "bound",
        "gap",
        "to best known",
        f"seconds (min{TO}max)",
        "peak MiB",
        f"model rows {TIMES} columns, nonzeros",
    )
    words = ("case", "size", "entrant", "status")
    columns = (*(Column(word, is_number=False) for word in words), *map(Column, names))
    rows = [row for case in family.cases for row in _case_rows(family.of_case(case))]
    return Table(columns, tuple(rows), num_heads=1)


def _case_rows(trials: Sequence[Trial]) -> list[tuple[Cell, ...]]:
    best = best_value(trials)
    fastest = min((trial.charged() for trial in trials if trial.solved), default=math.inf)
    rows: list[tuple[Cell, ...]] = []
    for trial in trials:
        run, is_first = trial.typical, trial is trials[0]
        is_fastest = trial.solved and trial.charged() == fastest and len(trials) > 1
        rows.append(
            (
                Cell(trial.case, "" if is_first else "quiet"),
                Cell(size_text(run.size), "quiet"),
                Cell(trial.entrant),
                Cell(status_text(trial), _kind(trial)),
                Cell(value_text(run.objective)),
                Cell(value_text(run.bound)),
                Cell(share_text(run.gap)),
                Cell(_to_best(run, best)),
                Cell(spread_text(trial.seconds), "best" if is_fastest else ""),
                Cell(whole_text(None if trial.peak_mib is None else trial.peak_mib.median)),
                Cell(model_text(run), "quiet"),
            )
        )
    return rows


def _to_best(run: Row, best: float | None) -> str:
    """Return the distance of an objective from the best value that is known now."""
    if run.objective is None or best is None:
        return MISSING
    return share_text(relative_gap(run.objective, best))


def status_text(trial: Trial) -> str:
    """Return the status of a trial, with how many of the runs it is true of if not of all."""
    like = sum(run.status == trial.status for run in trial.runs)
    share = f" ({like} of {len(trial.runs)} runs)" if like < len(trial.runs) else ""
    return trial.status.value + share


def _kind(trial: Trial) -> str:
    if trial.status in _BAD:
        return "bad"
    return "" if trial.solved else "quiet"


def size_text(size: Mapping[str, int]) -> str:
    """Return the size of a case."""
    return ", ".join(f"{number:,} {word}" for word, number in size.items()) or MISSING


def model_text(run: Row) -> str:
    """Return the size of the largest model that a solver got."""
    if run.rows is None or run.columns is None:
        return MISSING
    return f"{run.rows:,} {TIMES} {run.columns:,}, {whole_text(run.nonzeros)}"


def target_table(families: Sequence[Family]) -> Table:
    """Return the cases with a target: what was aimed at, and what the best entrant measured."""
    words = ("case", "entrant", "status")
    names = ("target s", "seconds", "objective", "bound", "gap", "best known")
    columns = (*(Column(word, is_number=False) for word in words), *map(Column, names))
    rows: list[tuple[Cell, ...]] = []
    for family in families:
        for case in family.cases:
            trials = family.of_case(case)
            if trials[0].typical.target_seconds is not None:
                own = min(trials, key=lambda trial: (not trial.solved, trial.charged()))
                rows.append(_target_row(own, trials[0].typical.target_seconds))
    return Table(columns, tuple(rows))


def _target_row(trial: Trial, target: float) -> tuple[Cell, ...]:
    run = trial.typical
    met = trial.solved and trial.charged() <= target
    return (
        Cell(trial.case),
        Cell(trial.entrant),
        Cell(status_text(trial), _kind(trial)),
        Cell(seconds_text(target)),
        Cell(spread_text(trial.seconds), "best" if met else ""),
        Cell(value_text(run.objective)),
        Cell(value_text(run.bound)),
        Cell(share_text(run.gap)),
        Cell(value_text(run.best_known)),
    )


def failure_table(families: Sequence[Family], statuses: Sequence[Outcome]) -> Table:
    """Return the trials that ended with one of some statuses, and what they say of it."""
    words = ("family", "case", "entrant", "status", "what was said")
    rows = [
        (
            Cell(family.name),
            Cell(trial.case),
            Cell(trial.entrant),
            Cell(status_text(trial), "bad"),
            Cell(": ".join(filter(None, (trial.typical.reason, trial.typical.detail))) or MISSING),
        )
        for family in families
        for trial in family.trials
        if trial.status in statuses
    ]
    return Table(tuple(Column(word, is_number=False) for word in words), tuple(rows), num_heads=2)
