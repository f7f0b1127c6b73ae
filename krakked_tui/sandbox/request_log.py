"""What arrived and what was answered: a bounded record without secrets."""

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from krakked_tui.sandbox.wire import rfc3339

LOG_MAX: Final = 10_000
_SECRET: Final = frozenset(("nonce", "otp", "token", "api_key", "api_secret"))
_TEXT_MAX: Final = 2_000


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer.

    ``wall`` is seconds since the sandbox opened, ``time`` the exchange's clock at arrival; ``route``
    is ``rest``, ``ws public`` or ``ws private``; ``key`` a fingerprint; ``seconds`` the wall time to
    the answer, ``fault`` the kinds of the faults that struck.
    """

    wall: float
    time: datetime
    route: str
    method: str
    channel: str | None = None
    key: str | None = None
    params: Mapping[str, object] = {}
    status: int | None = None
    errors: tuple[str, ...] = ()
    fault: tuple[str, ...] = ()
    seconds: float = 0.0


class RequestLog:
    """The latest requests, numbered from 1; older ones are counted as dropped."""

    def __init__(self, size: int = LOG_MAX) -> None:
        self._arrivals: deque[Arrival] = deque(maxlen=size)
        self._count = 0

    def add(self, arrival: Arrival) -> None:
        """Record a request."""
        self._arrivals.append(arrival)
        self._count += 1

    def rows(self, since: int = 0, method: str | None = None) -> dict[str, object]:
        """Print the requests numbered above ``since``, of one method or channel if it is given."""
        dropped = self._count - len(self._arrivals)
        found = [
            _row(number, arrival)
            for number, arrival in enumerate(self._arrivals, dropped + 1)
            if number > since and method in (None, arrival.method, arrival.channel)
        ]
        return {"requests": found, "last": self._count, "dropped": dropped}


def public_params(params: Mapping[str, object]) -> dict[str, object]:
    """Return parameters without secrets, long texts cut."""
    return {name: _short(value) for name, value in params.items() if name not in _SECRET}


def _short(value: object) -> object:
    if isinstance(value, str) and len(value) > _TEXT_MAX:
        return f"{value[:_TEXT_MAX]}..."
    return value


def _row(number: int, arrival: Arrival) -> dict[str, object]:
    return {
        "number": number,
        "wall": round(arrival.wall, 6),
        "time": rfc3339(arrival.time),
        "route": arrival.route,
        "method": arrival.method,
        "channel": arrival.channel,
        "key": arrival.key,
        "params": arrival.params,
        "status": arrival.status,
        "errors": arrival.errors,
        "fault": arrival.fault,
        "seconds": round(arrival.seconds, 6),
    }
