"""Balance without contiguity: if the units cannot be packed, no plan exists."""

from __future__ import annotations

import numpy as np

from ...models.districting.problem import Districting
from ...models.formulation import LinearModel, ModelBuilder
from ..limits import Limits, Stop
from ..result import Status
from ..solvers import solve_model


def packing_model(problem: Districting) -> LinearModel:
    """
    Balance without contiguity: node i in district d, all bounds and rules kept.

    If this has no solution, no plan has one. Where districts are interchangeable, node i is kept
    out of districts above i, the heaviest first.
    """
    n, k = problem.num_nodes, problem.num_districts
    builder = ModelBuilder("packing")
    may = problem.may_hold.astype(float)
    if problem.rules is None or not problem.rules.names_districts:
        heaviest = np.argsort(-problem.weights[:, 0], kind="stable")
        rank = np.empty(n, dtype=np.int64)
        rank[heaviest] = np.arange(n)
        may = (np.arange(k)[None, :] <= rank[:, None]).astype(float)
    x = builder.add_columns(np.zeros(n * k), upper=may.ravel(), integer=True).reshape(n, k)
    builder.add_rows(np.repeat(np.arange(n), k), x.ravel(), 1, lower=np.ones(n), upper=1)
    for w in range(problem.weights.shape[1]):
        builder.add_rows(
            np.tile(np.arange(k), n),
            x.ravel(),
            np.repeat(problem.weights[:, w], k),
            lower=problem.district_lower[:, w],
            upper=problem.district_upper[:, w],
        )
    if problem.rules is not None and problem.rules.apart is not None:
        one, other = problem.rules.apart.T
        row = np.arange(one.size * k).reshape(-1, k)
        builder.add_rows(
            np.concatenate([row, row], axis=None),
            np.concatenate([x[one], x[other]], axis=None),
            1,
            upper=np.ones(row.size),
        )
    return builder.build()


def packing_impossible(
    problem: Districting, *, solver: str, limits: Limits, stop: Stop | None = None
) -> bool:
    """Whether it is proven that the units cannot be balanced, even without contiguity."""
    result = solve_model(packing_model(problem), solver=solver, limits=limits, stop=stop)
    return result.status is Status.INFEASIBLE
