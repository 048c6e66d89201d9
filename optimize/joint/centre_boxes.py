"""The districts of a grouping by where their centres may lie: boxes of nodes, halved as needed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...models.formulation import BoolArray, FloatArray, IntArray
from ...models.joint.groupings import Grouping
from ...models.joint.problem import JointSplit
from .centre_kernels import Terms, search_boxes
from .path_kernels import Links

FIRST_STEPS, STEPS, LAST_STEPS = 300, 6, 200
"""Steps that improve the prices of the first boxes, of the halves of others, of single nodes."""

PROBING_STEPS = 60
"""Steps that improve the prices of one node as the centre of one district."""


@dataclass(frozen=True, eq=False)
class Combination:
    """
    A box for the centre of every district.

    Parameters
    ----------
    boxes
        Boxes by number, shape (districts,).
    bound
        Least moment of inertia of plans whose centres lie in them.
    """

    boxes: IntArray
    bound: float


class CentreBoxes:
    """
    Boxes of the centres of a grouping's districts, and the bounds that follow from them.

    Parameters
    ----------
    problem, grouping
        The community, and its open sites by district.
    pairs
        Pairs (node, centre) that may be used, shape (nodes, nodes).
    budget
        Most that the stations may cost; infinite for no limit.
    """

    def __init__(
        self,
        problem: JointSplit,
        grouping: Grouping,
        pairs: BoolArray,
        budget: float = np.inf,
    ) -> None:
        """Halve the nodes that may be centres of each district, the longer way each time."""
        self.problem, self.grouping, self.pairs = problem, grouping, pairs
        self.budget = self.first_budget = float(budget)
        may = grouping.may_hold & np.diag(pairs)[:, None]
        self._halve([np.flatnonzero(own) for own in may.T])
        # No plan has more: what is bounded above that holds none.
        self._most = 1.0 + 2 * float(problem.districting.costs.max(axis=1).sum())

    def _halve(self, may: list[IntArray]) -> None:
        """Make the boxes of the nodes that may be centres of each district."""
        trees = [_halved(own, self.problem.districting.centre) for own in may]
        self.nodes = [nodes for nodes, _ in trees]
        self.halves = [halves for _, halves in trees]

    @cached_property
    def terms(self) -> Terms:
        """What bounds need but the budget, in some MB; :meth:`release` lets go of them."""
        problem, grouping, split = self.problem, self.grouping, self.problem.districting
        k, most = len(self.nodes), max(len(boxes) for boxes in self.nodes)
        halves = np.full((k, most, 2), -1, dtype=np.int64)
        least = np.full((k, most, split.num_nodes), np.inf)
        inside_box = np.zeros(least.shape, dtype=bool)
        inertia = np.where(self.pairs, split.costs, np.inf)
        for d, boxes in enumerate(self.nodes):
            halves[d, : len(boxes)] = self.halves[d]
            inside = np.flatnonzero(grouping.may_hold[:, d])
            for number, box in enumerate(boxes):
                inside_box[d, number, box] = True
                if box.size:
                    least[d, number, inside] = inertia[np.ix_(inside, box)].min(axis=1)
        weights = np.c_[split.weights, problem.households]
        whole = np.maximum(weights.sum(axis=0), 1e-9)
        lower = np.c_[np.tile(split.lower, (k, 1)), grouping.lower]
        upper = np.c_[np.tile(split.upper, (k, 1)), grouping.upper]
        points, costs, num_points = _priced(grouping)
        unit = self._unit
        return Terms(
            least,
            halves,
            weights / whole,
            lower / whole,
            np.minimum(upper / whole, 1.0),
            points / whole[-1],
            costs / unit,
            num_points,
            np.inf,
            self._links(inside_box),
        )

    def _links(self, inside: BoolArray) -> Links:
        """Tell what the districts must join: sites, and centres, which lie in boxes."""
        graph = self.problem.districting.graph
        nodes = [np.unique(self.problem.node_of_site[list(own)]) for own in self.grouping.groups]
        num_sites = np.array([own.size for own in nodes], dtype=np.int64)
        sites = np.full((num_sites.size, int(num_sites.max())), -1, dtype=np.int64)
        for d, own in enumerate(nodes):
            sites[d, : own.size] = own
        return Links(
            graph.indptr.astype(np.int64), graph.indices.astype(np.int64), sites, num_sites, inside
        )

    @property
    def _terms_now(self) -> Terms:
        """The terms with the budget as it is now."""
        return self.terms._replace(budget=self.budget / self._unit)

    @property
    def _unit(self) -> float:
        """What costs are counted in."""
        return self.first_budget if 0 < self.first_budget < np.inf else 1.0

    def release(self) -> None:
        """Let go of the arrays until they are needed again."""
        self.__dict__.pop("terms", None)

    @property
    def all(self) -> Combination:
        """The boxes of all nodes."""
        return Combination(np.zeros(len(self.nodes), dtype=np.int64), -np.inf)

    @property
    def is_empty(self) -> bool:
        """Whether a district has no node that may be its centre."""
        return any(not nodes[0].size for nodes in self.nodes)

    def is_single(self, one: Combination) -> bool:
        """Whether all boxes are single nodes."""
        return all(self.halves[d][box][0] < 0 for d, box in enumerate(one.boxes))

    def lower_budget(self, budget: float) -> bool:
        """Lower what the stations may cost; whether it is lower than at first."""
        self.budget = min(self.budget, budget)
        return self.budget < self.first_budget

    def divided(
        self, one: Combination, limit: float, most_boxes: int
    ) -> tuple[list[Combination], int]:
        """
        Halve boxes until they are single nodes or too many, without those that are ruled out.

        Parameters
        ----------
        one
            One combination.
        limit
            Moment of inertia that a plan must lie below; infinite for any.
        most_boxes
            Combinations that are bounded at most.

        Returns
        -------
        tuple
            What is left, and how many combinations were bounded.
        """
        limit = min(limit, self._most)
        boxes, bounds, bounded = search_boxes(
            self._terms_now, limit, one.boxes, FIRST_STEPS, STEPS, LAST_STEPS, most_boxes
        )
        left = [
            Combination(own, max(one.bound, float(bound)))
            for own, bound in zip(boxes, bounds, strict=True)
        ]
        return left, int(bounded)

    def narrow(self, limit: float) -> None:
        """
        Drop nodes that are the centre of a district in no plan that is good enough.

        Boxes have other numbers then. That a node of one district is left says nothing of the
        others, so a node is bounded with the boxes of all nodes for them.

        Parameters
        ----------
        limit
            Moment of inertia that a plan must lie below; infinite for any.
        """
        terms = self._terms_now
        limit = min(limit, self._most)
        may = []
        for d, boxes in enumerate(self.nodes):
            start, left = self.all.boxes, [np.empty(0, dtype=np.int64)]
            for number, box in enumerate(boxes):
                if box.size == 1:
                    start[d] = number
                    if search_boxes(terms, limit, start, PROBING_STEPS, 0, 0, 1)[0].size:
                        left.append(box)
            may.append(np.sort(np.concatenate(left)))
        self.release()
        self._halve(may)

    def inertia(self, one: Combination) -> FloatArray:
        """Moment of inertia of a node in a district at least, shape (nodes, districts)."""
        return np.ascontiguousarray(self.terms.least[np.arange(one.boxes.size), one.boxes].T)

    def seats(self, one: Combination) -> IntArray:
        """Return the centre of each district that is known, else -1, shape (districts,)."""
        inside = [self.nodes[d][box] for d, box in enumerate(one.boxes)]
        return np.array([own[0] if own.size == 1 else -1 for own in inside], dtype=np.int64)


def _priced(grouping: Grouping) -> tuple[FloatArray, FloatArray, IntArray]:
    """Tabulate the cost of each district by its households: points, costs, how many there are."""
    tables = []
    for price, low, high in zip(grouping.prices, grouping.lower, grouping.upper, strict=True):
        at = np.r_[low, high, price.free + np.r_[0.0, np.cumsum(price.length)]]
        at = np.unique(at[(at >= low) & (at <= high)])
        tables.append((at, np.array([price(min(one, price.most)) for one in at])))
    num_points = np.array([at.size for at, _ in tables], dtype=np.int64)
    points = np.zeros((len(tables), int(num_points.max())))
    costs = np.zeros_like(points)
    for d, (at, cost) in enumerate(tables):
        points[d, : at.size], costs[d, : at.size] = at, cost
    return points, costs, num_points


def _halved(nodes: IntArray, place: FloatArray) -> tuple[list[IntArray], IntArray]:
    """Return boxes, all nodes first, and the numbers of the halves of each, -1 for single nodes."""
    boxes, halves, number = [nodes], [], 0
    while number < len(boxes):
        box = boxes[number]
        number += 1
        if box.size <= 1:
            halves.append((-1, -1))
            continue
        longer = int(np.ptp(place[box], axis=0).argmax())
        order = box[np.argsort(place[box, longer], kind="stable")]
        halves.append((len(boxes), len(boxes) + 1))
        boxes += [order[: box.size // 2], order[box.size // 2 :]]
    return boxes, np.array(halves, dtype=np.int64)
