"""While the account's history is read the first time, nothing rests on what is known of it."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import ExchangeStatus, OrderReport, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import (
    ForeignOrderSaved,
    HistoryKind,
    HistoryMark,
    HistoryMarked,
    LedgerEntrySaved,
    StoredState,
    TradeSaved,
)
from tests.scenarios.stage import PRICE, T0, Stage, asked, recorded

D = Decimal
PAST = T0 - timedelta(days=3)
DEPOSIT = LedgerEntry("L0", "R0", PAST, "deposit", "", "USD", D(9000), D(0), D(9000))


def trade(trade_id: str = "T1", order_id: str = "OFOREI-GNAAA-AAAAAA", pair: str = "XBTUSD") -> Trade:
    at = PAST + timedelta(hours=1)
    return Trade(trade_id, order_id, pair, "buy", PRICE, D("0.1"), D(5000), (), at, maker=False)


def report(order_id: str = "OFOREI-GNAAA-AAAAAA", userref: int | None = None) -> OrderReport:
    return OrderReport(
        order_id, None, "XBTUSD", Side.BUY, "market", ExchangeStatus.CLOSED, D("0.1"), D("0.1"), PRICE,
        D(5000), D(0), PAST, userref=userref,
    )  # fmt: skip


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    """A new account whose first reading has begun."""
    stage = Stage(xbtusd)
    for kind in HistoryKind:
        stage.play(e.HistoryRead(stage.at, (), (), HistoryMark(kind)))
    return stage


def read(stage: Stage, kind: HistoryKind, *rows: Trade | LedgerEntry, done: bool = True) -> None:
    trades = tuple(row for row in rows if isinstance(row, Trade))
    entries = tuple(row for row in rows if isinstance(row, LedgerEntry))
    mark = HistoryMark(
        kind, min((row.time for row in rows), default=None), len(rows), 120, done=done,
        newest=max((row.time for row in rows), default=None),
    )  # fmt: skip
    stage.play(e.HistoryRead(stage.at, trades, entries, mark))


def test_nothing_is_opened_and_the_account_is_not_read_until_it_is_there(stage: Stage) -> None:
    stage.play(e.MarketDataChanged(stage.at, usable=True, detail="live"))
    read(stage, HistoryKind.TRADES, trade(), done=False)
    told = "the account's history is being read: trades: 1 of 3 pages read, ledger: not begun"
    assert stage.state.new_risk_refusal() == told
    stage.play(e.SyncRequested(stage.at, stage.wall))
    stage.play(e.AccountStreamChanged(stage.at, stage.wall, connected=True, detail=""))
    stage.later(60)
    stage.priced(PRICE)
    assert not [x for x in stage.effects if isinstance(x, f.SyncAccount)]
    assert stage.state.account.synced_wall is None
    assert (stage.state.day_start, stage.state.snapshots) == (None, [])


def test_an_answer_that_comes_too_early_is_no_truth(stage: Stage) -> None:
    outcome = stage.synced(balances={"USD": D(1)})
    assert stage.state.account.synced_wall is None
    assert stage.state.account.drift == ()
    assert outcome.records == []


def test_a_page_is_stored_with_its_mark_and_booked_when_all_is_there(stage: Stage) -> None:
    read(stage, HistoryKind.TRADES, trade())
    assert recorded(stage.play(e.SyncRequested(stage.at, stage.wall)), TradeSaved) == []
    assert stage.state.books.state.positions == {}
    read(stage, HistoryKind.LEDGER, DEPOSIT)
    assert stage.state.books.state.positions["XBTUSD"].size == D("0.1")
    assert stage.state.books.state.balances == {"USD": D(4000), "XBT": D("0.1")}
    kinds = [type(record) for record in stage.records]
    assert kinds == [HistoryMarked, HistoryMarked, TradeSaved, HistoryMarked, LedgerEntrySaved, HistoryMarked]
    assert stage.state.counts.fills == 0
    assert not stage.state.history_pending


def test_a_row_twice_is_stored_once_and_a_read_history_takes_no_more_pages(stage: Stage) -> None:
    read(stage, HistoryKind.TRADES, trade(), done=False)
    read(stage, HistoryKind.TRADES, trade(), trade("T2"))
    read(stage, HistoryKind.TRADES, trade("T3"))
    assert [r.trade.trade_id for r in stage.records if isinstance(r, TradeSaved)] == ["T1", "T2"]


def test_afterwards_the_account_is_read_from_the_newest_row_that_a_reading_found(stage: Stage) -> None:
    pushed = msgspec.structs.replace(trade("T9"), time=T0)
    stage.play(e.TradeReported(stage.at, pushed, "stream"))
    read(stage, HistoryKind.TRADES, trade())
    read(stage, HistoryKind.LEDGER, DEPOSIT)
    (sync,) = asked(stage.later(0.5), f.SyncAccount)
    assert sync.trades_since == trade().time - timedelta(seconds=120), "what the stream told may have gaps"
    assert sync.entries_since == PAST - timedelta(seconds=120)
    outcome = stage.synced(trades=[trade(), pushed])
    (marked,) = recorded(outcome, HistoryMarked)
    assert (marked.mark.kind, marked.mark.newest, marked.mark.done) == (HistoryKind.TRADES, T0, True)
    assert stage.state.history[HistoryKind.TRADES] == marked.mark
    assert stage.state.account.synced_wall is not None


def test_what_was_stored_before_the_end_is_booked_with_the_rest(stage: Stage, xbtusd: PairMetadata) -> None:
    read(stage, HistoryKind.TRADES, trade(), done=False)
    stored = StoredState(
        "abc", "test", trades=(trade(),), history=tuple(stage.state.history.values()),
    )  # fmt: skip
    again = Stage(xbtusd, stored=stored)
    assert again.state.history_pending
    assert again.state.books.state.positions == {}
    read(again, HistoryKind.TRADES)
    read(again, HistoryKind.LEDGER)
    assert again.state.books.state.positions["XBTUSD"].size == D("0.1")


def test_a_trade_on_a_pair_that_is_gone_is_stored_and_booked_when_it_is_listed(
    stage: Stage, xbtusd: PairMetadata
) -> None:
    read(stage, HistoryKind.TRADES, trade(pair="ETHUSD"))
    read(stage, HistoryKind.LEDGER)
    assert list(stage.state.unbooked) == ["T1"]
    assert [effect.event for effect in stage.effects if isinstance(effect, f.Log)][-1] == "trades_unbooked"
    ether = msgspec.structs.replace(xbtusd, canonical="ETHUSD", base="ETH")
    known = {"XBTUSD": xbtusd, "ETHUSD": ether}
    stage.play(e.UniverseChanged(stage.at, known, frozenset(known)))
    assert stage.state.unbooked == {}
    assert stage.state.books.state.positions["ETHUSD"].size == D("0.1")


def test_an_order_of_somebody_else_is_asked_about_once_for_ever(stage: Stage, xbtusd: PairMetadata) -> None:
    read(stage, HistoryKind.TRADES, trade())
    read(stage, HistoryKind.LEDGER)
    assert asked(stage.later(4), f.Identify) == [f.Identify(("OFOREI-GNAAA-AAAAAA",))] * 2
    outcome = stage.play(e.OrderReported(stage.at, report(userref=4711), "identify"))
    saved = ForeignOrderSaved("OFOREI-GNAAA-AAAAAA", 4711)
    assert recorded(outcome, ForeignOrderSaved) == [saved]
    assert asked(stage.later(4), f.Identify) == []
    stored = StoredState("abc", "test", trades=(trade(),), foreign_orders=(saved,))
    again = Stage(xbtusd, stored=stored)
    assert again.state.foreign == {"OFOREI-GNAAA-AAAAAA": 4711}
    assert asked(again.later(4), f.Identify) == []
    assert again.play(e.OrderReported(again.at, report(), "stream")).records == []


def test_fills_of_orders_that_were_lost_make_the_holding_in_their_own_order(stage: Stage) -> None:
    bought = trade("T1", "OAAAAA-AAAAA-AAAAAA")
    sold = msgspec.structs.replace(
        trade("T2", "OBBBBB-BBBBB-BBBBBB"),
        side="sell",
        volume=D("0.04"),
        time=bought.time + timedelta(hours=1),
    )
    read(stage, HistoryKind.TRADES, sold, bought)
    read(stage, HistoryKind.LEDGER)
    for number, (order_id, side, volume) in enumerate(
        [("OBBBBB-BBBBB-BBBBBB", Side.SELL, D("0.04")), ("OAAAAA-AAAAA-AAAAAA", Side.BUY, D("0.1"))]
    ):
        found = msgspec.structs.replace(
            report(order_id), cl_ord_id=f"kabctfv{number:011}", side=side, volume=volume, filled=volume
        )
        stage.play(e.OrderReported(stage.at, found, "identify"))
    stage.later(1)
    assert stage.state.holdings["XBTUSD"].size == D("0.06")


def test_the_first_reading_is_no_activity_of_others_but_what_comes_after_it_is(stage: Stage) -> None:
    read(stage, HistoryKind.TRADES, trade())
    read(stage, HistoryKind.LEDGER, DEPOSIT)
    stage.synced()
    stage.priced(PRICE)
    assert "external_activity" not in [x.event for x in stage.effects if isinstance(x, f.Log)]
    more = msgspec.structs.replace(DEPOSIT, entry_id="L9", refid="R9", time=stage.at)
    held = {"USD": D(13000), "XBT": D("0.1")}
    stage.synced(entries=[more], balances=held)
    stage.priced(PRICE)
    (line,) = [x for x in stage.effects if isinstance(x, f.Log) and x.event == "external_activity"]
    assert line.fields["percent"] == "100.00"
    assert stage.state.account.balances == {asset: AssetBalance(asset, n) for asset, n in held.items()}
