"""The benchmark suite: cases x methods x solvers, timed, verified, drawn."""
