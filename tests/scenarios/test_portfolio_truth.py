"""Transcripts: how far the account can be believed, and what a reading of it brings."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.decision.account import LOST_SECONDS, READ_SECONDS
from krakked_tui.decision.housekeeping import FEES_SECONDS
from krakked_tui.decision.syncs import SyncSummary
from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.orders import ExchangeStatus, Unknown
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import HistoryKind, HistoryMarked, TradeSaved
from krakked_tui.engine.portfolio_service import PortfolioService, take_facts
from krakked_tui.risk.settings import RiskSettings
from tests.scenarios.stage import PRICE, T0, Stage, asked, recorded

D = Decimal


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def row(number: int, kind: str, asset: str, amount: str, at: datetime) -> LedgerEntry:
    return LedgerEntry(f"L{number}", f"R{number}", at, kind, "", asset, D(amount), D(0), D(0))


def logged(stage: Stage, event: str) -> list[f.Log]:
    return [effect for effect in stage.effects if isinstance(effect, f.Log) and effect.event == event]


def readings(stage: Stage) -> list[f.SyncAccount]:
    return [effect for effect in stage.effects if isinstance(effect, f.SyncAccount)]


def test_an_account_that_is_not_read_for_whatever_reason_is_not_believed(stage: Stage) -> None:
    stage.account_answers = False
    stage.later(310)
    stage.priced(PRICE)
    assert stage.state.account.failure == ""
    assert stage.state.new_risk_refusal() == "the account has not been read for 310 s"
    stage.cycle(stage.intent())
    assert stage.submitted() == []


def test_what_a_reading_says_is_as_old_as_its_beginning(stage: Stage) -> None:
    began = stage.wall
    stage.account_answers = False
    stage.later(250)
    answer = e.AccountSynced(
        stage.at, stage.wall, stage.state.activity, stage.at, (), (), (), stage.state.account.balances, began
    )
    stage.play(answer)
    stage.later(51)
    assert stage.state.account_stale


def test_a_reading_of_which_nothing_is_heard_is_given_up(stage: Stage) -> None:
    stage.account_answers = False
    stage.later(31)
    [lost] = readings(stage)[1:]
    stage.later(lost.deadline + LOST_SECONDS - 2)
    assert len(readings(stage)) == 2
    assert READ_SECONDS < lost.deadline < READ_SECONDS * 2
    stage.later(2)
    assert len(readings(stage)) == 3
    assert [line.level for line in logged(stage, "account_sync_lost")] == [f.Level.ERROR]


def test_answers_about_the_account_are_never_dropped() -> None:
    assert {e.AccountSynced, e.AccountSyncFailed} <= {*e.URGENT_EVENTS}


def spans(stage: Stage) -> list[timedelta]:
    """How far back the ledger was asked for, before its newest row."""
    mark = stage.state.history[HistoryKind.LEDGER]
    assert mark.newest is not None
    return [mark.newest - each.entries_since for each in readings(stage)]


def test_a_row_that_comes_very_late_is_found_when_the_balances_say_that_it_is_missing(stage: Stage) -> None:
    stage.later(3600)
    stage.synced(entries=[row(7, "deposit", "USD", "1", stage.at)])
    stage.effects.clear()
    stage.account_answers = False
    for _ in range(30):
        stage.later(5)
        stage.synced(balances={"USD": D(15_001)})
    assert stage.state.account.drift
    usual = timedelta(seconds=120)
    wider = [span for span in spans(stage) if span != usual]
    assert wider[:2] == [timedelta(days=1), timedelta(days=30)]
    assert readings(stage)[spans(stage).index(wider[2])].entries_since == datetime(
        1970, 1, 1, tzinfo=T0.tzinfo
    )
    assert len(wider) == 3, "each once"
    late = row(8, "deposit", "USD", "5000", stage.at - timedelta(hours=3))
    stage.synced(entries=[late], balances={"USD": D(15_001)})
    assert stage.state.account.drift == ()
    assert stage.state.account.widened == 0


def test_once_a_day_much_is_read_again(stage: Stage) -> None:
    stage.later(3700)
    wide = [each for each in spans(stage)[1:] if each > timedelta(seconds=120)]
    assert wide == [timedelta(days=2)]


@pytest.mark.parametrize("years", [1, 73])
def test_a_row_dated_in_the_future_hides_no_other(stage: Stage, years: int) -> None:
    ahead = row(7, "staking", "XBT", "0.0001", stage.at.replace(year=stage.at.year + years))
    stage.later(10)
    outcome = stage.synced(entries=[ahead])
    assert all(record.mark.newest is None or record.mark.newest <= stage.at
               for record in recorded(outcome, HistoryMarked))  # fmt: skip
    stage.effects.clear()
    stage.later(60)
    stage.synced(entries=[ahead, row(8, "deposit", "USD", "5", stage.at - timedelta(seconds=5))])
    assert max(each.entries_since for each in readings(stage)) < stage.at
    assert stage.state.account.compared is not None, "balances are compared all the same"
    assert stage.state.history[HistoryKind.LEDGER].newest == stage.at - timedelta(seconds=5)


def test_a_mark_in_the_future_is_put_right(stage: Stage) -> None:
    before = stage.state.history[HistoryKind.LEDGER]
    stage.state.history[HistoryKind.LEDGER] = msgspec.structs.replace(
        before, newest=T0 + timedelta(days=9_999)
    )
    stage.later(40)
    newest = stage.state.history[HistoryKind.LEDGER].newest
    assert newest is not None
    assert T0 - timedelta(days=3) < newest < T0


def test_our_own_fill_that_is_seen_before_its_order_is_known_is_nobody_elses(stage: Stage) -> None:
    stage.cycle(stage.intent())
    [order] = stage.submitted()
    stage.answer(Unknown(order.cl_ord_id, "timeout"))
    fill = msgspec.structs.replace(stage.fill(order), cl_ord_id=None, kraken_order_id="OLATER")
    stage.synced(trades=[fill])
    stage.priced(PRICE)
    assert logged(stage, "external_activity") == []
    report = stage.report(stage.order(order), ExchangeStatus.CLOSED, order.request.volume, "OLATER")
    stage.play(e.OrderReported(stage.at, report, "identify"))
    stage.priced(PRICE)
    assert logged(stage, "external_activity") == []
    assert stage.state.external.due is None


def test_a_reading_says_what_it_brought(stage: Stage) -> None:
    stage.state.foreign["OTHERS"] = None
    trade = Trade("T7", "OTHERS", "XBTUSD", "buy", PRICE, D("0.1"), PRICE / 10, (), stage.at, maker=False)
    flow, move = row(7, "deposit", "USD", "5", stage.at), row(8, "earn", "XBT", "-0.01", stage.at)
    stage.later(10)
    stage.synced(trades=[trade], entries=[flow, move])
    assert stage.state.last_sync == SyncSummary(stage.at, 1, 1, ("XBTUSD",))
    (line,) = [line for line in logged(stage, "account_synced") if line.level is f.Level.INFO][1:]
    assert (line.fields["new_trades"], line.fields["new_cash_flows"]) == (1, 1)
    assert line.fields["updated_pairs"] == "XBTUSD"
    stage.priced(PRICE)
    service = PortfolioService(take_facts(stage.state, stage.at))
    assert service.last_sync == SyncSummary(stage.at, 1, 1, ("XBTUSD",), external_activity=True)
    stage.later(10)
    stage.synced(trades=[trade], entries=[flow, move], balances={"USD": D(1)})
    assert stage.state.last_sync == SyncSummary(stage.at, drift_detected=True)
    assert logged(stage, "account_synced")[-1].level is f.Level.DEBUG


def test_a_fee_without_an_asset_is_in_the_quote_and_never_stored_without_one(stage: Stage) -> None:
    told = Trade(
        "T7", "OTHERS", "XBTUSD", "buy", PRICE, D("0.1"), D(5000), (Fee("", D(20)),), stage.at, maker=False
    )
    [saved] = recorded(stage.synced(trades=[told]), TradeSaved)
    assert saved.trade.fees == (Fee("USD", D(20)),)
    assert stage.state.books.balance("USD") == D(4980)
    gone = msgspec.structs.replace(told, trade_id="T8", pair="GONEUSD")
    [saved] = recorded(stage.synced(trades=[gone]), TradeSaved)
    assert saved.trade.fees == ()


def test_what_the_account_pays_is_asked_once_an_hour(stage: Stage) -> None:
    stage.later(1)
    [read] = [effect for effect in stage.effects if isinstance(effect, f.ReadFees)]
    assert read.pairs == ("XBTUSD",)
    stage.effects.clear()
    stage.later(FEES_SECONDS - 2)
    assert not [effect for effect in stage.effects if isinstance(effect, f.ReadFees)]
    assert asked(stage.later(3), f.ReadFees)


def test_cash_goes_as_far_as_the_accounts_own_fee_lets_it(xbtusd: PairMetadata) -> None:
    spent = []
    for fees in ({}, {"XBTUSD": D("0.08")}):
        risk = RiskSettings(max_per_asset_pct=D(100), max_risk_per_trade_pct=D(5))
        stage = Stage(xbtusd, risk=risk).ready()
        stage.play(e.FeesRead(stage.at, fees))
        stage.cycle(stage.intent())
        [order] = stage.submitted()
        assert order.request.price is not None
        spent.append(order.request.volume * order.request.price)
    lowest, own = spent
    assert own > lowest
    assert own <= 10_000 / D("1.0008")
    assert lowest <= 10_000 / D("1.004")
