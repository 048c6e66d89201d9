"""A seeded synthetic Chinese city, as the layers of the city input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from .communities import draw_communities, shared_borders
from .courtyards import settle, wobble_villages
from .fabric import lay_fabric
from .households import count_by_age, count_households, found_estates
from .layers import (
    barriers_layer,
    communities_layer,
    network_layer,
    site_points,
    sites_layer,
    unit_polygons,
    units_layer,
)
from .names import Names
from .stations import Places, place_sites
from .walkways import lay_walkways

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

FEWEST_RESIDENTS, MOST_RESIDENTS = 10_000, 5_000_000


def generate_city(*, residents: int = 300_000, seed: int = 7) -> dict[str, GeoDataFrame]:
    """
    Make up a city with a river, estates, old courtyards, villages and crowded communities.

    Units are an exact coverage. Some communities are far above the usual thresholds and can be
    split; about an eighth of the residents live out of reach of the existing stations, and the
    candidates suffice for every community and every resident. The same arguments give the same
    city.

    Parameters
    ----------
    residents
        Residents of the city, met exactly; from 10,000 to 5,000,000.
    seed
        Seed of every random choice, not negative.

    Returns
    -------
    layers
        The layers units, sites, network, barriers and communities of the city input, in
        EPSG:4549.

    Raises
    ------
    ValueError
        If ``residents`` or ``seed`` lies outside its range.

    Examples
    --------
    >>> layers = generate_city(residents=20_000, seed=1)
    >>> int(layers["units"]["residents"].sum())
    20000
    """
    if not FEWEST_RESIDENTS <= residents <= MOST_RESIDENTS:
        raise ValueError(
            f"residents = {residents} not understood; give a number from {FEWEST_RESIDENTS:,} to "
            f"{MOST_RESIDENTS:,}."
        )
    if seed < 0:
        raise ValueError(f"seed = {seed} not understood; give a number that is not negative.")
    for_fabric, for_units, for_communities, for_people, for_sites, for_names = (
        np.random.default_rng(seed).spawn(6)
    )
    fabric = lay_fabric(residents, for_fabric)
    courtyards = settle(fabric, residents, for_units)
    nodes = wobble_villages(fabric, courtyards, for_units)
    borders = shared_borders(fabric, nodes, courtyards.unit_of_cell)
    communities = draw_communities(fabric, courtyards, borders, for_communities)
    households = count_households(courtyards, communities, for_people)
    elderly, children = count_by_age(courtyards, for_people)
    estates = found_estates(courtyards, communities, borders, for_people)
    polygons = unit_polygons(nodes, courtyards)
    walkways = lay_walkways(fabric, nodes, courtyards)
    homes = shapely.get_coordinates(shapely.point_on_surface(polygons))
    places = Places(courtyards, communities, households, homes, walkways)
    sites = place_sites(places, for_sites)
    points = site_points(nodes, courtyards, sites, for_sites)
    stock = Names(for_names)
    streets = [f"{name}街道" for name in stock.take(int(communities.street_of.max()) + 1)]
    names = [f"{name}社区" for name in stock.take(communities.num_communities)]
    river, railway = stock.take(2)
    units = units_layer(
        polygons,
        courtyards,
        communities,
        counts={
            "households": households,
            "residents_65plus": elderly,
            "residents_under_7": children,
        },
        estates=estates,
        streets=streets,
    )
    site_layer = sites_layer(sites, points, communities, names)
    owner = communities.of_unit[sites.unit]
    return {
        "units": units,
        "sites": site_layer,
        "network": network_layer(walkways),
        "barriers": barriers_layer(fabric, nodes, river=f"{river}河", railway=f"{railway}铁路"),
        "communities": communities_layer(units, site_layer, owner, communities.codes, names),
    }
