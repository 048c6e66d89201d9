"""Several goals at once: levels, caps and the combined formulation."""
