"""The p-median problem: an engine that proves its plans optimal."""

from __future__ import annotations

from .engine import METHODS, solve_p_median

__all__ = ["METHODS", "solve_p_median"]
