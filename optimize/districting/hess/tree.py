"""
Hess models on a few pairs, with contiguity added inside the search tree where it is broken.

Integer solutions are separated always. Where the model is small, contiguity usually binds: then
every node is separated from those that are not its neighbours from the start, and solutions of the
linear relaxation are separated by maximum flows as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....models.districting.hess import HessModel, hess_model
from ....models.districting.problem import Districting
from ....models.districting.separators import Separator, neighbour_separators
from ....models.formulation import BoolArray, FloatArray, IntArray
from ...limits import Limits, Stop
from ...result import Result
from ...search import Listen
from ...solvers.lazy import Cut, solve_with_cuts
from ..separator_cuts import HessSeparation

SMALL = 8000
"""Number of pairs up to which contiguity is separated eagerly."""

LEAST_BROKEN = 0.05
"""Amount by which a solution of the relaxation must break an inequality."""


@dataclass(frozen=True, eq=False)
class Found:
    """
    Outcome of one tree.

    Parameters
    ----------
    result
        What the solver found, checked.
    plan
        District of each node; None if no plan was found.
    separators
        Contiguity inequalities that disconnected solutions broke.
    """

    result: Result[FloatArray]
    plan: IntArray | None
    separators: list[Separator]


class HessTree:
    """
    A Hess model on some pairs, ready to be solved.

    Parameters
    ----------
    problem
        What is asked.
    allowed
        Pairs that get a variable, shape (nodes, nodes).
    eager
        Whether contiguity is separated eagerly; None to decide by the number of pairs.
    known
        Separators to state from the start.
    """

    def __init__(
        self,
        problem: Districting,
        allowed: BoolArray,
        *,
        eager: bool | None = None,
        known: Sequence[Separator] = (),
    ) -> None:
        """Build the model."""
        self.problem = problem
        self.eager = bool(allowed.sum() <= SMALL) if eager is None else eager
        cuts = neighbour_separators(problem) if self.eager else []
        self.hess: HessModel = hess_model(problem, allowed, [*cuts, *known])
        self.separation = HessSeparation(problem, self.hess, least=LEAST_BROKEN)

    def solve(
        self,
        *,
        solver: str,
        limits: Limits,
        plan: IntArray | None = None,
        cutoff: float | None = None,
        stop: Stop | None = None,
        listen: Listen | None = None,
    ) -> Found:
        """
        Solve.

        Parameters
        ----------
        plan
            A plan to start from; it may use pairs that are not in the model.
        cutoff
            Only plans below it are of interest, where the start cannot be used.
        solver, limits, stop, listen
            As for :func:`.lazy.solve_with_cuts`.
        """
        start = None
        if plan is not None:
            start = self.hess.start(self.problem.centres(plan)[plan], plan)
        result = solve_with_cuts(
            self.hess.model,
            self._broken,
            solver=solver,
            limits=limits,
            start=start,
            cutoff=None if start is not None else cutoff,
            stop=stop,
            listen=listen,
            separate_fractional=self.separation.broken_in_part if self.eager else None,
        )
        found = None if result.solution is None else self.hess.plan(result.solution)
        return Found(result, found, self.separation.found)

    def _broken(self, values: FloatArray) -> list[Cut]:
        return self.separation.broken_by(values)
