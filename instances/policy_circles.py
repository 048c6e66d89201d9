"""The section of a policy on circles of daily life, recognised in yearly phases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from .policy_sections import SOURCE, PolicySection

Amount = Annotated[float, Field(ge=0)]
Number = Annotated[int, Field(ge=0)]


class CirclesPolicy(PolicySection):
    """When a circle of daily life is recognised, and what counts over the years."""

    categories: tuple[str, ...] = Field(
        ("shopping", "medical", "education", "leisure", "domestic"),
        strict=False,
        description=f"Categories of the catalogue that must all be within reach {SOURCE}.",
    )
    unknown: Literal["leave_out", "refuse"] = Field(
        "leave_out",
        description="What happens with a category of which no site offers a service and the "
        'catalogue has none with a least area: "leave_out" with a warning, or "refuse".',
    )
    not_enough: tuple[str, ...] = Field(
        ("parcel",),
        strict=False,
        description="Services that do not give their category by themselves.",
    )
    reach_minutes: float = Field(
        15.0,
        ge=0,
        le=240,
        description=f"Walking minutes within which a service counts {SOURCE}; 0 = those of each "
        "service in the catalogue.",
    )
    share: float = Field(
        0.9,
        gt=0,
        le=1,
        description="Share of the residents of a circle that must have all categories within "
        "reach (assumed).",
    )
    targets: tuple[Number, ...] = Field(
        (64, 0, 150),
        strict=False,
        description=f"Circles that should be recognised after each year, 0 = no target {SOURCE}.",
    )
    target_bonus: float = Field(
        1000.0,
        ge=0,
        description="Residents that each circle counts for beside its own, in years whose target "
        "is not met without it (assumed).",
    )
    year_weights: tuple[Amount, ...] = Field(
        (1.0,),
        strict=False,
        min_length=1,
        description="What a resident in a recognised circle counts for in each year; the last "
        "weight holds for all further years. 0 for all but the last = only the end counts.",
    )
    order: Literal["sum", "first_year_first", "last_year_first"] = Field(
        "sum",
        description='"sum" = the weighted residents of all years; "first_year_first" = as many as '
        'can be in the first year, then in the second, ...; "last_year_first" the other way '
        "round. The weights then do not count.",
    )
    carry_over: bool = Field(True, description="Whether money left over may be spent later.")
    seconds: float = Field(240.0, gt=0, description="Seconds; time limit of the phases.")

    @field_validator("categories")
    @classmethod
    def _some(cls, categories: tuple[str, ...]) -> tuple[str, ...]:
        if not categories:
            raise ValueError("name one category at least.")
        return tuple(dict.fromkeys(categories))
