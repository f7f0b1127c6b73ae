"""How far prices can be trusted."""

import pytest

from krakked_tui.market.freshness import (
    GOOD_FOR_ENTRIES,
    GOOD_FOR_VALUATION,
    FeedState,
    Freshness,
    Substitute,
    feed_state,
    freshness_of,
)
from krakked_tui.market.settings import FeedSettings
from tests.unit.domain.builders import make_quote

SETTINGS = FeedSettings(stale_tolerance_seconds=60, quiet_tolerance_seconds=900)
FRESH, CHECKED, QUIET = Freshness.FRESH, Freshness.CHECKED, Freshness.QUIET
STALE, NEVER = Freshness.STALE, Freshness.NEVER


@pytest.mark.parametrize(
    ("age", "live", "expected"),
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
def test_age_and_feed_decide(age: float, live: bool, expected: Freshness) -> None:
    quote = make_quote(received=1000.0)
    assert freshness_of(quote, 1000.0 + age, SETTINGS, live=live) is expected


@pytest.mark.parametrize(
    ("age", "checked", "live", "expected"),
    [
        (30.0, 0.0, True, FRESH),
        (61.0, 0.0, True, CHECKED),
        (900.0, 60.0, True, CHECKED),
        (900.0, 60.001, True, QUIET),
        (900.001, 0.0, True, STALE),
        (61.0, 0.0, False, STALE),
    ],
)
def test_a_quiet_price_may_be_confirmed(age: float, checked: float, live: bool, expected: Freshness) -> None:
    quote, now = make_quote(received=1000.0), 1000.0 + age
    assert freshness_of(quote, now, SETTINGS, live=live, checked=now - checked) is expected


def test_what_each_freshness_is_good_for() -> None:
    assert {FRESH, CHECKED} == GOOD_FOR_ENTRIES
    assert {FRESH, CHECKED, QUIET} == GOOD_FOR_VALUATION


@pytest.mark.parametrize("live", [True, False])
def test_a_price_that_never_came(live: bool) -> None:
    assert freshness_of(None, 0.0, SETTINGS, live=live, checked=0.0) is NEVER


@pytest.mark.parametrize(
    ("proven_age", "priced", "connected", "substitute", "expected"),
    [
        (None, False, True, Substitute.NONE, FeedState.STARTING),
        (None, False, False, Substitute.POLLED, FeedState.STARTING),
        (60.0, True, True, Substitute.NONE, FeedState.LIVE),
        (60.001, True, True, Substitute.NONE, FeedState.STALE),
        (None, True, True, Substitute.NONE, FeedState.STALE),
        (0.0, True, False, Substitute.NONE, FeedState.DOWN),
        (0.0, True, False, Substitute.POLLED, FeedState.POLLING),
        (0.0, True, True, Substitute.POLLED, FeedState.POLLING),
        (0.0, True, False, Substitute.FAILING, FeedState.DOWN),
        (0.0, True, True, Substitute.FAILING, FeedState.STALE),
    ],
)
def test_the_feed_lives_while_its_stream_brings_prices(
    proven_age: float | None, priced: bool, connected: bool, substitute: Substitute, expected: FeedState
) -> None:
    state = feed_state(proven_age, SETTINGS, priced=priced, connected=connected, substitute=substitute)
    assert state is expected
