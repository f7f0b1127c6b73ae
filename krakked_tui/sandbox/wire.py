"""Numbers and times as Kraken prints them."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.precision import at_scale
from krakked_tui.sim.bars import Bar
from krakked_tui.sim.instruments import Grid

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def text(value: Decimal, decimals: int) -> str:
    """Print money with exactly so many decimals, never with an exponent."""
    return format(at_scale(value, decimals), "f")


def number(value: Decimal, decimals: int) -> msgspec.Raw:
    """Print money as a JSON number literal with exactly so many decimals."""
    return msgspec.Raw(text(value, decimals).encode())


def fixed(units: int, decimals: int, shown: int) -> str:
    """Print ``units * 10 ** -decimals`` (not negative) with ``shown`` decimals, truncated if fewer."""
    if shown < decimals:
        units //= 10 ** (decimals - shown)
        decimals = shown
    digits = f"{units:0{decimals + 1}d}" + "0" * (shown - decimals)
    return f"{digits[:-shown]}.{digits[-shown:]}" if shown else digits


def price_text(ticks: int, grid: Grid, shown: int) -> str:
    """Print a price given in ticks."""
    return fixed(ticks * grid.ulps_per_tick, grid.price_decimals, shown)


def vwap_text(bar: Bar, grid: Grid, shown: int) -> str:
    """Print a candle's volume-weighted price truncated to ``shown`` decimals; 0 without trades."""
    scale = 10 ** max(0, shown - grid.price_decimals)
    ulps = bar.notional * grid.ulps_per_tick * scale // bar.volume if bar.volume else 0
    return fixed(ulps, max(shown, grid.price_decimals), shown)


def unix(at: datetime) -> float:
    """Return unix seconds with their fraction, as REST prints them."""
    return at.timestamp()


def unix_second(at: datetime) -> int:
    """Return whole unix seconds."""
    return int(at.timestamp())


def rfc3339(at: datetime) -> str:
    """Print a UTC instant with microseconds, as the WebSocket does."""
    return f"{at.isoformat(timespec='microseconds')[:-6]}Z"


def rfc3339_second(at: datetime) -> str:
    """Print a UTC instant to the second."""
    return f"{at:%Y-%m-%dT%H:%M:%S}Z"


def rfc1123(at: datetime) -> str:
    """Print a UTC instant as ``Time`` does, with a two-digit year, in English whatever the locale."""
    return f"{_WEEKDAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at:%y %H:%M:%S} +0000"
