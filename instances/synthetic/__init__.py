"""Seeded synthetic cities in the city-input schema."""

from .city import generate_city

__all__ = ["generate_city"]
