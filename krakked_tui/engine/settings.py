"""Intervals, bounds and log settings of the shell."""

from enum import StrEnum
from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]


class SchedulerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[scheduler]``: every interval in one place, in seconds."""

    portfolio_sync_seconds: Seconds = 30.0
    """Between full account syncs (wall)."""
    snapshot_seconds: Seconds = 300.0
    """Between points of the stored equity curve (exchange time)."""
    cycle_deadline_seconds: Seconds = 20.0
    """A strategy cycle that takes longer (wall) is dropped."""
    clock_check_seconds: Seconds = 600.0
    """Between checks of the exchange's clock (wall)."""
    compaction_seconds: Seconds = 300.0
    """Between looks whether old candles can be moved to where they take least room (wall)."""
    universe_refresh_seconds: Seconds = 3600.0
    """Between looks at what the exchange lists (wall)."""


class LogFormat(StrEnum):
    """How log lines look on standard output."""

    JSON = "json"
    CONSOLE = "console"


class LogLevel(StrEnum):
    """Lowest level that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class LoggingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[logging]``."""

    level: LogLevel = LogLevel.INFO
    """Lowest level written: DEBUG, INFO, WARNING or ERROR."""
    format: LogFormat = LogFormat.JSON
    """Form of the lines on standard output with --no-ui: json or console. The file is always JSON."""
    max_mb: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100
    """Megabytes of log files that are kept."""
    keep_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 7
    """Days for which log files are kept."""
