"""Boundaries and stations of one community, chosen together."""
