from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.orders import Side
from krakked_tui.sandbox.coarse import gathered, snapped, snapped_quote
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sim.market import Quote
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.trading import add, jump, last, now_of

D = Decimal


@given(st.integers(1, 10**9), st.integers(1, 50), st.integers(1, 1000), st.booleans())
def test_nobody_gets_a_better_price(bid: int, spread: int, per: int, bought: bool) -> None:
    quote = Quote(bid, bid + spread, bid + spread if bought else bid)
    found = snapped_quote(quote, per)
    assert found.ask >= quote.ask
    assert found.bid <= max(quote.bid, per)
    assert found.bid < found.ask
    assert found.last == (found.ask if bought else found.bid)
    assert {found.bid % per, found.ask % per, found.last % per} == {0}


def test_the_same_tick_changes_nothing() -> None:
    assert (snapped(1234567, 1, up=True), snapped(1234567, 1, up=False)) == (1234567, 1234567)
    assert (snapped(1230, 10, up=True), snapped(1230, 10, up=False), snapped(7, 10, up=False)) == (
        1230,
        1230,
        10,
    )


def test_what_falls_together_is_gathered() -> None:
    assert gathered({1009: 5, 1003: 7, 999: 1}, 1000, 10, up=False) == {1000: 12, 990: 1}
    assert gathered({1001: 5, 1010: 7, 1011: 1}, 1010, 10, up=True) == {1010: 12, 1020: 1}


@pytest.fixture
def rig() -> Rig:
    found = Rig(SandboxSettings(balance={"USD": D(10**7), "SOL": D(1000)}))
    jump(found, hours=3)
    apply(found.exchange, b'{"action": "precision", "pair": "SOLUSD", "price_decimals": 0}')
    return found


def test_everything_is_on_the_listings_tick(rig: Rig) -> None:
    now = rig.exchange.clock.now()
    book, quote = rig.exchange.book("SOLUSD", now), rig.exchange.quote("SOLUSD", now)
    tick = rig.exchange.market.grids["SOLUSD"].tick
    for side in (book.bids, book.asks):
        assert all(level.price == int(level.price) for level in side)
        assert len({level.price for level in side}) == len(side)
    assert (book.bids[0].price, book.asks[0].price) == (quote.bid * tick, quote.ask * tick)
    assert rig.exchange.book("SOLUSD", now, depth=3).asks == book.asks[:3]
    assert last(rig, "SOLUSD") in (book.bids[0].price, book.asks[0].price)
    order = add(rig, volume="400", pair="SOLUSD", ordertype="market")
    trades = [rig.exchange.books.trades[trade_id] for trade_id in order.trade_ids]
    assert trades[0].price == book.asks[0].price
    assert all(trade.cost == trade.price * trade.volume for trade in trades)
    row = rig.private("TradesHistory")["trades"][order.trade_ids[0]]
    assert D(row["price"]) * D(row["vol"]) == D(row["cost"])
    rig.exchange.close()


@pytest.mark.parametrize("side", list(Side))
def test_how_often_one_looks_does_not_matter_on_a_coarse_tick(side: Side) -> None:
    found = []
    for step in (30, 14_400):
        rig = Rig(SandboxSettings(balance={"USD": D(10**7), "SOL": D(1000)}))
        apply(rig.exchange, b'{"action": "precision", "pair": "SOLUSD", "price_decimals": 0}')
        best = rig.bid("SOLUSD") if side is Side.BUY else rig.ask("SOLUSD")
        add(rig, side, "1", "SOLUSD", price=str(best))
        away = -1 if side is Side.SELL else 1
        stop = add(rig, side, "1", "SOLUSD", ordertype="stop-loss", price=str(int(best) + 2 * away))
        add(rig, side, "1", "SOLUSD", ordertype="trailing-stop", price="+3")
        for _ in range(14_400 // step):
            jump(rig, seconds=step)
        fired = now_of(rig, stop).triggered_price
        assert fired is None or fired == int(fired)
        found.append((dict(rig.exchange.books.orders), dict(rig.exchange.books.trades)))
        rig.exchange.close()
    assert found[0] == found[1]
    assert found[0][1], "the test needs trades"
