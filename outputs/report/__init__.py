"""The report of a plan: one HTML file that needs no network."""

from .page import render_report

__all__ = ["render_report"]
