"""Keeps the universe as the exchange has it: read at the start, every hour, and when a status differs.

A reading that differs becomes an event, the stream follows, and the reading is kept on disk for a start
that does not reach the exchange.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import islice

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.events import UniverseChanged
from krakked_tui.domain.candles import Quote
from krakked_tui.domain.errors import AccessError, ExchangeError, StorageError, UnknownPairError
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.market.settings import UniverseSettings
from krakked_tui.market.universe import Universe, near_matches, select_universe
from krakked_tui.ports import Clock, ListedPairs, MarketFeed, UniverseCache

POLL_SECONDS = 1.0
RETRY_SECONDS = 60.0
"""After a reading that failed or was not believed."""
SOON_SECONDS = 30.0
"""Between readings, however often a status differs."""
REPEATS_MAX = 3
"""Readings made for one news of a status that the listing does not show yet."""
BELIEVED_SHARE = 2
"""A listing with less than one in so many of the pairs there were is not believed."""
TOLD_MAX = 10_000
"""Statuses remembered until the listing shows them."""
DELISTED_MAX = 500
"""Pairs remembered after they were delisted, for the trades that were made in them."""


class UniverseRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a reading is judged by, and how often there is one (wall seconds)."""

    universe: UniverseSettings
    quote_asset: str
    refresh_seconds: float


class _UnbelievableError(ExchangeError):
    """The exchange said what cannot be true."""


