"""The only place that rounds. Everything else multiplies and adds exactly."""

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal, InvalidOperation

from krakked_tui.domain.pairs import PairMetadata


def step_down(value: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of ``step`` that is not above ``value`` (for value >= 0)."""
    return (value / step).to_integral_value(rounding=ROUND_DOWN) * step


def step_up(value: Decimal, step: Decimal) -> Decimal:
    """Return the smallest multiple of ``step`` that is not below ``value`` (for value >= 0)."""
    return (value / step).to_integral_value(rounding=ROUND_UP) * step


def price_down(price: Decimal, pair: PairMetadata) -> Decimal:
    """Snap a price to the pair's tick, never above it."""
    return at_scale(step_down(price, pair.tick_size), pair.price_decimals)


def price_up(price: Decimal, pair: PairMetadata) -> Decimal:
    """Snap a price to the pair's tick, never below it."""
    return at_scale(step_up(price, pair.tick_size), pair.price_decimals)


def volume_down(volume: Decimal, pair: PairMetadata) -> Decimal:
    """Snap a volume to the pair's lot, never above it: an order may not exceed what was decided."""
    return at_scale(step_down(volume, pair.lot_size), pair.volume_decimals)


def at_scale(value: Decimal, decimals: int, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """Return ``value`` with exactly ``decimals`` decimals.

    One so large that the arithmetic context has no digits left for them keeps those it has.
    """
    try:
        return value.quantize(Decimal(1).scaleb(-decimals), rounding=rounding)
    except InvalidOperation:
        if not value.is_finite():
            raise
        return value


def half_up(value: Decimal, decimals: int) -> Decimal:
    """Round to nearest, ties away from zero: how the exchange rounds fees (reference, section 9)."""
    return at_scale(value, decimals, ROUND_HALF_UP)


def truncate(value: Decimal, decimals: int) -> Decimal:
    """Cut to ``decimals`` decimals, towards zero: how the exchange rounds a vwap."""
    return at_scale(value, decimals, ROUND_DOWN)


def candle_price(value: float, pair: PairMetadata) -> Decimal:
    """Turn a candle's float price into money at the pair's own decimals.

    The shortest text that round-trips the float is the text the exchange sent, so going through
    ``repr`` loses nothing for prices of up to 15 significant digits.
    """
    return at_scale(Decimal(repr(value)), pair.price_decimals)


def indicator(value: float) -> Decimal:
    """Turn an indicator (a confidence, a stop distance) into a Decimal by its shortest text."""
    return Decimal(repr(float(value)))
