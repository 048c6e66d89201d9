"""
Station siting kept apart from earlier decisions.

Let y_j = 1 if candidate j opens, and let O_m be the candidates that an earlier decision m opens. A
decision is an alternative if of each earlier one it leaves out at least a share d of the stations,

    Σ_{j in O_m} y_j ≤ |O_m| - max(1, ⌈d |O_m|⌉)          every earlier decision m     (apart)

which also cuts off the earlier decision itself and every one that opens more besides. Among the
alternatives that cost at most B the first step minimises the stations shared,

    minimise Σ_m Σ_{j in O_m} y_j,

the Hamming distance to earlier solutions counted over what they open, as in the generation of
diverse solutions (Danna, Fenelon, Gu and Wunderling 2007, Integer Programming and Combinatorial
Optimization; Petit and Trapp 2019, INFORMS Journal on Computing 31(4)). The second step holds that
number and minimises walking. Both add rows to the models of :mod:`.station_models`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, LinearModel
from .station import StationSiting
from .station_models import StationModel, cheapest_model, walking_model


def least_overlap_model(
    problem: StationSiting, *, budget: float, earlier: Sequence[BoolArray], differ: float
) -> StationModel:
    """
    Build the model that shares as few stations with earlier decisions as possible.

    Parameters
    ----------
    problem
        What is asked; its rules are rows of the model.
    budget
        Largest cost.
    earlier
        Sites that each earlier decision opens, shape (sites,) each.
    differ
        Least share of the stations of each that are left out.
    """
    station = cheapest_model(problem)
    model = station.model
    columns = np.flatnonzero(model.costs)
    priced = with_rows(
        model,
        sparse.csr_array(
            (model.costs[columns], (np.zeros(columns.size, dtype=int), columns)),
            shape=(1, model.num_columns),
        ),
        upper=np.array([budget - model.offset]),
    )
    apart = _kept_apart(priced, station, earlier, differ)
    shared = _shared(station, earlier, model.num_columns)
    costs = np.asarray(shared.sum(axis=0), dtype=float).ravel()
    return replace(station, model=replace(apart, costs=costs, offset=0.0, name="overlap"))


def apart_walking_model(
    problem: StationSiting,
    *,
    budget: float,
    earlier: Sequence[BoolArray],
    differ: float,
    most_shared: float,
) -> StationModel:
    """
    Build the model of least walking among the alternatives that share few stations.

    Parameters
    ----------
    problem, budget, earlier, differ
        As for :func:`least_overlap_model`.
    most_shared
        Most stations shared, summed over the earlier decisions.
    """
    station = walking_model(problem, budget=budget)
    apart = _kept_apart(station.model, station, earlier, differ)
    total = _shared(station, earlier, apart.num_columns).sum(axis=0)
    row = sparse.csr_array(np.asarray(total).reshape(1, -1))
    limited = with_rows(apart, row, upper=np.array([most_shared]))
    return replace(station, model=replace(limited, name="apart"))


def most_kept(opened: BoolArray, differ: float) -> int:
    """
    Return how many stations of an earlier decision an alternative may open.

    Examples
    --------
    >>> most_kept(np.ones(20, dtype=bool), 0.12)
    17
    """
    many = int(opened.sum())
    return many - max(1, math.ceil(differ * many - 1e-9))


def with_rows(
    model: LinearModel,
    rows: sparse.csr_array,
    *,
    lower: FloatArray | None = None,
    upper: FloatArray | None = None,
) -> LinearModel:
    """Return a model with more rows; a bound that is None is infinite."""
    many = rows.shape[0]
    low = np.full(many, -np.inf) if lower is None else lower
    high = np.full(many, np.inf) if upper is None else upper
    return replace(
        model,
        rows=sparse.csr_array(sparse.vstack([model.rows, rows], format="csr")),
        row_lower=np.r_[model.row_lower, low],
        row_upper=np.r_[model.row_upper, high],
        row_name=None,
    )


def _shared(
    station: StationModel, earlier: Sequence[BoolArray], num_columns: int
) -> sparse.csr_array:
    """One row an earlier decision: 1 in the column of each station that it opens."""
    pattern = np.zeros((len(earlier), num_columns))
    for row, opened in enumerate(earlier):
        pattern[row, : station.candidates.size] = opened[station.candidates]
    return sparse.csr_array(pattern)


def _kept_apart(
    model: LinearModel, station: StationModel, earlier: Sequence[BoolArray], differ: float
) -> LinearModel:
    """Add that each earlier decision is left by the share that was asked."""
    most = np.array([most_kept(opened, differ) for opened in earlier], dtype=float)
    return with_rows(model, _shared(station, earlier, model.num_columns), upper=most)
