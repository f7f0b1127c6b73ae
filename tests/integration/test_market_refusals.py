"""What the exchange does not serve any more, or not yet: the other pairs go on without a missing candle."""

from pathlib import Path

import pytest

from tests.integration.market_scene import DOWN, SETTLING, scene

DELISTED = "DOTUSD"
REREAD_SECONDS = 90.0
"""A status is followed by a reading of the listing within half a minute."""

IN_BATCHES = {
    "KRAKKED__MARKET_DATA__WS__BATCH_SIZE": "10",
    "KRAKKED__MARKET_DATA__INGEST__TIMEFRAMES": '["1m"]',
    "KRAKKED__STRATEGIES__CONFIGS__TREND_FOLLOWING_V1__TIMEFRAMES": '["1m"]',
}
"""One connection with candles, and few pairs in each request: every other request is refused."""


@pytest.mark.timeout(90)
def test_candles_that_are_refused_at_first_are_all_there_once_they_are_taken(tmp_path: Path) -> None:
    with scene(tmp_path, rule={"kind": "reject", "where": "ohlc"}) as here:
        here.live_on(SETTLING)
        assert not here.engine.events(DOWN), "prices go on"
        here.sandbox.forget_faults()
        here.strike(kind="close", where="ticker", code=1006)
        here.settle(here.recover())
        here.check()


@pytest.mark.long
@pytest.mark.timeout(90)
def test_a_pair_that_is_delisted_costs_the_others_no_candle(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        others = [pair for pair in here.pairs if pair != DELISTED]
        assert len(others) == len(here.pairs) - 1
        here.sandbox.market(action="delist", pair=DELISTED)
        here.live_on(SETTLING)
        here.strike(kind="close", where="ticker", code=1006)
        here.settle(here.recover(), pairs=others)
        here.check(others)


@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_delisted_pair_is_said_and_costs_the_others_no_candle(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        others = [pair for pair in here.pairs if pair != DELISTED]
        assert len(others) == len(here.pairs) - 1
        here.sandbox.market(action="delist", pair=DELISTED)
        changed = here.engine.wait_for("universe_changed", seconds=REREAD_SECONDS)
        assert DELISTED in str(changed)
        assert not here.engine.events(DOWN), "the others go on"
        here.settle(here.sandbox.now() - SETTLING, pairs=others)
        here.check(others)


@pytest.mark.long
@pytest.mark.timeout(90)
def test_refused_symbols_do_not_fail_the_others_and_cost_no_candle_in_the_end(tmp_path: Path) -> None:
    with scene(tmp_path, rule={"kind": "reject", "where": "ohlc", "every": 2}, settings=IN_BATCHES) as here:
        served, refused = here.asked_for_candles()
        assert len(served) > len(refused) > 0
        here.sandbox.forget_faults()
        here.live_on(SETTLING)
        here.settle(here.sandbox.now() - SETTLING, pairs=served)
        here.strike(kind="close", where="ticker", code=1006)
        here.settle(here.recover())
        here.check()
