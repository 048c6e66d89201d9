"""Districting problems and formulations."""
