"""Plans of the combined formulation: from a plan to its columns and back, and rows that cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..formulation import FloatArray, IntArray, LinearModel
from .measures import Geography, Parts, targets
from .orbitope import Opening, numbered, opened_by
from .polsby_popper import Outlines, tangent
from .problem import Districting
from .separators import Separator

_SCORE_SLACK = 1e-5
"""Difference, in the unit of the columns q, up to which a score counts as right."""


class Cap(NamedTuple):
    """A sum of measures that must not exceed a limit."""

    parts: Parts
    limit: float


class Inequality(NamedTuple):
    """One more row: lower ≤ coefficients @ values[columns] ≤ upper."""

    columns: IntArray
    coefficients: FloatArray
    lower: float
    upper: float


class Slots(NamedTuple):
    """Centre and name of each slot, -1 where it has none, and its group; shape (slots,) each."""

    centre: IntArray
    label: IntArray
    group: IntArray


def needs_centres(problem: Districting, parts: Sequence[Parts]) -> bool:
    """Whether a moment of inertia with a free centre is asked for."""
    seats = None if problem.rules is None else problem.rules.seats
    is_seated = seats is not None and bool((seats >= 0).all())
    return not is_seated and any(part.inertia > 0 for part in parts)


def make_slots(problem: Districting, parts: Sequence[Parts], centres: IntArray) -> Slots:
    """
    Districts that may be, as far as the measures need to tell them apart.

    Parameters
    ----------
    parts
        All sums that are asked for.
    centres
        Nodes that may be a free centre.
    """
    k, rules = problem.num_districts, problem.rules
    names = np.arange(k)
    seats = np.full(k, -1) if rules is None or rules.seats is None else rules.seats
    named = rules is not None and rules.names_districts
    named |= any(part.label_costs is not None for part in parts)
    if not needs_centres(problem, parts):
        is_seated = bool((seats >= 0).all())
        return Slots(seats.astype(np.int64) if is_seated else np.full(k, -1), names, names)
    if not named:
        return Slots(centres, np.full(centres.size, -1), np.arange(centres.size))
    pairs = [
        (int(node), district)
        for district in range(k)
        for node in (centres if seats[district] < 0 else seats[district : district + 1])
        if problem.may_hold[node, district]
    ]
    centre, label = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return Slots(centre, label, label)


@dataclass(frozen=True, eq=False)
class CombinedModel:
    """
    The combined formulation and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program, without contiguity.
    problem, geography
        What is asked.
    slots
        Centre, name and group of each slot.
    column
        Column of x_is, -1 where the pair is not allowed, shape (nodes, slots).
    cut
        Column of z_eg, -1 where it cannot exceed 0, shape (edges, groups); without rows if no
        measure needs edges.
    deviation
        Column of t, shape (1,), or (0,) if no measure needs it.
    outlines
        Columns of P_g, A_g and q_g, shape (groups, 3), or (0, 3) if no measure needs them.
    two_sided
        Whether z_eg bounds the difference from both sides.
    opening
        Order of the nodes that numbers the districts; None where they have names or centres.
    opened
        Columns of the numbering, see :mod:`.orbitope`; without rows where there is none.
    """

    model: LinearModel
    problem: Districting
    geography: Geography
    slots: Slots
    column: IntArray
    cut: IntArray
    deviation: IntArray
    outlines: IntArray
    two_sided: bool
    opening: Opening | None
    opened: IntArray

    def slot_of(self, values: FloatArray) -> IntArray:
        """Slot of each node in a solution, shape (nodes,)."""
        chosen = np.where(self.column >= 0, values[self.column], -1.0)
        return np.asarray(chosen.argmax(axis=1), dtype=np.int64)

    def decode(self, values: FloatArray) -> IntArray:
        """District 0..k-1 of each node in a solution, shape (nodes,)."""
        slot = self.slot_of(values)
        if (self.slots.label >= 0).all():
            return self.slots.label[slot]
        return np.unique(slot, return_inverse=True)[1].astype(np.int64)

    def encode(self, assignment: IntArray) -> FloatArray | None:
        """Values of a plan, a start for a solver; None if a pair of it is not in the model."""
        slot = self._slots_of(assignment)
        if slot is None or (self.column[np.arange(slot.size), slot] < 0).any():
            return None
        values = np.zeros(self.model.num_columns)
        values[self.column[np.arange(slot.size), slot]] = 1
        if self.opening is not None:
            values[self.opened] = opened_by(slot, self.opening, self.problem.num_districts)
        group = self.slots.group[slot]
        if self.cut.shape[0]:
            u, v = self.problem.edges.reshape(-1, 2).T
            edge = np.flatnonzero(group[u] != group[v])
            values[self.cut[edge, group[u[edge]]]] = 1
            if self.two_sided:
                values[self.cut[edge, group[v[edge]]]] = 1
        if self.deviation.size:
            target = targets(self.problem)
            off = np.abs(self.problem.totals(assignment) - target) / target
            values[self.deviation] = off.max()
        if self.outlines.shape[0]:
            outlines = Outlines.of(self.problem, self.geography)
            values[self.outlines] = outlines.values(group, self.outlines.shape[0])
        return values

    def _slots_of(self, assignment: IntArray) -> IntArray | None:
        """Slot of each node under a plan; None if a district has no slot."""
        centre, label = self.slots.centre, self.slots.label
        if self.opening is not None:
            return numbered(assignment, order=self.opening.order)
        if np.array_equal(label, np.arange(self.problem.num_districts)):
            return assignment
        chosen = self.problem.centres(assignment)
        slot = np.full(chosen.size, -1, dtype=np.int64)
        for district, node in enumerate(chosen):
            same = (centre == node) & ((label < 0) | (label == district))
            if not same.any():
                return None
            slot[district] = int(same.argmax())
        return slot[assignment]

    def separate(self, cut: Separator, slots: IntArray) -> list[Inequality]:
        """
        State a separator for some slots.

        With centres: x_as ≤ Σ_{c ∈ C} x_cs for each island node a, where the centre of s lies on
        the other side. Without: x_as + x_bs ≤ 1 + Σ_{c ∈ C} x_cs with the first node b on the
        other side, and without b and the 1 for an island that is too light to be a district.
        """
        rows = []
        for s in slots:
            between = self.column[cut.between, s]
            between = between[between >= 0]
            own = self.column[cut.island, s]
            ends, right = own[own >= 0][:, None], 0.0
            if self.slots.centre[s] < 0 and cut.centres.size:
                far = self.column[cut.centres[0], s]
                if far < 0:
                    continue
                ends, right = np.column_stack([ends, np.full_like(ends, far)]), 1.0
            coefficients = np.repeat([1.0, -1.0], [ends.shape[1], between.size])
            rows += [
                Inequality(np.concatenate([end, between]), coefficients, -np.inf, right)
                for end in ends
            ]
        return rows

    def missing_tangents(self, values: FloatArray) -> list[Inequality]:
        """Tangents of the scores that an integer solution claims too low; empty if none is."""
        if not self.outlines.shape[0]:
            return []
        outlines = Outlines.of(self.problem, self.geography)
        group = self.slots.group[self.slot_of(values)]
        real = outlines.values(group, self.outlines.shape[0])
        low = np.flatnonzero(values[self.outlines[:, 2]] < real[:, 2] - _SCORE_SLACK)
        # A district of a name may become that of another, so all names learn the ratio.
        is_named = bool((self.slots.label >= 0).all())
        return [
            Inequality(self.outlines[g], tangent(real[one, 0] / real[one, 1]), -np.inf, 0.0)
            for one in low
            for g in (range(self.outlines.shape[0]) if is_named else (one,))
        ]
