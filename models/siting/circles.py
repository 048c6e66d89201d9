"""
Circles of daily life in yearly phases: which facilities to build when, so that circles are whole.

A circle is a group of units: a community, a street. It is recognised in a year when at least a
share of its residents have facilities of every category within reach. What is built stays; every
year has its money, which may carry over. :mod:`.circles_model` writes that as an integer program.

A covering problem in which a client is covered by several kinds of facilities together is the
hierarchical one of Moore and ReVelle 1982, "The hierarchical service location problem", Management
Science 28(7); that a group counts only once a share of it is covered is partial covering (Daskin
and Owen 1999, "Two new location covering problems", Geographical Analysis 31(3)) for each group;
the years are those of Schilling 1980, "Dynamic location modeling for public-sector facilities: a
multicriteria approach", Decision Sciences 11(4).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from ..formulation import BoolArray, FloatArray, IntArray
from .allocation import check_numbers, shape_violations
from .coverage import budget_limit

NEVER, TODAY = -1, 0
"""Years of facilities that are not built, and of those that exist today."""

SHARE_SLACK = 1e-9
"""Residents, as a share of a circle's, up to which rounding is forgiven."""


@dataclass(frozen=True, eq=False)
class Room:
    """
    Floor area at the sites of facilities.

    Parameters
    ----------
    site
        Site of each facility, shape (facilities,); -1 where no room is kept account of.
    areas
        Floor area that each facility needs, shape (facilities,), m².
    room
        Floor area at each site for all that is built there, shape (sites,), m².
    """

    site: IntArray
    areas: FloatArray
    room: FloatArray

    def used(self, built: BoolArray) -> FloatArray:
        """Floor area of what is built at each site, shape (sites,)."""
        counts = built & (self.site >= 0)
        return np.bincount(self.site[counts], self.areas[counts], self.room.size).astype(float)


@dataclass(frozen=True, eq=False)
class CircleGround:
    """
    What circles are made of, before money and years.

    Parameters
    ----------
    covers
        CSR of shape (facilities, units); an entry 1 says that the facility is within reach.
    category
        Category of each facility, 0.., shape (facilities,).
    costs
        Cost of building each facility, shape (facilities,).
    exists
        Facilities that are there today, shape (facilities,).
    residents
        Of each unit, shape (units,).
    circle
        Circle of each unit, -1 for none, shape (units,).
    num_categories
        Number of categories that a resident must have within reach.
    num_circles
        Number of circles.
    share
        Share of a circle's residents that must have every category within reach, in (0, 1].
    room
        Floor area at the sites; None for no such rule.

    Raises
    ------
    ValueError
        If shapes differ, or a number is out of its range.

    Examples
    --------
    Two circles of one unit; a shop that both reach, a clinic for the first alone:

    >>> ground = CircleGround(
    ...     covers=sparse.csr_array(np.array([[1.0, 1.0], [1.0, 0.0]])),
    ...     category=np.array([0, 1]), costs=np.array([3.0, 4.0]),
    ...     exists=np.array([True, False]), residents=np.array([50.0, 70.0]),
    ...     circle=np.array([0, 1]), num_categories=2, num_circles=2,
    ... )
    >>> ground.recognised(np.array([True, True])).tolist()
    [True, False]
    """

    covers: sparse.csr_array
    category: IntArray
    costs: FloatArray
    exists: BoolArray
    residents: FloatArray
    circle: IntArray
    num_categories: int
    num_circles: int
    share: float = 0.9
    room: Room | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        num, units = self.num_facilities, self.num_units
        check_numbers("costs", self.costs, shape=(num,))
        check_numbers("residents", self.residents, shape=(units,))
        misfits = shape_violations(
            category=(self.category, (num,)),
            exists=(self.exists, (num,)),
            circle=(self.circle, (units,)),
        )
        if misfits:
            raise ValueError(f"{'; '.join(misfits)}.")
        if not 0 < self.share <= 1:
            raise ValueError(f"share = {self.share} not understood; give a share in (0, 1].")
        for label, array, least, most in (
            ("category", self.category, 0, self.num_categories),
            ("circle", self.circle, -1, self.num_circles),
        ):
            wrong = np.flatnonzero((array < least) | (array >= most))
            if wrong.size:
                raise ValueError(
                    f"{label}[{wrong[0]}] is {array[wrong[0]]}; give {least}..{most - 1}."
                )
        if self.room is not None:
            self._check_room(self.room)

    def _check_room(self, room: Room) -> None:
        check_numbers("areas", room.areas, shape=(self.num_facilities,))
        check_numbers("room", room.room, shape=room.room.shape)
        if room.site.shape != (self.num_facilities,) or (room.site >= room.room.size).any():
            raise ValueError("room.site should name a site of room.room for each facility, or -1.")
        over = np.flatnonzero(room.used(self.exists) > room.room + 1e-6)
        if over.size:
            raise ValueError(
                f"what exists at site {over[0]} needs more than its room; "
                f"raise room.room[{over[0]}]."
            )

    @property
    def num_facilities(self) -> int:
        """Number of facilities."""
        return int(self.covers.shape[0])

    @property
    def num_units(self) -> int:
        """Number of units."""
        return int(self.covers.shape[1])

    @cached_property
    def circle_residents(self) -> FloatArray:
        """Residents of each circle, shape (circles,)."""
        inside = self.circle >= 0
        return np.bincount(self.circle[inside], self.residents[inside], self.num_circles).astype(
            float
        )

    @cached_property
    def needed(self) -> FloatArray:
        """Residents that must have everything for a circle to count; infinite without any."""
        total = self.circle_residents
        return np.where(total > 0, self.share * total - SHARE_SLACK * (1 + total), np.inf)

    def reached(self, is_there: BoolArray) -> BoolArray:
        """Tell which units have which category within reach, shape (categories, units)."""
        found = np.zeros((self.num_categories, self.num_units), dtype=bool)
        for category in range(self.num_categories):
            there = is_there & (self.category == category)
            found[category] = self.covers.T @ there.astype(float) > 0
        return found

    def served(self, is_there: BoolArray) -> FloatArray:
        """Residents of each circle with every category within reach, shape (circles,)."""
        whole = self.reached(is_there).all(axis=0) & (self.circle >= 0)
        return np.bincount(self.circle[whole], self.residents[whole], self.num_circles).astype(
            float
        )

    def recognised(self, is_there: BoolArray) -> BoolArray:
        """Tell which circles are recognised, shape (circles,)."""
        return np.asarray(self.served(is_there) >= self.needed)

    def room_violations(self, is_there: BoolArray) -> list[str]:
        """Name the sites that hold more than they have room for."""
        if self.room is None:
            return []
        used, room = self.room.used(is_there), self.room.room
        over = np.flatnonzero(used > room + 1e-6 * (1 + room))
        return [f"site {j} needs {used[j]:g} m² and has {room[j]:g}" for j in over]


