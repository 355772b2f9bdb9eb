"""Bursar: AI tokens as pay."""

__version__ = "0.1.0"
