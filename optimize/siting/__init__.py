"""Engines for siting."""
