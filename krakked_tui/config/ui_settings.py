"""Settings of the terminal screen, which the screen gets through ``control``."""

from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec


class ThemeName(StrEnum):
    """The colour themes."""

    DARK = "dark"
    CLASSIC = "classic"


class TerminalLoss(StrEnum):
    """What becomes of the engine when its terminal goes away."""

    SHUTDOWN = "shutdown"
    KEEP_RUNNING = "keep_running"


class UiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[ui]`` section."""

    theme: ThemeName = ThemeName.DARK
    """``dark`` (sky blue and orange, safe for colour-blind eyes) or ``classic`` (green and red)."""
    refresh_hz: Annotated[int, msgspec.Meta(ge=1, le=10)] = 4
    """Screen updates per second; at most 2 while the terminal is not focused."""
    read_only: bool = False
    """Watch only: no key sends a command to the engine."""
    on_terminal_loss: TerminalLoss = TerminalLoss.SHUTDOWN
    """Whether the engine stops in order or goes on when the terminal goes away."""
    confirm_destructive: bool = True
    """Ask before cancelling orders. Flatten, arming and quitting always ask."""
    timezone: str = "UTC"
    """IANA name of the zone for times in tables; the clock in the top bar is always UTC."""

    def __post_init__(self) -> None:
        """Refuse a time zone that does not exist on this machine."""
        try:
            ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            message = f"timezone {self.timezone!r} is unknown here; use an IANA name such as UTC"
            raise ValueError(message) from error
