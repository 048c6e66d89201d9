"""The pairs that a bounded search found, compared with a plain heap search of a sample."""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np

from ..problems import MicroTask
from ..registry import register_check

SAMPLE = 20
TOLERANCE = 1e-9


def check_paths(task: MicroTask, made: tuple[Any, Any, Any]) -> tuple[float, list[str]]:
    """Search again from a sample of sources; pairs and lengths must be the same."""
    graph, sources, ends, limit = task.subject
    start, stop, length = made
    broken = []
    for row in np.linspace(0, sources.size - 1, SAMPLE).astype(int).tolist():
        mine = start == row
        found = dict(zip(ends[stop[mine]].tolist(), length[mine].tolist(), strict=True))
        far = bounded_heap(graph, int(sources[row]), limit)
        wanted = {node: far[node] for node in ends.tolist() if node in far}
        if found.keys() != wanted.keys():
            broken.append(f"source {row}: {len(found)} ends found, not {len(wanted)}")
        elif any(abs(found[node] - wanted[node]) > TOLERANCE for node in wanted):
            broken.append(f"source {row}: lengths differ")
    return math.fsum(length.tolist()), broken


def bounded_heap(graph: Any, source: int, limit: float) -> dict[int, float]:  # noqa: ANN401 - csr
    """Lengths from one node to all within the limit (Dijkstra 1959)."""
    far: dict[int, float] = {}
    heap = [(0.0, source)]
    while heap:
        length, node = heapq.heappop(heap)
        if node in far:
            continue
        far[node] = length
        here = slice(graph.indptr[node], graph.indptr[node + 1])
        for other, more in zip(
            graph.indices[here].tolist(), graph.data[here].tolist(), strict=True
        ):
            if other not in far and length + more <= limit:
                heapq.heappush(heap, (length + more, other))
    return far


register_check("micro-paths", check_paths)
