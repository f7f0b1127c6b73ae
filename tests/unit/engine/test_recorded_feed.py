"""What is remembered of the requests of a feed."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.recorded_feed import RecordedFeed
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.inner = FakeFeed(self.clock)
        self.feed = RecordedFeed(self.inner, self.clock, lambda: self.clock.now() + timedelta(seconds=3))


async def test_every_request_counts_whether_it_is_answered_or_not(xbtusd: PairMetadata) -> None:
    rig = Rig()
    requests: list[Callable[[], Awaitable[object]]] = [
        rig.feed.server_time,
        rig.feed.pairs,
        rig.feed.quotes,
        lambda: rig.feed.candles(xbtusd, Timeframe.M1, rig.clock.now()),
    ]
    assert (rig.feed.answered, rig.feed.failed, rig.feed.failure) == (None, None, "")
    for request in requests:
        rig.clock.jump(1)
        await request()
        assert rig.feed.answered == rig.clock.monotonic()
        assert rig.feed.failed in (None, rig.clock.monotonic() - 1)
        rig.inner.failure = ExchangeError(f"no route {rig.clock.monotonic()}")
        rig.clock.jump(1)
        with pytest.raises(ExchangeError):
            await request()
        assert (rig.feed.failed, rig.feed.failure) == (rig.clock.monotonic(), str(rig.inner.failure))
        assert rig.feed.answered == rig.clock.monotonic() - 1
        rig.inner.failure = None


async def test_how_far_this_machines_clock_is_off_unless_the_exchange_has_a_time_of_its_own() -> None:
    rig = Rig()
    offsets = [rig.feed.clock_offset]
    for speed in (None, 60.0):
        rig.inner.speed = speed
        await rig.feed.server_time()
        offsets.append(rig.feed.clock_offset)
    assert offsets == [None, 3.0, None]


async def test_closing_passes(xbtusd: PairMetadata) -> None:
    rig = Rig()
    await rig.feed.close()
    assert rig.inner.closed
