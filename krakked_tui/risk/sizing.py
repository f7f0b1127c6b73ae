"""How much an entry of one strategy buys."""

from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import BASIS_POINTS, HUNDRED, ONE, ZERO
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.domain.precision import price_up, volume_down
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.caps import Cap, max_risk_per_trade_pct
from krakked_tui.risk.checks import flag, number
from krakked_tui.risk.limits import CAPS, MINIMUMS


class Sized(msgspec.Struct, frozen=True):
    """Base size of an entry with the checks that made it; nothing is bought if one of them blocked.

    ``pricing`` is None when there is no price or no stop to size with, and then there are no ``caps``.
    """

    size: Decimal
    checks: tuple[LimitCheck, ...]
    pricing: Pricing | None = None
    caps: tuple[Cap, ...] = ()


def worst_price(quote: Quote, max_slippage_bps: Decimal) -> Decimal:
    """Return the highest price an entry may pay: the ask, or the middle plus the slippage if above."""
    return max(quote.ask, quote.mid * (ONE + max_slippage_bps / BASIS_POINTS))


def size_entry(entry: Candidate) -> Sized:
    """Size an entry by its wanted exposure, or by the risk allowed per trade, and cut it to every limit.

    Risk sizing: size = (equity x ``max_risk_per_trade_pct`` - what the pair risks already) / (worst price -
    stop).
    """
    quote = entry.state.quote
    if quote is None:
        return Sized(ZERO, ())
    stop = stop_of(entry, quote)
    checks = (
        flag("stop_distance", _stop_problem(entry, quote.price, stop)),
        flag("take_profit", _target_problem(quote.price, entry.intent.take_profit_price)),
    )
    if stop is None or checks[0].verdict is Verdict.BLOCKED:
        return Sized(ZERO, checks)
    return cut_to_limits(entry, pricing_of(entry, quote, stop), checks)


def pricing_of(entry: Candidate, quote: Quote, stop: Decimal) -> Pricing:
    """Return what a unit costs at worst, and what it may lose down to ``stop``."""
    price = worst_price(quote, entry.context.max_slippage_bps)
    return Pricing(price, price * (ONE + entry.state.taker_fee_pct / HUNDRED), stop)


def cut_to_limits(entry: Candidate, pricing: Pricing, before: tuple[LimitCheck, ...]) -> Sized:
    """Hold the wanted size against every cap and minimum; ``before`` are the checks made already."""
    checks, equity = list(before), entry.context.equity
    caps = tuple(cap for limit in CAPS if (cap := limit(entry, pricing)) is not None)
    size, blocked = asked_size(entry, pricing), False
    for cap in caps:
        check = cap.check(size * cap.per_base, equity)
        checks.append(check)
        blocked |= check.verdict is Verdict.BLOCKED
        if check.verdict is Verdict.CLAMPED:
            size = volume_down(cap.size_max, entry.state.metadata)
    if blocked:
        return Sized(ZERO, tuple(checks), pricing, caps)
    for minimum in MINIMUMS:
        check = minimum(entry, pricing, size)
        checks.append(check)
        if check.verdict is Verdict.BLOCKED:
            return Sized(ZERO, tuple(checks), pricing, caps)
    return Sized(size, tuple(checks), pricing, caps)


def stop_of(entry: Candidate, quote: Quote) -> Decimal | None:
    """Return the strategy's stop, or one by volatility; never below that of what it holds already.

    By volatility: price - ``stop_atr_multiple`` x average true range, on the tick. None without a range.
    """
    stop, atr = entry.intent.stop_price, entry.intent.atr
    if stop is None and atr is not None and atr > ZERO:
        # The distance, not the price, is rounded: a stop below zero is no price, and is refused as it is.
        stop = quote.price - price_up(entry.strategy.stop_atr_multiple * atr, entry.state.metadata)
    held = entry.own_stop
    return stop if stop is None or held is None else max(stop, held)


def target_of(entry: Candidate, pricing: Pricing) -> Decimal | None:
    """Return the strategy's take-profit, or one at its multiple of what may be lost, on the tick."""
    target, multiple = entry.intent.take_profit_price, entry.strategy.per_trade_target_r_multiple
    if target is not None or multiple is None:
        return target
    return price_up(pricing.price + multiple * pricing.distance, entry.state.metadata)


def asked_size(entry: Candidate, pricing: Pricing) -> Decimal:
    """Return the size that is wanted, on the lot, before any limit but the one it is sized by."""
    exposure = entry.intent.desired_exposure_usd
    if exposure is None:
        size = max_risk_per_trade_pct(entry, pricing).size_max
    else:
        size = exposure / pricing.price - entry.own_size
    return volume_down(max(ZERO, size), entry.state.metadata)


def _stop_problem(entry: Candidate, price: Decimal, stop: Decimal | None) -> str:
    if stop is None:
        return f"it has no stop, and {entry.intent.pair} no average true range to set one by"
    if not ZERO < stop < price:
        return f"its stop at {number(stop)} is not between zero and the price, {number(price)}"
    return ""


def _target_problem(price: Decimal, target: Decimal | None) -> str:
    if target is None or target > price:
        return ""
    return f"its take-profit at {number(target)} is not above the price, {number(price)}"