@dataclass(frozen=True, eq=False)
class YearStates:
    """
    What every year of a solution looks like.

    Parameters
    ----------
    recognised
        Circles that are recognised, shape (years, circles).
    circles, residents
        Their number, and the residents in them, shapes (years,).
    spent, carried
        Money spent in each year, and what is left at its end for later years, shapes (years,).
    built
        Facilities built in each year, shape (years,).
    short
        Circles missing from the target of each year, shape (years,).
    """

    recognised: BoolArray
    circles: IntArray
    residents: FloatArray
    spent: FloatArray
    carried: FloatArray
    built: IntArray
    short: IntArray


@dataclass(frozen=True, eq=False)
class PhasedCircles:
    """
    Building facilities over years within budgets. A solution is the year of each facility.

    The year is 1..T, :data:`TODAY` for what exists and :data:`NEVER` for what is not built.

    Parameters
    ----------
    ground
        Facilities, units and circles.
    budgets
        Money of each year, shape (years,).
    weights
        What a resident in a recognised circle counts for in each year, shape (years,).
    carries_over
        Whether money that is left may be spent in a later year.
    targets
        Circles that should be recognised in each year, shape (years,); None for no targets.
    bonus
        Residents that each circle counts for beside its own, as long as a target is not met.
    floors
        Residents in recognised circles at least, shape (years,); None for no such rule.

    Raises
    ------
    ValueError
        If shapes differ or a number is negative or not finite.

    Examples
    --------
    >>> ground = CircleGround(
    ...     covers=sparse.csr_array(np.eye(2)), category=np.zeros(2, dtype=int),
    ...     costs=np.array([3.0, 4.0]), exists=np.zeros(2, dtype=bool),
    ...     residents=np.array([50.0, 70.0]), circle=np.array([0, 1]),
    ...     num_categories=1, num_circles=2,
    ... )
    >>> problem = PhasedCircles(ground, budgets=np.array([4.0, 4.0]), weights=np.ones(2))
    >>> problem.evaluate(np.array([2, 1]))
    190.0
    """

    ground: CircleGround
    budgets: FloatArray
    weights: FloatArray
    carries_over: bool = True
    targets: IntArray | None = None
    bonus: float = 0.0
    floors: FloatArray | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that do not fit each other."""
        if self.budgets.ndim != 1 or not self.budgets.size:
            raise ValueError("budgets is empty; give the money of each year.")
        shape = (self.num_years,)
        check_numbers("budgets", self.budgets, shape=shape)
        check_numbers("weights", self.weights, shape=shape)
        if self.targets is not None:
            check_numbers("targets", self.targets.astype(float), shape=shape)
        if self.floors is not None:
            check_numbers("floors", self.floors, shape=shape)
        if not (self.bonus >= 0 and np.isfinite(self.bonus)):
            raise ValueError(f"bonus is {self.bonus}; give a finite number >= 0.")

    @property
    def num_years(self) -> int:
        """Number of years."""
        return int(self.budgets.size)

    @property
    def wanted(self) -> IntArray:
        """Target of each year, 0 for none, shape (years,)."""
        if self.targets is None:
            return np.zeros(self.num_years, dtype=np.int64)
        return self.targets.astype(np.int64)

    def there(self, years: IntArray, year: int) -> BoolArray:
        """Tell which facilities are there at the end of a year, shape (facilities,)."""
        return np.asarray((years != NEVER) & (years <= year))

    def nothing(self) -> IntArray:
        """Return the solution that builds nothing."""
        return np.where(self.ground.exists, TODAY, NEVER).astype(np.int64)

    def states(self, years: IntArray) -> YearStates:
        """Tell what every year looks like."""
        ground, span = self.ground, range(1, self.num_years + 1)
        known = np.array([ground.recognised(self.there(years, t)) for t in span])
        spent = np.array([float(ground.costs[years == t].sum()) for t in span])
        left = self.budgets - spent
        count = known.sum(axis=1).astype(np.int64)
        return YearStates(
            recognised=known,
            circles=count,
            residents=known @ ground.circle_residents,
            spent=spent,
            carried=np.cumsum(left) if self.carries_over else np.zeros(self.num_years),
            built=np.array([int((years == t).sum()) for t in span]),
            short=np.maximum(self.wanted - count, 0).astype(np.int64),
        )

    def evaluate(self, years: IntArray) -> float:
        """Weighted residents in recognised circles, and the bonus; larger is better."""
        states = self.states(years)
        met = np.minimum(states.circles, self.wanted).sum()
        return float(self.weights @ states.residents + self.bonus * met)

    def cost(self, years: IntArray) -> float:
        """Money spent in all years together."""
        return float(self.ground.costs[years > TODAY].sum())

    def violations(self, years: IntArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        ground = self.ground
        misfits = shape_violations(years=(years, (ground.num_facilities,)))
        if misfits:
            return misfits
        wrong = np.flatnonzero((years < NEVER) | (years > self.num_years))
        broken = [f"facility {f} has year {years[f]}, not 1..{self.num_years}" for f in wrong]
        moved = np.flatnonzero(ground.exists != (years == TODAY))
        broken += [f"facility {f} exists today and should have year 0, or not" for f in moved]
        if broken:
            return broken
        return (
            self._budget_violations(years)
            + ground.room_violations(years != NEVER)
            + self._floor_violations(years)
        )

    def _budget_violations(self, years: IntArray) -> list[str]:
        spent = np.array(
            [self.ground.costs[years == t].sum() for t in range(1, 1 + self.num_years)]
        )
        money = self.budgets
        if self.carries_over:
            spent, money = np.cumsum(spent), np.cumsum(money)
        return [
            f"year {t + 1} spends {spent[t]:g}, more than {money[t]:g}"
            for t in range(self.num_years)
            if spent[t] > budget_limit(float(money[t]))
        ]

    def _floor_violations(self, years: IntArray) -> list[str]:
        if self.floors is None:
            return []
        residents = self.states(years).residents
        return [
            f"year {t + 1} has {residents[t]:g} residents in circles, expected {self.floors[t]:g}"
            for t in np.flatnonzero(residents < self.floors - 1e-6 * (1 + self.floors))
        ]


@dataclass(frozen=True, eq=False)
class CheapestCircles:
    """
    The least cost to have a number of circles recognised. A solution tells what is built.

    Parameters
    ----------
    ground
        Facilities, units and circles.
    number
        Circles that must be recognised, those of today included.
    required
        Circles that must be recognised in any case, shape (circles,); None for none.

    Raises
    ------
    ValueError
        If the number is not in 0..circles.
    """

    ground: CircleGround
    number: int
    required: BoolArray | None = None

    def __post_init__(self) -> None:
        """Refuse a number that cannot be."""
        if not 0 <= self.number <= self.ground.num_circles:
            raise ValueError(
                f"number = {self.number} not understood; give 0..{self.ground.num_circles}."
            )

    def evaluate(self, is_there: BoolArray) -> float:
        """Cost of all that is there and does not exist today."""
        return float(self.ground.costs[is_there & ~self.ground.exists].sum())

    def violations(self, is_there: BoolArray) -> list[str]:
        """Every broken rule of a solution, in words; empty if it is feasible."""
        ground = self.ground
        misfits = shape_violations(is_there=(is_there, (ground.num_facilities,)))
        if misfits:
            return misfits
        gone = np.flatnonzero(ground.exists & ~is_there)
        broken = [f"facility {f} exists today and is gone" for f in gone]
        known = ground.recognised(is_there)
        if known.sum() < self.number:
            broken.append(f"{int(known.sum())} circles are recognised, expected {self.number}")
        if self.required is not None:
            lost = np.flatnonzero(self.required & ~known)
            broken += [f"circle {k} is not recognised" for k in lost]
        return broken + ground.room_violations(is_there)
