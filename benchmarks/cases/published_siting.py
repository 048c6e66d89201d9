"""Published siting instances, read from where the user has them; values from its ``optima.csv``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ...instances.readers import capacitated, mclp, orlib, tsplib
from ...instances.readers.optima import Optimum, read_optima
from ..registry import Case, Known, register_case

Read = Callable[[Path], Any]
ORLIB = "the OR-Library of J. E. Beasley"
FOLDER = "siting"


@functools.cache
def _optima(folder: Path) -> dict[tuple[str, str, int | None], Optimum]:
    return read_optima(folder) if (folder / "optima.csv").is_file() else {}


def find_best(
    data: Path, *, families: tuple[str, ...], instance: str, p: int | None
) -> Known | None:
    """Look a published value up, with p or without."""
    optima = _optima(data / FOLDER)
    for family in families:
        for key in ((family, instance, p), (family, instance, None)):
            if key in optima:
                found = optima[key]
                return Known(found.value, found.proven, found.source)
        same = [value for (f, name, _), value in optima.items() if (f, name) == (family, instance)]
        if p is None and len(same) == 1:
            return Known(same[0].value, same[0].proven, same[0].source)
    return None


def add(
    family: str,
    name: str,
    file: str,
    read: Read,
    *,
    size: dict[str, int],
    optima: tuple[str, ...],
    instance: str,
    p: int | None = None,
    where: str = ORLIB,
    tags: tuple[str, ...] = (),
) -> None:
    """Register one published instance."""

    def load(data: Path) -> Any:  # noqa: ANN401 - each family has its own
        return read(data / FOLDER / file)

    register_case(
        Case(
            name=f"{family}/{name}",
            family=family,
            load=load,
            size=size,
            tags=frozenset({"published", *tags}),
            find_best=partial(find_best, families=optima, instance=instance, p=p),
            needs=f"{FOLDER}/{file}",
            where=where,
        )
    )


# number of nodes, then p, as tabled by Beasley (1985), "A note on solving large p-median problems"
PMED: tuple[tuple[int, tuple[int, ...]], ...] = (
    (100, (5, 10, 10, 20, 33)),
    (200, (5, 10, 20, 40, 67)),
    (300, (5, 10, 30, 60, 100)),
    (400, (5, 10, 40, 80, 133)),
    (500, (5, 10, 50, 100, 167)),
    (600, (5, 10, 60, 120, 200)),
    (700, (5, 10, 70, 140)),
    (800, (5, 10, 80)),
    (900, (5, 10, 90)),
)
SHORT_PMED = 10


def _add_pmed() -> None:
    number = 0
    for nodes, all_p in PMED:
        for p in all_p:
            number += 1
            tags = ("short",) if number <= SHORT_PMED else ()
            for family, reader, key in (
                ("p-median", orlib.read_p_median, "pmedian"),
                ("p-center", orlib.read_p_center, "pcenter"),
            ):
                add(
                    family,
                    f"pmed{number:02}",
                    f"pmedian_orlib/pmed{number}.txt",
                    reader,
                    size={"clients": nodes, "sites": nodes},
                    optima=(key,),
                    instance=f"pmed{number}",
                    p=p,
                    tags=tags,
                )


def _add_tsplib() -> None:
    for instance, nodes, all_p in (
        ("rl1304", 1304, (5, 10, 20, 50, 100, 200, 300, 400, 500)),
        ("vm1748", 1748, (10, 100, 200)),
    ):
        for p in all_p:
            add(
                "p-median",
                f"{instance}-p{p:03}",
                f"tsplib/{instance}.tsp",
                partial(tsplib.read_p_median, p=p, rounding="floor"),
                size={"clients": nodes, "sites": nodes},
                optima=("pmedian_tsplib",),
                instance=instance,
                p=p,
                where="TSPLIB of G. Reinelt",
            )


def _add_warehouses() -> None:
    sites = {4: 16, 5: 16, 6: 16, 7: 16, 8: 25, 9: 25, 10: 25, 11: 50, 12: 50, 13: 50}
    for group, num_sites in sites.items():
        members = (1,) if group == 5 else (1, 2, 3, 4)
        for member in members:
            instance = f"cap{group}{member}"
            tags = ("short",) if member == 1 else ()
            size = {"clients": 50, "sites": num_sites}
            file = f"cfl_orlib/{instance}.txt"
            add(
                "capacitated", instance, file, orlib.read_capacitated, size=size,
                optima=("cfl",), instance=instance, tags=tags,
            )  # fmt: skip
            if group in {7, 10, 13}:
                add(
                    "uncapacitated", instance, file, orlib.read_uncapacitated, size=size,
                    optima=("ufl",), instance=instance, tags=tags,
                )  # fmt: skip
    for letter in "abc":
        add(
            "uncapacitated",
            f"cap{letter}",
            f"cfl_orlib/cap{letter}.txt",
            orlib.read_uncapacitated,
            size={"clients": 1000, "sites": 100},
            optima=("ufl",),
            instance=f"cap{letter}",
        )


def _add_single_source() -> None:
    for number, (clients, sites) in {
        1: (50, 10),
        13: (50, 20),
        25: (150, 30),
        56: (200, 30),
    }.items():
        add(
            "single-source",
            f"holmberg-p{number:02}",
            f"sscflp_holmberg/p{number}",
            capacitated.read_single_source,
            size={"clients": clients, "sites": sites},
            optima=("sscflp_holmberg",),
            instance=f"p{number}",
            where="Holmberg, Rönnqvist and Yuan (1999)",
            tags=("short",) if number < 25 else (),
        )


def _add_capacitated_p_median() -> None:
    for number in range(1, 21):
        clients = 50 if number <= 10 else 100
        add(
            "capacitated-p-median",
            f"cpmp{number:02}",
            f"cpmp_orlib/cpmp{number:02}.txt",
            partial(capacitated.read_capacitated_p_median, rounding="floor"),
            size={"clients": clients, "sites": clients},
            optima=("cpmp",),
            instance=f"cpmp{number:02}",
            tags=("short",) if number <= 3 else (),
        )


def _add_covering() -> None:
    for group, rows, columns in ((4, 200, 1000), (5, 200, 2000), (6, 200, 1000)):
        for member in range(1, 6 if group == 6 else 11):
            instance = f"scp{group}{member}"
            add(
                "set-covering",
                instance,
                f"setcover_orlib/{instance}.txt",
                orlib.read_set_covering,
                size={"clients": rows, "sites": columns},
                optima=("setcover",),
                instance=instance,
                tags=("short",) if member <= 2 else (),
            )
    for p in (50, 70, 100):
        add(
            "maximal-covering",
            f"bronx-r600-p{p:03}",
            "mclp_cities/Bronx.txt",
            partial(mclp.read_city, radius_m=600, p=p),
            size={"clients": 3839, "sites": 3839},
            optima=("mclp",),
            instance="Bronx_r600",
            p=p,
            where="Máximo, Cordeau and Nascimento (2023)",
        )


for register in (
    _add_pmed,
    _add_tsplib,
    _add_warehouses,
    _add_single_source,
    _add_capacitated_p_median,
    _add_covering,
):
    register()
