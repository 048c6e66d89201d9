"""Read what phases take from a written plan: its services, and its communities."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyogrio

from ..instances.city import City

GEOPACKAGE = "plan.gpkg"


def plan_services(folder: Path) -> gpd.GeoDataFrame:
    """
    Read the layer of services of a written plan.

    Raises
    ------
    ValueError
        If the folder holds no plan, or a plan without services.
    """
    return _layer(folder, "services", "Write one with `shequ plan CITY -o FOLDER --services`.")


def _layer(folder: Path, name: str, advice: str) -> gpd.GeoDataFrame:
    path = folder / GEOPACKAGE
    if not path.is_file():
        raise ValueError(f"{folder} holds no {GEOPACKAGE}. {advice}")
    try:
        return pyogrio.read_dataframe(path, layer=name)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path} has no layer {name} that can be read. {advice}") from error


def with_plan_communities(city: City, folder: Path) -> City:
    """
    Give the units of a city the communities of a written plan.

    Raises
    ------
    ValueError
        If the plan is of other units.
    """
    advice = "Name the city that the plan was made of."
    units = _layer(folder, "units", advice)
    districts = _layer(folder, "districts", advice)
    communities = pd.Series(
        units["community_id"].astype(str).to_numpy(), index=units["unit_id"].astype(str)
    )
    own = city.units["unit_id"].astype(str)
    if set(own) != set(communities.index):
        raise ValueError(f"{folder}: the plan has other units than {city.name}. {advice}")
    changed = city.units.assign(community_id=communities.loc[own].to_numpy(object))
    columns = [name for name in ("community_id", "name", "street_id") if name in districts]
    table = districts[[*columns, districts.geometry.name]].to_crs(city.crs)
    table = table.assign(community_id=table["community_id"].astype(str))
    return replace(city, units=changed, communities=table.reset_index(drop=True))
