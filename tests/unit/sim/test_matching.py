from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.orders import Side
from krakked_tui.sim.matching import Book, Level, Match, Plan, Resting, RestingOrders, plan, take, volume_for

D = Decimal
BOOK = Book(
    bids=(Level(D(99), D(1)), Level(D(98), D(2))),
    asks=(Level(D(101), D(1)), Level(D(102), D(2)), Level(D(104), D(5))),
)


def levels(*pairs: tuple[int, int]) -> tuple[Level, ...]:
    return tuple(Level(D(price), D(volume)) for price, volume in pairs)


def test_a_market_order_walks_the_book() -> None:
    assert take(BOOK, Side.BUY, D(4), None) == levels((101, 1), (102, 2), (104, 1))
    assert take(BOOK, Side.SELL, D(1), None) == levels((99, 1))


def test_a_limit_stops_the_walk() -> None:
    assert take(BOOK, Side.BUY, D(4), D(102)) == levels((101, 1), (102, 2))
    assert take(BOOK, Side.BUY, D(4), D(100)) == ()
    assert take(BOOK, Side.SELL, D(4), D(98)) == levels((99, 1), (98, 2))


def test_an_exhausted_book_leaves_the_rest_open() -> None:
    assert sum(level.volume for level in take(BOOK, Side.SELL, D(10), None)) == 3


def resting(order_id: str, side: Side, price: int, remaining: int, arrival: int) -> Resting:
    return Resting(order_id, side, D(price), D(remaining), arrival)


def book_of(*orders: Resting) -> RestingOrders:
    found = RestingOrders()
    for order in orders:
        found.add(order)
    return found


def test_a_print_at_the_limit_fills_nothing_and_one_through_it_does() -> None:
    orders = book_of(resting("a", Side.BUY, 100, 5, 1))
    assert orders.on_print(D(100), D(9)) == ()
    assert orders.on_print(D(99), D(9)) == (Match("a", D(100), D(5)),)
    assert not orders


def test_the_maker_gets_his_own_price() -> None:
    orders = book_of(resting("a", Side.SELL, 100, 1, 1))
    assert orders.on_print(D(150), D(1)) == (Match("a", D(100), D(1)),)


def test_better_prices_first_then_older_orders() -> None:
    orders = book_of(
        resting("late", Side.BUY, 100, 2, 3),
        resting("early", Side.BUY, 100, 2, 1),
        resting("best", Side.BUY, 101, 2, 2),
    )
    assert orders.on_print(D(99), D(5)) == (
        Match("best", D(101), D(2)),
        Match("early", D(100), D(2)),
        Match("late", D(100), D(1)),
    )


def test_a_partly_filled_order_keeps_its_place() -> None:
    orders = book_of(resting("a", Side.SELL, 100, 5, 1), resting("b", Side.SELL, 100, 5, 2))
    assert orders.on_print(D(101), D(2)) == (Match("a", D(100), D(2)),)
    assert orders.on_print(D(101), D(4)) == (Match("a", D(100), D(3)), Match("b", D(100), D(1)))


def test_limits_tell_which_prints_can_matter() -> None:
    orders = book_of(
        resting("a", Side.BUY, 98, 1, 1), resting("b", Side.BUY, 97, 1, 2), resting("c", Side.SELL, 103, 1, 3)
    )
    assert orders.limits() == (D(98), D(103))
    assert RestingOrders().limits() == (None, None)


def test_removing_is_idempotent_and_resting_twice_is_a_bug() -> None:
    orders = book_of(resting("a", Side.BUY, 98, 1, 1))
    with pytest.raises(AssertionError):
        orders.add(resting("a", Side.BUY, 98, 1, 2))
    orders.remove("a")
    orders.remove("a")
    assert not orders


@given(
    st.lists(st.tuples(st.sampled_from(Side), st.integers(95, 105), st.integers(1, 5)), max_size=8),
    st.lists(st.tuples(st.integers(90, 110), st.integers(1, 6)), max_size=20),
)
def test_nobody_gets_more_than_asked_for_or_printed(
    asked: list[tuple[Side, int, int]], prints: list[tuple[int, int]]
) -> None:
    orders = book_of(*(resting(str(i), side, price, left, i) for i, (side, price, left) in enumerate(asked)))
    filled = dict.fromkeys(map(str, range(len(asked))), D(0))
    for price, volume in prints:
        matches = orders.on_print(D(price), D(volume))
        assert sum(match.volume for match in matches) <= volume
        for match in matches:
            filled[match.order_id] += match.volume
            assert match.volume > 0
    for order_id, total in filled.items():
        assert total <= asked[int(order_id)][2]


def own(order_id: str, side: Side, price: int) -> Resting:
    return resting(order_id, side, price, 5, 1)


def planned(volume: int, limit: int | None, *, newest: bool, oldest: bool) -> Plan:
    ours = [own("near", Side.SELL, 102), own("far", Side.SELL, 103), own("bid", Side.BUY, 98)]
    return plan(
        BOOK,
        Side.BUY,
        D(volume),
        None if limit is None else D(limit),
        ours,
        newest_yields=newest,
        oldest_yields=oldest,
    )


def test_an_order_that_ends_before_it_meets_our_own_trades_in_peace() -> None:
    # One at 101 and two at 102: the market's come before our own at the same price.
    assert planned(3, None, newest=True, oldest=False) == Plan(levels((101, 1), (102, 2)))
    assert planned(4, 101, newest=True, oldest=False) == Plan(levels((101, 1)))


def test_self_trade_prevention_lets_one_of_two_own_orders_yield() -> None:
    assert planned(4, None, newest=True, oldest=False) == Plan(levels((101, 1), (102, 2)), (), blocked=True)
    assert planned(4, None, newest=False, oldest=True) == Plan(
        levels((101, 1), (102, 2), (104, 1)), ("near", "far")
    )
    assert planned(4, None, newest=True, oldest=True) == Plan(
        levels((101, 1), (102, 2)), ("near",), blocked=True
    )


def test_what_an_amount_of_quote_buys() -> None:
    assert volume_for(BOOK, Side.BUY, D("50.5"), 2) == D("0.5")
    # 101 for one, then 100 at 102 each, cut to the lot.
    assert volume_for(BOOK, Side.BUY, D(201), 2) == D("1.98")
    assert volume_for(BOOK, Side.BUY, D(10**6), 2) == 8
