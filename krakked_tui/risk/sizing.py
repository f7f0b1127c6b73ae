"""How much an entry buys."""

from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import BASIS_POINTS, HUNDRED, ONE, ZERO
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.domain.precision import volume_down
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.caps import max_risk_per_trade_pct
from krakked_tui.risk.checks import flag, number
from krakked_tui.risk.limits import CAPS, MINIMUMS


class Sized(msgspec.Struct, frozen=True):
    """Base size of an entry with the checks that made it; nothing is bought if one of them blocked.

    ``pricing`` is None when there is no price or no stop to size with.
    """

    size: Decimal
    checks: tuple[LimitCheck, ...]
    pricing: Pricing | None = None


def worst_price(quote: Quote, max_slippage_bps: Decimal) -> Decimal:
    """Return the highest price an entry may pay: the ask, or the middle plus the slippage if above."""
    return max(quote.ask, quote.mid * (ONE + max_slippage_bps / BASIS_POINTS))


def size_entry(entry: Candidate) -> Sized:
    """Size an entry by its wanted exposure, or by the risk allowed per trade, and cut it to every limit.

    Risk sizing: size = equity x ``max_risk_per_trade_pct`` / (worst price - stop).
    """
    quote, stop = entry.state.quote, entry.intent.stop_price
    if quote is None:
        return Sized(ZERO, ())
    checks = [flag("stop_distance", _stop_problem(quote.price, stop))]
    if stop is None or checks[0].verdict is Verdict.BLOCKED:
        return Sized(ZERO, tuple(checks))
    price = worst_price(quote, entry.context.max_slippage_bps)
    pricing = Pricing(price, price * (ONE + entry.state.taker_fee_pct / HUNDRED), stop)
    size = _asked_size(entry, pricing)
    for cap in (limit(entry, pricing) for limit in CAPS):
        checks.append(cap.check(size, entry.context.equity))
        if checks[-1].verdict is Verdict.BLOCKED:
            return Sized(ZERO, tuple(checks), pricing)
        size = min(size, cap.size_max)
    size = volume_down(size, entry.state.metadata)
    for minimum in MINIMUMS:
        checks.append(minimum(entry, pricing, size))
        if checks[-1].verdict is Verdict.BLOCKED:
            return Sized(ZERO, tuple(checks), pricing)
    return Sized(size, tuple(checks), pricing)


def _stop_problem(price: Decimal, stop: Decimal | None) -> str:
    if stop is None:
        return "it has no stop price, so its risk cannot be sized"
    if not ZERO < stop < price:
        return f"its stop at {number(stop)} is not between zero and the price, {number(price)}"
    return ""


def _asked_size(entry: Candidate, pricing: Pricing) -> Decimal:
    exposure = entry.intent.desired_exposure_usd
    if exposure is None:
        return max(ZERO, max_risk_per_trade_pct(entry, pricing).size_max)
    return max(ZERO, exposure / pricing.price - entry.held_size)
