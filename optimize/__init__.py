"""HOW it is solved: backends, exact algorithms, heuristics, and the stages of a plan."""
