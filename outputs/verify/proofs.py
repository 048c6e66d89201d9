"""Are the objectives those of the layers, and do the bounds say what is claimed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from .compactness import objective, within_compactness
from .numbers import number, numbers, show
from .view import View

STEPS = ("lowest", "cost", "served", "walking")
RELATIVE = 1e-5


def proofs(view: View) -> Iterator[str]:
    """Check status, bound and gap of every solve, and its objective against the layers."""
    siting = view.record["siting"]
    steps = {f"split of {entry['community_id']}": entry for entry in view.record["split"]}
    steps |= {f"siting, {name}": siting[name] for name in STEPS if siting.get(name)}
    for place, region in enumerate((view.rebalance or {}).get("regions", []), start=1):
        for key in ("moved", "second"):
            if region[key] is not None:
                steps[f"rebalancing of region {place}, {key}"] = region[key]
    for entry in view.record["split"]:
        if entry.get("compactness"):
            name = f"split of {entry['community_id']}, compactness"
            steps[name] = entry["compactness"]["best"]
    for name, step in steps.items():
        yield from _gap(name, step)
    for community in view.parts:
        entry = view.entries.get(community)
        if entry is not None:
            low, high = objective(view, community, entry)
            yield from _objective(f"split of {community}", entry, low, high)
            yield from within_compactness(view, community, entry)
    if view.is_sited and view.services is None:
        yield from _siting(view, siting)


def _gap(name: str, step: dict[str, Any]) -> Iterator[str]:
    objective, bound = number(step["objective"]), number(step["bound"])
    if np.isnan(objective) or np.isnan(bound):
        if step["status"] == "optimal":
            yield f"{name} is called optimal without a bound"
        if step["gap"] is not None:
            yield f"{name} has a gap without an objective and a bound"
        return
    distance = bound - objective if step.get("maximize") else objective - bound
    scale = max(abs(objective), 1e-9)
    if not distance >= -RELATIVE * max(1.0, scale):
        yield f"{name}: objective {objective} lies beyond its bound {bound}"
    gap = max(0.0, distance) / scale
    if step["status"] == "optimal" and not gap <= RELATIVE:
        yield f"{name} is called optimal with a gap of {100 * gap:.3f} %"
    if not abs(gap - number(step["gap"])) <= 1e-6:
        yield f"{name}: gap {show(step['gap'])} is written, {gap} is right"


def _objective(name: str, step: dict[str, Any], low: float, high: float) -> Iterator[str]:
    """Say if an objective is not what the layers give, up to rounding."""
    written, slack = number(step["objective"]), RELATIVE * max(1.0, abs(low))
    if not low - slack <= written <= high + slack:
        yield f"{name}: objective {show(step['objective'])} is written, {low:,.6g} is right"


def _siting(view: View, siting: dict[str, Any]) -> Iterator[str]:
    spent = float(numbers(view.facilities["cost"]).sum())
    walked = _walked(view)
    for name, found in (("cost", spent), ("walking", walked), ("served", _served(view))):
        if siting.get(name):
            yield from _objective(f"siting, {name}", siting[name], found, found)
    needed = {"cheapest": ("cost", "walking"), "budget": ("served",)}.get(str(siting["mode"]))
    if needed is None:
        yield f"siting has the mode {siting['mode']!r}, not cheapest, budget or none"
    for name in needed or ():
        if not siting.get(name):
            yield f"siting, {name} is not recorded"
    cost, lowest = siting.get("cost"), siting.get("lowest")
    if siting["mode"] == "cheapest" and cost and lowest:
        yield from _cheapest(spent, cost, lowest, view.policy["siting"]["cost_slack"])


def _walked(view: View) -> float:
    """Return the minutes that the policy wants least, from the minutes of the units."""
    rules = view.policy["siting"]
    goal = rules.get("walking_goal", "mean")
    inside = view.in_reach & (view.residents > 0)
    minutes = view.minutes[inside]
    if goal == "mean":
        return float((view.residents[inside] * minutes).sum())
    people = np.nan_to_num(numbers(view.units[rules["walkers"]]))[inside]
    counted = pd.DataFrame({"people": people, "minutes": minutes})[people > 0]
    if counted.empty:
        return 0.0
    if goal == "largest":
        return float(counted["minutes"].max())
    if goal == "street":
        street = view.districts.set_index("community_id")["street_id"]
        homes = view.units["community_id"][inside].map(street).fillna("")
        counted["street"] = homes.to_numpy(object)[people > 0]
        counted["walked"] = counted["people"] * counted["minutes"]
        sums = counted.groupby("street")[["people", "walked"]].sum()
        return float((sums["walked"] / sums["people"]).max())
    counted = counted.sort_values("minutes", ascending=False)
    wanted = rules["worst_share"] * counted["people"].sum()
    before = counted["people"].cumsum() - counted["people"]
    taken = (wanted - before).clip(lower=0.0, upper=counted["people"])
    return float((taken * counted["minutes"]).sum() / wanted)


def _cheapest(
    spent: float, cost: dict[str, Any], lowest: dict[str, Any], slack: float
) -> Iterator[str]:
    """Check a plan against the cheapest that was found: no bound lies above its cost."""
    least = number(lowest["objective"])
    if not number(cost["bound"]) <= least * (1 + RELATIVE) + 0.01 and cost["bound"] is not None:
        yield f"siting, cost: bound {cost['bound']:,.2f} lies above a plan that costs {least:,.2f}"
    if not spent <= least * (1 + slack) * (1 + RELATIVE) + 0.01:
        yield f"the plan costs {spent:,.2f}, more than the policy's slack above {least:,.2f}"


def _served(view: View) -> float:
    """
    Most residents in reach whose households find floor area in their district.

    A district gives floor area to its units with the most residents per household first.
    """
    rate = view.policy["siting"]["floor_area_m2_per_100_households"] / 100
    table = pd.DataFrame(
        {
            "district": view.units["community_id"].to_numpy(object),
            "residents": view.residents,
            "need": numbers(view.units["households"]) * rate,
        }
    )[view.in_reach & (view.residents > 0)]
    table["rank"] = -table["residents"] / table["need"].clip(lower=1e-12)
    area = dict(
        zip(view.districts["community_id"], numbers(view.districts["floor_area_m2"]), strict=True)
    )
    total = 0.0
    for district, part in table.sort_values("rank", kind="stable").groupby("district"):
        need = part["need"].to_numpy()
        before = np.cumsum(need) - need
        given = np.clip(area.get(district, 0.0) - before, 0.0, need)
        share = np.where(need > 0, given / np.maximum(need, 1e-12), 1.0)
        total += float((part["residents"].to_numpy() * share).sum())
    return total
