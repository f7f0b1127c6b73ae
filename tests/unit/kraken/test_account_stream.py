"""What the sink hears of the private channels."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.orders import ExchangeStatus, OrderReport
from krakked_tui.kraken.account_stream import AccountStream
from krakked_tui.kraken.errors import KrakenProtocolError
from krakked_tui.kraken.frames import BalancesFrame, ExecutionsFrame, parse
from krakked_tui.kraken.session import Gap, TradingMaximum
from krakked_tui.ports import StreamState
from tests.unit.kraken.exchange import ScriptedKraken, ok

OPEN = StreamState("account", connected=True, wanted=2, acked=2)
PENDING = {
    "order_id": "O1",
    "exec_type": "new",
    "order_status": "new",
    "symbol": "BTC/USD",
    "side": "buy",
    "order_type": "limit",
    "order_qty": 0.3,
    "limit_price": 100.5,
    "timestamp": "2026-01-05T00:00:00.000000Z",
}
FILL = {
    "order_id": "O1",
    "exec_type": "trade",
    "exec_id": "T1",
    "last_qty": 0.1,
    "last_price": 100.5,
    "cum_qty": 0.1,
    "timestamp": "2026-01-05T00:00:01.000000Z",
}


class Account:
    """Implements ``AccountSink``: everything it heard, in order."""

    def __init__(self) -> None:
        self.heard: list[OrderReport | Trade | StreamState] = []

    def on_report(self, report: OrderReport) -> None:
        self.heard.append(report)

    def on_trade(self, trade: Trade) -> None:
        self.heard.append(trade)

    def on_stream_state(self, state: StreamState) -> None:
        self.heard.append(state)


def executions(*rows: dict[str, object], kind: str = "update") -> ExecutionsFrame:
    frame = parse(msgspec.json.encode({"channel": "executions", "type": kind, "data": rows, "sequence": 1}))
    assert isinstance(frame, ExecutionsFrame)
    return frame


def balances(kind: str, **row: object) -> BalancesFrame:
    body = {"channel": "balances", "type": kind, "data": [{"asset": "USD", "balance": 1.5} | row]}
    frame = parse(msgspec.json.encode(body))
    assert isinstance(frame, BalancesFrame)
    return frame


async def prepared() -> tuple[AccountStream, Account, ScriptedKraken]:
    kraken = ScriptedKraken()
    kraken.on("GetWebSocketsToken", ok({"token": "t0p", "expires": 900}))
    account = Account()
    stream = AccountStream(kraken.rest(), kraken.listing(), account)
    await stream.prepare()
    return stream, account, kraken


async def test_each_connection_gets_a_fresh_token_for_both_channels() -> None:
    stream, _, kraken = await prepared()
    plan = await stream.prepare()
    assert plan.token is not None
    assert plan.token.token == "t0p"
    assert [subscription.channel for subscription in plan.subscriptions] == ["executions", "balances"]
    assert len(kraken.calls_of("GetWebSocketsToken")) == 2


async def test_the_stream_counts_as_open_only_when_everything_is_acked() -> None:
    stream, account, _ = await prepared()
    stream.on_state(StreamState("account", connected=True, wanted=2, acked=0))
    stream.on_state(StreamState("account", connected=True, wanted=2, acked=1))
    assert account.heard == []
    stream.on_state(OPEN)
    lost = StreamState("account", connected=False, detail="gone")
    stream.on_state(lost)
    assert account.heard == [OPEN, lost]


async def test_fills_come_before_the_report_they_make() -> None:
    stream, account, _ = await prepared()
    stream.on_frame(executions(PENDING, kind="snapshot"), 1.0)
    stream.on_frame(executions(FILL), 1.0)
    opened, trade, report = account.heard
    assert isinstance(opened, OrderReport)
    assert isinstance(trade, Trade)
    assert isinstance(report, OrderReport)
    assert (opened.pair, opened.status, opened.filled) == ("XBTUSD", ExchangeStatus.OPEN, Decimal(0))
    assert (trade.trade_id, trade.pair, str(trade.cost)) == ("T1", "XBTUSD", "10.05")
    assert str(report.filled) == "0.1"


async def test_a_new_connection_forgets_what_the_old_one_knew() -> None:
    stream, account, _ = await prepared()
    stream.on_frame(executions(PENDING), 1.0)
    stream.on_frame(executions(FILL), 1.0)
    account.heard.clear()
    await stream.prepare()
    stream.on_frame(executions(PENDING, kind="snapshot"), 1.0)
    stream.on_frame(executions(FILL), 1.0)
    assert len(account.heard) == 3


async def test_a_fill_of_an_order_never_described_starts_the_stream_over() -> None:
    stream, account, _ = await prepared()
    with pytest.raises(KrakenProtocolError):
        stream.on_frame(executions(FILL), 1.0)
    assert account.heard == []


async def test_money_moved_outside_trading_makes_the_sink_ask() -> None:
    stream, account, _ = await prepared()
    stream.on_frame(balances("update", type="deposit"), 1.0)
    assert account.heard == []
    stream.on_state(OPEN)
    account.heard.clear()
    stream.on_frame(balances("snapshot"), 1.0)
    stream.on_frame(balances("update", type="trade"), 1.0)
    assert account.heard == []
    stream.on_frame(balances("update", type="deposit"), 1.0)
    assert account.heard == [msgspec.structs.replace(OPEN, detail="moved outside trading: USD (deposit)")]


class Counters:
    """Implements ``TradingCounters``: what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def trading_maximum(self, units: float) -> None:
        self.told.append((units,))

    def trading_count(self, pair: str, units: float, now: float) -> None:
        self.told.append((pair, units, now))


@pytest.mark.parametrize("field", ["ratecount", "ratecounter"])
async def test_the_trading_counters_are_passed_on(field: str) -> None:
    kraken, counters = ScriptedKraken(), Counters()
    kraken.on("GetWebSocketsToken", ok({"token": "t0p", "expires": 900}))
    stream = AccountStream(kraken.rest(), kraken.listing(), Account(), counters)
    plan = await stream.prepare()
    assert plan.subscriptions[0].options == (("ratecounter", True),)
    stream.on_frame(TradingMaximum(125), 0.0)
    stream.on_frame(executions(PENDING | {field: 3.5}), 7.0)
    sparse = {"order_id": "O1", "exec_type": "canceled", "timestamp": "2026-01-05T00:00:02Z", field: 1.0}
    stream.on_frame(executions(sparse), 8.0)
    assert counters.told == [(125,), ("XBTUSD", 3.5, 7.0), ("XBTUSD", 1.0, 8.0)]


async def test_a_gap_makes_the_sink_ask_at_once_and_again_when_the_channel_is_whole() -> None:
    stream, account, _ = await prepared()
    stream.on_frame(Gap("executions jumped"), 1.0)
    assert account.heard == []
    stream.on_state(OPEN)
    account.heard.clear()
    stream.on_frame(Gap("executions jumped"), 1.0)
    stream.on_state(StreamState("account", connected=True, wanted=2, acked=1))
    stream.on_frame(executions(PENDING), 1.0)
    stream.on_state(OPEN)
    told, report, whole = account.heard
    assert told == msgspec.structs.replace(OPEN, detail="executions jumped")
    assert isinstance(report, OrderReport)
    assert whole == OPEN
