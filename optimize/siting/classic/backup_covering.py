"""
Backup covering: the least cost first, then as many clients as possible twice at that cost.

Both steps are proven on their own: the set covering by :mod:`.set_covering`, the backup by the
linear relaxation over merged clients, fixing, and the integer program of what is left.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ....models.formulation import BoolArray
from ....models.siting.backup_covering import BackupCovering, backup_covering_model
from ...limits import Limits, Stop
from ...result import Reason, Result, Status
from ...search import Listen
from .covering.core import unrepeated
from .covering.finish import choose_method, new_search, solve_bounded, solve_textbook
from .covering.merge import merge_clients
from .set_covering import solve_set_covering

METHODS = {
    "auto": "set covering first, then merged clients, the relaxation and an integer program",
    "textbook": "the two plain models of Hogan and ReVelle (1986), one after the other",
}


def solve_backup_covering(
    problem: BackupCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Cover all clients at the least cost (or within the budget), and most of them twice.

    Parameters
    ----------
    problem
        What is asked, with its rules.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs; None for HiGHS.
    method
        A name of ``METHODS``.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) of the backup whenever one improves.

    Returns
    -------
    Result of BoolArray
        Open sites; the objective is the weight covered twice. If the least cost is not proven, the
        result is "feasible" at best, and ``detail`` says so.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    choose_method(method, METHODS)
    chosen = limits or Limits()
    first = None
    if problem.budget is None:
        first = solve_set_covering(
            problem.without_backup,
            limits=replace(chosen, seconds=chosen.seconds / 2, gap=0.0),
            solver=solver,
            method=method,
            stop=stop,
        )
        if first.solution is None or first.objective is None:
            return replace(first, bound=None, maximize=True)
        problem = problem.at_cost(first.objective)
        chosen = chosen.within(chosen.seconds - first.total_seconds)
    search = new_search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=chosen,
        solver=solver,
        stop=stop,
        listen=listen,
        maximize=True,
        is_whole=bool((problem.client_weights % 1 == 0).all()),
    )
    if first is not None and first.solution is not None:
        search.offer(first.solution)
        search.detail = f"all clients are covered at a cost of {first.objective:g}"
    if method == "textbook":
        solve_textbook(search, backup_covering_model(problem))
    else:
        with search.timed("reduce"):
            merged, _ = merge_clients(unrepeated(problem.covers), problem.client_weights)
            smaller = replace(problem, covers=merged.covers, weights=merged.weights)
            built = backup_covering_model(smaller)
        solve_bounded(search, built.model, built.decode)
    return _both(first, search.result())


def _both(first: Result[BoolArray] | None, second: Result[BoolArray]) -> Result[BoolArray]:
    """Put the two steps together; without a proof of the first there is none of both."""
    if first is None:
        return second
    seconds = {
        phase: first.seconds.get(phase, 0.0) + second.seconds.get(phase, 0.0)
        for phase in [*first.seconds, *second.seconds]
    }
    second = replace(second, seconds=seconds, nodes=first.nodes + second.nodes)
    if first.status is Status.OPTIMAL or second.status is not Status.OPTIMAL:
        return second
    bound = np.nan if first.bound is None else first.bound
    return replace(
        second,
        status=Status.FEASIBLE,
        reason=first.reason if first.reason is not Reason.PROVEN else Reason.TIME,
        detail=f"{second.detail}, which is not proven least (bound {bound:g})",
    )
