"""The view of an engine: what a screen is told."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.picture import engine_view
from krakked_tui.control.portfolio_view import HistoryView
from krakked_tui.control.views import DriftView, ElsewhereView, EngineView, HealthView, RateLimitView
from krakked_tui.decision import events as e
from krakked_tui.decision.account import revalue
from krakked_tui.domain.fills import AssetBalance, Fee, LedgerEntry
from krakked_tui.domain.orders import OrderStatus, Unknown
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import HeldAs
from krakked_tui.domain.records import HistoryKind, HistoryMark
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.portfolio_service import PortfolioService, take_facts
from krakked_tui.market.freshness import Freshness
from krakked_tui.portfolio.valuation import AssetValuation, Excluded, ValuationStatus
from krakked_tui.ports import Headroom, StreamState
from krakked_tui.tui.rows.tables import position_rows
from tests.fakes.clock import FakeClock
from tests.scenarios.stage import OTHER, STRATEGY, Stage
from tests.unit.portfolio.statements import make_trade


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


def _view(stage: Stage, **changes: object) -> EngineView:
    moment = Moment(at=stage.at, phase="running", state=stage.state)
    for name, value in changes.items():
        setattr(moment, name, value)
    return engine_view(moment, version=1, mode="demo", profile="demo", other_host="", messages=())


def test_a_position_is_shown_with_its_price_its_stop_and_its_strategy(stage: Stage) -> None:
    entry = stage.bought()
    stage.priced(Decimal("51000.0"))
    (position,) = _view(stage).positions
    assert (position.pair, position.size) == ("XBTUSD", entry.request.volume)
    assert position.avg_entry_price == Decimal(50_000)
    assert position.price == Decimal("51000.0")
    assert position.unrealized_pnl == entry.request.volume * 1000
    assert (position.stop_price, position.strategy_id) == (Decimal(49_000), "trend_following_v1")


@pytest.mark.parametrize("freshness", Freshness)
def test_only_a_price_that_is_new_or_confirmed_has_no_age(stage: Stage, freshness: Freshness) -> None:
    stage.bought()
    mark = msgspec.structs.replace(stage.state.marks["XBTUSD"], age=312.0, freshness=freshness)
    stage.state.marks = {"XBTUSD": mark}
    revalue(stage.state)
    (position,) = _view(stage).positions
    assert position.stale is (freshness not in {Freshness.FRESH, Freshness.CHECKED})
    (row,) = position_rows([position])
    assert row.cells[4].text == ("5m12s" if position.stale else "")


def test_a_position_is_valued_as_equity_is(stage: Stage) -> None:
    stage.bought()
    stage.priced(Decimal("51000.0"))
    valuation = stage.state.valuation
    assert valuation is not None
    (asset,) = (each for each in valuation.assets if each.asset == "XBT")
    gone = msgspec.structs.replace(asset, value=Decimal(0), status=ValuationStatus.DELISTED)
    stage.state.valuation = msgspec.structs.replace(valuation, assets=(gone,))
    (position,) = _view(stage).positions
    assert (position.price, position.stale) == (None, True)
    assert not position.value
    assert not position.unrealized_pnl
    (row,) = position_rows([position])
    assert [row.cells[index].text for index in (3, 5, 6, 7)] == ["-", "-", "-", "-"]


def test_a_fill_tells_dollars_only_where_they_are_known(stage: Stage) -> None:
    stage.bought()
    (bought,) = _view(stage).recent_trades
    assert (bought.cost, bought.fee_asset) == (Decimal(4000), "USD")
    trade = stage.state.recent_trades[0]
    fees = (Fee("ETH", Decimal("0.01")), Fee("USD", Decimal(1)))
    stage.later(5)
    stage.synced(trades=(msgspec.structs.replace(trade, trade_id="T99", fees=fees, time=stage.at),))
    (unknown, _) = _view(stage).recent_trades
    assert (unknown.realized_pnl, unknown.fee, unknown.fee_asset) == (None, Decimal("0.01"), "ETH")


def test_equity_is_cash_and_positions_and_the_day_starts_at_the_first_price(stage: Stage) -> None:
    stage.bought()
    stage.later(1)
    stage.priced(Decimal("51000.0"))
    view = _view(stage)
    assert view.portfolio is not None
    # 0.08 XBT: +80 from the price, -16 fee.
    assert view.status.equity == Decimal(10_064)
    assert view.status.day_pnl == Decimal(64)
    assert view.portfolio.cash == Decimal(10_000) - Decimal(4_000) - Decimal(16)
    assert sum(share.percent for share in view.allocation) == pytest.approx(Decimal(100))
    assert view.equity_curve[-1].equity == view.status.equity


def test_a_deposit_is_no_growth_and_books_are_compared_again_after_a_fill(stage: Stage) -> None:
    stage.later(60)
    stage.synced(balances={"USD": Decimal(10_000)})
    first = _view(stage)
    assert first.portfolio is not None
    assert (first.portfolio.compared, first.portfolio.manual_apart) == (True, False)
    stage.later(400)
    entry = LedgerEntry(
        "L9", "R9", stage.at, "deposit", "", "USD", Decimal(5_000), Decimal(0), Decimal(15_000)
    )
    stage.synced(entries=[entry], balances={"USD": Decimal(15_000)})
    stage.priced(Decimal("50000.0"))
    stage.later(1)
    deposited = _view(stage)
    assert deposited.portfolio is not None
    assert (deposited.status.equity, deposited.portfolio.growth_pct) == (Decimal(15_000), Decimal(0))
    assert [each.flows for each in stage.state.snapshots] == [Decimal(10_000), Decimal(15_000)]
    stage.bought()
    stage.later(1)
    stage.priced(Decimal("51000.0"))
    bought = _view(stage).portfolio
    assert bought is not None
    assert not bought.compared, "the balances are older than the fill"
    assert bought.growth_pct is not None
    assert bought.growth_pct > 0


def test_fills_bear_the_strategy_that_reports_name(stage: Stage) -> None:
    entry = stage.bought()
    stage.later(1)
    one = msgspec.structs.replace(stage.fill(entry), trade_id="T2", kraken_order_id="OX", time=stage.at)
    lost = msgspec.structs.replace(one, cl_ord_id=f"{entry.cl_ord_id[:-1]}9", price=one.price)
    other = msgspec.structs.replace(one, trade_id="T3", kraken_order_id="OY", cl_ord_id=None)
    stage.synced(trades=[lost, other])
    service = PortfolioService(take_facts(stage.state, stage.at))
    shown = {each.trade_id: each.strategy_id for each in _view(stage).recent_trades}
    reported = {each.trade.trade_id: each.made.strategy_tag for each in service.get_trade_history()}
    assert shown == reported
    assert (shown["T2"], shown["T3"]) == ("trend_following_v1", "manual")


def test_an_unknown_order_is_open_and_says_why(stage: Stage) -> None:
    stage.cycle(stage.intent())
    entry = stage.last_order()
    stage.answer(Unknown(entry.cl_ord_id, "HTTP 502"))
    (order,) = _view(stage).open_orders
    assert (order.status, order.last_error) == (OrderStatus.UNKNOWN, "HTTP 502")
    stage.play(e.CancelRequested(stage.at, 1, "tui", None))
    (order,) = _view(stage).open_orders
    assert order.cancelling


def test_drift_and_a_failing_account_are_shown(stage: Stage) -> None:
    stage.synced(balances={"USD": Decimal(1)})
    view = _view(stage)
    assert view.status.drift
    assert view.portfolio is not None
    assert view.portfolio.drift == (DriftView("USD", Decimal(10_000), Decimal(1), Decimal(9_999)),)
    stage.play(e.AccountSyncFailed(stage.at, stage.wall, "no route to host"))
    up = StreamState("account", connected=True)
    assert _view(stage, account_stream=up).status.connection_detail == "no route to host"


def test_what_the_totals_leave_out_or_guess_is_told(stage: Stage) -> None:
    state = stage.state
    state.account.balances.update(
        {"XBT.M": AssetBalance("XBT.M", Decimal("0.5")), "XBT": AssetBalance("XBT", Decimal(1))}
    )
    state.history[HistoryKind.TRADES] = HistoryMark(HistoryKind.TRADES, read=1200, total=50_000)
    assert state.valuation is not None
    old = AssetValuation("XBT", Decimal(1), Decimal(50_000), "XBTUSD", ValuationStatus.STALE)
    unknown = AssetValuation("LUNA2", Decimal(1), Decimal(0), None, ValuationStatus.UNVALUED)
    state.valuation = msgspec.structs.replace(
        state.valuation, assets=(old, unknown), excluded=Excluded(("EUR",), Decimal(12))
    )
    portfolio = _view(stage).portfolio
    assert portfolio is not None
    assert portfolio.elsewhere == (ElsewhereView("XBT", HeldAs.EARNING, Decimal("0.5")),)
    assert (portfolio.stale, portfolio.unvalued) == (("XBT",), ("LUNA2",))
    assert (portfolio.excluded, portfolio.excluded_value) == (("EUR",), Decimal(12))
    assert HistoryView("trades", 1200, 50_000, done=False) in portfolio.history


def test_a_refusing_exchange_is_no_connection_that_is_up(stage: Stage) -> None:
    calm = Headroom("private calls", used=3.0, limit=20.0, spenders=(("BalanceEx", 3.0),))
    view = _view(stage, headroom=(calm,), account_stream=StreamState("account", connected=True))
    assert view.rate_limits == (RateLimitView("private calls", 3.0, 20.0, (("BalanceEx", 3.0),)),)
    assert view.status.connection_detail == ""
    refused = msgspec.structs.replace(calm, blocked_seconds=899.6)
    view = _view(stage, headroom=(refused,), account_stream=StreamState("account", connected=True))
    assert (view.status.connection, view.status.connection_detail) == (
        "partial",
        "private calls blocked for 900 s",
    )


def test_before_the_state_exists_there_is_still_a_status() -> None:
    moment = Moment(at=FakeClock().now(), phase="starting")
    view = engine_view(moment, version=1, mode="demo", profile="demo", other_host="", messages=())
    assert view.status.no_new_risk == "the engine is starting"
    assert view.status.data == "starting"


def test_what_is_not_well_inside_is_told(stage: Stage) -> None:
    stage.state.storage_trouble = "disk full"
    stage.state.account.failure = "EService:Busy"
    stage.state.account.synced_wall = 10.0
    stage.state.strategy_errors.update({"b": "two", "a": "one"})
    assert _view(stage, wall=14.5).health == HealthView(
        "disk full", 4.5, "EService:Busy", (("a", "one"), ("b", "two"))
    )
    stage.state.account.synced_wall = None
    assert _view(stage).health.account_age is None


def test_a_position_of_several_strategies_shows_each_ones_part_and_when_it_is_sold(
    xbtusd: PairMetadata,
) -> None:
    first = msgspec.structs.replace(OTHER, trailing_stop_pct=Decimal(3), max_holding_minutes=90)
    second = msgspec.structs.replace(STRATEGY, per_trade_target_r_multiple=Decimal(2), max_holding_minutes=60)
    stage = Stage(xbtusd, strategies=(first, second)).ready()
    entry = stage.bought_together((OTHER.id, Decimal(48_000)), (STRATEGY.id, Decimal(49_000)))
    (position,) = _view(stage).positions
    trailing, target = position.shares
    held = stage.state.holdings["XBTUSD"].shares
    assert (position.strategy_id, position.stop_price) == ("net", Decimal(49_000))
    assert sum(share.size for share in position.shares) == position.size
    assert [(s.strategy_id, s.size, s.stop_price) for s in position.shares] == [
        (OTHER.id, held[0].size, Decimal("48500.00")), (STRATEGY.id, held[1].size, Decimal(49_000)),
    ]  # fmt: skip
    assert (trailing.trailing_pct, target.trailing_pct) == (Decimal(3), None)
    assert (trailing.take_profit_price, target.take_profit_price) == (None, held[1].take_profit_price)
    assert position.take_profit_price == held[1].take_profit_price is not None
    assert position.sold_by == target.sold_by == held[1].sell_by
    assert trailing.sold_by == held[0].sell_by != target.sold_by
    (order,) = _view(stage).recent_orders
    assert order.shares == tuple((share.strategy_id, share.size) for share in entry.shares)
    assert (order.strategy_id, sum(size for _, size in order.shares)) == ("net", order.volume)


def test_what_nobodys_strategy_holds_is_a_part_of_the_position(stage: Stage) -> None:
    stage.bought()
    mine = make_trade("buy 0.1 XBTUSD @ 50000", "TMINE", stage.at)
    stage.state.foreign[mine.kraken_order_id] = None
    stage.play(e.TradeReported(stage.at, mine, "stream"))
    (position,) = _view(stage).positions
    own, manual = position.shares
    assert (own.strategy_id, manual.strategy_id, manual.size) == (STRATEGY.id, "manual", Decimal("0.1"))
    assert own.size + manual.size == position.size
    assert manual.stop_price is None


def test_an_order_of_one_strategy_is_all_its_own(stage: Stage) -> None:
    entry = stage.bought()
    (order,) = _view(stage).recent_orders
    assert order.shares == ((STRATEGY.id, entry.request.volume),)
