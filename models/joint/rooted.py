"""
Boundaries and stations in one integer program, every district rooted at a station of it.

In the Hess model each node of a district may be its centre, and in a model with labels districts
may be exchanged. Here a district is named by the first of its open sites in a fixed order (stations
of today first), its root: one name for each plan, and as many columns a node as there are sites.

Sets: nodes V, sites J in their order, u(l) the node of site l, rules of reach (i, J_i): node i
needs an open site of J_i in its district; A_0 m² a household. Variables: x_ij = 1 if node i lies in
the district rooted at site j; w_lj = 1 if site l ≥ j is open and lies in it, so that w_jj = 1 if j
is a root; a_lj, the floor area of l there. Minimise Σ f_l w_lj + c_l (a_lj - A_l w_lj) with A_l
today's area, subject to

    Σ_j x_ij = 1                                  every i             (assign)
    Σ_j w_lj = 1 or ≤ 1                           every l             (open: fixed, candidates)
    Σ_j w_jj = k                                                      (count)
    x_ij ≤ w_jj,  w_lj ≤ w_jj                     every i, l > j      (link)
    w_lj ≤ x_u(l),j                               every l ≥ j         (inside)
    L_w w_jj ≤ Σ_i p_iw x_ij ≤ U_w w_jj           every j, weight w   (balance)
    x_ij ≤ Σ_{l ∈ J_i} w_lj                       every (i, J_i), j   (reach)
    Σ_l a_lj ≥ A_0 Σ_i h_i x_ij                     every j           (floor area)
    m_l w_lj ≤ a_lj ≤ M_l w_lj                    every l ≥ j         (size)
    x_ij ≤ Σ_{c ∈ C} x_cj                         i,u(j)-separators C (contiguity)

The root stands in its district, so separators from u(j) are exact: CUT of Oehrlein and Haunert
(2017), Journal of Spatial Information Science 15, with a known root, as in Validi, Buchanan and
Lykhovyd (2022), Operations Research 70(2). Naming a part by its first member is the model of
asymmetric representatives of Campêlo, Campos and Corrêa (2008), Discrete Applied Mathematics
156(7), here over sites in place of nodes.

With ``reach`` "count", the rule of reach may be broken at the price of the residents behind it, and
nothing else has a price: the fewest residents out of reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import dijkstra

from ..districting.separators import Separator
from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .problem import JointPlan, JointSplit

Reach = Literal["rule", "count"]


@dataclass(frozen=True, eq=False)
class RootedModel:
    """
    A model and what its columns stand for.

    Parameters
    ----------
    model
        The mixed integer program, contiguity left to separators.
    problem
        What is asked.
    x
        Column of node i in the district rooted at the j-th usable site, -1 where there is none,
        shape (nodes, usable).
    w, a
        Columns of the l-th usable site in the district rooted at the j-th, -1 for l < j, shape
        (usable, usable).
    """

    model: LinearModel
    problem: JointSplit
    x: IntArray
    w: IntArray
    a: IntArray

    def root_of(self, values: FloatArray) -> IntArray:
        """Place of the root of each node's district among the usable sites, shape (nodes,)."""
        held = np.where(self.x >= 0, values[np.maximum(self.x, 0)], 0.0)
        return np.asarray(held.argmax(axis=1))

    def plan(self, values: FloatArray) -> JointPlan:
        """Return the plan that a solution stands for, its floor areas made cheapest."""
        problem = self.problem
        labels = np.unique(self.root_of(values), return_inverse=True)[1].astype(np.int64)
        is_open = np.zeros(problem.stations.num_sites, dtype=bool)
        opened = np.where(self.w >= 0, values[np.maximum(self.w, 0)], 0.0).max(axis=1) > 0.5
        is_open[problem.usable[opened]] = True
        return problem.sized(labels, is_open)

    def start(self, plan: JointPlan) -> FloatArray | None:
        """Return the values of a plan; None if a column of it is not in the model."""
        problem = self.problem
        home = plan.labels[problem.node_of_site[problem.usable]]
        opened = plan.siting.is_open[problem.usable]
        root = np.full(problem.num_districts, -1, dtype=np.int64)
        for place in np.flatnonzero(opened)[::-1]:
            root[home[place]] = place
        if (root < 0).any():
            return None
        values = np.zeros(self.model.num_columns)
        inside = self.x[np.arange(self.x.shape[0]), root[plan.labels]]
        places = np.flatnonzero(opened)
        own = self.w[places, root[home[places]]]
        if (inside < 0).any() or (own < 0).any():
            return None
        values[inside] = 1.0
        values[own] = 1.0
        values[self.a[places, root[home[places]]]] = plan.siting.area_m2[problem.usable[places]]
        return values

    def rows_of(self, cut: Separator) -> list[tuple[int, IntArray]]:
        """Pairs of the column of a node and those between it and a root, for every root."""
        nodes = self.problem.node_of_site[self.problem.usable]
        rows = []
        for j in np.flatnonzero(np.isin(nodes, cut.centres)):
            between = self.x[cut.between, j]
            passed = between[between >= 0]
            rows += [(int(c), passed) for c in self.x[cut.island, j] if c >= 0]
        return rows


