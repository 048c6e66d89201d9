"""
Solve p-median problems to proven optimality.

The steps, each in a module of its own: lists of near sites (:mod:`.near`); a plan by greedy choice
and swaps (:mod:`.starts`, :mod:`.plans`); the Lagrangian bound, which fixes sites and drops pairs
(:mod:`.dual`); then, on the core that is left, the radius model (:mod:`.core`) in a solver, or
sites tried one by one and a tree of open sites with the Lagrangian bound (:mod:`.tree`). If the
solver needs long, regions of the plan are chosen anew before (:mod:`.regions`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from .....models.formulation import FloatArray
from .....models.siting.allocation import Allocation
from .....models.siting.p_median import PMedian, p_median_model
from ....limits import Deadline, Limits, Stop
from ....result import Reason, Result, Status, relative_gap
from ....search import Listen, Search
from ....solvers.checked import solve_model
from .dual_kernels import CLOSED, OPEN, Steps
from .plans import best_plan, concentrate, greedy_start, improve, mean_plan
from .regions import improve_regions
from .solver import no_plan_left, prove_by_core, serves_all
from .state import Work, is_whole
from .tree import probe_sites, search_tree

METHODS: dict[str, str] = {
    "auto": "plan and bound first, then what fits the core that they leave",
    "core": "plan and bound, then the radius model of the core in a solver",
    "tree": "plan and bound, then branch and bound with the Lagrangian bound",
    "textbook": "the plain model of all pairs in a solver",
}

ROOT_STEPS = Steps(0.0, least_factor=1e-4, iterations=3000)
AGAIN_STEPS = Steps(0.0, factor=0.3, least_factor=1e-4, iterations=1000)

FIRST_PATIENCE = 20
LATER_PATIENCE = ((20, 1), (40, 4))
"""Rounds without gain after which a search ends: a number, and more for each open site."""

JOINS = 3
"""Times that plans are joined, as long as that gives a better one."""

TRIED, REGIONS = 0.15, 0.4
"""Shares of the time left for a first trial of the core's model, and then for better plans."""

WORTH_LOOKING = 5e-4
"""Gap up to which the plan is taken for the best, and all time is left to the proof."""

SMALL_CORE = 25_000
"""Pairs up to which the model of a core goes to a solver without any probing."""

FEW_SITES = 30
"""Open sites up to which the tree is searched: few are open, so it is not deep."""


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
        One of :data:`METHODS`. Where sites exclude each other, the tree gives way to the model.
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
        _solve_textbook(problem, search)
        return search.result()
    with search.timed("reduce"):
        work = Work.of(problem, search)
    lost = work.dual.unreached()
    if lost.size:
        search.infeasible = True
        search.detail = f"No site that may be open can serve client {work.ground.clients[lost[0]]}."
        return search.result()
    _find_and_bound(work)
    if not search.done:
        _close(work, method)
    return search.result()


def _solve_textbook(problem: PMedian, search: Search[Allocation]) -> None:
    """Solve the plain model."""
    built = p_median_model(problem)
    with search.timed("solve"):
        result: Result[FloatArray] = solve_model(
            built.model,
            solver=search.solver,
            limits=search.limits,
            stop=search.stop,
            listen=search.listen,
        )
    search.heed(result)
    search.detail = f"The plain model of all pairs in {search.solver}, as asked."
    if result.solution is not None:
        search.offer(built.decode(result.solution))
    search.infeasible = result.status is Status.INFEASIBLE
    if result.bound is not None:
        search.raise_bound(result.bound)
    if result.reason in {Reason.ERROR, Reason.TIME}:
        search.ended = result.reason


def _find_and_bound(work: Work) -> None:
    """Find a plan and a bound, and improve each on what the other leaves."""
    search = work.search
    with search.timed("heuristic"):
        improve(work, greedy_start(work), patience=FIRST_PATIENCE)
    _climb(work, ROOT_STEPS)
    search.detail = "The Lagrangian bound meets the plan."
    searches = [partial(_search_core, patience=a + b * work.most) for a, b in LATER_PATIENCE]
    steps: list[Callable[[Work], None]] = [_start_from_prices, *searches, _join_plans]
    for step in steps:
        if search.done:
            return
        step(work)


