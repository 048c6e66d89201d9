"""
What siting problems are made of, and what makes every solution impossible.

What can be said in a sentence is refused here, with the ids that people know, before anything is
solved.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

from ..models.formulation import BoolArray, FloatArray, IntArray
from ..models.siting.distances import Distances, MatrixDistances, SparseDistances
from ..models.siting.site_rules import SiteRules, pairs_nearer_than
from .faults import counted, nearest
from .siting_asked import Asked
from .siting_data import SitingData, ids_at, named


@dataclass(frozen=True, eq=False)
class Parts:
    """
    What a problem is made of.

    Parameters
    ----------
    model
        Name of the model.
    data, asked
        Clients and sites, and what is asked of them.
    rules
        Rules of the sites; None without any.
    reach
        Distance up to which a site counts for each client, shape (clients,); None for any.
    allowed
        Sites that may open, shape (sites,).
    """

    model: str
    data: SitingData
    asked: Asked
    rules: SiteRules | None
    reach: FloatArray | None
    allowed: BoolArray

    @property
    def p_or_none(self) -> int | None:
        """Number of sites: as asked, else as the file says; None if neither says it."""
        return self.data.p if self.asked.p is None else self.asked.p

    @property
    def p(self) -> int:
        """Number of sites."""
        if self.p_or_none is None:
            raise ValueError(f"{self.data.name} does not say how many sites; give -p.")
        return self.p_or_none

    @property
    def distances(self) -> Any:  # noqa: ANN401 - matrix, pairs or points
        """Distances in the form that problems take."""
        return plain_form(self.data.pairs)

    def needed(self, values: FloatArray | None, what: str, where: str) -> FloatArray:
        """Return values, or say where they are to come from."""
        if values is None:
            raise ValueError(f"{self.data.name} gives no {what}, which {self.model} needs; {where}")
        return values

    @property
    def capacity(self) -> FloatArray:
        """Capacity of each site."""
        return self.needed(
            self.data.capacity, "capacities", "give --capacities or --capacity-column."
        )

    @property
    def fixed_costs(self) -> FloatArray:
        """Fixed cost of each site."""
        return self.needed(
            self.data.fixed_costs, "fixed costs", "give --fixed-costs or --fixed-cost-column."
        )

    def optional(self, **values: object) -> dict[str, Any]:
        """Keep the values that are there, and the rules."""
        return {name: value for name, value in {**values, "rules": self.rules}.items()
                if value is not None}  # fmt: skip

    @property
    def covers(self) -> sparse.csr_array:
        """Which site covers which client."""
        if self.data.covering is not None:
            return self.data.covering
        assert self.reach is not None  # noqa: S101 - reach_of refuses it
        return self.data.covers(self.reach)

    @property
    def site_costs(self) -> FloatArray:
        """Cost of each site, 1 where nothing is said."""
        costs = self.data.fixed_costs
        return np.ones(self.data.num_sites) if costs is None else costs


def plain_form(distances: Distances) -> Any:  # noqa: ANN401 - matrix, pairs or points
    """Return the matrix or the pairs alone; points stay as they are."""
    if isinstance(distances, MatrixDistances):
        return distances.matrix
    return distances.pairs if isinstance(distances, SparseDistances) else distances


def required_sites(data: SitingData, asked: Asked) -> BoolArray:
    """
    Sites that must be open, by option, column or because they are open today.

    Raises
    ------
    ValueError
        If an id is unknown, or nothing says which sites exist.
    """
    required = _named_sites(data, asked.required, data.required, "--required")
    if not asked.keep_existing:
        return required
    if data.existing is None:
        raise ValueError(
            f"--keep-existing needs a column status of the sites, which {data.name} does not "
            "give; name the sites with --required."
        )
    return required | data.existing


def forbidden_sites(data: SitingData, asked: Asked) -> BoolArray:
    """Sites that must stay closed, by option or column; see :func:`required_sites`."""
    return _named_sites(data, asked.forbidden, data.forbidden, "--forbidden")


def _named_sites(
    data: SitingData, ids: tuple[str, ...], column: BoolArray | None, option: str
) -> BoolArray:
    """Sites that an option or a column names."""
    place = {site: row for row, site in enumerate(data.site_ids)}
    mask = np.zeros(data.num_sites, dtype=bool) if column is None else column.copy()
    ids = tuple(one for text in ids for one in ([text] if text in place else text.split(",")))
    unknown = [site for site in ids if site not in place]
    if unknown:
        near = nearest(unknown[0], data.site_ids)
        raise ValueError(
            f"{option}: {data.name} has no site {named(unknown)}. "
            f"{f'Did you mean {near}?' if near else f'Its sites are {named(data.site_ids)}.'}"
        )
    mask[[place[site] for site in ids]] = True
    return mask


def site_rules(data: SitingData, asked: Asked, *, has_p: bool) -> SiteRules | None:
    """
    Rules of the sites; None if there are none.

    Parameters
    ----------
    data, asked
        Clients and sites, and what is asked of them.
    has_p
        Whether the model opens p sites.

    Raises
    ------
    ValueError
        If no choice of sites can keep the rules, or they need what the files do not give.
    """
    required, forbidden = required_sites(data, asked), forbidden_sites(data, asked)
    both = ids_at(data.site_ids, required & forbidden)
    if both:
        raise ValueError(
            f"{counted(len(both), 'site')} required and forbidden at once ({named(both)}); take "
            "each out of one of the two."
        )
    apart = _too_close(data, asked, required)
    rules = SiteRules(
        required=required if required.any() else None,
        forbidden=forbidden if forbidden.any() else None,
        least=asked.least,
        most=asked.most,
        apart=apart,
    )
    bare = all(getattr(rules, field.name) is None for field in fields(rules))
    rules.check(num_sites=data.num_sites, p=asked.p if has_p else None)
    return None if bare else rules


def _too_close(data: SitingData, asked: Asked, required: BoolArray) -> IntArray | None:
    """Pairs of sites of which one may be open; sites of today that stay are never too close."""
    least = asked.min_distance
    if least is None:
        return None
    if data.site_points is None:
        raise ValueError(
            f"--min-distance needs the coordinates of the sites, which {data.name} does not "
            "give; forbid sites with --forbidden instead."
        )
    apart = pairs_nearer_than(data.site_points, least)
    if asked.keep_existing and data.existing is not None:
        apart = apart[~data.existing[apart].all(axis=1)]
    close = [
        f"{data.site_ids[a]} and {data.site_ids[b]}"
        for a, b in apart.tolist()
        if required[[a, b]].all()
    ]
    if close:
        raise ValueError(
            f"Required sites nearer to each other than {least:g} m: {named(close)}. Require one "
            "of them, or lower --min-distance."
        )
    return apart


def reach_of(data: SitingData, asked: Asked, *, covers: bool) -> FloatArray | None:
    """
    Distance up to which a site counts for each client, shape (clients,); None for any.

    Parameters
    ----------
    data, asked
        Clients and sites, and what is asked of them.
    covers
        Whether the model covers clients within a radius.

    Raises
    ------
    ValueError
        If a radius is needed and not there, or there and not needed.
    """
    common = asked.radius if covers else asked.reach
    if common is None and data.reach is None:
        if covers and data.covering is None:
            raise ValueError(
                "It is not known how far a site covers; give --radius, or a column reach of the "
                "clients."
            )
        return None
    if data.covering is not None:
        raise ValueError(
            f"{data.name} says itself which site covers which client; leave --radius out."
        )
    own = np.full(data.num_clients, np.inf) if data.reach is None else data.reach
    return own if common is None else np.minimum(own, common)


def check_reach(parts: Parts, *, must_reach: bool) -> tuple[str, ...]:
    """
    Refuse clients that no site reaches, or return a warning where that is no fault.

    Raises
    ------
    ValueError
        If there are such clients; names up to ten of them and says how many there are.
    """
    data, reach = parts.data, parts.reach
    if parts.model == "p-dispersion":
        return ()
    if data.covering is not None:
        covers = data.covering
    elif reach is not None:
        covers = data.covers(reach)
    elif isinstance(data.distances, SparseDistances):
        covers = data.covers(np.full(data.num_clients, np.inf))
    else:
        return ()
    stranded = ids_at(data.client_ids, covers @ parts.allowed.astype(float) == 0)
    if not stranded:
        return ()
    text = f"{counted(len(stranded), 'client')} that no site reaches ({named(stranded)})"
    if must_reach:
        option = "--reach" if parts.asked.radius is None else "--radius"
        raise ValueError(
            f"{data.name}: {text}. Raise {option}, add sites, or leave these clients out."
        )
    return (f"{text}; they stay uncovered",)


def total_costs(parts: Parts) -> FloatArray:
    """Costs of serving all demand of each client, infinite where a site is out of reach."""
    data, asked = parts.data, parts.asked
    if data.totals is not None:
        if parts.reach is not None:
            raise ValueError(f"{data.name} gives costs, not distances; leave --reach out.")
        return data.totals if asked.unit_cost is None else data.totals * asked.unit_cost
    matrix = data.pairs.dense()
    costs = matrix
    if asked.unit_cost is not None or data.form != "tables":
        costs = matrix * ((asked.unit_cost or 1.0) * data.client_weights)[:, None]
    return costs if parts.reach is None else np.where(matrix <= parts.reach[:, None], costs, np.inf)


def refuse_shortage(parts: Parts, *, most: int | None = None) -> None:
    """Refuse capacities that all together, or the ``most`` largest, hold less than is demanded."""
    capacity = np.sort(parts.capacity[parts.allowed])[::-1][:most]
    demand, total = float(parts.data.client_weights.sum()), float(capacity.sum())
    if demand > total * (1 + 1e-9):
        which = "all sites that may open" if most is None else f"the {most} largest sites"
        raise ValueError(
            f"{parts.data.name}: {which} hold {total:,.10g}, the clients demand {demand:,.10g}: "
            f"{demand - total:,.10g} too little. Raise capacities"
            f"{' or -p' if most is not None else ' or add sites'}."
        )
