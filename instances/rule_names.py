"""Rules by the ids of units, turned into rules of a problem; contradictions are refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from ..models.districting.rules import DistrictRules
from ..models.formulation import FloatArray, IntArray
from .adjacency import components
from .faults import nearest
from .rule_book import RuleBook
from .unit_columns import id_text, require
from .unit_graph import UnitGraph


def unit_groups(graph: UnitGraph, book: RuleBook) -> IntArray:
    """
    Node of each unit: units that stay together are one node, shape (units,).

    Raises
    ------
    ValueError
        If a unit is unknown, or units that stay together do not hang together.
    """
    for units in (*book.together, *book.apart):
        for unit in units:
            _row(graph, book, unit)
    pairs = [
        (graph.row_of[one], graph.row_of[other])
        for units in book.together
        for one, other in pairwise(units)
    ]
    groups = components(graph.num_units, np.array(pairs, dtype=np.int64).reshape(-1, 2))
    u, v = graph.raw.edges.T
    inside = graph.raw.edges[groups[u] == groups[v]]
    parts = components(graph.num_units, inside)
    for units in book.together:
        rows = [graph.row_of[unit] for unit in units]
        if np.unique(parts[rows]).size > 1:
            raise ValueError(
                f"{book.place}, together: units {', '.join(units)} do not touch each other. Add "
                "the units between them to the list, or a bridge with --edges."
            )
    return groups


def units_with_equal(graph: UnitGraph, column: str) -> tuple[tuple[str, ...], ...]:
    """
    Return lists of units that touch and have an equal, non-empty value, such as the same estate.

    Parameters
    ----------
    graph
        The units.
    column
        Column whose values keep units together. Units of one value in several places that do not
        touch are a list each.

    Raises
    ------
    ValueError
        If the file has no such column.
    """
    require(graph.raw, column, "--together")
    values = np.array([id_text(row.get(column)) for row in graph.raw.rows], dtype=object)
    u, v = graph.raw.edges.T
    inside = graph.raw.edges[(values[u] == values[v]) & (values[u] != "")]
    part = components(graph.num_units, inside)
    lists = (np.flatnonzero(part == number) for number in np.unique(part[inside]))
    return tuple(tuple(graph.ids[row] for row in rows) for rows in lists)


def _row(graph: UnitGraph, book: RuleBook, unit: str) -> int:
    """Row of a unit that a rule names."""
    if unit not in graph.row_of:
        near = nearest(unit, graph.ids)
        hint = f"Did you mean {near}?" if near else "Name a unit of the file."
        raise ValueError(
            f"{book.place}: there is no unit {unit!r} in {graph.raw.path.name}. {hint}"
        )
    return graph.row_of[unit]


@dataclass(frozen=True, eq=False)
class NodeRules:
    """
    Rules of a problem with given nodes and districts.

    Parameters
    ----------
    graph, book, groups
        The units, the rules, and the node of each unit.
    num_districts
        Number of districts.
    representatives
        Unit that stands for each node as a centre, shape (nodes,).
    """

    graph: UnitGraph
    book: RuleBook
    groups: IntArray
    num_districts: int
    representatives: IntArray

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return int(self.groups.max()) + 1

    def rules(self, lower: FloatArray, upper: FloatArray) -> DistrictRules | None:
        """
        Return the rules by node, None if there are none.

        Parameters
        ----------
        lower, upper
            Bounds of each district, shape (districts, weights), as :meth:`bounds` returns them.

        Raises
        ------
        ValueError
            If a rule names nothing, or two rules contradict each other.
        """
        locked, forbidden, seats = self._locked(), self._forbidden(), self._seats()
        apart = np.array(sorted(set(self._apart())), dtype=np.int64).reshape(-1, 2)
        own = bool(self.book.lower or self.book.upper)
        self._refuse_contradictions(locked, forbidden, seats, apart)
        if not (own or len(apart) or self.book.locked or self.book.forbidden or self.book.seats):
            return None
        return DistrictRules(
            lower=lower if own else None,
            upper=upper if own else None,
            locked=locked if self.book.locked else None,
            forbidden=forbidden if self.book.forbidden else None,
            seats=seats if self.book.seats else None,
            apart=apart if len(apart) else None,
        )

    def bounds(self, lower: FloatArray, upper: FloatArray) -> tuple[FloatArray, FloatArray]:
        """
        Bounds of each district: the common ones, or its own, shape (districts, weights).

        Raises
        ------
        ValueError
            If a district or weight is unknown, or a lower bound is above the upper one.
        """
        shape = (self.num_districts, lower.size)
        by_district = [np.broadcast_to(bound, shape).copy() for bound in (lower, upper)]
        for name, bound in zip(("lower", "upper"), by_district, strict=True):
            for district, by_weight in getattr(self.book, name).items():
                self._check_district(district, f"districts.{district}")
                for weight, amount in by_weight.items():
                    bound[district, self._weight(weight)] = amount
        low, high = by_district
        for district, w in np.argwhere(low > high):
            raise ValueError(
                f"{self.book.place}: district {district} would need at least "
                f"{low[district, w]:,.0f} and at most {high[district, w]:,.0f} "
                f"{self.graph.weight_names[w]}. Lower the one or raise the other."
            )
        return low, high

    def _weight(self, name: str) -> int:
        if not name:
            return 0
        if name not in self.graph.weight_names:
            known = ", ".join(self.graph.weight_names)
            raise ValueError(
                f"{self.book.place}: bounds on {name!r}, which is no weight ({known}). Add it with "
                "--weight."
            )
        return self.graph.weight_names.index(name)

    def _check_district(self, district: int, where: str) -> None:
        if district >= self.num_districts:
            raise ValueError(
                f"{self.book.place}, {where}: there is no district {district}; the "
                f"{self.num_districts} districts are numbered 0 to {self.num_districts - 1}."
            )

    def _node(self, unit: str) -> int:
        return int(self.groups[_row(self.graph, self.book, unit)])

    def _name(self, node: int) -> str:
        return "unit " + " + ".join(self.graph.ids[i] for i in np.flatnonzero(self.groups == node))

    def _locked(self) -> IntArray:
        locked = np.full(self.num_nodes, -1, dtype=np.int64)
        for unit, district in self.book.locked.items():
            self._check_district(district, f"locked.{unit}")
            node = self._node(unit)
            if locked[node] not in {-1, district}:
                raise ValueError(
                    f"{self.book.place}: {self._name(node)} stays together and is locked to both "
                    f"district {locked[node]} and district {district}. Keep one of the two."
                )
            locked[node] = district
        return locked

    def _forbidden(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        forbidden = np.zeros((self.num_nodes, self.num_districts), dtype=bool)
        for unit, districts in self.book.forbidden.items():
            for district in districts:
                self._check_district(district, f"forbidden.{unit}")
                forbidden[self._node(unit), district] = True
        return forbidden

    def _seats(self) -> IntArray:
        seats = np.full(self.num_districts, -1, dtype=np.int64)
        for district, unit in self.book.seats.items():
            self._check_district(district, f"seats.{district}")
            node = self._node(unit)
            if node in seats:
                raise ValueError(
                    f"{self.book.place}, seats: {self._name(node)} is the seat of two districts. "
                    "Give each district its own."
                )
            seats[district] = node
        return seats

    def _apart(self) -> Iterator[tuple[int, int]]:
        for units in self.book.apart:
            for one, other in combinations(units, 2):
                nodes = sorted((self._node(one), self._node(other)))
                if nodes[0] == nodes[1]:
                    raise ValueError(
                        f"{self.book.place}: units {one} and {other} are to be both together and "
                        "apart. Keep one of the two."
                    )
                yield nodes[0], nodes[1]

    def _refuse_contradictions(
        self,
        locked: IntArray,
        forbidden: np.ndarray[tuple[int, ...], np.dtype[np.bool_]],
        seats: IntArray,
        apart: Sequence[Sequence[int]] | IntArray,
    ) -> None:
        """Refuse nodes that are left without a district, and pairs that cannot be apart."""
        allowed = DistrictRules(locked=locked, forbidden=forbidden, seats=seats).allowed(
            self.num_nodes, self.num_districts
        )
        nowhere = np.flatnonzero(~allowed.any(axis=1))
        if nowhere.size:
            raise ValueError(
                f"{self.book.place}: locked, forbidden and seats leave no district for "
                f"{self._name(int(nowhere[0]))}. Drop one of these rules."
            )
        only = np.where(allowed.sum(axis=1) == 1, allowed.argmax(axis=1), -1)
        for one, other in apart:
            if only[one] >= 0 and only[one] == only[other]:
                raise ValueError(
                    f"{self.book.place}: {self._name(int(one))} and {self._name(int(other))} are "
                    f"to be apart and both belong to district {only[one]}. Drop one of these rules."
                )
