"""Public calls leave evenly spaced."""

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.rate_limits import RateLimiter


@given(
    rate=st.floats(min_value=0.1, max_value=100),
    gaps=st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=50),
)
def test_never_faster_than_allowed_and_never_idle_needlessly(rate: float, gaps: list[float]) -> None:
    limiter = RateLimiter(rate)
    now = 100.0
    sent: list[float] = []
    for gap in gaps:
        now += gap
        slot = now + limiter.reserve(endpoints.TICKER, now)
        earliest = sent[-1] + 1 / rate if sent else now
        assert slot >= earliest - 1e-9
        assert slot <= max(now, earliest) + 1e-9
        sent.append(slot)


def test_private_calls_do_not_wait_for_public_ones() -> None:
    limiter = RateLimiter(1)
    assert limiter.reserve(endpoints.TICKER, 0.0) == 0
    assert limiter.reserve(endpoints.TICKER, 0.0) == 1
    assert limiter.reserve(endpoints.ADD_ORDER, 0.0) == 0
