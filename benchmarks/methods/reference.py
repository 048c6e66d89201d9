"""The reference job: the same work again and again, so that the machine's drift shows."""

from __future__ import annotations

import numpy as np

from ...models.siting.set_covering import SetCovering, set_covering_model
from ...optimize.result import Status
from ...optimize.solvers import solve_model
from ..ask import Answer, Ask, answer_of
from ..jobs import REFERENCE
from ..registry import Method, register_method

LOOPS = 8_000_000


def reference(problem: SetCovering, ask: Ask) -> Answer:
    """Count in Python, multiply in numpy, solve a small covering model in HiGHS."""
    with ask.phase("python"):
        total = 0
        for i in range(LOOPS):
            total += i & 7
    with ask.phase("numpy"):
        square = np.random.default_rng(total).random((600, 600))
        for _ in range(40):
            square = square @ square
            square /= square.max()
    with ask.phase("solve"):
        # The same work to the end, however short the limits of the other jobs are.
        result = solve_model(set_covering_model(problem).model, solver="highs")
    chosen = None if result.solution is None else np.asarray(result.solution > 0.5)
    return answer_of(result, chosen) if result.status is Status.OPTIMAL else answer_of(result, None)


register_method(Method(name=REFERENCE, families=frozenset({REFERENCE}), run=reference))
