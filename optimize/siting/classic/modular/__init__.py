"""Engine of modular floor area: reach, sizes in steps, and a budget."""

from .engine import METHODS, solve_modular_floor_area

__all__ = ["METHODS", "solve_modular_floor_area"]
