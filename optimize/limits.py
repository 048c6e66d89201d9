"""How long and how well to solve, and how to be stopped."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import FrameType


@dataclass(frozen=True)
class Limits:
    """
    Limits of one solve.

    Parameters
    ----------
    seconds
        Wall-clock time limit.
    gap
        Relative gap at which a solution counts as good enough; 0 asks for a proof.
    seed
        Seed of every random choice.
    threads
        Number of threads a solver may use.
    """

    seconds: float = 60.0
    gap: float = 0.0
    seed: int = 1
    threads: int = 1

    def __post_init__(self) -> None:
        """Refuse limits that make no sense."""
        if not self.seconds > 0:
            raise ValueError(f"seconds = {self.seconds} not understood; give a positive number.")
        if not 0 <= self.gap < 1:
            raise ValueError(f"gap = {self.gap} not understood; give a share in [0, 1).")
        if self.threads < 1:
            raise ValueError(f"threads = {self.threads} not understood; give at least 1.")

    def within(self, seconds: float) -> Limits:
        """Return the same limits with at most ``seconds`` (at least 0.01) left."""
        return replace(self, seconds=max(0.01, min(self.seconds, seconds)))


@dataclass
class Stop:
    """A request to stop, shared by all who work on one run; set by Ctrl-C or by a caller."""

    _event: threading.Event = field(default_factory=threading.Event)

    @property
    def requested(self) -> bool:
        """Whether someone asked to stop."""
        return self._event.is_set()

    def request(self) -> None:
        """Ask to stop: keep the best so far."""
        self._event.set()

    @contextlib.contextmanager
    def on_interrupt(self, again: Callable[[], None] | None = None) -> Iterator[None]:
        """
        Turn the first Ctrl-C into a request.

        Parameters
        ----------
        again
            Called at the second one; None to interrupt as usual.
        """

        def handle(signum: int, frame: FrameType | None) -> None:
            del signum, frame
            if not self.requested:
                self.request()
            elif again is not None:
                again()
            else:
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, handle)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


@dataclass(frozen=True)
class Deadline:
    """A moment that several solves share."""

    end: float

    @classmethod
    def after(cls, seconds: float) -> Deadline:
        """Return the deadline ``seconds`` from now."""
        return cls(time.monotonic() + seconds)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline, never negative."""
        return max(0.0, self.end - time.monotonic())

    @property
    def passed(self) -> bool:
        """Whether the deadline lies in the past."""
        return self.seconds_left <= 0
