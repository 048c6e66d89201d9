"""What a siting leaves unmet: which community lacks floor area, which unit is out of reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.notes import money
from ...instances.policy import Policy
from ...instances.walking import walking_times
from ...models.formulation import BoolArray, FloatArray, IntArray
from ...models.siting.station import Siting, StationSiting
from ..result import Result
from .shortfall import Shortfall

AREA_TOLERANCE_M2 = 0.01
"""Floor area that may be missing without a shortfall, in m²."""

FAR_MINUTES = 60.0
"""How far to look for the nearest site of a unit that none reaches, to say how far it is."""

Mend = Callable[[str, int, dict[str, object]], tuple[str, dict[str, object]]]
"""Key and values of a remedy, for a rule, a row and what is known about the shortfall."""


def more_sites(rule: str, row: int, known: dict[str, object]) -> tuple[str, dict[str, object]]:
    """Return what mends a shortfall that no decision on the present sites can mend."""
    del row
    if rule == "floor_area":
        return "more_area", known
    return ("nearer_site" if "minutes" in known else "connect_or_site"), known


@dataclass(frozen=True, eq=False)
class BudgetRemedy:
    """What mends a shortfall under a budget: money where the sites suffice, else more sites."""

    area_suffices: BoolArray
    reachable: BoolArray
    lowest: Result[Siting]
    policy: Policy

    def __call__(
        self, rule: str, row: int, known: dict[str, object]
    ) -> tuple[str, dict[str, object]]:
        """Return key and values of the remedy."""
        if self.lowest.objective is None:
            return more_sites(rule, row, known)
        suffices = self.area_suffices if rule == "floor_area" else self.reachable
        if not suffices[row]:
            return more_sites(rule, row, known)
        budget = money(self.lowest.objective, self.policy.siting.currency)
        return "larger_budget", {**known, "budget": budget}


def shortfalls(
    city: City,
    policy: Policy,
    problem: StationSiting,
    siting: Siting,
    communities: pd.DataFrame,
    mend: Mend,
) -> Iterator[Shortfall]:
    """
    Every community without its floor area and every unit out of reach, given a decision.

    Parameters
    ----------
    city, policy, problem, siting
        The decision and what it was made for.
    communities
        One row a community with ``name``.
    mend
        Says what would mend each shortfall.
    """
    area = problem.community_area(siting)
    names = communities["name"].astype(str).to_numpy(object)
    for row in np.flatnonzero(problem.target_m2 - area > AREA_TOLERANCE_M2):
        short = float(problem.target_m2[row] - area[row])
        key, values = mend("floor_area", int(row), {"area": f"{short:,.0f}"})
        yield Shortfall(
            "floor_area",
            "community",
            problem.community_ids[row],
            str(names[row]),
            value=float(area[row]),
            target=float(problem.target_m2[row]),
            short=short,
            unit_of_measure="m2",
            remedy_key=key,
            remedy_values=values,
        )
    unreached = np.flatnonzero(
        problem.must_reach & ~np.isfinite(problem.nearest(siting.is_open)[1])
    )
    minutes = _minutes_beyond(city, policy, siting, unreached)
    reach = policy.siting.reach_minutes
    for unit, far in zip(unreached, minutes, strict=True):
        row = problem.community_of_unit[unit]
        is_known = bool(np.isfinite(far))
        facts: dict[str, object] = {"reach": f"{reach:g}", "limit": f"{FAR_MINUTES:g}"}
        facts |= {"minutes": f"{far:.1f}"} if is_known else {}
        key, values = mend("reach", int(unit), facts)
        yield Shortfall(
            "reach",
            "unit",
            problem.unit_ids[unit],
            f"{problem.unit_ids[unit]} ({names[row]})",
            value=float(far) if is_known else None,
            target=reach,
            short=float(far - reach) if is_known else None,
            unit_of_measure="minutes",
            remedy_key=key,
            remedy_values=values,
        )


def _minutes_beyond(city: City, policy: Policy, siting: Siting, units: IntArray) -> FloatArray:
    """Minutes of some units to their nearest open site, as far as one looks."""
    if not units.size:
        return np.empty(0)
    far = walking_times(city, policy, limit_minutes=max(FAR_MINUTES, policy.siting.reach_minutes))
    rows = far.minutes[np.flatnonzero(siting.is_open)].tocsc()
    return np.array(
        [rows.data[rows.indptr[unit] : rows.indptr[unit + 1]].min(initial=np.inf) for unit in units]
    )
