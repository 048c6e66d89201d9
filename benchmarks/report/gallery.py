"""Which charts a report has: those with enough data, and the reason where one is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure

from ...models.formulation import FloatArray
from ..row import Outcome
from ..standings import Ranking, Settings, solved_seconds
from ..statistics import (
    Drift,
    fit_growth,
    mean_gap_over_time,
    performance_profiles,
    size_measure,
)
from ..trials import Family
from .charts import (
    Style,
    add_legend,
    draw_drift,
    draw_gap,
    draw_growth,
    draw_profile,
    draw_ratios,
    new_figure,
    ratios_height,
)

FEWEST_CASES = 3
_SHORTEST = 0.01


@dataclass(frozen=True, eq=False)
class Chart:
    """
    A chart with its words.

    Parameters
    ----------
    kind
        Start of its file name.
    title, caption
        What it shows, and how to read it.
    figure
        The drawing.
    """

    kind: str
    title: str
    caption: str
    figure: Figure


@dataclass
class Gallery:
    """Charts of one section, and why others are missing."""

    charts: list[Chart] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, outcome: Chart | str) -> None:
        """Take a chart, or the reason why there is none."""
        if isinstance(outcome, str):
            self.skipped.append(outcome)
        else:
            self.charts.append(outcome)


def family_gallery(family: Family, styles: Mapping[str, Style], settings: Settings) -> Gallery:
    """Return the charts of one family."""
    gallery = Gallery()
    gallery.add(_profile(family, styles, settings))
    gallery.add(_growth(family, styles, settings))
    gallery.add(_gaps(family, styles))
    return gallery


def summary_gallery(rankings: Sequence[Ranking], styles: Mapping[str, Style]) -> Gallery:
    """Return the chart of time ratios of all families."""
    gallery = Gallery()
    told = [own for own in rankings if own.is_timed and len(own.standings) > 1]
    if not told:
        gallery.add("No chart of time ratios: no family has two entrants and a solved case.")
        return gallery
    figure = new_figure(height=ratios_height(told))
    draw_ratios(figure.axes[0], told, styles)
    caption = "Penalised mean time by that of the best entrant of the family, on a log scale."
    gallery.add(Chart("ratios", "Time by the best entrant", caption, figure))
    return gallery


def drift_gallery(found: Sequence[Drift]) -> Gallery:
    """Return the chart of the reference job."""
    gallery = Gallery()
    told = [drift for drift in found if len(drift.ratios) > 1]
    if not told:
        gallery.add("No chart of drift: the reference job was not run twice on any host.")
        return gallery
    figure = new_figure(entries=2 * len(told), height=2.4)
    draw_drift(figure.axes[0], told)
    figure.legend(loc="outside lower left", ncols=1)
    caption = "Seconds of the same job, run in between, by their median: 1 is an even machine."
    gallery.add(Chart("drift", "Drift of the reference job", caption, figure))
    return gallery


def _profile(family: Family, styles: Mapping[str, Style], settings: Settings) -> Chart | str:
    if len(family.entrants) < 2:
        return "No performance profile: it needs two entrants."
    if len(family.cases) < FEWEST_CASES:
        return f"No performance profile: it needs {FEWEST_CASES} cases."
    if not any(trial.solved for trial in family.trials):
        return "No performance profile: nobody solved a case."
    profiles = performance_profiles(solved_seconds(family), floor=settings.floor)
    figure = new_figure(entries=len(profiles))
    draw_profile(figure.axes[0], profiles, styles)
    add_legend(figure)
    caption = (
        "Share of all cases that an entrant solves within a factor of the best time of the case. "
        "At the left: how often it is the fastest; at the right: how much it solves at all."
    )
    return Chart("profile", "Performance profile", caption, figure)


def _gaps(family: Family, styles: Mapping[str, Style]) -> Chart | str:
    times = _times(family)
    if times is None:
        return "No chart of gaps over time: no run tells a solution or a bound with its time."
    panels: list[tuple[str, dict[str, FloatArray]]] = []
    for name, to_best in (("mean gap to the bound", False), ("mean gap to best known", True)):
        curves = {
            entrant: mean_gap_over_time(family, entrant, times, to_best=to_best)
            for entrant in family.entrants
        }
        if any(float(gaps.min()) < 1.0 for gaps in curves.values()):
            panels.append((name, curves))
    if not panels:
        return "No chart of gaps over time: no run ever had a gap below 100 %."
    figure = new_figure(panels=len(panels), entries=len(family.entrants), height=2.5)
    for axes, (name, curves) in zip(figure.axes, panels, strict=True):
        draw_gap(axes, times, curves, styles, name=name)
    figure.axes[-1].set_xlabel("seconds")
    add_legend(figure)
    caption = (
        "Mean over all cases of the gap reached so far; 100 % as long as there is none. "
        "Linear below 0.1 %, logarithmic above."
    )
    return Chart("gap", "Gap over time", caption, figure)


def _times(family: Family) -> FloatArray | None:
    """Return moments from a hundredth of a second to the last thing that a run tells."""
    runs = [run for trial in family.trials for run in trial.runs]
    told = [run for run in runs if run.curve or run.objective is not None or run.bound is not None]
    ends = [float(run.total_seconds or 0.0) for run in told]
    ends += [run.curve[-1][0] for run in told if run.curve]
    last = max(ends, default=0.0)
    if last <= 0:
        return None
    return np.geomspace(min(_SHORTEST, last / 10), 1.2 * last, 300)


def _growth(family: Family, styles: Mapping[str, Style], settings: Settings) -> Chart | str:
    word = size_measure(family)
    if word is None:
        return "No growth curve: the cases do not tell their size."
    solved, unsolved = _points(family, word, settings)
    fits = {
        entrant: fit
        for entrant, own in solved.items()
        if (fit := fit_growth(*_columns(own))) is not None
    }
    if not fits:
        return f"No growth curve: nobody solved cases of {FEWEST_CASES} different sizes in {word}."
    figure = new_figure(entries=len(family.entrants) * 2)
    draw_growth(figure.axes[0], solved, fits, styles, size_name=word, unsolved=unsolved)
    figure.legend(loc="outside lower left", ncols=1)
    caption = (
        "Median seconds of solved cases; the line is seconds = a · size^exponent, fitted to them, "
        "with the standard error of the exponent. Hollow: not solved, drawn at the time limit and "
        "left out of the fit, which therefore flatters entrants that leave cases unsolved."
    )
    return Chart("growth", f"Growth with {word}", caption, figure)


Points = dict[str, list[tuple[float, float]]]


def _points(family: Family, word: str, settings: Settings) -> tuple[Points, Points]:
    """Return (size, seconds) of what each entrant solved, and (size, limit) of what it did not."""
    solved: Points = {entrant: [] for entrant in family.entrants}
    unsolved: Points = {entrant: [] for entrant in family.entrants}
    for trial in family.trials:
        size = trial.typical.size.get(word, 0)
        seconds = max(trial.charged(), settings.floor)
        is_told = trial.status not in {Outcome.WRONG, Outcome.ERROR}
        if size > 0 and math.isfinite(seconds) and is_told:
            (solved if trial.solved else unsolved)[trial.entrant].append((float(size), seconds))
    return solved, unsolved


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [size for size, _ in points], [seconds for _, seconds in points]
