"""How far prices can be trusted."""

import pytest

from krakked_tui.market.freshness import FeedState, Freshness, feed_state, freshness_of
from krakked_tui.market.settings import MarketDataSettings
from tests.unit.domain.builders import make_quote

SETTINGS = MarketDataSettings(stale_tolerance_seconds=60, quiet_tolerance_seconds=900)
FRESH, QUIET, STALE, NEVER = Freshness.FRESH, Freshness.QUIET, Freshness.STALE, Freshness.NEVER


@pytest.mark.parametrize(
    ("age", "connected", "expected"),
    [
        (0.0, True, FRESH),
        (60.0, True, FRESH),
        (60.0, False, FRESH),
        (60.001, True, QUIET),
        (60.001, False, STALE),
        (900.0, True, QUIET),
        (900.001, True, STALE),
    ],
)
def test_age_and_stream_decide(age: float, connected: bool, expected: Freshness) -> None:
    quote = make_quote(received=1000.0)
    assert freshness_of(quote, 1000.0 + age, SETTINGS, connected=connected) is expected


@pytest.mark.parametrize("connected", [True, False])
def test_a_price_that_never_came(connected: bool) -> None:
    assert freshness_of(None, 0.0, SETTINGS, connected=connected) is NEVER


@pytest.mark.parametrize(
    ("pairs", "connected", "expected"),
    [
        ([], True, FeedState.STARTING),
        ([NEVER, NEVER], False, FeedState.STARTING),
        ([NEVER, FRESH], True, FeedState.LIVE),
        ([STALE, FRESH], False, FeedState.DOWN),
        ([QUIET, QUIET], True, FeedState.STALE),
        ([STALE, NEVER], True, FeedState.STALE),
        ([STALE, NEVER], False, FeedState.DOWN),
    ],
)
def test_the_feed_lives_while_one_pair_is_fresh(
    pairs: list[Freshness], connected: bool, expected: FeedState
) -> None:
    assert feed_state(pairs, connected=connected) is expected
