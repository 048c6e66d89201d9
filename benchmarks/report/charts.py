"""The charts: one function each, drawing on axes that it is given."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from ...models.formulation import FloatArray
from ...outputs.atomic import replacing
from ..standings import Ranking, Standing
from ..statistics import Drift, Growth, Profile
from ..trials import Family
from .formats import ratio_text

# Okabe & Ito's colours for all kinds of colour vision, yellow darkened to be read on white.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B8860B", "#56B4E9", "#444444")
_DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_INK, _QUIET, _GRID = "#1d2733", "#5c6773", "#e3e7eb"
_LOOK: dict[Any, Any] = {
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Noto Sans CJK SC", "Noto Sans SC"],
    "font.size": 9.0,
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.7,
    "xtick.color": _QUIET,
    "ytick.color": _QUIET,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "shequ",
    "text.parse_math": False,
    "axes.unicode_minus": False,
}
_WIDTH, _PANEL = 6.0, 3.1
_LONGEST_NAME = 40
_FRACTION_FORMAT = FuncFormatter(lambda share, _: f"{100 * share:.4g} %")
_PLAIN_FORMAT = FuncFormatter(lambda value, _: f"{value:,.6g}")


@dataclass(frozen=True)
class Style:
    """Colour, dashes and marker that an entrant has on every chart."""

    colour: str
    dash: str | tuple[float, tuple[float, ...]]
    marker: str


def entrant_styles(families: Sequence[Family]) -> dict[str, Style]:
    """Give every entrant a style; entrants of one family differ as long as there are styles."""
    styles = [
        Style(colour, _DASHES[(idx + turn) % len(_DASHES)], _MARKERS[idx])
        for turn in range(len(_DASHES))
        for idx, colour in enumerate(_COLOURS)
    ]
    chosen: dict[str, Style] = {}
    for family in families:
        taken = {chosen[entrant] for entrant in family.entrants if entrant in chosen}
        for entrant in family.entrants:
            if entrant not in chosen:
                free = (style for style in styles if style not in taken)
                chosen[entrant] = next(free, styles[len(chosen) % len(styles)])
                taken.add(chosen[entrant])
    return chosen


@contextmanager
def look() -> Iterator[None]:
    """Draw and write inside of this: it sets fonts and colours, and leaves no trace."""
    with mpl.rc_context(_LOOK), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def new_figure(*, panels: int = 1, entries: int = 0, height: float = _PANEL) -> Figure:
    """Return an empty figure with room for a legend of some entries below."""
    rows = math.ceil(entries / 2)
    size = (_WIDTH, height * panels + 0.19 * rows + 0.1 * bool(rows))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    figure.subplots(panels, 1, sharex=True)
    return figure


def add_legend(figure: Figure) -> None:
    """Explain the entrants once, below all panels."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    long = max(map(len, labels), default=0) > 34
    figure.legend(handles, labels, loc="outside lower left", ncols=1 if long else 2)


def draw_profile(axes: Axes, profiles: Mapping[str, Profile], styles: Mapping[str, Style]) -> None:
    """Draw performance profiles: share of cases solved within a factor of the best time."""
    largest = max((max(own.ratios, default=1.0) for own in profiles.values()), default=1.0)
    end = max(2.0, 1.3 * largest)
    for entrant, profile in profiles.items():
        steps = [1.0, *profile.ratios, end]
        style = styles[entrant]
        axes.step(
            steps,
            [profile.share(tau) for tau in steps],
            where="post",
            label=shown(entrant),
            color=style.colour,
            linestyle=style.dash,
            linewidth=1.9,
            clip_on=False,
        )
    axes.set_xscale("log")
    axes.set_xlim(1.0, end)
    axes.set_ylim(0.0, 1.0)
    _plain_ticks(axes)
    axes.yaxis.set_major_formatter(_FRACTION_FORMAT)
    axes.set_xlabel("factor of the best time of the case")
    axes.set_ylabel("share of cases solved")


def draw_gap(
    axes: Axes,
    times: FloatArray,
    curves: Mapping[str, FloatArray],
    styles: Mapping[str, Style],
    *,
    name: str,
) -> None:
    """Draw mean gaps over time."""
    for entrant, gaps in curves.items():
        style = styles[entrant]
        axes.step(
            times,
            gaps,
            where="post",
            label=shown(entrant),
            color=style.colour,
            linestyle=style.dash,
            linewidth=1.9,
        )
    axes.set_xscale("log")
    axes.set_xlim(times[0], times[-1])
    axes.set_yscale("symlog", linthresh=1e-3, linscale=0.5)
    axes.set_ylim(0.0, 1.15)
    axes.set_yticks([0.0, 1e-3, 1e-2, 1e-1, 1.0])
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(_FRACTION_FORMAT)
    _plain_ticks(axes)
    axes.set_ylabel(name)


