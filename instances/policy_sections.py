"""The sections of a policy: every threshold, tolerance, speed, target and weight."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from .services import service_ids

SOURCE = "(Suzhou programme, 2022-2023)"


class PolicySection(BaseModel):
    """A section: unknown keys, wrong types and numbers that are not finite are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SplitPolicy(PolicySection):
    """Which communities are split, and what a district must be."""

    tier: Literal["gradual", "mandatory"] = Field(
        "gradual",
        description='Which communities are split: "mandatory" = only those that must be split, '
        '"gradual" = also those that are split gradually.',
    )
    mandatory_residents: int = Field(
        20_000, ge=1, description=f"Residents; a community with more must be split {SOURCE}."
    )
    gradual_residents: int = Field(
        15_000,
        ge=1,
        description=f"Residents from which on a community is split gradually {SOURCE}.",
    )
    gradual_households: int = Field(
        5_000,
        ge=1,
        description=f"Households from which on a community is split gradually {SOURCE}.",
    )
    tolerance: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="Share by which the residents of a district may differ from the mean of the "
        "districts of its community.",
    )
    max_extra_districts: int = Field(
        3,
        ge=0,
        le=50,
        description="Districts beyond the least possible number that are tried before a community "
        "is reported as not splittable.",
    )
    keep_together: tuple[str, ...] = Field(
        ("estate_id",),
        strict=False,
        description="Columns of the units; units with an equal, non-empty value stay together.",
    )
    min_border_m: float = Field(
        1.0, ge=0, description="Metres; units that share a shorter border are not neighbours."
    )
    contiguity: Literal["rook", "queen"] = Field(
        "rook",
        description='"rook" = units that share a border are neighbours, "queen" = also those that '
        "touch at a point or share a border shorter than min_border_m.",
    )
    barrier_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Share of a shared border along an uncrossable barrier from which on the "
        "border does not connect.",
    )
    barrier_width_m: float = Field(
        5.0, ge=0, description="Metres; a border this close to a barrier runs along it."
    )
    connect_gap_m: float = Field(
        0.0,
        ge=0,
        description="Metres; units of one community at most this far apart are neighbours, for "
        "input with streets between the units. 0 = only units that touch.",
    )
    empty_unit_weight: float = Field(
        1.0,
        ge=0,
        description="Residents that a unit without residents counts for in the objective, so that "
        "it joins a near district.",
    )
    objective: Literal["moment-of-inertia", "border", "cut-edges"] = Field(
        "moment-of-inertia",
        description='What is minimised: "moment-of-inertia" = compactness alone; "border" = the '
        'length of the new borders, "cut-edges" = the pairs of neighbours that they part, both '
        "among splits that are nearly as compact as the best (compactness_slack).",
    )
    compactness_slack: float = Field(
        0.05,
        ge=0,
        le=10,
        description='Share by which the moment of inertia may exceed its best where "border" or '
        '"cut-edges" is minimised.',
    )
    barrier_border_factor: float = Field(
        0.5,
        ge=0,
        le=1,
        description='Share at which a metre of border along a barrier counts for "border", '
        "crossable or not: below 1, new borders follow arterials, rivers and railways.",
    )
    seconds_per_community: float = Field(
        120.0, gt=0, description="Seconds; time limit of the split of one community."
    )

    @model_validator(mode="after")
    def _tiers_in_order(self) -> Self:
        if self.gradual_residents > self.mandatory_residents:
            raise ValueError(
                f"gradual_residents = {self.gradual_residents} lies above "
                f"mandatory_residents = {self.mandatory_residents}; lower the first or raise the "
                "second."
            )
        return self


class SitingPolicy(PolicySection):
    """How much floor area a community needs, and how near."""

    floor_area_m2_per_100_households: float = Field(
        80.0,
        ge=0,
        description=f"m² of floor area that a community needs per 100 households {SOURCE}.",
    )
    national_floor_area_m2_per_100_households: float = Field(
        30.0, ge=0, description="m² per 100 households of the national target; reported only."
    )
    mean_floor_area_m2: float = Field(
        1500.0,
        ge=0,
        description=f"m² of floor area of the mean community; reported only {SOURCE}.",
    )
    reach_minutes: float = Field(
        15.0,
        gt=0,
        le=240,
        description=f"Walking minutes within which a facility serves a unit {SOURCE}.",
    )
    min_facility_area_m2: float = Field(
        100.0,
        ge=0,
        description="m²; a newly opened facility is at least this large, or its maximum if that "
        "is smaller.",
    )
    cost_slack: float = Field(
        0.005,
        ge=0,
        le=10,
        description="Share; plans that cost at most this much more than the cheapest count as "
        "cheapest when walking time is minimised.",
    )
    walking_goal: Literal["mean", "worst", "largest", "street"] = Field(
        "mean",
        description='What is least among the cheapest plans: "mean" = the minutes of all together; '
        '"worst" = the mean of the worst_share who walk farthest; "largest" = those of the last '
        'one; "street" = the mean of the street that walks farthest.',
    )
    worst_share: float = Field(
        0.1, gt=0, le=1, description='Share of the people who are the worst-off, for "worst".'
    )
    walkers: str = Field(
        "residents",
        min_length=1,
        description="Column of the units that tells whose minutes count for the goals but "
        '"mean", such as residents_65plus.',
    )
    currency: str = Field("10,000 yuan", description="Unit of money of the costs of the sites.")
    services: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Services; only sites that offer one of them count. Empty = all sites.",
    )
    seconds: float = Field(120.0, gt=0, description="Seconds; time limit of the siting.")

    @field_validator("services")
    @classmethod
    def _as_at_the_sites(cls, services: tuple[str, ...]) -> tuple[str, ...]:
        for text in services:
            if not service_ids(text):
                raise ValueError(f'"{text}" names no service; take it out.')
        return tuple(dict.fromkeys(name for text in services for name in service_ids(text)))


