"""Options that commands share, declared once, and bundles of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

BAD_INPUT, INFEASIBLE, NO_PLAN = 1, 3, 4
"""Exit codes: bad input, proven infeasible, no plan within the limits."""

Seconds = Annotated[
    float | None, typer.Option("--time-limit", min=0.1, help="Seconds for all solves together.")
]
Solver = Annotated[str | None, typer.Option("--solver", help="One of `shequ solvers`.")]
Gap = Annotated[float | None, typer.Option("--gap", min=0, max=0.99, help="Relative gap.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Seed of random choices.")]
Threads = Annotated[int | None, typer.Option("--threads", min=1, help="Threads of the solver.")]


@dataclass(frozen=True)
class SolverOptions:
    """How long, how well and by which solver."""

    time_limit: Seconds = None
    solver: Solver = None
    gap: Gap = None
    seed: Seed = None
    threads: Threads = None


def spread(function: Callable[..., None]) -> Callable[..., None]:
    """
    Give a command one option for each field of the dataclasses among its parameters.

    Parameters
    ----------
    function
        A command; parameters whose type is a dataclass are bundles of options. The fields of all
        bundles have names of their own.

    Returns
    -------
    Callable
        The command as typer takes it.
    """
    hints = get_type_hints(function, include_extras=True)
    bundles: dict[str, type[Any]] = {}
    parameters = []
    for parameter in inspect.signature(function).parameters.values():
        kind = hints[parameter.name]
        if is_dataclass(kind) and isinstance(kind, type):
            bundles[parameter.name] = kind
            parameters += _options_of(kind)
        else:
            parameters.append(parameter.replace(annotation=kind, kind=parameter.KEYWORD_ONLY))

    @wraps(function)
    def command(**given: object) -> None:
        for name, kind in bundles.items():
            given[name] = kind(**{option.name: given.pop(option.name) for option in fields(kind)})
        function(**given)

    command.__annotations__ = {p.name: p.annotation for p in parameters}
    vars(command)["__signature__"] = inspect.Signature(parameters)
    return command


def _options_of(kind: type[Any]) -> list[inspect.Parameter]:
    """One parameter for each field of a bundle."""
    hints = get_type_hints(kind, include_extras=True)
    return [
        inspect.Parameter(
            option.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if option.default is MISSING else option.default,
            annotation=hints[option.name],
        )
        for option in fields(kind)
    ]


def check_file(path: Path | None) -> None:
    """Refuse a file that cannot be written to, before any work is done."""
    if path is None:
        return
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name a file.")
    path.parent.mkdir(parents=True, exist_ok=True)
