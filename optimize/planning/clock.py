"""Wall-clock seconds of the stages of a plan."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Clock:
    """
    A clock that is read after every stage.

    Parameters
    ----------
    seconds
        Seconds of each stage that has ended.
    began
        When the stage that runs now began.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def lap(self, stage: str) -> None:
        """End a stage, and begin the next one."""
        now = time.monotonic()
        self.seconds[stage] = now - self.began
        self.began = now
