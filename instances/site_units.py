"""Which unit each site belongs to, and with it which community and district."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

if TYPE_CHECKING:
    from ..models.formulation import BoolArray, IntArray
    from .adjacency import GeometryArray
    from .city import City
    from .policy import Policy
    from .validate import CityLayers

_ROUNDING_M = 0.001


def site_units(city: City | CityLayers, policy: Policy) -> IntArray:
    """
    Find the unit that each site belongs to.

    That is the unit whose polygon the site touches; of several the first whose community is the
    one whose polygon (drawn, or the union of its units) the site touches, else the first. A site
    in a street between the units of a community belongs to the nearest unit of that community. A
    site beside the city belongs to the nearest unit that is at most ``split.connect_gap_m`` away,
    as neighbours may be.

    Parameters
    ----------
    city
        Its units, sites and communities.
    policy
        How wide a gap connects.

    Returns
    -------
    IntArray
        Index of the unit of every site, -1 for none, shape (sites,).
    """
    units, sites = _shapes(city.units.geometry), _shapes(city.sites.geometry)
    communities = _shapes(city.communities.geometry)
    home = pd.Index(city.communities["community_id"]).get_indexer(city.units["community_id"])
    around = shapely.STRtree(communities).query(sites, predicate="intersects")
    tree = shapely.STRtree(units)
    site, unit = tree.query(sites, predicate="intersects")
    key = site * len(communities) + home[unit]
    preferred = np.isin(key, around[0] * len(communities) + around[1])
    found = _first(len(sites), site, unit, ~preferred)
    for place in np.setdiff1d(around[0], site):
        members = np.flatnonzero(np.isin(home, around[1][around[0] == place]))
        found[place] = members[np.argmin(shapely.distance(units[members], sites[place]))]
    beside = np.flatnonzero(found < 0)
    gap = max(policy.split.connect_gap_m, _ROUNDING_M)
    position, unit = tree.query_nearest(sites[beside], max_distance=gap)
    found[beside] = _first(len(beside), position, unit, np.zeros(len(unit), dtype=bool))
    return found


def _shapes(geometries: object) -> GeometryArray:
    shapes: GeometryArray = np.asarray(geometries, dtype=object)
    return shapes


def _first(num_sites: int, site: IntArray, unit: IntArray, later: BoolArray) -> IntArray:
    """Return the lowest unit of every site, those marked as later only without another; or -1."""
    found = np.full(num_sites, -1, dtype=np.int64)
    order = np.lexsort((unit, later, site))
    sites, position = np.unique(site[order], return_index=True)
    found[sites] = unit[order][position]
    return found
