"""Make, write and verify a rebalanced plan, with tables of who moves and what becomes of whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..instances.city import City
from ..instances.policy import Policy
from ..optimize.limits import Stop
from ..optimize.planning.rebalance_region import RebalanceRules
from ..optimize.planning.rebalanced import make_rebalanced_plan
from ..optimize.progress import Listener, silent
from .assemble import plan_layers
from .atomic import replacing
from .files import write_plan
from .layers import PlanFiles

MOVED, CHANGES = "moved_units.csv", "communities_before_after.csv"
_SIZES = ("residents", "households", "units")


def run_rebalance(
    city: City,
    policy: Policy,
    folder: Path,
    rules: RebalanceRules,
    *,
    solver: str = "scip",
    relax: bool = False,
    seconds: float | None = None,
    lang: str = "en",
    stop: Stop | None = None,
    listen: Listener = silent,
) -> str:
    """
    Rebalance communities and write the plan with its tables.

    Parameters
    ----------
    city, policy, rules
        The city, its rules, and what may be changed.
    folder
        Where the files go.
    solver
        Backend of the integer programs.
    relax
        Leave a region without a plan as it is and list it; otherwise refuse.
    seconds
        Time limit of all regions together.
    lang
        Language in which report and picture open, en or zh.
    stop, listen
        A request to stop, and who hears of progress.

    Returns
    -------
    str
        The result in a few lines.

    Raises
    ------
    InfeasibleError
        If a region has no plan and ``relax`` is off.
    ValueError
        If a community is unknown or the folder cannot be written.
    """
    plan = make_rebalanced_plan(
        city, policy, rules, solver=solver, relax=relax, seconds=seconds, stop=stop, listen=listen
    )
    layers = plan_layers(plan, lang=lang)
    write_plan(layers, folder, lang=lang)
    for name, table in ((MOVED, moved_units(layers)), (CHANGES, before_and_after(layers))):
        with replacing(folder / name) as beside:
            table.to_csv(beside, index=False, encoding="utf-8-sig", float_format="%.6g")
    return rebalance_summary(layers)


def moved_units(layers: PlanFiles) -> pd.DataFrame:
    """Units whose community changes, with from and to, by community and by residents."""
    units = layers.units
    moved = units[units["community_id"] != units["community_id_before"]]
    table = pd.DataFrame(
        {
            "unit_id": moved["unit_id"],
            "from_community_id": moved["community_id_before"],
            "to_community_id": moved["community_id"],
            "residents": moved["residents"],
            "households": moved["households"],
        }
    )
    order = ["from_community_id", "to_community_id", "residents", "unit_id"]
    return table.sort_values(order, ascending=[True, True, False, True], ignore_index=True)


def before_and_after(layers: PlanFiles) -> pd.DataFrame:
    """
    Communities of the regions before and after: sizes, who came and who left.

    A community that vanishes has no figures after, a new one none before.
    """
    ids = {
        name for region in layers.record["rebalance"]["regions"] for name in region["communities"]
    }
    before = layers.communities_before.set_index("community_id")
    after = layers.districts.set_index("community_id")
    mine = list(dict.fromkeys([*before.index, *after.index[after["parent_id"].isin(ids)]]))
    mine = [name for name in mine if name in ids or name not in before.index]
    moved = moved_units(layers)
    came = moved.groupby("to_community_id")["residents"].sum()
    left = moved.groupby("from_community_id")["residents"].sum()
    table = pd.DataFrame({"community_id": mine})
    named = [after if name in after.index else before for name in mine]
    table["name"] = [layer.loc[name, "name"] for layer, name in zip(named, mine, strict=True)]
    table["change"] = [
        after.loc[name, "change_type"] if name in after.index else "vanished" for name in mine
    ]
    for when, layer in (("before", before), ("after", after)):
        for column in _SIZES:
            table[f"{column}_{when}"] = layer[column].reindex(mine).to_numpy()
    table["residents_came"] = came.reindex(mine).fillna(0).to_numpy()
    table["residents_left"] = left.reindex(mine).fillna(0).to_numpy()
    return table


def rebalance_summary(layers: PlanFiles) -> str:
    """Return what was proven of every region, and what changed in all."""
    regions = layers.record["rebalance"]["regions"]
    lines = [
        f"region {number}: {len(region['communities'])} communities → {region['districts']}, "
        f"residents moved {_proof(region['moved'])}"
        + ("" if region["second"] is None else f"; {region['second']['objective_of']} ")
        + ("" if region["second"] is None else _proof(region["second"]))
        for number, region in enumerate(regions, start=1)
    ]
    moved = float(moved_units(layers)["residents"].sum())
    total = float(layers.units["residents"].sum())
    changes = layers.districts["change_type"].value_counts()
    counts = ", ".join(f"{name} {count}" for name, count in changes.items())
    before, after = (layers.record["figures"][when] for when in ("before", "after"))
    lines += [
        f"residents moved: {moved:,.0f} of {total:,.0f} ({100 * moved / max(total, 1):.2f} %)",
        f"communities: {before['communities']} → {after['communities']} ({counts})",
    ]
    return "\n".join(lines)


def _proof(step: dict[str, Any]) -> str:
    if step["objective"] is None:
        return f"{step['status']} ({step['detail'] or step['reason']})"
    gap = "no bound" if step["gap"] is None else f"gap {100 * step['gap']:.2f} %"
    return f"{step['objective']:,.6g} ({step['status']}, {gap})"
