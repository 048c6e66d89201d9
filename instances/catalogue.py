"""
The catalogue of community services: what there is, for whom, how large and how near.

A catalogue is data that a user edits: a TOML file of services, each figure with its source and how
sure it is. What a file names replaces the built-in entry of the same id, field by field.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from .policy_sections import PolicySection
from .services import service_ids

VERSION = 1
"""Version of the form of a catalogue."""

Category = Literal[
    "governance", "shopping", "medical", "education", "leisure", "domestic", "elderly", "child"
]
Confidence = Literal["confirmed", "recalled", "assumed"]
Range = Annotated[tuple[float, float], Field(strict=False)]
Ids = Annotated[tuple[str, ...], Field(strict=False)]


class CatalogueError(ValueError):
    """A catalogue that cannot be used: every fault of it, one a line."""


class Source(PolicySection):
    """Where figures come from."""

    title: str
    title_en: str
    year: int = Field(ge=1900, le=2100)


class Figure(PolicySection):
    """One number, where it comes from and how sure it is."""

    value: float = Field(ge=0)
    source: str
    confidence: Confidence
    note: str = ""


class Tier(PolicySection):
    """Floor area for a range of residents."""

    residents: Range
    area_m2: Figure


class Service(PolicySection):
    """One kind of service."""

    id: str
    name_zh: str
    name_en: str
    category: Category
    role: Literal["main", "specialised", "point"]
    level: Literal["point", "community", "street"]
    target: Literal["all", "child", "elderly"]
    ages: Range | None = None
    min_area_m2: Figure | None = None
    max_area_m2: Figure | None = None
    min_site_m2: Figure | None = None
    area_per_100_households_m2: Figure | None = None
    area_per_1000_residents_m2: Figure | None = None
    places_per_1000_residents: Figure | None = None
    places_per_1000_of_target: Figure | None = None
    area_per_place_m2: Figure | None = None
    reach_minutes: Figure | None = None
    number_per_place: Figure | None = None
    workers_per_10000_residents: Figure | None = None
    seats_per_1000_residents: Figure | None = None
    tiers: Annotated[tuple[Tier, ...], Field(strict=False)] = ()
    shares: Ids = ()
    covers: Ids = ()
    extends: str = ""
    aliases: Ids = ()

    @property
    def names(self) -> dict[str, str]:
        """Its name by language."""
        return {"en": self.name_en, "zh": self.name_zh}

    @property
    def figures(self) -> dict[str, Figure]:
        """All figures that are given, by name; those of tiers too."""
        found = {name: value for name, value in self if isinstance(value, Figure)}
        return found | {
            f"tiers[{place}].area_m2": tier.area_m2 for place, tier in enumerate(self.tiers)
        }

    @model_validator(mode="after")
    def _ranges_run_upwards(self) -> Self:
        least, most = self.min_area_m2, self.max_area_m2
        if least is not None and most is not None and least.value > most.value:
            raise ValueError(f"min_area_m2 {least.value:g} is above max_area_m2 {most.value:g}")
        if self.ages is not None and not 0 <= self.ages[0] < self.ages[1]:
            raise ValueError(f"ages {list(self.ages)} should be [from, below] with from < below")
        if self.target != "all" and self.ages is None:
            raise ValueError(f'target = "{self.target}" wants ages = [from, below]')
        end = 0.0
        for tier in self.tiers:
            if not end <= tier.residents[0] < tier.residents[1]:
                raise ValueError(
                    f"tiers: residents {list(tier.residents)} should rise and not overlap"
                )
            end = tier.residents[1]
        return self


class Indicator(PolicySection):
    """Floor area that several services of a category must have together."""

    id: str
    name_zh: str
    name_en: str
    category: Category
    area_per_100_households_m2: Figure

    @property
    def figures(self) -> dict[str, Figure]:
        """Its one figure, by name."""
        return {"area_per_100_households_m2": self.area_per_100_households_m2}


class Circle(PolicySection):
    """A circle of daily life: what a walk of so many minutes reaches."""

    minutes: float = Field(gt=0)
    source: str
    confidence: Confidence
    metres: Range
    residents: Range
    homes: Range
    facility_m2_per_1000: Range


class Catalogue(PolicySection):
    """All services, with the sources of their figures."""

    version: Literal[1]
    sources: dict[str, Source]
    service: Annotated[tuple[Service, ...], Field(strict=False)]
    indicator: Annotated[tuple[Indicator, ...], Field(strict=False)] = ()
    circle: Annotated[tuple[Circle, ...], Field(strict=False)] = ()

    def __getitem__(self, service_id: str) -> Service:
        """Return the service of an id."""
        for service in self.service:
            if service.id == service_id:
                return service
        raise KeyError(service_id)

    @property
    def entries(self) -> tuple[Service | Indicator, ...]:
        """Services and indicators: all that has an id and figures."""
        return (*self.service, *self.indicator)

    def may_share(self, one: str, other: str) -> bool:
        """
        Whether two services may be in the same building.

        A service and all that it lists are a group: each of them may be with each other.
        """
        return any(
            {one, other} <= {service.id, *service.shares}
            for service in self.service
            if service.shares
        )

    @cached_property
    def names(self) -> dict[str, str]:
        """Id of the service that each id or alias means, in the spelling of :mod:`.services`."""
        return {
            name: service.id
            for service in self.service
            for text in (service.id, *service.aliases)
            for name in service_ids(text)
        }

    def recalled(self) -> Iterator[tuple[str, str, Figure]]:
        """Figures that want to be verified: id of the service or indicator, name, figure."""
        for entry in self.entries:
            for name, figure in entry.figures.items():
                if figure.confidence == "recalled":
                    yield entry.id, name, figure


def builtin_text() -> str:
    """Return the catalogue that comes with shequ, as TOML."""
    return Path(__file__).with_name("catalogue.toml").read_text(encoding="utf-8")


@cache
def builtin_catalogue() -> Catalogue:
    """Return the catalogue that comes with shequ."""
    return _catalogue(tomllib.loads(builtin_text()), origin="that comes with shequ")


def load_catalogue(path: Path | str | None = None) -> Catalogue:
    """
    Read a catalogue; what the file does not name keeps its built-in value.

    Parameters
    ----------
    path
        TOML file; None for the built-in catalogue. A ``[[service]]`` with the id of a built-in one
        replaces the fields that it names; one with another id is new and must be whole. ``remove =
        ["market"]`` takes services out. ``[[indicator]]`` and ``[[circle]]`` replace all built-in
        ones.

    Raises
    ------
    CatalogueError
        If the file is missing or not TOML, or an entry cannot be used; all faults in one message.

    Examples
    --------
    >>> load_catalogue()["kindergarten"].min_area_m2.value
    2200.0
    """
    if path is None:
        return builtin_catalogue()
    place = Path(path)
    try:
        content = tomllib.loads(place.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise CatalogueError(f"The catalogue {place} does not exist; check the path.") from None
    except (IsADirectoryError, UnicodeDecodeError) as error:
        raise CatalogueError(f"The catalogue {place} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"The catalogue {place} is not TOML: {error}.") from None
    return _catalogue(_merged(content, str(place)), origin=str(place))


def _merged(content: Mapping[str, Any], origin: str) -> dict[str, Any]:
    """Lay the content of a file over the built-in catalogue."""
    base = tomllib.loads(builtin_text())
    own, removed = content.get("service", []), content.get("remove", [])
    _check_entries(own, removed, origin)
    services = {entry["id"]: entry for entry in base["service"]}
    unknown = [name for name in removed if name not in services]
    if unknown:
        raise CatalogueError(
            f"The catalogue {origin} removes {', '.join(map(str, unknown))}, which there is not; "
            f"known are {', '.join(services)}."
        )
    for name in removed:
        del services[name]
    for entry in own:
        services[entry["id"]] = services.get(entry["id"], {}) | entry
    for entry in services.values():
        for field in ("shares", "covers"):
            if field in entry and isinstance(entry[field], list):
                entry[field] = [name for name in entry[field] if name not in removed]
        if entry.get("extends") in removed:
            raise CatalogueError(
                f"The catalogue {origin} removes {entry['extends']}, which {entry['id']} extends; "
                "remove that too."
            )
    rest = {key: value for key, value in content.items() if key not in {"service", "remove"}}
    sources = base["sources"] | dict(rest.pop("sources", {}))
    return base | rest | {"sources": sources, "service": list(services.values())}


def _check_entries(own: object, removed: object, origin: str) -> None:
    """Refuse services without an id, and lists that are none."""
    if not isinstance(own, list) or not all(isinstance(entry, dict) for entry in own):
        raise CatalogueError(f"The catalogue {origin}: write each service as [[service]].")
    if not isinstance(removed, list):
        raise CatalogueError(f'The catalogue {origin}: write remove = ["id", ...].')
    for place, entry in enumerate(own):
        if not isinstance(entry.get("id"), str):
            raise CatalogueError(
                f"The catalogue {origin}: [[service]] number {place + 1} has no id."
            )


def _catalogue(content: Mapping[str, Any], *, origin: str) -> Catalogue:
    """Validate, or raise every fault at once."""
    try:
        catalogue = Catalogue.model_validate(content)
    except ValidationError as error:
        faults = [_fault(dict(item), content) for item in error.errors()]
    else:
        faults = list(_faults(catalogue))
        if not faults:
            return catalogue
    lines = "\n".join(f"  - {fault}" for fault in faults)
    raise CatalogueError(f"The catalogue {origin} cannot be used:\n{lines}")


def _fault(item: Mapping[str, Any], content: Mapping[str, Any]) -> str:
    """One fault that pydantic found, in words."""
    place = list(item["loc"])
    if place and place[0] in {"service", "indicator"} and len(place) > 1:
        entries = content[place[0]]
        name = entries[place[1]].get("id", f"number {place[1] + 1}")
        place = [f"{place[0]} {name}", *place[2:]]
    where = ".".join(str(part) for part in place)
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        return f"{where} is not a field"
    if item["type"] == "missing":
        return f"{where} is missing"
    return f"{where}: {message}"


def _faults(catalogue: Catalogue) -> Iterator[str]:
    """Find what single entries cannot tell: ids, sources, and who refers to whom."""
    yield from _unsourced(catalogue)
    ids = [service.id for service in catalogue.service]
    for name in (entry.id for entry in catalogue.entries):
        if service_ids(name) != (name,):
            yield f'service "{name}": an id has no capitals, commas or semicolons'
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"service {name} is there {ids.count(name)} times"
    for service in catalogue.service:
        for field in ("shares", "covers"):
            others = getattr(service, field)
            lost = [name for name in others if name not in ids]
            yield from (f"{service.id}.{field} names {name}, which there is not" for name in lost)
            if service.id in others:
                yield f"{service.id}.{field} names itself"
        yield from _extension(catalogue, service)
    yield from _ambiguous(catalogue)
    yield from _circular(catalogue)


def _extension(catalogue: Catalogue, service: Service) -> Iterator[str]:
    """Find a point that extends what it cannot."""
    if not service.extends:
        return
    others = {other.id: other for other in catalogue.service}
    main = others.get(service.extends)
    if main is None:
        yield f"{service.id}.extends names {service.extends}, which there is not"
    elif main.extends or main is service:
        yield f"{service.id}.extends names {service.extends}, which is a point itself"
    if service.role != "point":
        yield f'{service.id}.extends wants role = "point", not {service.role}'


def _ambiguous(catalogue: Catalogue) -> Iterator[str]:
    """Find names that mean several services."""
    owner: dict[str, str] = {}
    for service in catalogue.service:
        for text in (service.id, *service.aliases):
            if len(service_ids(text)) != 1:
                yield f'{service.id}.aliases: "{text}" should be one name without ; and ,'
            for name in service_ids(text):
                if owner.setdefault(name, service.id) != service.id:
                    yield f"{service.id}.aliases: {name} means {owner[name]} already"


def _unsourced(catalogue: Catalogue) -> Iterator[str]:
    """Find figures whose source is not told."""
    used = [
        (f"{entry.id}.{name}", figure.source)
        for entry in catalogue.entries
        for name, figure in entry.figures.items()
    ]
    used += [
        (f"circle of {circle.minutes:g} minutes", circle.source) for circle in catalogue.circle
    ]
    for place, source in used:
        if source not in catalogue.sources:
            yield f"{place}: source {source} is not among [sources]"


def _circular(catalogue: Catalogue) -> Iterator[str]:
    """Find services that cover each other: none of them would ever be needed."""
    covers = {service.id: set(service.covers) for service in catalogue.service}
    for service_id, own in covers.items():
        seen, waiting = set[str](), [service_id]
        while waiting:
            for name in covers.get(waiting.pop(), set()) - seen:
                seen.add(name)
                waiting.append(name)
        if service_id in seen and service_id not in own:
            yield f"{service_id} covers services that cover it in turn"
