"""The arithmetic context for money, and the trap that keeps floats out of it."""

import decimal
from decimal import Decimal

ZERO = Decimal(0)
ONE = Decimal(1)
HUNDRED = Decimal(100)
BASIS_POINTS = Decimal(10_000)

PRECISION_DIGITS = 50
"""Far above any product of a Kraken price and quantity, so only divisions are inexact."""


def trap_floats() -> None:
    """Make ``Decimal(0.1)`` and ``Decimal < float`` raise, in every thread started afterwards.

    Set on ``decimal.DefaultContext`` because a plain thread starts from it and does not inherit
    the current context. ``Decimal == float`` stays legal in Python, so the trap is a net, not a
    proof. Call once, before the first thread; calling again changes nothing.
    """
    decimal.DefaultContext.prec = PRECISION_DIGITS
    decimal.DefaultContext.traps[decimal.FloatOperation] = True
    decimal.setcontext(decimal.DefaultContext.copy())


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """Return ``part`` as a percentage of ``whole``; zero when there is no whole."""
    return part / whole * HUNDRED if whole else ZERO
