"""
Exact districting: a good plan, a Lagrangian bound, few variables, a small integer program.

The steps, each in a module of its own: plans by the heuristics; where they find none, a proof that
there is none, or a plan after all; the Lagrangian bound with variable fixing; a restricted Hess
model that polishes the plan; fixing again; the Hess model of what is left, with a,b-separators
added in its search tree. The plan is then proven optimal, or carries the better of the two bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ....instances.notes import all_of, note
from ....models.districting.label_rules import centre_bounds, rule_pairs
from ....models.districting.objective import Objective
from ....models.districting.problem import Districting
from ....models.formulation import BoolArray, IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Result, Status
from ...search import Listen
from ..conflicts import obvious_conflicts
from ..heuristics import find_plan
from ..search import Search
from .centre_tree import CentreTree
from .choose import Method, choose
from .existence import list_plans, look_for_a_plan
from .lagrangian import Fixing
from .tree import HessTree


class Effort(NamedTuple):
    """One round of heuristic and bound: starts, directions of the climb, directions per probe."""

    starts: int
    iterations: int
    probing: int


EFFORTS = (Effort(1, 300, 0), Effort(2, 300, 60), Effort(8, 600, 60))
"""Rounds before the first integer program; they end once few pairs are left."""

FEW = 3
"""Pairs per node that are few enough for the proof."""

MANY, NEAR = 2500, 0.02
"""Pairs above which, and gap up to which, the Lagrangian bound branches on centres."""

POLISHED = 6
"""Pairs per node of the restricted model that polishes the plan."""

WIDE, LISTING_SECONDS = 0.05, 10.0
"""Gap above which plans may be so few that they are listed, and how long that is tried."""

LEAST_POLISHED = 2000
"""Pairs up to which the proof needs no polished plan."""

MOST_PAIRS = 300_000
"""Pairs up to which a model is built."""


def solve_districting(
    problem: Districting,
    *,
    method: Method = "auto",
    limits: Limits | None = None,
    solver: str = "scip",
    weight_labels: Sequence[str] = ("residents", "households"),
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Divide a community into districts of least moment of inertia.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    method
        "auto" chooses by the size; "hess" and "large" force an engine.
    limits
        Time, gap, seed and threads.
    solver
        Backend of the integer programs. "scip" adds contiguity inside its tree.
    weight_labels
        What each weight is called, for messages.
    stop
        A request to stop; the best plan so far is kept.
    listen
        Called with (objective, bound) whenever one improves.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node. ``detail`` says what was chosen and why, or why there is no
        plan.

    Raises
    ------
    ValueError
        If there is no such method or solver.
    """
    limits = limits or Limits()
    choice = choose(problem, method)
    labels = [*weight_labels, *["weight"] * problem.weights.shape[1]][: problem.weights.shape[1]]
    if choice.method == "large":
        from ..large import solve_large  # noqa: PLC0415 - most problems are small

        return solve_large(problem, limits=limits, solver=solver, stop=stop, listen=listen)
    search = Search(
        problem=problem,
        evaluate=problem.evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
    )
    search.detail = choice.why
    conflicts = obvious_conflicts(problem, labels)
    if conflicts:
        search.rule_out(all_of(conflicts))
    elif problem.num_districts == 1:
        _take_whole(search)
    else:
        _HessEngine(search).run()
    return search.result()


def _take_whole(search: Search) -> None:
    """One district holds everything, or nothing does."""
    whole = np.zeros(search.problem.num_nodes, dtype=np.int64)
    broken = search.problem.violations(whole)
    if broken:
        search.rule_out(note("rules_broken", rules=broken[:3]))
        return
    search.offer(whole)
    search.raise_bound(search.objective)


