"""What arrived and what was answered: a bounded record without secrets."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Final

import msgspec

from krakked_tui.sandbox.wire import rfc3339

LOG_MAX: Final = 10_000
BYTES_MAX: Final = 32 * 1024 * 1024
"""What all rows together may take, about."""

TEXT_MAX: Final = 2_000
"""Characters of what is shown of one request's parameters, and of its answer."""

_SECRET: Final = frozenset(("nonce", "otp", "token", "api_key", "api_secret", "password"))
_NAME_MAX: Final = 100
_ERRORS_MAX: Final = 20
_LISTED_MAX: Final = 20
_NUMBER_BITS: Final = 128
_ROW_BYTES: Final = 1_000
_NOTHING: Final = b"{}"
_LEFT_OUT: Final = "..."


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One request and its answer.

    ``wall`` is seconds since the sandbox opened, ``time`` the exchange's clock at arrival; ``route``
    is ``rest``, ``ws public`` or ``ws private``; ``key`` a fingerprint; ``params`` and ``answer`` are
    JSON, see ``public_params`` and ``outline``; ``seconds`` the wall time to the answer, ``fault`` the
    kinds of the faults that struck.
    """

    wall: float
    time: datetime
    route: str
    method: str
    channel: str | None = None
    key: str | None = None
    params: bytes = _NOTHING
    status: int | None = None
    errors: tuple[str, ...] = ()
    answer: bytes = b"null"
    fault: tuple[str, ...] = ()
    seconds: float = 0.0


class RequestLog:
    """The latest requests, numbered from 1; older ones are counted as dropped.

    At most ``size`` of them are kept, and no more than fit into about ``most_bytes``.
    """

    def __init__(self, size: int = LOG_MAX, most_bytes: int = BYTES_MAX) -> None:
        self._arrivals: deque[Arrival] = deque()
        self._size = size
        self._most_bytes = most_bytes
        self._bytes = 0
        self._count = 0

    def add(self, arrival: Arrival) -> None:
        """Record a request; long names and error texts are cut, and too many errors left out."""
        kept = msgspec.structs.replace(
            arrival,
            method=arrival.method[:_NAME_MAX],
            channel=None if arrival.channel is None else arrival.channel[:_NAME_MAX],
            errors=tuple(error[: 2 * _NAME_MAX] for error in arrival.errors[:_ERRORS_MAX]),
        )
        self._arrivals.append(kept)
        self._bytes += _bytes_of(kept)
        self._count += 1
        while len(self._arrivals) > self._size or self._bytes > self._most_bytes:
            self._bytes -= _bytes_of(self._arrivals.popleft())

    def rows(self, since: int = 0, method: str | None = None) -> dict[str, object]:
        """Print the requests numbered above ``since``, of one method or channel if it is given."""
        dropped = self._count - len(self._arrivals)
        found = [
            _row(number, arrival)
            for number, arrival in enumerate(self._arrivals, dropped + 1)
            if number > since and method in (None, arrival.method, arrival.channel)
        ]
        return {"requests": found, "last": self._count, "dropped": dropped}


def public_params(params: Mapping[str, object]) -> bytes:
    """Return parameters as JSON without secrets, however deep; too long ones as a text cut off."""
    return _encoded(_Copy().copied(params)) if params else _NOTHING


def outline(answer: object) -> object:
    """Return what is worth knowing of an answer: its ids, amounts and states, and the sizes of the rest.

    Secrets are left out. Of a table only its length and its first 20 ids are told, of a long list its
    length.
    """
    match answer:
        case Mapping():
            if len(answer) > _LISTED_MAX or (
                answer and all(isinstance(row, Mapping) for row in answer.values())
            ):
                return _table(answer)
            return {str(name): _part(value) for name, value in answer.items() if not _is_secret(str(name))}
        case list() | tuple() if len(answer) <= _LISTED_MAX:
            return [outline(item) for item in answer]
        case list() | tuple():
            return len(answer)
        case _:
            return answer


def encoded_outline(answer: object) -> bytes:
    """Return the outline of an answer as JSON, cut off where it is too long."""
    return _encoded(_Copy().copied(outline(answer)))


def _part(value: object) -> object:
    """One named part of an answer: a few plain values as they are, what is larger as a table or a size."""
    match value:
        case Mapping():
            return value if _is_plain(value.values()) and len(value) <= _LISTED_MAX else _table(value)
        case list() | tuple() if any(isinstance(item, list | tuple) for item in value):
            return len(value)
        case _:
            return outline(value)


def _table(rows: Mapping[object, object]) -> dict[str, object]:
    return {"rows": len(rows), "ids": [str(name) for name in islice(rows, _LISTED_MAX)]}


def _is_plain(values: Iterable[object]) -> bool:
    return not any(isinstance(value, Mapping | list | tuple) for value in values)


class _Copy:
    """Copies parameters: bounded work whatever was sent, and nothing secret."""

    def __init__(self) -> None:
        self._left = TEXT_MAX

    def copied(self, value: object) -> object:
        self._left -= 1
        if self._left < 0:
            return _LEFT_OUT
        if isinstance(value, Mapping):
            return self._fields(value)
        if isinstance(value, list | tuple):
            return self._items(value)
        if isinstance(value, str):
            self._left -= len(value) // 4
        return _plain(value)

    def _fields(self, value: Mapping[object, object]) -> dict[str, object]:
        found: dict[str, object] = {}
        for name, item in value.items():
            if self._left < 0:
                break
            if not _is_secret(str(name)):
                found[str(name)[:_NAME_MAX]] = self.copied(item)
        return found

    def _items(self, value: Sequence[object]) -> list[object]:
        found: list[object] = []
        for item in value:
            if self._left < 0:
                break
            found.append(self.copied(item))
        return found


def _plain(value: object) -> object:
    match value:
        case str() if len(value) > TEXT_MAX:
            return f"{value[:TEXT_MAX]}..."
        case str() | bool() | float() | None:
            return value
        case int() if value.bit_length() <= _NUMBER_BITS:
            return value
        case Decimal():
            return str(value)[:_NAME_MAX]
        case _:
            return _LEFT_OUT


def _is_secret(name: str) -> bool:
    """Say whether a parameter is nobody's business; nested ones are named like ``orders[0][token]``."""
    return name.rpartition("[")[2].rstrip("]").lower() in _SECRET


def _encoded(value: object) -> bytes:
    text = msgspec.json.encode(value)
    if len(text) <= TEXT_MAX:
        return text
    return msgspec.json.encode(f"{text[:TEXT_MAX].decode(errors='ignore')}...")


def _bytes_of(arrival: Arrival) -> int:
    return _ROW_BYTES + len(arrival.params) + len(arrival.answer) + sum(map(len, arrival.errors))


def _row(number: int, arrival: Arrival) -> dict[str, object]:
    return {
        "number": number,
        "wall": round(arrival.wall, 6),
        "time": rfc3339(arrival.time),
        "route": arrival.route,
        "method": arrival.method,
        "channel": arrival.channel,
        "key": arrival.key,
        "params": msgspec.json.decode(arrival.params),
        "status": arrival.status,
        "errors": arrival.errors,
        "answer": msgspec.json.decode(arrival.answer),
        "fault": arrival.fault,
        "seconds": round(arrival.seconds, 6),
    }
