"""Ways to solve, shequ and peers; each module registers its own."""
