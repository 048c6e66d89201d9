"""WHAT is asked: problems, their evaluation and their formulations; no solver, no file."""
