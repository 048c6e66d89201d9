"""Rules that a plan cannot meet: where, by how much, and what would mend it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...instances.notes import Note


@dataclass(frozen=True)
class Shortfall:
    """
    One rule that one place does not meet.

    Parameters
    ----------
    rule
        split, balance, rebalance, floor_area or reach.
    place_kind
        community or unit.
    place_id, place_name
        Which.
    value, target, short
        What there is, what the rule asks, and what is missing; None where it cannot be measured.
    unit_of_measure
        m2, minutes, residents or share.
    remedy_key
        What would mend it: a note of the kind ``remedy_...``.
    remedy_values
        Fills the placeholders of that sentence.
    """

    rule: str
    place_kind: str
    place_id: str
    place_name: str
    value: float | None
    target: float | None
    short: float | None
    unit_of_measure: str
    remedy_key: str
    remedy_values: Mapping[str, object] = field(default_factory=dict)

    @property
    def remedy(self) -> str:
        """What would mend it, in one English sentence."""
        return str(self._told)

    @property
    def _told(self) -> Note:
        return Note(f"remedy_{self.remedy_key}", self.remedy_values)

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name, and the remedy as a sentence."""
        fields = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        values = self._told.as_record()["values"]
        return {**fields, "remedy_values": values, "remedy": self.remedy}

    def __str__(self) -> str:
        """One line for people."""
        value = "none" if self.value is None else f"{self.value:,.4g}"
        target = "" if self.target is None else f" of {self.target:,.4g}"
        place = f"{self.place_kind} {self.place_name or self.place_id}"
        return f"{place}: {self.rule} {value}{target} {self.unit_of_measure}. {self.remedy}"


class InfeasibleError(ValueError):
    """The rules cannot all be met; says which, where, and what would mend it."""

    def __init__(self, shortfalls: Sequence[Shortfall]) -> None:
        """Quote the first places of every rule."""
        self.shortfalls = tuple(shortfalls)
        lines = ["The rules cannot all be met:"]
        for rule in dict.fromkeys(shortfall.rule for shortfall in shortfalls):
            places = [shortfall for shortfall in shortfalls if shortfall.rule == rule]
            lines += [f"  {place}" for place in places[:5]]
            if len(places) > 5:
                lines.append(f"  ... and {len(places) - 5} more places that miss {rule}")
        lines.append("Use --relax to meet what can be met and list the rest.")
        if any(shortfall.rule in {"floor_area", "reach"} for shortfall in shortfalls):
            lines.append("`shequ explain CITY` says which rules clash, and what mends it.")
        super().__init__("\n".join(lines))
