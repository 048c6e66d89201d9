"""The gap between the largest radius proven too small and the best plan, and where to ask next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

CLOSE = 1e-9
"""Share of the objective up to which two radii count as one."""

LAST_STEPS = 1e-7
"""Share of the objective below which it is asked whether anything is better at all."""

QUICK_STEPS = 1e-3
"""Share of the objective below which a gap beside an open question is left to thorough steps."""


FIRST = 0.85
"""Share of the best plan's radius that is asked for as long as there is no bound."""


class Verdict(Enum):
    """Whether a radius suffices."""

    YES = "yes"
    NO = "no"
    OPEN = "open"


@dataclass
class Radii:
    """
    Radii that are still possible.

    Parameters
    ----------
    is_whole
        Whether the optimum is a whole number.
    low, high
        Bound on the optimum, and radius of the best plan.
    open_low, open_high
        Least and largest radius that quick steps left open.
    """

    is_whole: bool
    low: float = 0.0
    high: float = np.inf
    open_low: float = np.inf
    open_high: float = -np.inf

    @property
    def closed(self) -> bool:
        """Whether the best plan is proven best."""
        return self.low >= self.high - CLOSE * self.high

    def leave_open(self, radius: float, *, below: float, above: float) -> None:
        """Note that these steps decide neither a radius nor, of whole ones, those of its kind."""
        first, last = radius, radius
        if self.is_whole:
            first, last = min(radius, np.ceil(below)), max(radius, np.ceil(above) - 1)
        self.open_low = min(self.open_low, float(first))
        self.open_high = max(self.open_high, float(last))

    def forget_open(self) -> None:
        """Take no radius as open any more."""
        self.open_low, self.open_high = np.inf, -np.inf

    def next_quick(self) -> float | None:
        """Radius in the middle of the gap below or above the open ones; None if there is none."""
        if self.open_low >= self.high or self.open_high < self.low:
            return self._middle(self.low, self.high)
        below = self._middle(self.low, self.open_low, narrow=True)
        return below if below is not None else self.next_above()

    def next_above(self) -> float | None:
        """Radius in the middle of the gap above the open ones; None if there is none."""
        first = self.open_high + 1 if self.is_whole else self.open_high
        return self._middle(max(first, self.low), self.high, narrow=True)

    def just_below(self) -> float:
        """Return the largest radius at which only better plans are possible."""
        return self.high - 1 if self.is_whole else self.high * (1 - CLOSE / 2)

    def next_thorough(self) -> float | None:
        """Radius in the middle of the gap; None if there is none."""
        return self._middle(self.low, self.high)

    def _middle(self, first: float, end: float, *, narrow: bool = False) -> float | None:
        """Radius in [first, end), near its end as long as no bound is known."""
        if first == 0 and np.isfinite(end):
            first = (2 * FIRST - 1) * end
            first = float(np.floor(first)) if self.is_whole else first
        if self.is_whole:
            return float((first + end) // 2) if first <= end - 1 else None
        if narrow and end - first <= QUICK_STEPS * end:
            return None
        return end * (1 - CLOSE / 2) if end - first <= LAST_STEPS * end else (first + end) / 2
