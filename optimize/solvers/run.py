"""Run a backend in a thread of its own, so that Ctrl-C and listeners get their turn."""

from __future__ import annotations

import threading

from ..limits import Stop
from .backend import Answer, Backend, Exchange, Listen, Task

POLL_SECONDS = 0.05


def run_backend(
    backend: Backend, task: Task, *, stop: Stop | None = None, listen: Listen | None = None
) -> Answer:
    """
    Solve ``task`` while this thread stays awake.

    ``listen`` is called here, in the caller's thread, at most every twentieth of a second. An
    exception from it, or a KeyboardInterrupt, stops the solver before it goes on to the caller.
    """
    exchange = Exchange()
    outcome: list[Answer | BaseException] = []

    def work() -> None:
        try:
            outcome.append(backend.solve(task, exchange))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            outcome.append(error)

    thread = threading.Thread(target=work, name=f"solver {backend.name}", daemon=True)
    thread.start()
    try:
        _wait(thread, exchange, stop, listen)
    except BaseException:
        exchange.halt.set()
        thread.join()
        raise
    (answer,) = outcome
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _wait(
    thread: threading.Thread, exchange: Exchange, stop: Stop | None, listen: Listen | None
) -> None:
    told: tuple[float | None, float | None] = (None, None)
    running = True
    while running:
        thread.join(POLL_SECONDS)
        running = thread.is_alive()
        if stop is not None and stop.requested:
            exchange.halt.set()
        latest = exchange.latest
        if listen is not None and latest != told:
            told = latest
            listen(*latest)
