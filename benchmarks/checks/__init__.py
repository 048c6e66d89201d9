"""Checks of solutions, by family, that share no code with what they check."""
