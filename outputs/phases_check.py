"""
Check phases again from their written files alone.

This shares nothing with the code that made them: it reads the files, counts who has what within
reach in which year, and compares.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
import shapely

MOST_FINDINGS = 20
LAYERS = ("facilities", "circles", "units", "reach", "years")


@dataclass(frozen=True)
class PhaseCheck:
    """Names of the checks that were made, and what they found."""

    checks: tuple[str, ...]
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(frozen=True)
class _View:
    """The written files."""

    folder: Path
    record: dict[str, Any]
    facilities: gpd.GeoDataFrame
    circles: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    reach: pd.DataFrame
    years: pd.DataFrame


def check_phases(folder: Path) -> PhaseCheck:
    """
    Check the files of phases.

    Parameters
    ----------
    folder
        Folder that ``shequ phases CITY -o FOLDER`` wrote.

    Raises
    ------
    ValueError
        If a file or layer is missing or cannot be read.
    """
    view = _read(folder)
    checks = {
        "files": _files,
        "facilities": _facilities,
        "money": _money,
        "reach": _within_reach,
        "units": _units,
        "circles": _circles,
        "years": _years,
        "geometry": _geometry,
        "objective": _objective,
    }
    found = [f"{name}: {line}" for name, check in checks.items() for line in check(view)]
    return PhaseCheck(tuple(checks), tuple(found[:MOST_FINDINGS]))


def _read(folder: Path) -> _View:
    try:
        record = json.loads((folder / "phases.json").read_text(encoding="utf-8"))
        layers = {
            name: pyogrio.read_dataframe(folder / "phases.gpkg", layer=name) for name in LAYERS
        }
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"{folder} holds no whole phases ({error}). Write them with "
            "`shequ phases CITY --budgets ... -o FOLDER`."
        ) from error
    return _View(folder, record, **layers)


def _files(view: _View) -> Iterator[str]:
    """Every file has the bytes that were written."""
    for name, wanted in view.record.get("files", {}).items():
        path = view.folder / name
        if not path.is_file():
            yield f"{name} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            yield f"{name} was changed after it was written"


def _facilities(view: _View) -> Iterator[str]:
    """Look at each facility: what exists costs nothing, what is built has a year and room."""
    num_years = len(view.record["budgets"])
    for row in view.facilities.itertuples():
        if bool(row.existing) != (row.year == 0):
            yield f"{row.facility_id} has year {row.year} and existing = {row.existing}"
        if not 0 <= row.year <= num_years:
            yield f"{row.facility_id} has year {row.year} of {num_years}"
        if row.year == 0 and row.cost != 0:
            yield f"{row.facility_id} exists and costs {row.cost}"
    built = view.facilities[view.facilities["year"] > 0]
    if view.record["circles"]["keeps_room"]:
        for site, own in built.groupby("site_id"):
            used, room = float(own["floor_area_m2"].sum()), float(own["max_area_m2"].iloc[0])
            if used > room + 1e-6 * (1 + room):
                yield f"site {site!s} holds {used:.1f} m², more than its {room:.1f}"
    double = view.facilities["facility_id"][view.facilities["facility_id"].duplicated()]
    yield from (f"{name} is there twice" for name in double)


def _money(view: _View) -> Iterator[str]:
    """No year spends more than it has."""
    carries = view.record["policy"]["circles"]["carry_over"]
    purse = 0.0
    for number, budget in enumerate(view.record["budgets"], start=1):
        purse = (purse if carries else 0.0) + budget
        spent = float(view.facilities.loc[view.facilities["year"] == number, "cost"].sum())
        if spent > purse + 1e-6 * (1 + purse):
            yield f"year {number} spends {spent:.2f} and has {purse:.2f}"
        purse -= spent
        row = view.years[view.years["year"] == number]
        if abs(float(row["spent"].iloc[0]) - spent) > 1e-3:
            stated = float(row["spent"].iloc[0])
            yield f"year {number} is said to spend {stated:.2f}, not {spent:.2f}"
        carried = purse if carries else 0.0
        if abs(float(row["carried"].iloc[0]) - carried) > 1e-3:
            yield f"year {number} is said to carry over {float(row['carried'].iloc[0]):.2f}"


def _within_reach(view: _View) -> Iterator[str]:
    """No walk is longer than the reach, and none leads to what is not there."""
    limit = view.record["policy"]["circles"]["reach_minutes"]
    far = view.reach[view.reach["minutes"] > limit + 1e-6] if limit > 0 else view.reach[:0]
    for row in far.head(5).itertuples():
        yield f"{row.facility_id!s} to {row.unit_id!s} takes longer than {limit:g} minutes"
    for column, layer in (("facility_id", view.facilities), ("unit_id", view.units)):
        lost = set(view.reach[column]) - set(layer[column])
        yield from (f"{column} {name} is not in its layer" for name in sorted(lost)[:5])


def _first_years(view: _View) -> dict[str, int]:
    """First year in which each unit has every category within reach."""
    kind = dict(zip(view.facilities["facility_id"], view.facilities["category"], strict=True))
    year = dict(zip(view.facilities["facility_id"], view.facilities["year"], strict=True))
    first: dict[str, dict[str, int]] = defaultdict(dict)
    for facility, unit in zip(view.reach["facility_id"], view.reach["unit_id"], strict=True):
        if facility in kind:
            known = first[unit].get(kind[facility], 10**6)
            first[unit][kind[facility]] = min(known, int(year[facility]))
    wanted = view.record["circles"]["categories"]
    return {
        unit: max(found[category] for category in wanted)
        for unit, found in first.items()
        if all(category in found for category in wanted)
    }


def _units(view: _View) -> Iterator[str]:
    """Every unit has every category from the year on that is said."""
    first = _first_years(view)
    for unit, said in zip(view.units["unit_id"], view.units["first_year"], strict=True):
        counted = first.get(unit)
        stated = None if pd.isna(said) else int(said)
        if counted != stated:
            yield f"unit {unit} has every category from year {counted} on, not {stated}"


def _served(view: _View) -> dict[tuple[str, int], tuple[int, int]]:
    """Residents, and residents served, of every circle and year."""
    first = _first_years(view)
    total: dict[str, int] = defaultdict(int)
    served: dict[tuple[str, int], int] = defaultdict(int)
    num_years = len(view.record["budgets"])
    for unit, circle, residents in zip(
        view.units["unit_id"], view.units["circle_id"], view.units["residents"], strict=True
    ):
        if circle is None or pd.isna(circle):
            continue
        total[circle] += int(residents)
        for year in range(first.get(unit, num_years + 1), num_years + 1):
            served[circle, year] += int(residents)
    return {
        (circle, year): (total[circle], served[circle, year])
        for circle in total
        for year in range(num_years + 1)
    }


def _circles(view: _View) -> Iterator[str]:
    """Count who is served: a circle is recognised where its share is, and only there."""
    counted, share = _served(view), float(view.record["circles"]["share"])
    if len(counted) != len(view.circles):
        yield f"there are {len(view.circles)} rows of circles, expected {len(counted)}"
    for row in view.circles.itertuples():
        total, served = counted.get((row.circle_id, row.year), (0, 0))
        if (row.residents, row.residents_served) != (total, served):
            yield (
                f"circle {row.circle_id}, year {row.year}: {served} of {total} residents are "
                f"served, not {row.residents_served} of {row.residents}"
            )
        if bool(row.recognised) != (total > 0 and served >= share * total - 1e-6):
            yield f"circle {row.circle_id}, year {row.year}: recognised = {bool(row.recognised)}"


def _years(view: _View) -> Iterator[str]:
    """Count the years again: the tables and the record say what the layers hold."""
    targets = [0, *(view.record["targets"] or [0] * len(view.record["budgets"]))]
    written = pd.read_csv(view.folder / "phases.csv", encoding="utf-8-sig")
    tables = (view.years, written, pd.DataFrame(view.record["years"]))
    for year, target in enumerate(targets):
        known = view.circles[(view.circles["year"] == year) & view.circles["recognised"]]
        number = len(known)
        built = int((view.facilities["year"] == year).sum()) if year else 0
        counted = {
            "circles": number,
            "residents_in_circles": int(known["residents"].sum()),
            "built": built,
            "target": target,
            "short": max(0, target - number),
        }
        for table in tables:
            row = table[table["year"] == year]
            if len(row) != 1:
                yield f"year {year} is there {len(row)} times"
                continue
            for column, value in counted.items():
                stated = float(row[column].iloc[0])
                if abs(stated - value) > 0.5:
                    yield f"year {year} is said to have {column} {stated:,.0f}, not {value:,}"


def _geometry(view: _View) -> Iterator[str]:
    """Circles are valid and as large as their units together."""
    area = view.units.geometry.area.groupby(view.units["circle_id"]).sum()
    for row in view.circles[view.circles["year"] == 0].itertuples():
        if not shapely.is_valid(row.geometry):
            yield f"circle {row.circle_id} is not a valid polygon"
        wanted = float(area.get(row.circle_id, 0.0))
        if abs(row.geometry.area - wanted) > 1e-6 * max(1e-12, wanted):
            yield f"circle {row.circle_id} is {row.geometry.area:.1f} large, its units {wanted:.1f}"


def _objective(view: _View) -> Iterator[str]:
    """Add up the objective, and hold every bound against it."""
    record, total = view.record, 0.0
    for row, weight in zip(record["years"][1:], record["weights"], strict=True):
        met = row["target"] - row["short"]
        total += weight * row["residents_in_circles"] + record["bonus"] * met
    if abs(total - record["objective"]) > 1e-6 * (1 + abs(total)):
        yield f"the objective is {total:.3f}, not {record['objective']:.3f}"
    for name, step in record["steps"].items():
        objective, bound = step["objective"], step["bound"]
        if objective is None or bound is None:
            continue
        if bound < objective - 1e-6 * (1 + abs(objective)):
            yield f"{name}: the bound {bound:.1f} is below the objective {objective:.1f}"
        if step["status"] == "optimal" and bound - objective > 1e-5 * (1 + abs(objective)):
            yield f"{name}: called optimal with a gap"
