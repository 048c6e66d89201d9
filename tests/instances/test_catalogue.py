"""The catalogue of services: what comes with shequ, files of one's own, and their faults."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from shequ.instances.catalogue import (
    CatalogueError,
    Service,
    builtin_catalogue,
    builtin_text,
    load_catalogue,
)

CLINIC = """
[[service]]
id = "clinic"
name_zh = "诊所"
name_en = "clinic"
category = "medical"
role = "specialised"
level = "street"
target = "all"
reach_minutes = { value = 12, source = "OWN", confidence = "assumed" }
covers = ["health_station"]

[sources.OWN]
title = "本街道"
title_en = "our street"
year = 2026
"""


def written(tmp_path: Path, text: str) -> Path:
    """Write a catalogue."""
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    """Return what is said of a catalogue that cannot be used."""
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(written(tmp_path, text))
    return str(caught.value)


def test_every_category_role_and_level_is_there() -> None:
    """Eight categories, three roles, three levels."""
    services = builtin_catalogue().service
    assert len({service.category for service in services}) == 8
    assert {service.role for service in services} == {"main", "specialised", "point"}
    assert {service.level for service in services} == {"point", "community", "street"}


def test_every_figure_has_a_source_and_a_confidence() -> None:
    """What was not read in its source is marked; what the programme itself says is confirmed."""
    catalogue = builtin_catalogue()
    station = catalogue["comprehensive_station"]
    assert station.area_per_100_households_m2 is not None
    assert station.area_per_100_households_m2.value == 80
    assert station.area_per_100_households_m2.confidence == "confirmed"
    doubtful = {(service_id, name) for service_id, name, _ in catalogue.recalled()}
    assert ("kindergarten", "min_area_m2") in doubtful
    assert ("elderly_daycare", "tiers[1].area_m2") in doubtful
    assert ("nursing_home", "places_per_1000_of_target") not in doubtful
    for service in catalogue.service:
        for figure in service.figures.values():
            assert catalogue.sources[figure.source].title


def test_sharing_holds_both_ways() -> None:
    """It is said once, at one of the two."""
    catalogue = builtin_catalogue()
    assert catalogue.may_share("nursery", "comprehensive_station")
    assert catalogue.may_share("comprehensive_station", "nursery")
    assert not catalogue.may_share("nursery", "primary_school")
    with pytest.raises(KeyError, match="casino"):
        catalogue["casino"]


def test_a_copy_of_the_builtin_text_is_the_builtin_catalogue(tmp_path: Path) -> None:
    """Whoever writes it out and reads it back changes nothing."""
    assert load_catalogue(written(tmp_path, builtin_text())) == builtin_catalogue()


def test_a_file_replaces_the_fields_that_it_names(tmp_path: Path) -> None:
    """All others of the service, and all other services, stay."""
    own = """
    [[service]]
    id = "nursery"
    reach_minutes = { value = 8, source = "S20", confidence = "assumed" }
    """
    nursery = load_catalogue(written(tmp_path, own))["nursery"]
    before = builtin_catalogue()["nursery"]
    assert nursery.reach_minutes is not None
    assert nursery.reach_minutes.value == 8
    assert nursery.model_copy(update={"reach_minutes": before.reach_minutes}) == before
    assert len(load_catalogue(written(tmp_path, own)).service) == len(builtin_catalogue().service)


def test_services_are_added_and_removed(tmp_path: Path) -> None:
    """What refers to a removed one no longer does."""
    own = load_catalogue(written(tmp_path, 'remove = ["parcel", "market"]\n' + CLINIC))
    ids = [service.id for service in own.service]
    assert "clinic" in ids
    assert "parcel" not in ids
    assert "parcel" not in own["comprehensive_station"].shares
    assert own.sources["OWN"].title_en == "our street"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version = 2", "version: Input should be 1"),
        ('remove = ["casino"]', "removes casino, which there is not; known are comprehensive"),
        ("remove = 3", 'write remove = ["id", ...]'),
        ("service = 3", r"write each service as [[service]]"),
        ('[[service]]\nname_en = "x"', r"[[service]] number 1 has no id"),
        ('[[service]]\nid = "new"', "service new.name_zh is missing"),
        ('[[service]]\nid = "nursery"\ncolour = 1', "service nursery.colour is not a field"),
        ('[[service]]\nid = "nursery"\nlevel = "city"', "service nursery.level: Input should be"),
        (
            (
                '[[service]]\nid = "nursery"\nmin_area_m2 = { value = -1, source = "S20", '
                'confidence = "assumed" }'
            ),
            "service nursery.min_area_m2.value: Input should be greater than or equal to 0",
        ),
        (
            (
                '[[service]]\nid = "nursery"\nmin_area_m2 = { value = 1, source = "S99", '
                'confidence = "assumed" }'
            ),
            "nursery.min_area_m2: source S99 is not among [sources]",
        ),
        ('[[service]]\nid = "nursery"\nmin_area_m2 = 200', "service nursery.min_area_m2: Input"),
        ('[[service]]\nid = "nursery"\nages = [3, 3]', "ages [3.0, 3.0] should be [from, below]"),
        ('[[service]]\nid = "nursery"\nshares = ["casino"]', "nursery.shares names casino, which"),
        ('[[service]]\nid = "nursery"\ncovers = ["nursery"]', "nursery.covers names itself"),
        (
            '[[service]]\nid = "health_station"\ncovers = ["health_centre"]',
            "health_station covers services that cover it in turn",
        ),
        (
            (
                '[[service]]\nid = "health_station"\nmax_area_m2 = { value = 100, source = "S20", '
                'confidence = "assumed" }'
            ),
            "min_area_m2 120 is above max_area_m2 100",
        ),
        (CLINIC.replace('"clinic"', '"My, Clinic"', 1), "an id has no capitals, commas"),
        (CLINIC.replace('target = "all"', 'target = "child"'), 'target = "child" wants ages'),
        ('[[servis]]\nid = "x"', "servis is not a field"),
        ("version = = 1", "is not TOML"),
    ],
)
def test_faults_are_named(text: str, message: str, tmp_path: Path) -> None:
    """The message names file, service, field and what to do."""
    said = refusal(tmp_path, text)
    assert message in said
    assert "own.toml" in said


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    """Two wrong services, two lines."""
    said = refusal(
        tmp_path,
        '[[service]]\nid = "nursery"\nshares = ["x"]\n[[service]]\nid = "market"\ncovers = ["y"]',
    )
    assert "nursery.shares names x" in said
    assert "market.covers names y" in said


def test_tiers_rise() -> None:
    """Ranges of residents that overlap are refused."""
    figure = {"value": 1.0, "source": "S20", "confidence": "assumed"}
    entry = tomllib.loads(CLINIC)["service"][0]
    tiers = [{"residents": [0, 10], "area_m2": figure}, {"residents": [5, 20], "area_m2": figure}]
    with pytest.raises(ValueError, match=r"residents \[5.0, 20.0\] should rise and not overlap"):
        Service.model_validate(entry | {"tiers": tiers})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """As is a folder in its place."""
    with pytest.raises(CatalogueError, match=r"none\.toml does not exist"):
        load_catalogue(tmp_path / "none.toml")
    with pytest.raises(CatalogueError, match="cannot be read"):
        load_catalogue(tmp_path)
