"""How a search of joint plans begins, and what it says where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...models.joint.problem import JointPlan
from ..limits import Deadline, Limits, Stop
from ..search import Listen, Search

NO_GROUPING = "no grouping of the sites holds a connected and balanced plan"


def search_from(
    starts: Iterable[JointPlan],
    *,
    violations: Callable[[JointPlan], list[str]],
    evaluate: Callable[[JointPlan], float],
    limits: Limits | None,
    solver: str,
    stop: Stop | None,
    listen: Listen | None,
) -> Search[JointPlan]:
    """
    Begin a search, whose time runs from now on, with the plans that are known.

    Parameters
    ----------
    starts
        The plans; those that break a rule are left out.
    violations, evaluate, limits, solver, stop, listen
        As of :class:`..search.Search`.
    """
    limits = limits or Limits()
    search = Search[JointPlan](
        violations=violations,
        evaluate=evaluate,
        limits=limits,
        solver=solver,
        stop=stop,
        listen=listen,
        deadline=Deadline.after(limits.seconds),
    )
    for plan in starts:
        search.offer(plan)
    return search
