"""Sites tried one by one, and the Lagrangian branch and bound."""

from __future__ import annotations

import numpy as np

from ....limits import Deadline
from .dual_kernels import FREE, Steps, new_scratch
from .state import Work
from .tree_kernels import explore, new_tree, plant, probe

PROBE_STEPS = Steps(0.0, iterations=1000, trial=60, share=0.3)
TREE_STEPS = Steps(0.0, least_factor=1e-2, patience=40, iterations=500, trial=30, share=0.4)

PROBES = 50
"""Sites tried before the clock is looked at."""

PROBE_SHARE = 0.25
"""Share of the time left that trying sites may take."""

LEAST_YIELD = 0.1
"""Share of a bunch of sites that must be closed for the next bunch to be tried."""

NODES = 50
"""Nodes of the tree visited before the clock is looked at."""

MOST_LEVELS = 400


def probe_sites(work: Work) -> int:
    """Try to open each free site alone, the least promising first; returns how many closed."""
    dual, closed = work.dual, 0
    dual.chosen()
    order = np.argsort(-dual.scratch.reduced, kind="stable")
    order = order[dual.state[order] == FREE]
    steps = PROBE_STEPS._replace(target=work.cutoff)
    end = Deadline.after(PROBE_SHARE * work.search.deadline.seconds_left)
    for begin in range(0, order.size, PROBES):
        bunch = order[begin : begin + PROBES]
        bunch = bunch[dual.state[bunch] == FREE]
        if work.search.done or end.passed:
            break
        found = probe(dual.near, dual.point, dual.state, dual.count, steps, bunch, dual.scratch)
        closed += found
        if bunch.size and found < LEAST_YIELD * bunch.size:
            break
    return closed


def search_tree(work: Work) -> bool:
    """
    Search all plans below the cutoff; whether that came to an end.

    Without pairs of sites that exclude each other only. The lists must hold the whole core.
    """
    dual, alive = work.dual.compressed()
    num_clients, num_sites = dual.near.num_clients, dual.near.num_sites
    levels = min(num_sites, MOST_LEVELS) + 2
    unit = work.unit
    tree = new_tree(num_clients, num_sites, levels=levels, cutoff=work.cutoff)
    scratch = new_scratch(num_clients, num_sites)
    plant(dual.near, tree, dual.point, dual.state, dual.count, unit, TREE_STEPS, scratch)
    nodes, cutoff = 1, work.cutoff
    while True:
        if tree.cutoff[0] < cutoff:
            cutoff = float(tree.cutoff[0])
            is_open = np.zeros(work.ground.sites.size, dtype=bool)
            is_open[alive[tree.is_open]] = True
            work.offer(is_open)
        if tree.level[0] < 0 or work.search.over:
            break
        found = explore(dual.near, tree, dual.count, unit, TREE_STEPS, NODES, scratch)
        if not found and tree.level[0] >= 0:
            break
        nodes += found
    work.search.nodes += nodes
    if tree.level[0] < 0:
        return True
    waiting = tree.next_child[: tree.level[0] + 1] < tree.num_children[: tree.level[0] + 1]
    bounds = tree.bound[: tree.level[0] + 1][waiting]
    work.raise_bound(float(bounds.min(initial=cutoff)))
    return False
