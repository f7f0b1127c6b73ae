from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.triggers import Armed, ArmedOrders, Quiet, Trail
from tests.unit.sim.markets import pair

D = Decimal
PAIR = pair()


def armed(*orders: Armed) -> ArmedOrders:
    found = ArmedOrders()
    for order in orders:
        found.add(order)
    return found


def trailing(order_id: str, *, rises: bool, peak: str, amount: str, percent: bool = False) -> Armed:
    trail = Trail(D(amount), percent, PAIR)
    return Armed(order_id, rises, trail.stop(D(peak), rises=rises), 1, trail, D(peak))


def test_a_trigger_fires_at_its_price_and_beyond_and_leaves() -> None:
    orders = armed(Armed("stop", rises=False, price=D(100), arrival=1))
    assert orders.on_print(D("100.1")) == ((), ())
    ((fired,), moved) = orders.on_print(D(100))
    assert (fired.order_id, moved) == ("stop", ())
    assert not orders
    assert armed(Armed("buy", rises=True, price=D(100), arrival=1)).on_print(D("103"))[0]


def test_older_orders_fire_first() -> None:
    orders = armed(
        Armed("late", rises=True, price=D(100), arrival=3),
        Armed("early", rises=True, price=D(101), arrival=2),
    )
    fired, _ = orders.on_print(D(102))
    assert [order.order_id for order in fired] == ["early", "late"]


def test_a_trailing_sell_follows_the_high_and_never_comes_back() -> None:
    orders = armed(trailing("t", rises=False, peak="1000", amount="1", percent=True))
    assert next(iter(orders)).price == D("990.0")
    _, (moved,) = orders.on_print(D("1000.6"))
    # 1 % below 1000.6 is 990.594: a seller's stop goes up to the grid.
    assert (moved.peak, moved.price) == (D("1000.6"), D("990.6"))
    assert orders.on_print(D("995")) == ((), ())
    ((fired,), _) = orders.on_print(D("990.6"))
    assert fired.price == D("990.6")


def test_a_trailing_buy_follows_the_low() -> None:
    orders = armed(trailing("t", rises=True, peak="1000", amount="25"))
    _, (moved,) = orders.on_print(D("980"))
    assert (moved.peak, moved.price) == (D(980), D("1005.0"))
    assert orders.on_print(D("1005"))[0]


def test_a_recorded_trailing_stop() -> None:
    # Kraken, SUIUSD: +1.0000% under a peak of 4.0266 stood at 3.9864.
    recorded = pair("SUIUSD", tick="0.0001", price_decimals=4)
    assert Trail(D(1), percent=True, pair=recorded).stop(D("4.0266"), rises=False) == D("3.9864")


def test_quiet_prices_are_those_that_move_nothing() -> None:
    orders = armed(
        Armed("a", rises=False, price=D(90), arrival=1),
        Armed("b", rises=False, price=D(80), arrival=2),
        Armed("c", rises=True, price=D(120), arrival=3),
        trailing("d", rises=False, peak="110", amount="25"),
        trailing("e", rises=True, peak="95", amount="30"),
    )
    assert orders.quiet() == Quiet(falls=D(90), rises=D(120), low=D(95), high=D(110))
    assert ArmedOrders().quiet() == Quiet(None, None, None, None)


def test_removing_is_idempotent_and_arming_twice_is_a_bug() -> None:
    order = Armed("a", rises=False, price=D(90), arrival=1)
    orders = armed(order)
    with pytest.raises(AssertionError):
        orders.add(order)
    orders.remove("a")
    orders.remove("a")
    assert not orders


@given(st.booleans(), st.integers(1, 200), st.lists(st.integers(500, 1500), min_size=1, max_size=30))
def test_a_trailing_stop_only_gets_tighter_and_fires_only_when_traded_through(
    rises: bool, distance: int, prices: list[int]
) -> None:
    orders = armed(trailing("t", rises=rises, peak="1000", amount=str(distance)))
    best = D(1000)
    for price in map(D, prices):
        before = next(iter(orders)).price
        fired, _ = orders.on_print(price)
        if fired:
            assert price >= before if rises else price <= before
            return
        best = min(best, price) if rises else max(best, price)
        after = next(iter(orders)).price
        assert after <= before if rises else after >= before
        assert after == (best + distance if rises else best - distance)
