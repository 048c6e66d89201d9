"""
The solvers by name. To add one: write a backend in a file of its own and name it here.

A backend is anything with the members of :class:`.backend.Backend`; it loads its library inside
its methods, so that naming it costs nothing.
"""

from __future__ import annotations

from .backend import Backend, SolverInfo
from .highs import BROKEN_VERSIONS, Highs
from .ortools_linear import ModelBuilderSolver
from .ortools_mathopt import MathOptSolver
from .pulp_door import PulpSolver
from .scip import Scip

PULP_PREFIX = "pulp:"

BACKENDS: dict[str, Backend] = {
    backend.name: backend
    for backend in (
        Highs(),
        Scip(),
        MathOptSolver("scip"),
        ModelBuilderSolver("highs"),
        ModelBuilderSolver("pdlp"),
        MathOptSolver("cp-sat"),
        PulpSolver("CBC"),
    )
}


def backend_named(name: str) -> Backend:
    """
    Return the backend of that name.

    Raises
    ------
    ValueError
        If there is none, or its library is not installed.
    """
    engine = name.removeprefix(PULP_PREFIX)
    backend = PulpSolver(engine) if name.startswith(PULP_PREFIX) else BACKENDS.get(name)
    if backend is None:
        known = ", ".join([*BACKENDS, f"{PULP_PREFIX}NAME"])
        raise ValueError(f"solver = {name!r} not understood; choose one of {known}.")
    if name.startswith(PULP_PREFIX) and engine not in pulp_engines(available_only=False):
        raise ValueError(
            f"solver = {name!r} not understood; PuLP knows "
            f"{', '.join(pulp_engines(available_only=False))}."
        )
    if not backend.version():
        raise ValueError(f"solver = {name!r} is not installed; install its Python package.")
    return backend


def pulp_engines(*, available_only: bool) -> list[str]:
    """Names of PuLP's solvers, without its own CBC, which is ``pulp-cbc``."""
    try:
        import pulp  # noqa: PLC0415 - takes a quarter of a second
    except ImportError:
        return []
    names = pulp.listSolvers(onlyAvailable=available_only)
    return sorted({str(name) for name in names} - {"PULP_CBC_CMD"})


def available_solvers() -> list[SolverInfo]:
    """Every solver by name: first our own backends, then what PuLP finds here."""
    own = [_info(backend) for backend in BACKENDS.values()]
    return own + [_info(PulpSolver(name)) for name in pulp_engines(available_only=True)]


def _info(backend: Backend) -> SolverInfo:
    version = backend.version()
    broken = backend.name == "highs" and version in BROKEN_VERSIONS
    note = backend.note if version else "not installed"
    return SolverInfo(
        name=backend.name,
        version=version,
        kinds=backend.kinds,
        available=bool(version) and not broken,
        note="this version reports wrong optima; install another one" if broken else note,
    )
