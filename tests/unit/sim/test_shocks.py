from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sim.bars import Bar, merge
from krakked_tui.sim.market import Market
from krakked_tui.sim.shocks import Shocks
from krakked_tui.sim.tape import MINUTE_MICROS
from tests.unit.sim.markets import DAY, market

MINUTE = DAY * 1440
AT = (MINUTE + 600) * MINUTE_MICROS + 31_000_000
NAMES = st.sampled_from(["XBTUSD", "SNXUSD", "ETHUSD"])
INSTANTS = st.integers(MINUTE * MINUTE_MICROS, (MINUTE + 2880) * MINUTE_MICROS)
SHIFTS = st.lists(st.tuples(INSTANTS, st.integers(-1_000_000, 1_000_000)), min_size=1, max_size=4)


def shifted(name: str, shifts: list[tuple[int, int]]) -> Market:
    here = market()
    for at, ticks in shifts:
        here.shift(name, at, ticks)
    return here


def rebuilt(here: Market, name: str, minute: int) -> Bar:
    """A minute's candle from its trades, or from the price before it."""
    prints = here.tape(name, minute).prints
    if not prints:
        before = here.minute(name, minute - 1).close
        return Bar(minute, before, before, before, before, 0, 0, 0)
    prices = [trade.price for trade in prints]
    notional = sum(trade.price * trade.volume for trade in prints)
    volume = sum(trade.volume for trade in prints)
    return Bar(minute, prices[0], max(prices), min(prices), prices[-1], volume, notional, len(prints))


@given(NAMES, SHIFTS)
def test_trades_rebuild_every_minute_around_shocks(name: str, shifts: list[tuple[int, int]]) -> None:
    here = shifted(name, shifts)
    for at, _ in shifts:
        struck = at // MINUTE_MICROS
        for minute in range(struck - 1, struck + 4):
            bar = here.minute(name, minute)
            assert bar == rebuilt(here, name, minute)
            assert bar.low >= 1


@given(NAMES, SHIFTS, st.sampled_from([5, 15, 30, 60, 240, 1440]))
def test_trades_rebuild_candles_of_every_interval_across_shocks(
    name: str, shifts: list[tuple[int, int]], interval: int
) -> None:
    here = shifted(name, shifts)
    first = shifts[0][0] // MINUTE_MICROS // interval * interval
    minutes = [rebuilt(here, name, minute) for minute in range(first, first + interval)]
    assert here.bars(name, interval, first, first + interval) == [merge(minutes)]


@given(NAMES, INSTANTS, st.integers(-1000, 1000))
def test_what_was_before_does_not_change_and_what_follows_is_moved(name: str, at: int, ticks: int) -> None:
    plain, here = market(), shifted(name, [(at, ticks)])
    minute = at // MINUTE_MICROS
    shock = (minute, at - minute * MINUTE_MICROS + 1)
    for where in range(minute - 2, minute + 3):
        before, after = plain.tape(name, where).prints, list(here.tape(name, where).prints)
        struck = [trade for trade in after if (where, trade.offset) == shock and trade not in before]
        for trade in struck:
            after.remove(trade)
        expected = [
            trade if (where, trade.offset) < shock else trade._replace(price=max(1, trade.price + ticks))
            for trade in before
        ]
        assert after == expected


def test_a_shock_is_a_trade_at_the_new_price() -> None:
    plain, here = market(), shifted("XBTUSD", [(AT, -50_000)])
    before = plain.last_print("XBTUSD", AT).price
    trade = here.last_print("XBTUSD", AT + 1)
    assert (trade.price, trade.buy) == (before - 50_000, False)
    assert here.last_print("XBTUSD", AT) == plain.last_print("XBTUSD", AT)
    assert list(here.prints("XBTUSD", AT, AT + 1, before - 1, before + 1)) == [(AT + 1, trade)]
    assert here.running("XBTUSD", 1, AT + 1).low == before - 50_000


