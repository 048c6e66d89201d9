"""The services of a plan, as the report shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .texts import MISSING, Text, Texts, number, percent


@dataclass(frozen=True)
class ServiceRow:
    """
    One service.

    Parameters
    ----------
    name
        In every language.
    level
        Where it is needed: at points, in every community, in every street.
    cells
        Number there, new, closed, floor area, cost, out of reach, beyond all sites, places lacking.
    """

    name: Text
    level: Text
    cells: tuple[str, ...]


SERVICE_COLUMNS = ("there", "new", "closed", "area", "cost", "out", "beyond", "lacking")


def service_rows(record: Mapping[str, Any], texts: Texts) -> list[ServiceRow]:
    """Return a row a service; none where the plan has stations alone."""
    services = record.get("services")
    return [] if services is None else [_row(row, texts) for row in services["services"]]


def _row(row: Mapping[str, Any], texts: Texts) -> ServiceRow:
    people = row["people"]
    centre = str(row["service"]).endswith(":centre")
    names = {"en": str(row["name_en"]), "zh": str(row["name_zh"])}
    if centre:
        names = {lang: f"{names[lang]} {texts('service_centre')[lang]}" for lang in names}
    shares = [
        percent(row[key] / people) if people else MISSING
        for key in ("people_out_of_reach", "people_beyond_all_sites")
    ]
    return ServiceRow(
        names,
        texts.named("level", row["level"]),
        (
            number(row["facilities"]),
            number(row["opened"] + row["converted"]),
            number(row["closed"]),
            number(row["floor_area_m2"]),
            number(row["cost"], 1),
            *shares,
            number(row["places_lacking_one"] + row["places_lacking_area"]),
        ),
    )


def services_intro(record: Mapping[str, Any], currency: object, texts: Texts) -> Text | None:
    """Return what all services cost and how well that is known; None without them."""
    services = record.get("services")
    if services is None:
        return None
    gap = services["proof"]["gap_of_what_can_change"]
    return texts(
        "services_intro",
        cost=number(services["cost"], 1),
        currency=currency,
        mode=texts(f"mode_{services['mode']}"),
        gap=percent(gap, 2) if gap is not None else MISSING,
        unserved=number(services["unserved_m2"]),
    )
