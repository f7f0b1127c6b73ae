"""Answers about the account, on facts and on the engine's state."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.errors import PositionNotFoundError, UsageError
from krakked_tui.domain.orders import LocalOrder, OrderRequest, OrderStatus, OrderType, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.engine.portfolio_service import Orders, PortfolioFacts, PortfolioService, take_facts
from krakked_tui.execution.holdings import Holding, Share
from krakked_tui.portfolio.figures import whole
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.summary import Bounds, Breakdown, Period, StrategyExposure, StrategyHolding
from krakked_tui.portfolio.valuation import PriceMark, value
from tests.scenarios.stage import OTHER, STRATEGY, Stage
from tests.unit.portfolio.statements import PAIRS, START, books_of, make_trade

D = Decimal
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
NOW = START + timedelta(hours=1)
STATEMENT = """
    deposit 50000 USD
    buy 2 XBTUSD @ 10000 fee 20 USD
    buy 4 ETHUSD @ 1000 fee 8 USD
    sell 1 XBTUSD @ 12000 fee 12 USD
    withdrawal 1000 USD
    buy 1 DOTUSD @ 5 fee 1 USD
    sell 1 DOTUSD @ 4 fee 1 USD
"""
PRICES = {"XBTUSD": PriceMark(D(13000), fresh=True), "ETHUSD": PriceMark(D(900), fresh=True)}
PLAIN = PortfolioSettings()


def held(size: str, strategy_id: str = "trend") -> Holding:
    return Holding("ETHUSD", (Share(strategy_id, None, D(size), D(0), START, D(0)),))


def facts_of(statement: str = STATEMENT, settings: PortfolioSettings = PLAIN) -> PortfolioFacts:
    books = books_of(statement)
    return PortfolioFacts(
        at=NOW,
        state=books.state,
        booked=books.booked(),
        orders=Orders(),
        settings=settings,
        valuation=value(books.state, PRICES, PAIRS, settings),
        holdings={"ETHUSD": held("3")},
        known=PAIRS,
        snapshots=tuple(
            SnapshotSaved(START + hours * timedelta(minutes=20), D(equity), D(0), D(0), D(0))
            for hours, equity in enumerate((50000, 51000, 50000, 52000))
        ),
    )


@pytest.fixture(scope="module")
def service() -> PortfolioService:
    return PortfolioService(facts_of())


def test_equity_and_how_far_to_trust_it(service: PortfolioService) -> None:
    equity = service.get_equity()
    assert equity is not None
    assert equity.cash_base == 50000 - 20020 - 4008 + 11988 - 1000 - 6 + 3
    assert equity.equity_base == equity.cash_base + 13000 + 3600
    assert equity.realized_pnl_base_total == -20 - 8 + 1988 - 1 - 2
    assert equity.unrealized_pnl_base_total == 3000 - 400
    assert (equity.drift_flag, equity.unvalued_assets, equity.stale) == (False, (), False)
    assert equity.as_of == NOW
    nothing = PortfolioService(msgspec.structs.replace(service.facts, valuation=None))
    assert (nothing.get_equity(), nothing.create_snapshot()) == (None, None)
    assert (nothing.get_asset_exposure(), nothing.get_strategy_exposure()) == ((), ())


def test_what_a_period_made(service: PortfolioService) -> None:
    whole = service.get_pnl_summary(by=Breakdown.PAIR)
    assert [(each.key, each.trades, each.realized_pnl) for each in whole.groups] == [
        ("DOTUSD", 2, D(-3)), ("ETHUSD", 1, D(-8)), ("XBTUSD", 2, D(1968)),
    ]  # fmt: skip
    assert whole.total.realized_pnl == 1957
    assert service.get_pnl_summary(Period.YTD).total == whole.total
    assert service.get_pnl_summary(Period.DAY).bounds == Bounds(START, START + DAY)
    part = service.get_pnl_summary(Period.CUSTOM, custom=Bounds(START + MINUTE, START + 3 * MINUTE))
    assert (part.total.trades, part.total.realized_pnl) == (2, D(-28))
    with pytest.raises(UsageError):
        service.get_pnl_summary(Period.CUSTOM)


def test_manual_trades_count_as_configured_unless_asked() -> None:
    strict = PortfolioService(facts_of(settings=PortfolioSettings(track_manual_trades=False)))
    assert strict.get_pnl_summary().total.trades == 0
    assert strict.get_pnl_summary(include_manual=True).total.trades == 5
    assert strict.get_equity() == PortfolioService(facts_of()).get_equity()


def test_positions_are_split_by_who_answers_for_them(service: PortfolioService) -> None:
    eth, xbt = service.get_positions()
    assert (eth.pair, eth.base_asset, eth.quote_asset, eth.base_size) == ("ETHUSD", "ETH", "USD", D(4))
    assert (eth.avg_entry_price, eth.current_price, eth.current_value_base) == (D(1000), D(900), D(3600))
    assert (eth.realized_pnl_base, eth.fees_paid_base, eth.unrealized_pnl_base) == (D(-8), D(8), D(-400))
    assert eth.strategies == (
        StrategyHolding("manual", "ETH", D(1), D(900)), StrategyHolding("trend", "ETH", D(3), D(2700)),
    )  # fmt: skip
    assert xbt.strategies == (StrategyHolding("manual", "XBT", D(1), D(13000)),)
    equity = service.get_equity()
    assert equity is not None
    assert service.get_strategy_exposure() == (
        StrategyExposure("manual", D(13900), D(13900) / equity.equity_base * 100),
        StrategyExposure("trend", D(2700), D(2700) / equity.equity_base * 100),
    )
    assert [each.asset for each in service.get_asset_exposure()] == ["USD", "XBT", "ETH"]
    assert sum(each.value_base for each in service.get_asset_exposure()) == equity.equity_base


def test_a_pair_of_several_strategies_is_split_among_them() -> None:
    both = Holding("ETHUSD", (*held("1.5", "breakout").shares, *held("2.5").shares))
    service = PortfolioService(msgspec.structs.replace(facts_of(), holdings={"ETHUSD": both}))
    assert service.get_position("ETHUSD").strategies == (
        StrategyHolding("breakout", "ETH", D("1.5"), D(1350)),
        StrategyHolding("trend", "ETH", D("2.5"), D(2250)),
    )


def test_a_strategy_never_holds_more_than_there_is() -> None:
    facts = facts_of()
    service = PortfolioService(msgspec.structs.replace(facts, holdings={"ETHUSD": held("9")}))
    assert service.get_position("ETHUSD").strategies == (StrategyHolding("trend", "ETH", D(4), D(3600)),)


def test_one_position_also_when_it_is_closed(service: PortfolioService) -> None:
    dot = service.get_position("DOTUSD")
    assert (dot.base_size, dot.realized_pnl_base, dot.current_price, dot.strategies) == (
        D(0),
        D(-3),
        None,
        (),
    )
    with pytest.raises(PositionNotFoundError, match="EURUSD"):
        service.get_position("EURUSD")


def test_excluded_assets_are_no_position_and_what_is_paid_for_them_has_left() -> None:
    service = PortfolioService(facts_of(settings=PortfolioSettings(exclude_assets=("ETH",))))
    assert [each.pair for each in service.get_positions()] == ["XBTUSD"]
    assert service.get_position("ETHUSD").base_size == 4
    # After 2 minutes 4008 went into what is not looked at, after 4 minutes 1000 were withdrawn.
    points = (
        SnapshotSaved(START + MINUTE, D(50000), D(0), D(0), D(0)),
        SnapshotSaved(START + 5 * MINUTE, D(50000 - 4008 - 1000), D(0), D(0), D(0)),
    )
    still = PortfolioService(msgspec.structs.replace(service.facts, snapshots=points))
    assert still.performance().time_weighted_return == 0
    assert still.performance().sales.sales == 2


def test_a_conversion_into_what_is_excluded_is_no_loss() -> None:
    settings = PortfolioSettings(exclude_assets=("ETH",))
    facts = facts_of("deposit 50000 USD", settings)
    points, converted = [], books_of("deposit 50000 USD\nconvert 4000 USD to 4 ETH")
    for number, state in enumerate((facts.state, converted.state)):
        worth = value(state, PRICES, PAIRS, settings)
        points.append(
            SnapshotSaved(START + number * MINUTE, worth.equity, D(0), D(0), D(0), worth.flow_value)
        )
    assert [each.equity for each in points] == [50000, 46000]
    now = msgspec.structs.replace(
        facts, state=converted.state, booked=converted.booked(), snapshots=tuple(points)
    )
    assert PortfolioService(now).performance().time_weighted_return == 0


def test_trades_newest_first(service: PortfolioService) -> None:
    assert [each.trade.trade_id for each in service.get_trade_history()] == ["T5", "T4", "T3", "T2", "T1"]
    assert [each.trade.trade_id for each in service.get_trade_history("XBTUSD", limit=1)] == ["T3"]
    assert service.get_trade_history("XBTUSD", limit=0) == service.get_trade_history("NONEUSD") == ()
    assert service.get_trade_history(strategy="trend") == ()
    [newest] = service.get_trade_history(since=START + 6 * MINUTE)
    assert (newest.trade.trade_id, newest.made.pnl_base) == ("T5", D(-2))
    assert service.get_trade_history(include_manual=False) == ()
    assert len(service.get_trade_history(until=START + 6 * MINUTE, limit=None)) == 4


def test_a_trade_with_two_fees_is_one_trade() -> None:
    two = PortfolioService(facts_of("deposit 500 USD\nbuy 1 XBTUSD @ 100 fee 1 USD fee 1 DOT at 5 DOT"))
    assert len(two.get_trade_history()) == 1


def test_fees_and_flows(service: PortfolioService) -> None:
    fees = service.get_fee_summary()
    assert (fees.total, [each.pair for each in fees.by_pair]) == (D(42), ["DOTUSD", "ETHUSD", "XBTUSD"])
    assert service.get_fee_summary(include_manual=False).total == 0
    out, came = service.get_cash_flows()
    assert (came.amount, out.amount) == (D(50000), D(-1000))
    assert service.get_cash_flows(limit=1) == (out,)
    assert service.get_cash_flows(until=START + MINUTE) == (came,)


def test_snapshots_and_the_curve(service: PortfolioService) -> None:
    points = service.facts.snapshots
    assert service.get_snapshots() == points
    assert service.get_snapshots(limit=2) == points[2:]
    assert service.get_snapshots(since=points[1].at, limit=None) == points[1:]
    assert service.get_equity_curve(timedelta(minutes=40)) == (points[1], points[3])
    now = service.create_snapshot()
    assert now is not None
    assert [(each.pair, each.realized, each.unrealized) for each in now.per_pair if each.unrealized] == [
        ("ETHUSD", D(-8), D(-400)), ("XBTUSD", D(1968), D(3000)),
    ]  # fmt: skip
    assert sum(each.value for each in now.asset_valuations) == now.equity_base


def test_performance_of_a_period(service: PortfolioService) -> None:
    whole = service.performance()
    assert whole.sales.sales == 2
    assert whole.sales.win_rate == D("0.5")
    early = service.performance(Period.CUSTOM, Bounds(until=START + 4 * MINUTE))
    assert (early.sales.sales, early.time_weighted_return) == (1, None)


def test_the_next_service_takes_over_what_has_not_changed(service: PortfolioService) -> None:
    figures = service.figures
    later = PortfolioService(msgspec.structs.replace(service.facts, at=NOW + MINUTE), service)
    assert later.figures is figures
    reordered = PortfolioService(msgspec.structs.replace(service.facts, orders=Orders()), service)
    assert reordered.figures is not figures
    assert reordered.figures.records == figures.records


def test_facts_of_the_engine_share_what_is_the_same(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd).ready()
    first = take_facts(stage.state, stage.at)
    assert first.valuation is stage.state.valuation
    assert first.orders.tags == {"tfv": "trend_following_v1"}
    stage.priced(D(50001))
    second = take_facts(stage.state, stage.at, first)
    assert (second.state, second.booked, second.orders) == (first.state, first.booked, first.orders)
    assert second.booked is first.booked
    assert second.orders is first.orders
    trade = make_trade("buy 0.1 XBTUSD @ 50000", "T1", datetime(2026, 1, 5, 1, tzinfo=UTC))
    stage.synced(trades=[trade])
    third = take_facts(stage.state, stage.at, second)
    assert third.booked is not second.booked
    assert [each.trade.trade_id for each in PortfolioService(third).get_trade_history()] == ["T1"]
    assert PortfolioService(second).get_trade_history() == ()


def test_an_order_that_turns_up_takes_its_trades(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd).ready()
    stage.synced(trades=[make_trade("buy 0.1 XBTUSD @ 50000", "T1", stage.at)])
    before = take_facts(stage.state, stage.at)
    mine = LocalOrder(
        local_id="l", cl_ord_id="k1", plan_id="p", strategy_id="trend", purpose=Purpose.ENTRY,
        request=OrderRequest("k1", "XBTUSD", Side.BUY, OrderType.MARKET, D("0.1")), status=OrderStatus.FILLED,
        created_at=stage.at, updated_at=stage.at, kraken_order_id="OT1",
    )  # fmt: skip
    stage.state.orders.add(mine, "test")
    after = take_facts(stage.state, stage.at, before)
    assert after.booked is before.booked
    first = PortfolioService(before)
    assert [each.made.strategy_tag for each in first.get_trade_history()] == ["manual"]
    [found] = PortfolioService(after, first).get_trade_history()
    assert found.made.strategy_tag == "trend"


def test_a_trade_of_several_strategies_is_each_ones_part(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd, strategies=(OTHER, STRATEGY)).ready()
    entry = stage.bought_together((OTHER.id, D(48000)), (STRATEGY.id, D(49000)))
    service = PortfolioService(take_facts(stage.state, stage.at))
    parts = service.get_trade_history()
    sizes = {share.strategy_id: share.size for share in entry.shares}
    assert {each.made.strategy_tag: each.trade.volume for each in parts} == sizes
    (recorded,) = stage.state.books.trades()
    for name in ("volume", "cost"):
        assert sum(getattr(each.trade, name) for each in parts) == getattr(recorded, name)
    assert sum(each.trade.fees[0].amount for each in parts) == recorded.fees[0].amount
    made = whole(service.figures.records_of(recorded.trade_id))
    assert (made.strategy_tag, made.base_delta) == ("net", recorded.volume)
    assert made.fee_amount == recorded.fees[0].amount
    assert whole([parts[0].made]) is parts[0].made
    groups = service.get_pnl_summary(by=Breakdown.STRATEGY).groups
    assert [group.key for group in groups] == sorted(sizes)
    assert sum(group.realized_pnl for group in groups) == stage.state.books.state.realized_pnl
    (alone,) = service.get_trade_history(strategy=OTHER.id)
    assert alone.trade.volume == sizes[OTHER.id]
