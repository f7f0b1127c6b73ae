from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sandbox import wire
from krakked_tui.sim.instruments import Grid

AT = datetime(2025, 11, 11, 0, 17, 4, 5, tzinfo=UTC)


def test_times_as_kraken_prints_them() -> None:
    assert wire.rfc1123(AT) == "Tue, 11 Nov 25 00:17:04 +0000"
    assert wire.rfc3339(AT) == "2025-11-11T00:17:04.000005Z"
    assert wire.rfc3339(AT.replace(microsecond=0)) == "2025-11-11T00:17:04.000000Z"
    assert wire.rfc3339_second(AT) == "2025-11-11T00:17:04Z"
    assert wire.unix_second(AT) == 1762820224
    assert repr(wire.unix(AT)) == "1762820224.000005"


def test_money_never_gets_an_exponent_and_keeps_its_zeros() -> None:
    assert wire.text(Decimal(0), 8) == "0.00000000"
    assert wire.text(Decimal("0.0000001"), 8) == "0.00000010"
    assert bytes(wire.number(Decimal("-1E+3"), 4)) == b"-1000.0000"


@given(st.integers(0, 10**18), st.integers(0, 9), st.integers(0, 6))
def test_fixed_prints_what_decimal_would(units: int, decimals: int, extra: int) -> None:
    expected = format(Decimal(units).scaleb(-decimals).quantize(Decimal(1).scaleb(-decimals - extra)), "f")
    assert wire.fixed(units, decimals, decimals + extra) == expected


def test_a_price_in_coarse_ticks() -> None:
    grid = Grid(tick=Decimal("0.0005"), price_decimals=4, ulps_per_tick=5, volume_decimals=8)
    assert wire.price_text(731, grid, 4) == "0.3655"
    assert wire.price_text(731, grid, 8) == "0.36550000"
