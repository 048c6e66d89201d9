"""Walking minutes from sites to units, within a limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from .network import WalkingNetwork, walking_network
from .notes import Note, note
from .travel_groups import Group, group_speed_kmh

if TYPE_CHECKING:
    from ..models.formulation import FloatArray, IntArray
    from .city import City
    from .policy import Policy

_STORED_ZERO = 1e-6
_TIMES = " \N{MULTIPLICATION SIGN} "


@dataclass(frozen=True, eq=False)
class WalkingTimes:
    """
    Walking minutes of every pair of site and unit within the limit.

    Parameters
    ----------
    minutes
        Sparse minutes, shape (sites, units); a pair that is not stored is out of the limit. No
        stored value is 0, so that arithmetic on the matrix does not lose a pair.
    limit_minutes
        The limit.
    source
        "network", or "straight line" with the detour factor.
    site_snap_m, unit_snap_m
        Metres from every site and unit to the network, shapes (sites,) and (units,); 0 without
        one.
    unsnapped_sites, unsnapped_units
        Indices of those too far from the network to be connected to it.
    notes
        How the times came about.
    """

    minutes: sparse.csr_array
    limit_minutes: float
    source: str
    site_snap_m: FloatArray
    unit_snap_m: FloatArray
    unsnapped_sites: IntArray
    unsnapped_units: IntArray
    notes: tuple[Note, ...] = ()

    @property
    def num_sites(self) -> int:
        """Number of sites (rows)."""
        return int(self.minutes.shape[0])

    @property
    def num_units(self) -> int:
        """Number of units (columns)."""
        return int(self.minutes.shape[1])

    @cached_property
    def unreached_units(self) -> IntArray:
        """Indices of the units that no site reaches within the limit."""
        reached = np.bincount(self.minutes.indices, minlength=self.num_units) > 0
        return np.flatnonzero(~reached)

    @property
    def summary(self) -> tuple[Note, ...]:
        """What a reader should know."""
        pairs = note(
            "walk_pairs",
            pairs=int(self.minutes.nnz),
            sites=self.num_sites,
            units=self.num_units,
            limit=self.limit_minutes,
            source=self._way,
        )
        unreached = note("walk_unreached", count=self.unreached_units.size)
        return (pairs, unreached, *self._snapped, *self.notes)

    @property
    def _way(self) -> Note:
        """Along what people walk."""
        factor = self.source.partition(_TIMES)[2]
        return note("walk_by_line", factor=factor) if factor else note("walk_by_network")

    @property
    def _snapped(self) -> tuple[Note, ...]:
        """How far the places lie from the network, where there is one."""
        if self.source != "network" or not self.num_sites or not self.num_units:
            return ()
        snapped = note(
            "walk_snapped",
            unit=np.median(self.unit_snap_m),
            unit_most=self.unit_snap_m.max(),
            site=np.median(self.site_snap_m),
            site_most=self.site_snap_m.max(),
            units=self.unsnapped_units.size,
            sites=self.unsnapped_sites.size,
        )
        return (snapped,)


def walking_times(
    city: City, policy: Policy, *, limit_minutes: float | None = None, group: Group = "adult"
) -> WalkingTimes:
    """
    Compute the walking times from every unit to every site within a limit.

    Along the network, a walk is the straight line from the unit's representative point to the
    nearest node, the quickest path, and the straight line from the last node to the site. Where
    streets rise or fall, it is the way there that counts, from home to the site. Without a
    network, or if the policy says so, it is the straight line times the detour factor.

    Parameters
    ----------
    city
        The city.
    policy
        Speed, snapping and reach.
    limit_minutes
        Longest walk; None for the policy's reach.
    group
        Who walks, one of :data:`~.travel_groups.GROUPS`.

    Raises
    ------
    ValueError
        If there is no such group.

    See Also
    --------
    shequ.instances.travel.CityWalks : the same for several limits and groups, with one search each.
    """
    limit = policy.siting.reach_minutes if limit_minutes is None else limit_minutes
    speed = group_speed_kmh(policy, group)
    if city.network is None or policy.walking.mode == "straight_line":
        return _straight_times(city, policy, limit, speed)
    network = walking_network(city.network, city.barriers, policy, group=group)
    return _network_times(city, policy, network, limit, speed)


def times_within(times: WalkingTimes, limit_minutes: float) -> WalkingTimes:
    """
    Return walking times without the pairs beyond a smaller limit.

    Parameters
    ----------
    times
        Times as far as their own limit.
    limit_minutes
        The new limit.

    Raises
    ------
    ValueError
        If the new limit is larger: the pairs beyond the old one are not known.
    """
    if limit_minutes > times.limit_minutes:
        raise ValueError(
            f"times as far as {times.limit_minutes:g} minutes do not tell those as far as "
            f"{limit_minutes:g}; search with the larger limit first."
        )
    if limit_minutes == times.limit_minutes:
        return times
    near = times.minutes.data <= limit_minutes
    ends = np.concatenate([[0], np.cumsum(near)])
    minutes = sparse.csr_array(
        (times.minutes.data[near], times.minutes.indices[near], ends[times.minutes.indptr]),
        shape=times.minutes.shape,
    )
    return replace(times, minutes=minutes, limit_minutes=limit_minutes)


def _straight_times(city: City, policy: Policy, limit: float, speed_kmh: float) -> WalkingTimes:
    """Compute times of straight lines, lengthened by the detour factor."""
    walking = policy.walking
    minutes_per_m = 60 / (speed_kmh * 1000) * walking.detour_factor
    sites, units = cKDTree(city.site_points), cKDTree(city.unit_points)
    found = sites.sparse_distance_matrix(units, limit / minutes_per_m, output_type="ndarray")
    none = np.empty(0, dtype=np.int64)
    return WalkingTimes(
        minutes=_pairs_matrix(
            found["i"], found["j"], found["v"] * minutes_per_m, city.num_sites, city.num_units
        ),
        limit_minutes=limit,
        source=f"straight line{_TIMES}{walking.detour_factor:g}",
        site_snap_m=np.zeros(city.num_sites),
        unit_snap_m=np.zeros(city.num_units),
        unsnapped_sites=none,
        unsnapped_units=none,
        notes=(note("walk_no_network"),),
    )


def _network_times(
    city: City, policy: Policy, network: WalkingNetwork, limit: float, speed_kmh: float
) -> WalkingTimes:
    """Compute times along the network, with the way to it on both ends."""
    walking = policy.walking
    site_node, site_snap = network.snap(city.site_points)
    unit_node, unit_snap = network.snap(city.unit_points)
    minutes_per_m = 60 / (speed_kmh * 1000)
    sites = np.flatnonzero(site_snap <= walking.max_snap_m)
    units = np.flatnonzero(unit_snap <= walking.max_snap_m)
    to_site = sparse.csr_array(network.graph.T)
    row, column, value = _shortest_paths(to_site, site_node[sites], unit_node[units], limit)
    row, column = sites[row], units[column]
    value += (site_snap[row] + unit_snap[column]) * minutes_per_m
    near = value <= limit
    return WalkingTimes(
        minutes=_pairs_matrix(row[near], column[near], value[near], city.num_sites, city.num_units),
        limit_minutes=limit,
        source="network",
        site_snap_m=site_snap,
        unit_snap_m=unit_snap,
        unsnapped_sites=np.flatnonzero(site_snap > walking.max_snap_m),
        unsnapped_units=np.flatnonzero(unit_snap > walking.max_snap_m),
        notes=network.notes,
    )


def _shortest_paths(
    graph: sparse.csr_array, sources: IntArray, targets: IntArray, limit: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """
    Minutes of all pairs of a source and a target within the limit (Dijkstra, 1959).

    Distinct source nodes are searched once, whatever the number of places at them.
    """
    from .walking_search import bounded_paths  # noqa: PLC0415 - numba is slow to load

    nodes, node_of_source = np.unique(sources, return_inverse=True)
    ends, end_of_target = np.unique(targets, return_inverse=True)
    if not nodes.size or not ends.size:
        none = np.empty(0, dtype=np.int64)
        return none, none, np.empty(0)
    return _by_place(*bounded_paths(graph, nodes, ends, limit), node_of_source, end_of_target)


def _by_place(
    start: IntArray,
    stop: IntArray,
    length: FloatArray,
    node_of_source: IntArray,
    end_of_target: IntArray,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Repeat the minutes between two nodes for all sources and targets at those nodes."""
    pair, source = _expand(start, node_of_source)
    stop, length = stop[pair], length[pair]
    pair, target = _expand(stop, end_of_target)
    return source[pair], target, length[pair]


def _expand(node: IntArray, node_of_place: IntArray) -> tuple[IntArray, IntArray]:
    """For every entry of ``node`` list the places at it: index of the entry, index of the place."""
    order = np.argsort(node_of_place, kind="stable")
    count = np.bincount(node_of_place)
    first = np.cumsum(count) - count
    repeats = count[node]
    entry = np.repeat(np.arange(node.size), repeats)
    offset = np.arange(entry.size) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    return entry, order[first[node[entry]] + offset]


def _pairs_matrix(
    row: IntArray, column: IntArray, minutes: FloatArray, num_sites: int, num_units: int
) -> sparse.csr_array:
    """Sparse matrix of the pairs, sorted, without stored zeros."""
    matrix = sparse.csr_array(
        (np.maximum(minutes, _STORED_ZERO), (row, column)), shape=(num_sites, num_units)
    )
    matrix.sort_indices()
    return matrix
