"""Which engine solves the moment of inertia, and why, in one sentence."""

from __future__ import annotations

from typing import Literal, NamedTuple, get_args

from ....models.districting.problem import Districting

Method = Literal["auto", "hess", "large"]

MOST_NODES = 3000
"""Nodes up to which the Hess engine, which keeps a matrix of all pairs, is chosen."""


class Choice(NamedTuple):
    """
    An engine and the reason for it.

    Parameters
    ----------
    method
        "hess" or "large".
    why
        One sentence for people.
    """

    method: Method
    why: str


def choose(problem: Districting, method: Method = "auto") -> Choice:
    """
    Choose an engine by the number of nodes, unless one is asked for.

    Raises
    ------
    ValueError
        If there is no such method.
    """
    if method not in get_args(Method):
        known = ", ".join(get_args(Method))
        raise ValueError(f"method = {method!r} not understood; choose one of {known}.")
    n, k = problem.num_nodes, problem.num_districts
    if method != "auto":
        return Choice(method, f"the {method} engine was asked for")
    if n <= MOST_NODES:
        why = f"{n} units and {k} districts are few enough for a proof with free centres"
        return Choice("hess", why)
    return Choice("large", f"{n} units are too many for a matrix of all pairs")
