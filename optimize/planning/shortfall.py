"""Rules that a plan cannot meet: where, by how much, and what would mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

REMEDIES = {
    "more_area": "Candidate sites in it with {area} m² more.",
    "larger_budget": "A budget of {budget} meets it, with every other rule that the sites allow.",
    "nearer_site": "A candidate site within {reach} minutes of it; the nearest open one is "
    "{minutes} minutes away.",
    "connect_or_site": "A candidate site within {reach} minutes of it; no open one is within "
    "{limit} minutes, or the network does not lead there.",
    "not_split": "It could not be split: {detail}. Raise split.tolerance or "
    "split.max_extra_districts, divide units that are too large, or set split.connect_gap_m if "
    "its units do not touch.",
    "locked": "A decision locks it, so it was not split; take the decision back to split it.",
    "not_in_time": "No split was found within the time, and none was ruled out; raise "
    "split.seconds_per_community or --time-limit. {detail}",
    "balance_in_time": "Its districts are balanced within ±{percent} %; better balance was not "
    "ruled out within the time: raise split.seconds_per_community or --time-limit.",
    "not_rebalanced": "It could not be rebalanced: {detail}. Allow another number of communities, "
    "name more neighbours, lower the least number of residents, or divide units that are too "
    "large.",
    "not_rebalanced_in_time": "No rebalancing was found within the time, and none was ruled out; "
    "raise split.seconds_per_community or --time-limit. {detail}",
    "smaller_units": "Its districts are balanced within ±{percent} %; smaller units would allow "
    "better balance.",
}
"""What would mend a shortfall, in English, by its key."""


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
        What would mend it: a key of :data:`REMEDIES`.
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
    remedy_values: Mapping[str, str] = field(default_factory=dict)

    @property
    def remedy(self) -> str:
        """What would mend it, in one English sentence."""
        return REMEDIES[self.remedy_key].format(**self.remedy_values)

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name, and the remedy as a sentence."""
        return {**asdict(self), "remedy": self.remedy}

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
