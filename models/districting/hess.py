"""
The Hess model on a chosen set of variables, with a,b-separator inequalities.

Sets: nodes V, allowed pairs A ⊆ V x V. Variables: x_ij = 1 if node i belongs to the district whose
centre is j. Minimise Σ c_ij x_ij subject to

    Σ_j x_ij = 1                                     every i            (assign)
    Σ_j x_jj = k                                                        (count)
    L_w x_jj ≤ Σ_i p_iw x_ij ≤ U_w x_jj              every j, weight w  (balance)
    x_ij ≤ x_jj                                      every i ≠ j        (link)
    x_ab ≤ Σ_{c ∈ C} x_cb                            a,b-separators C   (contiguity)

Bounds are the loosest of the districts that j may serve; rules that name districts add columns for
that, see :mod:`.label_rules`. Hess et al. (1965), Operations Research 13(6); separators: Oehrlein
and Haunert (2017), Journal of Spatial Information Science 15, as CUT in Validi, Buchanan and
Lykhovyd (2022), Operations Research 70(2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..formulation import BoolArray, FloatArray, IntArray, LinearModel, ModelBuilder
from .label_rules import add_apart, add_labels, centre_bounds, rule_pairs
from .problem import Districting
from .separators import Separator


@dataclass(frozen=True, eq=False)
class HessModel:
    """
    A Hess model and the pair that each of its columns stands for.

    Parameters
    ----------
    model
        The mixed integer program.
    node, centre
        Pair (i, j) of each of the first columns, shape (pairs,).
    column
        Column of each pair, -1 where it has none, shape (nodes, nodes).
    label_centre, label_district
        Centre and district of each of the columns that follow, if districts are told apart.
    """

    model: LinearModel
    node: IntArray
    centre: IntArray
    column: IntArray
    label_centre: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    label_district: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    def assignment(self, values: FloatArray) -> IntArray:
        """Centre of each node in a solution, shape (nodes,)."""
        chosen = np.flatnonzero(values[: self.node.size] > 0.5)
        centre = np.full(int(self.node.max()) + 1, -1, dtype=np.int64)
        centre[self.node[chosen]] = self.centre[chosen]
        return centre

    def plan(self, values: FloatArray) -> IntArray:
        """District of each node in a solution, shape (nodes,); any numbers if none is named."""
        centre_of = self.assignment(values)
        if not self.label_centre.size:
            return np.unique(centre_of, return_inverse=True)[1].astype(np.int64)
        chosen = np.flatnonzero(values[self.node.size :][: self.label_centre.size] > 0.5)
        district = np.full(int(self.label_centre.max()) + 1, -1, dtype=np.int64)
        district[self.label_centre[chosen]] = self.label_district[chosen]
        return district[centre_of]

    def start(self, centre_of: IntArray, plan: IntArray | None = None) -> FloatArray | None:
        """
        Values of a plan; None if a pair of it is not in the model.

        Parameters
        ----------
        centre_of
            Centre of each node, shape (nodes,).
        plan
            District of each node, needed if districts are told apart.
        """
        x = centre_of[self.node] == self.centre
        served = np.full(centre_of.size, -1, dtype=np.int64)
        if plan is not None:
            served[centre_of] = plan
        y = served[self.label_centre] == self.label_district
        missing = x.sum() != centre_of.size or (y.size and y.sum() != np.unique(centre_of).size)
        return None if missing else np.r_[x, y].astype(float)


def hess_model(
    problem: Districting, allowed: BoolArray, separators: Sequence[Separator] = ()
) -> HessModel:
    """
    Build the Hess model with the variables of ``allowed``.

    Parameters
    ----------
    problem
        What is asked.
    allowed
        Pairs (i, j) that get a variable, shape (nodes, nodes). Pairs whose centre is not allowed
        for itself are dropped.
    separators
        Inequalities that make disconnected solutions infeasible.
    """
    n = problem.num_nodes
    allowed = allowed & rule_pairs(problem)
    allowed &= np.diag(allowed)[None, :]
    node, centre = (index.astype(np.int64) for index in np.nonzero(allowed))
    builder = ModelBuilder("hess")
    x = builder.add_columns(problem.costs[node, centre], upper=1, integer=True)
    column = np.full((n, n), -1, dtype=np.int64)
    column[node, centre] = x
    builder.add_rows(node, x, 1, lower=np.ones(n), upper=1)
    open_centre = np.flatnonzero(np.diag(allowed))
    own = column[open_centre, open_centre]
    k = problem.num_districts
    builder.add_rows(np.zeros(own.size, dtype=int), own, 1, lower=[k], upper=[k])
    _add_balance(builder, problem, node, centre, x, own)
    other = np.flatnonzero(node != centre)
    link = np.arange(other.size)
    builder.add_rows(
        np.r_[link, link],
        np.r_[x[other], column[centre[other], centre[other]]],
        np.r_[np.ones(other.size), -np.ones(other.size)],
        upper=np.zeros(other.size),
    )
    _add_separators(builder, separators, column)
    add_apart(builder, problem, column)
    if problem.rules is None or not problem.rules.names_districts:
        return HessModel(builder.build(), node, centre, column)
    _, label_centre, label_district = add_labels(builder, problem, column)
    return HessModel(builder.build(), node, centre, column, label_centre, label_district)


def _add_balance(
    builder: ModelBuilder,
    problem: Districting,
    node: IntArray,
    centre: IntArray,
    x: IntArray,
    own: IntArray,
) -> None:
    """Add L x_jj ≤ Σ p_i x_ij ≤ U x_jj for every weight that is bounded."""
    open_centre, place = np.unique(centre, return_inverse=True)
    place_own, zeros = np.arange(own.size), np.zeros(own.size)
    lower, upper = centre_bounds(problem)
    for w in range(problem.weights.shape[1]):
        rows, columns = np.r_[place, place_own], np.r_[x, own]
        weight, most, least = problem.weights[node, w], upper[open_centre, w], lower[open_centre, w]
        if np.isfinite(most).all():
            builder.add_rows(rows, columns, np.r_[weight, -most], upper=zeros)
        if (least > 0).any():
            builder.add_rows(rows, columns, np.r_[weight, -least], lower=zeros)


def _add_separators(
    builder: ModelBuilder, separators: Sequence[Separator], column: IntArray
) -> None:
    """Add x_ab - Σ x_cb ≤ 0 where x_ab exists; a variable that does not exist is 0."""
    for cut in separators:
        own = column[np.ix_(cut.island, cut.centres)]
        _, side = np.nonzero(own >= 0)
        if not side.size:
            continue
        between = column[np.ix_(cut.between, cut.centres[side])].T
        row, place = np.nonzero(between >= 0)
        builder.add_rows(
            np.r_[np.arange(side.size), row],
            np.r_[own[own >= 0], between[row, place]],
            np.r_[np.ones(side.size), -np.ones(row.size)],
            upper=np.zeros(side.size),
        )