def draw_growth(
    axes: Axes,
    points: Mapping[str, Sequence[tuple[float, float]]],
    fits: Mapping[str, Growth],
    styles: Mapping[str, Style],
    *,
    size_name: str,
    unsolved: Mapping[str, Sequence[tuple[float, float]]],
) -> None:
    """Draw seconds over size with the fitted law; an unsolved case is hollow at its limit."""
    for entrant, own in points.items():
        style, fit = styles[entrant], fits.get(entrant)
        dots: dict[str, Any] = {"color": style.colour, "marker": style.marker, "linestyle": "none"}
        axes.plot(*_columns(own), **dots, markersize=4.5, alpha=0.8)
        hollow = dots | {"markerfacecolor": "none", "markersize": 6.5}
        axes.plot(*_columns(unsolved[entrant]), **hollow)
        label = shown(entrant) + (": no fit" if fit is None else f": {exponent_text(fit)}")
        dots |= {"linestyle": style.dash, "markevery": [], "label": label}
        sizes = _columns(own)[0]
        ends = np.array([min(sizes), max(sizes)] if fit is not None else [])
        axes.plot(ends, ends if fit is None else fit.seconds(ends), **dots)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(0.06, 0.08)
    _plain_ticks(axes)
    axes.yaxis.set_major_formatter(_PLAIN_FORMAT)
    axes.set_xlabel(f"{shown(size_name)} of the case")
    axes.set_ylabel("seconds")


def _columns(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def exponent_text(fit: Growth) -> str:
    """Return an exponent with its standard error."""
    return f"exponent {fit.exponent:.2f} ± {fit.standard_error:.2f}"


def draw_ratios(axes: Axes, rankings: Sequence[Ranking], styles: Mapping[str, Style]) -> None:
    """Draw, a line each, the time ratio of every entrant to the best of its family."""
    height, ticks = 0.0, []
    finite = [1.0]
    for ranking in rankings:
        axes.text(0.0, height, f"{shown(ranking.family.name)}  ", ha="right", va="center",
                  transform=axes.get_yaxis_transform(), weight="bold", color=_INK)  # fmt: skip
        height += 1.0
        for standing in ranking.standings:
            if standing.to_best is not None and math.isfinite(standing.to_best):
                finite.append(standing.to_best)
            _draw_standing(axes, standing, height, styles[standing.entrant])
            ticks.append((height, shown(standing.entrant)))
            height += 1.0
        height += 0.35
    axes.set_xscale("log")
    axes.set_xlim(0.9 * min(finite), max(2.0, 4.0 * max(finite)))
    axes.set_ylim(height - 0.6, -0.8)
    axes.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.axvline(1.0, color=_QUIET, linewidth=0.9, zorder=1)
    _plain_ticks(axes)
    axes.set_xlabel("mean time by that of the best entrant of the family")


def ratios_height(rankings: Sequence[Ranking]) -> float:
    """Return the inches that the chart of ratios needs."""
    return 0.75 + sum(0.22 * (1.35 + len(ranking.standings)) for ranking in rankings)


def _draw_standing(axes: Axes, own: Standing, height: float, style: Style) -> None:
    words = (
        [] if own.num_solved == own.num_cases else [f"{own.num_solved} of {own.num_cases} solved"]
    )
    words += [f"{own.num_wrong} wrong"] if own.num_wrong else []
    value = own.to_best if own.to_best is not None and math.isfinite(own.to_best) else None
    if value is not None:
        axes.plot([1.0, value], [height] * 2, color=style.colour, linewidth=1.6, alpha=0.55)
        axes.plot([value], [height], marker=style.marker, color=style.colour, markersize=6.5)
        words = [ratio_text(value), *words]
    axes.annotate(
        ",  ".join(words),
        (value or 1.0, height),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
        color=_QUIET if value is None else _INK,
        fontsize=8.5,
        clip_on=False,
    )


def draw_drift(axes: Axes, drifts: Sequence[Drift]) -> None:
    """Draw the reference job over the time of the benchmark, by its median."""
    for drift, (idx, colour) in zip(drifts, itertools.cycle(enumerate(_COLOURS)), strict=False):
        axes.plot(
            drift.minutes,
            drift.ratios,
            color=colour,
            marker=_MARKERS[idx],
            markersize=4.0,
            linewidth=1.2,
            label=shown(drift.name),
        )
    axes.axhline(1.0, color=_QUIET, linewidth=0.9, zorder=1)
    low = min(min(drift.ratios) for drift in drifts)
    high = max(max(drift.ratios) for drift in drifts)
    axes.set_ylim(min(0.9, low - 0.03), max(1.1, high + 0.03))
    axes.set_ylabel("seconds by their median")
    is_timed = all(drift.is_timed for drift in drifts)
    axes.set_xlabel("minutes since the first run" if is_timed else "number of the run")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def shown(name: str) -> str:
    """Return a name as a chart can show it: printable, not hidden by a legend, not too long."""
    printable = "".join(sign if sign.isprintable() else " " for sign in name).lstrip("_ ")
    if len(printable) > _LONGEST_NAME:
        start, end = printable[: _LONGEST_NAME - 17], printable[-16:]
        return f"{start}\u2026{end}"
    return printable or "(no name)"


def _plain_ticks(axes: Axes) -> None:
    """Label a logarithmic axis with 1, 2, 5, 10, ..., as many as there is room for."""
    low, high = axes.get_xlim()
    is_short = high / max(low, 1e-300) < 200
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if is_short else (1.0,)))
    axes.xaxis.set_major_formatter(_PLAIN_FORMAT)
    axes.xaxis.set_minor_formatter(NullFormatter())


def write_chart(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as SVG and PNG; the same figure gives the same files."""
    paths = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png")]
    for path in paths:
        metadata = {"Date": None} if path.suffix == ".svg" else {}
        with replacing(path) as beside:
            figure.savefig(beside, dpi=150, metadata=metadata)
    return paths
