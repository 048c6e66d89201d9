"""Rebalancing of neighbouring communities, with as few residents moved as possible."""
