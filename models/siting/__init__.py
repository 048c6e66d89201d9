"""Siting problems and formulations."""
