"""How even districts must be: what the user asks, else the file, else a tolerance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..models.formulation import FloatArray
from .unit_graph import UnitGraph

DEFAULT_TOLERANCE = 0.05
"""Share by which districts may differ from their mean where neither user nor file says more."""


@dataclass(frozen=True)
class Balance:
    """
    How even the districts must be; one number a weight, fewer for the first weights only.

    Parameters
    ----------
    lower, upper
        Bounds on a weight of a district.
    tolerance
        Share by which a district may differ from the mean; one number holds for every weight.
    """

    lower: tuple[float, ...] = ()
    upper: tuple[float, ...] = ()
    tolerance: tuple[float, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.lower or self.upper or self.tolerance)


class Bounds(NamedTuple):
    """Bounds on the weights of every district, shape (weights,), and where they come from."""

    lower: FloatArray
    upper: FloatArray
    source: str


def balance_of(graph: UnitGraph, asked: Balance, num_districts: int) -> Bounds:
    """
    Bounds for a number of districts: what the user asks, else the file, else a tolerance of 5 %.

    Raises
    ------
    ValueError
        If there are more bounds than weights, or one is not a number of at least 0.
    """
    _check_counts(graph, asked)
    total = graph.weights.sum(axis=0)
    lower, upper = np.zeros(total.size), total.copy()
    file = graph.raw.asked
    source = "given"
    if asked.is_empty and (file.lower is not None or file.upper is not None):
        lower[0] = file.lower if file.lower is not None else 0.0
        upper[0] = file.upper if file.upper is not None else total[0]
        source = "file"
    elif asked.is_empty:
        asked = Balance(tolerance=(DEFAULT_TOLERANCE,))
        source = f"tolerance of {DEFAULT_TOLERANCE:.0%} by default"
    shares = asked.tolerance * total.size if len(asked.tolerance) == 1 else asked.tolerance
    for w, share in enumerate(shares):
        mean = total[w] / num_districts
        slack = 1e-9 * mean
        lower[w] = np.ceil((1 - share) * mean - slack)
        upper[w] = np.floor((1 + share) * mean + slack)
    for w, low in enumerate(asked.lower):
        lower[w] = max(lower[w], low)
    for w, high in enumerate(asked.upper):
        upper[w] = min(upper[w], high)
    return Bounds(lower, upper, source)


def refuse_empty_bounds(graph: UnitGraph, bounds: Bounds, num_districts: int) -> None:
    """
    Refuse bounds that exclude each other.

    Raises
    ------
    ValueError
        If a lower bound is above the upper one; names the weight.
    """
    for w in np.flatnonzero(bounds.lower > bounds.upper).tolist():
        mean = float(graph.weights[:, w].sum()) / num_districts
        raise ValueError(
            f"A district would need at least {bounds.lower[w]:,.0f} and at most "
            f"{bounds.upper[w]:,.0f} {graph.weight_names[w]} (the mean of {num_districts} is "
            f"{mean:,.1f}). Widen --tolerance, --lower or --upper."
        )


def possible_numbers(graph: UnitGraph, asked: Balance, numbers: Iterable[int]) -> list[int]:
    """Those numbers of districts whose bounds the totals of all weights can meet."""
    total = graph.weights.sum(axis=0)
    found = []
    for number in numbers:
        lower, upper, _ = balance_of(graph, asked, number)
        fits = (number * lower <= total + 1e-6) & (total <= number * upper + 1e-6)
        if (fits & (lower <= upper)).all():
            found.append(number)
    return found


def _check_counts(graph: UnitGraph, asked: Balance) -> None:
    many = len(graph.weight_names)
    for name in ("lower", "upper", "tolerance"):
        values: Sequence[float] = getattr(asked, name)
        if len(values) > many:
            raise ValueError(
                f"--{name} is given {len(values)} times for {many} weights "
                f"({', '.join(graph.weight_names)}). Name more columns with --weight."
            )
        wrong = [value for value in values if not (np.isfinite(value) and value >= 0)]
        if wrong:
            raise ValueError(f"--{name} {wrong[0]:g} not understood; give a number of at least 0.")
