"""Exact facility location with fixed charges, and what all problems with limited loads share."""

from .engine import METHODS, solve_fixed_charge

__all__ = ["METHODS", "solve_fixed_charge"]
