"""When to paint: one steady clock, slower while nobody looks, silent while output is pending."""

UNFOCUSED_HZ = 2
_TOLERANCE = 0.8
"""A timer that fires a little early must not cost a whole frame."""


class FrameClock:
    """Decides at each tick of a timer whether a frame is due. Times are monotonic seconds."""

    def __init__(self, hz: int) -> None:
        self.period = 1 / hz
        self._unfocused_period = max(self.period, 1 / UNFOCUSED_HZ)
        self._painted_at: float | None = None

    def due(self, now: float, *, focused: bool, busy: bool) -> bool:
        """Say whether to paint now, and count on it being done."""
        if busy:
            return False
        period = self.period if focused else self._unfocused_period
        if self._painted_at is not None and now - self._painted_at < period * _TOLERANCE:
            return False
        self._painted_at = now
        return True
