"""A plan in metres, and what several checks ask of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import shapely
from geopandas import GeoDataFrame
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from ..layers import PlanFiles
from .minutes import Range, Streets, streets_of
from .numbers import Bools, Floats, flags, numbers, texts

Shapes = NDArray[np.object_]


class View:
    """
    A plan in metres, and what several checks ask of it.

    Parameters
    ----------
    plan
        The layers and the record as read.
    """

    def __init__(self, plan: PlanFiles) -> None:
        self.plan, self.record = plan, plan.record
        self.policy: dict[str, Any] = plan.record["policy"]
        self.working = working_crs(plan)
        self.units = self._metric(plan.units)
        self.districts = self._metric(plan.districts)
        self.before = self._metric(plan.communities_before)
        self.facilities = self._metric(plan.facilities)
        self.candidates = self._metric(plan.candidates)
        self.allocation = self._metric(plan.allocation)
        self.network = None if plan.network is None else self._metric(plan.network)
        self.barriers = None if plan.barriers is None else self._metric(plan.barriers)
        self.services = None if plan.services is None else self._metric(plan.services)

    def _metric(self, layer: GeoDataFrame) -> GeoDataFrame:
        """Return a layer in metres with a fresh index."""
        same = layer.crs is None or self.working is None or layer.crs == self.working
        return (layer if same else layer.to_crs(self.working)).reset_index(drop=True)

    @cached_property
    def residents(self) -> Floats:
        """Residents of every unit."""
        return numbers(self.units["residents"])

    @cached_property
    def in_reach(self) -> Bools:
        """Units that are written to be in reach."""
        return flags(self.units["in_reach"])

    @cached_property
    def minutes(self) -> Floats:
        """Minutes of every unit as written; NaN where it is not in reach."""
        return np.where(self.in_reach, numbers(self.units["minutes"]), np.nan)

    @cached_property
    def site_rows(self) -> NDArray[np.int64]:
        """Row in facilities of the site that is written for every unit, -1 for none."""
        rows = {site: row for row, site in enumerate(texts(self.facilities["site_id"]))}
        found = [
            -1 if site is None else rows.get(site, -1) for site in texts(self.units["site_id"])
        ]
        return np.array(found, dtype=np.int64)

    @cached_property
    def homes(self) -> Shapes:
        """Point inside every unit, where its residents are."""
        shapes = np.asarray(self.units.geometry, dtype=object)
        return np.asarray(shapely.point_on_surface(shapes), dtype=object)

    @cached_property
    def streets(self) -> Streets:
        """How people walk from the units."""
        return streets_of(self.homes, self.network, self.barriers, self.policy["walking"])

    @cached_property
    def walk_after(self) -> Range:
        """Minutes of every unit to the nearest open facility."""
        return self.streets.nearest(stations(self.facilities))

    @cached_property
    def walk_before(self) -> Range:
        """Minutes of every unit to the nearest facility of today."""
        return self.streets.nearest(stations(self.stations_today))

    @cached_property
    def stations_today(self) -> GeoDataFrame:
        """Facilities of today: those that stay open, and those that a decision closes."""
        kept = self.facilities[self.facilities["status"] == "existing"]
        if self.services is not None:  # others of today may become stations
            kept = kept[numbers(kept["floor_area_before_m2"]) > 0]
        given_up = self.candidates["site_id"].isin(self.given_up)
        closed = self.candidates[given_up & (numbers(self.candidates["floor_area_before_m2"]) > 0)]
        return kept if closed.empty else pd.concat([kept, closed], ignore_index=True)

    @cached_property
    def given_up(self) -> set[str]:
        """Sites whose station of today is closed: by a decision, or as a service."""
        found = self.decided("site", "close")
        if self.services is None:
            return found
        stations = {str(name) for name in self.policy["siting"]["services"]}
        closed = self.services["service"].isin(stations) & (self.services["action"] == "closed")
        return found | set(self.services.loc[closed, "site_id"].astype(str))

    def decided(self, kind: str, *what: str) -> set[str]:
        """Ids of the places on which the record says that something is decided."""
        return {
            str(entry["id"])
            for entry in self.record.get("decisions", [])
            if entry["kind"] == kind and entry["decision"] in what
        }

    @cached_property
    def parts(self) -> dict[str, GeoDataFrame]:
        """Districts of every community that the layers show as divided, by its id."""
        groups = self.districts.groupby("parent_id", sort=False)
        return {
            str(parent): part
            for parent, part in groups
            if len(part) > 1 and str(parent) not in self.rebalanced
        }

    @property
    def edge_changes(self) -> list[dict[str, Any]]:
        """Bridges and cuts that the record names, in the order in which they were made."""
        return list(self.record["city"].get("edge_changes", []))

    @property
    def rebalance(self) -> dict[str, Any] | None:
        """What is recorded on a rebalancing; None if there was none."""
        return self.record.get("rebalance")

    @cached_property
    def rebalanced(self) -> set[str]:
        """Communities of today in regions that were rebalanced, by id."""
        return {
            str(name)
            for region in (self.rebalance or {}).get("regions", [])
            if region["moved"]["status"] in {"optimal", "feasible"}
            for name in region["communities"]
        }

    @cached_property
    def entries(self) -> dict[str, dict[str, Any]]:
        """Entries on the split of communities, by id."""
        return {str(entry["community_id"]): entry for entry in self.record["split"]}

    @property
    def is_split(self) -> bool:
        """Whether the plan was to split communities."""
        ran = "split" in self.record["seconds"] or bool(self.record["split"])
        return ran or bool(self.parts)

    @property
    def is_sited(self) -> bool:
        """Whether the plan was to open facilities."""
        return str(self.record["siting"]["mode"]) != "none" or self.services is not None

    def tier(self, residents: float, households: float) -> str:
        """Rule under which a community of this size is split."""
        rules = self.policy["split"]
        if residents > rules["mandatory_residents"]:
            return "mandatory"
        is_large = residents >= rules["gradual_residents"]
        return "gradual" if is_large or households >= rules["gradual_households"] else "none"


def working_crs(plan: PlanFiles) -> CRS | None:
    """CRS in metres that the plan was computed in; that of the units if none can be read."""
    try:
        return CRS(plan.record["city"].get("working_crs") or plan.units.crs)
    except CRSError:
        return None if plan.units.crs is None else CRS(plan.units.crs)


def stations(facilities: GeoDataFrame) -> Floats:
    """Coordinates of facilities, shape (facilities, 2)."""
    return shapely.get_coordinates(np.asarray(facilities.geometry, dtype=object))
