"""Krakked: a spot trading bot for Kraken that lives in a terminal.

Importing the package starts nothing and reads nothing.
"""

__version__ = "0.1.0"
