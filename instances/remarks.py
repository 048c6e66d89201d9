"""What a planner should know about an input that is usable as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from .adjacency import components, shared_borders
from .edge_changes import with_changes
from .network import network_nodes, walking_network
from .notes import note, some
from .site_units import site_units

if TYPE_CHECKING:
    import geopandas as gpd

    from ..models.formulation import BoolArray, IntArray
    from .faults import Findings
    from .notes import Note
    from .policy import Policy
    from .validate import CityLayers

_SHORTER_BY = 0.01
_ROUNDING_M = 1.0


def remark(layers: CityLayers, policy: Policy, findings: Findings) -> None:
    """Warn of what is legal in the layers of a city, yet surprising in its plan."""
    neighbours = _neighbours(layers, policy)
    _large_units(layers, policy, findings)
    _scattered_communities(layers, neighbours, findings)
    _scattered_groups(layers, policy, neighbours, findings)
    _sites_outside(layers, policy, findings)
    _absent_services(layers, policy, findings)
    if layers.network is not None:
        _short_edges(layers.network, findings)
        _moved_nodes(layers.network, findings)
        if policy.walking.mode == "network":
            _far_from_network(layers, policy, findings)


def _neighbours(layers: CityLayers, policy: Policy) -> IntArray:
    """Return the pairs of neighbouring units of one community, as the split sees them."""
    split, units = policy.split, layers.units
    within = pd.factorize(units["community_id"])[0]
    found = shared_borders(
        np.asarray(units.geometry, dtype=object),
        min_length_m=split.min_border_m,
        contiguity=split.contiguity,
        within=within,
        connect_gap_m=split.connect_gap_m,
        barriers=layers.barriers,
        barrier_share=split.barrier_share,
        barrier_width_m=split.barrier_width_m,
    )
    ids = units["unit_id"].astype(str).tolist() if layers.edge_changes else []
    return with_changes(found, layers.edge_changes, ids, within).pairs


def _divided(units: gpd.GeoDataFrame, policy: Policy) -> BoolArray:
    """Whether the community of each unit is one that is split."""
    split = policy.split
    sums = units.groupby("community_id")[["residents", "households"]].transform("sum")
    divided = sums["residents"] > split.mandatory_residents
    if split.tier == "gradual":
        divided |= sums["residents"] >= split.gradual_residents
        divided |= sums["households"] >= split.gradual_households
    return np.asarray(divided, dtype=np.bool_)


def _large_units(layers: CityLayers, policy: Policy, findings: Findings) -> None:
    """Name the units that alone are as large as a district must not be."""
    units, split = layers.units, policy.split
    large = _divided(units, policy) & (
        (units["residents"] >= split.gradual_residents)
        | (units["households"] >= split.gradual_households)
    )
    if large.any():
        rows = [
            note("row_large_unit", unit=unit, residents=residents, households=households)
            for unit, residents, households in units.loc[
                large, ["unit_id", "residents", "households"]
            ].itertuples(index=False)
        ]
        findings.warn("units", "units_too_large", rows=rows, count=len(rows))


def _scattered_communities(layers: CityLayers, neighbours: IntArray, findings: Findings) -> None:
    """Name the communities whose units are not connected, and the units of the smaller parts."""
    units = layers.units
    labels, ids = pd.factorize(units["community_id"])
    part = components(len(units), neighbours)
    cut_off = _outside_largest(part, labels)
    rows = [
        _units_of(ids[label], units["unit_id"][cut_off & (labels == label)].tolist())
        for label in np.unique(labels[cut_off])
    ]
    if rows:
        findings.warn("units", "units_cut_off", rows=rows, count=len(rows))


def _outside_largest(part: IntArray, labels: IntArray) -> IntArray:
    """Whether each unit is outside the part of its community with the most units."""
    size = np.bincount(part)
    order = np.lexsort((part, -size[part], labels))
    _, first = np.unique(labels[order], return_index=True)
    largest = part[order][first]
    outside: IntArray = part != largest[labels]
    return outside


def _units_of(community: str, names: list[str]) -> Note:
    """Return two units of a community and the number of the rest."""
    told = {"community": community, "units": ", ".join(names[:2])}
    if len(names) > 2:
        return note("row_units_more", **told, count=len(names) - 2)
    return note("row_units", **told)


def _scattered_groups(
    layers: CityLayers, policy: Policy, neighbours: IntArray, findings: Findings
) -> None:
    """Name the groups that are kept together, in communities that are split, yet do not touch."""
    divided = _divided(layers.units, policy)
    columns = [column for column in policy.split.keep_together if column in layers.units]
    rows = [
        note("row_group", column=column, value=value, count=parts, community=community)
        for column in columns
        for community, value, parts in _parts_of_groups(layers.units, column, divided, neighbours)
    ]
    if rows:
        findings.warn("units", "groups_in_parts", rows=rows, count=len(rows))


def _parts_of_groups(
    units: gpd.GeoDataFrame, column: str, divided: BoolArray, neighbours: IntArray
) -> list[tuple[str, str, int]]:
    """Return community and value of the groups in several connected parts, and how many."""
    values = units[column].astype(str)
    grouped = units[column].notna() & (values.str.strip() != "") & divided
    group, _ = pd.factorize(values)
    first, second = neighbours.T
    part = components(len(units), neighbours[group[first] == group[second]])
    table = pd.DataFrame({"community": units["community_id"], "value": values, "part": part})
    parts = table[grouped].groupby(["community", "value"], sort=False)["part"].nunique()
    return [(*map(str, name), int(n)) for name, n in parts[parts > 1].items()]  # type: ignore[misc]


def _sites_outside(layers: CityLayers, policy: Policy, findings: Findings) -> None:
    """Name the sites that belong to no unit."""
    sites = layers.sites
    outside = np.flatnonzero(site_units(layers, policy) < 0)
    if outside.size:
        findings.warn(
            "sites",
            "sites_outside",
            rows=[note("row_site", site=name) for name in sites["site_id"].iloc[outside]],
            count=outside.size,
        )


def _absent_services(layers: CityLayers, policy: Policy, findings: Findings) -> None:
    """Name the services that the policy asks for and no site offers."""
    if not len(layers.sites):
        return
    listed = layers.sites["services"].str.split(";").explode()
    offered = sorted(set(listed) - {""})
    absent = [service for service in policy.siting.services if service not in offered]
    if absent:
        findings.warn(
            "sites.services",
            "services_absent",
            rows=absent,
            count=len(absent),
            offered=some(offered, most=8) or note("nothing"),
        )


def _short_edges(network: gpd.GeoDataFrame, findings: Findings) -> None:
    """Name the edges that are shorter than the line that is drawn for them."""
    drawn = shapely.length(np.asarray(network.geometry, dtype=object))
    given = network["length_m"].to_numpy(dtype=np.float64)
    short = np.flatnonzero((given < drawn * (1 - _SHORTER_BY)) & (drawn - given > _ROUNDING_M))
    if short.size:
        findings.warn(
            "network.length_m",
            "edges_too_short",
            rows=[
                note(
                    "row_edge",
                    start=network["from_node"].iloc[i],
                    end=network["to_node"].iloc[i],
                    given=given[i],
                    drawn=drawn[i],
                )
                for i in short.tolist()
            ],
            count=short.size,
        )


def _moved_nodes(network: gpd.GeoDataFrame, findings: Findings) -> None:
    """Name the nodes that lines reach at different places."""
    nodes = network_nodes(network)
    moved = np.flatnonzero(nodes.spread_m > _ROUNDING_M)
    if moved.size:
        findings.warn(
            "network",
            "nodes_apart",
            rows=[
                note("row_node", node=nodes.ids[i], metres=nodes.spread_m[i])
                for i in moved.tolist()
            ],
            count=moved.size,
        )


def _far_from_network(layers: CityLayers, policy: Policy, findings: Findings) -> None:
    """Name the sites and units that are too far from the network to be connected to it."""
    network = walking_network(layers.network, layers.barriers, policy)
    most = policy.walking.max_snap_m
    for layer, frame, column in (
        ("sites", layers.sites, "site_id"),
        ("units", layers.units, "unit_id"),
    ):
        inside = shapely.point_on_surface(np.asarray(frame.geometry, dtype=object))
        distance = network.snap(shapely.get_coordinates(inside))[1]
        far = np.flatnonzero(distance > most)
        if far.size:
            findings.warn(
                layer,
                f"{layer}_far",
                rows=[
                    note("row_far", place=frame[column].iloc[i], metres=distance[i])
                    for i in far.tolist()
                ],
                count=far.size,
                most=most,
            )
