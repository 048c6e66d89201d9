"""What a problem of services is about: kinds of facilities, what is asked of them, and places."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from ..models.formulation import FloatArray, IntArray
    from ..models.siting.service_system import ServiceSystem
    from .catalogue import Service
    from .notes import Note
    from .service_demand import Audience, Offers


@dataclass(frozen=True)
class Kind:
    """
    What a facility can be.

    Parameters
    ----------
    id
        Name of its own.
    service
        Service of the catalogue that it offers.
    least_m2
        Floor area of a new one at least.
    most_m2
        And at most, where it can grow; infinite for what the site holds.
    """

    id: str
    service: Service
    least_m2: float
    most_m2: float = np.inf

    @property
    def is_point(self) -> bool:
        """Whether it extends another service."""
        return bool(self.service.extends)


@dataclass(frozen=True)
class KindRule:
    """
    What is asked of one kind, as it is written.

    Parameters
    ----------
    id, service, level
        The kind, its service and the level of its places.
    least_m2
        Floor area of a new one at least.
    reach_minutes, group, people
        Minutes within which it must be reached, None for no such rule; by whom: the group that
        sets the pace, and the column that tells how many there are.
    serving
        Kinds that give it within reach, each with its own minutes.
    counting
        Kinds that count as one of it in a place.
    """

    id: str
    service: str
    level: str
    least_m2: float
    reach_minutes: float | None
    group: str
    people: str
    serving: tuple[tuple[str, float], ...]
    counting: tuple[str, ...]

    def as_record(self) -> dict[str, object]:
        """Return the rule as it is written."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Places:
    """
    The communities of a plan, and what lies in them.

    Parameters
    ----------
    communities
        One row each with ``community_id``, ``name`` and ``street_id``.
    unit_community, site_community
        Row of each unit and site, -1 for none, shapes (units,) and (sites,).
    """

    communities: pd.DataFrame
    unit_community: IntArray
    site_community: IntArray

    @cached_property
    def streets(self) -> list[str]:
        """Streets, sorted; one without a name where the city has none."""
        return sorted(set(self.street_names))

    @cached_property
    def street_names(self) -> list[str]:
        """Street of each community."""
        if "street_id" not in self.communities:
            return [""] * len(self.communities)
        return list(self.communities["street_id"].fillna("").astype(str))

    @cached_property
    def street_of_community(self) -> IntArray:
        """Row of the street of each community, shape (communities,)."""
        rows = {name: row for row, name in enumerate(self.streets)}
        return np.array([rows[name] for name in self.street_names], dtype=np.int64)

    @property
    def unit_street(self) -> IntArray:
        """Row of the street of each unit, shape (units,)."""
        return np.asarray(self.street_of_community[self.unit_community])

    @property
    def site_street(self) -> IntArray:
        """Row of the street of each site, -1 for none, shape (sites,)."""
        home = self.site_community
        return np.where(home >= 0, self.street_of_community[np.maximum(home, 0)], -1)

    def names(self, level: str) -> list[str]:
        """Names of the places of a level, for messages."""
        if level == "street":
            return [f"street {name}" for name in self.streets]
        return [f"community {name}" for name in self.communities["community_id"].astype(str)]


@dataclass(frozen=True, eq=False)
class SystemData:
    """
    A problem and what its rows stand for.

    Parameters
    ----------
    problem
        The arrays.
    kinds
        Kind of each service of the problem.
    places
        Communities and streets.
    audiences
        Whom each kind is for.
    left_out
        Services that were asked for and cannot be sited, with the reason.
    notes
        What readers should know.
    offers
        What the sites list.
    modes
        Mode of the stations of each street.
    residents
        Of the units, shape (units,).
    rules
        What is asked of each kind.
    """

    problem: ServiceSystem
    kinds: tuple[Kind, ...]
    places: Places
    audiences: tuple[Audience, ...]
    left_out: dict[str, Note]
    notes: tuple[Note, ...]
    offers: Offers
    modes: tuple[str, ...]
    residents: FloatArray
    rules: tuple[KindRule, ...]
