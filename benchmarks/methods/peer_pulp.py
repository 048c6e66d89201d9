"""
Textbook models as a user writes them: expressions of PuLP, solved by the CBC that comes with it.

Variables of all: y_j = 1 if site j is open, x_ij = share of client i that site j serves. The
formulations are those of :mod:`shequ.models.siting`, which name their sources; here they are
written anew, so that time and memory of building them in Python count as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...models.formulation import FloatArray
from ...models.siting.allocation import Allocation, SplitAllocation
from ...models.siting.capacitated_p_median import CapacitatedPMedian
from ...models.siting.fixed_charge import FixedCharge
from ...models.siting.maximal_covering import MaximalCovering
from ...models.siting.p_center import PCenter
from ...models.siting.p_median import PMedian
from ...models.siting.set_covering import SetCovering
from ...optimize.result import Status
from ..ask import Answer, Ask
from ..registry import Method, register_method
from ._shared import (
    Library,
    Problem,
    load,
    note_pulp_size,
    objective_of,
    open_solution,
    pair_costs,
    pulp_ending,
    pulp_solver,
    quiet,
    refusal,
    too_large,
    versions,
)
from .siting_models import TEXTBOOK


@dataclass(eq=False)
class Textbook:
    """
    A model of PuLP and its variables.

    Parameters
    ----------
    model
        The ``LpProblem``.
    y
        Variable of each site.
    x
        Variable of each client and site; None in covering.
    """

    model: Library
    y: dict[int, Library]
    x: dict[int, dict[int, Library]] | None = None


def set_covering(pulp: Library, problem: SetCovering) -> Textbook:
    """Minimise Σ f_j y_j; Σ_{j covers i} y_j ≥ 1 for each client."""
    sites = range(problem.num_sites)
    model = pulp.LpProblem("set_covering", pulp.LpMinimize)
    y = pulp.LpVariable.dicts("y", sites, cat="Binary")
    model += pulp.lpSum(problem.costs[j] * y[j] for j in sites)
    for covering in _covering_sites(problem):
        model += pulp.lpSum(y[j] for j in covering) >= 1
    return Textbook(model, y)


def maximal_covering(pulp: Library, problem: MaximalCovering) -> Textbook:
    """Maximise Σ w_i s_i; s_i ≤ Σ_{j covers i} y_j for each client, Σ y_j = p."""
    clients, sites = range(problem.num_clients), range(problem.num_sites)
    model = pulp.LpProblem("maximal_covering", pulp.LpMaximize)
    y = pulp.LpVariable.dicts("y", sites, cat="Binary")
    s = pulp.LpVariable.dicts("s", clients, lowBound=0, upBound=1)
    model += pulp.lpSum(problem.weights[i] * s[i] for i in clients)
    for i, covering in enumerate(_covering_sites(problem)):
        model += s[i] <= pulp.lpSum(y[j] for j in covering)
    model += pulp.lpSum(y.values()) == problem.p
    return Textbook(model, y)


def p_median(pulp: Library, problem: PMedian) -> Textbook:
    """Minimise Σ w_i d_ij x_ij; every client is served by open sites, Σ y_j = p."""
    textbook = _served_by_open_sites(pulp, problem, name="p_median")
    textbook.model += _cost(pulp, textbook, problem.weights[:, None] * pair_costs(problem))
    textbook.model += pulp.lpSum(textbook.y.values()) == problem.p
    return textbook


def p_center(pulp: Library, problem: PCenter) -> Textbook:
    """Minimise r; Σ_j d_ij x_ij ≤ r for each client, all served by open sites, Σ y_j = p."""
    textbook = _served_by_open_sites(pulp, problem, name="p_center")
    model, x, distances = textbook.model, textbook.x or {}, pair_costs(problem).tolist()
    radius = pulp.LpVariable("r", lowBound=0)
    model += radius
    for i, shares in x.items():
        model += pulp.lpSum(distances[i][j] * share for j, share in shares.items()) <= radius
    model += pulp.lpSum(textbook.y.values()) == problem.p
    return textbook


def fixed_charge(pulp: Library, problem: FixedCharge) -> Textbook:
    """Minimise Σ f_j y_j + Σ c_ij x_ij; all served by open sites within their capacity."""
    is_whole = problem.capacity is not None and problem.single_source
    textbook = _served_by_open_sites(pulp, problem, name="fixed_charge", is_whole=is_whole)
    opening = pulp.lpSum(problem.fixed_costs[j] * y for j, y in textbook.y.items())
    textbook.model += opening + _cost(pulp, textbook, pair_costs(problem))
    if problem.capacity is not None:
        _limit_loads(pulp, textbook, problem.demand, problem.capacity)
    return textbook


def capacitated_p_median(pulp: Library, problem: CapacitatedPMedian) -> Textbook:
    """Minimise Σ d_ij x_ij, x binary; open sites within their capacity serve all, Σ y_j = p."""
    textbook = _served_by_open_sites(pulp, problem, name="capacitated_p_median", is_whole=True)
    textbook.model += _cost(pulp, textbook, pair_costs(problem))
    _limit_loads(pulp, textbook, problem.demand, problem.capacity)
    textbook.model += pulp.lpSum(textbook.y.values()) == problem.p
    return textbook


BUILDS: Mapping[type, Callable[[Library, Problem], Textbook]] = {
    SetCovering: set_covering,
    MaximalCovering: maximal_covering,
    PMedian: p_median,
    PCenter: p_center,
    FixedCharge: fixed_charge,
    CapacitatedPMedian: capacitated_p_median,
}


def _covering_sites(problem: SetCovering | MaximalCovering) -> list[list[int]]:
    """Return the sites that cover each client."""
    covers = problem.covers
    return [
        covers.indices[a:b].tolist() for a, b in zip(covers.indptr, covers.indptr[1:], strict=False)
    ]


def _served_by_open_sites(
    pulp: Library, problem: Problem, *, name: str, is_whole: bool = False
) -> Textbook:
    """Start a model: Σ_j x_ij = 1 for each client, x_ij ≤ y_j for each pair."""
    clients, sites = range(problem.num_clients), range(problem.num_sites)
    model = pulp.LpProblem(name, pulp.LpMinimize)
    y = pulp.LpVariable.dicts("y", sites, cat="Binary")
    kind = "Integer" if is_whole else "Continuous"
    x = pulp.LpVariable.dicts("x", (clients, sites), lowBound=0, upBound=1, cat=kind)
    for i in clients:
        model += pulp.lpSum(x[i].values()) == 1
        for j in sites:
            model += x[i][j] <= y[j]
    return Textbook(model, y, x)


def _cost(pulp: Library, textbook: Textbook, costs: FloatArray) -> Library:
    """Return Σ c_ij x_ij."""
    cost, x = costs.tolist(), textbook.x or {}
    return pulp.lpSum(cost[i][j] * share for i in x for j, share in x[i].items())


def _limit_loads(
    pulp: Library, textbook: Textbook, demand: FloatArray, capacity: FloatArray
) -> None:
    """Add Σ_i q_i x_ij ≤ Q_j y_j for each site."""
    load_of, x = demand.tolist(), textbook.x or {}
    for j, y in textbook.y.items():
        textbook.model += pulp.lpSum(load_of[i] * x[i][j] for i in x) <= float(capacity[j]) * y


def textbook(problem: Problem, ask: Ask) -> Answer:
    """Write the model in PuLP, solve it in CBC; claim what ``sol_status`` says."""
    if hasattr(problem, "demand") or isinstance(problem, (PMedian, PCenter)):
        detail = too_large(problem)
        if detail:
            return refusal(detail)
    pulp = load(ask, "pulp")
    with quiet():
        with ask.phase("build"):
            written = BUILDS[type(problem)](pulp, problem)
        note_pulp_size(ask, written.model)
        with ask.phase("solve"):
            written.model.solve(pulp_solver(pulp, ask))
    status, reason = pulp_ending(pulp, written.model)
    found = status in {Status.OPTIMAL, Status.FEASIBLE}
    solution = solution_of(problem, written) if found else None
    objective = objective_of(problem, solution) if found else None
    return Answer(
        status=status,
        reason=reason,
        solution=solution,
        objective=objective,
        bound=objective if status is Status.OPTIMAL else None,
        maximize=isinstance(problem, MaximalCovering),
        solver_version=versions("pulp"),
    )


def solution_of(problem: Problem, written: Textbook) -> Any:  # noqa: ANN401 - each family has its own
    """Read the solution: the closest open sites, or x where capacity limits them."""
    is_open = np.array([(y.value() or 0) > 0.5 for y in written.y.values()])
    if written.x is None or getattr(problem, "capacity", None) is None:
        return open_solution(problem, is_open)
    share = np.array([[x.value() or 0.0 for x in row.values()] for row in written.x.values()])
    if isinstance(problem, FixedCharge) and not problem.single_source:
        return SplitAllocation(is_open, np.where(is_open, np.maximum(share, 0), 0.0))
    return Allocation(is_open, share.argmax(axis=1).astype(np.int64))


register_method(
    Method(
        name="pulp-textbook",
        families=frozenset(TEXTBOOK),
        run=textbook,
        largest={"clients": 1000},
        requires=("pulp",),
        is_peer=True,
    )
)
