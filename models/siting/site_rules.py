"""
Rules on which sites may be open, the same in every siting problem.

Variables: y_j = 1 if site j is open. A rule is one of

    y_j = 1                         every required or existing site         (required)
    y_j = 0                         every forbidden site                    (forbidden)
    m ≤ Σ_j y_j ≤ M                                                         (count)
    y_a + y_b ≤ 1                   every pair of sites too close           (apart)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ..formulation import BoolArray, FloatArray, IntArray, ModelBuilder


@dataclass(frozen=True, eq=False)
class SiteRules:
    """
    Which sites may be open together.

    Parameters
    ----------
    required
        Sites that must be open; existing ones that stay are required, shape (sites,).
    forbidden
        Sites that must stay closed, shape (sites,).
    least, most
        Fewest and most sites that may be open. A problem with p opens exactly p if ``least`` is
        None, and between ``least`` and p if it is given; ``most`` is for problems without p.
    apart
        Pairs of sites of which at most one may be open, shape (pairs, 2); see
        :func:`pairs_nearer_than`.

    Examples
    --------
    >>> rules = SiteRules(required=np.array([True, False, False]), apart=np.array([[0, 1]]))
    >>> rules.violations(np.array([False, True, True]))
    ['site 0 is required and closed']
    """

    required: BoolArray | None = None
    forbidden: BoolArray | None = None
    least: int | None = None
    most: int | None = None
    apart: IntArray | None = None

    def check(self, *, num_sites: int, p: int | None = None) -> None:
        """
        Refuse rules that fit no problem of that many sites, or contradict each other.

        Raises
        ------
        ValueError
            If a shape or a number of sites is wrong, or no choice of sites keeps all rules for a
            reason that can be named.
        """
        for label, mask in (("required", self.required), ("forbidden", self.forbidden)):
            if mask is not None and (mask.shape != (num_sites,) or mask.dtype != np.bool_):
                raise ValueError(
                    f"{label} has shape {mask.shape} and type {mask.dtype}, expected one boolean "
                    f"for each of {num_sites} sites."
                )
        _check_pairs(self.apart, num_sites=num_sites)
        lower, upper = self.bounds(num_sites)
        both = np.flatnonzero(lower > upper)
        if both.size:
            raise ValueError(
                f"site {both[0]} is required and forbidden; take it out of one of the two."
            )
        self._check_required_apart(lower)
        self._check_count(int(lower.sum()), int(upper.sum()), p)

    def bounds(self, num_sites: int) -> tuple[FloatArray, FloatArray]:
        """Bounds of y, shape (sites,) each: 1 and 1 if required, 0 and 0 if forbidden."""
        lower, upper = np.zeros(num_sites), np.ones(num_sites)
        if self.required is not None:
            lower[self.required] = 1.0
        if self.forbidden is not None:
            upper[self.forbidden] = 0.0
        return lower, upper

    def count_range(self, *, num_sites: int, p: int | None = None) -> tuple[int, int]:
        """Fewest and most sites that may be open, with p or without."""
        most = num_sites if self.most is None else self.most
        if p is None:
            return self.least or 0, most
        return p if self.least is None else self.least, min(p, most)

    def violations(self, is_open: BoolArray, *, p: int | None = None) -> list[str]:
        """Every broken rule, in words; empty if all are kept."""
        lower, upper = self.bounds(is_open.size)
        broken = [
            f"site {j} is required and closed" for j in np.flatnonzero(~is_open & (lower > 0))
        ]
        broken += [f"site {j} is forbidden and open" for j in np.flatnonzero(is_open & (upper < 1))]
        if self.apart is not None:
            both = self.apart[is_open[self.apart].all(axis=1)]
            broken += [f"sites {a} and {b} are open and too close to each other" for a, b in both]
        return broken + self._count_violations(int(is_open.sum()), is_open.size, p)

    def _count_violations(self, count: int, num_sites: int, p: int | None) -> list[str]:
        least, most = self.count_range(num_sites=num_sites, p=p)
        if least <= count <= most:
            return []
        if least == most:
            return [f"{count} sites are open, not p = {p}"]
        return [f"{count} sites are open, expected {least} to {most}"]

    def _check_required_apart(self, lower: FloatArray) -> None:
        if self.apart is None:
            return
        both = self.apart[(lower[self.apart] > 0).all(axis=1)]
        if both.size:
            raise ValueError(
                f"sites {both[0, 0]} and {both[0, 1]} are required and too close to each other; "
                "require one of them, or lower the least distance."
            )

    def _check_count(self, num_required: int, num_allowed: int, p: int | None) -> None:
        if p is not None and not 1 <= p <= num_allowed:
            raise ValueError(
                f"p = {p} of {num_allowed} sites that may open cannot be opened; give "
                f"1..{num_allowed}."
            )
        least, most = self.count_range(num_sites=num_allowed, p=p)
        if num_required > most:
            raise ValueError(
                f"{num_required} sites are required, but only {most} may be open; require fewer."
            )
        if least > min(most, num_allowed):
            raise ValueError(
                f"at least {least} sites must be open, but only {min(most, num_allowed)} may be; "
                "lower the first or raise the second."
            )


def pairs_nearer_than(points: FloatArray, metres: float) -> IntArray:
    """
    Pairs of points nearer to each other than a least distance.

    Parameters
    ----------
    points
        Coordinates in metres, shape (sites, 2).
    metres
        Least distance; points exactly so far apart are no pair.

    Returns
    -------
    IntArray
        Pairs a < b, shape (pairs, 2): what ``SiteRules.apart`` takes.

    Examples
    --------
    >>> pairs_nearer_than(np.array([[0.0, 0.0], [3.0, 4.0], [9.0, 9.0]]), 6.0).tolist()
    [[0, 1]]
    """
    pairs = KDTree(points).query_pairs(metres, output_type="ndarray")
    length = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    near: IntArray = np.sort(pairs[length < metres], axis=1).astype(np.int64)
    return near[np.lexsort((near[:, 1], near[:, 0]))]


def add_site_rules(
    builder: ModelBuilder, y: IntArray, rules: SiteRules | None, *, p: int | None = None
) -> None:
    """
    Add the rows (required), (forbidden), (count) and (apart).

    Parameters
    ----------
    builder, y
        The model and its columns y, one for each site in order.
    rules
        None for no rule but p.
    p
        Number of sites of the problem; None if it has none.
    """
    rules = rules or SiteRules()
    least, most = rules.count_range(num_sites=y.size, p=p)
    if least > 0 or most < y.size:
        builder.add_rows(np.zeros(y.size, dtype=np.int64), y, 1, lower=[least], upper=[most])
    lower, upper = rules.bounds(y.size)
    fixed = np.flatnonzero((lower > 0) | (upper < 1))
    if fixed.size:
        row = np.arange(fixed.size)
        builder.add_rows(row, y[fixed], 1, lower=lower[fixed], upper=upper[fixed])
    if rules.apart is not None and rules.apart.size:
        row = np.repeat(np.arange(len(rules.apart)), 2)
        builder.add_rows(row, y[rules.apart.ravel()], 1, upper=np.ones(len(rules.apart)))


def rule_violations(
    is_open: BoolArray, rules: SiteRules | None, *, p: int | None = None
) -> list[str]:
    """Every broken rule of a choice of sites, those of ``rules`` and p; see :class:`SiteRules`."""
    return (rules or SiteRules()).violations(is_open, p=p)


def check_rules(rules: SiteRules | None, *, num_sites: int, p: int | None = None) -> None:
    """Refuse rules and a p that no choice of sites can keep; see :meth:`SiteRules.check`."""
    (rules or SiteRules()).check(num_sites=num_sites, p=p)


def _check_pairs(apart: IntArray | None, *, num_sites: int) -> None:
    """Refuse pairs of sites that do not exist, or of one site with itself."""
    if apart is None:
        return
    if apart.ndim != 2 or apart.shape[1] != 2:
        raise ValueError(f"apart has shape {apart.shape}, expected (pairs, 2).")
    wrong = np.flatnonzero(
        (apart < 0).any(axis=1) | (apart >= num_sites).any(axis=1) | (apart[:, 0] == apart[:, 1])
    )
    if wrong.size:
        raise ValueError(
            f"apart[{wrong[0]}] is {apart[wrong[0]].tolist()}; give two different sites "
            f"0..{num_sites - 1}."
        )
