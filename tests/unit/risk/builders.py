"""Contexts and intents for risk tests: an account of $10,000 that may do anything."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.plans import LimitCheck, RiskAdjustedAction
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.candidate import Candidate, Pricing, Room
from krakked_tui.risk.context import Holding, PairState, PendingBuy, RiskContext, StrategyLimits
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import START, make_pair, make_quote

SETTINGS = RiskSettings()


def money(*values: int | str) -> tuple[Decimal, ...]:
    """Decimals to compare several results with at once."""
    return tuple(Decimal(value) for value in values)


def make_state(
    pair: str = "XBTUSD",
    price: str | None = "100",
    *,
    spread: str = "0",
    status: PairStatus = PairStatus.ONLINE,
    freshness: Freshness = Freshness.FRESH,
    price_age: float = 0.0,
    fee_pct: str = "0",
    order_min: str = "0.001",
    cost_min: str = "0.5",
) -> PairState:
    return PairState(
        metadata=make_pair(pair, status=status, order_min=order_min, cost_min=cost_min),
        quote=None if price is None else make_quote(pair, price, spread=spread),
        freshness=freshness,
        taker_fee_pct=Decimal(fee_pct),
        price_age=price_age,
    )


def make_context(
    *states: PairState,
    equity: str = "10000",
    cash: str = "10000",
    holdings: Mapping[str, Holding] | None = None,
    pending: Mapping[str, PendingBuy] | None = None,
    max_positions: int = 6,
    min_confidence: str = "0.6",
    kill_switch: KillSwitch | None = None,
    blocked_reason: str = "",
    blocked_pairs: Mapping[str, str] | None = None,
    min_order: str = "20",
    max_order: str = "25000",
    slippage_bps: str = "0",
) -> RiskContext:
    limits = StrategyLimits(max_positions, Decimal(min_confidence))
    return RiskContext(
        equity=Decimal(equity),
        cash_available=Decimal(cash),
        pairs={state.metadata.canonical: state for state in states or (make_state(),)},
        strategies={"trend": limits, "other": limits},
        holdings=holdings or {},
        pending_buys=pending or {},
        kill_switch=kill_switch or KillSwitch(),
        blocked_reason=blocked_reason,
        blocked_pairs=blocked_pairs or {},
        min_order_notional_usd=Decimal(min_order),
        max_order_notional_usd=Decimal(max_order),
        max_slippage_bps=Decimal(slippage_bps),
    )


def make_intent(
    pair: str = "XBTUSD",
    intent_type: IntentType = IntentType.ENTER,
    *,
    strategy_id: str = "trend",
    confidence: str = "0.8",
    stop: str | None = "50",
    exposure: str | None = None,
    timeframe: Timeframe = Timeframe.M1,
    signal_time: datetime = START,
) -> StrategyIntent:
    return StrategyIntent(
        strategy_id=strategy_id,
        pair=pair,
        intent_type=intent_type,
        timeframe=timeframe,
        signal_time=signal_time,
        generated_at=START + timedelta(minutes=1),
        confidence=Decimal(confidence),
        close=Decimal(100),
        desired_exposure_usd=None if exposure is None else Decimal(exposure),
        stop_price=None if stop is None else Decimal(stop),
    )


def make_candidate(
    intent: StrategyIntent | None = None,
    context: RiskContext | None = None,
    settings: RiskSettings = SETTINGS,
    room: Room | None = None,
) -> Candidate:
    intent, context = intent or make_intent(), context or make_context()
    return Candidate(
        intent=intent,
        state=context.pairs[intent.pair],
        strategy=context.strategies[intent.strategy_id],
        context=context,
        settings=settings,
        room=room or Room.at_start(context),
    )


def make_holding(size: str = "2", value: str = "200", strategy_id: str = "trend") -> Holding:
    return Holding(strategy_id, Decimal(size), Decimal(value))


def make_pricing(price: str = "100", stop: str = "50", cost: str = "100") -> Pricing:
    return Pricing(Decimal(price), Decimal(cost), Decimal(stop))


def check_of(action: RiskAdjustedAction, limit: str) -> LimitCheck:
    (check,) = (check for check in action.checks if check.limit == limit)
    return check