class _HessEngine:
    """One solve by the Hess model."""

    def __init__(self, search: Search) -> None:
        self.search, self.problem = search, search.problem
        self.fixing = Fixing(self.problem, np.where(reachable_pairs(self.problem), -np.inf, np.inf))
        self.seed = search.limits.seed

    def run(self) -> None:
        """Do the steps until one of them closes the gap."""
        self._improve(EFFORTS[0].starts)
        if self.search.plan is None and not self.search.over:
            with self.search.timed("existence"):
                look_for_a_plan(self.search, share=0.4)
        self._narrow()
        if not self.search.done and self._gap > WIDE:
            self._list()
        if not self.search.done:
            self._finish()

    def _narrow(self) -> None:
        """Take turns of heuristic and bound until few pairs are left."""
        for effort in EFFORTS:
            if self.search.done:
                return
            if effort is not EFFORTS[0]:
                self._improve(effort.starts)
            self._tighten(effort)
            if self._num_pairs <= FEW * self.problem.num_nodes:
                return

    def _finish(self) -> None:
        """Branch on centres where the bound is close, else solve models."""
        if self._branches_on_centres:
            self.search.detail += f"; the bound branches on the centres of {self._num_pairs} pairs"
            with self.search.timed("solve"):
                CentreTree(self.search, self.fixing).run()
            return
        most = max(POLISHED * self.problem.num_nodes, LEAST_POLISHED)
        if self._num_pairs > most:
            self._polish()
            self._tighten(EFFORTS[-1])
        if not self.search.done:
            self._prove()

    @property
    def _gap(self) -> float:
        """Distance from plan to bound as a share of the plan; infinite without a plan."""
        objective = self.search.objective
        if not np.isfinite(objective):
            return np.inf
        return (objective - self.search.bound) / max(abs(objective), 1e-12)

    def _list(self) -> None:
        """List all plans, if there are few."""
        search = self.search
        allowed = self._allowed().astype(float)
        with search.timed("existence"):
            list_plans(
                search,
                allowed @ allowed.T > 0,
                seconds=min(LISTING_SECONDS, search.deadline.seconds_left / 10),
            )

    @property
    def _branches_on_centres(self) -> bool:
        """Whether many pairs are left although the gap is small."""
        return self._gap <= NEAR and self._num_pairs > MANY

    @property
    def _num_pairs(self) -> int:
        return int(self.fixing.allowed(self.search.objective).sum())

    def _improve(self, starts: int) -> None:
        """Search plans, from the best one known."""
        search, n = self.search, self.problem.num_nodes
        with search.timed("heuristic"):
            found = find_plan(
                self.problem,
                Objective(),
                seconds=min(search.deadline.seconds_left / 5, starts * seconds_a_start(n)),
                seed=self.seed,
                starts=starts,
                start=search.plan,
                stop=search.stop,
                listen=lambda _, objective: self._told(objective, None),
            )
        self.seed += 1
        if found.plan is not None:
            search.offer(found.plan)

    def _tighten(self, effort: Effort) -> None:
        """Climb the dual, then once more for each centre that is left."""
        search, fixing = self.search, self.fixing
        deadline = Deadline.after(search.deadline.seconds_left / 4)
        with search.timed("bound"):
            fixing.tighten(
                search.plan,
                search.objective,
                iterations=effort.iterations,
                deadline=deadline,
                stop=search.stop,
            )
            if effort.probing and search.plan is not None and fixing.bound < search.objective:
                fixing.probe(
                    search.objective,
                    iterations=effort.probing,
                    deadline=deadline,
                    stop=search.stop,
                )
        if np.isfinite(fixing.bound) or search.plan is not None:
            search.raise_bound(fixing.bound)
        else:
            search.rule_out(note("no_plan"))

    def _polish(self) -> None:
        """Solve the Hess model on the pairs of least bound."""
        allowed = self._allowed()
        most = max(POLISHED * self.problem.num_nodes, LEAST_POLISHED)
        ranked = np.where(allowed, self.fixing.pair_bounds, np.inf)
        allowed &= ranked <= np.partition(ranked, most, axis=None)[most]
        self._solve(self._with_plan(allowed), phase="polish", share=0.3)

    def _prove(self) -> None:
        """Solve the Hess model on all pairs that are left."""
        allowed = self._with_plan(self._allowed())
        if allowed.sum() > MOST_PAIRS:
            self.search.detail += f"; the {allowed.sum():,} pairs left are too many for a model"
            return
        self.search.detail += f"; one model of the {allowed.sum():,} pairs left"
        self._solve(allowed, phase="solve", share=1.0)

    def _allowed(self) -> BoolArray:
        return self.fixing.allowed(self.search.objective)

    def _with_plan(self, allowed: BoolArray) -> BoolArray:
        """Add the pairs of the best plan, so that it can start the model."""
        if self.search.plan is not None:
            centre_of = self.problem.centres(self.search.plan)[self.search.plan]
            allowed[np.arange(centre_of.size), centre_of] = True
        return allowed

    def _solve(self, allowed: BoolArray, *, phase: str, share: float) -> None:
        """Solve the Hess model on some pairs: a proof if these are all."""
        search, proof = self.search, share >= 1
        with search.timed(phase):
            found = HessTree(self.problem, allowed).solve(
                solver=search.solver,
                limits=search.limits.within(share * search.deadline.seconds_left),
                plan=search.plan,
                cutoff=search.objective if search.plan is not None else None,
                stop=search.stop,
                listen=self._told if proof else None,
            )
        search.heed(found.result)
        search.num_cuts += found.result.cuts
        if found.plan is not None:
            search.offer(found.plan)
        if not proof:
            return
        search.ended = found.result.reason
        if found.result.status is Status.INFEASIBLE:
            self._nothing_left()
        elif found.result.bound is not None:
            search.raise_bound(found.result.bound)

    def _told(self, objective: float | None, bound: float | None) -> None:
        """Pass on what the solver of all pairs reports."""
        search = self.search
        if search.listen is None:
            return
        value = min(search.objective, np.inf if objective is None else objective)
        proven = max(search.bound, -np.inf if bound is None else bound)
        search.listen(
            value if np.isfinite(value) else None,
            min(value, proven) if np.isfinite(proven) else None,
        )

    def _nothing_left(self) -> None:
        """No plan among the pairs that were left: the known one is optimal, or none exists."""
        if self.search.plan is None:
            self.search.rule_out(note("no_plan"))
        else:
            self.search.raise_bound(self.search.objective)


def seconds_a_start(num_nodes: int) -> float:
    """Seconds that one start of the heuristics is worth: tiny problems are solved by models."""
    return 0.02 + 0.005 * num_nodes


def reachable_pairs(problem: Districting) -> BoolArray:
    """
    Pairs (i, j) that the rules allow and some connected district within the upper bounds holds.

    A path from j to i through nodes whose weight exceeds the bound rules the pair out (the length
    bound of LCUT, Validi, Buchanan and Lykhovyd 2022).
    """
    allowed = rule_pairs(problem)
    graph, upper = problem.graph, centre_bounds(problem)[1]
    for w in np.flatnonzero(np.isfinite(problem.district_upper).any(axis=0)):
        entering = problem.weights[graph.indices, w] + 1e-9
        lengths = sparse.csr_array((entering, graph.indices, graph.indptr), shape=graph.shape)
        distance = dijkstra(lengths) + problem.weights[:, w][:, None]
        allowed &= upper[:, w] + 1e-6 >= distance.T
    own = np.arange(problem.num_nodes)
    allowed[own, own] = rule_pairs(problem)[own, own]
    return allowed
