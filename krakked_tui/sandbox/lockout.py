"""Bans for those who keep doing what is refused."""

from typing import Final

from krakked_tui.sandbox.faults import TEMPORARY_LOCKOUT, ApiError

_NAMES_MAX: Final = 10_000


class Lockout:
    """Counts refusals in a row by name (a key, an address) and locks out who has too many.

    A call while locked out makes the ban start over. Times are wall seconds.
    """

    def __init__(self, strikes: int, seconds: float) -> None:
        self._strikes_max = strikes
        self._seconds = seconds
        self._strikes: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def check(self, name: str, now: float) -> None:
        """Let pass, or raise ``ApiError`` for one who is locked out."""
        until = self._until.get(name)
        if until is None:
            return
        if now >= until:
            del self._until[name]
            return
        self._until[name] = now + self._seconds
        raise ApiError(TEMPORARY_LOCKOUT)

    def strike(self, name: str, now: float) -> None:
        """Count a refusal."""
        count = self._strikes.pop(name, 0) + 1
        if count < self._strikes_max:
            self._strikes[name] = count
        else:
            self._until.pop(name, None)
            self._until[name] = now + self._seconds
        for known in (self._strikes, self._until):
            if len(known) > _NAMES_MAX:
                del known[next(iter(known))]

    def forgive(self, name: str) -> None:
        """Start counting anew: a call was in order."""
        self._strikes.pop(name, None)

    def seconds_left(self, name: str, now: float) -> float:
        """Return how long a ban still lasts; 0 without one."""
        return max(0.0, self._until.get(name, now) - now)
