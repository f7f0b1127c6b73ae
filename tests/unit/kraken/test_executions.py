"""Sparse events become complete reports; fills are told once."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.domain.orders import ExchangeStatus, OrderReport, Side
from krakked_tui.kraken import executions
from krakked_tui.kraken.errors import KrakenProtocolError
from krakked_tui.kraken.executions import ExecutionMerger
from krakked_tui.kraken.frame_rows import ExecutionRow, FeeRow
from krakked_tui.kraken.frames import ExecutionsFrame, parse
from krakked_tui.kraken.symbols import SymbolMap
from tests.unit.kraken.recorded import all_assets, some_pairs, ws_messages

SYMBOLS = SymbolMap(all_assets(), some_pairs())
T0 = datetime(2026, 1, 22, 6, 6, tzinfo=UTC)
ZERO = Decimal(0)


def event(exec_type: str, second: int, **fields: Any) -> ExecutionRow:
    return ExecutionRow(
        order_id="OVN7VD", exec_type=exec_type, timestamp=T0 + timedelta(seconds=second), **fields
    )


PENDING = event(
    "pending_new",
    0,
    order_status="pending_new",
    symbol="BTC/USD",
    side=Side.BUY,
    order_type="limit",
    cl_ord_id="kabcnet00000000001",
    order_qty=Decimal("0.3"),
    limit_price=Decimal("80000.0"),
    cum_cost=ZERO,
)
NEW = event("new", 0, order_status="new", cl_ord_id="kabcnet00000000001")


def fill(number: int, quantity: str, total: str, second: int) -> ExecutionRow:
    return event(
        "trade",
        second,
        order_status="partially_filled",
        symbol="BTC/USD",
        side=Side.BUY,
        exec_id=f"T{number}",
        last_qty=Decimal(quantity),
        last_price=Decimal("80000.0"),
        cost=Decimal(quantity) * 80000,
        cum_qty=Decimal(total),
        cum_cost=Decimal(total) * 80000,
        avg_price=Decimal("80000.0"),
        fees=[FeeRow("USD", Decimal(quantity) * 200)],
        liquidity_ind="m",
    )


FIRST, SECOND = fill(1, "0.1", "0.1", 10), fill(2, "0.2", "0.3", 20)
FILLED = event(
    "filled",
    20,
    order_status="filled",
    cum_qty=Decimal("0.3"),
    cum_cost=Decimal(24000),
    avg_price=Decimal(80000),
)


def play(*rows: ExecutionRow) -> tuple[list[Trade], list[OrderReport]]:
    merger = ExecutionMerger(SYMBOLS)
    told = [merger.apply(row) for row in rows]
    return [trade for trade, _ in told if trade], [report for _, report in told if report]


def test_the_life_of_an_order() -> None:
    trades, reports = play(PENDING, NEW, FIRST, SECOND, FILLED)
    assert [(r.status, r.filled, r.fee) for r in reports] == [
        (ExchangeStatus.PENDING, ZERO, ZERO),
        (ExchangeStatus.OPEN, ZERO, ZERO),
        (ExchangeStatus.OPEN, Decimal("0.1"), Decimal(20)),
        (ExchangeStatus.CLOSED, Decimal("0.3"), Decimal(60)),
    ]
    assert reports[-1] == OrderReport(
        kraken_order_id="OVN7VD",
        cl_ord_id="kabcnet00000000001",
        pair="XBTUSD",
        side=Side.BUY,
        order_type="limit",
        status=ExchangeStatus.CLOSED,
        volume=Decimal("0.3"),
        filled=Decimal("0.3"),
        price=Decimal(80000),
        cost=Decimal(24000),
        fee=Decimal(60),
        opened_at=T0,
        closed_at=T0 + timedelta(seconds=20),
        limit_price=Decimal(80000),
    )
    assert trades[0] == Trade(
        trade_id="T1",
        kraken_order_id="OVN7VD",
        pair="XBTUSD",
        side="buy",
        price=Decimal(80000),
        volume=Decimal("0.1"),
        cost=Decimal(8000),
        fees=(Fee("USD", Decimal(20)),),
        time=T0 + timedelta(seconds=10),
        maker=True,
        cl_ord_id="kabcnet00000000001",
    )
    assert [trade.trade_id for trade in trades] == ["T1", "T2"]


def test_the_status_on_a_fill_is_not_believed() -> None:
    _, reports = play(PENDING, replace(FIRST, order_status="filled"))
    assert reports[-1].status is ExchangeStatus.OPEN


def test_a_filled_event_completes_without_quantities() -> None:
    _, reports = play(PENDING, NEW, event("filled", 20, order_status="filled"))
    assert reports[-1].status is ExchangeStatus.CLOSED


def test_a_cancel_after_a_partial_fill_keeps_the_fill() -> None:
    canceled = event("canceled", 15, order_status="canceled", cum_qty=Decimal("0.1"), reason="User requested")
    _, reports = play(PENDING, NEW, FIRST, canceled)
    last = reports[-1]
    assert (last.status, last.filled, last.reason) == (
        ExchangeStatus.CANCELED,
        Decimal("0.1"),
        "User requested",
    )
    assert last.closed_at == T0 + timedelta(seconds=15)


def test_a_late_event_does_not_revive_an_ended_order() -> None:
    canceled = event("canceled", 15, order_status="canceled", cum_qty=ZERO)
    _, reports = play(PENDING, canceled, NEW, event("status", 20, order_status="new"))
    assert [report.status for report in reports] == [ExchangeStatus.PENDING, ExchangeStatus.CANCELED]
    assert reports[-1].closed_at == T0 + timedelta(seconds=15)


def test_amended_quantity_and_price() -> None:
    amended = event("amended", 5, order_status="new", order_qty=Decimal("0.2"), limit_price=Decimal(81818))
    _, reports = play(PENDING, NEW, amended)
    assert (reports[-1].volume, reports[-1].limit_price) == (Decimal("0.2"), Decimal(81818))


def test_an_old_description_does_not_undo_an_amendment() -> None:
    amended = event("amended", 5, order_status="new", order_qty=Decimal("0.2"), limit_price=Decimal(81818))
    _, reports = play(amended, PENDING)
    assert (reports[-1].volume, reports[-1].limit_price) == (Decimal("0.2"), Decimal(81818))
    assert reports[-1].opened_at == T0


@given(st.permutations([PENDING, NEW, FIRST, SECOND, FILLED, FIRST, SECOND, FILLED, NEW]))
def test_any_order_of_events_with_repetitions_ends_the_same(rows: list[ExecutionRow]) -> None:
    _, straight = play(PENDING, NEW, FIRST, SECOND, FILLED)
    trades, reports = play(*rows)
    assert sorted(trade.trade_id for trade in trades) == ["T1", "T2"]
    last = reports[-1]
    assert (last.status, last.filled, last.price, last.cost, last.fee) == (
        straight[-1].status,
        straight[-1].filled,
        straight[-1].price,
        straight[-1].cost,
        straight[-1].fee,
    )
    assert (last.volume, last.limit_price, last.opened_at) == (Decimal("0.3"), Decimal(80000), T0)
    filled = [report.filled for report in reports]
    assert filled == sorted(filled)


def test_a_repeated_event_makes_no_news() -> None:
    merger = ExecutionMerger(SYMBOLS)
    merger.apply(PENDING)
    assert merger.apply(PENDING) == (None, None)
    merger.apply(FIRST)
    assert merger.apply(FIRST) == (None, None)


def test_a_fee_in_the_base_asset_is_told_but_not_counted_as_quote() -> None:
    row = event(
        "trade",
        10,
        exec_id="T1",
        last_qty=Decimal("0.1"),
        last_price=Decimal(80000),
        fees=[FeeRow("BTC", Decimal("0.0004"))],
        cum_qty=Decimal("0.1"),
    )
    trades, reports = play(PENDING, row)
    assert trades[0].fees == (Fee("XBT", Decimal("0.0004")),)
    assert trades[0].cost == 8000
    assert not trades[0].maker
    assert reports[-1].fee == 0


@pytest.mark.parametrize("missing", ["exec_id", "last_qty", "last_price"])
def test_a_fill_that_cannot_be_told_in_full_is_an_error(missing: str) -> None:
    merger = ExecutionMerger(SYMBOLS)
    merger.apply(PENDING)
    with pytest.raises(KrakenProtocolError):
        merger.apply(replace(FIRST, **{missing: None}))


def test_an_order_never_described_makes_no_report_and_its_fill_is_an_error() -> None:
    merger = ExecutionMerger(SYMBOLS)
    assert merger.apply(NEW) == (None, None)
    row = event("trade", 3, exec_id="T9", last_qty=Decimal(1), last_price=Decimal(1))
    with pytest.raises(KrakenProtocolError, match="never described"):
        merger.apply(row)


def test_a_snapshot_describes_orders_and_tells_no_fills() -> None:
    merger = ExecutionMerger(SYMBOLS)
    row = replace(FIRST, exec_id=None, order_type="limit", order_qty=Decimal("0.3"))
    trade, report = merger.apply(row, snapshot=True)
    assert trade is None
    assert report is not None
    assert (report.status, report.filled) == (ExchangeStatus.OPEN, Decimal("0.1"))


def test_ended_orders_are_forgotten_beyond_a_bound() -> None:
    merger = ExecutionMerger(SYMBOLS)
    for number in range(executions.ENDED_MAX + 10):
        merger.apply(replace(PENDING, order_id=f"O{number}"))
        merger.apply(ExecutionRow(order_id=f"O{number}", exec_type="canceled", timestamp=T0))
    assert len(merger._orders) == executions.ENDED_MAX


def test_recorded_messages() -> None:
    frames = [parsed for line in ws_messages() if isinstance(parsed := parse(line), ExecutionsFrame)]
    merger = ExecutionMerger(SYMBOLS)
    reports, trades = [], []
    for row in (row for frame in frames for row in frame.data):
        trade, report = merger.apply(row)
        trades += [trade] if trade else []
        reports += [report] if report else []
    mine = [report for report in reports if report.kraken_order_id == "OVN7VD-7VYHS-APBKHA"]
    assert [report.status for report in mine] == [
        ExchangeStatus.PENDING,
        ExchangeStatus.OPEN,
        ExchangeStatus.OPEN,
        ExchangeStatus.OPEN,
        ExchangeStatus.CANCELED,
    ]
    assert mine[-1].volume == Decimal("0.00005000")
    assert mine[-1].limit_price == Decimal("81818.0")
    assert mine[-1].pair == "XBTUSDT"
    assert trades[0].trade_id == "B1Y0D9-6JIJG-W1IB7L"
    assert trades[0].fees == (Fee("USD", Decimal("0.04051")),)


@pytest.mark.parametrize(
    ("told", "userref"), [(b"4711", 4711), (b"-5", -5), (b"0", None), (b"null", None), (b'"x"', None)]
)
def test_the_number_of_another_tool_is_told_with_the_order(told: bytes, userref: int | None) -> None:
    merger = ExecutionMerger(SYMBOLS)
    _, report = merger.apply(replace(PENDING, cl_ord_id=None, order_userref=msgspec.Raw(told)))
    assert report is not None
    assert report.userref == userref
    _, later = merger.apply(NEW)
    assert later is None or later.userref == userref


@pytest.mark.parametrize(
    "fields", [{"margin": msgspec.Raw(b"true")}, {"position_status": msgspec.Raw(b'"opened"')}]
)
def test_fills_of_an_order_on_margin_are_on_margin(fields: dict[str, msgspec.Raw]) -> None:
    trades, _ = play(replace(PENDING, **fields), NEW, FIRST)
    assert [trade.margin for trade in trades] == [True]
    trades, _ = play(replace(PENDING, margin=msgspec.Raw(b"false")), NEW, FIRST)
    assert [trade.margin for trade in trades] == [False]
