"""The points of a trade-off curve as a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...models.siting.station import Siting
from ...optimize.planning.trade_off import TradeOff
from ...optimize.result import Result


def curve_table(curve: TradeOff) -> pd.DataFrame:
    """
    Return a row a point.

    Returns
    -------
    pandas.DataFrame
        ``point`` (1, 2, ...), ``budget``, ``cost``, ``residents_served``, ``share_served``,
        ``residents_in_reach``, ``mean_minutes`` (of those in reach), ``resident_minutes``,
        ``opened``, ``extended``, ``floor_area_m2``, ``cost_per_more`` (cost of each further
        resident served, or of each resident-minute saved, since the point before), status, bound
        and gap of both steps, ``seconds``, ``proven`` and ``dominated``.
    """
    rows: list[dict[str, Any]] = []
    for number, (point, out) in enumerate(zip(curve.points, curve.dominated, strict=True), start=1):
        row: dict[str, Any] = {"point": number, "budget": point.budget, "cost": point.cost}
        row |= siting_figures(curve, point.siting)
        row |= {"cost_per_more": _rate(rows, point.cost, point.value, curve)}
        for name, step in (("value", point.best), ("cost", point.cheapest)):
            row |= _proof(name, step)
        row["seconds"] = point.best.total_seconds + point.cheapest.total_seconds
        rows.append({**row, "proven": point.is_proven, "dominated": out, "_value": point.value})
    table = pd.DataFrame(rows)
    return table.drop(columns="_value") if rows else table


def siting_figures(curve: TradeOff, siting: Siting) -> dict[str, float | None]:
    """Return what a siting gives to the residents of the city."""
    problem, residents = curve.problem, curve.problem.residents
    minutes = problem.nearest(siting.is_open)[1]
    reached = np.isfinite(minutes)
    many = float(residents[reached].sum())
    walked = float((residents[reached] * minutes[reached]).sum())
    served = problem.residents_served(siting)
    before = problem.today()
    larger = problem.existing & (siting.area_m2 > before.area_m2 + 1e-6)
    return {
        "residents_served": served,
        "share_served": served / max(1.0, float(residents.sum())),
        "residents_in_reach": many,
        "mean_minutes": walked / many if many else None,
        "resident_minutes": walked,
        "opened": int((siting.is_open & ~problem.existing).sum()),
        "extended": int(larger.sum()),
        "floor_area_m2": float(siting.area_m2[siting.is_open].sum()),
    }


def _rate(rows: list[dict[str, Any]], cost: float, value: float, curve: TradeOff) -> float | None:
    """Cost of one more of the value since the point before; None where nothing is gained."""
    if not rows:
        return None
    gained = value - rows[-1]["_value"]
    gained = gained if curve.against == "served" else -gained
    return (cost - rows[-1]["cost"]) / gained if gained > 1e-6 * max(1.0, abs(value)) else None


def _proof(name: str, step: Result[Siting]) -> dict[str, Any]:
    return {
        f"{name}_status": str(step.status),
        f"{name}_bound": step.bound,
        f"{name}_gap": step.gap,
    }
