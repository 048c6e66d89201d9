"""Layers of the plans of boundaries and stations together."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from ..instances.city import City
from ..models.formulation import FloatArray, IntArray
from ..models.joint.problem import JointPlan, JointSplit
from ..models.siting.station import Siting, StationSiting
from ..optimize.joint.city import CommunityJoint
from ..optimize.joint.engine import JointSolution
from .dissolved import dissolved


def joint_layers(city: City, found: list[CommunityJoint]) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers districts, stations and units of all joint plans, in the input's CRS."""
    parts: dict[str, list[gpd.GeoDataFrame]] = {"districts": [], "stations": [], "units": []}
    for one in found:
        if one.plan is None or one.solution is None:
            continue
        planned = _Planned(city, one, one.solution, one.plan)
        units = planned.units()
        parts["units"].append(units)
        parts["districts"].append(planned.districts(units))
        parts["stations"].append(planned.stations())
    layers: dict[str, gpd.GeoDataFrame] = {
        name: gpd.GeoDataFrame(pd.concat(layer, ignore_index=True), crs=city.crs)
        for name, layer in parts.items()
        if layer
    }
    if layers and city.barriers is not None and not city.barriers.empty:
        layers["barriers"] = city.barriers
    return {name: city.in_input_crs(layer) for name, layer in layers.items()}


@dataclass(frozen=True, eq=False)
class _Planned:
    """A community with its joint plan."""

    city: City
    one: CommunityJoint
    solution: JointSolution
    plan: JointPlan

    @property
    def problem(self) -> JointSplit:
        """The problem with the rules that the plan keeps."""
        return self.solution.rules.problem

    def units(self) -> gpd.GeoDataFrame:
        """Units of the community with their district and their nearest station of it."""
        one, plan, problem = self.one, self.plan, self.problem
        site, minutes = problem.given(plan.labels).nearest(plan.siting.is_open)
        ids = np.array([*problem.stations.site_ids, None], dtype=object)
        units = self.city.units.iloc[one.members]
        columns = ["unit_id", "residents", "households"]
        columns += [name for name in ("estate_id",) if name in units]
        layer = units[[*columns, "geometry"]].copy()
        layer["community_id"] = one.community_id
        layer["district"] = one.region.to_units(plan.labels) + 1
        two = self.solution.two_step.plan
        layer["district_two_step"] = 0 if two is None else one.region.to_units(two.labels) + 1
        layer["site_id"] = ids[site]
        layer["minutes"] = np.where(np.isfinite(minutes), minutes, np.nan)
        return gpd.GeoDataFrame(layer, geometry="geometry", crs=self.city.crs)

    def districts(self, units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
        """Dissolve whole units as a coverage, with the figures of each district."""
        one, plan, problem = self.one, self.plan, self.problem
        area = problem.given(plan.labels).community_area(plan.siting)
        shapes, labels = np.asarray(units.geometry, dtype=object), units["district"].to_numpy()
        rows = []
        for district in range(1, one.districts + 1):
            inside = units[labels == district]
            households = int(inside["households"].sum())
            rows.append(
                {
                    "community_id": one.community_id,
                    "name": one.name,
                    "district": district,
                    "units": len(inside),
                    "residents": int(inside["residents"].sum()),
                    "households": households,
                    "floor_area_m2": float(area[district - 1]),
                    "floor_area_target_m2": households * problem.area_per_household_m2,
                    "residents_out_of_reach": int(
                        inside["residents"][inside["minutes"].isna()].sum()
                    ),
                    "mean_minutes": _mean(inside),
                }
            )
        shape = dissolved(shapes, labels - 1, one.districts)
        return gpd.GeoDataFrame(rows, geometry=shape, crs=units.crs)

    def stations(self) -> gpd.GeoDataFrame:
        """Sites of the community with what the joint plan makes of them, and the other did."""
        plan, problem, stations = self.plan, self.problem, self.problem.stations
        two = self.solution.two_step.plan
        layer = {
            "site_id": list(stations.site_ids),
            "community_id": self.one.community_id,
            "district": np.where(plan.siting.is_open, plan.labels[problem.node_of_site] + 1, 0),
            "unit_id": [stations.unit_ids[unit] for unit in self._unit_of_site()],
            "action": _actions(stations, plan.siting),
            "action_two_step": "" if two is None else _actions(stations, two.siting),
            "floor_area_before_m2": stations.area_today_m2,
            "floor_area_m2": np.where(plan.siting.is_open, plan.siting.area_m2, 0.0),
            "max_area_m2": stations.max_area_m2,
            "fixed_cost": stations.fixed_cost,
            "cost_per_m2": stations.cost_per_m2,
            "cost": stations.site_costs(plan.siting),
        }
        points = shapely.points(self.city.site_points[self.one.sites])
        return gpd.GeoDataFrame(layer, geometry=points, crs=self.city.crs)

    def _unit_of_site(self) -> IntArray:
        """Place among the members of the unit that each site belongs to, shape (sites,)."""
        city, one, asked = self.city, self.one, self.solution.asked
        points = np.asarray(shapely.points(city.site_points[one.sites]), dtype=object)
        shapes = np.asarray(city.units.geometry, dtype=object)[one.members]
        places = []
        for point, node in zip(points, asked.node_of_site, strict=True):
            inside = np.flatnonzero(asked.node_of_unit == node)
            places.append(int(inside[np.argmin(shapely.distance(shapes[inside], point))]))
        return np.array(places, dtype=np.int64)


def _mean(units: gpd.GeoDataFrame) -> float:
    reached = units[units["minutes"].notna() & (units["residents"] > 0)]
    residents: FloatArray = reached["residents"].to_numpy(float)
    if not residents.size:
        return float("nan")
    return float(residents @ reached["minutes"].to_numpy(float) / residents.sum())


def _actions(stations: StationSiting, siting: Siting) -> list[str]:
    """Return what is done with each site."""
    more = siting.area_m2 > stations.area_today_m2 + 1e-6
    found = np.select(
        [~siting.is_open, ~stations.existing, more],
        ["closed", "opened", "extended"],
        default="kept",
    )
    return [str(one) for one in found]
