"""Deaf topics are subscribed to anew, said once, and shown for a while."""

from collections.abc import Sequence

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.deaf_topics import (
    LATELY_MAX,
    LATELY_SECONDS,
    LONGEST_RENEW_SECONDS,
    RENEW_SECONDS,
    DeafTopics,
    Topic,
)
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.feed = FakeFeed(self.clock)
        self.lines: list[Log] = []
        self.told: list[tuple[str, ...]] = []
        self.heard: dict[Topic, float | None] = {}
        self.deaf = DeafTopics(
            feed=self.feed, clock=self.clock, write_log=self.lines.append, on_deaf=self._tell,
            heard=lambda topic: self.heard.get(topic, 0.0),
        )  # fmt: skip

    async def prices(self, *pairs: str) -> None:
        await self.deaf.found([(pair, None) for pair in pairs])

    def _tell(self, pairs: Sequence[str]) -> None:
        self.told.append(tuple(pairs))


async def test_nothing_is_done_about_nothing() -> None:
    rig = Rig()
    await rig.deaf.found([])
    assert (rig.feed.renewed, rig.told, rig.lines, rig.deaf.lately) == ([], [], [], ())


async def test_several_topics_of_a_pair_are_one_renewal() -> None:
    rig = Rig()
    await rig.deaf.found([("XBTUSD", Timeframe.M1), ("XBTUSD", Timeframe.H1), ("ETHUSD", Timeframe.M1)])
    assert rig.feed.renewed == [("XBTUSD", "ETHUSD")]
    assert rig.told == [("XBTUSD", "ETHUSD")]
    assert rig.deaf.count == 3
    assert set(rig.deaf.lately) == {"1m candles XBTUSD", "1h candles XBTUSD", "1m candles ETHUSD"}


async def test_a_pair_is_renewed_again_only_after_a_while() -> None:
    rig = Rig()
    await rig.prices("XBTUSD")
    rig.clock.jump(RENEW_SECONDS - 1)
    await rig.prices("XBTUSD", "ETHUSD")
    await rig.deaf.found([])
    rig.clock.jump(1)
    await rig.deaf.found([])
    assert rig.feed.renewed == rig.told == [("XBTUSD",), ("ETHUSD",), ("XBTUSD",)]


async def test_a_topic_is_logged_again_only_after_ten_minutes() -> None:
    rig = Rig()
    for _ in range(12):
        await rig.prices("XBTUSD")
        rig.clock.jump(LATELY_SECONDS / 10)
    assert [line.level for line in rig.lines] == [Level.WARNING, Level.WARNING]


async def test_many_topics_are_one_short_line() -> None:
    rig = Rig()
    await rig.prices(*[f"P{number}USD" for number in range(700)])
    (line,) = rig.lines
    assert line.message == (
        "the market stream said nothing of trades there were: ticker P0USD, ticker P1USD, ticker P2USD,"
        " ticker P3USD, ticker P4USD and 695 more; subscribing anew"
    )
    assert line.fields["count"] == 700
    assert len(rig.deaf.lately) == LATELY_MAX
    assert rig.deaf.lately_count == 700


async def test_what_was_found_long_ago_is_not_shown() -> None:
    rig = Rig()
    await rig.prices("XBTUSD")
    rig.clock.jump(300)
    await rig.prices("ETHUSD")
    assert list(rig.deaf.lately) == ["ticker ETHUSD", "ticker XBTUSD"]
    rig.clock.jump(300)
    assert list(rig.deaf.lately) == ["ticker ETHUSD"]
    await rig.prices("SOLUSD")
    await rig.prices("ETHUSD")
    assert list(rig.deaf.lately) == ["ticker ETHUSD", "ticker SOLUSD"]


async def test_a_topic_that_speaks_again_is_not_shown_any_more() -> None:
    rig = Rig()
    rig.clock.jump(100)
    await rig.deaf.found([("XBTUSD", None), ("XBTUSD", Timeframe.M1), ("ETHUSD", None)])
    rig.heard["XBTUSD", None] = 100.0
    assert rig.deaf.lately_count == 3
    rig.heard["XBTUSD", None] = 100.1
    assert list(rig.deaf.lately) == ["ticker ETHUSD", "1m candles XBTUSD"]
    rig.heard["ETHUSD", None] = None
    assert (list(rig.deaf.lately), rig.deaf.lately_count) == (["1m candles XBTUSD"], 1)
    assert rig.deaf.count == 3


async def test_all_pairs_are_renewed_less_and_less_often_and_nobody_is_told() -> None:
    rig = Rig()
    renewed: list[int] = []
    for second in range(2000):
        await rig.deaf.renew_all(["XBTUSD", "ETHUSD"], 0.0)
        if len(rig.feed.renewed) > len(renewed):
            renewed.append(second)
        rig.clock.jump(1)
    assert renewed == [0, 45, 135, 315, 675, 1275, 1875]
    assert set(rig.feed.renewed) == {("XBTUSD", "ETHUSD")}
    assert (rig.told, rig.lines, rig.deaf.count) == ([], [], 0)
    rig.clock.jump(600)
    await rig.deaf.renew_all(["XBTUSD"], 1875 + LONGEST_RENEW_SECONDS - 1)
    rig.clock.jump(RENEW_SECONDS)
    assert len(rig.feed.renewed) == 8
    await rig.deaf.renew_all(["XBTUSD"], rig.clock.monotonic())
    assert len(rig.feed.renewed) == 8, "it fell silent again soon"


async def test_after_the_stream_spoke_for_long_all_pairs_are_renewed_soon_again() -> None:
    rig = Rig()
    for at in (0.0, 45.0, 135.0):
        rig.clock.jump(at - rig.clock.monotonic())
        await rig.deaf.renew_all(["XBTUSD"], 0.0)
    fell_silent = 135 + LONGEST_RENEW_SECONDS
    for at in (fell_silent + 10, fell_silent + 10 + RENEW_SECONDS):
        rig.clock.jump(at - rig.clock.monotonic())
        await rig.deaf.renew_all(["XBTUSD"], fell_silent)
    assert len(rig.feed.renewed) == 5


async def test_a_pair_renewed_with_all_others_is_not_renewed_again_at_once() -> None:
    rig = Rig()
    await rig.deaf.renew_all(["XBTUSD"], 0.0)
    await rig.prices("XBTUSD")
    assert rig.feed.renewed == [("XBTUSD",)]
    rig.clock.jump(RENEW_SECONDS)
    await rig.deaf.found([])
    assert rig.feed.renewed == [("XBTUSD",)] * 2
    assert rig.told == [("XBTUSD",)]
