"""
Solve p-median problems to proven optimality.

The steps, each in a module of its own: lists of near sites (:mod:`.near`); a plan by greedy choice
and swaps (:mod:`.starts`); the Lagrangian bound, which fixes sites and drops pairs (:mod:`.dual`);
then, on the core that is left, either the radius model (:mod:`.core`) in a solver, or sites tried
one by one and a tree of open sites with the Lagrangian bound (:mod:`.tree`).
"""

from __future__ import annotations

import numpy as np

from .....models.siting.allocation import Allocation
from .....models.siting.p_median import PMedian, p_median_model
from ....limits import Deadline, Limits, Stop
from ....result import Reason, Result, Status
from ....search import Listen, Search
from ....solvers.checked import solve_model
from .core import core_model
from .dual_kernels import CLOSED, OPEN, Steps
from .starts import board_of, greedy_plan, improved
from .state import Work, is_whole
from .tree import probe_sites, search_tree

METHODS: dict[str, str] = {
    "auto": "bound first, then what fits the core that is left",
    "core": "bound and fixing, then the radius model of the core in a solver",
    "tree": "bound and fixing, then branch and bound with the Lagrangian bound",
    "textbook": "the plain model of all pairs in a solver",
}

ROOT_STEPS = Steps(0.0, least_factor=1e-4, iterations=3000)
AGAIN_STEPS = Steps(0.0, factor=0.3, least_factor=1e-4, iterations=1000)

SMALL_CORE = 25_000
"""Radius sets up to which the model of the core goes to a solver at once."""

FEW_SITES = 30
"""Open sites up to which the tree is searched."""


def solve_p_median(
    problem: PMedian,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[Allocation]:
    """
    Open p sites so that clients travel least.

    Parameters
    ----------
    problem
        What is asked.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the models; None for HiGHS.
    method
        One of :data:`METHODS`.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of Allocation
        Open sites and the site of each client. ``detail`` says what was chosen and why. The phases
        of ``seconds`` are "reduce", "heuristic", "bound" and "solve".

    Raises
    ------
    ValueError
        If the method or the solver is unknown.
    """
    if method not in METHODS:
        raise ValueError(f"method is {method!r}, expected one of {', '.join(METHODS)}.")
    limits = limits or Limits()
    search = Search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver or "highs",
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
        is_whole=is_whole(problem),
    )
    if method == "textbook":
        _textbook(problem, search)
        return search.result()
    with search.timed("reduce"):
        work = Work.of(problem, search)
    lost = work.dual.unreached()
    if lost.size:
        search.infeasible = True
        search.detail = f"No site can serve client {work.ground.clients[lost[0]]}."
        return search.result()
    _bound(work)
    if not search.done:
        _close(work, method)
    return search.result()


def _textbook(problem: PMedian, search: Search[Allocation]) -> None:
    """Solve the plain model."""
    built = p_median_model(problem)
    with search.timed("solve"):
        result = solve_model(
            built.model,
            solver=search.solver,
            limits=search.limits,
            stop=search.stop,
            listen=search.listen,
        )
    search.heed(result)
    search.detail = f"The plain model of all pairs in {search.solver}."
    if result.solution is not None:
        search.offer(built.decode(result.solution))
    _heed_ending(search, result)


def _heed_ending(search: Search[Allocation], result: Result[np.ndarray]) -> None:
    search.infeasible = result.status is Status.INFEASIBLE and search.plan is None
    if result.bound is not None:
        search.raise_bound(result.bound)
    if result.reason in {Reason.ERROR, Reason.TIME}:
        search.ended = result.reason


def _bound(work: Work) -> None:
    """Find a plan and a bound, and improve both on what they leave over."""
    search, dual = work.search, work.dual
    with search.timed("heuristic"):
        board = board_of(dual.near, dual.state, work.apart)
        _improve(work, greedy_plan(board, work.most), patience=20)
    with search.timed("bound"):
        dual.climb(_target(work), steps=ROOT_STEPS)
        work.raise_bound(dual.bound)
    with search.timed("heuristic"):
        if not search.done:
            _improve(work, dual.chosen(), patience=0)
            _improve(work, _best_mean(work), patience=0)
    for patience in (50 + work.most, 100 + 4 * work.most):
        if search.done:
            return
        with search.timed("bound"):
            dual.reduce(work.cutoff)
        before = search.objective
        with search.timed("heuristic"):
            _improve(work, _incumbent(work), patience=patience)
        if search.objective < before:
            with search.timed("bound"):
                dual.climb(_target(work), steps=AGAIN_STEPS)
                work.raise_bound(dual.bound)
    if not search.done:
        with search.timed("bound"):
            dual.reduce(work.cutoff)


