"""What every limit would say to a buy that nobody has asked for."""

from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.plans import LimitCheck
from krakked_tui.risk.actions import blocked_reasons
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.checks import flag, number
from krakked_tui.risk.context import PairState, RiskContext, StrategyLimits
from krakked_tui.risk.limits import PERMISSIONS, Permission
from krakked_tui.risk.places import max_positions, min_signal_confidence
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.sizing import cut_to_limits, pricing_of
from krakked_tui.risk.stakes import STOP_ATR_MULTIPLE

OF_STRATEGIES: frozenset[Permission] = frozenset({min_signal_confidence, max_positions})
"""Limits that somebody's signal has, and a buy by nobody has not."""

_NOBODY = StrategyLimits(max_positions=0, min_signal_confidence=ZERO)


class Hypothesis(msgspec.Struct, frozen=True):
    """What would become of a buy. ``size`` of base is what every limit allows, zero for none.

    ``notional_usd`` is its worth at the worst price it may be bought at. ``problem`` says why it cannot be
    judged: then there are no checks.
    """

    pair: str
    usd: Decimal
    size: Decimal = ZERO
    notional_usd: Decimal = ZERO
    checks: tuple[LimitCheck, ...] = ()
    problem: str = ""

    @property
    def blocked(self) -> bool:
        """Whether any limit is in its way."""
        return bool(blocked_reasons(self.checks))


def what_if(
    pair: str,
    usd: Decimal,
    context: RiskContext,
    settings: RiskSettings,
    *,
    stop_price: Decimal | None = None,
) -> Hypothesis:
    """Judge a buy of a pair for so much USD, by nobody's strategy.

    Without ``stop_price`` it is taken to risk what ``PairState.atr`` tells of what is held without a stop.
    """
    state = context.pairs.get(pair)
    quote = state.quote if state else None
    if problem := _problem(pair, usd, state, quote):
        return Hypothesis(pair, usd, problem=problem)
    assert state is not None
    assert quote is not None
    intent = StrategyIntent(
        strategy_id="",
        pair=pair,
        intent_type=IntentType.ENTER,
        timeframe=Timeframe.M1,
        signal_time=context.now,
        generated_at=context.now,
        confidence=ONE,
        close=quote.price,
        desired_exposure_usd=usd,
        stop_price=stop_price,
    )
    entry = Candidate(intent, state, _NOBODY, context, settings, Room.at_start(context, settings))
    checks = [limit(entry) for limit in PERMISSIONS if limit not in OF_STRATEGIES]
    checks.append(flag("stop_distance", _stop_problem(stop_price, quote)))
    pricing = _pricing(entry, quote, stop_price)
    sized = cut_to_limits(entry, pricing, tuple(checks))
    size = ZERO if blocked_reasons(sized.checks) else sized.size
    return Hypothesis(pair, usd, size, size * pricing.price, sized.checks)


def _problem(pair: str, usd: Decimal, state: PairState | None, quote: Quote | None) -> str:
    if state is None:
        return f"{pair} is not known here: name a pair of the universe, or one that is held"
    if quote is None or quote.price <= ZERO:
        return f"no price of {pair} has arrived: ask again when it has"
    if not usd.is_finite() or usd <= ZERO:
        return f"{usd} USD buys nothing: name an amount above 0"
    return ""


def _stop_problem(stop: Decimal | None, quote: Quote) -> str:
    if stop is None or ZERO < stop < quote.price:
        return ""
    return f"its stop at {number(stop)} is not between zero and the price, {number(quote.price)}"


def _pricing(entry: Candidate, quote: Quote, stop: Decimal | None) -> Pricing:
    """Return prices; without a usable stop, with the distance that what has none is taken to risk."""
    if stop is not None and ZERO < stop < quote.price:
        return pricing_of(entry, quote, stop)
    pricing, atr = pricing_of(entry, quote, ZERO), entry.state.atr
    if not atr:
        return pricing
    return msgspec.structs.replace(pricing, stop=max(ZERO, pricing.price - STOP_ATR_MULTIPLE * atr))
