"""Numbers and times as a trader reads them: thousands separators, fixed decimals, signs."""

from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.precision import at_scale
from krakked_tui.tui.rows.line import Look

NOTHING = "-"
"""Shown where there is no value: never a zero that could be read as one."""


def fixed(value: Decimal, decimals: int) -> str:
    """Return ``value`` with exactly ``decimals`` decimals and thousands separators."""
    rounded = at_scale(value, decimals)
    return f"{rounded or abs(rounded):,f}"  # zero has no sign


def quantity(value: Decimal) -> str:
    """Return all digits of an amount with thousands separators, without trailing zeros."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed(value: Decimal, decimals: int) -> str:
    """Return ``value`` with its sign; what rounds to zero has none."""
    text = fixed(value, decimals)
    return f"+{text}" if at_scale(value, decimals) > ZERO else text


def usd(value: Decimal) -> str:
    """Return dollars and cents."""
    text = fixed(value, 2)
    return f"-${text[1:]}" if text.startswith("-") else f"${text}"


def signed_usd(value: Decimal) -> str:
    """Return dollars and cents with their sign."""
    text = signed(value, 2)
    return f"{text[0]}${text[1:]}" if text[0] in "+-" else f"${text}"


def percent(value: Decimal) -> str:
    """Return a percentage with two decimals."""
    return f"{fixed(value, 2)}%"


def signed_percent(value: Decimal) -> str:
    """Return a percentage with its sign."""
    return f"{signed(value, 2)}%"


def gain_look(value: Decimal) -> Look:
    """Return the look of a gain, a loss or neither; the sign beside it says the same."""
    if not value:
        return Look.PLAIN
    return Look.GAIN if value > ZERO else Look.LOSS


def age(seconds: float) -> str:
    """Return an age in at most five cells: 12s, 3m05s, 2h07m, 12d."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 3600:
        return f"{whole // 60}m"
    if whole < 36_000:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    if whole < 86_400:
        return f"{whole // 3600}h"
    return f"{whole // 86_400}d"


def span(length: timedelta) -> str:
    """Return a length of time in its two largest units."""
    minutes = max(0, int(length.total_seconds()) // 60)
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 1440:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    return f"{minutes // 1440}d{minutes % 1440 // 60:02d}h"


def countdown(until: datetime, now: datetime) -> str:
    """Return what is left until an instant, as minutes and seconds."""
    seconds = max(0, int((until - now).total_seconds()))
    if seconds >= 3600:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02d}:{seconds % 60:02d}"
    return f"{seconds // 60}:{seconds % 60:02d}"


def clock(at: datetime, zone: tzinfo = UTC) -> str:
    """Return the time of day."""
    return at.astimezone(zone).strftime("%H:%M:%S")


def date_and_minute(at: datetime, zone: tzinfo = UTC) -> str:
    """Return date and time of day without seconds."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")


def date_and_time(at: datetime, zone: tzinfo = UTC) -> str:
    """Return date, time of day and the zone's name."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")
