"""Isochrones: the area from which a site is reached within some minutes, as polygons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely
from scipy import sparse
from shapely.ops import substring

from .network import WalkingNetwork, network_nodes, walking_network
from .travel_groups import Group, group_speed_kmh
from .walking_edges import EdgeMinutes, edge_minutes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..models.formulation import FloatArray, IntArray
    from .city import City
    from .network import NetworkNodes
    from .policy import Policy

_QUARTER_SEGMENTS = 4
_LEAST = 1e-9


@dataclass(frozen=True, eq=False)
class Isochrones:
    """
    What is needed to draw the isochrones of a group in a city.

    Along a network, an isochrone is the street as far as one can set out from and be at a site in
    time, with a strip of ``width_m`` to both sides: the walk from a home to its street is not
    counted beyond that strip. Without one it is a circle around the site.

    Parameters
    ----------
    city, policy
        The city, and how people get about in it.
    group
        Who does.
    width_m
        Half the width of the strip.
    """

    city: City
    policy: Policy
    group: Group = "adult"
    width_m: float = 50.0

    def around(self, sites: IntArray, minutes: Sequence[float]) -> list[Any]:
        """
        Return the area within reach of any of some sites, for each limit.

        Parameters
        ----------
        sites
            Rows of the sites.
        minutes
            Limits, in ascending order.

        Returns
        -------
        list of shapely geometries
            A valid polygon or multipolygon (empty if no site is near the network) for each limit;
            each contains those before it.
        """
        areas: list[Any] = []
        before = shapely.MultiPolygon()
        for limit in minutes:
            shapes = self._reached(sites, float(limit))
            area = shapely.union_all([*shapes, before])
            before = shapely.MultiPolygon(
                [part for part in shapely.get_parts(area) if part.geom_type == "Polygon"]
            )
            areas.append(before)
        return areas

    @property
    def _minutes_per_m(self) -> float:
        return 60 / (group_speed_kmh(self.policy, self.group) * 1000)

    @property
    def _is_straight(self) -> bool:
        return self.city.network is None or self.policy.walking.mode == "straight_line"

    @cached_property
    def _network(self) -> WalkingNetwork:
        return walking_network(self.city.network, self.city.barriers, self.policy, group=self.group)

    @cached_property
    def _edges(self) -> EdgeMinutes:
        return edge_minutes(self.city.network, self.city.barriers, self.policy, self.group)

    @cached_property
    def _nodes(self) -> NetworkNodes:
        return network_nodes(self.city.network)

    @cached_property
    def _lines(self) -> NDArray[np.object_]:
        assert self.city.network is not None  # noqa: S101 - straight lines need none
        return np.asarray(self.city.network.geometry, dtype=object)

    def _reached(self, sites: IntArray, limit: float) -> list[Any]:
        """Return the areas that are within the limit, overlapping."""
        points = self.city.site_points[sites]
        if self._is_straight:
            radius = limit / self._minutes_per_m / self.policy.walking.detour_factor
            circles = shapely.buffer(np.asarray(shapely.points(points), dtype=object), radius)
            return list(np.asarray(circles, dtype=object))
        node, snap = self._network.snap(points)
        near = snap <= self.policy.walking.max_snap_m
        ways = [*self._ways_to_network(points[near], node[near], limit)]
        parts = self._streets(node[near], snap[near] * self._minutes_per_m, limit)
        strips = shapely.buffer(
            np.asarray([*parts, *ways], dtype=object), self.width_m, quad_segs=_QUARTER_SEGMENTS
        )
        return list(np.asarray(strips, dtype=object))

    def _ways_to_network(self, points: FloatArray, node: IntArray, limit: float) -> Any:  # noqa: ANN401
        """Return the straight ways from sites to the network, as far as the limit goes."""
        ends = np.stack([points, self._network.node_xy[node]], axis=1)
        ways = np.asarray(shapely.linestrings(ends), dtype=object)
        return [substring(way, 0, min(way.length, limit / self._minutes_per_m)) for way in ways]

    def _streets(self, node: IntArray, first: FloatArray, limit: float) -> list[Any]:
        """Return the streets, whole or in part, from which a site is reached within the limit."""
        far = self._minutes_of_nodes(node, first, limit)
        left = np.where(np.isfinite(far), limit - far, 0.0)
        left_start, left_end = left[self._nodes.start], left[self._nodes.end]
        # who sets out on an edge turns to its start and walks it backwards, or on to its end
        to_start, to_end = (
            np.where(np.isfinite(walk), np.clip(left / np.maximum(walk, _LEAST), 0, 1), 0.0)
            for left, walk in (
                (left_start, self._edges.back),
                (left_end, self._edges.there),
            )
        )
        whole = to_start + to_end >= 1
        return [
            *self._lines[whole],
            *(
                substring(self._lines[edge], 0, to_start[edge], normalized=True)
                for edge in np.flatnonzero(~whole & (to_start > 0)).tolist()
            ),
            *(
                substring(self._lines[edge], 1 - to_end[edge], 1, normalized=True)
                for edge in np.flatnonzero(~whole & (to_end > 0)).tolist()
            ),
        ]

    def _minutes_of_nodes(self, node: IntArray, first: FloatArray, limit: float) -> FloatArray:
        """Minutes from every node to the nearest of the sites, infinite beyond the limit."""
        from .walking_search import bounded_paths  # noqa: PLC0415 - numba is slow to load

        to_site = sparse.csr_array(self._network.graph.T)
        every = np.arange(self._network.num_nodes)
        far = np.full(every.size, np.inf)
        nodes, place = np.unique(node, return_inverse=True)
        least = np.full(nodes.size, np.inf)
        np.minimum.at(least, place, first)
        source, end, length = bounded_paths(to_site, nodes, every, limit)
        np.minimum.at(far, end, length + least[source])
        return np.where(far <= limit, far, np.inf)


def isochrones(
    city: City,
    policy: Policy,
    *,
    sites: Sequence[str] | None = None,
    minutes: Sequence[float] = (5.0, 10.0, 15.0),
    group: Group = "adult",
    width_m: float = 50.0,
) -> gpd.GeoDataFrame:
    """
    Draw the isochrones of some sites, or of all that are open today together.

    Parameters
    ----------
    city, policy
        The city, and how people get about in it.
    sites
        Ids of the sites, each with areas of its own; None for all existing ones as one.
    minutes
        Limits.
    group
        Who gets about.
    width_m
        Half the width of the strip along streets that counts as reached.

    Returns
    -------
    GeoDataFrame
        A row for each site and limit, in the reference system of the city's input, with
        ``site_id`` (empty for all together), ``sites`` (how many), ``group``, ``minutes``,
        ``area_m2``; areas of more minutes come first, so that a map draws the smaller on top.

    Raises
    ------
    ValueError
        If a site is not known, none is open, or a limit is not positive.
    """
    limits = sorted(set(map(float, minutes)))
    if not limits or limits[0] <= 0:
        raise ValueError("isochrones need minutes above 0, such as 5,10,15.")
    if not width_m > 0:
        raise ValueError(f"a strip of {width_m:g} m has no area; give more than 0.")
    drawn = Isochrones(city, policy, group, width_m)
    rows = []
    for name, chosen in _chosen(city, sites):
        areas = drawn.around(chosen, limits)
        rows += [
            {
                "site_id": name,
                "sites": chosen.size,
                "group": group,
                "minutes": limit,
                "area_m2": area.area,
                "geometry": area,
            }
            for limit, area in zip(reversed(limits), reversed(areas), strict=True)
            if not area.is_empty
        ]
    if not rows:
        raise ValueError("no site is near enough to the network (walking.max_snap_m).")
    return city.in_input_crs(gpd.GeoDataFrame(rows, geometry="geometry", crs=city.crs))


def _chosen(city: City, sites: Sequence[str] | None) -> list[tuple[str, IntArray]]:
    """Name and rows of each set of sites that areas are drawn around."""
    if sites is None:
        existing = np.flatnonzero((city.sites["status"] == "existing").to_numpy())
        if not existing.size:
            raise ValueError("no site of the city is open today; name some with --site.")
        return [("", existing)]
    rows = {str(name): row for row, name in enumerate(city.sites["site_id"])}
    unknown = [name for name in sites if name not in rows]
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no site of the city has this site_id.")
    return [(name, np.array([rows[name]])) for name in sites]
