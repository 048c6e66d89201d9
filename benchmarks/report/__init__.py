"""The report of a benchmark: Markdown, one HTML page, and charts."""

from .write import write_report

__all__ = ["write_report"]
