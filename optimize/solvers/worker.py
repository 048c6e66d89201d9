"""
The far side of :mod:`.isolation`: a process that holds the libraries of other solvers.

It reads pickled messages from standard input and answers on standard output:
``("solve", module, class, arguments, task)`` is answered by ``("progress", objective, bound)`` any
number of times and then ``("answer", answer)`` or ``("refused", text)``; ``("halt",)`` in between
asks the running solve to stop. End of input ends the process.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import queue
import signal
import sys
import threading
import warnings
from typing import BinaryIO

from .backend import Exchange


class Reporter(Exchange):
    """An exchange that also sends its news to the other process."""

    def __init__(self, out: BinaryIO) -> None:
        """Send to ``out``."""
        super().__init__()
        self._out = out
        self._lock = threading.Lock()

    def report(self, objective: float | None, bound: float | None) -> None:
        """Write down news, send them if they are any."""
        before = self.latest
        super().report(objective, bound)
        if self.latest != before:
            self.send("progress", *self.latest)

    def send(self, *message: object) -> None:
        """Send one message."""
        with self._lock:
            pickle.dump(message, self._out, protocol=pickle.HIGHEST_PROTOCOL)
            self._out.flush()


def serve() -> None:
    """Answer requests until the input ends."""
    # a handler, unlike SIG_IGN, is not inherited: a child such as CBC still hears Ctrl-C
    signal.signal(signal.SIGINT, lambda *_: None)
    warnings.simplefilter("ignore")
    reporter = Reporter(os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what solvers print must not mix with the messages
    requests: queue.Queue[tuple[object, ...]] = queue.Queue()
    threading.Thread(target=_listen, args=(reporter, requests), daemon=True).start()
    while True:
        _, module, kind, arguments, task = requests.get()
        reporter.latest = (None, None)
        _answer(reporter, str(module), str(kind), arguments, task)


def _listen(reporter: Reporter, requests: queue.Queue[tuple[object, ...]]) -> None:
    with contextlib.suppress(EOFError, OSError):
        while True:
            message = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
            if message[0] == "halt":
                reporter.halt.set()
            else:
                reporter.halt.clear()
                requests.put(message)
    # the parent is gone: nobody wants the running solve any more
    os._exit(0)


def _answer(reporter: Reporter, module: str, kind: str, arguments: object, task: object) -> None:
    try:
        backend = getattr(importlib.import_module(module), kind)(*arguments)  # type: ignore[misc]
        answer = backend.solve_here(task, reporter)
    except Exception as error:  # noqa: BLE001 - every failure must reach the parent
        reporter.send("refused", f"{type(error).__name__}: {error}")
    else:
        reporter.send("answer", answer)
