"""Timeframes, candles and the one rule for the price."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle, Quote, Timeframe


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("timeframe", "instant", "opens"),
    [
        (Timeframe.M1, "2026-01-02 03:04:59.999999", "2026-01-02 03:04:00"),
        (Timeframe.M15, "2026-01-02 03:15:00", "2026-01-02 03:15:00"),
        (Timeframe.H4, "2026-01-02 03:59:59", "2026-01-02 00:00:00"),
        (Timeframe.H12, "2026-03-29 12:00:00", "2026-03-29 12:00:00"),
        (Timeframe.D1, "2026-12-31 23:59:59", "2026-12-31 00:00:00"),
        (Timeframe.W1, "2026-01-07 23:59:59", "2026-01-01 00:00:00"),
        (Timeframe.W1, "2026-01-08 00:00:00", "2026-01-08 00:00:00"),
    ],
)
def test_floor(timeframe: Timeframe, instant: str, opens: str) -> None:
    assert timeframe.floor(at(instant)) == at(opens)


@given(
    st.sampled_from(Timeframe),
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_floor_opens_the_candle_that_contains_the_instant(timeframe: Timeframe, instant: datetime) -> None:
    opens = timeframe.floor(instant)
    assert opens <= instant < opens + timeframe.length
    assert timeframe.floor(opens) == opens


def test_each_timeframe_divides_the_next() -> None:
    minutes = [timeframe.minutes for timeframe in Timeframe]
    assert all(longer % shorter == 0 and longer > shorter for shorter, longer in pairwise(minutes))


def test_a_candle_ends_where_the_next_begins() -> None:
    candle = Candle("XBTUSD", Timeframe.M5, at("2026-01-01"), 1, 1, 1, 1, 0, 0, 0)
    assert candle.end == at("2026-01-01") + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("last", "price"),
    [("100", "100"), ("102", "102"), ("101.5", "101.5"), ("99.9", "101"), ("102.1", "101")],
)
def test_the_price_is_the_last_trade_only_inside_the_spread(last: str, price: str) -> None:
    quote = Quote("XBTUSD", Decimal(100), Decimal(102), Decimal(last), at("2026-01-01"), received=0.0)
    assert quote.price == Decimal(price)
