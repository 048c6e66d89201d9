"""
Cooperative covering: merge clients with equal signals, anneal, bound, and an integer program.

Signals above the threshold are capped, clients that all sites together cannot cover are gone, and
clients with equal capped signals are one: all exact.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from ....models.formulation import BoolArray, IntArray
from ....models.siting.cooperative_covering import (
    CooperativeCovering,
    cooperative_covering_model,
)
from ....models.siting.site_rules import SiteRules
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen, Search
from .covering.core import unrepeated
from .covering.finish import choose_method, new_search, solve_bounded, solve_textbook
from .covering.merge import RowMerger
from .covering.signals import SignalPlanner

METHODS = {
    "auto": "merged clients, annealing, the relaxation and an integer program",
    "heuristic": "merged clients and annealing only",
    "textbook": "the plain model of Berman, Drezner and Krass (2011)",
}

ROUNDS = ((200_000, 0.3), (2_000_000, 0.1))
"""Exchanges and first temperature of the annealings."""


def solve_cooperative_covering(
    problem: CooperativeCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Cover as much weight as possible where signals of open sites add up.

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
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of BoolArray
        Open sites. ``detail`` says what was done.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    choose_method(method, METHODS)
    search = new_search(
        violations=problem.violations,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        maximize=True,
        is_whole=bool((problem.weights % 1 == 0).all()),
    )
    if method == "textbook":
        solve_textbook(search, cooperative_covering_model(problem))
        return search.result()
    with search.timed("reduce"):
        smaller = merged_signals(problem)
    search.detail = (
        f"{problem.num_clients} clients x {problem.num_sites} sites merged to "
        f"{smaller.num_clients} clients"
    )
    with search.timed("heuristic"):
        _anneal(search, smaller)
    if method == "auto":
        built = cooperative_covering_model(smaller)
        solve_bounded(search, built.model, built.decode)
    return search.result()


def _anneal(search: Search[BoolArray], problem: CooperativeCovering) -> None:
    """Offer the plans of some annealings."""
    planner = SignalPlanner(problem, search.limits.seed)
    for steps, hot in ROUNDS:
        planner.improve(steps=steps, hot=hot, over=lambda: search.over)
        search.offer(planner.best_open)


def merged_signals(problem: CooperativeCovering) -> CooperativeCovering:
    """Cap signals, drop what cannot be covered or weighs nothing, and merge equal clients."""
    signals = unrepeated(sparse.csr_array(problem.signals))
    if not signals.has_sorted_indices:
        signals = signals.sorted_indices()
    capped = np.minimum(signals.data, problem.threshold)
    signals = sparse.csr_array((capped, signals.indices, signals.indptr), shape=signals.shape)
    lower, upper = (problem.rules or SiteRules()).bounds(problem.num_sites)
    del lower
    reachable = signals @ upper >= problem.needed
    kept = np.flatnonzero(reachable & (problem.weights > 0))
    if not kept.size:
        kept = np.zeros(1, dtype=np.int64)
    signals, weights = sparse.csr_array(signals[kept]), problem.weights[kept]
    group = _groups(signals)
    _, first = np.unique(group, return_index=True)
    merged = np.bincount(group, weights).astype(float)
    return replace(problem, signals=sparse.csr_array(signals[first]), weights=merged)


def _groups(signals: sparse.csr_array) -> IntArray:
    """Give equal rows one number, in the order of their first."""
    levels, level = np.unique(signals.data, return_inverse=True)
    keys = signals.indices.astype(np.int64) * levels.size + level
    if signals.shape[1] * levels.size >= 2**31:
        return np.arange(signals.shape[0])
    merger = RowMerger(int(signals.shape[1]) * levels.size)
    return merger.add(signals.indptr.astype(np.int64), keys.astype(np.int32))
