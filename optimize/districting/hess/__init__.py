"""The Hess engine: plan, Lagrangian bound, fixing, and trees over what is left."""
