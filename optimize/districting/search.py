"""What is known so far about one districting problem, whichever engine works on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ...instances.notes import note
from ...models.districting.problem import Districting
from ...models.districting.separators import Separator
from ...models.formulation import IntArray
from .. import search as base
from ..result import Result


@dataclass(kw_only=True)
class Search(base.Search[IntArray]):
    """
    Plan, bound and bookkeeping of one solve; see :class:`shequ.optimize.search.Search`.

    Parameters
    ----------
    problem
        What is asked.
    cuts
        Contiguity inequalities so far, besides the ``num_cuts`` that search trees added.
    """

    problem: Districting
    violations: Callable[[IntArray], list[str]] = field(init=False)
    cuts: list[Separator] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Check plans by the problem."""
        super().__post_init__()
        self.violations = self.problem.violations

    def result(self) -> Result[IntArray]:
        """State what is known; the objective is that of the checked plan."""
        result = super().result()
        if self.infeasible and not self.detail:
            result = result.telling(note("no_plan"))
        return replace(result, cuts=result.cuts + len(self.cuts))
