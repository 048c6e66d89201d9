"""Why rules clash: the smallest sets of rules that do, and the cheapest way to relax them."""

from .capped import find_capped_conflict
from .groups import GroupedModel, RuleGroup, independent_parts
from .irreducible import Conflict, Finding, find_conflict, find_conflicts
from .relaxation import Relaxation, cheapest_relaxation

__all__ = [
    "Conflict",
    "Finding",
    "GroupedModel",
    "Relaxation",
    "RuleGroup",
    "cheapest_relaxation",
    "find_capped_conflict",
    "find_conflict",
    "find_conflicts",
    "independent_parts",
]
