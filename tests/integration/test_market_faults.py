"""What goes wrong with the market's sockets, and what is left of it afterwards: no candle is missing.

A real engine on a real local Kraken. After every fault the engine's candles are held against the
exchange's own record, for every pair and minute from the start on, and the log says what was wrong.
"""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.market_scene import DOWN, SETTLING, SPEED, scene

SHORT_DROPS, LONG_DROPS = 3, 20
LONG_DROPS_SPEED = 20.0
"""From the eighth drop in a row on the engine waits a minute before it connects again."""

LONGEST_WAIT_SECONDS = 90.0

SHORT_OUTAGE, LONG_OUTAGE = timedelta(minutes=4), timedelta(hours=5)
"""The long one is over before the exchange's record of candles is."""

LONG_OUTAGE_SPEED = 60.0
SHORT_STALLS, LONG_STALLS = 1, 5

PUBLIC_CALLS = ("OHLC", "Ticker", "AssetPairs", "Assets")
STREAMS = ("ohlc", "ticker")


def _drop(tmp_path: Path, drops: int, speed: float) -> None:
    with scene(tmp_path, speed) as here:
        for number in range(drops):
            down = here.strike(kind="close", where="ticker" if number % 2 else "ohlc", code=1006)
            assert "the connection was closed" in str(down["detail"])
            up = here.recover(LONGEST_WAIT_SECONDS)
        here.settle(up)
        assert len(here.engine.events(DOWN)) == drops
        here.check()


@pytest.mark.timeout(90)
def test_a_socket_that_is_lost_again_and_again_costs_no_candle(tmp_path: Path) -> None:
    _drop(tmp_path, SHORT_DROPS, SPEED)


@pytest.mark.long
@pytest.mark.timeout(2400)
def test_a_socket_that_is_lost_twenty_times_costs_no_candle(tmp_path: Path) -> None:
    _drop(tmp_path, LONG_DROPS, LONG_DROPS_SPEED)


def _stall(tmp_path: Path, stalls: int) -> None:
    with scene(tmp_path) as here:
        for _ in range(stalls):
            down = here.strike(kind="stall", where="ticker")
            assert "heard" in str(down["detail"])
            here.settle(here.recover())
        here.check()


@pytest.mark.long
@pytest.mark.timeout(90)
def test_a_socket_that_says_nothing_any_more_is_given_up_and_costs_no_candle(tmp_path: Path) -> None:
    _stall(tmp_path, SHORT_STALLS)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_socket_that_falls_silent_again_and_again_costs_no_candle(tmp_path: Path) -> None:
    _stall(tmp_path, LONG_STALLS)


def _maintain(tmp_path: Path, outage: timedelta, speed: float) -> None:
    with scene(tmp_path, speed) as here:
        here.sandbox.market(action="system_status", status="maintenance")
        down = here.strike(kind="close", where="ticker", code=1012)
        assert "maintenance" in str(down["detail"])
        here.sandbox.fault(kind="refuse", status=503)
        here.sandbox.fault(kind="error", text="EService:Unavailable", where=PUBLIC_CALLS)
        here.sandbox.fault(kind="close", where=STREAMS, code=1012)
        here.live_on(outage)
        here.sandbox.forget_faults()
        here.sandbox.market(action="system_status", status="online")
        here.settle(here.recover())
        here.check()


@pytest.mark.long
@pytest.mark.timeout(90)
def test_maintenance_of_the_exchange_costs_no_candle(tmp_path: Path) -> None:
    _maintain(tmp_path, SHORT_OUTAGE, SPEED)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_hours_of_maintenance_cost_no_candle(tmp_path: Path) -> None:
    _maintain(tmp_path, LONG_OUTAGE, LONG_OUTAGE_SPEED)


@pytest.mark.long
@pytest.mark.timeout(90)
def test_candles_that_fall_silent_while_prices_go_on_are_read_from_the_exchange(tmp_path: Path) -> None:
    """Heartbeats and prices come, candles do not: that channel alone is quiet beyond what it is wont to."""
    with scene(tmp_path) as here:
        here.sandbox.fault(kind="drop", where="ohlc")
        here.live_on(timedelta(minutes=30))
        here.sandbox.forget_faults()
        here.settle(here.sandbox.now() - SETTLING)
        here.check()


@pytest.mark.timeout(90)
def test_maintenance_is_said_at_once_although_prices_go_on(tmp_path: Path) -> None:
    with scene(tmp_path) as here:
        here.sandbox.market(action="system_status", status="maintenance")
        here.live_on(2 * SETTLING)
        assert [line for line in here.engine.lines if "maintenance" in str(line)]
        assert not here.engine.events(DOWN)
        here.sandbox.market(action="system_status", status="online")
        here.live_on(2 * SETTLING)
        here.check()
