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
from typing import Any

from pydantic import (
    BaseModel,
    ValidationError,
)

from .policy_circles import CirclesPolicy
from .policy_decisions import DecisionsPolicy
from .policy_sections import (
    InputPolicy,
    PolicySection,
    SitingPolicy,
    SolverPolicy,
    SplitPolicy,
    StaffPolicy,
    WalkingPolicy,
)
from .policy_services import ServicesPolicy


class PolicyError(ValueError):
    """A policy that cannot be used: every fault of it, one a line."""


class Policy(PolicySection):
    """Everything that a planning run may be told, by section."""

    split: SplitPolicy = SplitPolicy()
    siting: SitingPolicy = SitingPolicy()
    services: ServicesPolicy = ServicesPolicy()
    circles: CirclesPolicy = CirclesPolicy()
    walking: WalkingPolicy = WalkingPolicy()
    staff: StaffPolicy = StaffPolicy()
    input: InputPolicy = InputPolicy()
    decisions: DecisionsPolicy = DecisionsPolicy()
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
    except IsADirectoryError:
        raise PolicyError(f"{path} is a folder; name the .toml file in it.") from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"The policy file {path} cannot be read as UTF-8: {error}") from error
    except OSError as error:
        raise PolicyError(f"The policy file {path} cannot be read: {error.strerror}") from error
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
