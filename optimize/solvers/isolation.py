"""
Solvers whose libraries must not be loaded next to highspy run in a process of their own.

The wheels of highspy and OR-tools each bring a ``libhighs.so.1``; whichever is imported second
finds the other's symbols and fails to load. A process of its own also lets a solver that knows no
interrupt be ended, and keeps its crash from ours. The process stays for the next solve.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import Any

from ...models.formulation import LinearModel
from .backend import Answer, Ending, Exchange, Task

GRACE_SECONDS = 20.0
"""How long past its time limit a solver may take before its process is ended."""

HALT_SECONDS = 1.5
"""How long after a request to stop a solver may take before its process is ended."""

_COMMAND = "import sys; sys.path[:] = {path!r}; from {module} import serve; serve()"


class Helper:
    """A process that solves for us."""

    def __init__(self) -> None:
        """Start it."""
        code = _COMMAND.format(path=sys.path, module=__name__.rpartition(".")[0] + ".worker")
        # a session of its own: Ctrl-C at the terminal is ours to pass on
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def send(self, *message: object) -> None:
        """Send one message."""
        pipe: Any = self.process.stdin
        pickle.dump(message, pipe, protocol=pickle.HIGHEST_PROTOCOL)
        pipe.flush()

    def receive(self) -> Any:  # noqa: ANN401 - the kinds of message are told apart by the reader
        """Wait for one message."""
        pipe: Any = self.process.stdout
        return pickle.load(pipe)  # noqa: S301 - written by our own child

    def interrupt(self) -> None:
        """Ask to stop: a message for libraries, Ctrl-C for programs that it has started."""
        with contextlib.suppress(OSError):
            self.send("halt")
        if hasattr(os, "killpg"):
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        """End the process and whatever it has started."""
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


_idle: dict[str, list[Helper]] = {}
_lock = threading.Lock()


def _borrow(family: str) -> Helper:
    with _lock:
        waiting = _idle.setdefault(family, [])
        while waiting:
            helper = waiting.pop()
            if helper.process.poll() is None:
                return helper
            helper.end()
    return Helper()


def _give_back(family: str, helper: Helper) -> None:
    with _lock:
        _idle[family].append(helper)


@atexit.register
def end_helpers() -> None:
    """End every idle process; a later solve starts a new one."""
    with _lock:
        for waiting in _idle.values():
            while waiting:
                waiting.pop().end()


class Isolated:
    """
    Base of a backend that solves in a process of its own: it offers ``solve_here``.

    ``family`` names libraries that may share a process, ``arguments`` rebuild the backend there.
    """

    family = ""
    arguments: tuple[str, ...] = ()

    def refuse(self, model: LinearModel) -> str:
        """Take every model."""
        del model
        return ""

    def solve_here(self, task: Task, exchange: Exchange) -> Answer:
        """Solve in this process; called on the far side only."""
        raise NotImplementedError

    def solve(self, task: Task, exchange: Exchange) -> Answer:
        """Send the task to a process, pass its news on, and end it if it does not stop."""
        helper = _borrow(self.family)
        guard = threading.Thread(
            target=_guard, args=(helper, exchange, task.limits.seconds, done := threading.Event())
        )
        guard.start()
        kind = type(self)
        try:
            helper.send("solve", kind.__module__, kind.__name__, self.arguments, _plain(task))
            answer = _answer(helper, exchange)
        except (EOFError, OSError, pickle.UnpicklingError):
            answer = None
        finally:
            done.set()
            guard.join()
        if answer is None:
            helper.end()
            return _ended(helper, exchange)
        _give_back(self.family, helper)
        return answer


def run_isolated(kind: type, family: str, task: object) -> Any:  # noqa: ANN401
    """
    Let a class of the far side do a task that is no model; its ``solve_here`` gives the answer.

    Parameters
    ----------
    kind
        The class, made there without arguments.
    family
        Libraries that may share a process.
    task
        What its ``solve_here`` takes.

    Raises
    ------
    RuntimeError
        If it fails there, or the process ends.
    """
    helper = _borrow(family)
    try:
        helper.send("solve", kind.__module__, kind.__name__, (), task)
        word, content = helper.receive()
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        helper.end()
        raise RuntimeError(f"The process of {family} ended: {error}") from error
    _give_back(family, helper)
    if word != "answer":
        raise RuntimeError(str(content))
    return content


def _plain(task: Task) -> Task:
    """Return the task without its naming functions, which need not be picklable."""
    return replace(task, model=replace(task.model, column_name=None, row_name=None))


def _answer(helper: Helper, exchange: Exchange) -> Answer:
    while True:
        kind, *content = helper.receive()
        if kind == "answer":
            answer: Answer = content[0]
            return answer
        if kind == "refused":
            return Answer(Ending.ERROR, detail=str(content[0]))
        exchange.report(*content)


def _guard(helper: Helper, exchange: Exchange, seconds: float, done: threading.Event) -> None:
    """Interrupt when asked to, and end a process that neither stops nor keeps its limit."""
    latest = time.monotonic() + seconds + GRACE_SECONDS
    asked = False
    while not done.wait(0.02):
        if exchange.halt.is_set() and not asked:
            asked, latest = True, time.monotonic() + HALT_SECONDS
            helper.interrupt()
        if time.monotonic() > latest:
            helper.end()
            return


def _ended(helper: Helper, exchange: Exchange) -> Answer:
    if exchange.halt.is_set():
        return Answer(Ending.INTERRUPTED, detail="It knows no interrupt, so its process was ended.")
    code = helper.process.returncode
    return Answer(Ending.ERROR, detail=f"The process of the solver ended with code {code}.")
