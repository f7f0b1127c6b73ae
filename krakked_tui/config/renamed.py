"""Keys that had another name in an earlier version."""

import msgspec


class Renamed(msgspec.Struct, frozen=True):
    """A key or section (dotted) and its present name."""

    old: str
    new: str


RENAMED: tuple[Renamed, ...] = (
    Renamed("market_data.stale_tolerance_seconds", "market_data.ws.stale_tolerance_seconds"),
    Renamed("market_data.quiet_tolerance_seconds", "market_data.ws.quiet_tolerance_seconds"),
    Renamed("market_data.boundary_grace_seconds", "market_data.ingest.boundary_grace_seconds"),
)
"""Renaming a key adds one line here, so that old files are told apart from mistakes."""
