"""Plans of one city, read from their folders, with their units in one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyogrio
from scipy.optimize import linear_sum_assignment

from ..layers import PlanFiles
from ..reading import read_plan
from ..schema import GEOPACKAGE

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

MOST_PLANS = 6
"""Plans that fit side by side."""

SERVICES = "services"
SERVICE_COLUMNS = ("site_id", "service", "action", "floor_area_m2", "cost")
"""Layer of the services of a plan, and its columns that are compared."""

_GROUP = "residents_"
_SHOWN_IDS = 3


@dataclass(frozen=True, eq=False)
class ComparedPlan:
    """
    One of the plans.

    Parameters
    ----------
    name
        What the plan is called in the comparison; no two have the same.
    files
        Its layers and record; the units of all plans in one order.
    services
        Its layer ``services`` without geometry; None if it plans none.
    """

    name: str
    files: PlanFiles
    services: pd.DataFrame | None = None

    @property
    def record(self) -> dict[str, Any]:
        """Content of ``plan.json``."""
        return self.files.record

    @cached_property
    def minutes(self) -> Floats:
        """Walking minutes of each unit, not a number where no facility is in reach."""
        values = self.files.units["minutes"].to_numpy(float, na_value=np.nan)
        return np.asarray(values, dtype=np.float64)

    @cached_property
    def community(self) -> Names:
        """Id of the community of each unit."""
        return _texts(self.files.units["community_id"])

    @cached_property
    def provisional(self) -> frozenset[str]:
        """Ids of communities that the plan gave itself."""
        table = self.files.districts
        return frozenset(table.loc[table["provisional"].astype(bool), "community_id"].astype(str))

    @cached_property
    def sites(self) -> pd.DataFrame:
        """All sites, open and closed, one row each, by ``site_id``."""
        both = [self.files.facilities, self.files.candidates]
        tables = [pd.DataFrame(layer.drop(columns=layer.geometry.name)) for layer in both]
        table = pd.concat([part for part in tables if len(part)] or tables[:1])
        found: pd.DataFrame = table.assign(site_id=table["site_id"].astype(str))
        return found.set_index("site_id")


@dataclass(frozen=True, eq=False)
class Comparison:
    """
    Plans of one city, of which the first is what the others are compared with.

    Parameters
    ----------
    plans
        Two to six plans.
    """

    plans: tuple[ComparedPlan, ...]

    @property
    def first(self) -> ComparedPlan:
        """The plan that the others are compared with."""
        return self.plans[0]

    @property
    def others(self) -> tuple[ComparedPlan, ...]:
        """All plans but the first."""
        return self.plans[1:]

    @property
    def units(self) -> pd.DataFrame:
        """Units as the first plan holds them."""
        units: pd.DataFrame = self.first.files.units
        return units

    @cached_property
    def residents(self) -> Floats:
        """Residents of each unit."""
        return self.units["residents"].to_numpy(float)

    @cached_property
    def groups(self) -> dict[str, Floats]:
        """Residents of each unit by group: all, and every age that the units tell."""
        found = {"residents": self.residents}
        for name in self.units.columns:
            column = self.units[name]
            if name.startswith(_GROUP) and pd.api.types.is_numeric_dtype(column):
                found[name] = column.fillna(0).to_numpy(float)
        return found

    @cached_property
    def street(self) -> Names:
        """Street of each unit; of its community today where units name none."""
        own = self.units.get("street_id")
        before = self.first.files.communities_before
        known = dict(zip(before["community_id"].astype(str), before["street_id"], strict=True))
        inherited = self.units["community_id_before"].astype(str).map(known)
        street = inherited if own is None else own.where(own.notna(), inherited)
        return np.array(["" if pd.isna(one) else str(one) for one in street], dtype=object)

    @cached_property
    def matched(self) -> tuple[Names, ...]:
        """
        Community of each unit by plan, in the ids of the first plan.

        A community that has an id of its own keeps it. Ids that a plan gave itself mean nothing
        yet, so they are matched to those of the first plan such that as many residents as possible
        stay together: an assignment problem. One without a match keeps its id, marked with the
        name of its plan.
        """
        return (self.first.community, *(self._matched(plan) for plan in self.others))

    def _matched(self, plan: ComparedPlan) -> Names:
        ours = sorted(set(self.first.community) & self.first.provisional)
        theirs = sorted(set(plan.community) & plan.provisional)
        names = {one: f"{one} ({plan.name})" for one in theirs}
        if ours and theirs:
            row = pd.Index(theirs).get_indexer(pd.Index(plan.community))
            column = pd.Index(ours).get_indexer(pd.Index(self.first.community))
            both = (row >= 0) & (column >= 0)
            shared = np.zeros((len(theirs), len(ours)))
            np.add.at(shared, (row[both], column[both]), self.residents[both])
            for one, other in zip(*linear_sum_assignment(shared, maximize=True), strict=True):
                if shared[one, other] > 0:
                    names[theirs[one]] = ours[other]
        return np.array([names.get(one, one) for one in plan.community], dtype=object)


def read_comparison(folders: Sequence[Path], names: Sequence[str] | None = None) -> Comparison:
    """
    Read plans from their folders.

    Parameters
    ----------
    folders
        Two to six folders that ``shequ plan`` and its like wrote, for one city.
    names
        What the plans are called; None for the names of the folders.

    Raises
    ------
    ValueError
        If there are too few or too many, one cannot be read, names are not one for each, or the
        plans are of different cities.
    """
    if not 2 <= len(folders) <= MOST_PLANS:
        raise ValueError(
            f"{len(folders)} plans cannot be compared; name 2 to {MOST_PLANS} folders."
        )
    called = _folder_names(folders) if names is None else [name.strip() for name in names]
    if len(called) != len(folders) or len(set(called)) < len(called) or not all(called):
        raise ValueError(
            f"{len(folders)} plans are called {', '.join(called) or 'nothing'}. Give each a name "
            "of its own."
        )
    plans = [
        ComparedPlan(name, read_plan(folder), _services(folder))
        for name, folder in zip(called, folders, strict=True)
    ]
    return compared(plans)


def compared(plans: Sequence[ComparedPlan]) -> Comparison:
    """
    Return plans as a comparison, with the units of all in the order of the first.

    Raises
    ------
    ValueError
        If they are not of the same city.
    """
    first = plans[0]
    ids = _unit_ids(first)
    ordered = [first]
    for plan in plans[1:]:
        own = _unit_ids(plan)
        _check_same_ids(first, ids, plan, own)
        units = plan.files.units.iloc[own.get_indexer(ids)].reset_index(drop=True)
        for column in ("residents", "households"):
            differs = units[column].to_numpy() != first.files.units[column].to_numpy()
            if differs.any():
                row = int(np.flatnonzero(differs)[0])
                raise ValueError(
                    f"{first.name} and {plan.name} are not of the same city: unit {ids[row]} has "
                    f"{first.files.units[column].iloc[row]} {column} in one and "
                    f"{units[column].iloc[row]} in the other. Compare plans of one city file."
                )
        ordered.append(replace(plan, files=replace(plan.files, units=units)))
    return Comparison(tuple(ordered))


def _unit_ids(plan: ComparedPlan) -> pd.Index:
    ids: pd.Index = pd.Index(plan.files.units["unit_id"].astype(str))
    if not ids.is_unique:
        twice = ids[ids.duplicated()][0]
        raise ValueError(f"{plan.name}: unit {twice} is there twice; write the plan again.")
    return ids


def _texts(values: pd.Series) -> Names:
    return np.array([str(value) for value in values], dtype=object)


def _check_same_ids(first: ComparedPlan, ids: pd.Index, plan: ComparedPlan, own: pd.Index) -> None:
    """Refuse plans whose units are not the same."""
    if len(ids) == len(own) and ids.isin(own).all():
        return
    only = [f"{name} alone has unit {one}" for name, here, there in
            ((first.name, ids, own), (plan.name, own, ids))
            for one in here[~here.isin(there)][:_SHOWN_IDS]]  # fmt: skip
    cities = {p.name: p.record["city"]["name"] for p in (first, plan)}
    raise ValueError(
        f"{first.name} ({cities[first.name]}, {len(ids):,} units) and {plan.name} "
        f"({cities[plan.name]}, {len(own):,} units) are not of the same city: "
        f"{'; '.join(only)}. Compare plans of one city file."
    )


def _folder_names(folders: Sequence[Path]) -> list[str]:
    """Last parts of the paths, as many as are needed to tell them apart."""
    paths = [folder.resolve() for folder in folders]
    if len(set(paths)) < len(paths):
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ValueError(f"{twice} is named twice. Name folders of different plans.")
    longest = max(len(path.parts) for path in paths)
    for many in range(1, longest + 1):
        names = ["/".join(path.parts[-many:]) for path in paths]
        if len(set(names)) == len(names):
            break
    return names


def _services(folder: Path) -> pd.DataFrame | None:
    """Return the layer of services without geometry; None if there is none."""
    path = folder / GEOPACKAGE
    if SERVICES not in {str(name) for name in pyogrio.list_layers(path)[:, 0]}:
        return None
    table = pyogrio.read_dataframe(path, layer=SERVICES, read_geometry=False)
    missing = [column for column in SERVICE_COLUMNS if column not in table]
    if missing:
        raise ValueError(f"{path}: layer {SERVICES} lacks {', '.join(missing)}.")
    return pd.DataFrame(table)
