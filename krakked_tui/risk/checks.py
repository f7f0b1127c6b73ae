"""Limit checks and the numbers in their sentences."""

from datetime import datetime
from decimal import Decimal
from functools import cache

import msgspec

from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.domain.precision import at_scale

SHOWN_DECIMALS = 6
"""Of values that were divided; others are shown as they are."""


def flag(limit: str, reason: str) -> LimitCheck:
    """Check something that is either in the way or not: it is when there is a ``reason``."""
    if not reason:
        return _passed(limit)
    return LimitCheck(limit, ONE, ONE, ZERO, "flag", Verdict.BLOCKED, reason)


@cache
def _passed(limit: str) -> LimitCheck:
    return LimitCheck(limit, ZERO, ZERO, ZERO, "flag", Verdict.OK)


def at_least(limit: str, value: Decimal, minimum: Decimal, unit: str, what: str) -> LimitCheck:
    """Check a minimum that no smaller size can meet. ``what`` names the value in the sentence."""
    if value >= minimum:
        return LimitCheck(limit, ZERO, value, minimum, unit, Verdict.OK)
    reason = f"{what} is {amount(value, unit)}, below {limit}, {amount(minimum, unit)}"
    return LimitCheck(limit, ZERO, value, minimum, unit, Verdict.BLOCKED, reason)


def at_most(limit: str, value: Decimal, maximum: Decimal, unit: str, what: str) -> LimitCheck:
    """Check a measure of the market that must not be above ``maximum``, whatever is bought."""
    shown = at_scale(value, SHOWN_DECIMALS)
    if value <= maximum:
        return LimitCheck(limit, shown, shown, maximum, unit, Verdict.OK)
    reason = f"{what} is {amount(value, unit)}, above {limit}, {amount(maximum, unit)}"
    return LimitCheck(limit, shown, shown, maximum, unit, Verdict.BLOCKED, reason)


def count_at_most(limit: str, current: int, would_be: int, maximum: int, what: str) -> LimitCheck:
    """Check a number of things. ``what`` says whose they are in the sentence."""
    allowed = would_be <= maximum
    return LimitCheck(
        limit=limit,
        current=Decimal(current),
        would_be=Decimal(would_be),
        threshold=Decimal(maximum),
        unit="entries" if limit == "max_entries_per_day" else "positions",
        verdict=Verdict.OK if allowed else Verdict.BLOCKED,
        reason="" if allowed else f"{what} {current} of {limit}, {maximum}",
    )


def tolerated(check: LimitCheck) -> LimitCheck:
    """Let a check pass all the same, with its sentence kept as a remark: for sales, which nothing stops."""
    if check.verdict is Verdict.OK:
        return check
    return msgspec.structs.replace(check, verdict=Verdict.OK)


def amount(value: Decimal, unit: str) -> str:
    """Spell a number with its unit: cents for USD, two decimals for percent, else every digit it has."""
    match unit:
        case "USD":
            return f"${at_scale(value, 2):,}"
        case "%":
            return f"{at_scale(value, 2)} %"
        case "bps":
            return f"{number(at_scale(value, 2))} bps"
        case _:
            return f"{number(value)} {unit}"


def number(value: Decimal) -> str:
    """Spell a size or a price without trailing zeros and without an exponent."""
    return f"{value.normalize():f}"


def minute(at: datetime) -> str:
    """Spell an instant to the minute."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
