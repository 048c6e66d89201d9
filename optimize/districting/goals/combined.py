"""
Solve the combined formulation: a plan that keeps the caps, few variables, cuts inside the tree.

Moments of inertia that are capped, or that a known plan bounds, rule out most pairs of node and
centre by the Lagrangian bound before any column is built. Deviations that are bounded tighten the
bounds of the problem. Contiguity and the tangents of Polsby-Popper scores are added where a
solution breaks them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....instances.notes import all_of, note
from ....models.districting.combined import combined_model
from ....models.districting.combined_plan import CombinedModel, Inequality, needs_centres
from ....models.districting.measures import Geography, Parts
from ....models.districting.problem import Districting
from ....models.districting.separators import violated_separators
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...limits import Deadline, Limits, Stop
from ...result import Result, Status
from ...search import Listen
from ...solvers.lazy import Cut, solve_with_cuts, with_cuts
from ..conflicts import obvious_conflicts
from ..feasibility import packing_impossible
from ..hess.engine import reachable_pairs
from ..hess.lagrangian import Fixing
from ..labelling.engine import island_separators, node_separators
from .capped import CAP_TOLERANCE, CappedSearch, Limited, WeightedSum, bounded_problem
from .capped_starts import start_search

MOST_COLUMNS = 2_000_000
"""Columns of pairs and cut edges up to which the model is built."""

_MOST_ROWS_A_CUT = 400


def solve_combined(
    problem: Districting,
    target: WeightedSum,
    *,
    caps: Sequence[Limited] = (),
    geography: Geography,
    limits: Limits | None = None,
    solver: str | None = None,
    starts: Sequence[IntArray] = (),
    allowed: BoolArray | None = None,
    stop: Stop | None = None,
    listen: Listen | None = None,
) -> Result[IntArray]:
    """
    Find the plan of least weighted sum among those that keep the caps.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    target
        What is minimised.
    caps
        Sums that must not exceed their limits.
    geography
        Data of the measures.
    limits, stop, listen
        As for :func:`.engine.solve_districting`.
    solver
        Backend of the integer program; None for HiGHS where centres are free (its relaxations are
        large, and solutions nearly always connected), else SCIP, which adds cuts inside its tree.
    starts
        Plans to start from; those that break a cap only guide the heuristic.
    allowed
        Pairs (node, centre) that may be used, shape (nodes, nodes); None for all. The proof holds
        for plans of these pairs only.

    Returns
    -------
    Result of IntArray
        District 0..k-1 of each node.
    """
    limits = limits or Limits()
    objective = target.parts(problem)
    if solver is None:
        asked = [objective, *(cap.measured.parts(problem) for cap in caps)]
        solver = "highs" if needs_centres(problem, asked) else "scip"
    search = CappedSearch(
        problem=problem,
        evaluate=lambda plan: target.evaluate(problem, plan),
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
        is_whole=objective.is_whole,
        bound=0.0,
        caps=tuple(caps),
    )
    conflicts = obvious_conflicts(problem, ["weight"] * problem.weights.shape[1])
    if conflicts:
        search.rule_out(all_of(conflicts))
        return search.result()
    run = _Run(search, objective, geography, allowed)
    with search.timed("heuristic"):
        start_search(search, run.objective, run.caps, geography, starts)
    if search.plan is None and packing_impossible(
        problem, solver="highs", limits=limits.within(search.deadline.seconds_left / 4), stop=stop
    ):
        search.rule_out(note("unbalanceable"))
    if not search.done:
        run.prove()
    return search.result()


class _Run:
    """One solve of the combined formulation."""

    def __init__(
        self,
        search: CappedSearch,
        objective: Parts,
        geography: Geography,
        allowed: BoolArray | None,
    ) -> None:
        self.search, self.objective, self.geography = search, objective, geography
        self.allowed = allowed
        self.caps = [cap.cap(search.problem) for cap in search.caps]

    def prove(self) -> None:
        """Fix pairs, build the model, and solve it with cuts."""
        search = self.search
        problem = bounded_problem(search, self.objective, self.caps)
        parts = [self.objective, *(cap.parts for cap in self.caps)]
        allowed = None
        if needs_centres(problem, parts):
            with search.timed("bound"):
                allowed = self._allowed(problem)
            if not np.diag(allowed).any():
                self._nothing_left()
                return
            if self._columns(allowed) > MOST_COLUMNS:
                search.detail = "the model is too large to be built"
                return
        with search.timed("build"):
            model = combined_model(
                problem, self.objective, caps=self.caps, geography=self.geography, allowed=allowed
            )
        with search.timed("solve"):
            self._solve(model)

    def _columns(self, allowed: BoolArray) -> int:
        """Estimate the number of columns of the allowed pairs and their edges."""
        degree = self.search.problem.edges.reshape(-1, 2).shape[0] / allowed.shape[0]
        return int(allowed.sum() * (1 + degree))

    def _allowed(self, problem: Districting) -> BoolArray:
        """Pairs that a plan within the caps and better than the known one can use."""
        search = self.search
        allowed = reachable_pairs(problem)
        if self.allowed is not None:
            allowed &= self.allowed
        cutoff = self._most_inertia()
        if not np.isfinite(cutoff):
            return allowed & np.diag(allowed)[None, :]
        fixing = Fixing(problem, np.where(allowed, -np.inf, np.inf))
        for iterations in (600, 300):
            deadline = Deadline.after(search.deadline.seconds_left / 6)
            fixing.tighten(
                search.plan, cutoff, iterations=iterations, deadline=deadline, stop=search.stop
            )
        if fixing.bound < cutoff:
            deadline = Deadline.after(search.deadline.seconds_left / 6)
            fixing.probe(cutoff, iterations=60, deadline=deadline, stop=search.stop)
        if fixing.bound > cutoff * (1 + CAP_TOLERANCE) + CAP_TOLERANCE:
            return np.zeros_like(allowed)
        search.raise_bound(self.objective.inertia * fixing.bound)
        return fixing.allowed(cutoff * (1 + CAP_TOLERANCE))

    def _most_inertia(self) -> float:
        """Largest moment of inertia that a plan may have."""
        cutoffs = [limit / parts.inertia for parts, limit in self.caps if parts.inertia > 0]
        if self.objective.inertia > 0 and self.search.plan is not None:
            cutoffs.append(self.search.objective / self.objective.inertia)
        return min(cutoffs, default=np.inf)

    def _nothing_left(self) -> None:
        """No plan is left: the known one is optimal, or none keeps the caps."""
        if self.search.plan is None:
            self.search.rule_out(note("no_plan_within_caps"))
        else:
            self.search.raise_bound(self.search.objective)

    def _solve(self, model: CombinedModel) -> None:
        search = self.search

        def separate(values: FloatArray) -> list[Cut]:
            return [Cut(*row) for row in broken_rows(model, values)]

        result = solve_with_cuts(
            with_cuts(model.model, first_rows(model)),
            separate,
            solver=search.solver,
            limits=search.limits.within(search.deadline.seconds_left),
            start=None if search.plan is None else model.encode(search.plan),
            stop=search.stop,
            listen=search.listen,
        )
        search.heed(result)
        search.num_cuts += result.cuts
        search.ended = result.reason
        search.detail = search.detail or result.detail
        if result.status is Status.INFEASIBLE:
            self._nothing_left()
            return
        if result.solution is not None:
            search.offer(model.decode(result.solution))
        if result.bound is not None:
            search.raise_bound(result.bound)


def first_rows(model: CombinedModel) -> list[Cut]:
    """Rows that hold at once: who is too light for a district has a neighbour in its own."""
    if (model.slots.centre >= 0).any():
        return []
    slots = np.arange(model.slots.centre.size)
    separators = node_separators(model.problem)
    return [Cut(*row) for cut in separators for row in model.separate(cut, slots)]


def broken_rows(model: CombinedModel, values: FloatArray) -> list[Inequality]:
    """
    Inequalities that an integer solution breaks: contiguity first, then scores.

    Returns
    -------
    list of Inequality
        Empty if and only if every district is connected and no score is claimed too low.
    """
    slot = model.slot_of(values)
    centre = model.slots.centre
    rows: list[Inequality] = []
    if (centre[slot] >= 0).all():
        for cut in violated_separators(model.problem, centre[slot]):
            first = np.flatnonzero(centre == centre[slot[cut.island[0]]])
            others = np.setdiff1d(np.flatnonzero(np.isin(centre, cut.centres)), first)
            room = max(_MOST_ROWS_A_CUT // cut.island.size - first.size, 0)
            rows += model.separate(cut, np.r_[first, others[:room]])
    else:
        for cut in island_separators(model.problem, slot):
            rows += model.separate(cut, np.arange(centre.size))
    return rows or model.missing_tangents(values)
