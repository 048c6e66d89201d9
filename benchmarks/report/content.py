"""What a report says, in order: the method, then what is wrong, then the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..jobs import REFERENCE
from ..row import Outcome, Row
from ..standings import Ranking, Settings, choose_baselines, rank
from ..statistics import (
    TOLERANCE,
    Contradiction,
    Drift,
    best_value,
    contradictions,
    drifts,
    relative_gap,
)
from ..trials import Family, families_of
from .charts import Style, entrant_styles
from .facts import facts
from .formats import counted, listed, ratio_text, seconds_text, share_text, value_text
from .gallery import Gallery, drift_gallery, family_gallery, summary_gallery
from .tables import (
    Table,
    cases_table,
    failure_table,
    headline_table,
    ranking_table,
    status_table,
    target_table,
)


@dataclass(frozen=True, eq=False)
class FamilyPart:
    """The part of one family."""

    name: str
    headline: str
    ranking: Table
    cases: Table
    gallery: Gallery


@dataclass(frozen=True, eq=False)
class Report:
    """
    All words, tables and charts of a report.

    Parameters
    ----------
    title
        Of the document.
    method
        Paragraphs that say how the numbers came about.
    facts
        Name and value of what was run, where and with what.
    alarms
        Sentences that come before every result.
    wrong, failures
        Tables of wrong answers, and of errors and lack of memory.
    headlines, news
        A sentence a family; new best values.
    summary, statuses, targets, overview
        Tables of the best entrants, of statuses and of targets, chart of time ratios.
    families
        A part each.
    drift, drift_lines
        Chart and sentences on the reference job.
    """

    title: str
    method: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    alarms: tuple[str, ...]
    wrong: Table
    failures: Table
    headlines: tuple[str, ...]
    news: tuple[str, ...]
    summary: Table
    statuses: Table
    targets: Table
    overview: Gallery
    families: tuple[FamilyPart, ...]
    drift: Gallery
    drift_lines: tuple[str, ...]


def build_report(rows: Sequence[Row], *, title: str, settings: Settings) -> Report:
    """Return the report of some rows."""
    families = families_of(rows)
    baselines = choose_baselines(families, wanted=settings.baselines)
    rankings = [
        rank(family, baseline=baselines[family.name], settings=settings) for family in families
    ]
    styles = entrant_styles(families)
    machine = drifts(rows)
    return Report(
        title=title,
        method=method_words(settings),
        facts=facts(rows, families),
        alarms=_alarms(families),
        wrong=failure_table(families, [Outcome.WRONG]),
        failures=failure_table(families, [Outcome.ERROR, Outcome.MEMORY]),
        headlines=tuple(map(headline, rankings)),
        news=tuple(line for family in families for line in _news(family)),
        summary=headline_table(rankings),
        statuses=status_table(families),
        targets=target_table(families),
        overview=summary_gallery(rankings, styles),
        families=tuple(_family_part(ranking, styles, settings) for ranking in rankings),
        drift=drift_gallery(machine),
        drift_lines=tuple(map(drift_line, machine)),
    )


def _family_part(ranking: Ranking, styles: dict[str, Style], settings: Settings) -> FamilyPart:
    return FamilyPart(
        name=ranking.family.name,
        headline=headline(ranking),
        ranking=ranking_table(ranking, settings),
        cases=cases_table(ranking.family),
        gallery=family_gallery(ranking.family, styles, settings),
    )


def method_words(settings: Settings) -> tuple[str, ...]:
    """Return how the numbers of a report came about."""
    wanted = " or ".join(settings.baselines)
    text = Path(__file__).with_name("method.txt").read_text(encoding="utf-8")
    filled = text.format(
        shift=f"{settings.shift:g}",
        penalty=f"{settings.penalty:g}",
        floor=f"{1000 * settings.floor:g}",
        baseline=f"{wanted} where it has it, else " if wanted else "",
        reference=REFERENCE,
    )
    return tuple(" ".join(part.split()) for part in filled.split("\n\n"))


def headline(ranking: Ranking) -> str:
    """Return the result of one family in a sentence or two."""
    best, others = ranking.best, ranking.standings[1:]
    lead = f"{ranking.family.name} ({counted(best.num_cases, 'case')}): "
    if best.num_wrong:
        return f"{lead}every entrant gave a wrong answer."
    if not ranking.is_timed:
        return (
            f"{lead}nobody solved a case, so there are no time ratios; {best.entrant} comes "
            f"closest, with a mean gap of {share_text(best.mean_gap)} to the bound and of "
            f"{share_text(best.mean_gap_to_best)} to the best known value."
        )
    solved = f"solves {best.num_solved} of {best.num_cases}"
    if not others:
        return f"{lead}{best.entrant} is alone and {solved}."
    return f"{lead}{best.entrant} is best and {solved}; {_followers(ranking)}."


def _followers(ranking: Ranking) -> str:
    """Return how far the second and the baseline are behind the best."""
    others = ranking.standings[1:]
    if others[0].to_best is None:
        return "nobody else solves any"
    follower = f"{others[0].entrant} follows at {ratio_text(others[0].to_best)} its time"
    base = next((own for own in others if own.entrant == ranking.baseline), None)
    if base is None:
        return f"{follower} and the best is itself the baseline"
    if base is others[0]:
        return f"{follower} and is the baseline"
    behind = f"takes {ratio_text(base.to_best)}" if base.to_best else "solves none"
    return f"{follower}, the baseline {base.entrant} {behind}"


def _alarms(families: Sequence[Family]) -> tuple[str, ...]:
    trials = [trial for family in families for trial in family.trials]
    wrong = [trial for trial in trials if trial.status is Outcome.WRONG]
    lines = []
    if wrong:
        names = sorted({trial.entrant for trial in wrong})
        lines.append(f"{counted(len(wrong), 'wrong answer')}, given by {listed(names)}.")
    lines += [_contradiction_words(own) for family in families for own in contradictions(family)]
    return tuple(lines)


def _contradiction_words(own: Contradiction) -> str:
    value = f"{own.finder} found {value_text(own.objective)}"
    where = f"{own.case} ({own.family}): "
    if own.bound is None:
        return f"{where}{own.claimant} claims that there is no solution, but {value}."
    return f"{where}{own.claimant} claims the bound {value_text(own.bound)}, but {value}."


def _news(family: Family) -> list[str]:
    """Return the cases whose best known value was improved."""
    lines = []
    for case in family.cases:
        trials = family.of_case(case)
        known = trials[0].typical.best_known
        best = best_value(trials)
        if known is None or best is None or relative_gap(known, best) <= TOLERANCE:
            continue
        finders = sorted(
            {own.entrant for own in trials for run in own.runs if run.objective == best}
        )
        lines.append(
            f"{case} ({family.name}): {value_text(best)} by {listed(finders)}, "
            f"before {value_text(known)}."
        )
    return lines


def drift_line(drift: Drift) -> str:
    """Return the drift of one reference job in a sentence."""
    words = (
        f"{drift.name}: {counted(len(drift.ratios), 'run')}, median "
        f"{seconds_text(drift.median_seconds)} s, slowest by fastest {ratio_text(drift.spread)}"
    )
    trend = "" if drift.trend is None else f", later half by earlier {ratio_text(drift.trend)}"
    return f"{words}{trend}."
