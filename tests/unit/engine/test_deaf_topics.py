"""Deaf topics are subscribed to anew, said once, and shown for a while."""

from collections.abc import Sequence

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.deaf_topics import LATELY_MAX, LATELY_SECONDS, RENEW_SECONDS, DeafTopics
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.feed = FakeFeed(self.clock)
        self.lines: list[Log] = []
        self.told: list[tuple[str, ...]] = []
        self.deaf = DeafTopics(
            feed=self.feed, clock=self.clock, write_log=self.lines.append, on_deaf=self._tell
        )

    def _tell(self, pairs: Sequence[str]) -> None:
        self.told.append(tuple(pairs))


async def test_nothing_is_done_about_nothing() -> None:
    rig = Rig()
    await rig.deaf.prices([])
    await rig.deaf.candles([])
    assert (rig.feed.renewed, rig.told, rig.lines, rig.deaf.lately) == ([], [], [], ())


async def test_several_topics_of_a_pair_are_one_renewal() -> None:
    rig = Rig()
    await rig.deaf.candles([("XBTUSD", Timeframe.M1), ("XBTUSD", Timeframe.H1), ("ETHUSD", Timeframe.M1)])
    assert rig.feed.renewed == [("XBTUSD", "ETHUSD")]
    assert rig.told == [("XBTUSD", "ETHUSD")]
    assert rig.deaf.count == 3
    assert set(rig.deaf.lately) == {"1m candles XBTUSD", "1h candles XBTUSD", "1m candles ETHUSD"}


async def test_a_pair_is_renewed_again_only_after_a_while() -> None:
    rig = Rig()
    await rig.deaf.prices(["XBTUSD"])
    rig.clock.jump(RENEW_SECONDS - 1)
    await rig.deaf.prices(["XBTUSD", "ETHUSD"])
    await rig.deaf.candles([])
    rig.clock.jump(1)
    await rig.deaf.candles([])
    assert rig.feed.renewed == rig.told == [("XBTUSD",), ("ETHUSD",), ("XBTUSD",)]


async def test_a_topic_is_logged_again_only_after_ten_minutes() -> None:
    rig = Rig()
    for _ in range(12):
        await rig.deaf.prices(["XBTUSD"])
        rig.clock.jump(LATELY_SECONDS / 10)
    assert [line.level for line in rig.lines] == [Level.WARNING, Level.WARNING]


async def test_many_topics_are_one_short_line() -> None:
    rig = Rig()
    await rig.deaf.prices([f"P{number}USD" for number in range(700)])
    (line,) = rig.lines
    assert line.message == (
        "the market stream said nothing of trades there were: ticker P0USD, ticker P1USD, ticker P2USD,"
        " ticker P3USD, ticker P4USD and 695 more; subscribing anew"
    )
    assert line.fields["count"] == 700
    assert len(rig.deaf.lately) == LATELY_MAX


async def test_what_was_found_long_ago_is_not_shown() -> None:
    rig = Rig()
    await rig.deaf.prices(["XBTUSD"])
    rig.clock.jump(300)
    await rig.deaf.prices(["ETHUSD"])
    assert list(rig.deaf.lately) == ["ticker ETHUSD", "ticker XBTUSD"]
    rig.clock.jump(300)
    assert list(rig.deaf.lately) == ["ticker ETHUSD"]
    await rig.deaf.prices(["SOLUSD"])
    await rig.deaf.prices(["ETHUSD"])
    assert list(rig.deaf.lately) == ["ticker ETHUSD", "ticker SOLUSD"]
