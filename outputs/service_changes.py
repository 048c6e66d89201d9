"""What a plan of services changes of an earlier plan: facilities of services at sites."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import pandas as pd

from ..optimize.planning.earlier_plan import EarlierServices
from .layers import PlanFiles

AREA_TOLERANCE_M2 = 0.5
LAST = ("opened, a new service", "not asked for")
"""Changes that follow from which services are asked for: they are told last."""

Facility = tuple[str, str]
"""Id of a site, and the kind of facility there."""


def earlier_services(files: PlanFiles) -> EarlierServices | None:
    """Return the facilities of services of a written plan; None if it has stations alone."""
    if files.services is None:
        return None
    areas, closed = _areas(files)
    kinds = files.record.get("services", {}).get("kinds", [])
    named = {str(rule["id"]) for rule in kinds} or {kind for _, kind in (*areas, *closed)}
    return EarlierServices(areas, frozenset(closed), frozenset(named))


def _areas(files: PlanFiles) -> tuple[dict[Facility, float], set[Facility]]:
    """Return the floor area of each facility of a plan, and which it gives up."""
    rows = files.services
    if rows is None:
        return {}, set()
    kind = rows["kind" if "kind" in rows else "service"].astype(str)
    names = list(zip(rows["site_id"].astype(str), kind, strict=True))
    is_open = (rows["action"] != "closed").to_numpy(bool)
    area = rows["floor_area_m2"].astype(float)
    return (
        {name: float(m2) for name, m2, stays in zip(names, area, is_open, strict=True) if stays},
        {name for name, stays in zip(names, is_open, strict=True) if not stays},
    )


def service_changes(earlier: PlanFiles, now: PlanFiles) -> list[dict[str, Any]]:
    """
    Return the facilities of services that differ between two plans, as rows of a table.

    Parameters
    ----------
    earlier, now
        The plans; the stations of an earlier plan without services are its facilities.
    """
    before, after = _before(earlier, now), _areas(now)[0]
    record = now.record["services"].get("earlier") or {"lost": [], "kinds": None}
    lost = {(one["site_id"], one["kind"]): str(one["why"]) for one in record["lost"]}
    names, rows = {**_names(earlier), **_names(now)}, []
    for facility in dict.fromkeys([*before, *after]):
        old, new = before.get(facility), after.get(facility)
        change = _change(facility, old, new, lost, record["kinds"])
        row = {
            "kind": "service",
            "id": facility[0],
            "name": names.get(facility[0], ""),
            "change": change,
            "before": "" if old is None else f"{old:.0f}",
            "after": "" if new is None else f"{new:.0f}",
            "service": facility[1],
        }
        rows += [row] if change else []
    return sorted(rows, key=lambda row: row["change"] in LAST)


def _change(
    facility: Facility,
    old: float | None,
    new: float | None,
    lost: Mapping[Facility, str],
    kinds: Collection[str] | None,
) -> str:
    """Say what became of a facility; "" where it is as it was."""
    if old is None:
        return "opened" if kinds is None or facility[1] in kinds else LAST[0]
    if new is None:
        return lost.get(facility, "no longer open")
    if abs(new - old) <= AREA_TOLERANCE_M2:
        return ""
    return "larger" if new > old else "smaller"


def _before(earlier: PlanFiles, now: PlanFiles) -> dict[Facility, float]:
    if earlier.services is not None:
        return _areas(earlier)[0]
    stations = now.record["policy"]["siting"]["services"][:1]
    sites = earlier.facilities
    sites = sites[(sites["action"] == "opened") | sites["site_id"].isin(_stations(now, stations))]
    area = zip(sites["site_id"].astype(str), sites["floor_area_m2"].astype(float), strict=True)
    return {(site, name): m2 for site, m2 in area for name in stations}


def _stations(now: PlanFiles, stations: list[str]) -> set[str]:
    """Sites of today that are stations in a plan of services."""
    rows = now.services
    if rows is None:
        return set()
    mine = rows["service"].isin(stations) & (rows["floor_area_before_m2"] > 0)
    return set(rows.loc[mine, "site_id"].astype(str))


def _names(files: PlanFiles) -> dict[str, str]:
    sites = pd.concat([files.facilities, files.candidates])
    return dict(
        zip(sites["site_id"].astype(str), sites["name"].fillna("").astype(str), strict=True)
    )


def service_lines(
    table: pd.DataFrame, record: Mapping[str, Any], *, most: int, file: str
) -> Iterator[str]:
    """
    Yield what changed of the services, in a few lines.

    Parameters
    ----------
    table
        The changes.
    record
        Content of ``plan.json``.
    most
        Lines of single facilities at most.
    file
        Where all of them are.
    """
    mine = table[table["kind"] == "service"]
    counts = mine["change"].value_counts()
    shown = ", ".join(f"{many} {change}" for change, many in sorted(counts.items())) or "none"
    services = record["services"]
    earlier = services.get("earlier") or {}
    yield f"  services: {shown}{_worth(earlier)}"
    for row in mine.head(most).to_dict("records"):
        old, new = (f"{row[when]} m²" if row[when] else "closed" for when in ("before", "after"))
        named = " ".join(part for part in (row["id"], row["name"]) if part)
        yield f"    {named}, {row['service']}: {row['change']}, {old} → {new}"
    if len(mine) > most:
        yield f"    ... and {len(mine) - most} more in {file}"
    if earlier:
        yield from (f"  note: {told['text']}" for told in earlier["notes"])


def _worth(earlier: Mapping[str, Any]) -> str:
    """Say what the changes count like, or that nothing has changed that could lead to any."""
    if not earlier:
        return ""
    if earlier["stands"]:
        return " (file, rules and decisions are the same)"
    if not earlier["counted"]:
        return ""
    return f" (counting {earlier['counted']:,.0f} in the objective)"
