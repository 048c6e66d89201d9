"""
PySAL's spopt: exact models of siting with PuLP's solvers, and a regionalisation for districts.

Feng, Barcelos, Gaboardi, Knaap, Wei, Wolf, Zhao and Rey (2022), "spopt: a python package for
solving spatial optimization problems in PySAL", Journal of Open Source Software 7(74).

spopt looks at PuLP's ``status`` alone. That is "Optimal" as soon as there is a solution, also when
the time limit cut the run short; spopt raises an error if there is none and otherwise reports the
model as solved. The answers here claim what a user of spopt is told: a run that raised nothing is
optimal, so its objective is a bound too. Where PuLP's ``sol_status`` knows better, the reason is
the time limit and the detail says so; whether the claim holds is for the judge to find out.

The covering models take a matrix of costs and a radius, so a pair that covers costs 0 and any
other 1. LSCP knows no costs of sites, and a case with other costs than 1 is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ...models.districting.problem import Districting
from ...models.formulation import FloatArray
from ...models.siting.maximal_covering import MaximalCovering
from ...models.siting.p_center import PCenter
from ...models.siting.p_median import PMedian
from ...models.siting.set_covering import SetCovering
from ...optimize.result import Reason, Status
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

SOLVERS = ("pulp-cbc", "pulp-highs")
RADIUS = 0.5


def lscp(spopt: Library, problem: SetCovering) -> Library:
    """Build the location set covering problem."""
    return spopt.locate.LSCP.from_cost_matrix(_reach(problem), RADIUS)


def mclp(spopt: Library, problem: MaximalCovering) -> Library:
    """Build the maximal covering location problem."""
    return spopt.locate.MCLP.from_cost_matrix(_reach(problem), problem.weights, RADIUS, problem.p)


def p_median(spopt: Library, problem: PMedian) -> Library:
    """Build the p-median problem."""
    return spopt.locate.PMedian.from_cost_matrix(pair_costs(problem), problem.weights, problem.p)


def p_center(spopt: Library, problem: PCenter) -> Library:
    """Build the p-center problem."""
    return spopt.locate.PCenter.from_cost_matrix(pair_costs(problem), problem.p)


BUILDS: Mapping[type, Callable[[Library, Problem], Library]] = {
    SetCovering: lscp,
    MaximalCovering: mclp,
    PMedian: p_median,
    PCenter: p_center,
}


def _reach(problem: SetCovering | MaximalCovering) -> FloatArray:
    """Return a matrix of costs, 0 where a site covers a client and else 1."""
    return np.where(problem.covers.toarray() > 0, 0.0, 1.0)


def locate(problem: Problem, ask: Ask) -> Answer:
    """Build a model of ``spopt.locate`` and solve it as its documentation does."""
    if isinstance(problem, SetCovering) and (problem.costs != 1).any():
        return refusal("spopt counts sites and knows no costs of them; this case has others than 1")
    if detail := too_large(problem):
        return refusal(detail)
    pulp, spopt = load(ask, "pulp"), load(ask, "spopt")
    with quiet():
        with ask.phase("build"):
            located = BUILDS[type(problem)](spopt, problem)
        note_pulp_size(ask, located.problem)
        with ask.phase("solve"):
            error = _solve(located, pulp_solver(pulp, ask))
        return claim(pulp, problem, located, error)


def _solve(located: Library, solver: Library) -> str:
    """Solve; return the error that spopt raises if it has no solution."""
    try:
        located.solve(solver)
    except RuntimeError as error:
        return str(error)
    return ""


def claim(pulp: Library, problem: Problem, located: Library, error: str) -> Answer:
    """
    Return what spopt tells its user of a model after a run, as an answer.

    Parameters
    ----------
    located
        Object of ``spopt.locate``: its ``problem`` is PuLP's, ``fac_vars`` are the sites.
    error
        What spopt raised; "" if nothing.
    """
    status, reason = pulp_ending(pulp, located.problem)
    maximize, version = isinstance(problem, MaximalCovering), versions("spopt", "pulp")
    if error:
        told = status if status is Status.INFEASIBLE else Status.UNKNOWN
        return Answer(
            status=told, reason=reason, maximize=maximize, solver_version=version, detail=error
        )
    is_open = np.array([(site.value() or 0) > 0.5 for site in located.fac_vars])
    solution = open_solution(problem, is_open)
    objective = objective_of(problem, solution)
    known = pulp.LpSolution[located.problem.sol_status]
    return Answer(
        status=Status.OPTIMAL,
        reason=reason,
        solution=solution,
        objective=objective,
        bound=objective,
        maximize=maximize,
        solver_version=version,
        detail="" if status is Status.OPTIMAL else f"solved for spopt; for PuLP: {known}",
    )


def region(problem: Districting, ask: Ask) -> Answer:
    """
    Merge neighbours into regions whose places vary least (``spopt.region.WardSpatial``).

    It takes no bounds on the weights, so its plans seldom keep the balance; the judge says. It has
    no random choices and no time limit either, but takes moments only.
    """
    pandas, weights, spopt = (load(ask, name) for name in ("pandas", "libpysal.weights", "spopt"))
    graph = problem.graph
    neighbours = {
        i: graph.indices[graph.indptr[i] : graph.indptr[i + 1]].tolist()
        for i in range(problem.num_nodes)
    }
    with quiet(), ask.phase("solve"):
        places = pandas.DataFrame(problem.location, columns=["x", "y"])
        pairs = weights.W(neighbours, silence_warnings=True)
        regions = spopt.region.WardSpatial(places, pairs, ["x", "y"], problem.num_districts)
        regions.solve()
    plan = np.asarray(regions.labels_, dtype=np.int64)
    return Answer(
        status=Status.FEASIBLE,
        reason=Reason.LIMIT,
        solution=plan,
        objective=problem.evaluate(plan),
        solver_version=versions("spopt"),
        detail="spopt.region keeps no bounds on the weights",
    )


register_method(
    Method(
        name="spopt",
        families=frozenset({"set-covering", "maximal-covering", "p-median"}),
        run=locate,
        solvers=SOLVERS,
        largest={"clients": 800},
        requires=("spopt", "pulp"),
        is_peer=True,
    )
)
register_method(
    Method(
        name="spopt-p-center",
        families=frozenset({"p-center"}),
        run=locate,
        solvers=SOLVERS,
        largest={"clients": 800},
        requires=("spopt", "pulp"),
        is_peer=True,
    )
)
register_method(
    Method(
        name="spopt-region",
        families=frozenset({"districting-inertia"}),
        run=region,
        largest={"units": 2000},
        requires=("spopt", "libpysal"),
        is_peer=True,
    )
)
