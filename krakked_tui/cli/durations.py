"""Durations on the command line: 30s, 5m, 2h, 1d."""

import re
from datetime import timedelta

from krakked_tui.domain.errors import UsageError

LONGEST = timedelta(days=365)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_duration(option: str, text: str) -> timedelta:
    """Return the duration; raise ``UsageError`` that names the option and what is allowed."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"{option} is {text!r}: use a number above zero with s, m, h or d, such as 30s")
    try:
        duration = timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        duration = timedelta.max
    if duration > LONGEST:
        raise UsageError(f"{option} is longer than a year: use at most {LONGEST.days}d")
    return duration
