"""Boundaries and stations together, and one after the other to compare with."""
