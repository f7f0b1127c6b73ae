"""Values of limits with their units, as the limits, their checks and the why-view show them."""

from decimal import Decimal

from krakked_tui.tui.rows.line import Look
from krakked_tui.tui.rows.numbers import percent, quantity, usd

_CURRENCY = {"USD", "usd", "$"}
VERDICTS = {
    "ok": ("ok", Look.GOOD),
    "clamped": ("CLAMPED", Look.WARN),
    "blocked": ("BLOCKED", Look.ALARM),
}
FLAG = "flag"
"""Unit of what either holds or does not."""


def amount(value: Decimal, unit: str) -> str:
    """Return a value with its unit: cents for dollars, two decimals for percent, else every digit."""
    if unit in _CURRENCY:
        return usd(value)
    if unit == "%":
        return percent(value)
    if unit == FLAG:
        return "yes" if value else "no"
    if unit in {"positions", "", "confidence", "entries", "errors", "count"}:
        return quantity(value)
    return f"{quantity(value)} {unit}"


def short(value: Decimal, unit: str) -> str:
    """Return a value for a narrow column, with the short units only: others stand beside it."""
    return amount(value, unit) if unit in _CURRENCY or unit == "%" else quantity(value)


def verdict(word: str) -> tuple[str, Look]:
    """Return a limit's answer; capitals ask for attention."""
    return VERDICTS.get(word, (word, Look.WARN))
