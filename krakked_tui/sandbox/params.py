"""Request parameters: what a client sent, read with Kraken's own complaints."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from krakked_tui.sandbox.faults import BAD_REQUEST, ApiError, invalid

_PLAIN_NUMBER: Final = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20}")
_INTEGER: Final = re.compile(r"-?[0-9]{1,20}")
_NESTED_MAX: Final = 3
_NUMBER_BITS: Final = 128
_NUMBER_DIGITS: Final = 30
_JSON: Final = msgspec.json.Decoder(float_hook=Decimal)
_TRUE: Final = ("true", "1")
_FALSE: Final = ("false", "0")

Value = str | tuple[str, ...]


class Params:
    """The parameters of one request, every value as text or a list of texts."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    @property
    def names(self) -> frozenset[str]:
        """Which parameters were sent."""
        return frozenset(self._values)

    @property
    def values(self) -> Mapping[str, Value]:
        """What was sent, as it was read."""
        return self._values

    def text(self, name: str) -> str | None:
        """Return a single value; an empty one counts as not sent."""
        value = self._values.get(name)
        if isinstance(value, tuple):
            raise invalid(name)
        return value or None

    def required(self, name: str) -> str:
        """Return a single value that must be there."""
        value = self.text(name)
        if value is None:
            raise invalid(name)
        return value

    def names_in(self, name: str) -> tuple[str, ...]:
        """Return a list, sent as an array or with commas; empty when not sent."""
        value = self._values.get(name, ())
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(part.strip() for part in parts if part.strip())

    def integer(self, name: str, default: int) -> int:
        """Return a whole number."""
        value = self.text(name)
        if value is None:
            return default
        if not _INTEGER.fullmatch(value):
            raise invalid(name)
        return int(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value."""
        value = (self.text(name) or "").lower()
        if not value:
            return default
        if value not in (*_TRUE, *_FALSE):
            raise invalid(name)
        return value in _TRUE

    def decimal(self, name: str) -> Decimal | None:
        """Return a plain, unsigned decimal number."""
        value = self.text(name)
        if value is None:
            return None
        if not _PLAIN_NUMBER.fullmatch(value):
            raise invalid(name)
        return Decimal(value)

    def unix_micros(self, name: str) -> int | None:
        """Return a unix time, sent in seconds with or without a fraction, in microseconds."""
        value = self.decimal(name)
        return None if value is None else int(value.scaleb(6))

    def instant(self, name: str) -> datetime | None:
        """Return an RFC 3339 instant."""
        return read_instant(name, self.text(name))


def read_instant(name: str, value: str | None) -> datetime | None:
    """Read an RFC 3339 instant with its offset; ``name`` is blamed when it is none."""
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise invalid(name)
        return at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise invalid(name) from error


def parse_form(body: str) -> Params:
    """Read a query string or form body; of a repeated name the last value counts."""
    return Params(dict(parse_qsl(body, keep_blank_values=True)))


def parse_json(body: bytes) -> Params:
    """Read a JSON object; numbers keep the text they were sent with.

    What is nested gets the names it has in a form: ``close[price]``, ``orders[0][close][price]``.
    """
    try:
        content = _JSON.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise ApiError(BAD_REQUEST) from error
    if not isinstance(content, dict):
        raise ApiError(BAD_REQUEST)
    values: dict[str, Value] = {}
    for name, value in content.items():
        values |= _flat(name, value, _NESTED_MAX)
    return Params(values)


def _flat(name: str, value: object, depth: int) -> dict[str, Value]:
    """Return a value, and what is nested in it, by the names that forms have for them."""
    if value is None:
        return {}
    if isinstance(value, list) and not any(isinstance(item, dict) for item in value):
        return {name: tuple(_plain(item) for item in value)}
    if not isinstance(value, dict | list):
        return {name: _plain(value)}
    if not depth:
        raise ApiError(BAD_REQUEST)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {
        inner: each for key, item in items for inner, each in _flat(f"{name}[{key}]", item, depth - 1).items()
    }


def _plain(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() if value.bit_length() <= _NUMBER_BITS:
            return str(value)
        case Decimal() if value.is_finite() and abs(value.adjusted()) <= _NUMBER_DIGITS:
            return format(value, "f")
        case _:
            raise ApiError(BAD_REQUEST)
