"""Write phases: what is built when, the circles of every year, the proofs, and a page."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

from ..optimize.planning.phases import PhasePlan
from ..version import __version__
from .assemble import library_versions
from .atomic import replacing_all
from .dissolved import dissolved
from .files import file_hash
from .phases_page import render_page
from .records import city_source, record_text
from .tables import write_table

GEOPACKAGE, RECORD, PAGE = "phases.gpkg", "phases.json", "phases.html"
YEARS, CIRCLES = "phases.csv", "circles.csv"
LISTED = (GEOPACKAGE, YEARS, CIRCLES, PAGE)
"""Files whose hashes ``phases.json`` lists: all others."""


@dataclass(frozen=True, eq=False)
class PhaseFiles:
    """
    Everything that phases write.

    Parameters
    ----------
    facilities
        Points; what exists and what is built, with its year, 0 for today.
    circles
        Polygons; every circle in every year, 0 for today, whether it is recognised.
    units
        Polygons; the circle of each unit, and the first year in which it has every category.
    reach
        Facility, unit and walking minutes of every pair within reach.
    years
        One row a year: money, what is built, circles, residents, targets.
    record
        Content of ``phases.json``.
    """

    facilities: gpd.GeoDataFrame
    circles: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    reach: pd.DataFrame
    years: pd.DataFrame
    record: dict[str, Any]


def phase_files(plan: PhasePlan, *, lang: str = "en") -> PhaseFiles:
    """
    Return everything that phases write, in the CRS of the input.

    Parameters
    ----------
    plan
        The phases.
    lang
        Language of the page, en or zh.
    """
    city = plan.city
    shown = np.flatnonzero(plan.years >= 0)
    return PhaseFiles(
        facilities=city.in_input_crs(_facilities(plan, shown)),
        circles=city.in_input_crs(_circles(plan)),
        units=city.in_input_crs(_units(plan)),
        reach=_reach(plan, shown),
        years=year_table(plan),
        record=_record(plan, lang),
    )


def year_table(plan: PhasePlan) -> pd.DataFrame:
    """Return a row for today (year 0) and for each year."""
    problem, states = plan.problem, plan.states
    ground = problem.ground
    today = ground.recognised(ground.exists)
    return pd.DataFrame(
        {
            "year": np.arange(problem.num_years + 1),
            "budget": np.r_[0.0, problem.budgets],
            "spent": np.r_[0.0, states.spent],
            "carried": np.r_[0.0, states.carried],
            "built": np.r_[0, states.built],
            "circles": np.r_[int(today.sum()), states.circles],
            "residents_in_circles": np.r_[
                float(ground.circle_residents[today].sum()), states.residents
            ],
            "target": np.r_[0, problem.wanted],
            "short": np.r_[0, states.short],
        }
    )


def _facilities(plan: PhasePlan, shown: np.ndarray) -> gpd.GeoDataFrame:
    table = plan.circles.facilities.iloc[shown].reset_index(drop=True)
    points = np.asarray(plan.city.sites.geometry, dtype=object)[table["site"]]
    largest = plan.city.sites["max_area_m2"].to_numpy(float)[table["site"]]
    table = table.drop(columns=["site"]).rename(columns={"exists": "existing"})  # reserved in SQL
    table = table.assign(year=plan.years[shown].astype(int), max_area_m2=largest)
    return gpd.GeoDataFrame(table, geometry=points, crs=plan.city.crs)


def _circles(plan: PhasePlan) -> gpd.GeoDataFrame:
    """Dissolve whole units as a coverage; a row for each circle and year."""
    ground, circles = plan.problem.ground, plan.circles.circles
    shapes = np.asarray(plan.city.units.geometry, dtype=object)
    shape = dissolved(shapes, ground.circle, len(circles))
    parts = []
    for year in range(plan.problem.num_years + 1):
        there = plan.problem.there(plan.years, year)
        served = ground.served(there)
        total = np.maximum(ground.circle_residents, 1e-9)
        parts.append(
            circles.assign(
                year=year,
                residents_served=np.rint(served).astype(int),
                share_served=np.where(ground.circle_residents > 0, served / total, 0.0),
                recognised=ground.recognised(there),
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return gpd.GeoDataFrame(table, geometry=np.tile(shape, len(parts)), crs=plan.city.crs)


def _units(plan: PhasePlan) -> gpd.GeoDataFrame:
    ground, units = plan.problem.ground, plan.city.units
    ids = np.array([*plan.circles.circles["circle_id"], None], dtype=object)
    first = np.full(len(units), np.nan)
    for year in range(plan.problem.num_years, -1, -1):
        whole = ground.reached(plan.problem.there(plan.years, year)).all(axis=0)
        first[whole] = year
    return gpd.GeoDataFrame(
        {
            "unit_id": units["unit_id"].astype(str),
            "residents": units["residents"],
            "circle_id": ids[ground.circle],  # -1, for none, is the last
            "first_year": pd.array(first, dtype="Int64"),
        },
        geometry=units.geometry,
        crs=plan.city.crs,
    )


def _reach(plan: PhasePlan, shown: np.ndarray) -> pd.DataFrame:
    pairs = plan.circles.minutes[shown].tocoo()
    facility = plan.circles.facilities["facility_id"].to_numpy(object)[shown]
    unit = plan.city.units["unit_id"].astype(str).to_numpy(object)
    return pd.DataFrame(
        {"facility_id": facility[pairs.row], "unit_id": unit[pairs.col], "minutes": pairs.data}
    )


def _record(plan: PhasePlan, lang: str) -> dict[str, Any]:
    city, problem = plan.city, plan.problem
    return {
        "shequ": __version__,
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "lang": lang,
        "city": {
            **city_source(city),
            "crs": city.input_crs.to_string(),
            "units": city.num_units,
            "residents": city.num_residents,
            "warnings": [told.as_record() for told in city.warnings],
            "repairs": [told.as_record() for told in city.repairs],
        },
        "policy": plan.policy.model_dump(mode="json"),
        "circles": {
            "column": plan.circles.column,
            "number": len(plan.circles.circles),
            "categories": list(plan.circles.categories),
            "share": problem.ground.share,
            "facilities_considered": problem.ground.num_facilities,
            "keeps_room": problem.ground.room is not None,
        },
        "budgets": problem.budgets.tolist(),
        "weights": problem.weights.tolist(),
        "targets": None if problem.targets is None else problem.targets.tolist(),
        "bonus": problem.bonus,
        "objective": problem.evaluate(plan.years),
        "cost": problem.cost(plan.years),
        "steps": {
            name: {**result.as_record(), "maximize": True} for name, result in plan.steps.items()
        },
        "years": year_table(plan).to_dict(orient="records"),
        "shortfalls": plan.shortfalls(),
        "warnings": [told.as_record() for told in plan.warnings],
        "seconds": dict(plan.seconds),
        "versions": library_versions(),
    }


def write_phases(files: PhaseFiles, folder: Path, *, lang: str = "en") -> list[Path]:
    """
    Write phases: all files, or none.

    Parameters
    ----------
    files
        The layers and the record.
    folder
        Where the files go; those of earlier phases are replaced.
    lang
        Language of the page, en or zh.

    Returns
    -------
    list of Path
        The files, the page last.

    Raises
    ------
    ValueError
        If the folder cannot be written; the files in it are then as they were.
    """
    record = dict(files.record)
    with replacing_all(folder, (*LISTED, RECORD)) as draft:
        _write_geopackage(files, draft / GEOPACKAGE)
        write_table(files.years, draft / YEARS)
        write_table(circle_table(files), draft / CIRCLES)
        (draft / PAGE).write_text(render_page(files, lang=lang), encoding="utf-8")
        record["files"] = {name: file_hash(draft / name) for name in LISTED}
        (draft / RECORD).write_text(record_text(record), encoding="utf-8")
    return [folder / name for name in (GEOPACKAGE, YEARS, CIRCLES, RECORD, PAGE)]


def circle_table(files: PhaseFiles) -> pd.DataFrame:
    """Return a row for each circle: when it is recognised, and its share of every year."""
    layer = pd.DataFrame(files.circles.drop(columns=files.circles.geometry.name))
    table = layer[layer["year"] == 0][["circle_id", "name", "residents", "units"]].copy()
    first = layer[layer["recognised"]].groupby("circle_id")["year"].min()
    table["first_year"] = table["circle_id"].map(first).astype("Int64")
    shares = layer.pivot_table(index="circle_id", columns="year", values="share_served")
    for year in shares.columns:
        table[f"share_year_{year}"] = table["circle_id"].map(shares[year])
    return table.reset_index(drop=True)


def _write_geopackage(files: PhaseFiles, path: Path) -> None:
    kinds = {"facilities": "Point", "circles": "MultiPolygon", "units": "MultiPolygon"}
    for name, kind in kinds.items():
        pyogrio.write_dataframe(
            getattr(files, name),
            path,
            layer=name,
            driver="GPKG",
            geometry_type=kind,
            promote_to_multi=kind.startswith("Multi"),
            layer_options={"GEOMETRY_NAME": "geom"},
        )
    for name in ("reach", "years"):
        pyogrio.write_dataframe(getattr(files, name), path, layer=name, driver="GPKG")
