"""The trade-off curve as a table, a layer of sites, a figure and a page."""

from .files import write_trade_off
from .table import curve_table

__all__ = ["curve_table", "write_trade_off"]
