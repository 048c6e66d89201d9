"""Events of a running solve, for anyone who listens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Progress:
    """
    One message from a running stage.

    Parameters
    ----------
    stage
        Name of the stage: read, audit, split, walk, site, write, verify.
    item
        What is worked on: a community's name, a phase.
    done, total
        Items finished and items in all (0 if unknown).
    objective, bound
        Best objective and proven bound so far; None if there is none yet.
    text
        Anything else worth a line.
    maximize
        Whether the bound is one from above.
    """

    stage: str
    item: str = ""
    done: int = 0
    total: int = 0
    objective: float | None = None
    bound: float | None = None
    text: str = ""
    maximize: bool = False


class Listener(Protocol):
    """Anything that takes progress messages."""

    def __call__(self, progress: Progress, /) -> None:
        """Take one message."""


def silent(progress: Progress, /) -> None:
    """Ignore every message."""
    del progress
