"""What a rebalancing of a city may change, and what came of its regions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ...models.districting.rebalancing import Rebalancing
from ...models.districting.rebalancing_model import Second
from ...models.formulation import IntArray
from ..districting.rebalancing.engine import Rebalanced
from ..result import Status
from .region import Region
from .shortfall import Shortfall
from .snapshot import Snapshot

Count = Literal["keep", "free"] | int


@dataclass(frozen=True)
class RebalanceRules:
    """
    What a rebalancing may change, and what it must reach beside the policy's thresholds.

    Parameters
    ----------
    communities
        Ids or names of the communities; empty for those that break a rule and their neighbours.
    street
        Id of a street, all communities of which are taken; None for no street.
    count
        Number of communities: "keep", "free" or a number.
    least_residents
        Fewest residents of a community.
    tolerance
        Share by which residents may differ from the mean of the region; None for any.
    second
        What is minimised among the plans that move the fewest: "inertia" or "border".
    """

    communities: tuple[str, ...] = ()
    street: str | None = None
    count: Count = "free"
    least_residents: int = 0
    tolerance: float | None = None
    second: Second = "inertia"

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not (self.count in {"keep", "free"} or (isinstance(self.count, int) and self.count > 0)):
            raise ValueError(f"k = {self.count} not understood; give keep, free or a number >= 1.")
        if self.tolerance is not None and self.count == "free":
            raise ValueError(
                "A tolerance around the mean needs a number of communities; give -k keep or -k K."
            )
        if self.tolerance is not None and not 0 <= self.tolerance < 1:
            raise ValueError(
                f"tolerance = {self.tolerance} not understood; give a share in [0, 1)."
            )
        if self.least_residents < 0:
            raise ValueError(f"The least residents {self.least_residents} are below 0.")
        if self.communities and self.street is not None:
            raise ValueError("Name communities or a street, not both.")


@dataclass(frozen=True, eq=False)
class RegionRebalance:
    """
    What came of one region.

    Parameters
    ----------
    rows
        Rows of its communities of today; label d is the d-th of them, later ones are new.
    breaking
        Rows of those that break a rule today.
    region
        Its units.
    asked
        What was asked.
    ring
        How many rings of neighbours round the communities that break a rule; None if named.
    outcome
        Plan by nodes, and what is proven.
    """

    rows: IntArray
    breaking: IntArray
    region: Region
    asked: Rebalancing
    ring: int | None
    outcome: Rebalanced

    @cached_property
    def labels(self) -> IntArray | None:
        """Label of each unit of the region; None without a plan."""
        return None if self.outcome.plan is None else self.region.to_units(self.outcome.plan)

    def as_record(self, ids: list[str], second: str) -> dict[str, Any]:
        """Return the entry of the plan's record; ``ids`` of the communities of today."""
        problem = self.asked.problem
        used = self.rows.size if self.labels is None else np.unique(self.labels).size
        return {
            "communities": [ids[row] for row in self.rows],
            "breaking": [ids[row] for row in self.breaking],
            "ring": self.ring,
            "units": int(self.region.members.size),
            "districts": int(used),
            "least": self.asked.least,
            "most": self.asked.most,
            "lower_residents": float(problem.lower[0]),
            "upper_residents": float(problem.upper[0]),
            "upper_households": float(problem.upper[1]),
            "moved": self.outcome.moved.as_record(),
            "second": {"objective_of": second, **self.outcome.second.as_record()}
            if self.outcome.second is not None
            else None,
        }


@dataclass(frozen=True, eq=False)
class CityRebalance:
    """Rules and regions of the rebalancing of a city."""

    rules: RebalanceRules
    regions: tuple[RegionRebalance, ...]

    def as_record(self, before: Snapshot) -> dict[str, Any]:
        """Return the entry of the plan's record."""
        ids = before.communities["community_id"].astype(str).tolist()
        return {
            **asdict(self.rules),
            "regions": [region.as_record(ids, self.rules.second) for region in self.regions],
        }


def rebalance_shortfalls(done: CityRebalance, before: Snapshot) -> list[Shortfall]:
    """List the communities that break a rule in regions without a plan."""
    found = []
    for region in done.regions:
        if region.labels is not None:
            continue
        moved = region.outcome.moved
        proven = moved.status is Status.INFEASIBLE
        for row in region.breaking:
            community = before.communities.iloc[int(row)]
            found.append(
                Shortfall(
                    "rebalance",
                    "community",
                    str(community["community_id"]),
                    str(community["name"]),
                    value=float(community["residents"]),
                    target=None,
                    short=None,
                    unit_of_measure="residents",
                    remedy_key="not_rebalanced" if proven else "not_rebalanced_in_time",
                    remedy_values={"detail": moved.told or moved.detail},
                )
            )
    return found
