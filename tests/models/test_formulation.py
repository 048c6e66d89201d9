"""The solver-neutral form of a model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from shequ.models.formulation import LinearModel, ModelBuilder


def _knapsack() -> LinearModel:
    builder = ModelBuilder("knapsack", maximize=True)
    take = builder.add_columns([6.0, 5.0, 4.0], upper=1, integer=True)
    builder.add_rows([0, 0, 0], take, [3.0, 2.0, 2.0], upper=[4.0])
    return builder.build()


def test_builder_counts_what_was_added() -> None:
    """Columns and rows of all blocks end up in one model."""
    model = _knapsack()
    assert (model.num_columns, model.num_rows, model.num_integer) == (3, 1, 3)


def test_equal_positions_are_added_up() -> None:
    """Two entries at one place make one coefficient."""
    builder = ModelBuilder()
    column = builder.add_columns([1.0])
    builder.add_rows([0, 0], np.r_[column, column], [2.0, 3.0], lower=[1.0])
    assert builder.build().rows.toarray().tolist() == [[5.0]]


def test_violations_name_rows_bounds_and_fractions() -> None:
    """A solution that breaks a row, a bound and integrality is told so."""
    broken = _knapsack().violations(np.array([1.5, 1.0, 0.5]))
    assert len(broken) == 4
    assert any("row 0" in text for text in broken)
    assert any("not integer" in text for text in broken)


def test_a_feasible_point_has_no_violations() -> None:
    """A feasible point is accepted and evaluated."""
    model = _knapsack()
    assert model.violations(np.array([0.0, 1.0, 1.0])) == []
    assert model.evaluate(np.array([0.0, 1.0, 1.0])) == 9.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lower": np.zeros(2)}, "lower has shape"),
        ({"costs": np.array([1.0, np.nan, 0.0])}, "not finite"),
        ({"lower": np.array([0.0, 2.0, 0.0])}, "column 1 are crossed"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, object], message: str) -> None:
    """Wrong shapes, infinite costs and crossed bounds are refused."""
    fields: dict[str, object] = {
        "costs": np.ones(3),
        "lower": np.zeros(3),
        "upper": np.ones(3),
        "integer": np.zeros(3, dtype=bool),
        "rows": sparse.csr_array(np.ones((1, 3))),
        "row_lower": np.zeros(1),
        "row_upper": np.ones(1),
    }
    with pytest.raises(ValueError, match=message):
        LinearModel(**(fields | change))  # type: ignore[arg-type]


def test_large_bounds_do_not_hide_a_missing_unit() -> None:
    """A row with a bound of a million is broken when one unit is missing."""
    builder = ModelBuilder()
    take = builder.add_columns([1.0], upper=2e6)
    builder.add_rows([0], take, [1.0], lower=[1e6])
    model = builder.build()
    assert model.violations(np.array([1e6 - 1]))
    assert model.violations(np.array([1e6 - 1e-3])) == []
