"""Compare what is written with what is found, so that no missing number passes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def number(value: Any) -> float:  # noqa: ANN401 - whatever is written
    """Return a written value as a number; NaN for nothing, and for what is no number."""
    if value is None or isinstance(value, (str, list, dict)) or value is pd.NA:
        return float("nan")
    return float(value)


def differs(found: float, written: Any, *, tolerance: float = 1e-6) -> bool:  # noqa: ANN401
    """
    Whether a written number is not the one that is found, nor missing where that is.

    Parameters
    ----------
    found
        What is right; NaN where there is nothing.
    written
        What stands in the file.
    tolerance
        Largest difference, or share of ``found`` where that is larger than 1.
    """
    value = number(written)
    if np.isnan(found):
        return not (np.isnan(value) and not isinstance(written, str))
    return not abs(value - found) <= tolerance * max(1.0, abs(found))


def numbers(column: pd.Series) -> Floats:
    """Return a column as numbers; NaN where there is none."""
    return np.asarray(pd.to_numeric(column, errors="coerce"), dtype=np.float64)


def flags(column: pd.Series) -> Bools:
    """Return a column as flags; what is missing is false."""
    return np.array([value is True or value == 1 for value in column], dtype=bool)


def texts(column: pd.Series) -> list[str | None]:
    """Return a column as text; None where there is none."""
    return [value if isinstance(value, str) else None for value in column]


def show(value: Any) -> str:  # noqa: ANN401 - whatever is written
    """Return a value for a message."""
    if isinstance(value, (float, np.floating)):
        return "nothing" if np.isnan(value) else f"{value:,.10g}"
    return "nothing" if value is None or value is pd.NA else str(value)
