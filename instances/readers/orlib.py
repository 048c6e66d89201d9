"""
Instances of the OR-Library: p-median graphs, warehouse location and set covering.

J. E. Beasley (1990), "OR-Library: distributing test problems by electronic mail", Journal of the
Operational Research Society 41(11).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from ...models.formulation import FloatArray, IntArray
from ...models.siting.fixed_charge import FixedCharge
from ...models.siting.p_center import PCenter
from ...models.siting.p_median import PMedian
from ...models.siting.set_covering import SetCovering
from .numbers import NumberFile, read_numbers


def read_p_median(path: Path | str, *, p: int | None = None) -> PMedian:
    """
    Read a graph file ``pmed*`` as a p-median problem in which every node weighs 1.

    Parameters
    ----------
    path
        The file: ``n m p``, then m undirected edges ``i j cost``.
    p
        Number of sites to open; None for that of the file.

    Raises
    ------
    ValueError
        If the file breaks the format or its graph is not connected.
    """
    distances, published = read_graph_distances(path)
    return PMedian(distances, np.ones(len(distances)), published if p is None else p)


def read_p_center(path: Path | str, *, p: int | None = None) -> PCenter:
    """Read a graph file ``pmed*`` as a p-center problem; see :func:`read_p_median`."""
    distances, published = read_graph_distances(path)
    return PCenter(distances, published if p is None else p)


def read_graph_distances(path: Path | str) -> tuple[FloatArray, int]:
    """
    Read the shortest paths between all nodes of a graph file ``pmed*``, and its p.

    Of edges between the same two nodes the last one counts, even if it is longer: the published
    optima were computed so.

    Returns
    -------
    distances
        Shape (nodes, nodes).
    p
        Number of sites to open, as published.

    Raises
    ------
    ValueError
        If the file breaks the format or its graph is not connected.
    """
    file = read_numbers(path)
    (num_nodes,) = file.take_sizes("number of nodes")
    (num_edges,) = file.take_sizes("number of edges", low=0)
    (p,) = file.take_sizes("number p of sites", high=num_nodes)
    start = file.position
    table = file.take(3 * num_edges, "numbers of edges `i j cost`", low=0).reshape(-1, 3)
    file.finish()
    _check_ends(file, start, table[:, :2], num_nodes)
    ends = np.sort(table[:, :2].astype(np.int64) - 1, axis=1)
    distances = _shortest_paths(ends, table[:, 2], num_nodes)
    stranded = np.flatnonzero(~np.isfinite(distances[0]))
    if stranded.size:
        problem = f"expected a connected graph, node {stranded[0] + 1} is not reached from node 1"
        raise file.fault(file.values.size, problem)
    return distances, p


def _check_ends(file: NumberFile, start: int, ends: FloatArray, num_nodes: int) -> None:
    """Refuse the ends of an edge that are no node."""
    wrong = np.argwhere((ends < 1) | (ends > num_nodes) | (ends != np.rint(ends)))
    if wrong.size:
        edge, end = wrong[0]
        problem = f"expected a node from 1 to {num_nodes}, got {ends[edge, end]:g}"
        raise file.fault(start + 3 * int(edge) + int(end), problem)


def _shortest_paths(ends: IntArray, lengths: FloatArray, num_nodes: int) -> FloatArray:
    """Shortest paths of an undirected graph, the last of parallel edges counting."""
    key = (ends[:, 0] * num_nodes + ends[:, 1])[::-1]
    last = key.size - 1 - np.unique(key, return_index=True)[1]
    last = last[ends[last, 0] != ends[last, 1]]
    (i, j), length = ends[last].T, lengths[last]
    both = (np.r_[length, length], (np.r_[i, j], np.r_[j, i]))
    graph = sparse.csr_array(sparse.coo_array(both, shape=(num_nodes, num_nodes)))
    return np.asarray(csgraph.dijkstra(graph), dtype=np.float64)


def read_uncapacitated(path: Path | str) -> FixedCharge:
    """
    Read a warehouse file (``cap*``, ``Kcap*``) as uncapacitated facility location.

    The capacities of the file are ignored; see :func:`read_capacitated`.
    """
    fixed_costs, demand, costs, _ = _read_warehouses(path, 0.0)
    return FixedCharge(costs, fixed_costs, demand, None, single_source=False)


def read_capacitated(path: Path | str, *, capacity: float | None = None) -> FixedCharge:
    """
    Read a warehouse file ``cap*`` as capacitated facility location with split demand.

    Parameters
    ----------
    path
        The file: ``m n``, m times ``capacity fixed_cost``, then for each of n clients its demand
        and m costs of serving all of it.
    capacity
        Number to put in place of the word ``capacity`` of the files capa, capb and capc.

    Raises
    ------
    ValueError
        If the file breaks the format, or holds that word and ``capacity`` is None.
    """
    fixed_costs, demand, costs, capacities = _read_warehouses(path, capacity)
    return FixedCharge(costs, fixed_costs, demand, capacities, single_source=False)


def _read_warehouses(
    path: Path | str, capacity: float | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Read fixed costs, demands, costs (clients, sites) and capacities of a warehouse file."""
    try:
        file = read_numbers(path, words=None if capacity is None else {"capacity": capacity})
    except ValueError as error:
        if '"capacity"' in str(error):
            hint = "Give the capacity that the word stands for."
            raise ValueError(f"{error} {hint}") from None
        raise
    num_sites, num_clients = file.take_sizes("number of sites", "number of clients")
    sites = file.take(2 * num_sites, "numbers of sites `capacity fixed_cost`", low=0)
    capacities, fixed_costs = sites.reshape(-1, 2).T.copy()
    expected = f"numbers of {num_clients} clients, `demand` and {num_sites} costs each"
    rows = file.take(num_clients * (num_sites + 1), expected, low=0).reshape(num_clients, -1)
    file.finish()
    return fixed_costs, rows[:, 0].copy(), rows[:, 1:].copy(), capacities


def read_set_covering(path: Path | str) -> SetCovering:
    """
    Read a file ``scp*``: rows are clients, columns are sites.

    Parameters
    ----------
    path
        The file: ``m n``, n costs, then for each of m rows the number of columns that cover it
        and these columns, from 1.

    Raises
    ------
    ValueError
        If the file breaks the format.
    """
    file = read_numbers(path)
    num_clients, num_sites = file.take_sizes("number of rows", "number of columns")
    costs = file.take(num_sites, "costs of columns", low=0).copy()
    rows = []
    for row in range(1, num_clients + 1):
        (count,) = file.take_sizes(f"number of columns that cover row {row}")
        expected = f"columns that cover row {row}"
        rows.append(file.take_integers(count, expected, low=1, high=num_sites) - 1)
    file.finish()
    client = np.repeat(np.arange(num_clients), [row.size for row in rows])
    site = np.concatenate(rows)
    shape = (num_clients, num_sites)
    covers = sparse.csr_array(sparse.coo_array((np.ones(site.size), (client, site)), shape=shape))
    covers.sum_duplicates()
    covers.data[:] = 1
    return SetCovering(covers, costs)
