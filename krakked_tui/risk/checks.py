"""Limit checks and the numbers in their sentences."""

from decimal import Decimal

from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.domain.precision import at_scale


def flag(limit: str, reason: str) -> LimitCheck:
    """Check something that is either in the way or not: it is when there is a ``reason``."""
    raised = ONE if reason else ZERO
    return LimitCheck(
        limit=limit,
        current=raised,
        would_be=raised,
        threshold=ZERO,
        unit="flag",
        verdict=Verdict.BLOCKED if reason else Verdict.OK,
        reason=reason,
    )


def at_least(limit: str, value: Decimal, minimum: Decimal, unit: str, what: str) -> LimitCheck:
    """Check a minimum that no smaller size can meet. ``what`` names the value in the sentence."""
    enough = value >= minimum
    return LimitCheck(
        limit=limit,
        current=ZERO,
        would_be=value,
        threshold=minimum,
        unit=unit,
        verdict=Verdict.OK if enough else Verdict.BLOCKED,
        reason="" if enough else f"{what} is {amount(value, unit)}, below {limit}, {amount(minimum, unit)}",
    )


def count_at_most(limit: str, current: int, would_be: int, maximum: int, what: str) -> LimitCheck:
    """Check a number of things. ``what`` names them in the sentence."""
    allowed = would_be <= maximum
    return LimitCheck(
        limit=limit,
        current=Decimal(current),
        would_be=Decimal(would_be),
        threshold=Decimal(maximum),
        unit="positions",
        verdict=Verdict.OK if allowed else Verdict.BLOCKED,
        reason="" if allowed else f"{what} {current} of {limit}, {maximum}",
    )


def amount(value: Decimal, unit: str) -> str:
    """Spell a number with its unit: cents for USD, two decimals for percent, else every digit it has."""
    match unit:
        case "USD":
            return f"${at_scale(value, 2):,}"
        case "%":
            return f"{at_scale(value, 2)} %"
        case _:
            return f"{number(value)} {unit}"


def number(value: Decimal) -> str:
    """Spell a size or a price without trailing zeros and without an exponent."""
    return f"{value.normalize():f}"
