"""
The two objectives of a trade-off curve of station siting, each held while the other is best.

The ε-constraint method (Haimes, Lasdon and Wismer 1971, IEEE Transactions on Systems, Man, and
Cybernetics 1(3); Chankong and Haimes 1983) makes one objective a row. A point of the curve takes
two integer programs, one after the other, so that no plan is better in one objective and as good in
the other:

    served     v* = max residents served       subject to cost ≤ ε
               c* = min cost                   subject to residents served ≥ v*
    walking    w* = min resident-minutes       subject to cost ≤ ε and every rule
               c* = min cost                   subject to resident-minutes ≤ w* and every rule

The models are those of :mod:`.station_models`; here is the last one, which they lack.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from .station import StationSiting
from .station_models import StationModel, walking_model
from .station_overlap import with_rows


def cheapest_walking_model(problem: StationSiting, *, most_walking: float) -> StationModel:
    """
    Build the model of the cheapest plan whose residents walk at most so much.

    Parameters
    ----------
    problem
        What is asked; its rules are rows of the model.
    most_walking
        Most resident-minutes, as :meth:`StationSiting.walking` counts them.
    """
    enough = problem.cost(problem.everything()) + 1.0
    station = walking_model(problem, budget=enough)
    model = station.model
    columns = np.flatnonzero(model.costs)
    row = sparse.csr_array(
        (model.costs[columns], (np.zeros(columns.size, dtype=int), columns)),
        shape=(1, model.num_columns),
    )
    limited = with_rows(model, row, upper=np.array([most_walking - model.offset]))
    many = station.candidates.size
    costs = np.zeros(model.num_columns)
    costs[:many] = problem.fixed_cost[station.candidates]
    costs[many : many + station.sized.size] = problem.cost_per_m2[station.sized]
    required = problem.required & ~problem.existing
    offset = float(problem.fixed_cost[required].sum())
    return replace(
        station, model=replace(limited, costs=costs, offset=offset, name="walking-cheapest")
    )