def _start_from_prices(work: Work) -> None:
    """Improve the choices that the bound makes."""
    with work.search.timed("heuristic"):
        improve(work, work.dual.chosen(), patience=0)
        improve(work, mean_plan(work), patience=0)


def _search_core(work: Work, *, patience: int) -> None:
    """Drop what no better plan uses, and search for one on what is left."""
    before = work.search.objective
    with work.search.timed("bound"):
        work.dual.reduce(work.cutoff)
    with work.search.timed("heuristic"):
        improve(work, best_plan(work), patience=patience)
    _follow(work, before)


def _join_plans(work: Work) -> None:
    """Find the best plan on the sites of several; with few open sites, the tree is faster."""
    if work.most <= FEW_SITES or work.apart.size or not work.dual.is_core:
        return
    for round_number in range(JOINS):
        before = work.search.objective
        with work.search.timed("heuristic"):
            concentrate(work, round_number)
        _follow(work, before)
        if work.search.done or work.search.objective == before:
            return


def _follow(work: Work, before: float) -> None:
    """Climb on towards a plan that is better than before, and drop more pairs."""
    search = work.search
    if search.objective < before:
        _climb(work, AGAIN_STEPS)
        if not search.done:
            with search.timed("bound"):
                work.dual.reduce(work.cutoff)


def _climb(work: Work, steps: Steps) -> None:
    """Raise the bound."""
    target, near = work.cutoff, work.dual.near
    if not np.isfinite(target):
        # Without a plan to aim at: what the plan costs in which each client is served last.
        target = 1.0 + float(near.cost[near.first[1:][near.lengths > 0] - 1].sum())
    with work.search.timed("bound"):
        work.dual.climb(target, steps=steps)
        work.raise_bound(work.dual.bound)


def _close(work: Work, method: str) -> None:
    """Prove the plan, or find the better one, on the core that is left."""
    search, dual = work.search, work.dual
    with search.timed("bound"):
        if not dual.is_core:
            dual.complete()
    if not dual.is_core:
        search.detail = "The lists of near sites would not fit into memory; the bound alone stands."
        search.ended = Reason.LIMIT
        return
    has_plan, few = np.isfinite(work.cutoff), work.most <= FEW_SITES
    with search.timed("solve"):
        if method == "auto" and has_plan and (few or dual.near.site.size > SMALL_CORE):
            _probe(work)
        may_tree = has_plan and not work.apart.size
        if search.done:
            return
        if may_tree and (method == "tree" or (method == "auto" and few)):
            search.detail = "Few sites are open: branch and bound with the Lagrangian bound."
            if search_tree(work):
                work.close()
        else:
            search.detail = "The radius model of the core that the bound left."
            _prove(work)


def _prove(work: Work) -> None:
    """Solve the core; if that takes long, look for better plans before it is done to the end."""
    search = work.search
    gap = relative_gap(search.objective, search.bound)
    far = gap is not None and gap > WORTH_LOOKING
    if far and work.most > FEW_SITES and not work.apart.size:
        prove_by_core(work, seconds=TRIED * search.deadline.seconds_left)
        if not search.done:
            _improve_regions(work)
    if not search.done:
        prove_by_core(work)


def _improve_regions(work: Work) -> None:
    """Better plans by regions, and what follows from them."""
    search, before = work.search, work.search.objective
    search.ended = Reason.TIME
    with search.timed("heuristic"):
        improve_regions(work, seconds=REGIONS * search.deadline.seconds_left)
    _follow(work, before)


def _probe(work: Work) -> None:
    """Close sites one by one, climb on with what is left, and drop more pairs."""
    dual, search = work.dual, work.search
    search.detail = "Each site that the bound left was tried and closed."
    probe_sites(work)
    if (dual.state == OPEN).sum() > work.most or not serves_all(dual.near, dual.state):
        no_plan_left(work)
        return
    dual.climb(work.cutoff, steps=AGAIN_STEPS)
    work.raise_bound(dual.bound)
    if not search.done and (dual.state != CLOSED).any():
        dual.reduce(work.cutoff)
