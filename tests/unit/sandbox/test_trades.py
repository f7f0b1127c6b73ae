from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krakked_tui.sandbox.clock import instant_of, micros_of
from krakked_tui.sandbox.trades import last_number, latest_trades, trades_after
from tests.unit.sandbox.rig import Rig

START = 1767571200
DAY = 86400


@pytest.fixture(scope="module")
def aged() -> Iterator[Rig]:
    """An exchange that has been open for two days and a bit."""
    rig = Rig()
    rig.wall.advance(2 * DAY + 3723.5)
    yield rig
    rig.exchange.close()


def page(rig: Rig, pair: str = "XBTUSD", **params: str) -> tuple[list[Any], str]:
    answer = rig.public("Trades", pair=pair, **params)
    (name,) = answer.keys() - {"last"}
    return answer[name], answer["last"]


def test_the_latest_thousand_without_since(aged: Rig) -> None:
    rows, last = page(aged)
    assert len(rows) == 1000
    numbers = [row[6] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + 1000))
    assert rows[-1][2] <= START + 2 * DAY + 3723.5
    assert last.startswith(str(int(rows[-1][2])))
    assert len(last) == 19


def test_a_row_has_krakens_form(aged: Rig) -> None:
    (row,), last = page(aged, count="1")
    price, volume, time, side, kind, misc, number = row
    assert [type(part) for part in row] == [str, str, float, str, str, str, int]
    assert [len(text.partition(".")[2]) for text in (price, volume)] == [5, 8]
    assert side in ("b", "s")
    assert kind in ("m", "l")
    assert misc == ""
    assert time == int(last) / 1e9
    at = aged.exchange.clock.now()
    assert Decimal(price) == aged.exchange.market.grids["XBTUSD"].price(
        aged.exchange.quote("XBTUSD", at).last
    )
    assert number == last_number(aged.exchange, "XBTUSD", micros_of(at))


def test_the_very_first_trades_of_seed_7(aged: Rig) -> None:
    rows, last = page(aged, since=str(START), count="2")
    assert rows == [
        ["78940.60000", "0.18996550", 1767571202.34204, "b", "l", "", 303740001],
        ["78923.60000", "0.01941064", 1767571203.145354, "s", "l", "", 303740002],
    ]
    assert last == "1767571203145354000"


@pytest.mark.parametrize("pair", ["XBTUSD", "SPXUSD"])
def test_pages_follow_each_other_without_gap_or_repetition(aged: Rig, pair: str) -> None:
    since, rows = str(START + DAY - 7200), []
    while True:
        found, last = page(aged, pair, since=since)
        if not found:
            assert last == since, "the end of data leaves last where it was"
            break
        rows += found
        since = last
    numbers = [row[6] for row in rows]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert all(one[2] <= two[2] for one, two in pairwise(rows))
    assert rows[-1][6] == page(aged, pair)[0][-1][6]


def test_seconds_with_or_without_a_fraction_and_nanoseconds_are_understood(aged: Rig) -> None:
    second = START + DAY + 100
    one, _ = page(aged, since=str(second), count="5")
    assert (
        one
        == page(aged, since=f"{second}.0", count="5")[0]
        == page(aged, since=f"{second}000000000", count="5")[0]
    )
    assert one[0][2] > second


def test_since_is_exclusive_to_the_nanosecond(aged: Rig) -> None:
    rows, last = page(aged, since=str(START + DAY), count="3")
    assert page(aged, since=last, count="1")[0][0][6] == rows[-1][6] + 1
    assert page(aged, since=str(int(last) - 1), count="1")[0][0] == rows[-1]


def test_the_first_trade_ever_is_two_years_before_the_founding(aged: Rig) -> None:
    rows, _ = page(aged, "SPXUSD", since="0", count="2")
    assert START - 730 * DAY <= rows[0][2] < START - 729 * DAY
    assert 0 < rows[0][6] < page(aged, "SPXUSD", count="1")[0][0][6]


def test_trades_rebuild_the_candles_of_ohlc(aged: Rig) -> None:
    candles = aged.public("OHLC", pair="XBTUSD", interval="5")["XXBTZUSD"][-40:-1]
    rows, since = [], str(candles[0][0] - 1)
    while found := page(aged, since=since):
        if not found[0]:
            break
        rows += found[0]
        since = found[1]
    for time, opened, high, low, close, vwap, volume, count in candles:
        inside = [row for row in rows if time <= row[2] < time + 300]
        prices = [Decimal(row[0]) for row in inside]
        volumes = [Decimal(row[1]) for row in inside]
        assert [Decimal(text) for text in (opened, high, low, close)] == [
            *(prices[0], max(prices), min(prices), prices[-1])
        ]
        assert Decimal(volume) == sum(volumes)
        assert count == len(inside)
        value = sum(price * size for price, size in zip(prices, volumes, strict=True)) / Decimal(volume)
        assert Decimal(vwap) <= value < Decimal(vwap) + Decimal("0.1")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.sampled_from(["XBTUSD", "SPXUSD", "XDGUSD"]),
    st.integers(-DAY * 1_000_000, 2 * DAY * 1_000_000),
    st.integers(1, 1000),
)
def test_forward_and_backward_pages_agree_wherever_they_start(
    aged: Rig, name: str, offset: int, count: int
) -> None:
    at = START * 1_000_000 + offset
    latest = latest_trades(aged.exchange, name, at, count)
    assert [row.number for row in latest] == list(range(latest[0].number, latest[0].number + count))
    assert latest[-1].number == last_number(aged.exchange, name, at)
    assert latest[-1].nanos // 1000 <= at
    again = trades_after(aged.exchange, name, latest[0].nanos, at, 5000)
    assert again == latest[1:]
    assert latest_trades(aged.exchange, name, at, count, latest[-1].nanos) == []


def test_two_trades_of_one_microsecond_are_two(rig: Rig) -> None:
    rig.wall.advance(30)
    now = micros_of(rig.exchange.catch_up())
    ((number, nanos, _),) = trades_after(rig.exchange, "XBTUSD", now * 1000, now + 60_000_000, 1)
    rig.exchange.market.shift("XBTUSD", nanos // 1000 - 1, 100)
    listener = rig.listener()
    listener.ask("subscribe", channel="trade", symbol=["BTC/USD"])
    listener.heard()
    rig.exchange.clock.jump(instant_of(nanos // 1000))
    rig.exchange.clock.pause()
    rig.hub.tick_tickers()
    rig.exchange.clock.jump(instant_of(now + 60_000_000))
    rig.hub.tick_tickers()
    told = [row["trade_id"] for message in listener.heard_on("trade") for row in message["data"]]
    assert told == list(range(number, told[-1] + 1)), "none is told twice"
    since, seen = str(nanos - 1), []
    for _ in range(3):
        (row,), since = page(rig, since=since, count="1")
        seen.append(row)
    assert [row[6] for row in seen] == [number, number + 1, number + 2]
    assert seen[0][2] == seen[1][2]