def _target(work: Work) -> float:
    """Bound to aim at: the cutoff, or what the plan that costs most may cost."""
    if np.isfinite(work.cutoff):
        return work.cutoff
    near = work.dual.near
    return 1.0 + float(near.cost[near.first[1:] - 1].sum())


def _incumbent(work: Work) -> np.ndarray:
    """Open sites of the best plan, or a greedy choice if there is none."""
    plan = work.search.plan
    if plan is None:
        return greedy_plan(board_of(work.dual.near, work.dual.state, work.apart), work.most)
    return plan.is_open[work.ground.sites]


def _best_mean(work: Work) -> np.ndarray:
    """Sites that the bound chose most often at last."""
    mean = np.where(work.dual.state == OPEN, np.inf, work.dual.scratch.mean)
    mean = np.where(work.dual.state == CLOSED, -np.inf, mean)
    is_open = np.zeros(mean.size, dtype=bool)
    is_open[np.argsort(-mean, kind="stable")[: work.most]] = True
    return is_open


def _improve(work: Work, is_open: np.ndarray, *, patience: int) -> None:
    """Swap sites of a plan; where a client found none in its list, with a longer one again."""
    dual = work.dual
    for attempt in range(4):
        board = board_of(dual.near, dual.state, work.apart)
        found = improved(
            board, is_open, rounds=100 * patience, patience=patience, seed=work.search.limits.seed
        )
        work.offer(found)
        served = np.bincount(
            np.repeat(np.arange(dual.near.num_clients), dual.near.lengths),
            found[dual.near.site],
            minlength=dual.near.num_clients,
        )
        if attempt == 3 or not dual.lengthen(np.flatnonzero(served < 1)):
            return
        is_open = found


def _close(work: Work, method: str) -> None:
    """Prove the plan, or find the better one, on the core that is left."""
    search, dual = work.search, work.dual
    with search.timed("bound"):
        if not dual.is_core:
            dual.complete()
    if not dual.is_core:
        search.detail = "The lists of near sites outgrew the memory before the core was known."
        return
    few = work.most <= FEW_SITES
    small = _num_sets(work) <= SMALL_CORE and not few
    if method == "auto" and not small:
        with search.timed("solve"):
            _probe(work)
        if search.done:
            search.detail = "Proven by trying each site that the bound had left."
            return
    with search.timed("solve"):
        may_tree = not work.apart.size and np.isfinite(work.cutoff)
        if may_tree and (method == "tree" or (method == "auto" and few)):
            search.detail = "Branch and bound with the Lagrangian bound."
            if search_tree(work):
                work.close()
        else:
            search.detail = "The radius model of the core."
            _solve_core(work)


def _probe(work: Work) -> None:
    """Close sites one by one, climb on with what is left, and drop more pairs."""
    dual = work.dual
    if not np.isfinite(work.cutoff):
        return
    probe_sites(work)
    if (dual.state == OPEN).sum() > work.most or not _serves_all(work):
        work.close()
        return
    dual.climb(_target(work), steps=AGAIN_STEPS)
    work.raise_bound(dual.bound)
    if not work.search.done:
        dual.reduce(work.cutoff)


def _serves_all(work: Work) -> bool:
    """Whether every client has a site left that is not closed."""
    near = work.dual.near
    alive = np.concatenate([[0], np.cumsum(work.dual.state[near.site] != CLOSED)])
    return bool((np.diff(alive[near.first]) > 0).all())


def _num_sets(work: Work) -> int:
    """Upper bound on the radius sets of the core."""
    near = work.dual.near
    alive = work.dual.state[near.site] != CLOSED
    return int(alive.sum())


def _solve_core(work: Work) -> None:
    """Solve the radius model of the core."""
    search, dual = work.search, work.dual
    if not _serves_all(work):
        _no_better(work)
        return
    core = core_model(dual.near, dual.state, least=work.least, most=work.most, apart=work.apart)
    cutoff = work.cutoff if np.isfinite(work.cutoff) else None
    result = solve_model(
        core.model,
        solver=search.solver,
        limits=search.limits.within(search.deadline.seconds_left),
        cutoff=cutoff,
        stop=search.stop,
    )
    search.heed(result)
    if result.solution is not None:
        is_open = np.zeros(work.ground.sites.size, dtype=bool)
        is_open[core.sites] = result.solution[: core.sites.size] > 0.5
        work.offer(is_open)
    if result.status is Status.INFEASIBLE:
        _no_better(work)
    elif result.bound is not None:
        work.raise_bound(result.bound)
    if result.reason in {Reason.ERROR, Reason.TIME}:
        search.ended = result.reason


def _no_better(work: Work) -> None:
    """Take it as proven that no plan is left: the best one is optimal, or there is none at all."""
    if work.search.plan is None:
        work.search.infeasible = True
        work.search.detail = "No choice of sites keeps the rules and serves every client."
    else:
        work.close()
