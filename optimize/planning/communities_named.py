"""Names of the communities of a plan: who keeps id and name, and who gets a new one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...instances.city import City
from ...instances.decisions import locked_units
from ...models.formulation import FloatArray, IntArray
from .community import CommunitySplit
from .snapshot import Snapshot

IDENTITY = (
    "community_id",
    "name",
    "parent_id",
    "street_id",
    "change_type",
    "tier",
    "provisional",
    "deviation",
)
"""
Columns that tell which community of a plan each is; its stations do not change them.

``outputs/schema.py`` names them again, for the verifier reads files and knows nothing of this
folder; a test compares the two.
"""


def new_communities(
    city: City, site_unit: IntArray, before: Snapshot, splits: list[CommunitySplit]
) -> tuple[pd.DataFrame, IntArray]:
    """
    Name the communities of the plan.

    The district with the community's seat, or else with the most residents, keeps id and name;
    the others get provisional ones, numbered by residents.

    Returns
    -------
    tuple
        One row a community with its identity, and the row of each unit.
    """
    taken = set(before.communities["community_id"].astype(str))
    divided = {split.row: split for split in splits if split.result.solution is not None}
    rows: list[dict[str, object]] = []
    unit_community = np.full(city.num_units, -1, dtype=np.int64)
    for row, community in enumerate(before.communities.to_dict("records")):
        identity = {
            "community_id": str(community["community_id"]),
            "name": community["name"],
            "parent_id": str(community["community_id"]),
            "street_id": community["street_id"],
            "change_type": "kept",
            "tier": community["tier"],
            "provisional": False,
            "deviation": 0.0,
        }
        split = divided.get(row)
        if split is None:
            unit_community[before.unit_community == row] = len(rows)
            rows.append(identity)
            continue
        residents = city.units["residents"].to_numpy(float)[split.members]
        solution = split.result.solution
        assert solution is not None  # noqa: S101 - divided holds only splits with a solution
        totals = np.bincount(solution, residents, split.districts).astype(float)
        for number, district in enumerate(_order(city, site_unit, split, totals)):
            new_id, new_name = identity["community_id"], identity["name"]
            if number:
                new_id = free_id(f"{new_id}-P{number + 1}", taken)
                new_name = f"{new_name}-{number + 1}"
            unit_community[split.members[solution == district]] = len(rows)
            deviation = totals[district] / max(totals.mean(), 1e-9) - 1
            rows.append(
                {
                    **identity,
                    "community_id": new_id,
                    "name": new_name,
                    "change_type": "split",
                    "provisional": number > 0,
                    "deviation": float(deviation),
                }
            )
    return pd.DataFrame(rows), unit_community


def _order(city: City, site_unit: IntArray, split: CommunitySplit, totals: FloatArray) -> list[int]:
    """Districts by residents, but the one with locked units first, else the one with the seat."""
    order = [int(d) for d in np.argsort(-totals, kind="stable")]
    locked = np.flatnonzero(locked_units(city)[split.members])
    if locked.size and split.result.solution is not None:
        home = int(split.result.solution[locked[0]])
        return [home, *(d for d in order if d != home)]
    seats = city.communities.get("seat")
    if seats is None or pd.isna(seats.iloc[split.row]):
        return order
    site = np.flatnonzero((city.sites["site_id"] == seats.iloc[split.row]).to_numpy())
    if not site.size:
        return order
    inside = np.flatnonzero(split.members == site_unit[site[0]])
    if inside.size and split.result.solution is not None:
        home = int(split.result.solution[inside[0]])
        order.remove(home)
        order.insert(0, home)
    return order


def free_id(wanted: str, taken: set[str]) -> str:
    """Return an id that is not taken, and take it."""
    while wanted in taken:
        wanted += "x"
    taken.add(wanted)
    return wanted
