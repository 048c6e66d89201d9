"""The objective of a split, by its definition: every unit about its district's centre."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import shapely

from .borders import bordering_units, kept_together
from .numbers import Floats
from .view import View

EQUALLY_NEAR_M = 1e-6


def moment_of_inertia(view: View, community: str) -> tuple[float, float]:
    """
    Return least and most of what the split of a community may cost, in resident · km².

    The sum over all units of mass times squared distance to the centre of the district. A centre
    is the point of a unit; of units that are kept together, the one nearest to their mass centre,
    and where several are equally near, any of them: hence two numbers.
    """
    units, pairs = bordering_units(view, community)
    group = kept_together(view, units, pairs)
    return _sum_over_districts(view, units.index.to_numpy(), units["community_id"], group)


def inertia_of_region(view: View, communities: Iterable[str]) -> tuple[float, float]:
    """Return the same for the districts of several communities; groups lie in one of today."""
    rows, groups, first = [], [], 0
    for community in communities:
        units, pairs = bordering_units(view, community)
        rows.append(units.index.to_numpy())
        groups.append(kept_together(view, units, pairs) + first)
        first += len(units)
    every = np.concatenate(rows)
    districts = view.units["community_id"].iloc[every]
    return _sum_over_districts(view, every, districts, np.concatenate(groups))


def _sum_over_districts(
    view: View,
    rows: Any,  # noqa: ANN401
    districts: pd.Series,
    group: Any,  # noqa: ANN401
) -> tuple[float, float]:
    points = shapely.get_coordinates(view.homes[rows])
    weight = max(float(view.policy["split"]["empty_unit_weight"]), 1e-6)
    mass = np.maximum(view.residents[rows], weight)
    district = districts.to_numpy(object)
    low = high = 0.0
    for name in dict.fromkeys(district.tolist()):
        inside = district == name
        least, most = _about_best_centre(points[inside], mass[inside], group[inside])
        low, high = low + least, high + most
    return low, high


def _about_best_centre(points: Floats, mass: Floats, group: Any) -> tuple[float, float]:  # noqa: ANN401
    low = high = np.inf
    for name in np.unique(group):
        mine = points[group == name]
        middle = np.average(mine, axis=0, weights=mass[group == name])
        away = np.hypot(*(mine - middle).T)
        centres = mine[away <= away.min() + EQUALLY_NEAR_M]
        costs = [float(mass @ np.square(points - centre).sum(axis=1)) / 1e6 for centre in centres]
        low, high = min(low, *costs), min(high, max(costs))
    return low, high
