"""Prices by another way than the stream: they confirm a silence, find deaf topics, and fill an outage.

One request brings the prices of all pairs. The stream tells of a pair when it trades, so a silent pair
whose last trade is another one at the exchange is deaf; one whose best bid and ask have moved is not.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from math import inf

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.engine.deaf_topics import DeafTopics
from krakked_tui.engine.market import LiveMarket, Polling, grace
from krakked_tui.engine.topics import LATE_SECONDS, Topics
from krakked_tui.market.boundaries import next_boundary
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import Clock, MarketFeed

LOOK_SECONDS = 1.0
LEAST_LOOK_SECONDS = 0.25
LOOKS_A_MINUTE = 6
"""Looks in a minute of exchange time, as far as ``LEAST_LOOK_SECONDS`` lets them."""
LEAD_SECONDS = 10.0
"""How long before a boundary (wall) prices are confirmed."""
SUSPICION_SECONDS = 15.0
"""Least pause (wall) between requests that a silence causes."""
SETTLED_SECONDS = 5.0
"""A price younger than this (wall) is not compared: the answer to a request may be as old."""
UNHEARD_SECONDS = 15.0
"""Wall seconds within which the first price of a pair comes that was subscribed to."""
AWAY_SECONDS = 10.0
"""How long the stream may be down or silent (wall) before prices are asked for instead."""
POLL_SECONDS = 5.0
LONGEST_POLL_SECONDS = 60.0
REPEAT_SECONDS = 600.0
"""Least time (wall) between two log lines that say the same."""


class _Doubt(msgspec.Struct, frozen=True):
    """An answer that differs from the price at hand, ``known``; at ``due`` it counts if that still stands."""

    known: Quote | None
    answer: Quote
    asked: float
    due: float
    traded: bool


class _Away(msgspec.Struct, frozen=True):
    """The stream brings nothing since wall second ``since``, ``at`` by the exchange's clock.

    ``polled`` is the wall second since which prices are asked for.
    """

    since: float
    at: datetime
    polled: float


class PriceChecks:
    """Watches the stream and asks for prices when it cannot be believed, or brings none.

    ``timeframes`` are those whose candles are streamed, and whose boundaries are decided at; ``carried``
    names the pairs whose prices are wanted. ``on_deaf`` is told the pairs whose candles may be missing:
    it must be quick.
    """

    def __init__(
        self, *, feed: MarketFeed, market: LiveMarket, clock: Clock, settings: MarketDataSettings,
        timeframes: Collection[Timeframe], carried: Callable[[], Collection[str]],
        write_log: Callable[[Log], None], on_deaf: Callable[[Sequence[str]], None],
    ) -> None:  # fmt: skip
        self._feed = feed
        self._market = market
        self._clock = clock
        self._tolerance = settings.ws.stale_tolerance_seconds
        self._timeframes = tuple(timeframes)
        self._carried = carried
        self._write_log = write_log
        shortest = min(self._timeframes, key=lambda timeframe: timeframe.minutes)
        self._topics = Topics(
            market=market, clock=clock, timeframes=self._timeframes,
            grace=lambda: grace(clock, shortest, settings),
        )  # fmt: skip
        self._deaf = DeafTopics(feed=feed, clock=clock, write_log=write_log, on_deaf=on_deaf)
        self._wanted = asyncio.Event()
        self._asking = False
        self._asked = -inf
        self._pause = 0.0
        """Wall seconds to wait after a request that failed."""
        self._complained = -inf
        self._away: _Away | None = None
        self._doubts: dict[str, _Doubt] = {}
        self._answers: Mapping[str, Quote] = {}
        self.checked_at: float | None = None
        """Wall second at which the exchange answered with all prices last."""

    @property
    def polling(self) -> bool:
        """Whether prices are asked for because the stream brings none."""
        return self._away is not None

    @property
    def deaf(self) -> tuple[str, ...]:
        """Topics found deaf lately, newest first: see ``DeafTopics.lately``."""
        return self._deaf.lately

    @property
    def deaf_count(self) -> int:
        """How often a topic was found deaf since start."""
        return self._deaf.count

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch())
                group.create_task(self._answer())
        finally:
            self._away = self._market.polling = None
            self._asking = False

    async def _watch(self) -> None:
        while True:
            self._judge_stream()
            self._topics.listen(self._carried())
            await self._settle_doubts()
            await self._deaf.candles(self._topics.deaf_candles())
            if not self._asking and self._due():
                self._asking = True
                self._wanted.set()
            speed = self._clock.speed
            pace = 60.0 / LOOKS_A_MINUTE / speed if speed else LOOK_SECONDS
            await self._clock.sleep(min(max(pace, LEAST_LOOK_SECONDS), LOOK_SECONDS))

    def _due(self) -> bool:
        """Say whether it is time to ask."""
        pause = self._clock.monotonic() - self._asked
        if pause < self._pause:
            return False
        if self.polling:
            return pause >= POLL_SECONDS
        if pause >= self._tolerance / 2 and self._boundary_is_near():
            return True
        return pause >= SUSPICION_SECONDS and self._market.stream.connected and self._topics.suspicious()

    def _boundary_is_near(self) -> bool:
        now, speed = self._clock.now(), self._clock.speed
        if not speed:
            return False
        wall = (next_boundary(now, self._timeframes) - now).total_seconds() / speed
        return wall <= min(LEAD_SECONDS, self._tolerance / 2)

    async def _answer(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self._ask()
            self._asking = False

    async def _ask(self) -> None:
        asked = self._asked = self._clock.monotonic()
        try:
            answer = await self._feed.quotes()
        except ExchangeError as error:
            self._note_failure(str(error))
            return
        self._pause = 0.0
        self._tell_polling("")
        wanted = {pair: answer[pair] for pair in self._carried() if pair in answer}
        if self.polling:
            await self._take(wanted, asked)
        else:
            self._compare(wanted, asked)
        self._answers = wanted
        self.checked_at = self._clock.monotonic()

    def _note_failure(self, reason: str) -> None:
        now = self._clock.monotonic()
        self._pause = min(max(self._pause * 2, POLL_SECONDS * 2), LONGEST_POLL_SECONDS)
        self._tell_polling(reason)
        if now - self._complained > REPEAT_SECONDS:
            self._complained = now
            message = f"prices cannot be asked for, so quiet ones are not confirmed: {reason}"
            self._write_log(Log(Level.WARNING, "prices_not_checked", {"reason": reason}, message))

    def _compare(self, answers: Mapping[str, Quote], asked: float) -> None:
        """Confirm what is the same, and doubt what is not."""
        now = self._clock.monotonic()
        same: list[str] = []
        for pair, answer in answers.items():
            known = self._market.quotes.get(pair)
            if known is None:
                heard = self._topics.heard(pair)
                if heard is not None and asked - heard > UNHEARD_SECONDS:
                    self._doubts[pair] = _Doubt(None, answer, asked, now + LATE_SECONDS, traded=True)
            elif asked - known.received >= SETTLED_SECONDS:
                traded = self._traded(known, answer)
                if traded or (known.bid, known.ask) != (answer.bid, answer.ask):
                    self._doubts[pair] = _Doubt(known, answer, asked, now + LATE_SECONDS, traded)
                else:
                    same.append(pair)
        self._market.confirm(same, now)
        self._topics.confirm(answers.keys())

    def _traded(self, known: Quote, answer: Quote) -> bool:
        """Say whether the pair traded since the stream spoke of it last.

        The volume of 24 hours falls by itself, so only one that rises between two answers tells.
        """
        if answer.last != known.last:
            return True
        before, heard = self._answers.get(answer.pair), self._topics.heard(answer.pair)
        if before is None or heard is None or self.checked_at is None:
            return False
        silent = self.checked_at - heard >= SETTLED_SECONDS
        return silent and answer.figures.volume_24h > before.figures.volume_24h

    async def _settle_doubts(self) -> None:
        """Believe the answers that the stream has not overtaken."""
        now = self._clock.monotonic()
        due = {pair: doubt for pair, doubt in self._doubts.items() if now >= doubt.due}
        deaf: list[str] = []
        for pair, doubt in due.items():
            del self._doubts[pair]
            if self._market.quotes.get(pair) is doubt.known:
                self._market.take_quotes((doubt.answer,), doubt.asked)
                if doubt.traded and self._market.stream.connected:
                    deaf.append(pair)
        await self._find_deaf(deaf)

    async def _take(self, answers: Mapping[str, Quote], asked: float) -> None:
        """Take all prices in; on an open stream, whatever traded meanwhile is subscribed to anew."""
        self._doubts.clear()
        quotes = self._market.quotes
        traded = [pair for pair in answers if pair in quotes and self._traded(quotes[pair], answers[pair])]
        self._market.take_quotes(answers.values(), asked)
        self._topics.confirm(answers.keys())
        if self._market.stream.connected:
            await self._find_deaf(traded)

    async def _find_deaf(self, pairs: Sequence[str]) -> None:
        self._topics.found_deaf(pairs)
        await self._deaf.prices(pairs)

    def _judge_stream(self) -> None:
        """Start asking for prices when the stream is away, and stop when it is back."""
        now, market = self._clock.monotonic(), self._market
        if self._away is None:
            since = self._silent_since(now)
            if since is not None:
                self._start_polling(since, now)
            return
        streamed_at = market.streamed_at
        if market.stream.connected and streamed_at is not None and streamed_at > self._away.polled:
            seconds = now - self._away.since
            if market.turned_at <= self._away.since:
                market.note_gap()  # it was open all the time, so nobody else knows
            self._away = market.polling = None
            message = f"the market stream is back after {seconds:.0f} s: prices are not asked for any more"
            self._write_log(Log(Level.INFO, "prices_streamed", {"seconds": round(seconds, 1)}, message))

    def _silent_since(self, now: float) -> float | None:
        """Return since when the stream is down, or silent for longer than usual; None while it is neither."""
        market = self._market
        since, limit = market.turned_at, AWAY_SECONDS
        if market.stream.connected:
            since = max(since, market.streamed_at or since)
            limit = min(max(limit, self._topics.expected_quiet), self._tolerance)
        return since if now - since > limit else None

    def _start_polling(self, since: float, now: float) -> None:
        at = self._clock.now() - timedelta(seconds=(now - since) * self._clock.speed)
        self._away = _Away(since, at, now)
        self._pause = 0.0
        self._tell_polling("")
        reason = self._away_reason(self._away)
        message = f"{reason}; prices are asked for every {POLL_SECONDS:.0f} s, and nothing is opened"
        self._write_log(Log(Level.WARNING, "prices_polled", {"reason": reason}, message))

    def _tell_polling(self, trouble: str) -> None:
        """Show that prices are asked for, if they are, and what is wrong with that."""
        if self._away is not None:
            polling = Polling(self._away_reason(self._away), max(self._pause, POLL_SECONDS), trouble)
            if polling != self._market.polling:
                self._market.polling = polling

    def _away_reason(self, away: _Away) -> str:
        stream, since = self._market.stream, f"since {away.at:%H:%M:%S} UTC"
        if stream.connected:
            return f"the market stream is open and brings no prices {since}"
        return f"the market stream is down {since}" + (f" ({stream.detail})" if stream.detail else "")
