"""Solver backends behind one solver-neutral form of a model."""

from .backend import Answer, Backend, Ending, Exchange, SolverInfo, Task
from .checked import solve_model
from .linear import LpResult, solve_lp
from .registry import available_solvers, backend_named

__all__ = [
    "Answer",
    "Backend",
    "Ending",
    "Exchange",
    "LpResult",
    "SolverInfo",
    "Task",
    "available_solvers",
    "backend_named",
    "solve_lp",
    "solve_model",
]
