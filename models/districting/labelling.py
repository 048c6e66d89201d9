"""
The labelling model: districts 1..k as labels, least cut edges or shortest shared borders.

Sets: nodes V, edges E = {u, v} with costs c_e ≥ 0, districts D = 1..k. Variables: x_id = 1 if node
i lies in district d; z_ed = 1 if e is cut because u lies in d and v does not. Minimise
Σ_e c_e Σ_d z_ed + Σ_id g_id x_id subject to

    Σ_d x_id = 1                              every i                (assign)
    L_dw ≤ Σ_i p_iw x_id ≤ U_dw               every d, weight w      (balance)
    Σ_i x_id ≥ 1                              every d                (no empty district)
    x_ud - x_vd ≤ z_ed                        every e = uv, d        (extended objective)
    x_id + x_jd ≤ 1                           i, j kept apart, d     (apart)

With c_e = 1 the objective counts the cut edges, with c_e = length of the border it measures the
borders between districts; g_id is the cost of node i in district d. The extended objective
(Ferreira et al. 1996, "Formulations and valid inequalities for the node capacitated graph
partitioning problem", Mathematical Programming 74) has a stronger relaxation than one variable an
edge; see Validi and Buchanan (2022), "Political districting to minimize cut edges", Mathematical
Programming Computation 14.

Its relaxation is still weak: x_id = 1/k cuts nothing. If no district with node i has a border
cheaper than B_i, and none at all one cheaper than B, the border b_d of a district is bounded (all
bounds may differ by district):

    b_d = Σ_e c_e (2 z_ed - x_ud + x_vd)      every d                (border)
    b_d ≥ B + (B_i - B) x_id                  every i, d             (least border)

The relaxation is then at least k B / 2.

Contiguity by one flow (SCF; Hojny, Joormann, Lüthen and Schmidt 2021, "Mixed-integer programming
techniques for the connected max-k-cut problem", Mathematical Programming Computation 13, as in
Validi and Buchanan). Variables: r_id = 1 if i is the root of d, f ≥ 0 on both arcs of every edge;
M = most nodes of a district:

    Σ_i r_id = 1, r_id ≤ x_id                 every i, d
    f(δ⁻(i)) - f(δ⁺(i)) ≥ 1 - M Σ_d r_id      every i                (all but roots consume one)
    f_uv + f_vu ≤ (M - 1) (1 - Σ_d z_ed)      every e = uv           (no flow across cut edges)

or by a,b-separators C, and by the neighbours N(A) of sets A too light for a district:

    x_ad + x_bd ≤ 1 + Σ_{c ∈ C} x_cd          every d                (separator)
    x_ad ≤ Σ_{c ∈ N(A)} x_cd                  every a ∈ A, d         (light island)

Symmetry, where no rule or cost tells districts apart: "diagonal" fixes x_id = 0 where i comes
before place d of an order; "orbitope" leaves one numbering of each plan, see :mod:`.orbitope`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from ..formulation import FloatArray, IntArray, ModelBuilder
from .fixing import add_reach
from .flows import most_nodes
from .labelling_plan import LabellingModel, border_length, cut_edges
from .objective import Objective
from .orbitope import Opening, add_orbitope, numbered, numbering_order, opening_order
from .problem import Districting
from .separators import Separator

__all__ = [
    "LabellingModel",
    "border_length",
    "cut_edges",
    "labelling_model",
    "numbered",
    "numbering_order",
    "tells_apart",
]

Contiguity = Literal["none", "flow"]
Symmetry = Literal["none", "diagonal", "orbitope"]


def tells_apart(problem: Districting, label_costs: FloatArray | None = None) -> bool:
    """Whether exchanging two districts changes a plan, by the rules or by its cost."""
    named = problem.rules is not None and problem.rules.names_districts
    return named or (label_costs is not None and bool((np.ptp(label_costs, axis=1) > 0).any()))


def labelling_model(
    problem: Districting,
    *,
    edge_costs: FloatArray,
    label_costs: FloatArray | None = None,
    contiguity: Contiguity = "flow",
    symmetry: Symmetry | None = None,
    separators: Sequence[Separator] = (),
    least_borders: FloatArray | None = None,
) -> LabellingModel:
    """
    Build the labelling model.

    Parameters
    ----------
    problem
        What is asked, with its rules; its costs and masses do not matter here.
    edge_costs
        Cost of cutting each edge, shape (edges,), not negative: ones count the cut edges.
    label_costs
        Cost of each node in each district, shape (nodes, districts), not negative; None for none.
    contiguity
        "flow" makes every solution connected; "none" leaves that to ``separators``.
    symmetry
        How much of the interchangeability of districts is removed; None for all there is.
    separators
        Inequalities for every district, see :meth:`LabellingModel.rows_of`.
    least_borders
        A bound on the cost of the border of any district with that node, shape (nodes,), or of
        each district with that node, shape (nodes, districts).

    Raises
    ------
    ValueError
        If a cost is negative or not finite, shapes differ, an option is unknown, or symmetry is
        to be removed although districts are told apart.
    """
    named = tells_apart(problem, label_costs)
    symmetry = symmetry or ("none" if named else "orbitope")
    for value, options in ((contiguity, get_args(Contiguity)), (symmetry, get_args(Symmetry))):
        if value not in options:
            raise ValueError(f"{value!r} not understood; choose {', '.join(options)}.")
    if named and symmetry != "none":
        raise ValueError(f"Districts are told apart; symmetry = {symmetry!r} would lose plans.")
    Objective(inertia=0.0, edge_costs=edge_costs, label_costs=label_costs).check(problem)
    blocks = _Blocks(problem, edge_costs, label_costs, symmetry)
    blocks.assign()
    blocks.balance()
    blocks.cut_edges()
    blocks.apart()
    if symmetry == "orbitope":
        blocks.orbitope()
    if least_borders is not None:
        blocks.borders(least_borders)
    if contiguity == "flow":
        blocks.single_flow()
    return blocks.build(separators)


class _Blocks:
    """The model under construction, one family of constraints a method."""

    def __init__(
        self,
        problem: Districting,
        costs: FloatArray,
        label_costs: FloatArray | None,
        symmetry: Symmetry,
    ) -> None:
        n, k = problem.num_nodes, problem.num_districts
        self.problem, self.costs, self.builder = problem, costs, ModelBuilder("labelling")
        self.u, self.v = problem.edges.reshape(-1, 2).T
        self.opening: Opening | None = None
        upper = problem.may_hold.astype(float)
        if symmetry != "none":
            heaviest = Opening(numbering_order(problem), n)
            self.opening = heaviest if symmetry == "diagonal" else opening_order(problem)
            upper[self.opening.order] *= np.arange(n)[:, None] >= np.arange(k)
        self.x = self._columns(np.zeros((n, k)) if label_costs is None else label_costs, upper)
        self.z = self._columns(np.repeat(costs[:, None], k, axis=1), 1.0)
        self.opened = self.r = np.empty((0, k), dtype=np.int64)
        self.border = np.empty(0, dtype=np.int64)
        self.f = np.empty((0, 2), dtype=np.int64)

    def _columns(
        self, costs: FloatArray, upper: FloatArray | float, *, integer: bool = True
    ) -> IntArray:
        flat = np.broadcast_to(upper, costs.shape).ravel()
        columns = self.builder.add_columns(costs.ravel(), upper=flat, integer=integer)
        return columns.reshape(costs.shape)

    def assign(self) -> None:
        """Add Σ_d x_id = 1."""
        n, k = self.x.shape
        rows = np.repeat(np.arange(n), k)
        self.builder.add_rows(rows, self.x.ravel(), 1, lower=np.ones(n), upper=1)

    def balance(self) -> None:
        """Add L ≤ Σ p_i x_id ≤ U for every weight that is bounded, and that none is empty."""
        problem, (n, k) = self.problem, self.x.shape
        rows, columns = np.tile(np.arange(k), n), self.x.ravel()
        self.builder.add_rows(rows, columns, 1, lower=np.ones(k))
        lower, upper = problem.district_lower, problem.district_upper
        for w in np.flatnonzero(((lower > 0) | np.isfinite(upper)).any(axis=0)):
            weight = np.repeat(problem.weights[:, w], k)
            self.builder.add_rows(rows, columns, weight, lower=lower[:, w], upper=upper[:, w])

    def cut_edges(self) -> None:
        """Add x_ud - x_vd ≤ z_ed."""
        rows = np.arange(self.z.size)
        ones = np.ones(rows.size)
        self.builder.add_rows(
            np.tile(rows, 3),
            np.r_[self.x[self.u].ravel(), self.x[self.v].ravel(), self.z.ravel()],
            np.r_[ones, -ones, -ones],
            upper=np.zeros(rows.size),
        )

    def apart(self) -> None:
        """Add x_id + x_jd ≤ 1."""
        rules = self.problem.rules
        if rules is None or rules.apart is None or not rules.apart.size:
            return
        one, other = (self.x[nodes].ravel() for nodes in rules.apart.T)
        rows = np.arange(one.size)
        self.builder.add_rows(np.r_[rows, rows], np.r_[one, other], 1, upper=np.ones(one.size))

    def orbitope(self) -> None:
        """Add the orbitope, and who may open whose district."""
        if self.opening is None:
            return
        self.opened = add_orbitope(self.builder, self.x, self.opening)
        add_reach(self.builder, self.problem, self.x, self.opened, self.opening)

    def borders(self, least: FloatArray) -> None:
        """Add b_d = Σ c_e (2 z_ed - x_ud + x_vd) and b_d ≥ B_d + (B_id - B_d) x_id."""
        (n, k), m = self.x.shape, self.costs.size
        bounds = np.broadcast_to(least if least.ndim == 2 else least[:, None], (n, k))
        floor = bounds.min(axis=0)
        self.border = self.builder.add_columns(np.zeros(k), lower=floor)
        rows = np.tile(np.arange(k), m)
        cost = np.repeat(self.costs, k)
        self.builder.add_rows(
            np.r_[np.arange(k), np.tile(rows, 3)],
            np.r_[self.border, self.z.ravel(), self.x[self.u].ravel(), self.x[self.v].ravel()],
            np.r_[np.ones(k), -2 * cost, cost, -cost],
            lower=np.zeros(k),
            upper=0,
        )
        node, d = np.nonzero(bounds > floor)
        rows = np.arange(node.size)
        self.builder.add_rows(
            np.r_[rows, rows],
            np.r_[self.border[d], self.x[node, d]],
            np.r_[np.ones(node.size), floor[d] - bounds[node, d]],
            lower=floor[d],
        )

    def single_flow(self) -> None:
        """Add roots and one flow that reaches every node from the root of its district."""
        n, k = self.x.shape
        most = most_nodes(self.problem)
        self.r = self._columns(np.zeros((n, k)), 1.0)
        flows = np.zeros((self.u.size, 2))
        self.f = self._columns(flows, float(most - 1), integer=False)
        self.builder.add_rows(
            np.tile(np.arange(k), n), self.r.ravel(), 1, lower=np.ones(k), upper=1
        )
        pairs, ones = np.arange(n * k), np.ones(n * k)
        self.builder.add_rows(
            np.r_[pairs, pairs],
            np.r_[self.r.ravel(), self.x.ravel()],
            np.r_[ones, -ones],
            upper=np.zeros(n * k),
        )
        along, against, one = self.f[:, 0], self.f[:, 1], np.ones(self.u.size)
        self.builder.add_rows(
            np.r_[self.v, self.u, self.u, self.v, np.repeat(np.arange(n), k)],
            np.r_[along, along, against, against, self.r.ravel()],
            np.r_[one, -one, one, -one, most * ones],
            lower=np.ones(n),
        )
        edges = np.arange(self.u.size)
        self.builder.add_rows(
            np.r_[edges, edges, np.repeat(edges, k)],
            np.r_[along, against, self.z.ravel()],
            np.r_[one, one, np.full(self.z.size, most - 1.0)],
            upper=np.full(self.u.size, most - 1.0),
        )

    def build(self, separators: Sequence[Separator]) -> LabellingModel:
        """Add the separators, and freeze the model."""
        made = LabellingModel(
            self.builder.build(), self.problem, self.opening, self.costs, self.x, self.z,
            self.opened, self.border, self.r, self.f,
        )  # fmt: skip
        rows = [row for cut in separators for row in made.rows_of(cut)]
        if not rows:
            return made
        self.builder.add_rows(
            np.repeat(np.arange(len(rows)), [row.columns.size for row in rows]),
            np.concatenate([row.columns for row in rows]),
            np.concatenate([row.coefficients for row in rows]),
            upper=np.array([row.upper for row in rows]),
        )
        return replace(made, model=self.builder.build())
