"""
Solver-neutral form of a mixed integer program, as sparse arrays.

Every backend takes a :class:`LinearModel`; no other layer of shequ knows a solver's own types.
Names are made on demand only, so that a model of a million columns costs no million strings.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Namer = Callable[[int], str]

_LARGEST_SCALE = 1e4


@dataclass(frozen=True, eq=False)
class LinearModel:
    """
    Minimise ``costs @ x + offset`` over ``row_lower <= rows @ x <= row_upper`` and bounds on x.

    Parameters
    ----------
    costs
        Objective coefficients, shape (columns,).
    lower, upper
        Bounds of the columns, shape (columns,); infinite where there is none.
    integer
        True where a column must be an integer, shape (columns,).
    rows
        Constraint matrix, CSR of shape (rows, columns) without duplicates.
    row_lower, row_upper
        Bounds of the rows, shape (rows,).
    offset
        Constant part of the objective.
    maximize
        Maximise instead.
    name
        Name of the model, for logs and files.
    column_name, row_name
        Functions from an index to a name; None for ``x0, x1, ...`` and ``r0, r1, ...``.

    Raises
    ------
    ValueError
        If shapes differ, a bound is crossed or a coefficient is not finite.
    """

    costs: FloatArray
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    rows: sparse.csr_array
    row_lower: FloatArray
    row_upper: FloatArray
    offset: float = 0.0
    maximize: bool = False
    name: str = "model"
    column_name: Namer | None = None
    row_name: Namer | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        num_rows, num_columns = self.rows.shape
        shapes = {
            "costs": (self.costs, num_columns),
            "lower": (self.lower, num_columns),
            "upper": (self.upper, num_columns),
            "integer": (self.integer, num_columns),
            "row_lower": (self.row_lower, num_rows),
            "row_upper": (self.row_upper, num_rows),
        }
        for label, (array, length) in shapes.items():
            if array.shape != (length,):
                raise ValueError(f"{label} has shape {array.shape}, expected ({length},).")
        if not (np.isfinite(self.costs).all() and np.isfinite(self.rows.data).all()):
            raise ValueError("A coefficient is not finite.")
        for label, low, high in (
            ("column", self.lower, self.upper),
            ("row", self.row_lower, self.row_upper),
        ):
            crossed = np.flatnonzero(~(low <= high))
            if crossed.size:
                i = int(crossed[0])
                raise ValueError(f"Bounds of {label} {i} are crossed: {low[i]} > {high[i]}.")

    @property
    def num_columns(self) -> int:
        """Number of columns (variables)."""
        return int(self.rows.shape[1])

    @property
    def num_rows(self) -> int:
        """Number of rows (constraints)."""
        return int(self.rows.shape[0])

    @property
    def num_integer(self) -> int:
        """Number of integer columns."""
        return int(self.integer.sum())

    def fixed(self, columns: IntArray, values: FloatArray | BoolArray) -> LinearModel:
        """
        Return the model with some columns fixed.

        Parameters
        ----------
        columns, values
            The columns and what they are, shape (some,) each.
        """
        lower, upper = self.lower.copy(), self.upper.copy()
        lower[columns] = upper[columns] = values
        return replace(self, lower=lower, upper=upper)

    def part(self, rows: IntArray, columns: IntArray) -> LinearModel:
        """
        Return some rows and columns of the model, unnamed; the others are left out.

        Parameters
        ----------
        rows, columns
            Which, in their order, shape (some,) each.
        """
        return replace(
            self,
            costs=self.costs[columns],
            lower=self.lower[columns],
            upper=self.upper[columns],
            integer=self.integer[columns],
            rows=sparse.csr_array(sparse.csr_array(self.rows[rows])[:, columns]),
            row_lower=self.row_lower[rows],
            row_upper=self.row_upper[rows],
            column_name=None,
            row_name=None,
        )

    def evaluate(self, values: FloatArray) -> float:
        """Objective of ``values``, shape (columns,); need not be feasible."""
        return float(self.costs @ values + self.offset)

    def violations(self, values: FloatArray, *, tolerance: float = 1e-5) -> list[str]:
        """Every broken bound, row and integrality of ``values``, in words; empty if feasible."""
        activity = self.rows @ values
        terms = abs(self.rows) @ np.abs(values)
        broken: list[str] = []
        for label, namer, number, low, high, size in (
            ("column", self.column_name, values, self.lower, self.upper, np.zeros(values.size)),
            ("row", self.row_name, activity, self.row_lower, self.row_upper, terms),
        ):
            outside = np.flatnonzero(
                (number < low - _slack(low, size, tolerance))
                | (number > high + _slack(high, size, tolerance))
            )
            broken += [
                f"{label} {namer(int(i)) if namer else int(i)}: {number[i]:g} not in "
                f"[{low[i]:g}, {high[i]:g}]"
                for i in outside
            ]
        fractional = np.flatnonzero(self.integer & (np.abs(values - np.rint(values)) > tolerance))
        namer = self.column_name
        broken += [
            f"column {namer(int(i)) if namer else int(i)}: {values[i]:g} not integer"
            for i in fractional
        ]
        return broken


def _slack(bound: FloatArray, terms: FloatArray, tolerance: float) -> FloatArray:
    """Slack relative to bound and terms, but never so large that a unit of anything is lost."""
    size = np.maximum(np.abs(np.where(np.isfinite(bound), bound, 0)), terms)
    return np.asarray(tolerance * (1 + np.minimum(size, _LARGEST_SCALE)))


@dataclass
class ModelBuilder:
    """
    Collect blocks of columns and rows, then :meth:`build` a :class:`LinearModel`.

    Examples
    --------
    >>> builder = ModelBuilder("knapsack", maximize=True)
    >>> take = builder.add_columns([6.0, 5.0, 4.0], upper=1, integer=True)
    >>> _ = builder.add_rows([0, 0, 0], take, [3.0, 2.0, 2.0], upper=[4.0])
    >>> builder.build().num_rows
    1
    """

    name: str = "model"
    maximize: bool = False
    offset: float = 0.0
    _costs: list[FloatArray] = field(default_factory=list)
    _bounds: list[tuple[FloatArray, FloatArray, BoolArray]] = field(default_factory=list)
    _entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    _row_bounds: list[tuple[FloatArray, FloatArray]] = field(default_factory=list)
    num_columns: int = 0
    num_rows: int = 0

    def add_columns(
        self,
        costs: ArrayLike,
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = np.inf,
        integer: ArrayLike = False,
    ) -> IntArray:
        """Add one column per cost; bounds and integrality broadcast. Returns their indices."""
        cost = np.atleast_1d(np.asarray(costs, dtype=float))
        shape = cost.shape
        self._costs.append(cost)
        self._bounds.append(
            (
                np.broadcast_to(np.asarray(lower, dtype=float), shape),
                np.broadcast_to(np.asarray(upper, dtype=float), shape),
                np.broadcast_to(np.asarray(integer, dtype=bool), shape),
            )
        )
        first, self.num_columns = self.num_columns, self.num_columns + cost.size
        return np.arange(first, self.num_columns, dtype=np.int64)

    def add_rows(
        self,
        row_idx: ArrayLike,
        column_idx: ArrayLike,
        coefficients: ArrayLike,
        *,
        lower: ArrayLike = -np.inf,
        upper: ArrayLike = np.inf,
    ) -> IntArray:
        """
        Add a block of rows given as triplets.

        Parameters
        ----------
        row_idx
            Row of each entry, counted from 0 within this block.
        column_idx
            Column of each entry, as returned by :meth:`add_columns`.
        coefficients
            Coefficient of each entry; broadcasts. Equal positions are added up.
        lower, upper
            Bounds of the rows, shape (rows of the block,); one of them must have that shape.
        """
        low, high = np.broadcast_arrays(
            np.atleast_1d(np.asarray(lower, dtype=float)),
            np.atleast_1d(np.asarray(upper, dtype=float)),
        )
        row = np.asarray(row_idx, dtype=np.int64)
        column = np.asarray(column_idx, dtype=np.int64)
        coefficient = np.broadcast_to(np.asarray(coefficients, dtype=float), row.shape)
        self._entries.append((row + self.num_rows, column, coefficient))
        self._row_bounds.append((low, high))
        first, self.num_rows = self.num_rows, self.num_rows + low.size
        return np.arange(first, self.num_rows, dtype=np.int64)

    @property
    def costs(self) -> FloatArray:
        """Objective coefficients of the columns so far, shape (columns,)."""
        return np.concatenate(self._costs) if self._costs else np.empty(0)

    def build(self) -> LinearModel:
        """Freeze the blocks into a model."""
        row, column, coefficient = (
            np.concatenate([entry[part] for entry in self._entries])
            if self._entries
            else np.empty(0, dtype=kind)
            for part, kind in ((0, np.int64), (1, np.int64), (2, np.float64))
        )
        shape = (self.num_rows, self.num_columns)
        rows = sparse.csr_array(sparse.coo_array((coefficient, (row, column)), shape=shape))
        rows.sum_duplicates()

        def joined(parts: list[FloatArray]) -> FloatArray:
            return np.concatenate(parts) if parts else np.empty(0)

        return LinearModel(
            costs=joined(self._costs),
            lower=joined([low for low, _, _ in self._bounds]),
            upper=joined([high for _, high, _ in self._bounds]),
            integer=joined([kind for _, _, kind in self._bounds]).astype(bool),  # type: ignore[misc]
            rows=rows,
            row_lower=joined([low for low, _ in self._row_bounds]),
            row_upper=joined([high for _, high in self._row_bounds]),
            offset=self.offset,
            maximize=self.maximize,
            name=self.name,
        )