def rooted_model(problem: JointSplit, *, reach: Reach = "rule") -> RootedModel:
    """
    Build the model.

    Parameters
    ----------
    problem
        What is asked.
    reach
        "rule" minimises the cost; "count" the residents out of reach, without any cost.
    """
    blocks = _Blocks(problem, priced=reach == "rule")
    blocks.open_sites()
    blocks.inside()
    blocks.balance()
    blocks.floor_area()
    blocks.reach(counted=reach == "count")
    return RootedModel(blocks.builder.build(), problem, blocks.x, blocks.w, blocks.a)


def rooted_nodes(problem: JointSplit) -> BoolArray:
    """
    Nodes that a district with each usable site can hold, shape (nodes, usable).

    A path from the site's node that weighs more than the upper bound rules a node out (the length
    bound of LCUT, Validi, Buchanan and Lykhovyd 2022).
    """
    split = problem.districting
    start = problem.node_of_site[problem.usable]
    graph, upper = split.graph, split.upper
    allowed = np.isfinite(dijkstra(graph, indices=start, unweighted=True)).T
    for w in np.flatnonzero(np.isfinite(upper)):
        # Dijkstra takes entries of 0 for no edge, so every step gets a little weight.
        entering = split.weights[graph.indices, w] + 1e-9
        lengths = sparse.csr_array((entering, graph.indices, graph.indptr), shape=graph.shape)
        away = dijkstra(lengths, indices=start).T + split.weights[start, w]
        allowed &= away <= upper[w] + 1e-6
    return np.asarray(allowed)