def test_the_quote_jumps_at_the_instant_itself() -> None:
    plain, here = market(), shifted("XBTUSD", [(AT, 5000)])
    assert here.quote("XBTUSD", AT - 1) == plain.quote("XBTUSD", AT - 1)
    assert here.quote("XBTUSD", AT).last == plain.quote("XBTUSD", AT).last + 5000
    for later in (1, 40_000_000, 7_200_000_000):
        moved, raw = here.quote("XBTUSD", AT + later), plain.quote("XBTUSD", AT + later)
        assert abs(moved.last - raw.last - 5000) <= 1


def test_a_pair_crashes_to_one_tick_and_no_further() -> None:
    here = shifted("SNXUSD", [(AT, -(10**9))])
    bar = here.minute("SNXUSD", MINUTE + 700)
    assert (bar.low, bar.high) == (1, 1)
    assert here.quote("SNXUSD", AT + 60_000_000).bid == 1
    later = here.span("SNXUSD", MINUTE + 601, MINUTE + 1441)
    assert later.notional == later.volume > 0


def test_shocks_add_up_in_any_order_and_at_one_instant() -> None:
    moves = [(AT, 300), (AT + 90_000_000, -100), (AT, 200)]
    one, other = shifted("ETHUSD", moves), shifted("ETHUSD", moves[::-1])
    for minute in range(MINUTE + 599, MINUTE + 604):
        assert one.tape("ETHUSD", minute).prints == other.tape("ETHUSD", minute).prints
    assert one.quote("ETHUSD", AT).last == market().quote("ETHUSD", AT).last + 500


def test_other_pairs_do_not_notice() -> None:
    plain, here = market(), shifted("XBTUSD", [(AT, 5000)])
    assert here.span("ETHUSD", MINUTE, MINUTE + 1440) == plain.span("ETHUSD", MINUTE, MINUTE + 1440)


def test_answers_given_before_a_shock_do_not_linger() -> None:
    here = market()
    asked = here.span("XBTUSD", MINUTE, MINUTE + 1440)
    revision = here.revision
    here.shift("XBTUSD", AT, 100_000)
    assert here.span("XBTUSD", MINUTE, MINUTE + 1440).high > asked.high
    assert here.revision > revision


def test_a_tenfold_price_still_adds_up_exactly() -> None:
    here = shifted("XBTUSD", [(AT, 7_000_000), (AT + 1000, 70_000_000)])
    hour = here.span("XBTUSD", MINUTE + 660, MINUTE + 720)
    assert hour == merge([rebuilt(here, "XBTUSD", minute) for minute in range(MINUTE + 660, MINUTE + 720)])


def test_a_price_is_raised_to_the_highest_at_most() -> None:
    shocks = Shocks(highest=100)
    shocks.add(10, 90)
    shocks.add(20, 90)
    assert [shocks.before(at) for at in (10, 11, 20, 21)] == [0, 90, 90, 100]


def test_the_count_of_trades_includes_shocks() -> None:
    plain, here = market(), shifted("SNXUSD", [(AT, 5)])
    for minute, more in ((600, 0), (601, 1), (3000, 1)):
        at = (MINUTE + minute) * MINUTE_MICROS
        assert here.trade_count("SNXUSD", at, DAY) == plain.trade_count("SNXUSD", at, DAY) + more


def test_candles_stay_exact_where_prices_meet_the_lowest_tick() -> None:
    plain = market()
    minutes = [m for m in range(MINUTE + 601, MINUTE + 660) if plain.minute("ETHUSD", m).trades > 5]
    for minute in minutes[::6]:
        bar = plain.minute("ETHUSD", minute)
        for ticks in (bar.low, bar.low - 1, bar.close, bar.high, bar.high - 1):
            here = shifted("ETHUSD", [(AT, -ticks)])
            assert here.minute("ETHUSD", minute) == rebuilt(here, "ETHUSD", minute)
