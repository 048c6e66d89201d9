"""Community redistricting and facility siting with proofs."""

from shequ.version import __version__

__all__ = ["__version__"]
