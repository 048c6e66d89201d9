"""What a plan changes of an earlier one: facilities, communities of units, cost and minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..optimize.planning.earlier_plan import EarlierPlan
from .atomic import replacing
from .layers import PlanFiles
from .reading import read_plan
from .service_changes import AREA_TOLERANCE_M2, earlier_services, service_changes, service_lines

CHANGES = "changes.csv"
COLUMNS = ("kind", "id", "name", "change", "before", "after", "residents", "service")
MOST_LINES = 10


def read_earlier(folder: Path) -> tuple[EarlierPlan, PlanFiles]:
    """
    Read an earlier plan to start from.

    Raises
    ------
    ValueError
        If the folder holds no whole plan, or one of a rebalancing.
    """
    files = read_plan(folder)
    if files.record.get("rebalance"):
        raise ValueError(
            f"{folder} is the plan of a rebalancing, which `--from` cannot start from. Name a plan "
            "of `shequ plan`, `shequ split` or `shequ site`."
        )
    units, districts = files.units, files.districts
    parent = dict(
        zip(districts["community_id"].astype(str), districts["parent_id"].astype(str), strict=True)
    )
    home = dict(zip(units["unit_id"].astype(str), units["community_id"].astype(str), strict=True))
    earlier = EarlierPlan(
        name=folder.name,
        unit_community=home,
        unit_parent={unit: parent[community] for unit, community in home.items()},
        community_names=dict(
            zip(districts["community_id"].astype(str), districts["name"].astype(str), strict=True)
        ),
        site_area={
            str(site): float(area)
            for site, area in zip(
                files.facilities["site_id"], files.facilities["floor_area_m2"], strict=True
            )
        },
        record=files.record,
        site_grown_m2={
            str(site): max(0.0, float(area) - float(before))
            for site, area, before, status in zip(
                *(
                    files.facilities[name]
                    for name in ("site_id", "floor_area_m2", "floor_area_before_m2", "status")
                ),
                strict=True,
            )
            if status == "existing"
        },
        services=earlier_services(files),
    )
    return earlier, files


def plan_changes(earlier: PlanFiles, now: PlanFiles) -> pd.DataFrame:
    """
    Compare two plans of a city.

    Parameters
    ----------
    earlier, now
        The plans.

    Returns
    -------
    DataFrame
        One row a change: of stations (opened, no longer open, resized, new, gone from the input),
        or instead of all facilities of services where the plan has these, of units (another
        community, new, gone) and of communities (new, vanished).
    """
    sites = _stations if now.services is None else service_changes
    rows = [*sites(earlier, now), *_communities(earlier, now), *_units(earlier, now)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _stations(earlier: PlanFiles, now: PlanFiles) -> Iterator[dict[str, Any]]:
    before, after = _open_areas(earlier), _open_areas(now)
    known = [_site_ids(plan) for plan in (earlier, now)]
    names = {**_names(earlier.facilities, "site_id"), **_names(now.facilities, "site_id")}
    served = dict(zip(now.facilities["site_id"], now.facilities["residents_served"], strict=True))
    for site in dict.fromkeys([*before, *after]):
        old, new = before.get(site), after.get(site)
        if old is None:
            change = "opened" if site in known[0] else "opened, a new site"
        elif new is None:
            change = "no longer open" if site in known[1] else "gone from the input"
        elif abs(new - old) > AREA_TOLERANCE_M2:
            change = "larger" if new > old else "smaller"
        else:
            continue
        yield {
            "kind": "station",
            "id": site,
            "name": names.get(site, ""),
            "change": change,
            "before": "" if old is None else f"{old:.0f}",
            "after": "" if new is None else f"{new:.0f}",
            "residents": served.get(site),
        }


def _open_areas(plan: PlanFiles) -> dict[str, float]:
    sites = plan.facilities
    return dict(
        zip(sites["site_id"].astype(str), sites["floor_area_m2"].astype(float), strict=True)
    )


def _site_ids(plan: PlanFiles) -> set[str]:
    return set(plan.facilities["site_id"].astype(str)) | set(plan.candidates["site_id"].astype(str))


def _names(layer: pd.DataFrame, key: str) -> dict[str, str]:
    names = layer["name"].fillna("").astype(str)
    return dict(zip(layer[key].astype(str), names, strict=True))


def _communities(earlier: PlanFiles, now: PlanFiles) -> Iterator[dict[str, Any]]:
    before, after = (_sizes(plan.districts) for plan in (earlier, now))
    names = {
        **_names(earlier.districts, "community_id"),
        **_names(now.districts, "community_id"),
    }
    for one in dict.fromkeys([*before, *after]):
        if one in before and one in after:
            continue
        yield {
            "kind": "community",
            "id": one,
            "name": names.get(one, ""),
            "change": "new" if one in after else "vanished",
            "before": before.get(one, ""),
            "after": after.get(one, ""),
            "residents": after.get(one, before.get(one)),
        }


def _sizes(districts: pd.DataFrame) -> dict[str, int]:
    residents = districts["residents"].astype(int)
    return dict(zip(districts["community_id"].astype(str), residents, strict=True))


def _units(earlier: PlanFiles, now: PlanFiles) -> Iterator[dict[str, Any]]:
    before, after = (
        dict(zip(plan.units["unit_id"].astype(str), plan.units["community_id"], strict=True))
        for plan in (earlier, now)
    )
    residents = {
        **dict(zip(earlier.units["unit_id"].astype(str), earlier.units["residents"], strict=True)),
        **dict(zip(now.units["unit_id"].astype(str), now.units["residents"], strict=True)),
    }
    for unit in dict.fromkeys([*before, *after]):
        old, new = before.get(unit), after.get(unit)
        if old == new:
            continue
        change = "another community" if old and new else "new" if new else "gone from the input"
        yield {
            "kind": "unit",
            "id": unit,
            "name": "",
            "change": change,
            "before": old or "",
            "after": new or "",
            "residents": int(residents[unit]),
        }


def write_changes(table: pd.DataFrame, folder: Path) -> Path:
    """Write the changes as a table; replaced if it exists."""
    with replacing(folder / CHANGES) as beside:
        table.to_csv(beside, index=False, encoding="utf-8-sig", float_format="%.6g")
    return folder / CHANGES


def changes_text(table: pd.DataFrame, earlier: PlanFiles, now: PlanFiles) -> str:
    """Return what changed, and what is proven of it, in a few lines."""
    record = now.record["from_plan"]
    moved = table[(table["kind"] == "unit") & (table["change"] == "another community")]
    lines = [f"changes against {record['earlier']}:"]
    lines += list(_site_lines(table, earlier, now))
    lines += list(_split_lines(record))
    lines.append(
        f"  units that change community: {len(moved)}, "
        f"{int(moved['residents'].sum()):,} residents{_moves_proof(record)}"
    )
    lines += list(_money_and_minutes(earlier, now))
    return "\n".join(lines)


def _site_lines(table: pd.DataFrame, earlier: PlanFiles, now: PlanFiles) -> Iterator[str]:
    """Yield what changed of the services, or of the stations where there are no others."""
    if now.services is not None:
        yield from service_lines(table, now.record, most=MOST_LINES, file=CHANGES)
        return
    yield from _station_lines(table, now.record["from_plan"])
    if earlier.services is not None:
        yield "  note: its other services are left out; `--services all` starts from them too."


def _station_lines(table: pd.DataFrame, record: dict[str, Any]) -> Iterator[str]:
    mine = table[table["kind"] == "station"]
    counts = mine["change"].value_counts()
    shown = ", ".join(f"{many} {change}" for change, many in sorted(counts.items())) or "none"
    proof = "" if record["changes"] is None else f" ({_proof(record['changes'])})"
    yield f"  stations: {shown}{proof}"
    for row in mine.head(MOST_LINES).to_dict("records"):
        old, new = (f"{row[when]} m²" if row[when] else "closed" for when in ("before", "after"))
        yield f"    {row['id']} {row['name']}: {row['change']}, {old} → {new}"
    if len(mine) > MOST_LINES:
        yield f"    ... and {len(mine) - MOST_LINES} more in {CHANGES}"


def _split_lines(record: dict[str, Any]) -> Iterator[str]:
    hows = [entry["how"] for entry in record["splits"]]
    counts = {how: hows.count(how) for how in ("kept", "changed", "new") if how in hows}
    shown = ", ".join(f"{many} {how}" for how, many in counts.items()) or "none"
    yield f"  splits: {shown}"
    for entry in record["splits"]:
        if entry["why"]:
            yield f"    {entry['how']}: {entry['why'][0]}"
    if record["whole"]:
        yield f"    whole again: {', '.join(record['whole'])}"


def _moves_proof(record: dict[str, Any]) -> str:
    steps = [entry["moved"] for entry in record["splits"] if entry["moved"]]
    if not steps:
        return ""
    proven = all(step["status"] == "optimal" for step in steps)
    return " (fewest in each community: proven)" if proven else " (not proven fewest)"


def _proof(step: dict[str, Any]) -> str:
    if step["status"] == "optimal":
        return "fewest: proven for these communities"
    bound = "no bound" if step["bound"] is None else f"at least {np.ceil(step['bound'] - 1e-6):g}"
    return f"not proven fewest, {bound}"


def _money_and_minutes(earlier: PlanFiles, now: PlanFiles) -> Iterator[str]:
    plans = (earlier.record, now.record)
    old, new = (record["figures"]["after"]["cost"] for record in plans)
    offers = [bool(record.get("services")) for record in plans]
    word = "cost of stations" if any(offers) and not all(offers) else "cost"
    if all(offers):
        old, new = (record["services"]["cost"] for record in plans)
    cheapest = now.record["from_plan"]["cheapest"]
    least = "" if not cheapest or cheapest["objective"] is None else (
        f"; the cheapest plan for these communities costs {cheapest['objective']:,.1f}"
    )  # fmt: skip
    yield f"  {word}: {old:,.1f} → {new:,.1f} ({new - old:+,.1f}){least}"
    minutes = [
        plan.units.set_index(plan.units["unit_id"].astype(str))[["minutes", "residents"]]
        for plan in (earlier, now)
    ]
    both = minutes[0].add_suffix("_old").join(minutes[1].add_suffix("_new"), how="inner")
    gain = (both["minutes_old"] - both["minutes_new"]).to_numpy(float)
    people = both["residents_new"].to_numpy(float)
    known = np.isfinite(gain)
    nearer, further = known & (gain > 1e-6), known & (gain < -1e-6)
    for word, mask, sign in (("less", nearer, 1.0), ("more", further, -1.0)):
        if mask.any():
            mean = float((sign * gain * people)[mask].sum() / max(people[mask].sum(), 1.0))
            yield f"  {people[mask].sum():,.0f} residents walk {mean:.1f} minutes {word} on average"
    lost = both["minutes_old"].notna() & both["minutes_new"].isna()
    won = both["minutes_old"].isna() & both["minutes_new"].notna()
    for word, mask in (("come into reach", won), ("fall out of reach", lost)):
        if mask.any():
            yield f"  {people[mask.to_numpy()].sum():,.0f} residents {word}"
