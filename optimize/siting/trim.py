"""Tidy a siting: take back floor area and stations that nobody needs."""

from __future__ import annotations

import numpy as np

from ...models.siting.station import Siting, StationSiting


def trimmed(problem: StationSiting, siting: Siting) -> Siting:
    """
    Return the siting without floor area beyond the targets, dearest square metres first.

    Solvers leave such area where it costs nothing in their objective. Open sites stay open, so
    walking does not change; cost never rises.
    """
    area = siting.area_m2.copy()
    least = np.where(problem.existing, problem.area_today_m2, problem.min_area_m2)
    surplus = problem.community_area(siting) - problem.target_m2
    for site in np.argsort(-problem.cost_per_m2, kind="stable"):
        community = problem.community_of_site[site]
        room = area[site] - least[site] if siting.is_open[site] else 0.0
        spare = room if community < 0 else min(room, surplus[community])
        if spare > 0:
            area[site] -= spare
            if community >= 0:
                surplus[community] -= spare
    return Siting(siting.is_open.copy(), area)
