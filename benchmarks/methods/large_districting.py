"""Many thousand units: the engine of shequ, and peers that need no square array."""

from __future__ import annotations

from ...models.districting.problem import Districting
from ...optimize.districting.large import solve_large
from ..ask import Answer, Ask, answer_of
from ..registry import Method, register_method
from .peer_gerrychain import recom
from .peer_spopt import region

LARGE = frozenset({"districting-large"})


def large(problem: Districting, ask: Ask) -> Answer:
    """Divide by power diagrams, and bound all plans by the dual with free centres."""
    result = solve_large(problem, limits=ask.limits_left(), solver=ask.solver, listen=ask.improved)
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


register_method(Method(name="large", families=LARGE, run=large, solvers=("highs",)))
register_method(
    Method(
        name="gerrychain-recom-large",
        families=LARGE,
        run=recom,
        requires=("gerrychain", "networkx"),
        is_peer=True,
    )
)
register_method(
    Method(
        name="spopt-region-large",
        families=LARGE,
        run=region,
        requires=("spopt", "libpysal"),
        is_peer=True,
    )
)
