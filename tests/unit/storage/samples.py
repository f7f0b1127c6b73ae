"""Values to store, numbered: two with the same number are the same."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.orders import (
    LocalOrder,
    OrderRequest,
    OrderStatus,
    OrderTransition,
    OrderType,
    Purpose,
    Side,
)
from krakked_tui.domain.plans import ActionShare, ActionType, DecisionRecord, RiskAdjustedAction
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.records import HistoryKind, HistoryMark, ShareMarked, SnapshotSaved

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def at(number: int) -> datetime:
    """One minute per number."""
    return START + timedelta(minutes=number)


def order(number: int, status: OrderStatus = OrderStatus.PENDING) -> LocalOrder:
    """A limit entry with every optional field set."""
    return LocalOrder(
        local_id=f"local-{number}",
        cl_ord_id=f"kabctrf{number:011}",
        plan_id=f"plan-{number}",
        strategy_id="trend",
        purpose=Purpose.ENTRY,
        request=OrderRequest(
            cl_ord_id=f"kabctrf{number:011}",
            pair="XBTUSD",
            side=Side.BUY,
            order_type=OrderType.LIMIT,
            volume=Decimal("0.02000000"),
            price=Decimal("30010.0"),
            trigger_price=Decimal("29000.0"),
            post_only=True,
            deadline=at(number) + timedelta(seconds=10),
        ),
        status=status,
        created_at=at(number),
        updated_at=at(number),
        timeframe=Timeframe.M5,
        signal_time=at(number) - timedelta(minutes=5),
        stop_price=Decimal("28500.5"),
        kraken_order_id=f"OQ7KLM-2AB3C-{number:06}",
        filled=Decimal("0.01"),
        avg_fill_price=Decimal("30009.9"),
        last_error="EOrder:Insufficient funds",
    )


def bare_order(number: int) -> LocalOrder:
    """A market exit with no optional field set."""
    return LocalOrder(
        local_id=f"local-{number}",
        cl_ord_id=f"kabcflt{number:011}",
        plan_id="",
        strategy_id="trend",
        purpose=Purpose.FLATTEN,
        request=OrderRequest(
            cl_ord_id=f"kabcflt{number:011}",
            pair="XBTUSD",
            side=Side.SELL,
            order_type=OrderType.MARKET,
            volume=Decimal("1E+2"),
        ),
        status=OrderStatus.PENDING,
        created_at=at(number),
        updated_at=at(number),
    )


def shared_order(number: int) -> LocalOrder:
    """A buy for two strategies, one with every way out."""
    return msgspec.structs.replace(
        order(number),
        strategy_id="net",
        stop_price=None,
        shares=(
            ActionShare(
                "breakout",
                Decimal("0.00500000"),
                Timeframe.H1,
                at(number),
                Decimal("28000.0"),
                Decimal("33000.0"),
                Decimal("2.5"),
                90,
            ),
            ActionShare("trend", Decimal("0.01500000")),
        ),
    )


def share_mark(number: int, highest: str = "50000.10") -> ShareMarked:
    """How high the pair went that a strategy holds."""
    return ShareMarked(f"P{number}USD", "trend", at(number), Decimal(highest))


def transition(number: int) -> OrderTransition:
    """The first step of ``order(number)``."""
    return OrderTransition(
        cl_ord_id=f"kabctrf{number:011}",
        at=at(number),
        before=None,
        after=OrderStatus.PENDING,
        source="plan",
        detail="entry",
    )


def trade(number: int) -> Trade:
    """A fill with a fee in each of its assets."""
    return Trade(
        trade_id=f"TQW3RT-5YUI8-{number:06}",
        kraken_order_id=f"OQ7KLM-2AB3C-{number:06}",
        pair="XBTUSD",
        side="buy",
        price=Decimal("30010.00000"),
        volume=Decimal("0.02000000"),
        cost=Decimal("600.20000"),
        fees=(Fee("USD", Decimal("1.50050")), Fee("XBT", Decimal("0.0000000010"))),
        time=at(number),
        maker=True,
        cl_ord_id=f"kabctrf{number:011}",
    )


def entry(number: int) -> LedgerEntry:
    """The dollar row of ``trade(number)``."""
    return LedgerEntry(
        entry_id=f"L4UESK-KG3EQ-{number:06}",
        refid=f"TQW3RT-5YUI8-{number:06}",
        time=at(number),
        type="trade",
        subtype="",
        asset="USD",
        amount=Decimal("-600.2000"),
        fee=Decimal("1.5005"),
        balance=Decimal("4998.2995"),
    )


def rate(number: int, price: str = "31234.50") -> Rate:
    """What the asset of ``entry(number)`` was worth."""
    return Rate(f"L4UESK-KG3EQ-{number:06}", "XBT", Decimal(price), "candle XBTUSD 1h")


def mark(number: int, kind: HistoryKind = HistoryKind.TRADES) -> HistoryMark:
    """A history of which so many pages of fifty are read."""
    return HistoryMark(kind, at(-number), 50 * number, 230, newest=at(9))


def snapshot(number: int) -> SnapshotSaved:
    """A point of the equity curve."""
    return SnapshotSaved(
        at(number), Decimal("10000.5"), Decimal("9000"), Decimal("-3.2"), Decimal("0.7"), Decimal("120.10")
    )


def decision(number: int) -> DecisionRecord:
    """A cycle that opened a position."""
    return DecisionRecord(
        plan_id=f"plan-{number}",
        time=at(number),
        timeframes=(Timeframe.M1, Timeframe.M5),
        candle_time=at(number),
        intents=(
            StrategyIntent(
                strategy_id="trend",
                pair="XBTUSD",
                intent_type=IntentType.ENTER,
                timeframe=Timeframe.M5,
                signal_time=at(number),
                generated_at=at(number),
                confidence=Decimal("0.8"),
                close=Decimal("30010.0"),
                metadata={"fast": 30005.25},
            ),
        ),
        actions=(
            RiskAdjustedAction(
                pair="XBTUSD",
                strategy_id="trend",
                action_type=ActionType.OPEN,
                target_base_size=Decimal("0.02"),
                current_base_size=Decimal(0),
                target_notional_usd=Decimal("600.20"),
                reason="fast above slow",
            ),
        ),
        kill_switch=False,
        equity_usd=Decimal("10000"),
        input_fingerprint="f00d",
        duration_ms=1.5,
    )


def candle(number: int, pair: str = "XBTUSD", trades: int = 7, volume: float = 1.5) -> Candle:
    """A closed one-minute candle."""
    return Candle(
        pair=pair,
        timeframe=Timeframe.M1,
        time=Timeframe.M1.floor(at(number)),
        open=100.1,
        high=101.2,
        low=99.3,
        close=100.7,
        volume=volume,
        vwap=100.4,
        trades=trades,
    )
