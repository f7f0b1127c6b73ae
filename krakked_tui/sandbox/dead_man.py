"""The dead man's switch: cancels everything unless it is told in time not to."""

from datetime import datetime, timedelta
from typing import Final

from krakked_tui.sandbox.faults import invalid

TIMEOUT_REASON: Final = "CancelAllOrdersAfter Timeout"
_TIMEOUT_MAX: Final = 86_399
"""Seconds: less than a day."""


class DeadMan:
    """One account's switch. ``at`` is the exchange time when it fires, None while it is off."""

    def __init__(self, at: datetime | None) -> None:
        self.at = at

    def set(self, seconds: int, now: datetime, factor: float) -> None:
        """Arm it anew, or turn it off with 0; the timeout is wall time, ``factor`` the clock's speed.

        Raises ``ApiError`` and changes nothing when the timeout is out of bounds.
        """
        if not 0 <= seconds <= _TIMEOUT_MAX:
            raise invalid("timeout")
        self.at = now + timedelta(seconds=seconds * factor) if seconds else None
