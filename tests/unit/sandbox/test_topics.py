from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.sandbox.topics import Pulse
from krakked_tui.sim.tape import MINUTE_MICROS
from tests.unit.sim.markets import DAY, market

MARKET = market()
START = DAY * 1440 * MINUTE_MICROS
WAITS = st.lists(
    st.sampled_from([1, 900, 250_000, 3_000_000, 59_999_999, 60_000_000, 7 * 60_000_000]), max_size=40
)


@given(st.sampled_from(["XBTUSD", "SNXUSD"]), st.integers(0, 1440 * MINUTE_MICROS), WAITS, st.booleans())
def test_a_pulse_misses_no_trade_and_invents_none(name: str, at: int, waits: list[int], beats: bool) -> None:
    at += START
    pulse = Pulse(MARKET, name, at, beats=beats)
    count = MARKET.trade_count(name, at, DAY)
    for wait in waits:
        at += wait
        now = MARKET.trade_count(name, at, DAY)
        assert pulse.traded(at) == (now > count)
        count = now


@given(
    st.sampled_from(["XBTUSD", "SNXUSD"]), st.integers(0, 1440 * MINUTE_MICROS), st.integers(1, 120_000_000)
)
def test_while_it_is_still_the_quote_stays_as_it_is(name: str, at: int, wait: int) -> None:
    at += START
    pulse = Pulse(MARKET, name, at, beats=True)
    assert not pulse.still(at), "the first look is always worth it"
    pulse.traded(at)
    if pulse.still(at + wait):
        assert MARKET.quote(name, at + wait) == MARKET.quote(name, at)
        assert (at + wait) // MINUTE_MICROS == at // MINUTE_MICROS


def test_a_shock_wakes_it() -> None:
    here = market()
    quiet = next(m for m in range(DAY * 1440 + 5, DAY * 1440 + 999) if not here.minute("SNXUSD", m).trades)
    at = quiet * MINUTE_MICROS + 1
    pulse = Pulse(here, "SNXUSD", at, beats=False)
    pulse.traded(at)
    assert pulse.still(at + 5)
    here.shift("SNXUSD", at + 2, 50)
    assert not pulse.still(at + 5)
    assert pulse.traded(at + 5)
