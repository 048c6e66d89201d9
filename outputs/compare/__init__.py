"""Plans of one city side by side: figures, who gains and loses, maps that move together."""

from .comparison import ComparedPlan, Comparison, read_comparison
from .files import write_comparison
from .page import render_comparison

__all__ = [
    "ComparedPlan",
    "Comparison",
    "read_comparison",
    "render_comparison",
    "write_comparison",
]
