"""The version of shequ, read by the build and by every plan that is written."""

__version__ = "0.1.0"
