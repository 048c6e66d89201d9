"""
The p-dispersion problem: open p sites so that no two of them are close to each other.

Sets: sites a, b with distance d_ab. Variables: y_a = 1 if site a is open, r = least distance
between two open sites. Maximise r subject to

    r ≤ d_ab + (M - d_ab)(2 - y_a - y_b)     every pair a < b with d_ab < M      (apart)
    Σ_a y_a = p, and the rules on sites                                           (count)

with M the largest distance. Kuby 1987, "Programming models for facility dispersion: the
p-dispersion and maxisum dispersion problems", Geographical Analysis 19(4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, ModelBuilder
from .allocation import AllocationModel, shape_violations
from .distances import Distances, MatrixDistances, PointDistances, SparseDistances, as_distances
from .site_rules import SiteRules, add_site_rules, check_rules, rule_violations


@dataclass(frozen=True, eq=False)
class PDispersion:
    """
    One p-dispersion problem as arrays. A solution is the array of open sites.

    Parameters
    ----------
    distances
        Distance between sites: a symmetric matrix of shape (sites, sites), a CSR array of the pairs
        that are near enough to matter (all others are infinitely far apart), or any
        :class:`.distances.Distances` of sites to the same sites. The diagonal is not looked at.
    p
        Number of sites to open, 2 at least.
    rules
        Which sites may be open together; None for no rule but p.

    Raises
    ------
    ValueError
        If the distances are not between the same sites, negative or different in the two
        directions, or no choice of two sites at least can keep p and the rules.
    """

    distances: FloatArray | sparse.csr_array | Distances
    p: int
    rules: SiteRules | None = None

    def __post_init__(self) -> None:
        """Refuse distances and a p that make no sense."""
        if self.pairs.shape[0] != self.pairs.shape[1]:
            raise ValueError(
                f"distances has shape {self.pairs.shape}, expected (sites, sites): dispersion is "
                "between sites."
            )
        _check_symmetric(self.pairs)
        check_rules(self.rules, num_sites=self.num_sites, p=self.p)
        if self.fewest < 2:
            raise ValueError(
                f"{self.fewest} open sites have no distance to each other; give p, and least, of 2 "
                "or more."
            )

    @cached_property
    def pairs(self) -> Distances:
        """The distances in one form."""
        return as_distances(self.distances)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.pairs.shape[1]

    @property
    def fewest(self) -> int:
        """Fewest sites that must be open: more of them are never farther apart."""
        rules = self.rules or SiteRules()
        lower, _ = rules.bounds(self.num_sites)
        least, _ = rules.count_range(num_sites=self.num_sites, p=self.p)
        return max(least, int(lower.sum()))

    def evaluate(self, is_open: BoolArray) -> float:
        """Least distance between two open sites; infinite if fewer than two are open."""
        sites = np.flatnonzero(is_open)
        first, second = np.triu_indices(sites.size, 1)
        return float(self.pairs.of_pairs(sites[first], sites[second]).min(initial=np.inf))

    def violations(self, is_open: BoolArray) -> list[str]:
        """Every broken rule of a choice of sites, in words; empty if it is feasible."""
        misfits = shape_violations(is_open=(is_open, (self.num_sites,)))
        return misfits or rule_violations(is_open, self.rules, p=self.p)


def p_dispersion_model(problem: PDispersion) -> AllocationModel[BoolArray]:
    """Build the formulation of Kuby (1987), with a row for each pair of sites."""
    num_sites = problem.num_sites
    first, second = np.triu_indices(num_sites, 1)
    distance = problem.pairs.dense()[first, second]
    far = float(distance[np.isfinite(distance)].max(initial=0.0))
    near = distance < far
    first, second, distance = first[near], second[near], distance[near]
    builder = ModelBuilder("p-dispersion", maximize=True)
    y = builder.add_columns(np.zeros(num_sites), upper=1, integer=True)
    radius = builder.add_columns([1.0], upper=far)
    row, slack = np.arange(first.size), far - distance
    builder.add_rows(
        np.r_[row, row, row],
        np.r_[np.repeat(radius, row.size), y[first], y[second]],
        np.r_[np.ones(row.size), slack, slack],
        upper=distance + 2 * slack,
    )
    add_site_rules(builder, y, problem.rules, p=problem.p)
    return AllocationModel(
        builder.build(),
        decode=lambda values: np.asarray(values[:num_sites] > 0.5),
        encode=lambda is_open: np.append(
            is_open.astype(float), min(far, problem.evaluate(is_open))
        ),
    )


def _check_symmetric(pairs: Distances) -> None:
    """Refuse distances that differ in the two directions."""
    if isinstance(pairs, MatrixDistances):
        wrong = np.argwhere(pairs.matrix != pairs.matrix.T)
        a, b = wrong[0].tolist() if wrong.size else (-1, -1)
    elif isinstance(pairs, SparseDistances):
        one, other = (sparse.coo_array(array) for array in (pairs.pairs, pairs.pairs.T))
        keys = [np.lexsort((array.col, array.row)) for array in (one, other)]
        order, reverse = keys
        same = (
            np.array_equal(one.row[order], other.row[reverse])
            and np.array_equal(one.col[order], other.col[reverse])
            and np.array_equal(one.data[order], other.data[reverse])
        )
        a, b = (-1, -1) if same else _one_way(pairs)
    elif isinstance(pairs, PointDistances):
        wrong = np.argwhere(pairs.clients != pairs.sites)
        if wrong.size:
            raise ValueError(
                f"site {wrong[0, 0]} has other coordinates as a client; give the same points twice."
            )
        return
    else:
        return
    if a >= 0:
        there, back = (
            float(pairs.block(np.array([i]), np.array([j]))[0, 0]) for i, j in ((a, b), (b, a))
        )
        raise ValueError(
            f"distances[{a}, {b}] is {there:g} and distances[{b}, {a}] is {back:g}; give one "
            "distance for both directions."
        )


def _one_way(pairs: SparseDistances) -> tuple[int, int]:
    """Find a pair of sites whose two distances differ."""
    table = sparse.coo_array(pairs.pairs)
    there = dict(
        zip(
            zip(table.row.tolist(), table.col.tolist(), strict=True),
            table.data.tolist(),
            strict=True,
        )
    )
    return next((a, b) for (a, b), length in there.items() if there.get((b, a)) != length)
