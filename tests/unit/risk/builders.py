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
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.context import (
    HeldShare,
    Holding,
    PairState,
    PendingBuy,
    Protection,
    RiskContext,
    StrategyLimits,
)
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import START, make_pair, make_quote

SETTINGS = RiskSettings()


def money(*values: int | str) -> tuple[Decimal, ...]:
    """Decimals to compare several results with at once."""
    return tuple(Decimal(value) for value in values)


def facts(*values: object) -> tuple[object, ...]:
    """What several things are, to compare at once, whatever their types."""
    return values


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
    liquidity: str | None = "1000000",
    atr: str | None = None,
) -> PairState:
    return PairState(
        metadata=make_pair(pair, status=status, order_min=order_min, cost_min=cost_min),
        quote=None if price is None else make_quote(pair, price, spread=spread),
        freshness=freshness,
        taker_fee_pct=Decimal(fee_pct),
        price_age=price_age,
        liquidity_24h_usd=None if liquidity is None else Decimal(liquidity),
        atr=None if atr is None else Decimal(atr),
    )


def make_context(
    *states: PairState,
    equity: str = "10000",
    cash: str = "10000",
    holdings: Mapping[str, Holding] | None = None,
    pending: Mapping[str, PendingBuy] | None = None,
    strategies: Mapping[str, StrategyLimits] | None = None,
    kill_switch: KillSwitch | None = None,
    blocked_reason: str = "",
    blocked_pairs: Mapping[str, str] | None = None,
    min_order: str = "20",
    max_order: str = "25000",
    slippage_bps: str = "0",
    protections: tuple[Protection, ...] = (),
    entries_today: int = 0,
    min_liquidity: str = "0",
) -> RiskContext:
    return RiskContext(
        now=START + timedelta(minutes=1),
        equity=Decimal(equity),
        cash_available=Decimal(cash),
        pairs={state.metadata.canonical: state for state in states or (make_state(),)},
        strategies=strategies or {name: make_strategy() for name in ("trend", "other", "third")},
        holdings=holdings or {},
        pending_buys=pending or {},
        kill_switch=kill_switch or KillSwitch(),
        blocked_reason=blocked_reason,
        blocked_pairs=blocked_pairs or {},
        min_order_notional_usd=Decimal(min_order),
        max_order_notional_usd=Decimal(max_order),
        max_slippage_bps=Decimal(slippage_bps),
        protections=protections,
        entries_today=entries_today,
        min_liquidity_24h_usd=Decimal(min_liquidity),
    )


def make_strategy(
    max_positions: int = 6,
    min_confidence: str = "0.6",
    *,
    weight: str = "1",
    atr_multiple: str = "2",
    target_r: str | None = None,
    trailing: str | None = None,
    holding_minutes: int | None = None,
) -> StrategyLimits:
    return StrategyLimits(
        max_positions=max_positions,
        min_signal_confidence=Decimal(min_confidence),
        weight=Decimal(weight),
        stop_atr_multiple=Decimal(atr_multiple),
        per_trade_target_r_multiple=None if target_r is None else Decimal(target_r),
        trailing_stop_pct=None if trailing is None else Decimal(trailing),
        max_holding_minutes=holding_minutes,
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
    close: str = "100",
    target: str | None = None,
    atr: str | None = None,
) -> StrategyIntent:
    return StrategyIntent(
        strategy_id=strategy_id,
        pair=pair,
        intent_type=intent_type,
        timeframe=timeframe,
        signal_time=signal_time,
        generated_at=START + timedelta(minutes=1),
        confidence=Decimal(confidence),
        close=Decimal(close),
        desired_exposure_usd=None if exposure is None else Decimal(exposure),
        stop_price=None if stop is None else Decimal(stop),
        take_profit_price=None if target is None else Decimal(target),
        atr=None if atr is None else Decimal(atr),
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
        room=room or Room.at_start(context, settings),
    )


def make_share(size: str = "2", strategy_id: str = "trend", stop: str | None = None) -> HeldShare:
    return HeldShare(strategy_id, Decimal(size), None if stop is None else Decimal(stop))


def make_holding(*shares: HeldShare, price: str = "100") -> Holding:
    """What is held of a pair, 2 of it by ``trend`` with a stop at 50 unless told otherwise."""
    return Holding(shares or (make_share(stop="50"),), Decimal(price))


def make_pending(*shares: HeldShare, price: str = "100") -> PendingBuy:
    return PendingBuy(shares or (make_share(stop="50"),), Decimal(price))


def make_pricing(price: str = "100", stop: str = "50", cost: str = "100") -> Pricing:
    return Pricing(Decimal(price), Decimal(cost), Decimal(stop))


def check_of(action: RiskAdjustedAction, limit: str) -> LimitCheck:
    (check,) = (check for check in action.checks if check.limit == limit)
    return check