class _Blocks:
    """The model under construction, one family of constraints a method."""

    def __init__(self, problem: JointSplit, *, priced: bool) -> None:
        self.problem, self.builder = problem, ModelBuilder("joint-rooted")
        stations, usable = problem.stations, problem.usable
        self.num = usable.size
        allowed = rooted_nodes(problem)
        self.x = np.full(allowed.shape, -1, dtype=np.int64)
        self.x[allowed] = self.builder.add_columns(
            np.zeros(int(allowed.sum())), upper=1, integer=True
        )
        pairs = np.tri(self.num, dtype=bool)
        pairs &= self.x[problem.node_of_site[usable]] >= 0
        self.site, self.root = np.nonzero(pairs)
        one = usable[self.site]
        price = 1.0 if priced else 0.0
        new = ~stations.existing[one]
        cost = stations.fixed_cost[one] * new
        cost -= stations.cost_per_m2[one] * stations.area_today_m2[one]
        self.w = np.full(pairs.shape, -1, dtype=np.int64)
        self.w[pairs] = self.builder.add_columns(price * cost, upper=1, integer=True)
        self.a = np.full(pairs.shape, -1, dtype=np.int64)
        self.a[pairs] = self.builder.add_columns(
            price * stations.cost_per_m2[one], upper=stations.max_area_m2[one]
        )
        self.roots = np.diag(self.w)

    def open_sites(self) -> None:
        """Add the rows open, count, link of sites, inside and size."""
        problem, builder = self.problem, self.builder
        stations, usable = problem.stations, problem.usable
        w, a = self.w[self.site, self.root], self.a[self.site, self.root]
        fixed = stations.fixed_open[usable].astype(float)
        builder.add_rows(self.site, w, 1, lower=fixed, upper=1)
        k = float(problem.num_districts)
        builder.add_rows(np.zeros(self.num, dtype=int), self.roots, 1, lower=[k], upper=[k])
        self._at_most(w, self.roots[self.root])
        self._at_most(w, self.x[problem.node_of_site[usable[self.site]], self.root])
        one = usable[self.site]
        least = np.where(stations.existing, stations.area_today_m2, stations.min_area_m2)[one]
        self._at_most(a, w, stations.max_area_m2[one])
        rows = np.arange(w.size)
        builder.add_rows(
            np.r_[rows, rows],
            np.r_[a, w],
            np.r_[np.ones(w.size), -least],
            lower=np.zeros(w.size),
        )

    def inside(self) -> None:
        """Add that every node lies in one district, and only where there is a root."""
        node, root = np.nonzero(self.x >= 0)
        x = self.x[node, root]
        num_nodes = self.problem.districting.num_nodes
        self.builder.add_rows(node, x, 1, lower=np.ones(num_nodes), upper=1)
        self._at_most(x, self.roots[root])

    def balance(self) -> None:
        """Add L w ≤ Σ p x ≤ U w for every weight that is bounded."""
        split = self.problem.districting
        node, root = np.nonzero(self.x >= 0)
        rows, columns = np.r_[root, np.arange(self.num)], np.r_[self.x[node, root], self.roots]
        zeros = np.zeros(self.num)
        for w in range(split.weights.shape[1]):
            weight = split.weights[node, w]
            if np.isfinite(split.upper[w]):
                most = np.full(self.num, -split.upper[w])
                self.builder.add_rows(rows, columns, np.r_[weight, most], upper=zeros)
            if split.lower[w] > 0:
                least = np.full(self.num, -split.lower[w])
                self.builder.add_rows(rows, columns, np.r_[weight, least], lower=zeros)

    def floor_area(self) -> None:
        """Add Σ a ≥ A_0 Σ h x."""
        problem = self.problem
        node, root = np.nonzero(self.x >= 0)
        need = -problem.area_per_household_m2 * problem.households[node]
        self.builder.add_rows(
            np.r_[self.root, root],
            np.r_[self.a[self.site, self.root], self.x[node, root]],
            np.r_[np.ones(self.site.size), need],
            lower=np.zeros(self.num),
        )

    def reach(self, *, counted: bool) -> None:
        """Add x ≤ Σ w over the sites that help, or count who is left out."""
        problem = self.problem
        nodes, helps = problem.needs
        helps = helps[:, problem.usable]
        out = np.full(nodes.size, -1, dtype=np.int64)
        if counted:
            out = self.builder.add_columns(self._behind(nodes, helps), upper=1)
        rule, root = np.nonzero(self.x[nodes] >= 0)
        rows = np.arange(rule.size)
        row, site = np.nonzero(helps[rule] & (self.w[:, root].T >= 0))
        entries = [
            (rows, self.x[nodes[rule], root], np.ones(rows.size)),
            (row, self.w[site, root[row]], -np.ones(row.size)),
        ]
        if counted:
            entries.append((rows, out[rule], -np.ones(rows.size)))
        self.builder.add_rows(
            *(np.concatenate([entry[part] for entry in entries]) for part in range(3)),
            upper=np.zeros(rule.size),
        )

    def _behind(self, nodes: IntArray, helps: BoolArray) -> FloatArray:
        """Residents behind each rule of reach, shape (rules,)."""
        problem, residents = self.problem, self.problem.stations.residents
        behind = np.zeros(nodes.size)
        reaches = problem.reaches[problem.usable].T
        for unit in np.flatnonzero(problem.stations.must_reach):
            same = (nodes == problem.node_of_unit[unit]) & (helps == reaches[unit]).all(axis=1)
            behind[np.flatnonzero(same)[0]] += residents[unit]
        return behind

    def _at_most(self, less: IntArray, more: IntArray, factor: FloatArray | float = 1.0) -> None:
        """Add less ≤ factor · more, entry by entry, where they differ."""
        other = np.flatnonzero(less != more)
        rows = np.arange(other.size)
        factors = np.broadcast_to(np.asarray(factor, dtype=float), less.shape)[other]
        self.builder.add_rows(
            np.r_[rows, rows],
            np.r_[less[other], more[other]],
            np.r_[np.ones(other.size), -factors],
            upper=np.zeros(other.size),
        )
