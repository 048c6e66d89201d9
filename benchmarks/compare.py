"""Two results files, case by case: what became slower, faster, solved or lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .jobs import REFERENCE
from .report.facts import told_once
from .report.formats import MISSING, TO, counted, ratio_text, spread_text, value_text
from .report.markdown import escape, table
from .report.tables import Cell, Column, Table, status_text
from .row import Outcome, Row
from .statistics import TOLERANCE, drifts, relative_gap, shifted_geometric_mean
from .trials import WORST_FIRST, Trial, natural, trials_of


@dataclass(frozen=True, eq=False)
class Pair:
    """
    The same entrant on the same case, before and after.

    Parameters
    ----------
    before, after
        Its trials.
    """

    before: Trial
    after: Trial

    @property
    def name(self) -> str:
        """Case and entrant."""
        return f"{self.after.case}, {self.after.entrant}"

    @property
    def ratio(self) -> float | None:
        """Median seconds after by before; None if either is unknown or before took no time."""
        old, new = self.before.seconds, self.after.seconds
        if old is None or new is None or old.median <= 0:
            return None
        return new.median / old.median

    @property
    def spread(self) -> tuple[float, float] | None:
        """Smallest and largest ratio of a repeat after to a repeat before."""
        old, new = self.before.seconds, self.after.seconds
        if old is None or new is None or old.median <= 0:
            return None
        most = new.highest / old.lowest if old.lowest > 0 else math.inf
        return new.lowest / old.highest, most

    @property
    def both_solved(self) -> bool:
        """Whether times can be compared: both answered the case."""
        return self.before.solved and self.after.solved

    @property
    def rank_change(self) -> int:
        """How far the status moved towards a better one; negative if it is worse."""
        return _quality(self.after) - _quality(self.before)


@dataclass(frozen=True, eq=False)
class Comparison:
    """
    All pairs of two results files.

    Parameters
    ----------
    pairs
        What both files have.
    only_before, only_after
        Trials that only one of them has.
    threshold
        Ratio beyond which a change of time is named.
    reference_ratio
        Median seconds of the reference job after by before; None if a file lacks it.
    differences
        Circumstances that differ: name, before, after.
    """

    pairs: tuple[Pair, ...]
    threshold: float
    only_before: tuple[Trial, ...] = ()
    only_after: tuple[Trial, ...] = ()
    reference_ratio: float | None = None
    differences: tuple[tuple[str, str, str], ...] = field(default=())

    def __str__(self) -> str:
        """Return the comparison as Markdown."""
        return comparison_markdown(self)

    @property
    def regressions(self) -> list[Pair]:
        """Pairs slower by more than the threshold and outside the spread of the repeats."""
        return self._beyond(lambda ratio, spread: ratio > self.threshold and spread[0] > 1)

    @property
    def improvements(self) -> list[Pair]:
        """Pairs faster by more than the threshold and outside the spread of the repeats."""
        return self._beyond(lambda ratio, spread: ratio < 1 / self.threshold and spread[1] < 1)

    @property
    def status_changes(self) -> list[Pair]:
        """Pairs that ended otherwise, those that became worse first."""
        changed = [pair for pair in self.pairs if pair.before.status != pair.after.status]
        return sorted(changed, key=lambda pair: pair.rank_change)

    @property
    def value_changes(self) -> list[Pair]:
        """Pairs with another objective."""
        return [pair for pair in self.pairs if _value_changed(pair)]

    def mean_ratio(self, family: str | None = None) -> tuple[float | None, int]:
        """Return the geometric mean of the ratios where both solved, and of how many it is."""
        ratios = [
            pair.ratio
            for pair in self.pairs
            if pair.both_solved and pair.ratio and family in {None, pair.after.family}
        ]
        return (shifted_geometric_mean(ratios, shift=0.0) if ratios else None), len(ratios)

    def _beyond(self, test: Callable[[float, tuple[float, float]], bool]) -> list[Pair]:
        found = [
            pair
            for pair in self.pairs
            if pair.both_solved
            and pair.ratio is not None
            and pair.spread is not None
            and test(pair.ratio, pair.spread)
        ]
        return sorted(found, key=lambda pair: -abs(math.log(max(pair.ratio or 0.0, 1e-12))))


def compare_rows(
    before: Sequence[Row], after: Sequence[Row], *, threshold: float = 1.2
) -> Comparison:
    """
    Compare two results files case by case.

    Parameters
    ----------
    before, after
        Their rows.
    threshold
        A ratio above it, or below its inverse, is named if it lies outside the repeats' spread.

    Raises
    ------
    ValueError
        If the threshold is below 1.
    """
    if threshold < 1:
        raise ValueError(f"threshold = {threshold} would name every change; give 1 or more.")
    old, new = _trials_by_key(before), _trials_by_key(after)
    return Comparison(
        pairs=tuple(Pair(old[key], own) for key, own in new.items() if key in old),
        threshold=threshold,
        only_before=tuple(own for key, own in old.items() if key not in new),
        only_after=tuple(own for key, own in new.items() if key not in old),
        reference_ratio=_reference_ratio(before, after),
        differences=_differences(before, after),
    )


def _trials_by_key(rows: Sequence[Row]) -> dict[tuple[str, str, str], Trial]:
    trials = trials_of([row for row in rows if row.family != REFERENCE])
    return {(own.family, own.case, own.entrant): own for own in trials}


def _reference_ratio(before: Sequence[Row], after: Sequence[Row]) -> float | None:
    old, new = ([drift.median_seconds for drift in drifts(rows)] for rows in (before, after))
    if not (old and new):
        return None
    old_mean, new_mean = (shifted_geometric_mean(own, shift=0.0) for own in (old, new))
    return new_mean / old_mean


_CIRCUMSTANCES: dict[str, Callable[[Row], str]] = {
    "commit": lambda row: row.commit,
    "host": lambda row: row.host,
    "processor": lambda row: row.processor,
    "cores": lambda row: str(row.cores),
    "Python": lambda row: row.python,
    "libraries": lambda row: ", ".join(f"{k} {v}" for k, v in sorted(row.versions.items())),
    "time limit": lambda row: f"{row.time_limit:g} s",
    "memory limit": lambda row: f"{row.memory_limit_mib:,g} MiB",
    "threads": lambda row: str(row.threads),
}


def _differences(before: Sequence[Row], after: Sequence[Row]) -> tuple[tuple[str, str, str], ...]:
    told = [
        (name, told_once(map(words, before)), told_once(map(words, after)))
        for name, words in _CIRCUMSTANCES.items()
    ]
    return tuple((name, old, new) for name, old, new in told if old != new)


def _quality(trial: Trial) -> int:
    """Return a number that grows with the worth of a status; both answers are worth the same."""
    status = Outcome.OPTIMAL if trial.solved else trial.status
    return WORST_FIRST.index(status)


def _value_changed(pair: Pair) -> bool:
    old, new = pair.before.typical.objective, pair.after.typical.objective
    return old is not None and new is not None and relative_gap(old, new) > TOLERANCE


_HOW = (
    "A ratio is the median seconds of B by those of A, as measured: below 1 is faster. In brackets "
    "stand the smallest and the largest ratio of a repeat of B to a repeat of A. A change of time "
    "is named if both solved the case, the ratio is above {:g} or below its inverse, and 1 lies "
    "outside of the brackets. Means are geometric, over what both solved."
)


def comparison_markdown(comparison: Comparison, *, title: str = "Benchmark, B against A") -> str:
    """Return a comparison as Markdown; A is before, B is after."""
    parts = [f"# {escape(title)}", *map(escape, _method(comparison))]
    parts += ["## Verdict", escape(_verdict(comparison)), *_named(comparison)]
    if comparison.pairs:
        parts += ["## Families", table(_family_table(comparison))]
        parts += ["## Case by case", table(_case_table(comparison.pairs))]
    for name, trials in (("A", comparison.only_before), ("B", comparison.only_after)):
        if trials:
            lines = [f"- {escape(f'{own.case}, {own.entrant}')}" for own in trials]
            parts += [f"## Only in {name}", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _method(comparison: Comparison) -> list[str]:
    lines = [_HOW.format(comparison.threshold)]
    single = sum(min(len(pair.before.runs), len(pair.after.runs)) == 1 for pair in comparison.pairs)
    if single:
        lines.append(f"{counted(single, 'pair')} with a single run on a side: noise is not told.")
    if comparison.reference_ratio is None:
        lines.append("No reference job in both files: a change of the machine is not told.")
    else:
        shown = ratio_text(comparison.reference_ratio)
        lines.append(f"The reference job takes {shown} in B; no ratio is corrected for it.")
    changed = [f"{name}: {old} in A, {new} in B." for name, old, new in comparison.differences]
    return [*lines, *changed]


def _verdict(comparison: Comparison) -> str:
    if not comparison.pairs:
        return "The two files have no case and entrant in common."
    mean, number = comparison.mean_ratio()
    lost = sum(pair.before.solved and not pair.after.solved for pair in comparison.pairs)
    won = sum(pair.after.solved and not pair.before.solved for pair in comparison.pairs)
    wrong = sum(pair.after.status is Outcome.WRONG for pair in comparison.pairs)
    told = [
        f"{counted(len(comparison.pairs), 'pair')} compared",
        f"mean ratio {ratio_text(mean)} over {counted(number, 'pair')} that both solved",
        counted(len(comparison.regressions), "regression"),
        counted(len(comparison.improvements), "improvement"),
        f"{lost} no longer solved",
        f"{won} newly solved",
        f"{wrong} wrong in B",
    ]
    return "; ".join(told) + "."


def _named(comparison: Comparison) -> list[str]:
    """Return the lists of what changed."""
    lists = (
        ("Regressions", [f"{pair.name}: {_ratio(pair)}" for pair in comparison.regressions]),
        ("Improvements", [f"{pair.name}: {_ratio(pair)}" for pair in comparison.improvements]),
        ("Status changes", [_status_words(pair) for pair in comparison.status_changes]),
        ("Other objectives", [_value_words(pair) for pair in comparison.value_changes]),
    )
    parts = []
    for name, lines in lists:
        listed = "\n".join(f"- {escape(line)}" for line in lines)
        parts += [f"### {name}", listed or "None."]
    return parts


def _ratio(pair: Pair) -> str:
    if pair.ratio is None or pair.spread is None:
        return MISSING
    low, high = map(ratio_text, pair.spread)
    return ratio_text(pair.ratio) + ("" if low == high else f" ({low} {TO} {high})")


def _status_words(pair: Pair) -> str:
    return f"{pair.name}: {status_text(pair.before)} to {status_text(pair.after)}"


def _value_words(pair: Pair) -> str:
    old, new = pair.before.typical.objective or 0.0, pair.after.typical.objective or 0.0
    is_better = (new > old) == pair.after.typical.maximize
    word = "better" if is_better else "worse"
    return f"{pair.name}: {value_text(old)} to {value_text(new)}, {word}"


def _family_table(comparison: Comparison) -> Table:
    families = sorted({pair.after.family for pair in comparison.pairs}, key=natural)
    rows = []
    for family in families:
        mean, number = comparison.mean_ratio(family)
        own = [pair for pair in comparison.pairs if pair.after.family == family]
        counts = [
            len(own),
            number,
            sum(pair.before.solved for pair in own),
            sum(pair.after.solved for pair in own),
        ]
        cells = map(Cell, (family, ratio_text(mean), *map(str, counts)))
        rows.append(tuple(cells))
    names = ("mean ratio B/A", "pairs", "of them both solved", "solved in A", "solved in B")
    return Table((Column("family", is_number=False), *map(Column, names)), tuple(rows))


def _case_table(pairs: Sequence[Pair]) -> Table:
    words = ("case", "entrant", "status A", "status B")
    names = ("ratio B/A", "seconds A", "seconds B", "objective A", "objective B")
    columns = (*(Column(word, is_number=False) for word in words), *map(Column, names))
    return Table(columns, tuple(map(_case_row, pairs)))


def _case_row(pair: Pair) -> tuple[Cell, ...]:
    old, new = pair.before, pair.after
    return (
        Cell(new.case),
        Cell(new.entrant),
        Cell(status_text(old)),
        Cell(status_text(new), "bad" if pair.rank_change < 0 else ""),
        Cell(_ratio(pair)),
        Cell(spread_text(old.seconds)),
        Cell(spread_text(new.seconds)),
        Cell(value_text(old.typical.objective)),
        Cell(value_text(new.typical.objective)),
    )
