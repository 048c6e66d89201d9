"""The stages of a plan: audit, split, site, plan."""
