"""All checks of a plan, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from shapely.errors import GEOSException

from ..layers import PlanFiles
from ..reading import read_plan
from .borders import contiguity, groups
from .copies import copies
from .decisions import decisions
from .figures import figures
from .proofs import proofs
from .rebalance import rebalance
from .services import services
from .shortfalls import shortfalls
from .sites import facilities, floor_area
from .splits import split
from .structure import before, coverage, crs, ids, membership
from .totals import totals
from .view import View
from .walking import allocation, walking

MOST_FINDINGS = 20
CHECKS: dict[str, Callable[[View], Iterator[str]]] = {
    "ids": ids,
    "crs": crs,
    "coverage": coverage,
    "membership": membership,
    "before": before,
    "totals": totals,
    "split": split,
    "contiguity": contiguity,
    "groups": groups,
    "rebalance": rebalance,
    "decisions": decisions,
    "floor area": floor_area,
    "facilities": facilities,
    "walking": walking,
    "allocation": allocation,
    "figures": figures,
    "shortfalls": shortfalls,
    "services": services,
    "proofs": proofs,
}


@dataclass(frozen=True)
class Check:
    """One rule and what speaks against it."""

    name: str
    findings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.findings


@dataclass(frozen=True)
class Verification:
    """All checks of one plan."""

    checks: tuple[Check, ...]

    @property
    def findings(self) -> tuple[str, ...]:
        """Everything that was found, each with the name of its check."""
        return tuple(f"{check.name}: {text}" for check in self.checks for text in check.findings)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify_plan(folder: Path) -> Verification:
    """
    Check every rule of a written plan again, and that its files belong together.

    Parameters
    ----------
    folder
        Folder with plan.gpkg, plan.json and the files that it lists.

    Raises
    ------
    ValueError
        If plan.gpkg or plan.json is missing or damaged.
    """
    plan = read_plan(folder)
    together = Check("copies", tuple(copies(folder, plan.record)))
    return Verification((together, *verify_layers(plan).checks))


def verify_layers(plan: PlanFiles) -> Verification:
    """Check every rule of a plan as read back."""
    view = View(plan)
    return Verification(
        tuple(Check(name, _findings(check, view)) for name, check in CHECKS.items())
    )


def _findings(check: Callable[[View], Iterator[str]], view: View) -> tuple[str, ...]:
    """Return the first findings; values of another kind than a check expects are one, too."""
    found: list[str] = []
    try:
        for text in check(view):
            found.append(text)
            if len(found) == MOST_FINDINGS:
                break
    except (LookupError, TypeError, ValueError, AttributeError, GEOSException) as error:
        found.append(f"a value cannot be understood ({type(error).__name__}: {error})")
    return tuple(found)
