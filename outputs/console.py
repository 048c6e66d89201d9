"""What a run says on the terminal: progress on standard error, a summary on standard output."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.status import Status

from ..optimize.progress import Listener, Progress
from ..optimize.result import relative_gap
from .kept import leaves_rules


@contextlib.contextmanager
def narrator() -> Iterator[Listener]:
    """Give a listener that shows stage, community, best so far, bound and gap."""
    console = Console(stderr=True)
    with console.status("starting") as status:
        yield lambda progress: _tell(console, status, progress)


def _tell(console: Console, status: Status, progress: Progress) -> None:
    if progress.text:
        console.print(_line(progress), highlight=False, markup=False)
    else:
        status.update(_line(progress).replace("[", "\\["))


def _line(progress: Progress) -> str:
    parts = [progress.stage]
    if progress.total:
        parts.append(f"{progress.done}/{progress.total}")
    parts += [part for part in (progress.item, progress.text) if part]
    if progress.objective is not None:
        parts.append(f"best {progress.objective:,.6g}")
    if progress.bound is not None:
        parts.append(f"bound {progress.bound:,.6g}")
    gap = relative_gap(progress.objective, progress.bound, maximize=progress.maximize)
    if gap is not None:
        parts.append(f"gap {100 * gap:.2f} %")
    return "  ".join(parts)


def summary(record: dict[str, Any]) -> str:
    """Return the result of a plan in a few lines."""
    lines = [_split_line(record)] if record["split"] else []
    siting = record["siting"]
    steps = [step for step in ("cost", "served", "walking") if siting.get(step)]
    lines += [f"siting, {step}: {_proof(siting[step])}" for step in steps]
    before, after = record["figures"]["before"], record["figures"]["after"]
    shown = {
        "communities": "communities",
        "communities above a threshold": None,
        "m² per 100 households": "floor_area_per_100_households",
        "share of residents in reach, %": "share_in_reach",
        "mean walking minutes": "mean_minutes",
    }
    lines += [
        f"{label}: {_figure(before, key)} → {_figure(after, key)}" for label, key in shown.items()
    ]
    currency = record["policy"]["siting"]["currency"]
    lines.append(f"cost: {after['cost']:,.1f} ({currency})")
    if "services" in record:
        lines[-1] = f"cost of stations: {after['cost']:,.1f} ({currency})"
        lines += services_lines(record["services"], currency)
    return "\n".join(lines + _shortfall_lines(record))


def services_lines(services: dict[str, Any], currency: str) -> list[str]:
    """Return the services of a plan, a line each, and how well they are known to be best."""
    proof = services["proof"]
    share = proof["gap_of_what_can_change"]
    gap = "no bound" if share is None else f"gap {100 * share:.3f} % of what a plan can change"
    status = f"{proof['status']} ({proof['reason']})"
    wide = max(len(row["service"]) for row in services["services"])
    head = f"{'service':{wide}}  {'there':>6} {'new':>5} {'closed':>6} {'m²':>9} {'cost':>9}"
    lines = [
        f"services, mode {services['mode']}: cost {services['cost']:,.1f} ({currency})",
        f"services, proof: {status}, {gap}",
        f"{head}  out of reach, of these beyond all sites",
    ]
    for row in services["services"]:
        new = row["opened"] + row["converted"]
        out = 100 * row["people_out_of_reach"] / row["people"] if row["people"] else None
        beyond = 100 * row["people_beyond_all_sites"] / row["people"] if row["people"] else None
        reach = "-" if out is None else f"{out:.1f} %, {beyond:.1f} %"
        lines.append(
            f"{row['service']:{wide}}  {row['facilities']:6,} {new:5,} {row['closed']:6,} "
            f"{row['floor_area_m2']:9,.0f} {row['cost']:9,.1f}  {reach}"
        )
    lacking = sum(row["places_lacking_one"] for row in services["services"])
    area = sum(row["lacking_m2"] for row in services["services"])
    lines.append(
        f"lacking: {lacking:,} facilities in places that should have one, {area:,.0f} m² "
        f"in places, {services['unserved_m2']:,.0f} m² that households cannot find within reach"
    )
    return lines


def _split_line(record: dict[str, Any]) -> str:
    optimal = sum(_is_proven(entry) for entry in record["split"])
    gaps = [entry["gap"] for entry in record["split"] if entry["gap"] is not None]
    worst = f", largest gap {100 * max(gaps):.2f} %" if gaps else ""
    return f"split: {len(record['split'])} communities, {optimal} proven optimal{worst}"


def _is_proven(split: dict[str, Any]) -> bool:
    """Whether a split is proven best, and so is the compactness that it was to keep."""
    steps = [split, *([split["compactness"]["best"]] if split.get("compactness") else [])]
    return all(step["status"] == "optimal" for step in steps)


def _proof(step: dict[str, Any]) -> str:
    gap = "no bound" if step["gap"] is None else f"gap {100 * step['gap']:.3f} %"
    return f"{step['objective']:,.2f}, {step['status']} ({step['reason']}), {gap}"


def _figure(figures: dict[str, Any], key: str | None) -> str:
    if key is None:
        return str(figures["over_mandatory"] + figures["over_gradual"])
    value = figures[key]
    if value is None:
        return "-"
    return f"{100 * value:.2f}" if key.startswith("share") else f"{value:,.4g}"


def _shortfall_lines(record: dict[str, Any]) -> list[str]:
    found = record["shortfalls"]
    if not found and leaves_rules(record):
        return ["every rule that was asked for is met"]
    if not found:
        about = " on communities and stations" if "services" in record else ""
        return [f"every rule{about} is met"]
    counts: dict[str, int] = {}
    for entry in found:
        counts[entry["rule"]] = counts.get(entry["rule"], 0) + 1
    total = ", ".join(f"{rule} {count}" for rule, count in counts.items())
    lines = [f"{len(found)} shortfalls ({total}), for example:"]
    return lines + [
        f"  {entry['rule']}: {entry['place_name']}. {entry['remedy']}" for entry in found[:5]
    ]
