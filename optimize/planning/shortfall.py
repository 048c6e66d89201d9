"""Rules that a plan cannot meet: where, by how much, and what would mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Shortfall:
    """
    One rule that one place does not meet.

    Parameters
    ----------
    rule
        split, balance, floor_area or reach.
    place_kind
        community or unit.
    place_id, place_name
        Which.
    value, target, short
        What there is, what the rule asks, and what is missing; None where it cannot be measured.
    unit_of_measure
        m2, minutes, residents or share.
    remedy
        What would mend it, in one sentence.
    """

    rule: str
    place_kind: str
    place_id: str
    place_name: str
    value: float | None
    target: float | None
    short: float | None
    unit_of_measure: str
    remedy: str

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)

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
        super().__init__("\n".join(lines))
