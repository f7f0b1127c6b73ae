"""What risk is told: everything that matters, and of no more pairs than it is about."""

from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import events as e
from krakked_tui.decision.risk_context import risk_context
from krakked_tui.domain.candles import KnownFigures
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.orders import ExchangeStatus, Refused
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.freshness import Freshness
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.risk.context import MANUAL, HeldShare, PendingBuy
from krakked_tui.strategies.settings import StrategySettings
from tests.scenarios.stage import OTHER, PRICE, STRATEGY, Stage

D = Decimal
A, B = OTHER.id, STRATEGY.id


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd, strategies=(OTHER, STRATEGY)).ready()


def reward(stage: Stage, size: str) -> None:
    """Coins that no strategy has bought."""
    balance = stage.state.books.balance("XBT") + D(size)
    row = LedgerEntry("L9", "R9", stage.at, "staking", "", "XBT", D(size), D(0), balance)
    stage.later(5)
    usd = stage.state.books.balance("USD")
    stage.synced(entries=(row,), balances={"USD": usd, "XBT": balance})
    stage.priced(PRICE)


def test_only_the_pairs_that_a_decision_is_about_are_told_of(stage: Stage) -> None:
    many = {f"P{n}USD": msgspec.structs.replace(stage.pair, canonical=f"P{n}USD") for n in range(700)}
    stage.state.known.update(many, OFFUSD=msgspec.structs.replace(stage.pair, canonical="OFFUSD"))
    stage.state.tradable |= many.keys()
    assert risk_context(stage.state, stage.at, ()).pairs == {}
    context = risk_context(
        stage.state, stage.at, ["P7USD", "OFFUSD", "GONEUSD"], frozenset({"P7USD", "P8USD"})
    )
    assert context.pairs.keys() == {"P7USD"}
    assert context.blocked_pairs == {"P7USD": "its candles are being read"}
    assert context.pairs["P7USD"].freshness is Freshness.NEVER
    stage.bought()
    assert risk_context(stage.state, stage.at, ["P7USD"]).pairs.keys() == {"P7USD", "XBTUSD"}


def test_what_is_held_is_told_share_by_share_with_what_nobody_answers_for(stage: Stage) -> None:
    entry = stage.bought_together((A, D(48_000)), (B, D(49_000)))
    a, b = (share.size for share in entry.shares)
    reward(stage, "0.001")
    holding = risk_context(stage.state, stage.at, ()).holdings["XBTUSD"]
    assert holding.shares == (
        HeldShare(A, a, D(48_000)), HeldShare(MANUAL, D("0.001")), HeldShare(B, b, D(49_000))
    )  # fmt: skip
    assert holding.price == PRICE


def test_dust_is_nobodys_holding(stage: Stage) -> None:
    stage.bought()
    reward(stage, "0.00001")
    assert len(risk_context(stage.state, stage.at, ()).holdings["XBTUSD"].shares) == 1
    dust = msgspec.structs.replace(stage.pair, order_min=D(10))
    stage.state.known["XBTUSD"] = dust
    assert risk_context(stage.state, stage.at, ()).holdings == {}


def test_what_open_buys_may_still_buy_is_told_by_strategy(stage: Stage) -> None:
    stage.cycle(*(stage.intent(strategy_id=each) for each in (A, B)))
    entry = stage.last_order()
    stage.accept(entry)
    half = entry.request.volume / 2
    stage.play(e.TradeReported(stage.at, stage.fill(stage.order(entry), half), "stream"))
    report = stage.report(stage.order(entry), ExchangeStatus.OPEN, half)
    stage.play(e.OrderReported(stage.at, report, "stream"))
    context = risk_context(stage.state, stage.at, ())
    pending = context.pending_buys["XBTUSD"]
    assert isinstance(pending, PendingBuy)
    assert pending.price == entry.request.price
    assert sum(share.size for share in pending.shares) == half
    assert [share.strategy_id for share in pending.shares] == [A, B]
    cash = stage.state.books.balance("USD")
    assert context.cash_available == cash - pending.notional_usd * D("1.004")
    assert context.entries_today == 1
    assert "is at work" in context.blocked_pairs["XBTUSD"]


@pytest.mark.parametrize(("volume", "liquidity"), [("20", D(1_000_000)), ("0", None)])
def test_liquidity_is_what_was_traded_in_a_day_when_that_is_known(
    stage: Stage, volume: str, liquidity: Decimal | None
) -> None:
    mark = stage.mark(PRICE)
    figures = KnownFigures(volume_24h=D(volume), vwap_24h=PRICE)
    quote = msgspec.structs.replace(mark.quote, figures=figures)
    stage.play(e.Priced(stage.at, stage.wall, {"XBTUSD": msgspec.structs.replace(mark, quote=quote)}))
    context = risk_context(stage.state, stage.at, ["XBTUSD"])
    assert context.pairs["XBTUSD"].liquidity_24h_usd == liquidity


def test_the_settings_of_strategies_that_risk_reads_are_told(xbtusd: PairMetadata) -> None:
    strategy = StrategySettings(
        id=A, type="x", timeframes=OTHER.timeframes, weight=D(3), stop_atr_multiple=2.5,
        per_trade_target_r_multiple=D(2), trailing_stop_pct=D(4), max_holding_minutes=9,
    )  # fmt: skip
    stage = Stage(xbtusd, strategies=(strategy,)).ready()
    (limits,) = risk_context(stage.state, stage.at, ()).strategies.values()
    assert (limits.weight, limits.stop_atr_multiple, limits.trailing_stop_pct) == (D(3), D("2.5"), D(4))
    assert (limits.per_trade_target_r_multiple, limits.max_holding_minutes) == (D(2), 9)


def test_an_excluded_asset_is_no_holding_and_is_not_entered(xbtusd: PairMetadata) -> None:
    stage = Stage(xbtusd, portfolio=PortfolioSettings(exclude_assets=("XBT",))).ready()
    context = risk_context(stage.state, stage.at, ["XBTUSD"])
    assert context.blocked_pairs == {"XBTUSD": "XBT is excluded from the portfolio"}


def test_a_buy_that_came_to_nothing_is_no_entry_of_the_day(stage: Stage) -> None:
    stage.cycle(stage.intent())
    stage.answer(Refused(stage.last_order().cl_ord_id, "EOrder:X", "no"))
    assert risk_context(stage.state, stage.at, ()).entries_today == 0


def test_what_is_bought_and_not_booked_yet_lets_nothing_else_be_opened(stage: Stage) -> None:
    stage.cycle(stage.intent())
    (order,) = stage.submitted()
    stage.accept(order)
    assert risk_context(stage.state, stage.at, ()).blocked_reason == ""
    report = stage.report(order, ExchangeStatus.CLOSED, order.request.volume)
    stage.play(e.OrderReported(stage.at, report, "stream"))
    assert "are not booked yet" in risk_context(stage.state, stage.at, ()).blocked_reason
    stage.play(e.TradeReported(stage.at, stage.fill(order), "stream"))
    assert risk_context(stage.state, stage.at, ()).blocked_reason == ""
