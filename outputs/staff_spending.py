"""Spending per resident by street and community, from a written plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio

from ..models.spending import Evenness, evenness
from .atomic import replacing
from .tables import write_table

GEOPACKAGE = "plan.gpkg"
SHARES = (0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9)
"""Shares of the residents at which the Lorenz curve is told."""


@dataclass(frozen=True, eq=False)
class Spending:
    """
    What a plan spends where.

    Parameters
    ----------
    places
        One row a street or community: level, place_id, name, residents, cost, per_resident.
    evenness
        How evenly, by level.
    outside
        Cost of what lies in no community.
    layer
        Layer of the plan that the costs are from.
    """

    places: pd.DataFrame
    evenness: dict[str, Evenness]
    outside: float
    layer: str

    def as_record(self) -> dict[str, Any]:
        """Return what is known as JSON takes it; an infinite ratio becomes null."""
        return {
            "layer": self.layer,
            "cost": float(self.places.loc[self.places["level"] == "community", "cost"].sum()),
            "outside": self.outside,
            "levels": {level: _figures(found) for level, found in self.evenness.items()},
            "places": self.places.where(self.places.notna(), None).to_dict(orient="records"),
        }


def _figures(found: Evenness) -> dict[str, Any]:
    return {
        "mean": found.mean,
        "gini": found.gini,
        "least": found.least,
        "most": found.most,
        "ratio": found.ratio if math.isfinite(found.ratio) else None,
        "lorenz": [{"residents": share, "cost": found.amount_of(share)} for share in SHARES],
    }


def plan_spending(folder: Path) -> Spending:
    """
    Tell what a written plan spends per resident.

    The costs are those of the layer ``services`` where the plan has one, else of ``facilities``; a
    cost counts for the community that its site lies in.

    Raises
    ------
    ValueError
        If the folder holds no plan, or nobody lives in it.
    """
    path = folder / GEOPACKAGE
    if not path.is_file():
        raise ValueError(
            f"{folder} holds no {GEOPACKAGE}. Name a folder that `shequ plan CITY -o FOLDER` wrote."
        )
    try:
        layers = {str(name) for name in pyogrio.list_layers(path)[:, 0]}
        layer = "services" if "services" in layers else "facilities"
        districts = pyogrio.read_dataframe(path, layer="districts", read_geometry=False)
        spent = pyogrio.read_dataframe(path, layer=layer, read_geometry=False)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is no whole plan ({error}). Write it again.") from error
    cost = spent["cost"].fillna(0.0).groupby(spent["community_id"].astype(str)).sum()
    ids = districts["community_id"].astype(str)
    table = pd.DataFrame(
        {
            "place_id": ids,
            "name": districts["name"].fillna(ids),
            "residents": districts["residents"].astype(int),
            "cost": ids.map(cost).fillna(0.0).astype(float),
            "street_id": districts.get("street_id"),
        }
    )
    outside = float(spent["cost"].fillna(0.0).sum() - table["cost"].sum())
    levels = {"community": table.drop(columns="street_id")}
    streets = table[table["street_id"].notna()]
    if len(streets):
        sums = streets.groupby("street_id", sort=True)[["residents", "cost"]].sum().reset_index()
        sums = sums.rename(columns={"street_id": "place_id"})
        levels = {"street": sums.assign(name=sums["place_id"]), **levels}
    found = {
        level: evenness(one["cost"].to_numpy(float), one["residents"].to_numpy(float))
        for level, one in levels.items()
    }
    parts = [
        one.assign(level=level, per_resident=found[level].per_resident)
        for level, one in levels.items()
    ]
    columns = ["level", "place_id", "name", "residents", "cost", "per_resident"]
    return Spending(pd.concat(parts, ignore_index=True)[columns], found, round(outside, 9), layer)


def spending_lines(spending: Spending, *, most: int = 10) -> list[str]:
    """Return the spending in lines for people: evenness, Lorenz figures, extremes."""
    lines = []
    for level, found in spending.evenness.items():
        ratio = f"{found.ratio:,.1f}" if math.isfinite(found.ratio) else "infinite"
        lines.append(
            f"{level}: {found.mean:.4f} per resident on average, {found.least:.4f} to "
            f"{found.most:.4f} (ratio {ratio}), Gini {found.gini:.3f}"
        )
        parts = [f"{share:.0%}: {found.amount_of(share):.1%}" for share in SHARES]
        lines.append(f"  Lorenz, residents with the least: {', '.join(parts)} of the money")
        own = spending.places[spending.places["level"] == level]
        own = own.sort_values("per_resident", ascending=False, kind="stable")
        lines += [
            f"  {row.place_id:<16}  {row.residents:9,}  {row.cost:10,.1f}  {row.per_resident:8.4f}"
            for row in own.head(most).itertuples()
        ]
        if len(own) > most:
            lines.append(f"  ... and {len(own) - most:,} more; -o FILE writes all.")
    if abs(spending.outside) > 1e-6:
        lines.append(f"{spending.outside:,.1f} is spent in no community.")
    return lines


def write_spending(spending: Spending, file: Path) -> None:
    """Write a CSV of all places, with the curve of each level in further columns."""
    table = spending.places.copy()
    for column in ("residents_share", "amount_share"):
        table[column] = np.nan
        for level, found in spending.evenness.items():
            own = table[(table["level"] == level) & (table["residents"] > 0)]
            order = own.sort_values("per_resident", kind="stable").index
            table.loc[order, column] = getattr(found, column)[1:]
    with replacing(file) as beside:
        write_table(table, beside)
