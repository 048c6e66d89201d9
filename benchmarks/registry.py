"""Cases and methods register themselves; a new one is a file in ``cases/`` or ``methods/``."""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .ask import Answer, Ask

Load = Callable[[Path], Any]
Run = Callable[[Any, "Ask"], "Answer"]
Check = Callable[[Any, Any], tuple[float, list[str]]]
FindBest = Callable[[Path], "Known | None"]

_OWN = ("cases", "methods", "checks")


class MissingDataError(ValueError):
    """A case needs a file that is not there; says where it can be had."""


@dataclass(frozen=True)
class Known:
    """Best value that is known of a case, whether it is proven, and who says so."""

    value: float
    is_optimal: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """
    One instance.

    Parameters
    ----------
    name
        Unique name, such as ``p-median/pmed1``.
    family
        Kind of problem; a family has one check and any number of methods.
    load
        Makes the problem; takes the folder with published instances.
    size
        Its size in its own words: clients, sites, units, districts, ...
    tags
        Suites that it belongs to, and whatever else it may be chosen by.
    best_known, best_is_optimal, source
        Best value that is known, whether it is proven, and who says so.
    find_best
        Finds that value in the folder of published instances, where it is not given.
    needs
        Path of the file inside the folder of published instances; "" for a generated case.
    where
        Where that file can be had.
    target_seconds
        Seconds within which a proof is aimed at; None where nothing is aimed at.
    time_limit
        Time limit of its own, in seconds, for suites that leave it to the cases.
    """

    name: str
    family: str
    load: Load
    size: Mapping[str, int]
    tags: frozenset[str] = frozenset()
    best_known: float | None = None
    best_is_optimal: bool = False
    source: str = ""
    find_best: FindBest | None = None
    needs: str = ""
    where: str = ""
    target_seconds: float | None = None
    time_limit: float | None = None

    def problem(self, data: Path | None) -> Any:  # noqa: ANN401 - each family has its own
        """
        Make or load the problem.

        Raises
        ------
        MissingDataError
            If its file is not there.
        """
        missing = self.missing(data)
        if missing:
            raise MissingDataError(missing)
        return self.load(data or Path())

    def with_best(self, data: Path | None) -> Case:
        """Return the case with the best known value of the folder, if that has one."""
        if self.find_best is None or data is None or self.missing(data):
            return self
        known = self.find_best(data)
        if known is None:
            return self
        return replace(
            self, best_known=known.value, best_is_optimal=known.is_optimal, source=known.source
        )

    def missing(self, data: Path | None) -> str:
        """Say why the case cannot be loaded; "" if it can."""
        if not self.needs:
            return ""
        if data is None:
            return f"{self.name} needs {self.needs}: name a folder with --data ({self.where})"
        if not (data / self.needs).exists():
            return f"{self.name} needs {data / self.needs}, which is not there ({self.where})"
        return ""


@dataclass(frozen=True, kw_only=True)
class Method:
    """
    One way to solve: a formulation with an engine, or a peer.

    Parameters
    ----------
    name
        Unique name.
    families
        Families that it takes.
    run
        Solves a problem under the limits of an :class:`~.ask.Ask`.
    solvers
        Backends that it runs on; ("",) if it has none to choose.
    default_solvers
        Those that a run takes if it names none; all if empty.
    largest
        Largest size that it is tried on, by word of :attr:`Case.size`.
    requires
        Modules that must be importable; they are imported before the clock runs.
    load
        Loads what a problem needs beside them, before the clock runs; None for nothing.
    is_peer
        Whether it stands for somebody else's software or plain model.
    """

    name: str
    families: frozenset[str]
    run: Run
    solvers: tuple[str, ...] = ("",)
    default_solvers: tuple[str, ...] = ()
    largest: Mapping[str, int] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    load: Callable[[Any], None] | None = None
    is_peer: bool = False

    def refusal(self, case: Case) -> str:
        """Say why the method is not tried on a case; "" if it is."""
        for word, most in self.largest.items():
            if case.size.get(word, 0) > most:
                return f"{self.name} is tried up to {most:,} {word}, {case.name} has more"
        return ""

    def absent(self) -> str:
        """Say which module it lacks; "" if none."""
        lacking = [name for name in self.requires if importlib.util.find_spec(name) is None]
        return f"{self.name} needs {', '.join(lacking)}, which is not installed" if lacking else ""


@dataclass
class Registry:
    """What is known: cases and methods by name, checks by family."""

    cases: dict[str, Case] = field(default_factory=dict)
    methods: dict[str, Method] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)

    def add_case(self, case: Case) -> Case:
        """
        Add a case.

        Raises
        ------
        ValueError
            If there is another of that name.
        """
        if self.cases.setdefault(case.name, case) is not case:
            raise ValueError(f"There are two cases {case.name}; give one of them another name.")
        return case

    def add_method(self, method: Method) -> Method:
        """
        Add a method; several may share a name if they take different families.

        Raises
        ------
        ValueError
            If there is another of that name for one of its families.
        """
        namesakes = [one for one in self.methods.values() if one.name == method.name]
        if any(one.families & method.families for one in namesakes):
            raise ValueError(f"There are two methods {method.name}; give one another name.")
        key = f"{method.name} ({min(method.families)})" if namesakes else method.name
        self.methods[key] = method
        return method

    def method_of(self, name: str, family: str) -> Method:
        """
        Return the method of that name for a family.

        Raises
        ------
        ValueError
            If there is none.
        """
        for method in self.methods.values():
            if method.name == name and family in method.families:
                return method
        raise ValueError(f"There is no method {name} for {family}.")

    def add_check(self, family: str, check: Check) -> None:
        """
        Add the check of a family: problem and solution to objective and broken rules.

        Raises
        ------
        ValueError
            If the family has a check already.
        """
        if self.checks.setdefault(family, check) is not check:
            raise ValueError(f"Family {family} has a check already.")

    def cases_like(self, patterns: Sequence[str]) -> list[Case]:
        """Cases whose name fits one of the patterns, in order of name."""
        return [case for name, case in sorted(self.cases.items()) if _fits(name, patterns)]

    def methods_like(self, patterns: Sequence[str]) -> list[Method]:
        """Methods whose name fits one of the patterns."""
        return [method for method in self.methods.values() if _fits(method.name, patterns)]


REGISTRY = Registry()
"""Everything that has registered itself."""

register_case = REGISTRY.add_case
register_method = REGISTRY.add_method
register_check = REGISTRY.add_check


def discover(plugins: Sequence[Path] = ()) -> Registry:
    """
    Import all cases, methods and checks of the suite, and those in files of the user.

    Parameters
    ----------
    plugins
        Python files that register cases, methods or checks of their own.

    Raises
    ------
    ValueError
        If a file is not there or cannot be imported.
    """
    for folder in _OWN:
        package = importlib.import_module(f".{folder}", __package__)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f".{folder}.{module.name}", __package__)
    for path in plugins:
        _import_file(path)
    return REGISTRY


def _import_file(path: Path) -> None:
    name = f"shequ_plugin:{path.resolve()}"
    if name in sys.modules:
        return
    spec = importlib.util.spec_from_file_location(name, path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file; name one that registers cases or methods.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(f"{path} cannot be imported: {error}") from error


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
