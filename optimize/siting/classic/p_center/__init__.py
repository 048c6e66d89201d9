"""Exact p-center: covering questions on few clients, and programs for capacities."""

from .engine import METHODS, solve_p_center

__all__ = ["METHODS", "solve_p_center"]
