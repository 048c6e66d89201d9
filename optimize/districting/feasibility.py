"""Reasons why a districting problem has no solution, cheapest first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components

from ...models.districting.problem import Districting
from ...models.formulation import LinearModel, ModelBuilder
from ..limits import Limits, Stop
from ..result import Status
from ..solvers import solve_model


def obvious_conflicts(problem: Districting, labels: Sequence[str]) -> list[str]:
    """
    Conflicts that need no solver, in words.

    Parameters
    ----------
    labels
        What each weight is called, for messages: residents, households, ...
    """
    found = _too_large(problem, labels) + _wrong_total(problem, labels)
    num_parts, part = connected_components(problem.graph, directed=False)
    if num_parts > problem.num_districts:
        rest = np.flatnonzero(part != np.argmax(np.bincount(part)))
        names = ", ".join(problem.name(int(i)) for i in rest[:5])
        found.append(
            f"it falls into {num_parts} parts that do not touch, more than its "
            f"{problem.num_districts} districts (outside the largest part: {names})"
        )
    return found


def _too_large(problem: Districting, labels: Sequence[str]) -> list[str]:
    over = np.argwhere(problem.weights > problem.upper + 1e-9)
    return [
        f"{problem.name(int(i))} alone has {problem.weights[i, w]:,.0f} {labels[w]}, more than a "
        f"district may have ({problem.upper[w]:,.0f})"
        for i, w in over[:5]
    ]


def _wrong_total(problem: Districting, labels: Sequence[str]) -> list[str]:
    total, k = problem.weights.sum(axis=0), problem.num_districts
    found = []
    for w, label in enumerate(labels):
        if total[w] > k * problem.upper[w] + 1e-9:
            found.append(
                f"{total[w]:,.0f} {label} do not fit into {k} districts of at most "
                f"{problem.upper[w]:,.0f}"
            )
        if total[w] < k * problem.lower[w] - 1e-9:
            found.append(
                f"{total[w]:,.0f} {label} are too few for {k} districts of at least "
                f"{problem.lower[w]:,.0f}"
            )
    return found


def packing_model(problem: Districting) -> LinearModel:
    """
    Balance without contiguity: node i in district d, all bounds kept.

    If this has no solution, no plan has one. Districts are interchangeable, so node i is kept
    out of districts above i.
    """
    n, k = problem.num_nodes, problem.num_districts
    builder = ModelBuilder("packing")
    heaviest = np.argsort(-problem.weights[:, 0], kind="stable")
    rank = np.empty(n, dtype=np.int64)
    rank[heaviest] = np.arange(n)
    upper = (np.arange(k)[None, :] <= rank[:, None]).astype(float)
    x = builder.add_columns(np.zeros(n * k), upper=upper.ravel(), integer=True).reshape(n, k)
    builder.add_rows(np.repeat(np.arange(n), k), x.ravel(), 1, lower=np.ones(n), upper=1)
    for w in range(problem.weights.shape[1]):
        builder.add_rows(
            np.tile(np.arange(k), n),
            x.ravel(),
            np.repeat(problem.weights[:, w], k),
            lower=np.full(k, problem.lower[w]),
            upper=problem.upper[w],
        )
    return builder.build()


def packing_impossible(
    problem: Districting, *, solver: str, limits: Limits, stop: Stop | None = None
) -> bool:
    """Whether it is proven that the units cannot be balanced, even without contiguity."""
    result = solve_model(packing_model(problem), solver=solver, limits=limits, stop=stop)
    return result.status is Status.INFEASIBLE
