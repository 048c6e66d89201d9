"""The state of a city: its communities, its stations, and what they give to residents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.policy import Policy
from ...instances.walking import WalkingTimes
from ...models.formulation import BoolArray, FloatArray, IntArray
from ...models.siting.station import nearest_open

NO_TIER = "none"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """
    One state of the city.

    Parameters
    ----------
    communities
        One row a community with the figures of the layers districts and communities_before.
    unit_community
        Row of each unit's community, shape (units,).
    site_community
        Row of the community that each site counts for, -1 for none, shape (sites,).
    is_open, area_m2, cost
        Of the sites, shape (sites,).
    nearest_site, minutes
        Nearest open site of each unit within reach (-1, infinite), shape (units,).
    """

    communities: pd.DataFrame
    unit_community: IntArray
    site_community: IntArray
    is_open: BoolArray
    area_m2: FloatArray
    cost: FloatArray
    nearest_site: IntArray
    minutes: FloatArray

    def figures(self, policy: Policy) -> dict[str, Any]:
        """Key figures of the city."""
        table = self.communities
        households, residents = int(table["households"].sum()), int(table["residents"].sum())
        area, reached = float(table["floor_area_m2"].sum()), int(table["residents_in_reach"].sum())
        walked = float((table["mean_minutes"].fillna(0) * table["residents_in_reach"]).sum())
        tiers = [tier_of(r, h, policy) for r, h in _sizes(table)]
        return {
            "communities": len(table),
            "over_mandatory": tiers.count("mandatory"),
            "over_gradual": tiers.count("gradual"),
            "largest_residents": int(table["residents"].max()),
            "largest_households": int(table["households"].max()),
            "floor_area_m2": area,
            "floor_area_per_100_households": 100 * area / households if households else None,
            "mean_floor_area_m2": area / len(table),
            "communities_below_target": int((table["floor_area_shortfall_m2"] > 0).sum()),
            "residents_in_reach": reached,
            "share_in_reach": reached / residents if residents else None,
            "residents_out_of_reach": residents - reached,
            "mean_minutes": walked / reached if reached else None,
            "workers_needed": int(table["workers"].sum()),
            "facilities": int(self.is_open.sum()),
            "cost": float(self.cost.sum()),
        }


def _sizes(table: pd.DataFrame) -> list[tuple[int, int]]:
    return [(int(r), int(h)) for r, h in zip(table["residents"], table["households"], strict=True)]


def tier_of(residents: int, households: int, policy: Policy) -> str:
    """
    Tell under which rule a community must be split.

    Returns
    -------
    str
        mandatory, gradual or none.
    """
    split = policy.split
    if residents > split.mandatory_residents:
        return "mandatory"
    if residents >= split.gradual_residents or households >= split.gradual_households:
        return "gradual"
    return NO_TIER


def take_snapshot(
    city: City,
    policy: Policy,
    times: WalkingTimes,
    *,
    names: pd.DataFrame,
    unit_community: IntArray,
    site_community: IntArray,
    is_open: BoolArray,
    area_m2: FloatArray,
    cost: FloatArray,
) -> Snapshot:
    """
    Count what every community has.

    Parameters
    ----------
    city, policy, times
        The city, the rules and the walking minutes.
    names
        One row a community with its identity: community_id, name and whatever else is known.
    unit_community, site_community
        Row of ``names`` of each unit and site (-1 for none), shapes (units,) and (sites,).
    is_open, area_m2, cost
        Of the sites, shape (sites,).
    """
    nearest, minutes = nearest_open(times.minutes, is_open)
    units, num = city.units, len(names)
    table = names.reset_index(drop=True).copy()

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(unit_community, values, num).astype(float)

    residents = units["residents"].to_numpy(float)
    for column in ("residents", "households", "residents_65plus"):
        if column in units:
            table[column] = np.rint(total(units[column].to_numpy(float))).astype(int)
    table["units"] = np.bincount(unit_community, minlength=num)
    inside = (site_community >= 0) & is_open
    area = np.bincount(site_community[inside], area_m2[inside], num)
    target = table["households"] * policy.siting.floor_area_m2_per_100_households / 100
    short = np.maximum(target - area, 0)
    table["floor_area_m2"] = area
    table["floor_area_target_m2"] = target
    table["floor_area_shortfall_m2"] = np.where(short > 0.01, short, 0.0)
    some = table["households"].to_numpy(float)
    table["floor_area_per_100_households"] = np.where(
        some > 0, 100 * area / np.maximum(some, 1), np.nan
    )
    in_reach = np.isfinite(minutes)
    reached = total(residents * in_reach)
    table["residents_in_reach"] = np.rint(reached).astype(int)
    table["residents_out_of_reach"] = table["residents"] - table["residents_in_reach"]
    walked = total(residents * np.where(in_reach, minutes, 0))
    table["mean_minutes"] = np.where(reached > 0, walked / np.maximum(reached, 1), np.nan)
    workers = table["residents"] * policy.staff.workers_per_10000 / 10_000
    table["workers"] = np.ceil(workers - 1e-9).astype(int)
    table["facilities"] = np.bincount(site_community[inside], minlength=num)
    return Snapshot(table, unit_community, site_community, is_open, area_m2, cost, nearest, minutes)


def communities_of_sites(site_unit: IntArray, unit_community: IntArray) -> IntArray:
    """Row of the community of each site's unit, -1 for none, shape (sites,)."""
    return np.where(site_unit >= 0, unit_community[np.maximum(site_unit, 0)], -1)


def counts_as_existing(city: City, policy: Policy) -> BoolArray:
    """Sites with a station that offers a service that counts, shape (sites,)."""
    existing = (city.sites["status"] == "existing").to_numpy(bool)
    return np.asarray(existing & offers_service(city, policy))


def offers_service(city: City, policy: Policy) -> BoolArray:
    """Sites that offer a service that counts; all if the policy names none, shape (sites,)."""
    wanted = set(policy.siting.services)
    if not wanted:
        return np.ones(city.num_sites, dtype=bool)
    offered = city.sites["services"].fillna("").astype(str)
    status = city.sites["status"].to_numpy(object)
    return np.array(
        [
            bool(wanted & set(text.split(";"))) or (not text and state == "candidate")
            for text, state in zip(offered, status, strict=True)
        ]
    )
