"""
One formulation for every measure, alone, summed or capped: slots, and columns that share them.

A slot is a district that may be: by a centre j (as in the Hess model), by a name d (as in the
labelling model) or by both. Sets: nodes V, slots S, allowed pairs A ⊆ V x S, edges E, groups G of
slots: one for each name, or each slot where districts have no names. Variables: x_is = 1 if i lies
in slot s, o_s = x_js the one of its centre (1 if it has none), X_ig = Σ_{s ∈ g} x_is, cut columns
z_eg ≥ 0, the largest deviation t, and of each group its outline P_g, area A_g and score q_g:

    Σ_s x_is = 1                                every i                     (assign)
    Σ_{s of d} o_s = 1   or   Σ_s o_s = k       every name d, or once       (count)
    L_s o_s ≤ Σ_i p_i x_is ≤ U_s o_s            every s and weight          (balance)
    x_is ≤ o_s                                  every (i, s) ∈ A            (link)
    x_is + x_hs ≤ o_s                           i, h that are kept apart    (apart)
    X_ug - X_vg ≤ z_eg                          every e = uv, g             (cut)
    |Σ_i p_i x_is - T_s o_s| ≤ T_s t            every s, weight, target T   (deviation)
    P_g = Σ_i b_i X_ig + Σ_e l_e z_eg, A_g = Σ_i a_i X_ig, q_g ≥ P_g² / (4π A_g)  (outline)

Objective and caps are sums of c_ij x_is (inertia), c_e z_eg, c_id X_id, t and q_g / k. Where
outlines are asked for, z_eg bounds the difference from both sides, and costs of edges count half.
The last inequality is written by tangents, see :mod:`.polsby_popper`. Contiguity is left to cuts.

Hess et al. (1965), Operations Research 13(6); the cut columns are the extended objective of
Ferreira et al. (1996), Mathematical Programming 74, taken over to centres as in Validi and
Buchanan (2022), Mathematical Programming Computation 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder
from .combined_plan import Cap, CombinedModel, make_slots, needs_centres
from .measures import Geography, Parts, targets
from .orbitope import Opening, add_orbitope, opening_order
from .polsby_popper import FIRST_RATIOS, SCORE_UNIT, Outlines, tangent
from .problem import Districting


def combined_model(
    problem: Districting,
    objective: Parts,
    *,
    caps: Sequence[Cap] = (),
    geography: Geography | None = None,
    allowed: BoolArray | None = None,
) -> CombinedModel:
    """
    Build the model for an objective and caps.

    Parameters
    ----------
    problem
        What is asked; its rules hold.
    objective
        What is minimised.
    caps
        Sums that must not exceed their limits.
    geography
        Lengths and areas of the outlines, if the score of Polsby and Popper is asked for.
    allowed
        Pairs (node, centre) that get a column, shape (nodes, nodes); None for all. Only for free
        centres, that is if the moment of inertia is asked for.
    """
    blocks = _Blocks(problem, [objective, *(cap.parts for cap in caps)], allowed, geography)
    blocks.assign()
    blocks.number()
    blocks.count_and_link()
    blocks.balance()
    blocks.keep_apart()
    blocks.cut_edges()
    blocks.deviation()
    blocks.outlines()
    for cap in caps:
        blocks.cap(cap)
    return blocks.build(objective)


class _Blocks:
    """The model under construction, one family of constraints a method."""

    def __init__(
        self,
        problem: Districting,
        parts: Sequence[Parts],
        allowed: BoolArray | None,
        geography: Geography | None,
    ) -> None:
        self.problem, self.parts = problem, parts
        self.geography = geography or Geography()
        self.builder = ModelBuilder("combined")
        if allowed is None:
            allowed = np.ones((problem.num_nodes, problem.num_nodes), dtype=bool)
        self.slots = make_slots(problem, parts, np.flatnonzero(np.diag(allowed)))
        named = any(part.label_costs is not None for part in parts) or (
            problem.rules is not None and problem.rules.names_districts
        )
        self.is_free = needs_centres(problem, parts)
        self.opening: Opening | None = None
        self.opened = np.empty((0, 0), dtype=np.int64)
        may = self._may(allowed)
        self.node, self.slot = (index.astype(np.int64) for index in np.nonzero(may))
        upper = np.ones(self.node.size)
        if not (named or self.is_free):
            self.opening = opening_order(problem)
            place = np.empty(problem.num_nodes, dtype=np.int64)
            place[self.opening.order] = np.arange(place.size)
            upper[place[self.node] < self.slot] = 0
        self.x = self.builder.add_columns(np.zeros(self.node.size), upper=upper, integer=True)
        self.column = np.full(may.shape, -1, dtype=np.int64)
        self.column[self.node, self.slot] = self.x
        self.own = np.full(self.slots.centre.size, -1, dtype=np.int64)
        if self.is_free:
            self.own = self.column[self.slots.centre, np.arange(self.own.size)]
        self.num_groups = int(self.slots.group.max(initial=-1)) + 1
        self.two_sided = any(part.polsby_popper > 0 for part in parts)
        self.cut = np.empty((0, self.num_groups), dtype=np.int64)
        self.t = np.empty(0, dtype=np.int64)
        self.q = np.empty((0, 3), dtype=np.int64)

    def _may(self, allowed: BoolArray) -> BoolArray:
        """Whether each node may lie in each slot, shape (nodes, slots)."""
        centre, label = self.slots.centre, self.slots.label
        n, named = self.problem.num_nodes, label >= 0
        may = np.ones((n, centre.size), dtype=bool)
        may[:, named] = self.problem.may_hold[:, label[named]]
        if self.is_free:
            may &= allowed[:, centre]
            may[:, ~may[centre, np.arange(centre.size)]] = False
        return may

    def assign(self) -> None:
        """Add Σ_s x_is = 1."""
        ones = np.ones(self.problem.num_nodes)
        self.builder.add_rows(self.node, self.x, 1, lower=ones, upper=1)

    def number(self) -> None:
        """Leave one numbering of districts without names."""
        if self.opening is not None:
            self.opened = add_orbitope(self.builder, self.column, self.opening)

    def count_and_link(self) -> None:
        """Add how many slots are open, and that nodes lie in open slots only."""
        if not self.is_free:
            ones = np.ones(self.own.size)
            self.builder.add_rows(self.slot, self.x, 1, lower=ones)
            return
        label = self.slots.label
        usable = self.own >= 0
        if (label < 0).all():
            count = np.full(1, float(self.problem.num_districts))
            rows = np.zeros(int(usable.sum()), dtype=np.int64)
        else:
            count, rows = np.ones(self.problem.num_districts), label[usable]
        self.builder.add_rows(rows, self.own[usable], 1, lower=count, upper=count)
        other = np.flatnonzero(self.own[self.slot] != self.x)
        link = np.arange(other.size)
        self.builder.add_rows(
            np.r_[link, link],
            np.r_[self.x[other], self.own[self.slot[other]]],
            np.repeat([1.0, -1.0], other.size),
            upper=np.zeros(other.size),
        )

    def _slot_rows(self, coefficients: FloatArray, opening: FloatArray, upper: FloatArray) -> None:
        """Add Σ_i coefficient x_is ≤ opening o_s + upper of each slot that may be."""
        rows, columns, values = self.slot, self.x, coefficients
        usable = np.flatnonzero(self.own >= 0)
        if self.is_free:
            rows = np.r_[rows, usable]
            columns, values = np.r_[columns, self.own[usable]], np.r_[values, -opening[usable]]
        else:
            upper = upper + opening
        self.builder.add_rows(rows, columns, values, upper=upper)

    def _of_slots(self, bounds: FloatArray) -> FloatArray:
        """Bounds (districts, weights) of the slots: of their names, or the common ones."""
        return bounds[np.maximum(self.slots.label, 0)]

    def balance(self) -> None:
        """Add L_s o_s ≤ Σ_i p_i x_is ≤ U_s o_s for every weight that is bounded."""
        lower = self._of_slots(self.problem.district_lower)
        upper = self._of_slots(self.problem.district_upper)
        nothing = np.zeros(self.own.size)
        most = self.problem.weights.sum(axis=0)
        for w, weights in enumerate(self.problem.weights.T):
            if np.isfinite(upper[:, w]).any():
                self._slot_rows(weights[self.node], np.minimum(upper[:, w], most[w]), nothing)
            if (lower[:, w] > 0).any():
                self._slot_rows(-weights[self.node], -np.maximum(lower[:, w], 0), nothing)

    def keep_apart(self) -> None:
        """Add x_is + x_hs ≤ o_s."""
        rules = self.problem.rules
        if rules is None or rules.apart is None:
            return
        for pair in rules.apart:
            inside = np.isin(self.node, pair).astype(float)
            self._slot_rows(inside, np.ones(self.own.size), np.zeros(self.own.size))

    @cached_property
    def _incidence(self) -> tuple[IntArray, IntArray, FloatArray]:
        """Edge·groups + group, column and sign (1 at u, -1 at v) of every x at every edge."""
        u, v = self.problem.edges.reshape(-1, 2).T
        end = np.r_[u, v]
        order = np.argsort(end, kind="stable")
        first = np.searchsorted(end[order], np.arange(self.problem.num_nodes + 1))
        degree = np.diff(first)[self.node]
        entry = np.arange(degree.sum()) - np.repeat(np.cumsum(degree) - degree, degree)
        place = order[np.repeat(first[self.node], degree) + entry]
        key = (place % u.size) * self.num_groups
        key += np.repeat(self.slots.group[self.slot], degree)
        return key, np.repeat(self.x, degree), np.where(place < u.size, 1.0, -1.0)

    def cut_edges(self) -> None:
        """Add X_ug - X_vg ≤ z_eg, and the other way round where outlines are asked for."""
        wanted = any(part.edge_costs is not None or part.polsby_popper > 0 for part in self.parts)
        if not wanted:
            return
        key, column, sign = self._incidence
        shape = (self.problem.edges.reshape(-1, 2).shape[0], self.num_groups)
        self.cut = np.full(shape, -1, dtype=np.int64)
        present = np.unique(key if self.two_sided else key[sign > 0])
        z = self.builder.add_columns(np.zeros(present.size), upper=1)
        self.cut.ravel()[present] = z
        for side in (1.0, -1.0) if self.two_sided else (1.0,):
            kept = np.isin(key, present)
            self.builder.add_rows(
                np.r_[np.searchsorted(present, key[kept]), np.arange(z.size)],
                np.r_[column[kept], z],
                np.r_[side * sign[kept], -np.ones(z.size)],
                upper=np.zeros(z.size),
            )

    def deviation(self) -> None:
        """Add |Σ_i p_i x_is - T_s o_s| ≤ T_s t."""
        if not any(part.deviation > 0 for part in self.parts):
            return
        self.t = self.builder.add_columns(np.zeros(1))
        target = self._of_slots(targets(self.problem))
        usable = np.flatnonzero(self.own >= 0) if self.is_free else np.arange(self.own.size)
        place = np.full(self.own.size, -1)
        place[usable] = np.arange(usable.size)
        for w, weights in enumerate(self.problem.weights.T):
            share = weights[self.node] / target[self.slot, w]
            ones, rows = np.ones(usable.size), np.arange(usable.size)
            for side in (1.0, -1.0):
                opening = (self.own[usable], -side * ones) if self.is_free else ((), ())
                self.builder.add_rows(
                    np.r_[place[self.slot], rows, rows[: len(opening[0])]].astype(np.int64),
                    np.r_[self.x, np.repeat(self.t, usable.size), opening[0]].astype(np.int64),
                    np.r_[side * share, -ones, opening[1]],
                    upper=np.zeros(usable.size) if self.is_free else side * ones,
                )

    def outlines(self) -> None:
        """Add P_g, A_g and the first tangents of q_g."""
        if not self.two_sided:
            return
        outlines, groups = Outlines.of(self.problem, self.geography), np.arange(self.num_groups)
        self.q = self.builder.add_columns(np.zeros(3 * groups.size)).reshape(-1, 3)
        edge, group = np.nonzero(self.cut >= 0)
        zeros, mine = np.zeros(groups.size), self.slots.group[self.slot]
        self.builder.add_rows(
            np.r_[mine, group, groups],
            np.r_[self.x, self.cut[edge, group], self.q[:, 0]],
            np.r_[
                outlines.outer_perimeter[self.node],
                outlines.edge_lengths[edge],
                -np.ones(groups.size),
            ],
            lower=zeros,
            upper=0,
        )
        self.builder.add_rows(
            np.r_[mine, groups],
            np.r_[self.x, self.q[:, 1]],
            np.r_[outlines.area[self.node], -np.ones(groups.size)],
            lower=zeros,
            upper=0,
        )
        for ratio in FIRST_RATIOS:
            rows, row = np.repeat(groups, 3), np.tile(tangent(ratio), groups.size)
            self.builder.add_rows(rows, self.q.ravel(), row, upper=zeros)

    def _costs(self, parts: Parts) -> FloatArray:
        """Coefficient of every column in a sum of measures."""
        costs = np.zeros(self.builder.num_columns)
        if parts.inertia > 0:
            nodes = np.unique(self.slots.centre)
            distance = self.problem.costs_to(nodes)
            place = np.searchsorted(nodes, self.slots.centre[self.slot])
            costs[self.x] += parts.inertia * distance[self.node, place]
        if parts.label_costs is not None:
            costs[self.x] += parts.label_costs[self.node, self.slots.label[self.slot]]
        if parts.edge_costs is not None:
            edge, group = np.nonzero(self.cut >= 0)
            share = 0.5 if self.two_sided else 1.0
            costs[self.cut[edge, group]] = share * parts.edge_costs[edge]
        costs[self.t] = parts.deviation
        costs[self.q[:, 2]] = parts.polsby_popper * SCORE_UNIT / self.problem.num_districts
        return costs

    def cap(self, cap: Cap) -> None:
        """Add that a sum does not exceed its limit, as a row whose limit is 1 where it can be."""
        costs = self._costs(cap.parts)
        used = np.flatnonzero(costs)
        scale = max(abs(cap.limit), float(np.abs(costs).max(initial=0)) * 1e-3, 1e-12)
        limit = np.array([cap.limit / scale])
        self.builder.add_rows(
            np.zeros(used.size, dtype=int), used, costs[used] / scale, upper=limit
        )

    def build(self, objective: Parts) -> CombinedModel:
        """Freeze the model."""
        model = replace(self.builder.build(), costs=self._costs(objective))
        return CombinedModel(
            model=model,
            problem=self.problem,
            geography=self.geography,
            slots=self.slots,
            column=self.column,
            cut=self.cut,
            deviation=self.t,
            outlines=self.q,
            two_sided=self.two_sided,
            opening=self.opening,
            opened=self.opened,
        )
