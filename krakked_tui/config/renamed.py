"""Keys that had another name in an earlier version."""

import msgspec


class Renamed(msgspec.Struct, frozen=True):
    """A key or section (dotted) and its present name."""

    old: str
    new: str


RENAMED: tuple[Renamed, ...] = ()
"""Renaming a key adds one line here, so that old files are told apart from mistakes."""
