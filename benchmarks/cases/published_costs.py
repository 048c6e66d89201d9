"""Published siting instances with fixed costs or capacities; see :mod:`.published_siting`."""

from __future__ import annotations

from functools import partial

from ...instances.readers import capacitated, orlib
from .published_siting import add

KRATICA = "Kratica, Tošić, Filipović and Ljubić (2001)"
LORENA = "Lorena and Senne (2004)"

HOLMBERG_SECONDS = 5.0
CAPACITATED_MEDIAN_SECONDS = 60.0
COSTS_LIMIT = 300.0
"""Limit in seconds of instances that are only to be proven, in whatever time."""

WAREHOUSES = {4: 16, 5: 16, 6: 16, 7: 16, 8: 25, 9: 25, 10: 25, 11: 50, 12: 50, 13: 50}
"""Sites of the groups cap4* to cap13*."""

LARGE_CAPACITIES = {
    "capa": (8000, 10000, 12000, 14000),
    "capb": (5000, 6000, 7000, 8000),
    "capc": (5000, 5750, 6500, 7250),
}

Sizes = tuple[tuple[range, int, int], ...]
"""Numbers of instances, with their clients and sites."""

HOLMBERG: Sizes = (
    (range(1, 13), 50, 10), (range(13, 25), 50, 20), (range(25, 41), 150, 30),
    (range(41, 50, 3), 90, 10), (range(42, 50, 3), 80, 20), (range(43, 50, 3), 70, 30),
    (range(50, 56, 2), 100, 10), (range(51, 56, 2), 100, 20), (range(56, 72), 200, 30),
)  # fmt: skip
YANG: Sizes = (
    (range(1, 6), 200, 30), (range(6, 11), 200, 60), (range(11, 16), 300, 60),
    (range(16, 21), 400, 80),
)  # fmt: skip
SINGLE_ORLIB: Sizes = ((range(1, 9), 50, 16), (range(9, 17), 50, 25), (range(17, 25), 50, 50))
DELMAIRE: Sizes = (
    (range(1, 7), 20, 10), (range(7, 18), 30, 15), (range(18, 26), 40, 20),
    (range(26, 34), 50, 20), (range(34, 42), 60, 30), (range(42, 50), 75, 30),
    (range(50, 58), 90, 30),
)  # fmt: skip
SINGLE_SOURCE: dict[str, tuple[str, Sizes, float | None]] = {
    "holmberg": ("Holmberg, Rönnqvist and Yuan (1999)", HOLMBERG, HOLMBERG_SECONDS),
    "orlib": ("the OR-Library of J. E. Beasley", SINGLE_ORLIB, None),
    "yang": ("Yang, Chu and Chen (2012)", YANG, None),
    "delmaire": ("Delmaire, Díaz, Fernández and Ortega (1999)", DELMAIRE, None),
}
"""Source, sizes and target of each set."""

KRATICA_SIZES = {"o": 100, "p": 200, "q": 300, "r": 500}
SJC = {"1": (100, 10), "2": (200, 15), "3a": (300, 25), "3b": (300, 30), "4a": (402, 30),
       "4b": (402, 40)}  # fmt: skip


def _add_warehouses() -> None:
    for group, sites in WAREHOUSES.items():
        for member in (1,) if group == 5 else (1, 2, 3, 4):
            instance = f"cap{group}{member}"
            tags = ("short",) if member == 1 else ()
            for family, read, key in (
                ("capacitated", orlib.read_capacitated, "cfl"),
                ("uncapacitated", orlib.read_uncapacitated, "ufl"),
            ):
                if key == "ufl" and group not in {7, 10, 13}:
                    continue
                add(
                    family,
                    instance,
                    f"cfl_orlib/{instance}.txt",
                    read,
                    size={"clients": 50, "sites": sites},
                    optima=(key,),
                    instance=instance,
                    tags=tags,
                    time_limit=COSTS_LIMIT,
                )


def _add_large_warehouses() -> None:
    size = {"clients": 1000, "sites": 100}
    for instance, capacities in LARGE_CAPACITIES.items():
        file = f"cfl_orlib/{instance}.txt"
        add(
            "uncapacitated", instance, file, orlib.read_uncapacitated, size=size,
            optima=("ufl",), instance=instance, time_limit=COSTS_LIMIT,
        )  # fmt: skip
        for capacity in capacities:
            add(
                "capacitated",
                f"{instance}-{capacity}",
                file,
                partial(orlib.read_capacitated, capacity=float(capacity)),
                size=size,
                optima=("cfl",),
                instance=f"{instance}:{capacity}",
                time_limit=COSTS_LIMIT,
            )


def _add_kratica() -> None:
    for letter, nodes in KRATICA_SIZES.items():
        for member in range(1, 6):
            instance = f"Kcapm{letter}{member}"
            add(
                "uncapacitated",
                instance.lower(),
                f"ufl_kratica_M/{instance}.txt",
                orlib.read_uncapacitated,
                size={"clients": nodes, "sites": nodes},
                optima=("ufl",),
                instance=instance,
                where=KRATICA,
                time_limit=COSTS_LIMIT,
            )


def _add_single_source() -> None:
    for name, (where, sizes, target) in SINGLE_SOURCE.items():
        for numbers, clients, sites in sizes:
            for number in numbers:
                add(
                    "single-source",
                    f"{name}-p{number:02}",
                    f"sscflp_{name}/p{number}",
                    capacitated.read_single_source,
                    size={"clients": clients, "sites": sites},
                    optima=(f"sscflp_{name}",),
                    instance=f"p{number}",
                    where=where,
                    tags=("short",)
                    if (name, number) in {("holmberg", 1), ("holmberg", 13)}
                    else (),
                    target=target,
                    time_limit=None if target else COSTS_LIMIT,
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
            target=CAPACITATED_MEDIAN_SECONDS,
        )


def _add_lorena() -> None:
    for name, (nodes, _) in SJC.items():
        add(
            "capacitated-p-median",
            f"sjc{name}",
            f"cpmp_lorena_sjc/SJC{name}.dat",
            capacitated.read_capacitated_p_median,
            size={"clients": nodes, "sites": nodes},
            optima=("cpmp",),
            instance=f"SJC{name}",
            where=LORENA,
            target=CAPACITATED_MEDIAN_SECONDS,
        )
    for p in (600, 700, 800, 900, 1000):
        add(
            "capacitated-p-median",
            f"p3038-{p:04}",
            f"cpmp_lorena_p3038/p3038_{p}.dat",
            capacitated.read_capacitated_p_median,
            size={"clients": 3038, "sites": 3038},
            optima=("cpmp",),
            instance=f"p3038_{p}",
            where=LORENA,
            time_limit=600.0,
        )


for register in (
    _add_warehouses,
    _add_large_warehouses,
    _add_kratica,
    _add_single_source,
    _add_capacitated_p_median,
    _add_lorena,
):
    register()
