"""Reading the candles of one pair from the exchange: tries, waits as told, and the circuit breaker."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, repeat

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import ExchangeError, RateLimitedError, UnknownPairError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.breaker import CircuitBreaker
from krakked_tui.market.settings import IngestSettings
from krakked_tui.ports import Clock, MarketFeed


class ReadingPausedError(ExchangeError):
    """Nothing is read now, because too much has failed in a row; asking again after the pause helps."""


class CandleReader:
    """Reads candles with the patience of ``[market_data.ingest]``. Any number of reads may run at once.

    A rate-limited answer makes all of them wait. Failures in a row of as many pairs as configured open
    ``breaker``, and then reads fail at once until it lets one through; one pair alone never opens it.
    """

    def __init__(self, feed: MarketFeed, clock: Clock, settings: IngestSettings) -> None:
        self._feed = feed
        self._clock = clock
        self._settings = settings
        self._held_until = clock.monotonic()
        self.breaker = CircuitBreaker(settings.breaker_failures, settings.breaker_seconds)
        self._failing: set[str] = set()
        """Pairs that failed since the last success: each counts once."""
        self.calls = 0
        """Requests made since the start, repetitions included."""

    async def read(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        """Read candles that open at or after ``since``, oldest first, the running one included.

        Raises:
            UnknownPairError: The exchange does not list the pair.
            ReadingPausedError: The breaker is open.
            ExchangeError: All tries failed, or the last one opened the breaker: its error.
        """
        failure: ExchangeError | None = None
        for wait in self._waits():
            if wait:
                await self._clock.sleep(wait)
            await self._let_go()
            if not self.breaker.admit(self._clock.monotonic()):
                raise self.paused() from failure
            self.calls += 1
            try:
                candles = await self._feed.candles(pair, timeframe, since)
            except UnknownPairError:
                self._answered()
                raise
            except ExchangeError as error:
                failure = error
                self._note(pair.canonical, error)
                if self.breaker.open_seconds(self._clock.monotonic()):
                    break
            else:
                self._answered()
                return candles
        assert failure is not None, "there is at least one try"
        raise failure

    @property
    def held_seconds(self) -> float:
        """For how long everything waits because the exchange was asked too often; 0 when nothing does."""
        return max(self._held_until - self._clock.monotonic(), 0.0)

    def paused(self) -> ReadingPausedError:
        """Return the error that says that the breaker is open."""
        seconds = self.breaker.open_seconds(self._clock.monotonic()) or 0.0
        return ReadingPausedError(
            f"reading candles pauses for another {seconds:.0f} s after"
            f" {self._settings.breaker_failures} failures in a row, the last: {self.breaker.reason}"
        )

    def _waits(self) -> Iterator[float]:
        """Yield the wait before each try."""
        configured = self._settings.retry_wait_seconds
        later = chain([0.0], configured, repeat(configured[-1]))
        yield from (next(later) for _ in range(self._settings.max_retries))

    async def _let_go(self) -> None:
        while held := self.held_seconds:
            await self._clock.sleep(held)

    def _answered(self) -> None:
        self._failing.clear()
        self.breaker.succeeded(self._clock.monotonic())

    def _note(self, pair: str, error: ExchangeError) -> None:
        now = self._clock.monotonic()
        trial = self.breaker.open_seconds(now) == 0.0
        if isinstance(error, RateLimitedError):
            wait = error.retry_after or self._settings.rate_limit_wait_seconds
            self._held_until = max(self._held_until, now + wait)
            if not trial:
                return  # it answers: only too much was asked
        if trial or pair not in self._failing:
            self._failing.add(pair)
            self.breaker.failed(now, str(error))
