"""Heuristics that find good plans fast, for every objective and every rule."""

from .search import Trace, find_plan, improve

__all__ = ["Trace", "find_plan", "improve"]
