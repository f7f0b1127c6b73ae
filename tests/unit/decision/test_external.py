"""What others do with the account is told, once, when it is more than a part of equity."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.domain.fills import LedgerEntry, Trade
from krakked_tui.domain.orders import LocalOrder, Refused
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import ExternalJudged, LedgerEntrySaved, StoredState, TradeSaved
from krakked_tui.market.freshness import Freshness
from krakked_tui.portfolio.settings import PortfolioSettings
from tests.scenarios.stage import PRICE, Stage

D = Decimal


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    """$10,000 and the setting of 1 %."""
    return Stage(xbtusd).ready()


def told(stage: Stage) -> list[f.Log]:
    return [x for x in stage.effects if isinstance(x, f.Log) and x.event == "external_activity"]


def row(stage: Stage, kind: str, amount: str, entry_id: str = "L7", asset: str = "USD") -> LedgerEntry:
    return LedgerEntry(entry_id, f"R{entry_id}", stage.at, kind, "", asset, D(amount), D(0), D(0))


def foreign(stage: Stage, cost: str, trade_id: str = "T7") -> Trade:
    volume = D(cost) / PRICE
    return Trade(
        trade_id, "OFOREI-GNAAA-AAAAAA", "XBTUSD", "buy", PRICE, volume, D(cost), (), stage.at, maker=False
    )


@pytest.mark.parametrize(
    ("amount", "reported"), [("100", False), ("-100", False), ("101", True), ("-101", True)]
)
def test_flows_count_from_the_part_on_that_is_set(stage: Stage, amount: str, reported: bool) -> None:
    stage.synced(entries=[row(stage, "deposit" if D(amount) > 0 else "withdrawal", amount)])
    stage.priced(PRICE)
    assert bool(told(stage)) is reported


def test_the_line_has_the_numbers_and_comes_once(stage: Stage) -> None:
    rows = [
        row(stage, "deposit", "500"),
        row(stage, "withdrawal", "-300", "L8"),
        row(stage, "earn", "50", "L9"),
    ]
    stage.synced(entries=rows, trades=[foreign(stage, "1000")])
    assert told(stage) == [], "it is judged at the prices that come next"
    stage.priced(PRICE)
    (line,) = told(stage)
    assert line.level is f.Level.WARNING
    assert line.fields == {
        "trades": 1, "traded": "1000", "flows": 2, "flowed": "800", "flowed_net": "200", "percent": "18.00",
        "equity_before": str(stage.state.valuation.equity - 200 if stage.state.valuation else 0),
        "assets": "USD,XBT",
    }  # fmt: skip
    assert "1 trades worth 1,000.00 USD and 2 cash flows worth 800.00 USD (18.0 % of equity)" in line.message
    stage.synced(entries=rows, trades=[foreign(stage, "1000")])
    stage.priced(PRICE)
    assert len(told(stage)) == 1


def test_what_the_stream_tells_counts_with_the_next_reading(stage: Stage) -> None:
    stage.play(e.TradeReported(stage.at, foreign(stage, "5000"), "stream"))
    stage.priced(PRICE)
    assert told(stage) == []
    stage.synced(trades=[foreign(stage, "5000")])
    stage.priced(PRICE)
    assert [line.fields["trades"] for line in told(stage)] == [1]


def test_a_conversion_made_by_hand_is_a_trade_and_a_transfer_between_forms_is_nothing(stage: Stage) -> None:
    spent, got = row(stage, "spend", "-2000"), row(stage, "receive", "0.04", "L8", "XBT")
    moved = row(stage, "earn", "-0.04", "L9", "XBT")
    stage.synced(
        entries=[msgspec.structs.replace(spent, refid="C"), msgspec.structs.replace(got, refid="C"), moved]
    )
    stage.priced(PRICE)
    (line,) = told(stage)
    assert (line.fields["trades"], line.fields["traded"], line.fields["flows"]) == (1, "2000", 0)


def test_what_we_trade_is_none_of_it(stage: Stage) -> None:
    stage.bought()
    stage.synced()
    stage.priced(PRICE)
    assert told(stage) == []


def test_prices_that_do_not_come_do_not_keep_it_silent(stage: Stage) -> None:
    stage.synced(entries=[row(stage, "deposit", "500"), row(stage, "deposit", "1", "L8", "XBT")])
    stale = msgspec.structs.replace(stage.mark(PRICE), freshness=Freshness.STALE)
    stage.play(e.Priced(stage.at, stage.wall, {"XBTUSD": stale}))
    assert told(stage) == []
    stage.later(61)
    stage.play(e.Priced(stage.at, stage.wall, {"XBTUSD": stale}))
    assert [line.fields["flowed"] for line in told(stage)] == ["50500.0"]


def test_the_part_can_be_set(xbtusd: PairMetadata) -> None:
    for percent, reported in (("0", True), ("5", False)):
        stage = Stage(xbtusd, portfolio=PortfolioSettings(external_activity_pct=D(percent))).ready()
        stage.synced(entries=[row(stage, "deposit", "400")])
        stage.priced(PRICE)
        assert bool(told(stage)) is reported


def test_assets_that_are_excluded_move_no_equity(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd, portfolio=PortfolioSettings(exclude_assets=("XBT",))).ready()
    stage.synced(entries=[row(stage, "deposit", "1", asset="XBT")])
    stage.priced(PRICE)
    assert told(stage) == []


def nameless(stage: Stage, order: LocalOrder) -> Trade:
    """A fill of ours as the trade history tells it."""
    return msgspec.structs.replace(stage.fill(order), cl_ord_id=None)


def test_a_fill_read_before_its_order_was_answered_is_ours_all_the_same(stage: Stage) -> None:
    stage.cycle(stage.intent())
    (order,) = stage.state.orders.live()
    stage.synced(trades=[nameless(stage, order), foreign(stage, "1000")])
    stage.priced(PRICE)
    assert told(stage) == [], "either may be the fill of the order that is not answered yet"
    stage.accept(order)
    stage.priced(PRICE)
    (line,) = told(stage)
    assert (line.fields["trades"], line.fields["traded"]) == (1, "1000")


def test_a_fill_that_cannot_be_ours_waits_for_no_order_of_ours(stage: Stage) -> None:
    stage.cycle(stage.intent())
    sale = msgspec.structs.replace(foreign(stage, "1000"), side="sell")
    stage.synced(entries=[row(stage, "deposit", "1", asset="XBT")], trades=[sale])
    stage.priced(PRICE)
    assert [line.fields["trades"] for line in told(stage)] == [1]


def test_a_fill_whose_order_never_reached_the_exchange_is_somebody_elses(stage: Stage) -> None:
    stage.cycle(stage.intent())
    (order,) = stage.state.orders.live()
    stage.synced(trades=[foreign(stage, "1000")])
    stage.priced(PRICE)
    assert told(stage) == []
    stage.answer(Refused(order.cl_ord_id, "EOrder:Insufficient funds", "no money"))
    stage.priced(PRICE)
    assert [line.fields["trades"] for line in told(stage)] == [1]


def restarted(stage: Stage) -> Stage:
    """The same account, after the process ended, with what was stored until then."""
    trades = tuple(each.trade for each in stage.records if isinstance(each, TradeSaved))
    entries = tuple(each.entry for each in stage.records if isinstance(each, LedgerEntrySaved))
    judged = [each.until for each in stage.records if isinstance(each, ExternalJudged)]
    again = Stage(
        stage.pair,
        stored=StoredState(
            instance_id="abc", account_id="test", trades=trades, entries=entries,
            judged_until=judged[-1] if judged else None,
        ),
    )  # fmt: skip
    again.at = stage.at
    return again


def test_what_was_stored_and_not_judged_is_judged_after_a_restart(stage: Stage) -> None:
    stage.later(60)
    stage.synced(entries=[row(stage, "deposit", "500")], trades=[foreign(stage, "1000")])
    again = restarted(stage)
    again.synced()
    again.priced(PRICE)
    (line,) = told(again)
    assert (line.fields["flowed"], line.fields["traded"]) == ("500", "1000")


def test_what_was_judged_is_not_judged_again_after_a_restart(stage: Stage) -> None:
    stage.later(60)
    stage.synced(entries=[row(stage, "deposit", "500")])
    stage.priced(PRICE)
    assert len(told(stage)) == 1
    again = restarted(stage)
    again.synced()
    again.priced(PRICE)
    assert told(again) == []
    marks = [each for each in stage.records if isinstance(each, ExternalJudged)]
    stage.synced()
    stage.priced(PRICE)
    assert [each for each in stage.records if isinstance(each, ExternalJudged)] == marks, "nothing is new"


def test_the_past_of_an_account_whose_judgements_were_not_stored_is_not_judged(stage: Stage) -> None:
    stage.later(60)
    stage.synced(entries=[row(stage, "deposit", "500")])
    stage.records = [each for each in stage.records if not isinstance(each, ExternalJudged)]
    again = restarted(stage)
    again.synced()
    again.priced(PRICE)
    assert told(again) == []
    assert [each.until for each in again.records if isinstance(each, ExternalJudged)] == [stage.at]
