"""What assets were worth in the past: from stored candles, the exchange's, or the latest prices."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.decision.events import RatesFound
from krakked_tui.domain.candles import Candle, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError, RateLimitedError, StorageError, UnknownPairError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import Rate
from krakked_tui.domain.precision import at_scale, candle_price
from krakked_tui.portfolio.accounts import WantedRate
from krakked_tui.portfolio.lots import COST_DECIMALS
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.ports import CandleStore, Clock, MarketFeed

OLDEST_CANDLE = timedelta(days=1)
"""A candle that ended longer before an event says nothing of it."""
LATEST_GOOD_FOR = timedelta(minutes=15)
"""Events younger than this may be valued at the latest price."""
ASKED = (Timeframe.H1, Timeframe.D1)
"""Candles that the exchange is asked for, the finest that goes back far enough."""
SERVED = 720
"""Candles that the exchange serves of a timeframe at most."""
CALLS_MAX = 20
"""Requests to the exchange for one batch; what they do not reach is asked for again later."""
CALL_SECONDS = 1.0
FAILURES_MAX = 3
"""Batches in which a pair's candles failed and other pairs' came: then nothing is said of that pair."""


class _Price(msgspec.Struct, frozen=True):
    price: Decimal
    source: str


class _LaterError(Exception):
    """It may be known later: the exchange was asked often enough, does not answer, or told no price yet."""


class RateFinder:
    """Finds prices in base currency. One batch at a time, on the engine's loop.

    A pair whose candles fail goes last from then on, so that it keeps no other from being found.
    """

    def __init__(
        self, *, feed: MarketFeed, store: CandleStore, timeframes: Iterable[Timeframe],
        quotes: Callable[[], Mapping[str, Quote]], pairs: Mapping[str, PairMetadata],
        settings: PortfolioSettings, clock: Clock,
    ) -> None:  # fmt: skip
        """``timeframes`` are those that the store keeps; ``pairs`` are the known ones, as they change."""
        self._feed = feed
        self._store = store
        self._timeframes = sorted({*timeframes, *ASKED}, key=lambda timeframe: timeframe.minutes)
        self._quotes = quotes
        self._pairs = pairs
        self._settings = settings
        self._clock = clock
        self._calls = 0
        self._served: dict[tuple[str, Timeframe], tuple[datetime, Sequence[Candle]]] = {}
        self._failed: dict[str, int] = {}
        """Failures that are the pair's own, by canonical name."""

    async def find(self, wanted: Sequence[WantedRate]) -> RatesFound:
        """Return what could be found, and what is not to be found; what is in neither may be asked again."""
        self._calls = 0
        self._served.clear()
        rates, unfound = list[Rate](), list[WantedRate]()
        # By time, so that what is asked of the exchange for one event serves those after it too.
        for want in sorted(wanted, key=lambda want: (self._failing(want), want.at)):
            try:
                rate = await self._rate(want)
            except _LaterError:
                continue
            if rate is None:
                unfound.append(want)
            else:
                rates.append(rate)
        return RatesFound(self._clock.now(), tuple(rates), tuple(unfound))

    def _failing(self, want: WantedRate) -> bool:
        pairs = (self._pair_of(asset) for asset in (want.asset, want.instead) if asset is not None)
        return any(pair is not None and pair.canonical in self._failed for pair in pairs)

    async def _rate(self, want: WantedRate) -> Rate | None:
        for asset in (want.asset, want.instead):
            found = await self._price(asset, want.at) if asset is not None else None
            if asset is not None and found is not None:
                return Rate(want.event_id, asset, found.price, found.source)
        return None

    async def _price(self, asset: str, at: datetime, behind: frozenset[str] = frozenset()) -> _Price | None:
        """Return the price of an asset, following pairs until the base currency."""
        if asset == self._settings.base_currency:
            return _Price(Decimal(1), "")
        pair = self._pair_of(asset)
        if pair is None or asset in behind:
            return None
        sold = asset == pair.base
        other = await self._price(pair.quote if sold else pair.base, at, behind | {asset})
        found = await self._of_pair(pair, at) if other is not None else None
        if other is None or found is None or found.price <= 0:
            return None
        price = found.price * other.price if sold else at_scale(other.price / found.price, COST_DECIMALS)
        source = f"{found.source}, {other.source}" if other.source else found.source
        return _Price(price, source)

    def _pair_of(self, asset: str) -> PairMetadata | None:
        """Return the pair that says what an asset is worth: the configured one first."""
        configured = self._pairs.get(self._settings.valuation_pairs.get(asset, ""))
        if configured is not None and asset in (configured.base, configured.quote):
            return configured
        base_currency = self._settings.base_currency
        named = self._pairs.get(asset + base_currency)
        if named is not None and (named.base, named.quote) == (asset, base_currency):
            return named
        found = (p for p in self._pairs.values() if (p.base, p.quote) == (asset, base_currency))
        return min(found, key=lambda pair: pair.canonical, default=None)

    async def _of_pair(self, pair: PairMetadata, at: datetime) -> _Price | None:
        candle = await self._stored(pair, at)
        if candle is None:
            candle = await self._asked(pair, at)
        if candle is not None:
            source = f"candle {pair.canonical} {candle.timeframe}"
            return _Price(candle_price(candle.close, pair), source)
        if self._clock.now() - at >= LATEST_GOOD_FOR:
            return None
        quote = self._quotes().get(pair.canonical)
        if quote is None:
            raise _LaterError
        return _Price(quote.price, f"latest {pair.canonical}")

    async def _stored(self, pair: PairMetadata, at: datetime) -> Candle | None:
        """Return the stored candle that contains an instant, the finest; else the last one before it."""
        best: Candle | None = None
        for timeframe in self._timeframes:
            candle = await self._newest(pair.canonical, timeframe, at)
            if candle is None:
                continue
            if at < _end(candle):
                return candle
            if best is None or _end(candle) > _end(best):
                best = candle
        return best

    async def _newest(self, pair: str, timeframe: Timeframe, at: datetime) -> Candle | None:
        start = at - OLDEST_CANDLE - timedelta(minutes=timeframe.minutes)
        just_after = at + timedelta(microseconds=1)
        try:
            frame = await self._store.read(pair, timeframe, start, just_after, limit=1)
        except StorageError:
            return None  # a damaged file; the exchange may still know
        row = next(frame.iter_rows(named=True), None)
        if row is None:
            return None
        candle = Candle(
            pair=pair, timeframe=timeframe, time=row["time"], open=row["open"], high=row["high"],
            low=row["low"], close=row["close"], volume=row["volume"], vwap=row["vwap"], trades=row["trades"],
        )  # fmt: skip
        return _good(candle, at)

    async def _asked(self, pair: PairMetadata, at: datetime) -> Candle | None:
        now = self._clock.now()
        for timeframe in ASKED:
            length = timedelta(minutes=timeframe.minutes)
            if timeframe.floor(at) <= now - SERVED * length:
                continue
            served = await self._serve(pair, timeframe, at)
            before = [candle for candle in served if candle.time <= at]
            if before and _good(before[-1], at) is not None:
                return before[-1]
        return None

    async def _serve(self, pair: PairMetadata, timeframe: Timeframe, at: datetime) -> Sequence[Candle]:
        """Return the exchange's candles from about an instant on; asked for once in a batch."""
        known = self._served.get((pair.canonical, timeframe))
        if known is not None and known[0] <= at:
            return known[1]
        if self._failed.get(pair.canonical, 0) >= FAILURES_MAX:
            return ()
        if self._calls >= CALLS_MAX:
            raise _LaterError
        if self._calls:
            await self._clock.sleep(CALL_SECONDS)
        self._calls += 1
        since = timeframe.floor(at) - timedelta(minutes=timeframe.minutes)
        try:
            served = await self._feed.candles(pair, timeframe, since)
        except UnknownPairError:
            served = ()
        except ExchangeError as error:
            self._calls = CALLS_MAX
            # With nothing served before it in this batch, it may well be the exchange that is out of reach.
            own = bool(self._served) and not isinstance(error, RateLimitedError)
            self._failed[pair.canonical] = self._failed.get(pair.canonical, 0) + own
            raise _LaterError from error
        self._served[(pair.canonical, timeframe)] = (since, served)
        return served


def _end(candle: Candle) -> datetime:
    return candle.time + timedelta(minutes=candle.timeframe.minutes)


def _good(candle: Candle, at: datetime) -> Candle | None:
    """Return a candle that begins before an instant, None when it is too old to say anything of it."""
    return candle if candle.time <= at and at - _end(candle) <= OLDEST_CANDLE else None
