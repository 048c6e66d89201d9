"""Rules on single units and districts, as people write them: by the ids of the units."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

SECTIONS = ("locked", "forbidden", "seats", "apart", "together", "districts")
_CSV_COLUMNS = ("rule", "subject", "value")
_BOUNDS = ("lower", "upper")


@dataclass(frozen=True)
class RuleBook:
    """
    What a plan must keep besides the common bounds. Districts are numbered from 0.

    Parameters
    ----------
    locked
        District that a unit must belong to, by unit.
    forbidden
        Districts that a unit must not belong to, by unit.
    seats
        Unit that is the centre of a district and lies in it, by district.
    apart, together
        Units of which no two share a district, and units that share one.
    lower, upper
        Bounds of a district in place of the common ones, by district, then by weight; the
        weight "" is the first.
    place
        Where the rules come from, for messages.
    """

    locked: Mapping[str, int] = field(default_factory=dict)
    forbidden: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    seats: Mapping[int, str] = field(default_factory=dict)
    apart: tuple[tuple[str, ...], ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    lower: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    upper: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    place: str = "rules"

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        return not self.as_record()

    def as_record(self) -> dict[str, Any]:
        """Return the rules as JSON, in the shape of the TOML file."""
        districts: dict[str, dict[str, Any]] = {}
        for name, bounds in (("lower", self.lower), ("upper", self.upper)):
            for district, by_weight in bounds.items():
                value = by_weight[""] if set(by_weight) == {""} else dict(by_weight)
                districts.setdefault(str(district), {})[name] = value
        record: dict[str, Any] = {
            "locked": dict(self.locked),
            "forbidden": {unit: list(banned) for unit, banned in self.forbidden.items()},
            "seats": {str(district): unit for district, unit in self.seats.items()},
            "apart": [list(units) for units in self.apart],
            "together": [list(units) for units in self.together],
            "districts": districts,
        }
        return {name: rules for name, rules in record.items() if rules}

    @classmethod
    def from_record(cls, record: Mapping[str, Any], place: str) -> RuleBook:
        """
        Read rules in the shape of the TOML file.

        Raises
        ------
        ValueError
            If a section is unknown or a value not understood; names the place.
        """
        unknown = [name for name in record if name not in SECTIONS]
        if unknown:
            raise ValueError(
                f"{place}: section {unknown[0]!r} not understood; choose {', '.join(SECTIONS)}."
            )
        parts = {name: _section(record, name, place) for name in SECTIONS[:3]}
        lower, upper = _district_bounds(_section(record, "districts", place), place)
        return cls(
            locked={
                str(unit): _district(district, f"{place}, locked.{unit}")
                for unit, district in parts["locked"].items()
            },
            forbidden={
                str(unit): tuple(
                    _district(d, f"{place}, forbidden.{unit}")
                    for d in (banned if isinstance(banned, list) else [banned])
                )
                for unit, banned in parts["forbidden"].items()
            },
            seats={
                _district(district, f"{place}, seats"): str(unit)
                for district, unit in parts["seats"].items()
            },
            apart=_unit_lists(record, "apart", place),
            together=_unit_lists(record, "together", place),
            lower=lower,
            upper=upper,
            place=place,
        )


def read_rule_book(path: Path | str) -> RuleBook:
    """
    Read rules from TOML, or from CSV with the columns rule, subject and value.

    Raises
    ------
    ValueError
        If the file is not understood; names file, section or line, and value.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        return RuleBook.from_record(_csv_record(path), path.name)
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not TOML: {error}. Give .toml, or .csv.") from None
    return RuleBook.from_record(record, path.name)


def _csv_record(path: Path) -> dict[str, Any]:
    """Lines of a table in the shape of the TOML file."""
    record: dict[str, Any] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = [name.strip() for name in reader.fieldnames or ()]
        absent = [name for name in _CSV_COLUMNS if name not in names]
        if absent:
            raise ValueError(
                f"{path.name} has no column {absent[0]}; it has {', '.join(names) or 'none'}. The "
                "columns are rule, subject and value."
            )
        reader.fieldnames = names
        for row in reader:
            rule, subject, value = (str(row[name] or "").strip() for name in _CSV_COLUMNS)
            _add_line(record, rule, subject, value, f"{path.name}, line {reader.line_num}")
    return record


def _add_line(record: dict[str, Any], rule: str, subject: str, value: str, place: str) -> None:
    """Add one line of a table: ``locked,unit,district``, ``apart,unit,unit`` and so on."""
    if not subject or not value:
        raise ValueError(
            f"{place}: no {'value' if subject else 'subject'}. Fill all three columns."
        )
    if rule == "locked":
        record.setdefault("locked", {})[subject] = value
    elif rule == "forbidden":
        record.setdefault("forbidden", {}).setdefault(subject, []).append(value)
    elif rule == "seat":
        record.setdefault("seats", {})[value] = subject
    elif rule in {"apart", "together"}:
        record.setdefault(rule, []).append([subject, value])
    elif rule in _BOUNDS:
        record.setdefault("districts", {}).setdefault(subject, {})[rule] = value
    else:
        raise ValueError(
            f"{place}, column rule: {rule!r} not understood; choose locked, forbidden, seat, "
            "apart, together, lower or upper."
        )


def _section(record: Mapping[str, Any], name: str, place: str) -> Mapping[str, Any]:
    section = record.get(name, {})
    if not isinstance(section, Mapping):
        raise ValueError(  # noqa: TRY004 - a fault of the file
            f"{place}, {name}: {section!r} is no table. Write [{name}] and lines below."
        )
    return section


def _district(value: object, place: str) -> int:
    """Return the number of a district."""
    try:
        number = int(str(value))
    except ValueError:
        number = -1
    if number < 0 or isinstance(value, bool):
        raise ValueError(f"{place}: {value!r} is no district. Districts are numbered from 0.")
    return number


def _unit_lists(record: Mapping[str, Any], name: str, place: str) -> tuple[tuple[str, ...], ...]:
    """Return lists of at least two units."""
    lists = record.get(name, [])
    usable = isinstance(lists, list) and all(isinstance(units, list) for units in lists)
    if not usable or any(len(set(map(str, units))) < 2 for units in lists):
        raise ValueError(
            f'{place}, {name}: {lists!r} not understood. Write {name} = [["unit", "unit"], ...], '
            "each list with two units or more that differ."
        )
    return tuple(tuple(map(str, units)) for units in lists)


def _district_bounds(
    section: Mapping[str, Any], place: str
) -> tuple[dict[int, dict[str, float]], dict[int, dict[str, float]]]:
    """Own lower and upper bounds of districts."""
    bounds: dict[str, dict[int, dict[str, float]]] = {"lower": {}, "upper": {}}
    for key, given in section.items():
        where = f"{place}, districts.{key}"
        district = _district(key, where)
        if not isinstance(given, Mapping) or not set(given) <= set(_BOUNDS):
            raise ValueError(f"{where}: {given!r} not understood. Give lower and upper.")
        for name, value in given.items():
            by_weight = value if isinstance(value, Mapping) else {"": value}
            bounds[name][district] = {
                str(weight): _amount(amount, f"{where}.{name}")
                for weight, amount in by_weight.items()
            }
    return bounds["lower"], bounds["upper"]


def _amount(value: object, place: str) -> float:
    try:
        amount = float(str(value))
    except ValueError:
        amount = np.nan
    if not (np.isfinite(amount) and amount >= 0) or isinstance(value, bool):
        raise ValueError(f"{place}: {value!r} is not a number of at least 0.")
    return amount
