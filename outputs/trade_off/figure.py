"""The curve as a drawing: points, what lies proven between them, and where every rule is met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import numpy as np

from ..report.texts import number, percent

WIDTH, HEIGHT = 880, 470
LEFT, RIGHT, TOP, BOTTOM = 122, 30, 38, 62
BLUE, ORANGE, INK, QUIET = "#1f5686", "#d2641f", "#1d2733", "#5c6773"


@dataclass(frozen=True)
class Curve:
    """
    What is drawn.

    Parameters
    ----------
    costs, values
        Of the points, by budget.
    budgets, bounds
        Budget of each point, and the bound on the value that is proven for every cost up to it.
    shown
        Whether a point is drawn as one of the curve; dominated ones are drawn small.
    every_rule
        Cost and value of the cheapest plan of every rule; None to leave it out.
    maximize
        Whether larger values are better.
    total
        Residents of the city, for shares on the right; None for none.
    """

    costs: Sequence[float]
    values: Sequence[float]
    budgets: Sequence[float]
    bounds: Sequence[float | None]
    shown: Sequence[bool]
    every_rule: tuple[float, float] | None
    maximize: bool
    total: float | None = None


def nice_ticks(low: float, high: float, many: int = 6) -> list[float]:
    """
    Return round values within an interval, about so many.

    Examples
    --------
    >>> nice_ticks(0.0, 70_000.0)
    [0.0, 20000.0, 40000.0, 60000.0]
    """
    if high <= low:
        return [low]
    rough = (high - low) / many
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * (1 - 1e-9))
    first = np.ceil(low / step - 1e-9)
    last = np.floor(high / step + 1e-9)
    return [float(round(place * step, 10)) + 0.0 for place in np.arange(first, last + 1)]


def curve_svg(curve: Curve, words: dict[str, str]) -> str:
    """
    Return the drawing as SVG.

    Parameters
    ----------
    curve
        What is drawn.
    words
        ``title``, ``cost``, ``value``, ``proven`` (the band), ``rule`` (the plan of every rule).
    """
    frame = _Frame.around(curve)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'class="curve" role="img" font-family="system-ui, sans-serif" font-size="13" '
        f'fill="{INK}"><title>{escape(words["title"])}</title>'
    )
    parts = [
        head,
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_axes(frame, curve, words),
        *_band(frame, curve, words),
        *_points(frame, curve, words),
        "</svg>",
    ]
    return "".join(parts)


@dataclass(frozen=True)
class _Frame:
    """Ends of the axes."""

    low: float
    high: float
    least: float
    most: float

    @classmethod
    def around(cls, curve: Curve) -> _Frame:
        xs, ys = [*curve.costs, *curve.budgets], list(curve.values)
        ys += [bound for bound in curve.bounds if bound is not None]
        if curve.every_rule is not None:
            xs.append(curve.every_rule[0])
            ys.append(curve.every_rule[1])
        wide, tall = max(xs) - min(xs) or 1.0, max(ys) - min(ys) or 1.0
        low = 0.0 if 0 <= min(xs) < 0.25 * wide else min(xs) - 0.04 * wide
        return cls(low, max(xs) + 0.04 * wide, min(ys) - 0.07 * tall, max(ys) + 0.07 * tall)

    def x(self, cost: float) -> float:
        share = (cost - self.low) / (self.high - self.low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.least) / (self.most - self.least)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _axes(frame: _Frame, curve: Curve, words: dict[str, str]) -> list[str]:
    end, base = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = []
    ticks = nice_ticks(frame.least, frame.most)
    digits = 0 if len(ticks) < 2 or ticks[1] - ticks[0] >= 1 else 2
    for value in ticks:
        y = frame.y(value)
        parts.append(f'<path d="M{LEFT} {y}H{end}" stroke="#e6e9ed"/>')
        share = "" if not curve.total else f" ({percent(value / curve.total, 0)})"
        label = f"{number(value, digits)}{share}"
        parts.append(_text(LEFT - 8, y + 4, label, anchor="end", size=12))
    for cost in nice_ticks(frame.low, frame.high):
        x = frame.x(cost)
        parts.append(f'<path d="M{x} {base}v5" stroke="{QUIET}"/>')
        parts.append(_text(x, base + 20, number(cost), size=12))
    parts.append(f'<path d="M{LEFT} {base}H{end}" stroke="{QUIET}"/>')
    parts.append(_text((LEFT + end) / 2, HEIGHT - 14, words["cost"], weight=600))
    parts.append(_text(14, TOP - 16, words["value"], anchor="start", weight=600))
    return parts


def _band(frame: _Frame, curve: Curve, words: dict[str, str]) -> list[str]:
    """
    Draw where the curve lies for sure: between the plans found and the bounds.

    A plan that costs c is within every larger budget, so the curve is at least as good as the
    points on the left and at most as good as the bound of the next budget.
    """
    kept = [place for place, bound in enumerate(curve.bounds) if bound is not None]
    if len(kept) < 2:
        return []
    found = [(curve.costs[p], curve.values[p]) for p in kept]
    best = max if curve.maximize else min
    inner = [f"M{frame.x(found[0][0])} {frame.y(found[0][1])}"]
    outer: list[tuple[float, float, float]] = []
    value = found[0][1]
    for cost, own in found[1:]:
        value = best(value, own)
        inner.append(f"H{frame.x(cost)}V{frame.y(value)}")
    before = found[0][0]
    for place in kept[1:]:
        bound = curve.bounds[place]
        assert bound is not None  # noqa: S101 - only these are kept
        outer.append((before, curve.budgets[place], bound))
        before = max(before, curve.budgets[place])
    back = "".join(f"L{frame.x(high)} {frame.y(bound)}H{frame.x(low)}"
                   for low, high, bound in reversed(outer))  # fmt: skip
    path = "".join(inner)
    title = f"<title>{escape(words['proven'])}</title>"
    return [
        f'<path d="{path}{back}Z" fill="#cfe2f0" opacity=".75">{title}</path>',
        f'<path d="{path}" fill="none" stroke="{BLUE}" stroke-width="1.6"/>',
    ]


def _points(frame: _Frame, curve: Curve, words: dict[str, str]) -> list[str]:
    parts = []
    if curve.every_rule is not None:
        x, y = frame.x(curve.every_rule[0]), frame.y(curve.every_rule[1])
        parts.append(
            f'<path d="M{x - 9} {y}l9-9 9 9-9 9z" fill="none" stroke="{ORANGE}" '
            f'stroke-width="2.4"><title>{escape(words["rule"])}</title></path>'
        )
        near_end = x > WIDTH * 0.7
        parts.append(
            _text(x + (-14 if near_end else 14), y - 12,
                  words["rule"], anchor="end" if near_end else "start", colour="#9a4a12", size=12)
        )  # fmt: skip
    for place, (cost, value, shown) in enumerate(
        zip(curve.costs, curve.values, curve.shown, strict=True)
    ):
        title = f"{number(cost, 1)}: {number(value, 0 if abs(value) >= 1000 else 2)}"
        look = f'fill="{BLUE}" stroke="#fff"' if shown else f'fill="#fff" stroke="{QUIET}"'
        parts.append(
            f'<circle class="point" data-point="{place}" cx="{frame.x(cost)}" '
            f'cy="{frame.y(value)}" r="{5.5 if shown else 3.5}" {look} stroke-width="1.5">'
            f"<title>{escape(title)}</title></circle>"
        )
    return parts


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "middle",
    size: int = 13,
    weight: int = 400,
    colour: str = INK,
) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" '
        f'font-weight="{weight}" fill="{colour}">{escape(words)}</text>'
    )
