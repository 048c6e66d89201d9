"""What is said of rules that cannot all be met: the clashes, and the cheapest ways to mend them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...models.formulation import FloatArray
from ...models.siting.station import Siting
from ..result import Result, Status


@dataclass(frozen=True)
class ClashingRule:
    """
    One rule of a clash.

    Parameters
    ----------
    kind, text
        What kind of rule, and the rule in words.
    place_kind, place_ids
        What it is about: unit, community or site, and which; empty for the budget.
    amount
        By how much it would have to give way, if it alone did; None if it alone cannot, or if that
        was not computed.
    unit_of_measure
        Unit of the amount.
    """

    kind: str
    text: str
    place_kind: str
    place_ids: tuple[str, ...]
    amount: float | None
    unit_of_measure: str

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {**vars(self), "place_ids": list(self.place_ids)}


@dataclass(frozen=True)
class Clash:
    """
    A set of rules that cannot be kept together.

    Parameters
    ----------
    text
        Why, in one sentence.
    rules
        The rules.
    is_irreducible
        Whether it is proven that all others can be kept without any one of them.
    """

    text: str
    rules: tuple[ClashingRule, ...]
    is_irreducible: bool

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {
            "text": self.text,
            "is_irreducible": self.is_irreducible,
            "rules": [rule.as_record() for rule in self.rules],
        }


@dataclass(frozen=True)
class Change:
    """One rule, at one place, that a relief relaxes, and by how much."""

    kind: str
    place_kind: str
    place_id: str
    amount: float
    unit_of_measure: str
    text: str


@dataclass(frozen=True, eq=False)
class Relief:
    """
    The cheapest way to mend everything by relaxing rules of some kinds only.

    Parameters
    ----------
    name
        "needs", "sizes", "decisions", "budget" or "mixed".
    result
        Least weighted amount and what is proven of it; infeasible if these kinds do not suffice.
    unit_of_measure
        Unit of the objective.
    changes
        Where what is relaxed.
    """

    name: str
    result: Result[FloatArray]
    unit_of_measure: str
    changes: tuple[Change, ...]

    def as_record(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {
            "name": self.name,
            **self.result.as_record(),
            "unit_of_measure": self.unit_of_measure,
            "changes": [vars(change) for change in self.changes],
        }


@dataclass(frozen=True, eq=False)
class Explanation:
    """
    Why the rules of a siting cannot all be met.

    Parameters
    ----------
    status
        INFEASIBLE: they clash. FEASIBLE: they can all be met. UNKNOWN: not settled in the time.
    clashes
        Sets of rules that clash.
    reliefs
        The cheapest ways to mend it, each by other kinds of rules.
    budget
        The budget that was asked for, or None.
    lowest
        The cheapest plan that meets all that the sites allow.
    is_complete
        Whether all rules that are in no clash can be kept together: proven.
    currency
        Unit of money.
    """

    status: Status
    clashes: tuple[Clash, ...]
    reliefs: tuple[Relief, ...]
    budget: float | None
    lowest: Result[Siting]
    is_complete: bool
    currency: str

    def as_record(self) -> dict[str, Any]:
        """Return the content of ``conflicts.json``."""
        return {
            "status": str(self.status),
            "is_complete": self.is_complete,
            "budget": self.budget,
            "currency": self.currency,
            "lowest": self.lowest.as_record(),
            "clashes": [clash.as_record() for clash in self.clashes],
            "reliefs": [relief.as_record() for relief in self.reliefs],
        }
