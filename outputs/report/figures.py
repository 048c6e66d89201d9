"""The key figures of the city, before and after, against what the policy asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .rows import currency
from .texts import Text, Texts, is_missing, number, percent

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class KeyFigure:
    """
    One row of the table of key figures.

    Parameters
    ----------
    key
        Its name in ``figures`` of the record.
    name, before, after, target
        As shown; an empty target if the policy asks nothing.
    met_before, met_after
        Whether the target is met; None if there is none or the figure is missing.
    """

    key: str
    name: Text
    before: str
    after: str
    target: Text
    met_before: bool | None
    met_after: bool | None


@dataclass(frozen=True)
class _Target:
    """Bound on a figure: at most, less than, or at least a value."""

    kind: str
    value: float

    def holds(self, figure: Any) -> bool | None:  # noqa: ANN401 (None and numpy scalars alike)
        if is_missing(figure):
            return None
        if self.kind == "at_least":
            return float(figure) >= self.value - _TOLERANCE
        if self.kind == "less_than":
            return float(figure) < self.value
        return float(figure) <= self.value + _TOLERANCE


def key_figures(record: Mapping[str, Any], texts: Texts) -> list[KeyFigure]:
    """Return the rows of the table of key figures."""
    before, after = record["figures"]["before"], record["figures"]["after"]
    targets = _targets(record["policy"])
    rows = []
    stations = {"cost": "cost_of_stations"} if "services" in record else {}
    for key, digits in _DIGITS.items():
        target = targets.get(key)
        rows.append(
            KeyFigure(
                key=key,
                name=texts(
                    f"figure_{stations.get(key, key)}",
                    currency=currency(record, texts),
                    minutes=number(record["policy"]["siting"]["reach_minutes"]),
                ),
                before=_shown(before.get(key), digits),
                after=_shown(after.get(key), digits),
                target=_target_text(key, target, digits, record["policy"], texts),
                met_before=None if target is None else target.holds(before.get(key)),
                met_after=None if target is None else target.holds(after.get(key)),
            )
        )
    return rows


_SHARE = -1
_DIGITS = {
    "communities": 0,
    "over_mandatory": 0,
    "over_gradual": 0,
    "largest_residents": 0,
    "largest_households": 0,
    "floor_area_m2": 0,
    "floor_area_per_100_households": 1,
    "mean_floor_area_m2": 0,
    "communities_below_target": 0,
    "share_in_reach": _SHARE,
    "residents_out_of_reach": 0,
    "mean_minutes": 1,
    "facilities": 0,
    "workers_needed": 0,
    "cost": 1,
}


def _targets(policy: Mapping[str, Any]) -> dict[str, _Target]:
    """Return the target by figure, where the policy sets one."""
    split, siting = policy["split"], policy["siting"]
    targets = {
        "over_mandatory": _Target("at_most", 0),
        "largest_residents": _Target("at_most", split["mandatory_residents"]),
        "floor_area_per_100_households": _Target(
            "at_least", siting["floor_area_m2_per_100_households"]
        ),
        "mean_floor_area_m2": _Target("at_least", siting["mean_floor_area_m2"]),
        "communities_below_target": _Target("at_most", 0),
        "share_in_reach": _Target("at_least", 1.0),
        "residents_out_of_reach": _Target("at_most", 0),
    }
    if split["tier"] == "gradual":
        targets["over_gradual"] = _Target("at_most", 0)
        targets["largest_residents"] = _Target("less_than", split["gradual_residents"])
        targets["largest_households"] = _Target("less_than", split["gradual_households"])
    return targets


def _target_text(
    key: str, target: _Target | None, digits: int, policy: Mapping[str, Any], texts: Texts
) -> Text:
    if target is None:
        return dict.fromkeys(texts.by_lang, "")
    value = percent(target.value, 0) if digits == _SHARE else number(target.value)
    text = texts(f"target_{target.kind}", value=value)
    if key != "floor_area_per_100_households":
        return text
    national = number(policy["siting"]["national_floor_area_m2_per_100_households"])
    return texts("target_with_national", target=text, value=national)


def _shown(value: object, digits: int) -> str:
    return percent(value) if digits == _SHARE else number(value, digits)
