"""
The cheapest relaxation of rules that clash.

Every row of a rule that may be relaxed gets a slack on each side that has a bound, and every bound
of a column likewise: the elastic program of Chinneck and Dravnieks (1991), "Locating minimal
infeasible constraint sets in linear programs", ORSA Journal on Computing 3(2); with weights, as in
Chinneck (2008), "Feasibility and infeasibility in optimization", section 6.1:

    minimise Σ_g price_g Σ_{r in g} (s_r + t_r)
    lower_r ≤ a_r x + s_r - t_r ≤ upper_r      every row r of a rule that may be relaxed
    all other rows and bounds as they are,     s, t ≥ 0
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from ...models.formulation import FloatArray, IntArray, LinearModel
from ..limits import Limits, Stop
from ..result import Reason, Result, Status
from ..solvers import solve_model
from .groups import TOLERANCE, GroupedModel


@dataclass(frozen=True, eq=False)
class Relaxation:
    """
    What relaxing costs at least, and where it is done.

    Parameters
    ----------
    amounts
        By how much each rule is relaxed, summed over its rows and bounds, by its number; rules
        that stay as they are are left out.
    result
        Values of the columns of the original model; the objective is the weighted sum of the
        amounts. Infeasible if the rules that may not be relaxed clash by themselves.
    """

    amounts: dict[int, float]
    result: Result[FloatArray]


@dataclass(frozen=True, eq=False)
class Elastic:
    """An elastic program: its slack columns follow those of the model, ``rule`` by ``rule``."""

    model: LinearModel
    rule: IntArray


def cheapest_relaxation(
    grouped: GroupedModel,
    *,
    soft: Collection[int] | None = None,
    solver: str = "highs",
    limits: Limits | None = None,
    stop: Stop | None = None,
) -> Relaxation:
    """
    Find the relaxation of least weighted amount after which the rules no longer clash.

    Parameters
    ----------
    grouped
        The model and its rules.
    soft
        Numbers of the rules that may be relaxed; None for all.
    solver, limits, stop
        As in :func:`solve_model`.

    Returns
    -------
    Relaxation
        Amounts and objective are recomputed from the values of the columns; the values keep the
        model with its rules moved by the amounts, or the status is unknown.
    """
    chosen = sorted(grouped.all_groups if soft is None else soft)
    elastic = elastic_model(grouped, chosen)
    found = solve_model(elastic.model, solver=solver, limits=limits or Limits(), stop=stop)
    if found.solution is None:
        return Relaxation({}, found)
    values = found.solution[: grouped.model.num_columns]
    amounts = amounts_of(grouped, values)
    stubborn = sorted(number for number in amounts if number not in chosen)
    if stubborn:
        name = grouped.groups[stubborn[0]].name
        detail = f"a rule that may not be relaxed is broken: {name}"
        return Relaxation({}, _unknown(found, detail))
    broken = grouped.with_groups(()).violations(values)
    if broken:
        return Relaxation({}, _unknown(found, broken[0]))
    objective = sum(grouped.groups[number].price * amount for number, amount in amounts.items())
    bound = found.bound
    if bound is not None and objective < bound - 1e-5 * max(1.0, abs(bound)):
        return Relaxation({}, _unknown(found, f"{objective} lies below the bound {bound}"))
    result = replace(found, solution=values, objective=float(objective))
    if bound is not None and found.status is Status.OPTIMAL:
        result = replace(result, bound=min(bound, float(objective)))
    return Relaxation(amounts, result)


def _unknown(found: Result[FloatArray], detail: str) -> Result[FloatArray]:
    return replace(
        found,
        status=Status.UNKNOWN,
        reason=Reason.ERROR,
        solution=None,
        objective=None,
        bound=None,
        detail=detail,
    )


def amounts_of(grouped: GroupedModel, values: FloatArray) -> dict[int, float]:
    """
    By how much values miss each rule, summed over its rows and bounds; kept rules are left out.

    Parameters
    ----------
    values
        Of the columns of the model, shape (columns,).
    """
    model = grouped.model
    missed_row = missed_rows(grouped, values)
    missed_column = _missed(values, model.lower, model.upper)
    amounts = {
        number: float(missed_row[group.rows].sum() + missed_column[group.columns].sum())
        for number, group in enumerate(grouped.groups)
    }
    return {number: amount for number, amount in amounts.items() if amount > 0}


def missed_rows(grouped: GroupedModel, values: FloatArray) -> FloatArray:
    """By how much values miss each row, 0 where it is kept, shape (rows,)."""
    model = grouped.model
    return _missed(model.rows @ values, model.row_lower, model.row_upper)


def _missed(values: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Distance to the bounds; 0 where it is no more than rounding."""
    gap = np.maximum(np.maximum(lower - values, values - upper), 0.0)
    nearest = np.where(values < lower, lower, upper)
    size = np.maximum(1.0, np.abs(np.where(np.isfinite(nearest), nearest, 0.0)))
    return np.where(gap > 10 * TOLERANCE * size, gap, 0.0)


def elastic_model(grouped: GroupedModel, soft: Collection[int]) -> Elastic:
    """
    Build the elastic program: rules in ``soft`` may be relaxed at their price, all others hold.

    Parameters
    ----------
    grouped
        The model and its rules.
    soft
        Numbers of the rules that may be relaxed.
    """
    model = grouped.model
    lower, upper = model.lower.copy(), model.upper.copy()
    loose_lower, loose_upper = grouped.loose()
    rows, rule, sign, price = [], [], [], []
    bounded: list[int] = []
    for number in sorted(soft):
        group = grouped.groups[number]
        own = [(int(row), model.row_lower[row], model.row_upper[row]) for row in group.rows]
        for column in group.columns:
            own.append((model.num_rows + len(bounded), model.lower[column], model.upper[column]))
            bounded.append(int(column))
        lower[group.columns] = loose_lower[group.columns]
        upper[group.columns] = loose_upper[group.columns]
        for row, low, high in own:
            for side in ([1.0] if np.isfinite(low) else []) + ([-1.0] if np.isfinite(high) else []):
                rows.append(row)
                rule.append(number)
                sign.append(side)
                price.append(group.price)
    column = np.array(bounded, dtype=np.int64)
    extra = sparse.coo_array(
        (np.ones(column.size), (np.arange(column.size), column)),
        shape=(column.size, model.num_columns),
    )
    num_slacks, num_rows = len(rows), model.num_rows + column.size
    slacks = sparse.coo_array(
        (np.array(sign, dtype=float), (np.array(rows, dtype=np.int64), np.arange(num_slacks))),
        shape=(num_rows, num_slacks),
    )
    whole = sparse.csr_array(sparse.hstack([sparse.vstack([model.rows, extra]), slacks]))
    elastic = LinearModel(
        costs=np.r_[np.zeros(model.num_columns), np.array(price, dtype=float)],
        lower=np.r_[lower, np.zeros(num_slacks)],
        upper=np.r_[upper, np.full(num_slacks, np.inf)],
        integer=np.r_[model.integer, np.zeros(num_slacks, dtype=bool)],
        rows=whole,
        row_lower=np.r_[model.row_lower, model.lower[column]],
        row_upper=np.r_[model.row_upper, model.upper[column]],
        name=f"{model.name}, relaxed",
    )
    return Elastic(elastic, np.array(rule, dtype=np.int64))