class UniverseKeeper:
    """Reads what the exchange lists, and tells everyone whom a change concerns. Used from one loop only.

    An exchange that suddenly lists nothing, or less than half of what it listed before, is not believed:
    what was known stays, an ERROR is logged, and it is asked again, until it lists them again or Krakked
    is started anew (then only a listing without any pair is not believed). The same goes for prices of
    less than half of the pairs: all others would count as not traded at all.
    """

    def __init__(
        self, *, feed: MarketFeed, cache: UniverseCache, inbox: Inbox, clock: Clock, rules: UniverseRules,
        needed: Callable[[], Collection[str]], on_added: Callable[[Sequence[PairMetadata]], None],
        write_log: Callable[[Log], None],
    ) -> None:  # fmt: skip
        """``needed`` names the pairs that are streamed whatever their status, as long as they are listed.

        It is asked every second. ``on_added`` gets the pairs that are streamed from now on and were not
        before: their candles must be read.
        """
        self._feed = feed
        self._cache = cache
        self._inbox = inbox
        self._clock = clock
        self._rules = rules
        self._needed = needed
        self._on_added = on_added
        self._write_log = write_log
        self._listed: dict[str, PairMetadata] = {}
        self._delisted: dict[str, PairMetadata] = {}
        self._warned: frozenset[str] = frozenset()
        self._store_trouble = ""
        self._told: dict[str, PairStatus] = {}
        """Statuses heard that the listing does not show."""
        self._repeats = 0
        self._tried_wall = clock.monotonic()
        self._next_wall = self._tried_wall
        self._needed_before: frozenset[str] = frozenset()
        self.universe = Universe({}, {})
        """The pairs of the last reading that was believed."""
        self.assets: dict[str, AssetInfo] = {}
        """All assets by normalised name; empty before the exchange was read."""
        self.traded: dict[str, Decimal] = {}
        """Value traded in the 24 hours before the last reading, in quote, by canonical name."""
        self.streamed: dict[str, PairMetadata] = {}
        """The pairs to stream, by canonical name; always the same object."""
        self.read_at_wall: float | None = None
        """When the exchange was read last and believed, in wall seconds."""
        self.trouble = ""
        """Why the last reading failed or was not believed; empty when all is well."""
        self.cached_at: datetime | None = None
        """When the universe in use was read, while it comes from the disk; None once the exchange told it."""

    @property
    def known(self) -> dict[str, PairMetadata]:
        """All pairs: those listed, and those that were and are delisted now."""
        return self._delisted | self._listed

    def metadata(self, pair: str) -> PairMetadata:
        """Return a pair. Raises ``UnknownPairError``, which says what may have been meant."""
        found = self.known.get(pair)
        if found is None:
            close = near_matches(pair, self.universe.known)
            hint = f"did you mean {' or '.join(close)}?" if close else "see the market screen."
            raise UnknownPairError(f"The exchange lists no pair {pair!r}: {hint}")
        return found

    async def first(self) -> Universe:
        """Read the universe for the start; fall back to the last one on disk when that fails.

        Raises ``ExchangeError`` when there is none on disk, and ``AccessError`` in any case.
        """
        cached = await self._cache.load()
        try:
            await self._read()
        except AccessError:
            raise
        except ExchangeError as error:
            self._fail(error)
            if cached is None:
                raise
            self._use(cached)
        if cached is not None:
            self._remember_delisted({pair.canonical: pair for pair in cached.pairs})
        if self.cached_at is None:
            await self._save()
        self.streamed.update(self.universe.pairs)
        return self.universe

    async def run(self) -> None:
        """Read again whenever that is due, and have the stream follow, until cancelled."""
        while True:
            if self._clock.monotonic() >= self._next_wall:
                await self.refresh()
            elif frozenset(self._needed()) != self._needed_before:
                await self._follow()
            await self._clock.sleep(POLL_SECONDS)

    def soon(self) -> None:
        """Have the exchange read soon: at once, or when enough time has passed since the last time."""
        self._next_wall = min(self._next_wall, self._tried_wall + SOON_SECONDS)

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        """Compare what the stream says of pairs with what is known: what differs is worth a new look."""
        news = {name: status for name, status in statuses.items() if self._is_new(name, status)}
        for name in statuses.keys() - news.keys():
            self._told.pop(name, None)
        if news:
            self._told = dict(islice((self._told | news).items(), TOLD_MAX))
            self._repeats = REPEATS_MAX
            self.soon()

    async def refresh(self) -> None:
        """Read the exchange now and tell everyone whom it concerns. Problems are logged, never raised."""
        before, tradable = self._listed, self.universe.pairs.keys()
        try:
            await self._read()
        except ExchangeError as error:
            self._fail(error)
            return
        if before != self._listed or tradable != self.universe.pairs.keys():
            self._remember_delisted(before)
            listed, names = dict(self._listed), frozenset(self.universe.pairs)
            self._inbox.put(UniverseChanged(self._clock.now(), listed, names))
        await self._follow()
        await self._save()
        self._told = {name: status for name, status in self._told.items() if self._is_new(name, status)}
        if self._told and self._repeats:
            self._repeats -= 1
            self.soon()

    def _is_new(self, name: str, status: PairStatus) -> bool:
        known = self._listed.get(name)
        return (PairStatus.DELISTED if known is None else known.status) is not status

    async def _read(self) -> None:
        """Read the exchange and take over what it says. Raises ``ExchangeError``."""
        self._tried_wall = self._clock.monotonic()
        self._next_wall = self._tried_wall + RETRY_SECONDS
        pairs, assets = await self._feed.pairs()
        quotes = await self._feed.quotes()
        self._check(len(pairs), len(quotes), len(self._listed))
        self._take_over(pairs, quotes, self._rules.universe)
        self.assets = {asset.name: asset for asset in assets}
        self.traded = {
            name: quote.figures.volume_24h * quote.figures.vwap_24h for name, quote in quotes.items()
        }
        self._next_wall = self._tried_wall + self._rules.refresh_seconds
        self.read_at_wall, self.cached_at = self._clock.monotonic(), None
        if self.trouble:
            self._log(Level.INFO, "universe_read_again", "the exchange's pairs are read again")
        self.trouble = ""

    def _check(self, pairs: int, quotes: int, before: int) -> None:
        """Raise for a reading that cannot be true: most pairs do not vanish, nor most prices, at once."""
        if not pairs or pairs * BELIEVED_SHARE < before:
            told = f"the exchange lists {pairs} pairs" + (
                f" where it listed {before} before" if before else ""
            )
        elif quotes * BELIEVED_SHARE < pairs:
            told = f"the exchange tells the prices of {quotes} of {pairs} pairs"
        else:
            return
        raise _UnbelievableError(f"{told}: that is not believed, and it is asked again")

    def _take_over(
        self, pairs: Sequence[PairMetadata], quotes: Mapping[str, Quote], settings: UniverseSettings
    ) -> None:
        self._listed = {pair.canonical: pair for pair in pairs}
        self.universe = select_universe(pairs, quotes, settings, self._rules.quote_asset)
        warnings = frozenset(self.universe.warnings)
        for warning in self.universe.warnings:
            if warning not in self._warned:
                self._log(Level.WARNING, "universe_warning", warning, warning=warning)
        self._warned = warnings

    def _use(self, cached: ListedPairs) -> None:
        """Take over what was read before. What was traded then is what the overrides of today leave of it."""
        settings = self._rules.universe
        classes = {*settings.asset_classes}
        listed = [pair for pair in cached.pairs if pair.status is not PairStatus.DELISTED]
        fit = {pair.canonical for pair in listed if pair.asset_class in classes} & {*cached.tradable}
        included = tuple(sorted({*settings.include_pairs} | (fit - {*settings.exclude_pairs})))
        self._take_over(listed, {}, msgspec.structs.replace(settings, include_pairs=included))
        self.cached_at = cached.at
        age = max((self._clock.now() - cached.at).total_seconds(), 0.0)
        self._log(
            Level.WARNING, "universe_cached",
            f"the pairs are those of {age / 3600:.1f} hours ago: {self.trouble}",
            age_seconds=round(age), reason=self.trouble, pairs=len(listed),
        )  # fmt: skip

    def _remember_delisted(self, before: Mapping[str, PairMetadata]) -> None:
        gone = {name: pair for name, pair in before.items() if name not in self._listed}
        for name, pair in gone.items():
            self._delisted[name] = msgspec.structs.replace(pair, status=PairStatus.DELISTED)
        for name in self._delisted.keys() & self._listed.keys():
            del self._delisted[name]
        while len(self._delisted) > DELISTED_MAX:
            del self._delisted[next(iter(self._delisted))]

    async def _follow(self) -> None:
        """Have the stream carry what is tradable and what is needed, and nothing else."""
        needed = self._needed_before = frozenset(self._needed())
        wanted = {
            name: pair for name, pair in self._listed.items() if name in self.universe.pairs or name in needed
        }
        if wanted == self.streamed:
            return
        added = [pair for name, pair in wanted.items() if name not in self.streamed]
        self.streamed.clear()
        self.streamed.update(wanted)
        await self._feed.change_pairs(tuple(wanted.values()))
        if added:
            self._on_added(added)

    async def _save(self) -> None:
        tradable = tuple(self.universe.pairs)
        listed = ListedPairs(self._clock.now(), tuple(self.known.values()), tradable)
        try:
            await self._cache.save(listed)
        except StorageError as error:
            if self._store_trouble != str(error):
                message = f"the universe is not kept for the next start: {error}"
                self._log(Level.ERROR, "universe_not_kept", message, reason=str(error))
            self._store_trouble = str(error)
        else:
            self._store_trouble = ""

    def _fail(self, error: ExchangeError) -> None:
        reason = str(error)
        if reason != self.trouble:
            level = Level.ERROR if isinstance(error, _UnbelievableError) else Level.WARNING
            message = f"the exchange's pairs cannot be read, those known stay: {reason}"
            self._log(level, "universe_not_read", message, reason=reason)
        self.trouble = reason

    def _log(self, level: Level, event: str, message: str, **fields: str | int) -> None:
        self._write_log(Log(level, event, dict(fields), message))
