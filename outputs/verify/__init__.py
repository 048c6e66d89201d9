"""
Check a plan from its written files alone.

Nothing here is shared with the code that made the plan: borders, walking minutes, sums, costs and
objectives are computed afresh, in other ways, from the layers and the policy that were written.
"""

from .verification import Check, Verification, verify_layers, verify_plan

__all__ = ["Check", "Verification", "verify_layers", "verify_plan"]
