"""
Every threshold, tolerance, speed, target and weight of a planning run.

The defaults are those of the Suzhou programme of 2022-2023 where it sets one; a TOML file replaces
any of them.
"""

from __future__ import annotations

import difflib
import json
import textwrap
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

_SOURCE = "(Suzhou programme, 2022-2023)"


class PolicyError(ValueError):
    """A policy that cannot be used: every fault of it, one a line."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class SplitPolicy(_Section):
    """Which communities are split, and what a district must be."""

    tier: Literal["gradual", "mandatory"] = Field(
        "gradual",
        description='Which communities are split: "mandatory" = only those that must be split, '
        '"gradual" = also those that are split gradually.',
    )
    mandatory_residents: int = Field(
        20_000, ge=1, description=f"Residents; a community with more must be split {_SOURCE}."
    )
    gradual_residents: int = Field(
        15_000,
        ge=1,
        description=f"Residents from which on a community is split gradually {_SOURCE}.",
    )
    gradual_households: int = Field(
        5_000,
        ge=1,
        description=f"Households from which on a community is split gradually {_SOURCE}.",
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
    seconds_per_community: float = Field(
        60.0, gt=0, description="Seconds; time limit of the split of one community."
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


class SitingPolicy(_Section):
    """How much floor area a community needs, and how near."""

    floor_area_m2_per_100_households: float = Field(
        80.0,
        ge=0,
        description=f"m² of floor area that a community needs per 100 households {_SOURCE}.",
    )
    national_floor_area_m2_per_100_households: float = Field(
        30.0, ge=0, description="m² per 100 households of the national target; reported only."
    )
    mean_floor_area_m2: float = Field(
        1500.0,
        ge=0,
        description=f"m² of floor area of the mean community; reported only {_SOURCE}.",
    )
    reach_minutes: float = Field(
        15.0,
        gt=0,
        le=240,
        description=f"Walking minutes within which a facility serves a unit {_SOURCE}.",
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
    currency: str = Field("10,000 yuan", description="Unit of money of the costs of the sites.")
    services: tuple[str, ...] = Field(
        (),
        strict=False,
        description="Services; only sites that offer one of them count. Empty = all sites.",
    )
    seconds: float = Field(120.0, gt=0, description="Seconds; time limit of the siting.")


class WalkingPolicy(_Section):
    """How people walk."""

    speed_kmh: float = Field(
        4.5,
        gt=0,
        le=30,
        description="km/h; used for the way to the network, for straight lines and where an edge "
        "has no minutes of its own.",
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
    snap_to_components_of: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Share of the nodes; no place is connected to a part of the network that is "
        "cut off from the rest and smaller.",
    )


class StaffPolicy(_Section):
    """How many community workers are needed."""

    workers_per_10000: float = Field(
        18.0, ge=0, description=f"Community workers per 10,000 residents {_SOURCE}."
    )


class InputPolicy(_Section):
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


class SolverPolicy(_Section):
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


class Policy(_Section):
    """Everything that a planning run may be told, by section."""

    split: SplitPolicy = SplitPolicy()
    siting: SitingPolicy = SitingPolicy()
    walking: WalkingPolicy = WalkingPolicy()
    staff: StaffPolicy = StaffPolicy()
    input: InputPolicy = InputPolicy()
    solver: SolverPolicy = SolverPolicy()

    def with_values(self, values: Mapping[str, Any]) -> Policy:
        """
        Return the policy with some values replaced.

        Parameters
        ----------
        values
            New values by ``section.key``. Text is read as a TOML value where it is one.

        Raises
        ------
        PolicyError
            If a key is unknown or a value is out of range; names all of them.

        Examples
        --------
        >>> Policy().with_values({"siting.reach_minutes": "10"}).siting.reach_minutes
        10.0
        """
        content = self.model_dump()
        loose: list[str] = []
        for name, value in values.items():
            section, dot, key = name.strip().partition(".")
            if not dot:
                loose.append(
                    f"{name} is not understood; write section.key = value{_suggest_key(name)}"
                )
            else:
                content.setdefault(section, {})[key] = _toml_value(section, key, value)
        return _policy(content, origin="", faults=loose)


def load_policy(path: Path | str | None = None) -> Policy:
    """
    Read a policy from a TOML file; what it does not name keeps its default.

    Parameters
    ----------
    path
        The file; None for the defaults.

    Raises
    ------
    PolicyError
        If the file is missing or not TOML, or names an unknown section or key or a value of the
        wrong type or out of range; all of them in one message.
    """
    if path is None:
        return Policy()
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise PolicyError(f"The policy file {path} does not exist; check the path.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"The policy file {path} cannot be read as UTF-8: {error}") from error
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"The policy file {path} is not TOML: {error}") from error
    return _policy(content, origin=str(path))


def render_policy(policy: Policy) -> str:
    """Return the policy as TOML text with a comment a key; :func:`load_policy` reads it back."""
    blocks: list[str] = []
    for section in Policy.model_fields:
        values: BaseModel = getattr(policy, section)
        lines = [f"# {type(values).__doc__}", f"[{section}]"]
        for key, field in type(values).model_fields.items():
            lines += textwrap.wrap(
                field.description or "", 96, initial_indent="# ", subsequent_indent="# "
            )
            lines.append(f"{key} = {_toml_text(getattr(values, key))}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def _policy(content: Mapping[str, Any], *, origin: str, faults: list[str] | None = None) -> Policy:
    """Validate ``content``, or raise every fault at once."""
    found = list(faults or [])
    try:
        policy = Policy.model_validate(content)
    except ValidationError as error:
        found += [_fault(dict(item), content) for item in error.errors()]
    else:
        if not found:
            return policy
    where = f"policy {origin}" if origin else "policy"
    raise PolicyError(f"The {where} cannot be used:\n" + "\n".join(f"  - {line}" for line in found))


def _fault(item: dict[str, Any], content: Mapping[str, Any]) -> str:
    """One fault that pydantic found, in words."""
    place = [str(part) for part in item["loc"]]
    name = ".".join(place[:2])
    if item["type"] == "extra_forbidden":
        if len(place) == 1 and isinstance(content.get(name), Mapping):
            return f"[{name}] is not a section{_suggest(name, list(Policy.model_fields))}"
        return f"{name} is not a key{_suggest_key(name)}"
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "value_error":
        return f"{name}: {message}"
    message = message.replace("Input should be", "should be").replace("valid tuple", "list")
    if len(place) == 1:
        return f"[{name}] must be a section with keys, not {_shown(item['input'])}."
    return f"{name} = {_shown(item['input'])} {message}."


def _shown(value: object) -> str:
    """Return a value as the user wrote it."""
    try:
        return _toml_text(value)
    except TypeError:
        return repr(value)


def _suggest(name: str, known: list[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}."


def _suggest_key(name: str) -> str:
    """Name the known key nearest to ``name``: of its own section first, then of any."""
    keys = {
        section: list(type(getattr(Policy(), section)).model_fields)
        for section in Policy.model_fields
    }
    section, _, key = name.rpartition(".")
    for candidates in ([section] if section in keys else [], list(keys)):
        near = difflib.get_close_matches(
            key, [known for part in candidates for known in keys[part]], n=1, cutoff=0.6
        )
        if near:
            home = next(part for part in candidates if near[0] in keys[part])
            return f"; did you mean {home}.{near[0]}?"
    return f"; known are {', '.join(keys.get(section, list(keys)))}."


def _toml_value(section: str, key: str, value: object) -> object:
    """Read text as a TOML value, unless it is none or the key itself takes text."""
    if not isinstance(value, str):
        return value
    try:
        parsed = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value
    default = getattr(getattr(Policy(), section, None), key, None)
    return value if isinstance(default, str) and not isinstance(parsed, str) else parsed


def _toml_text(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml_text(item) for item in value)}]"
    if isinstance(value, bool | str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float):
        return repr(value)
    raise TypeError(f"{value!r} has no TOML form here.")
