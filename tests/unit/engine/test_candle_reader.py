"""Tries, waits as told, unknown pairs and the breaker."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
import pytest

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.candle_reader import CandleReader, ReadingPausedError
from krakked_tui.kraken.errors import PairNotListedError, RateLimitError
from krakked_tui.market.settings import IngestSettings
from tests.fakes.clock import FakeClock, settle

SETTINGS = IngestSettings()
BUSY = ExchangeError("EService:Busy")


class Feed:
    """Answers by a list: an error is raised, anything else is an empty answer. Then always empty."""

    def __init__(self, clock: FakeClock, answers: Sequence[Exception | None] = ()) -> None:
        self.clock, self.answers = clock, list(answers)
        self.asked: list[float] = []

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        self.asked.append(self.clock.monotonic())
        answer = self.answers.pop(0) if self.answers else None
        if answer is not None:
            raise answer
        return []


def _reader(answers: Sequence[Exception | None], clock: FakeClock | None = None) -> tuple[CandleReader, Feed]:
    clock = clock or FakeClock(auto=True)
    feed = Feed(clock, answers)
    return CandleReader(feed, clock, SETTINGS), feed  # type: ignore[arg-type]


async def _read(reader: CandleReader, pair: PairMetadata) -> Sequence[Candle]:
    return await reader.read(pair, Timeframe.M1, datetime.fromisoformat("2026-01-05T00:00:00+00:00"))


async def test_a_failure_is_tried_again_after_longer_and_longer_waits(xbtusd: PairMetadata) -> None:
    reader, feed = _reader([BUSY, BUSY])
    assert await _read(reader, xbtusd) == []
    assert feed.asked == [0.0, 2.0, 12.0]
    assert reader.calls == 3


async def test_after_the_last_try_its_error_is_the_callers(xbtusd: PairMetadata) -> None:
    reader, feed = _reader([BUSY, BUSY, ExchangeError("the last")])
    with pytest.raises(ExchangeError, match="the last"):
        await _read(reader, xbtusd)
    assert len(feed.asked) == SETTINGS.max_retries


async def test_an_unknown_pair_is_not_asked_for_again_and_opens_nothing(xbtusd: PairMetadata) -> None:
    reader, feed = _reader([PairNotListedError("EQuery:Unknown asset pair") for _ in range(9)])
    for _ in range(9):
        with pytest.raises(PairNotListedError):
            await _read(reader, xbtusd)
    assert len(feed.asked) == 9
    assert reader.breaker.open_seconds(0.0) is None


@pytest.mark.parametrize(("told", "wait"), [(0.0, 60.0), (17.0, 17.0)])
async def test_a_rate_limited_answer_makes_everything_wait_as_told(
    xbtusd: PairMetadata, told: float, wait: float
) -> None:
    clock = FakeClock()
    reader, feed = _reader([RateLimitError("EAPI:Rate limit exceeded", retry_after=told)], clock)
    other = msgspec.structs.replace(xbtusd, canonical="ETHUSD")
    async with asyncio.TaskGroup() as group:
        group.create_task(_read(reader, xbtusd))
        await settle()
        assert reader.held_seconds == wait
        group.create_task(_read(reader, other))
        await clock.advance(wait - 0.1)
        assert feed.asked == [0.0]
        await clock.advance(0.1)
    assert feed.asked == [0.0, wait, wait]
    assert reader.breaker.open_seconds(clock.monotonic()) is None


async def test_failures_in_a_row_of_several_pairs_pause_all_reading(xbtusd: PairMetadata) -> None:
    clock = FakeClock()
    reader, feed = _reader([BUSY] * 6, clock)
    await _open(reader, xbtusd, clock)
    assert len(feed.asked) == 5, "nobody is asked again once it is open"
    with pytest.raises(ReadingPausedError, match=r"another 290 s after 5 failures in a row, the last: ESer"):
        await _read(reader, xbtusd)
    assert len(feed.asked) == 5
    await clock.advance(290)
    with pytest.raises(ExchangeError, match=r"^EService:Busy$"):
        await _read(reader, xbtusd)
    assert len(feed.asked) == 6, "one trial"
    await clock.advance(300)
    assert await _read(reader, xbtusd) == []
    assert reader.breaker.open_seconds(clock.monotonic()) is None


async def _open(reader: CandleReader, xbtusd: PairMetadata, clock: FakeClock) -> None:
    """Have five pairs fail at once; ten seconds pass."""

    async def fail(name: str) -> None:
        with pytest.raises(ExchangeError):
            await _read(reader, msgspec.structs.replace(xbtusd, canonical=name))

    async with asyncio.TaskGroup() as group:
        for name in "ABCDE":
            group.create_task(fail(name))
        await clock.advance(10)


async def test_one_pair_alone_pauses_nothing(xbtusd: PairMetadata) -> None:
    clock = FakeClock(auto=True)
    reader, feed = _reader([BUSY] * 9, clock)
    for _ in range(3):
        with pytest.raises(ExchangeError):
            await _read(reader, xbtusd)
    assert len(feed.asked) == 9
    assert reader.breaker.open_seconds(clock.monotonic()) is None


async def test_a_trial_that_is_rate_limited_ends_as_one_that_failed(xbtusd: PairMetadata) -> None:
    clock = FakeClock()
    reader, _ = _reader([*[BUSY] * 5, RateLimitError("slow down", retry_after=5.0)], clock)
    await _open(reader, xbtusd, clock)
    await clock.advance(290)
    with pytest.raises(RateLimitError):
        await _read(reader, xbtusd)
    assert reader.breaker.open_seconds(clock.monotonic()) == 300
