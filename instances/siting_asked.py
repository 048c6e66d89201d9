"""What is asked of clients and sites: how many, how far, at what cost, and which rules."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

AMOUNTS = ("radius", "reach", "budget", "min_distance", "unit_cost", "share")
"""Fields that are numbers of at least 0."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """
    What is asked of clients and sites; None asks for nothing.

    Parameters
    ----------
    p
        Number of sites; with ``least`` the most.
    radius
        Distance up to which a site covers a client.
    reach
        Distance up to which a site may serve a client.
    budget
        Most that the open sites may cost, in place of p or beside it.
    least, most
        Fewest and most sites.
    min_distance
        Least distance between open sites, in metres (points only).
    keep_existing
        Whether the sites of today must stay open.
    required, forbidden
        Ids of sites that must be open, and that must stay closed; several by comma in one.
    unit_cost
        Cost of serving one unit of weight over one unit of distance.
    share
        Share of the weight that must be covered.
    split
        Whether several sites may share a client, where that is a choice.
    weighted, capacitated
        Whether distances are weighed, and capacities kept, where that is a choice.
    """

    p: int | None = None
    radius: float | None = None
    reach: float | None = None
    budget: float | None = None
    least: int | None = None
    most: int | None = None
    min_distance: float | None = None
    keep_existing: bool = False
    required: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    unit_cost: float | None = None
    share: float | None = None
    split: bool = False
    weighted: bool = False
    capacitated: bool = False

    def as_record(self) -> dict[str, Any]:
        """Return what is asked as JSON, without what is not."""
        record = {name: value for name, value in asdict(self).items() if value not in {None, False}}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in record.items()
            if value != ()
        }

    def check(self) -> None:
        """
        Refuse amounts that make no sense.

        Raises
        ------
        ValueError
            If one is negative or not finite.
        """
        for name in AMOUNTS:
            value = getattr(self, name)
            if value is not None and not (np.isfinite(value) and value >= 0):
                raise ValueError(
                    f"{option_name(name)} {value} not understood; give a number of at least 0."
                )


def option_name(field: str) -> str:
    """
    Return the option of the command line for a field.

    Examples
    --------
    >>> option_name("min_distance")
    '--min-distance'
    """
    return "-p" if field == "p" else f"--{field.replace('_', '-')}"
