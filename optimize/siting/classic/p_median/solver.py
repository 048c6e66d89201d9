"""The radius model of what is left, in a solver, and what its answer means."""

from __future__ import annotations

import numpy as np

from .....models.formulation import FloatArray, IntArray
from ....result import Reason, Result, Status
from ....solvers.checked import solve_model
from .core import core_model
from .dual_kernels import CLOSED
from .near import Near
from .state import Work


def serves_all(near: Near, state: IntArray) -> bool:
    """Whether every client has a site left that is not closed."""
    alive = np.concatenate([[0], np.cumsum(state[near.site] != CLOSED)])
    return bool((np.diff(alive[near.first]) > 0).all())


def solve_core(
    work: Work, state: IntArray, *, seconds: float, near: Near | None = None
) -> Result[FloatArray] | None:
    """
    Solve the radius model of the sites that are not closed, and offer its plan.

    Parameters
    ----------
    work
        The solve; its lists must hold the whole core.
    state
        1 for open sites, -1 for closed ones, 0 else, shape (sites of the ground,).
    seconds
        Time limit, besides that of the solve.
    near
        Lists to use; None for those of the bound.

    Returns
    -------
    Result of FloatArray or None
        The solver's answer; None if some client has no site left, so that there is no plan.
    """
    search = work.search
    near = near or work.dual.near
    if not serves_all(near, state):
        return None
    core = core_model(near, state, least=work.least, most=work.most, apart=work.apart)
    result = solve_model(
        core.model,
        solver=search.solver,
        limits=search.limits.within(min(seconds, search.deadline.seconds_left)),
        cutoff=work.cutoff if np.isfinite(work.cutoff) else None,
        stop=search.stop,
    )
    search.heed(result)
    if result.solution is not None:
        is_open = np.zeros(state.size, dtype=bool)
        is_open[core.sites] = result.solution[: core.sites.size] > 0.5
        work.offer(is_open)
    return result


def prove_by_core(work: Work, *, seconds: float = np.inf) -> None:
    """Solve the core; what its answer says about the bound holds for all plans."""
    result = solve_core(work, work.dual.state, seconds=seconds)
    if result is None or result.status is Status.INFEASIBLE:
        no_plan_left(work)
        return
    if result.bound is not None:
        work.raise_bound(result.bound)
    if result.reason in {Reason.ERROR, Reason.TIME}:
        work.search.ended = result.reason


def no_plan_left(work: Work) -> None:
    """Take it as proven: the best plan is optimal, or there is none at all."""
    if work.search.plan is None:
        work.search.infeasible = True
        work.search.detail = "No choice of sites keeps the rules and serves every client."
    else:
        work.close()
