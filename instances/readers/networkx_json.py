"""Neighbours in graphs as NetworkX and GerryChain write them: by links or by adjacency lists."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...models.districting.problem import Districting
from ...models.formulation import FloatArray, IntArray
from .json_fields import JsonFile

_LENGTH = "shared_perim"


def is_network(record: dict[str, Any]) -> bool:
    """Whether a JSON object is a graph of NetworkX: nodes with links, edges or adjacency."""
    if "nodes" not in record:
        return False
    links = record.get("links", record.get("edges"))
    by_name = isinstance(links, list) and all(isinstance(link, dict) for link in links)
    return "adjacency" in record or by_name


def graph_attributes(file: JsonFile) -> dict[str, Any]:
    """Attributes of the graph itself; NetworkX writes an object or a list of pairs."""
    given = file.record.get("graph") or {}
    try:
        return dict(given)
    except (TypeError, ValueError):
        raise file.fault("graph", f"an object, got {given!r}") from None


def network_edges(file: JsonFile) -> tuple[IntArray, FloatArray]:
    """
    Return edges, the smaller node first, and the lengths of their borders.

    Parameters
    ----------
    file
        A file with nodes (id and attributes) and adjacency (lists of ``{id: ...}``, one a node),
        links or edges (``{source: ..., target: ...}``); the length of a border is
        ``shared_perim``, 0 where there is none.

    Raises
    ------
    ValueError
        If an id belongs to no node, or a length is not a number of at least 0.
    """
    number = {node.get("id", i): i for i, node in enumerate(file.rows("nodes"))}
    found: dict[tuple[int, int], float] = {}
    for place, ends, link in _links(file):
        for end in ends:
            if not isinstance(end, str | int | float) or end not in number:
                raise file.fault(place, f"an id of a node, got {link}")
        i, j = (number[end] for end in ends)
        if i != j:
            found[min(i, j), max(i, j)] = _length(file, place, link)
    pairs = sorted(found)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array([found[e] for e in pairs])


def _links(file: JsonFile) -> list[tuple[str, tuple[Any, Any], dict[str, Any]]]:
    """Place, ends and attributes of every link."""
    if "adjacency" in file.record:
        nodes = file.rows("nodes")
        rows = file.rows("adjacency")
        if len(rows) != len(nodes):
            raise file.fault("adjacency", f"{len(nodes)} lists, one a node, got {len(rows)}")
        return [
            (f"adjacency[{i}]", (nodes[i].get("id", i), link.get("id")), link)
            for i, row in enumerate(rows)
            for link in row
        ]
    key = "links" if "links" in file.record else "edges"
    return [
        (f"{key}[{i}]", (link.get("source"), link.get("target")), link)
        for i, link in enumerate(file.field(key, list))
    ]


def _length(file: JsonFile, place: str, link: dict[str, Any]) -> float:
    """Length of the border of a link."""
    length = link.get(_LENGTH)
    if length is None:
        return 0.0
    usable = isinstance(length, int | float) and np.isfinite(length) and length >= 0
    if not usable:
        raise file.fault(place, f"{_LENGTH}, a number of at least 0, got {length!r}")
    return float(length)


def node_link_record(problem: Districting, border_lengths: FloatArray) -> dict[str, Any]:
    """
    Return a problem as NetworkX writes a graph: nodes with id, x, y and residents, and links.

    Parameters
    ----------
    problem
        Points in metres; its first weight counts the residents.
    border_lengths
        Length of the border of each edge in metres, shape (edges,).

    Returns
    -------
    dict
        ``graph`` says k, lower, upper and that coordinates are metres.
    """
    nodes = [
        {"id": f"u{i}", "x": round(float(x), 3), "y": round(float(y), 3), "residents": int(weight)}
        for i, ((x, y), weight) in enumerate(
            zip(problem.location, problem.weights[:, 0], strict=True)
        )
    ]
    links = [
        {"source": f"u{i}", "target": f"u{j}", "shared_perim": round(float(length), 3)}
        for (i, j), length in zip(problem.edges, border_lengths, strict=True)
    ]
    graph = {
        "k": problem.num_districts,
        "lower": int(problem.lower[0]),
        "upper": int(problem.upper[0]),
        "coordinates": "metres",
    }
    return {"directed": False, "multigraph": False, "graph": graph, "nodes": nodes, "links": links}
