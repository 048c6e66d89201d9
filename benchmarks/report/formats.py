"""Numbers as a reader takes them: as many digits as they carry, a dash for what is missing."""

from __future__ import annotations

import math

from ..trials import Spread

MISSING = "\u2013"
INFINITE = "\u221e"
TIMES = "\u00d7"
TO = "\u2013"


def seconds_text(value: float | None) -> str:
    """Return seconds without their unit."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return INFINITE
    if 0 < value < 0.0005:
        return "<0.001"
    return f"{value:,.{_digits(value, 3)}f}"


def spread_text(spread: Spread | None) -> str:
    """Return a median of seconds, with lowest and highest if they differ from it as shown."""
    if spread is None:
        return MISSING
    median, low, high = map(seconds_text, (spread.median, spread.lowest, spread.highest))
    return median if low == high else f"{median} ({low}{TO}{high})"


def ratio_text(value: float | None) -> str:
    """Return a ratio, such as 3.4 times."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return INFINITE
    shown = f"{value:.2g}" if value < 0.1 else f"{value:,.{_digits(value, 2)}f}"
    return f"{shown} {TIMES}"


def share_text(value: float | None) -> str:
    """Return a share as per cent; a small one never reads as none."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return INFINITE
    if 0 < abs(value) < 5e-5:
        return "<0.01 %"
    return f"{100 * value:,.{2 if abs(value) < 0.1 else 1}f} %"


def value_text(value: float | None) -> str:
    """Return an objective or a bound: whole numbers whole, others with eight digits."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return INFINITE if value > 0 else f"\u2212{INFINITE}"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.8g}"


def whole_text(value: float | None) -> str:
    """Return a whole number."""
    return MISSING if value is None or not math.isfinite(value) else f"{value:,.0f}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, such as 3 cases."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(items: list[str]) -> str:
    """Return words as a list in a sentence."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _digits(value: float, most: int) -> int:
    """Return the decimals that leave about three figures."""
    if value >= 100:
        return 0
    return 1 if value >= 10 else min(most, 2 if value >= 1 else 3)
