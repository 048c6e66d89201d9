"""Districting of many thousand units: multilevel plans, and bounds without any square array."""

from .engine import solve_large

__all__ = ["solve_large"]
