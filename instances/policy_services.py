"""The section of a policy on services: how those of the catalogue are laid out together."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from .policy_sections import SOURCE, PolicySection

Mode = Literal["one", "centre", "shared", "several"]


class ServicesPolicy(PolicySection):
    """How the services of the catalogue are laid out together (`shequ plan --services`)."""

    mode: Mode = Field(
        "several",
        description='Stations: "one" = one in each community; "centre" = a large one in the street '
        'and small ones in its communities; "shared" = one may serve several communities; '
        f'"several" = a community may have several {SOURCE}.',
    )
    mode_of_street: tuple[str, ...] = Field(
        (),
        strict=False,
        description='Streets with a mode of their own, as "street_id=mode".',
    )
    centre_area_m2: float = Field(
        1500.0, gt=0, description="m²; least floor area of a centre of a street."
    )
    most_stations: int = Field(
        5, ge=1, description='Stations of a community at most where the mode is "several".'
    )
    most_communities: int = Field(
        3, ge=2, description='Communities that a station serves at most where it is "shared".'
    )
    shared_minutes: float = Field(
        15.0,
        gt=0,
        le=240,
        description="Mean walking minutes of the residents of a community to a station that is "
        "shared with others, at most.",
    )
    point_share: float = Field(
        0.2, ge=0, le=1, description="Share of a floor area that service points may give at most."
    )
    keep_existing: bool = Field(
        True,
        description="Whether every service of today stays where it is. If not, it may be given up "
        "at closing_cost_per_m2, and its floor area changed to another.",
    )
    closing_cost_per_m2: float = Field(
        0.05, ge=0, description="Cost of giving up a service, for each m² of it."
    )
    conversion_cost_per_m2: float = Field(
        0.1,
        ge=0,
        description="Cost of each m² of an existing building that changes its service; never more "
        "than building it.",
    )
    use_capacity: bool = Field(
        True,
        description="Whether households must find the floor area that they need within reach: "
        "they are assigned within capacity, not only counted.",
    )
    by_places: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Services whose places (beds, seats) must be provided in full; others need "
        "one of least size only.",
    )
    budget_of_street: tuple[str, ...] = Field(
        (), strict=False, description='Money of a street at most, as "street_id=amount".'
    )
    price_person: float = Field(
        50.0, gt=0, description="What a person out of reach of a service counts like, in money."
    )
    price_m2: float = Field(20.0, gt=0, description="What a missing m² counts like, in money.")
    price_facility: float = Field(
        1000.0, gt=0, description="What a missing facility counts like, in money."
    )
    price_change: float = Field(
        200.0,
        ge=0,
        description="What a facility counts like, in money, that is open in a plan with `--from` "
        "and was not in the earlier one, or the other way round: a change has to save more.",
    )
    price_smaller_m2: float = Field(
        1.0,
        ge=0,
        description="What each m² counts like, in money, by which a facility that stays is "
        "smaller than in the earlier plan.",
    )
    gap: float = Field(
        0.005,
        ge=0,
        lt=1,
        description="Gap, as a share of the cost, at which a plan is good enough.",
    )
    seconds: float = Field(480.0, gt=0, description="Seconds; time limit of this stage.")

    @field_validator("mode_of_street", "budget_of_street")
    @classmethod
    def _pairs(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for text in entries:
            street, equals, value = text.rpartition("=")
            if not equals or not street.strip() or not value.strip():
                raise ValueError(f'"{text}" should be written "street_id=value".')
        return entries

    @model_validator(mode="after")
    def _values_understood(self) -> Self:
        modes = {"one", "centre", "shared", "several"}
        for street, mode in self.modes.items():
            if mode not in modes:
                raise ValueError(
                    f'mode_of_street: "{mode}" of {street} should be one of '
                    f"{', '.join(sorted(modes))}."
                )
        for street, text in _pairs_of(self.budget_of_street).items():
            try:
                amount = float(text)
            except ValueError:
                amount = -1.0
            if not 0 <= amount < float("inf"):
                raise ValueError(f'budget_of_street: "{text}" of {street} is no amount of money.')
        return self

    @property
    def modes(self) -> dict[str, str]:
        """Mode of each street that has its own."""
        return _pairs_of(self.mode_of_street)

    @property
    def budgets(self) -> dict[str, float]:
        """Money of each street that has a limit."""
        return {street: float(text) for street, text in _pairs_of(self.budget_of_street).items()}


def _pairs_of(entries: tuple[str, ...]) -> dict[str, str]:
    """Read entries of the form key=value; the last of a key counts."""
    parts = (text.rpartition("=") for text in entries)
    return {key.strip(): value.strip() for key, _, value in parts}
