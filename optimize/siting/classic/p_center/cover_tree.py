"""
Branch and bound for the question whether p columns cover all rows.

Each node is reduced, bounded by Lagrangian multipliers that it inherits, and loses the columns that
lift the bound above p. It branches on a row with fewest columns: each child takes one of them, and
forgoes those that were tried before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .....models.formulation import BoolArray, FloatArray, IntArray
from .lagrangian import SAFE, climb
from .reductions import lines_of, reduce_cover

MOST_STEPS = 300
"""Steps of the Lagrangian bound in a node."""

WORTHWHILE = 0.9
"""Share of columns left after fixing, up to which a node is reduced again."""


@dataclass(eq=False)
class Node:
    """
    What is left to be covered, and with how many columns.

    Parameters
    ----------
    covers
        Which column covers which row, shape (rows, columns).
    columns
        Their numbers in the whole problem.
    p
        Most columns that may still be taken.
    taken
        Columns that are taken, in the numbers of the whole problem.
    multipliers
        One for each row.
    """

    covers: BoolArray
    columns: IntArray
    p: int
    taken: tuple[int, ...]
    multipliers: FloatArray

    def keep(self, rows: IntArray | slice, columns: IntArray | BoolArray) -> None:
        """Drop all other rows and columns."""
        self.covers = self.covers[rows][:, columns]
        self.columns, self.multipliers = self.columns[columns], self.multipliers[rows]

    def take(self, column: int) -> None:
        """Take a column; the rows that it covers are done."""
        left = np.flatnonzero(~self.covers[:, column])
        self.taken = (*self.taken, int(self.columns[column]))
        self.p -= 1
        self.keep(left, np.arange(self.columns.size) != column)


class CoverTree:
    """
    One search.

    Parameters
    ----------
    root
        Where it starts.
    over
        Tells when to give up.
    """

    def __init__(self, root: Node, over: Callable[[], bool]) -> None:
        self.stack, self.over = [root], over
        self.num_nodes = 0
        self.answer: tuple[int, ...] | None = None
        self.reduced_costs = np.empty(0)

    def run(self, most_nodes: int) -> bool:
        """Search; True if the answer is known, False if nodes or time ran out before."""
        while self.stack and self.answer is None:
            if self.num_nodes >= most_nodes or self.over():
                return False
            node = self.stack.pop()
            self.num_nodes += 1
            if self._shrink(node):
                self.stack += self._children(node)
        return True

    def _shrink(self, node: Node) -> bool:
        """Reduce and bound a node until nothing changes; False if nothing is left to look at."""
        while self._reduce(node):
            rows, columns = lines_of(node.covers)
            costs = np.empty(node.columns.size)
            bound = climb(rows, columns, node.multipliers, costs, node.p, MOST_STEPS)
            # Without its columns of negative cost, or with one of positive cost, the bound rises.
            possible = bound + np.maximum(costs, 0.0) <= node.p + SAFE
            needed = node.columns[bound - np.minimum(costs, 0.0) > node.p + SAFE]
            if bound > node.p + SAFE or needed.size > node.p:
                return False
            node.keep(slice(None), possible)
            self.reduced_costs = costs[possible]
            for name in needed:
                node.take(int(np.flatnonzero(node.columns == name)[0]))
            if not needed.size and possible.mean() > WORTHWHILE:
                return True
        return False

    def _reduce(self, node: Node) -> bool:
        """Drop what no smallest cover needs; False if that answers for the node."""
        left = reduce_cover(node.covers)
        node.taken += tuple(node.columns[left.forced].tolist())
        node.p -= left.forced.size
        node.keep(left.rows, left.columns)
        if not left.possible or node.p < (1 if left.rows.size else 0):
            return False
        if not left.rows.size:
            self.answer = node.taken
            return False
        return True

    def _children(self, node: Node) -> list[Node]:
        """Nodes that take one column of a row with fewest, the most promising one last."""
        row = int(np.argmin(node.covers.sum(axis=1)))
        choices = np.flatnonzero(node.covers[row])
        choices = choices[np.argsort(self.reduced_costs[choices], kind="stable")]
        kept = np.ones(node.columns.size, dtype=bool)
        children = []
        for column in choices:
            child = Node(node.covers, node.columns, node.p, node.taken, node.multipliers.copy())
            name = node.columns[column]
            child.keep(slice(None), kept)
            child.take(int(np.flatnonzero(child.columns == name)[0]))
            children.append(child)
            kept[column] = False
        return children[::-1]
