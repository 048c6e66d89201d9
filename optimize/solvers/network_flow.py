"""Flows of least cost in a network, by OR-tools in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...models.formulation import IntArray
from .isolation import run_isolated

FAMILY = "ortools"


@dataclass(frozen=True, eq=False)
class FlowTask:
    """A network: arcs with capacity and cost, and what each node supplies."""

    tail: IntArray
    head: IntArray
    capacity: IntArray
    cost: IntArray
    supply: IntArray


class MinCostFlow:
    """The far side."""

    def solve_here(self, task: FlowTask, exchange: object) -> IntArray:
        """Solve a network; called in a process that holds OR-tools."""
        from ortools.graph.python import min_cost_flow as library  # noqa: PLC0415 - slow to import

        del exchange
        flow = library.SimpleMinCostFlow()
        arcs = flow.add_arcs_with_capacity_and_unit_cost(
            task.tail.astype(np.int32), task.head.astype(np.int32), task.capacity, task.cost
        )
        flow.set_nodes_supplies(np.arange(task.supply.size, dtype=np.int32), task.supply)
        status = flow.solve()
        if status != flow.OPTIMAL:
            raise ValueError(f"the flow cannot be sent: {status}")
        return np.asarray(flow.flows(arcs), dtype=np.int64)


def min_cost_flow(
    tail: IntArray, head: IntArray, capacity: IntArray, cost: IntArray, supply: IntArray
) -> IntArray:
    """
    Send what nodes supply to those that want it, at least cost.

    The push-relabel method with scaling (Goldberg 1997, "An efficient implementation of a scaling
    minimum-cost flow algorithm", Journal of Algorithms 22), exact in whole numbers.

    Parameters
    ----------
    tail, head, capacity, cost
        Of the arcs, shape (arcs,) each.
    supply
        Of the nodes, negative where something is wanted, shape (nodes,); the sum is 0.

    Returns
    -------
    IntArray
        Flow of each arc, shape (arcs,).

    Raises
    ------
    RuntimeError
        If the supplies cannot be sent.
    """
    task = FlowTask(tail, head, capacity, cost, supply)
    return np.asarray(run_isolated(MinCostFlow, FAMILY, task), dtype=np.int64)
