"""Readers of published instances, from files that stay where the user has them."""
