"""Prices by another way than the stream: they confirm a silence, find deaf topics, and fill an outage.

One request brings the prices of all pairs. The stream tells of a pair when it trades, so a silent pair
whose last trade is another one at the exchange is deaf; one whose best bid and ask have moved is not.

When all pairs are silent for longer than usual, such a request decides: where nobody traded the market is
calm and the stream is believed. A trade that it did not tell of, or no answer, means that it is away:
prices are asked for instead, nothing is opened, and all is subscribed to anew. No single topic is blamed
until the stream speaks of others.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.engine.deaf_topics import DeafTopics, Topic
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
"""How long the stream may be down (wall) before prices are asked for instead, and the least time for which
it may be silent, and for which an answer may be awaited, before it is doubted."""
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


@dataclass(slots=True)
class _Away:
    """The stream brings nothing since wall second ``since``, ``at`` by the exchange's clock.

    ``polled`` is the wall second since which prices are asked for; ``missed`` says that there was a trade
    since then of which the stream did not tell, ``logged`` that the log says so.
    """

    since: float
    at: datetime
    polled: float
    missed: bool
    logged: bool = False


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
        self._deaf = DeafTopics(
            feed=feed, clock=clock, write_log=write_log, on_deaf=on_deaf,
            heard=lambda topic: self._topics.heard(*topic),
        )  # fmt: skip
        self._wanted = asyncio.Event()
        self._asking = False
        self._asked = -inf
        self._pause = 0.0
        """Wall seconds to wait after a request that failed."""
        self._failed = -inf
        """When the last request was made that was not answered, and why; none since one was."""
        self._trouble = ""
        self._said: dict[str, float] = {}
        """When the log said something last, by what it said."""
        self._away: _Away | None = None
        self._doubts: dict[str, _Doubt] = {}
        self._untold: dict[Topic, float] = {}
        """Topics that missed a trade, and since when that is known: deaf if the stream speaks of others."""
        self._answers: Mapping[str, Quote] = {}
        self.checked_at: float | None = None
        """Wall second at which the exchange answered with all prices last."""

    @property
    def polling(self) -> bool:
        """Whether prices are asked for because the stream brings none."""
        return self._away is not None

    @property
    def deaf(self) -> tuple[str, ...]:
        """The newest topics found deaf lately and silent since, newest first: see ``DeafTopics.lately``."""
        return self._deaf.lately

    @property
    def deaf_topics(self) -> int:
        """How many topics were found deaf lately and are silent since; ``deaf`` names the newest of them."""
        return self._deaf.lately_count

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
            self._topics.listen(self._carried())
            self._settle_doubts()
            self._judge_stream()
            if self._away is None:
                await self._deaf.found(self._deaf_topics())
            elif self._open_for(AWAY_SECONDS):
                await self._deaf.renew_all(tuple(self._carried()), self._away.since)
            if not self._asking and self._due():
                self._asking = True
                self._wanted.set()
            speed = self._clock.speed
            pace = 60.0 / LOOKS_A_MINUTE / speed if speed else LOOK_SECONDS
            await self._clock.sleep(min(max(pace, LEAST_LOOK_SECONDS), LOOK_SECONDS))

    def _due(self) -> bool:
        """Say whether it is time to ask."""
        now = self._clock.monotonic()
        pause = now - self._asked
        if not self.polling and self._open_for(0) and now - self._believed_at > self._allowed_silence:
            return pause >= POLL_SECONDS
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
            self._failed, self._trouble = asked, str(error)
            self._note_failure(self._trouble)
            return
        self._failed, self._trouble = -inf, ""
        self._pause = 0.0
        self._tell_polling()
        wanted = {pair: answer[pair] for pair in self._carried() if pair in answer}
        if self._away is not None:
            self._take(self._away, wanted, asked)
        else:
            self._compare(wanted, asked)
        self._answers = wanted
        self.checked_at = self._clock.monotonic()

    def _note_failure(self, reason: str) -> None:
        self._pause = min(max(self._pause * 2, POLL_SECONDS * 2), LONGEST_POLL_SECONDS)
        self._tell_polling()
        if self._unsaid("prices_not_checked"):
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
        if answers and not self._untold_prices and not any(doubt.traded for doubt in self._doubts.values()):
            self._vouch(asked)

    def _vouch(self, asked: float) -> None:
        """Note that a request of wall second ``asked`` shows no trade that the stream did not tell of."""
        if self._market.stream.connected:
            self._market.vouched_at = asked

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

    def _settle_doubts(self) -> None:
        """Believe the answers that the stream has not overtaken."""
        now = self._clock.monotonic()
        due = {pair: doubt for pair, doubt in self._doubts.items() if now >= doubt.due}
        for pair, doubt in due.items():
            del self._doubts[pair]
            if self._market.quotes.get(pair) is doubt.known:
                self._market.take_quotes((doubt.answer,), doubt.asked)
                if doubt.traded and self._market.stream.connected:
                    self._untold.setdefault((pair, None), doubt.asked)

    def _take(self, away: _Away, answers: Mapping[str, Quote], asked: float) -> None:
        """Take all prices in, and note whether anything traded meanwhile."""
        self._doubts.clear()
        quotes = self._market.quotes
        known = [pair for pair in answers if pair in quotes]
        away.missed |= any(self._traded(quotes[pair], answers[pair]) for pair in known)
        self._market.take_quotes(answers.values(), asked)
        self._topics.confirm(answers.keys())
        if known and not away.missed:
            self._vouch(asked)

    def _deaf_topics(self) -> list[Topic]:
        """Return, once, the topics that missed a trade although the stream itself is alive."""
        market = self._market
        for candles in self._topics.deaf_candles():
            self._untold.setdefault(candles, self._clock.monotonic())
        deaf: list[Topic] = []
        for topic, at in list(self._untold.items()):
            heard = self._topics.heard(*topic)
            if heard is None or market.turned_at >= at or (topic[1] is None and heard > at):
                del self._untold[topic]  # nobody's any more, subscribed to anew by now, or only late
            elif self._believed_at > at:
                del self._untold[topic]
                deaf.append(topic)
        self._topics.found_deaf([pair for pair, timeframe in deaf if timeframe is None])
        return deaf

    @property
    def _untold_prices(self) -> bool:
        return any(timeframe is None for _pair, timeframe in self._untold)

    def _open_for(self, seconds: float) -> bool:
        """Say whether the stream has been open for so long."""
        market = self._market
        return market.stream.connected and self._clock.monotonic() - market.turned_at >= seconds

    @property
    def _spoke_at(self) -> float:
        """Wall second of the last price of the open stream, or at which it opened."""
        return max(self._market.turned_at, self._market.streamed_at or -inf)

    @property
    def _believed_at(self) -> float:
        """Wall second up to which the open stream is known to miss nothing."""
        return max(self._spoke_at, self._market.vouched_at)

    @property
    def _allowed_silence(self) -> float:
        """For how long an open stream may be silent until a request has to show that this is right."""
        return min(max(AWAY_SECONDS, self._topics.expected_quiet), self._tolerance / 2)

    def _judge_stream(self) -> None:
        """Start asking for prices when the stream is away, and stop when it is back."""
        now, away = self._clock.monotonic(), self._away
        if away is None:
            since = self._away_since(now)
            if since is None:
                return
            at = self._clock.now() - timedelta(seconds=(now - since) * self._clock.speed)
            away = self._away = _Away(since, at, now, missed=self._untold_prices)
            self._pause = 0.0
            self._tell_polling()
        elif self._is_back(away):
            self._stop_polling(away, now)
            return
        self._say_polled(away)

    def _away_since(self, now: float) -> float | None:
        """Return since when the stream is down, or silent although it should not be; None otherwise."""
        market = self._market
        if not market.stream.connected:
            return market.turned_at if now - market.turned_at > AWAY_SECONDS else None
        since, allowed = self._believed_at, self._allowed_silence
        untold = self._untold_prices and now - self._spoke_at > allowed
        unanswered = now - since > allowed and self._failed >= since + allowed
        waiting = now - since > min(allowed + AWAY_SECONDS, self._tolerance)
        return self._spoke_at if untold or unanswered or waiting else None

    def _is_back(self, away: _Away) -> bool:
        market = self._market
        if not market.stream.connected:
            return False
        if market.streamed_at is not None and market.streamed_at > away.polled:
            return True
        return market.turned_at <= away.since and self._market.vouched_at > away.polled

    def _stop_polling(self, away: _Away, now: float) -> None:
        market, seconds = self._market, now - away.since
        if market.turned_at <= away.since and (away.missed or self._market.vouched_at <= away.polled):
            market.note_gap()  # it was open all the time, so nobody else knows
            self._topics.deaf_candles()  # those that are due: none of them is deaf by itself
            self._untold.clear()
        self._away = market.polling = None
        if away.logged:
            message = f"the market stream is back after {seconds:.0f} s: prices are not asked for any more"
            self._write_log(Log(Level.INFO, "prices_streamed", {"seconds": round(seconds, 1)}, message))

    def _say_polled(self, away: _Away) -> None:
        """Log, once for an outage and not too often, that prices are asked for."""
        if not away.logged and self._unsaid("prices_polled"):
            away.logged = True
            reason = self._away_reason(away)
            message = f"{reason}; prices are asked for every {POLL_SECONDS:.0f} s, and nothing is opened"
            self._write_log(Log(Level.WARNING, "prices_polled", {"reason": reason}, message))

    def _unsaid(self, event: str) -> bool:
        """Say whether the log may say something again, and note that it does."""
        now = self._clock.monotonic()
        if now - self._said.get(event, -inf) <= REPEAT_SECONDS:
            return False
        self._said[event] = now
        return True

    def _tell_polling(self) -> None:
        """Show that prices are asked for, if they are, and what is wrong with that."""
        if self._away is not None:
            polling = Polling(self._away_reason(self._away), max(self._pause, POLL_SECONDS), self._trouble)
            if polling != self._market.polling:
                self._market.polling = polling

    def _away_reason(self, away: _Away) -> str:
        stream, since = self._market.stream, f"since {away.at:%H:%M:%S} UTC"
        if stream.connected:
            return f"the market stream is open and brings no prices {since}"
        return f"the market stream is down {since}" + (f" ({stream.detail})" if stream.detail else "")
