"""Tables as CSV files that spreadsheets open as they are."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def write_table(table: pd.DataFrame, path: Path, *, digits: int = 6) -> None:
    """
    Write a CSV with a byte-order mark, without which Excel garbles Chinese.

    Parameters
    ----------
    table
        The table, without its index.
    path
        The file.
    digits
        Significant digits of numbers that are not whole.
    """
    table.to_csv(path, index=False, encoding="utf-8-sig", float_format=f"%.{digits}g")
