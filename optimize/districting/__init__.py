"""Engines for districting."""
