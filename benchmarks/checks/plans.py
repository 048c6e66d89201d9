"""Station siting site by site in plain Python; whole cities from their written files."""

from __future__ import annotations

import math
import shutil
from collections import defaultdict
from pathlib import Path

from ...models.siting.station import Siting, StationSiting
from ..problems import CityFile, StationPlan
from ..registry import register_check

TOLERANCE = 1e-4
Verdict = tuple[float, list[str]]


def check_stations(problem: StationPlan, siting: Siting) -> Verdict:
    """Recompute cost and walking; check sizes, floor area, reach and budget."""
    subject = problem.siting
    spent = 0.0
    broken: list[str] = []
    area: dict[int, float] = defaultdict(float)
    for j in range(subject.num_sites):
        spent += _site_cost(subject, siting, j)
        broken += _site_faults(subject, siting, j)
        if siting.is_open[j] and subject.community_of_site[j] >= 0:
            area[int(subject.community_of_site[j])] += float(siting.area_m2[j])
    for c, target in enumerate(subject.target_m2.tolist()):
        if area[c] < target - TOLERANCE * max(1.0, target):
            broken.append(f"community {c} has {area[c]:.1f} m² of {target:.1f} m²")
    walked, unreached = _walk(subject, siting)
    broken += [f"unit {i} reaches no open site" for i in unreached]
    if spent > problem.budget * (1 + 1e-5) + TOLERANCE:
        broken.append(f"it costs {spent:.4f}, more than {problem.budget:.4f}")
    return (spent if problem.objective == "cheapest" else walked), broken


def _site_cost(subject: StationSiting, siting: Siting, j: int) -> float:
    if not siting.is_open[j]:
        return 0.0
    added = max(0.0, float(siting.area_m2[j] - subject.area_today_m2[j]))
    opening = 0.0 if subject.existing[j] else float(subject.fixed_cost[j])
    return opening + added * float(subject.cost_per_m2[j])


def _site_faults(subject: StationSiting, siting: Siting, j: int) -> list[str]:
    is_open, area = bool(siting.is_open[j]), float(siting.area_m2[j])
    if not is_open:
        faults = [f"site {j} is closed and must be open"] if subject.fixed_open[j] else []
        return faults + ([f"site {j} is closed and has floor area"] if area > TOLERANCE else [])
    faults = []
    if subject.forbidden[j] and not subject.existing[j]:
        faults.append(f"site {j} is open and forbidden")
    if area > subject.max_area_m2[j] + TOLERANCE:
        faults.append(f"site {j} has {area:.1f} m², more than it may")
    least = subject.area_today_m2[j] if subject.existing[j] else subject.min_area_m2[j]
    if area < least - TOLERANCE:
        faults.append(f"site {j} has {area:.1f} m², less than {least:.1f}")
    return faults


def _walk(subject: StationSiting, siting: Siting) -> tuple[float, list[int]]:
    """Return the resident-minutes of all who must be reached, and the units that are not."""
    pairs = subject.minutes.tocoo()
    nearest: dict[int, float] = defaultdict(lambda: math.inf)
    entries = zip(pairs.row.tolist(), pairs.col.tolist(), pairs.data.tolist(), strict=True)
    for j, i, minutes in entries:
        if siting.is_open[j]:
            nearest[i] = min(nearest[i], minutes)
    wanted = [i for i in range(subject.num_units) if subject.must_reach[i]]
    walked = math.fsum(
        float(subject.residents[i]) * nearest[i] for i in wanted if math.isfinite(nearest[i])
    )
    return walked, [i for i in wanted if not math.isfinite(nearest[i])]


def check_city(problem: CityFile, folder: Path) -> Verdict:
    """Verify the written files; the objective is the cost of the facilities as written."""
    del problem
    import pandas as pd  # noqa: PLC0415 - only whole cities need it

    from ...outputs.verify import verify_plan  # noqa: PLC0415 - geopandas is slow to load

    found = verify_plan(folder).findings
    cost = float(pd.read_csv(folder / "facilities.csv")["cost"].sum())
    shutil.rmtree(folder, ignore_errors=True)
    return cost, list(found)


register_check("stations-cost", check_stations)
register_check("stations-walking", check_stations)
register_check("city", check_city)
