"""Prices as Kraken lets them be asked for: plain, or away from a reference by an amount or percentage."""

import re
from decimal import Decimal
from typing import Final

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import price_down, price_up
from krakked_tui.sandbox.faults import INVALID_PRICE_ARGUMENT, ApiError, invalid
from krakked_tui.sandbox.wire import text

_PRICE: Final = re.compile(r"([-+#]?)([0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(%?)")
_PERCENT_DECIMALS: Final = 4
PERCENT_MAX: Final = Decimal(10) ** 6
"""What the percentage of a relative price stays below."""

AMOUNT_MAX: Final = Decimal(10) ** 17
"""What volumes and prices stay below. With the at most ten decimals there are, an amount then fits into
the 28 digits of Python's usual decimal context, so nothing here needs a wider one."""


class Price(msgspec.Struct, frozen=True):
    """A price as it was asked for. ``sign`` is empty for a plain one, else ``+``, ``-`` or ``#``.

    ``#`` leaves the direction to the exchange.
    """

    amount: Decimal
    sign: str = ""
    percent: bool = False


def bounded(amount: Decimal, field: str) -> Decimal:
    """Return a volume or price that is not absurdly large, or raise ``ApiError``."""
    if amount >= AMOUNT_MAX:
        raise invalid(field)
    return amount


def parse_price(sent: str, field: str) -> Price:
    """Read a price argument, or raise ``ApiError``; a plain zero counts as malformed."""
    match = _PRICE.fullmatch(sent)
    if match is None:
        raise invalid(field)
    price = Price(bounded(Decimal(match[2]), field), match[1], bool(match[3]))
    if price.percent and (not price.sign or price.amount >= PERCENT_MAX):
        raise ApiError(INVALID_PRICE_ARGUMENT)
    if not price.sign and not price.amount:
        raise invalid(field)
    return price


def price_text(price: Price, decimals: int) -> str:
    """Print a price as it was asked for: ``30010.0``, ``+1.0000%``, ``-250.0``."""
    if price.percent:
        return f"{price.sign}{text(price.amount, _PERCENT_DECIMALS)}%"
    return f"{price.sign}{text(price.amount, decimals)}"


def resolve(price: Price, reference: Decimal, pair: PairMetadata, side: Side, *, above: bool) -> Decimal:
    """Turn a price into money, or raise ``ApiError`` when none above zero is left.

    ``above`` is the direction that ``#`` takes. Relative prices go to the grid: a seller's up, a
    buyer's down (as the recorded trailing stops do). Plain ones are returned as they are.
    """
    if not price.sign:
        return price.amount
    distance = reference * price.amount / HUNDRED if price.percent else price.amount
    upwards = price.sign == "+" or (price.sign == "#" and above)
    wanted = reference + distance if upwards else reference - distance
    if wanted <= ZERO:
        raise ApiError(INVALID_PRICE_ARGUMENT)
    found = price_up(wanted, pair) if side is Side.SELL else price_down(wanted, pair)
    if not found:
        raise ApiError(INVALID_PRICE_ARGUMENT)
    return found
