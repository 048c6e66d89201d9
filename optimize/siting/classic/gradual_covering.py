"""
Gradual covering as maximal covering: one row for each step of each client's shares.

With the shares of client i in falling order v_1 > v_2 > ... > v_k (v_{k+1} = 0), the best open site
counts v_t just where a site of share v_t at least is open, so that

    w_i max_j f_ij y_j = Σ_t w_i (v_t - v_{t+1}) [some open j has f_ij ≥ v_t]

which is maximal covering with a row of weight w_i (v_t - v_{t+1}) for each step, solved by
:mod:`.maximal_covering`: exact, and as tight as the pair formulation (the radius formulation of
Cornuéjols, Nemhauser and Wolsey 1980, applied to shares).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from ....models.formulation import BoolArray
from ....models.siting.coverage import covering_pairs
from ....models.siting.gradual_covering import GradualCovering, gradual_covering_model
from ....models.siting.maximal_covering import MaximalCovering
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from .covering.finish import choose_method, new_search, solve_textbook
from .covering.maximal import solve_maximal

METHODS = {
    "auto": "steps of shares as rows of maximal covering, solved by its engine",
    "heuristic": "the same without an integer program",
    "textbook": "the plain model with a column for each pair",
}


def solve_gradual_covering(
    problem: GradualCovering,
    *,
    limits: Limits | None = None,
    solver: str | None = None,
    method: str = "auto",
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[BoolArray]:
    """
    Cover as much weight as possible, each client by the share of its best open site.

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
    )
    if method == "textbook":
        solve_textbook(search, gradual_covering_model(problem))
    else:
        with search.timed("reduce"):
            stepped = covering_by_steps(problem)
        solve_maximal(search, stepped, only_heuristic=method == "heuristic")
    return search.result()


def covering_by_steps(problem: GradualCovering) -> MaximalCovering:
    """Return the maximal covering problem with a row for each step; the same sites are best."""
    client, site = covering_pairs(problem.shares)
    share = problem.shares.data
    order = np.lexsort((-share, client))
    client, site, share = client[order], site[order], share[order]
    first = np.searchsorted(client, client)
    last_of_step = np.r_[(client[1:] != client[:-1]) | (share[1:] != share[:-1]), True]
    if not client.size:
        last_of_step = np.zeros(0, dtype=bool)
    ends = np.flatnonzero(last_of_step)
    lower = np.zeros(ends.size)
    same = np.flatnonzero(client[ends[:-1]] == client[ends[1:]]) if ends.size else ends
    lower[same] = share[ends[same + 1]]
    sizes = ends - first[ends] + 1
    indptr = np.r_[0, np.cumsum(sizes)]
    entries = np.arange(indptr[-1]) - np.repeat(indptr[:-1] - first[ends], sizes)
    covers = sparse.csr_array(
        (np.ones(entries.size), site[entries], indptr), shape=(ends.size, problem.num_sites)
    )
    weights = problem.weights[client[ends]] * (share[ends] - lower)
    if not ends.size:
        covers, weights = sparse.csr_array((1, problem.num_sites)), np.zeros(1)
    covers.sort_indices()
    return MaximalCovering(covers, weights, problem.p, problem.costs, problem.budget, problem.rules)
