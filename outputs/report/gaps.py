"""What the map of the report shows of services that places lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import shapely

from ..layers import PlanFiles
from .paths import Frame, in_metres
from .texts import Text, Texts, number

_MOST_LINES = 12


def gap_places(plan: PlanFiles, frame: Frame, texts: Texts) -> dict[str, Any]:
    """
    Return the places that lack a service, a list a column: one mark a place, whatever it lacks.

    The size of a mark is the number of people out of reach, counted once for each service.
    """
    gaps = plan.service_gaps
    found: dict[str, Any] = {"id": [], "kind": [], "at": [], "people": [], "lines": []}
    if gaps is None or gaps.empty:
        return found
    gaps = in_metres(gaps[~gaps.geometry.isna()])
    services = _names(plan.record["services"]["services"])
    communities = dict(zip(plan.districts["community_id"], plan.districts["name"], strict=True))
    for (kind, place), mine in gaps.groupby(["place_kind", "place_id"], sort=False):
        name = str(communities.get(place) or place) if kind == "community" else str(place)
        point = shapely.get_coordinates(mine.geometry.iloc[0])
        found["id"].append(str(place))
        found["kind"].append(str(kind))
        found["at"].append(frame.steps(point)[0].tolist())
        found["people"].append(_people(mine))
        found["lines"].append(_lines(mine, name, services, texts))
    return found


def _people(gaps: pd.DataFrame) -> int:
    return round(float(gaps.loc[gaps["rule"] == "reach", "short"].sum()))


def _names(rows: list[Mapping[str, Any]]) -> dict[str, Text]:
    return {
        str(row["service"]): {"en": str(row["name_en"]), "zh": str(row["name_zh"])} for row in rows
    }


def _lines(
    gaps: pd.DataFrame, name: str, services: Mapping[str, Text], texts: Texts
) -> dict[str, list[str]]:
    """Return the name of a place and what it lacks, by language, the most people first."""
    order = np.lexsort((-gaps["short"].to_numpy(float), gaps["rule"] != "reach"))
    rows = gaps.iloc[order].to_dict("records")
    told = [
        texts(
            f"gap_{row['rule']}",
            service=services.get(str(row["service"]), dict.fromkeys(texts.by_lang, row["service"])),
            short=number(row["short"]),
            target=number(row["target"]),
        )
        for row in rows[:_MOST_LINES]
    ]
    if len(rows) > _MOST_LINES:
        told.append(texts("gap_more", count=len(rows) - _MOST_LINES))
    return {lang: [name, *(line[lang] for line in told)] for lang in texts.by_lang}
