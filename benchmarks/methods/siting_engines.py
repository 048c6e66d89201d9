"""The engines of siting, each family by the registry of :mod:`shequ.optimize.siting.classic`."""

from __future__ import annotations

from typing import Any

from ...models.siting.maximal_covering import MaximalCovering
from ...optimize.compiled import start_numba
from ...optimize.siting.classic.covering.merge import merge_points
from ...optimize.siting.classic.registry import engine_of, solve_siting
from ..ask import Answer, Ask, answer_of
from ..problems import ClientStream
from ..registry import Method, register_method

FAMILIES = frozenset(
    {
        "p-median", "p-center", "set-covering", "maximal-covering", "covering-stream",
        "uncapacitated", "capacitated", "single-source", "capacitated-p-median",
        "modular-floor-area", "p-dispersion", "backup-covering", "partial-covering",
    }
)  # fmt: skip


def engine(problem: Any, ask: Ask) -> Answer:  # noqa: ANN401 - each family has its own
    """Solve by the engine, with the solvers that it chooses itself."""
    if isinstance(problem, ClientStream):
        problem = _merged(problem, ask)
    result = solve_siting(
        problem, solver=ask.solver or None, limits=ask.limits_left(), listen=ask.improved
    )
    if result.model_size is not None:
        ask.note_size(*result.model_size)
    return answer_of(result, result.solution)


def _merged(stream: ClientStream, ask: Ask) -> MaximalCovering:
    """Merge clients that the same sites cover, batch by batch."""
    with ask.phase("merge"):
        merged = merge_points(stream.batches(), stream.sites, radius=stream.radius)
    return MaximalCovering(merged.covers, merged.weights, stream.p)


def load(problem: Any) -> None:  # noqa: ANN401 - each family has its own
    """Import the engine, and start numba."""
    if not isinstance(problem, ClientStream):
        engine_of(problem).load()
    start_numba()


register_method(Method(name="shequ", families=FAMILIES, run=engine, load=load))
