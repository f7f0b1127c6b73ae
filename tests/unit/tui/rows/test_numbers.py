"""Numbers as a trader reads them."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.tui.rows.line import Look
from krakked_tui.tui.rows.numbers import (
    age,
    clock,
    countdown,
    date_and_time,
    fixed,
    gain_look,
    percent,
    signed,
    signed_percent,
    signed_usd,
    span,
    usd,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "plain", "with_sign"),
    [
        ("1234567.891", "$1,234,567.89", "+$1,234,567.89"),
        ("-41.2", "-$41.20", "-$41.20"),
        ("0", "$0.00", "$0.00"),
        ("-0.001", "$0.00", "$0.00"),
        ("0.005", "$0.00", "$0.00"),
        ("0.006", "$0.01", "+$0.01"),
    ],
)
def test_dollars(value: str, plain: str, with_sign: str) -> None:
    assert usd(Decimal(value)) == plain
    assert signed_usd(Decimal(value)) == with_sign


def test_prices_keep_the_pairs_decimals() -> None:
    assert fixed(Decimal("64120.1"), 1) == "64,120.1"
    assert fixed(Decimal("0.0000082"), 8) == "0.00000820"
    assert fixed(Decimal(25), 0) == "25"


def test_percentages_carry_their_sign() -> None:
    assert percent(Decimal("1.1")) == "1.10%"
    assert signed_percent(Decimal("0.4")) == "+0.40%"
    assert signed_percent(Decimal("-0.004")) == "0.00%"


@given(st.decimals(-(10**9), 10**9, places=6), st.integers(0, 8))
def test_a_formatted_number_reads_back_within_half_a_step(value: Decimal, decimals: int) -> None:
    back = Decimal(signed(value, decimals).replace(",", ""))
    assert abs(back - value) <= Decimal(5).scaleb(-decimals - 1)
    assert not fixed(value, decimals).startswith("-0") or back


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0s"),
        (59.9, "59s"),
        (60, "1m00s"),
        (605, "10m"),
        (3600, "1h00m"),
        (7500, "2h05m"),
        (80_000, "22h"),
        (1_000_000, "11d"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


@given(st.floats(0, 1e8))
def test_an_age_fits_its_column(seconds: float) -> None:
    assert len(age(seconds)) <= 5


def test_lengths_and_countdowns() -> None:
    assert span(timedelta(minutes=59)) == "59m"
    assert span(timedelta(minutes=62)) == "1h02m"
    assert span(timedelta(days=2, hours=3)) == "2d03h"
    assert countdown(NOON + timedelta(seconds=75), NOON) == "1:15"
    assert countdown(NOON + timedelta(hours=1, seconds=5), NOON) == "1:00:05"
    assert countdown(NOON, NOON + timedelta(seconds=5)) == "0:00"


def test_times_are_shown_in_the_zone_asked_for() -> None:
    new_york = ZoneInfo("America/New_York")
    assert clock(NOON) == "12:00:00"
    assert clock(NOON, new_york) == "07:00:00"
    assert date_and_time(NOON, new_york) == "2026-11-20 07:00:00 EST"


def test_a_look_says_the_same_as_the_sign() -> None:
    assert [gain_look(Decimal(value)) for value in (-1, 0, 1)] == [Look.LOSS, Look.PLAIN, Look.GAIN]
