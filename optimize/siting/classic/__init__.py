"""Engines of the classic location models, one module or package a model."""