class WalkingPolicy(PolicySection):
    """How people walk."""

    speed_kmh: float = Field(
        4.5,
        gt=0,
        le=30,
        description="km/h; used for the way to the network, for straight lines and where an edge "
        "has no minutes of its own.",
    )
    elderly_speed_kmh: float = Field(
        3.2,
        gt=0,
        le=30,
        description="km/h of the elderly (about 0.9 m/s, assumed). Minutes that edges have of "
        "their own are those of an adult, and are scaled by the speeds, for this and every other "
        "group.",
    )
    child_speed_kmh: float = Field(
        3.6,
        gt=0,
        le=30,
        description="km/h of children (300 m in 5 minutes, the smallest circle of GB 50180-2018).",
    )
    cycling_speed_kmh: float = Field(
        14.0, gt=0, le=60, description="km/h of those who cycle (assumed)."
    )
    wheelchair_speed_kmh: float = Field(
        3.0, gt=0, le=30, description="km/h in a wheelchair (assumed)."
    )
    crossing_delay_minutes: float = Field(
        0.5,
        ge=0,
        le=60,
        description="Minutes waited at each of the crossings of an edge (assumed).",
    )
    max_slope: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Rise by length; steeper slopes count as this one, since they are mostly "
        "errors of short edges (assumed). 0 = all is flat.",
    )
    mode: Literal["network", "straight_line"] = Field(
        "network", description='"network" = along the network, "straight_line" = as the crow flies.'
    )
    detour_factor: float = Field(
        1.3, ge=1, le=10, description="Walked length per metre of straight line, without a network."
    )
    max_snap_m: float = Field(
        500.0,
        ge=0,
        description="Metres; a place further from the network is not connected to it.",
    )
    join_ends_m: float = Field(
        0.5,
        ge=0,
        le=50,
        description="Metres; where a network is made of lines, an end this near to another line is "
        "moved to it (assumed).",
    )
    snap_to_components_of: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Share of the nodes; no place is connected to a part of the network that is "
        "cut off from the rest and smaller.",
    )


class StaffPolicy(PolicySection):
    """How many community workers are needed."""

    workers_per_10000: float = Field(
        18.0, ge=0, description=f"Community workers per 10,000 residents {SOURCE}."
    )
    total: int = Field(
        0, ge=0, description="Workers to allot in all; 0 = as many as workers_per_10000 asks for."
    )
    method: Literal["hamilton", "webster", "total_deviation", "largest_deviation"] = Field(
        "hamilton",
        description='How whole persons are allotted: "hamilton" = largest remainders, "webster" = '
        'the divisor method of Sainte-Laguë, "total_deviation" and "largest_deviation" = least '
        "sum, and least maximum, by which workers per resident differ from the mean.",
    )
    least_per_community: int = Field(0, ge=0, description="Workers of each community at least.")
    most_per_community: int = Field(
        0, ge=0, description="Workers of each community at most; 0 = no such limit."
    )


class InputPolicy(PolicySection):
    """Which faults of the geometry are repaired."""

    max_overlap_m2: float = Field(
        1.0, ge=0, description="m²; smaller overlaps of two units are repaired without a word."
    )
    max_repair_overlap_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Share of the smaller of two units; overlaps up to it are repaired and "
        "reported, larger ones refused.",
    )
    max_gap_m: float = Field(
        0.5, ge=0, description="Metres; narrower gaps between units are closed."
    )


class SolverPolicy(PolicySection):
    """Who solves, and how well."""

    name: str = Field("highs", min_length=1, description="Name of the solver.")
    split_gap: float = Field(
        0.0, ge=0, lt=1, description="Relative gap at which a split is good enough; 0 = proven."
    )
    siting_gap: float = Field(
        0.001, ge=0, lt=1, description="Relative gap at which a siting is good enough; 0 = proven."
    )
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Seed of every random choice.")
    threads: int = Field(2, ge=1, le=1024, description="Threads that the solver may use.")
