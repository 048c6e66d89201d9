"""Pass on what a solve knows as progress of a stage."""

from __future__ import annotations

from ..progress import Listener, Progress
from ..search import Listen


def heard(
    listen: Listener, stage: str, item: str, *, maximize: bool = False, constant: float = 0.0
) -> Listen:
    """
    Return what an engine calls with its objective and bound.

    Parameters
    ----------
    listen
        Who hears of it.
    stage, item, maximize
        As in :class:`..progress.Progress`.
    constant
        Part of objective and bound that no decision changes, and that is left out.
    """

    def less(value: float | None) -> float | None:
        return None if value is None else value - constant

    def told(objective: float | None, bound: float | None) -> None:
        listen(
            Progress(stage, item, objective=less(objective), bound=less(bound), maximize=maximize)
        )

    return told
