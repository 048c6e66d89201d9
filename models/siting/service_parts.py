"""The parts of a service system: sites, facilities, needs, reaches, sharing; and of its plans."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Grounds:
    """
    Sites, and what they hold.

    Parameters
    ----------
    built_m2
        Floor area that stands today and is for the services of the problem, shape (sites,).
    most_m2
        Floor area that there may be for them, shape (sites,).
    fixed_cost
        Cost of opening the site; 0 where one is open today, shape (sites,).
    build_cost, convert_cost
        Cost of each m² that is built, and of each that changes its service, shape (sites,).
    fund
        Fund that pays for the site, -1 for none, shape (sites,).
    """

    built_m2: FloatArray
    most_m2: FloatArray
    fixed_cost: FloatArray
    build_cost: FloatArray
    convert_cost: FloatArray
    fund: IntArray


@dataclass(frozen=True, eq=False)
class Facilities:
    """
    Services that may be at sites, a row each.

    Parameters
    ----------
    site, service
        Shape (facilities,) each.
    today_m2
        Floor area today, 0 where it is not there, shape (facilities,).
    least_m2, most_m2
        Smallest and largest if open, shape (facilities,).
    is_kept
        Those of today that may not be closed, and those that are required, shape (facilities,).
    closing_cost
        Cost of giving up one of today, shape (facilities,).
    """

    site: IntArray
    service: IntArray
    today_m2: FloatArray
    least_m2: FloatArray
    most_m2: FloatArray
    is_kept: BoolArray
    closing_cost: FloatArray

    @property
    def num(self) -> int:
        """Number of facilities."""
        return int(self.site.size)


@dataclass(frozen=True, eq=False)
class Needs:
    """
    What places must have of a service, a row each.

    Parameters
    ----------
    service
        Shape (needs,).
    names
        Name of the place of each need, for messages.
    area_m2
        Floor area that must be there, shape (needs,).
    least, most
        Fewest facilities (a rule that may be lacking) and most (a hard one), shape (needs,).
    members
        Facilities that count in full, boolean CSR of shape (needs, facilities).
    points
        Facilities that count up to ``point_share`` of the area and not as a number, the same shape.
    point_share
        Share of the area that points may give.
    """

    service: IntArray
    names: tuple[str, ...]
    area_m2: FloatArray
    least: IntArray
    most: IntArray
    members: sparse.csr_array
    points: sparse.csr_array
    point_share: float = 0.2


@dataclass(frozen=True, eq=False)
class Reaches:
    """
    Who must have which service within reach, a row each.

    Parameters
    ----------
    service, unit
        Shape (reaches,) each.
    people
        Residents, or those of the target group, shape (reaches,).
    facilities
        Facilities within reach that count, boolean CSR of shape (reaches, facilities).
    """

    service: IntArray
    unit: IntArray
    people: FloatArray
    facilities: sparse.csr_array


@dataclass(frozen=True, eq=False)
class Sharing:
    """
    Needs whose place is attached to exactly one facility, which may serve several places.

    Parameters
    ----------
    needs
        Rows of :class:`Needs`, shape (shared,); these have no members.
    facilities
        Facilities that a place may be attached to, boolean CSR of shape (shared, facilities).
    most_places
        Places that a facility serves at most.
    """

    needs: IntArray
    facilities: sparse.csr_array
    most_places: int = 3


@dataclass(frozen=True)
class Prices:
    """What a plan lacks counts so much: a person out of reach, a m², a facility."""

    person: float = 50.0
    square_metre: float = 20.0
    facility: float = 1000.0


@dataclass(frozen=True, eq=False)
class SystemPlan:
    """
    A decision.

    Parameters
    ----------
    is_open
        Shape (facilities,).
    area_m2
        Floor area, 0 where closed, shape (facilities,).
    attached
        Facility that each shared need is attached to, -1 for none, shape (shared,).
    """

    is_open: BoolArray
    area_m2: FloatArray
    attached: IntArray = field(default_factory=lambda: np.empty(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Lacks:
    """
    What a plan lacks.

    Parameters
    ----------
    people
        Of each reach, those out of reach, shape (reaches,).
    area_m2, number
        Of each need, shape (needs,).
    unserved_m2
        Floor area that households need and cannot get within their reach.
    """

    people: FloatArray
    area_m2: FloatArray
    number: IntArray
    unserved_m2: float

    def price(self, prices: Prices) -> float:
        """Return the sum at the given prices."""
        area = float(self.area_m2.sum()) + self.unserved_m2
        return float(
            prices.person * self.people.sum()
            + prices.square_metre * area
            + prices.facility * self.number.sum()
        )


@dataclass(frozen=True, eq=False)
class Earlier:
    """
    What an earlier plan opened, and what it counts to differ from it.

    Parameters
    ----------
    was_open
        Shape (facilities,).
    area_m2
        Floor area that it gave each, 0 where it does not matter, shape (facilities,).
    price
        What each facility counts whose state differs, 0 where it may, shape (facilities,).
    price_m2
        What each m² counts by which one that stays is smaller, shape (facilities,).
    """

    was_open: BoolArray
    area_m2: FloatArray
    price: FloatArray
    price_m2: FloatArray

    def changed(self, is_open: BoolArray) -> BoolArray:
        """Facilities whose state differs and counts, shape (facilities,)."""
        return np.asarray((is_open != self.was_open) & (self.price > 0))

    def smaller_m2(self, plan: SystemPlan) -> FloatArray:
        """By how much each facility that stays is smaller, shape (facilities,)."""
        less = np.maximum(self.area_m2 - plan.area_m2, 0.0)
        return np.where(plan.is_open & self.was_open & (self.price_m2 > 0), less, 0.0)

    def charge(self, plan: SystemPlan) -> float:
        """Return what the changes of a plan count like, in money."""
        shrinking = float((self.price_m2 * self.smaller_m2(plan)).sum())
        return float(self.price[self.changed(plan.is_open)].sum()) + shrinking
