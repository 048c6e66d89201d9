"""Bounded shortest paths from many nodes: the compiled search, and scipy's in chunks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...optimize.result import Status
from ..ask import Answer, Ask
from ..problems import MicroTask
from ..registry import Method, register_method

CHUNK_CELLS = 4_000_000
"""Cells of the dense rows that scipy fills at a time."""

Pairs = tuple[Any, Any, Any]


def compiled_paths(graph: Any, sources: Any, ends: Any, limit: float) -> Pairs:  # noqa: ANN401
    """Search with a heap that touches nothing beyond the limit."""
    from ...instances.walking_search import bounded_paths  # noqa: PLC0415 - numba is slow to load

    return bounded_paths(graph, sources, ends, limit)


def scipy_paths(graph: Any, sources: Any, ends: Any, limit: float) -> Pairs:  # noqa: ANN401
    """Fill dense rows with scipy, a chunk of sources at a time, and keep what is within reach."""
    from scipy.sparse import csgraph  # noqa: PLC0415 - only here

    chunk = max(1, CHUNK_CELLS // graph.shape[0])
    starts, stops, lengths = [], [], []
    for begin in range(0, sources.size, chunk):
        reach = csgraph.dijkstra(graph, indices=sources[begin : begin + chunk], limit=limit)
        reach = np.atleast_2d(reach)[:, ends]
        start, stop = np.nonzero(np.isfinite(reach))
        starts.append(start + begin)
        stops.append(stop)
        lengths.append(reach[start, stop])
    return np.concatenate(starts), np.concatenate(stops), np.concatenate(lengths)


def search(problem: MicroTask, ask: Ask, *, find: Callable[..., Pairs]) -> Answer:
    """Search once; the pairs are the solution, for the check to look at."""
    with ask.phase(problem.task):
        made = find(*problem.subject)
    return Answer(status=Status.OPTIMAL, solution=made)


def compile_search(problem: MicroTask) -> None:
    """Search from one node, so that the compiled code is there before the clock runs."""
    graph, sources, ends, _ = problem.subject
    compiled_paths(graph, sources[:1], ends, 0.0)


for name, find, load in (
    ("shequ-paths", compiled_paths, compile_search),
    ("scipy-paths", scipy_paths, None),
):
    register_method(
        Method(
            name=name,
            families=frozenset({"micro-paths"}),
            run=partial(search, find=find),
            load=load,
            is_peer=load is None,
        )
    )
