"""Keeps the universe as the exchange has it: read at the start, every hour, and when a pair is new.

The stream tells the statuses of pairs, and what it says of them wins: some of them no listing shows. What
differs becomes an event, the stream follows, and the reading is kept on disk for a start that does not reach
the exchange.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.events import UniverseChanged
from krakked_tui.domain.candles import Quote
from krakked_tui.domain.errors import AccessError, ExchangeError, StorageError, UnknownPairError
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.market.settings import UniverseSettings
from krakked_tui.market.universe import (
    BELIEVED_SHARE,
    Universe,
    near_matches,
    select_universe,
    traded_value,
    why_prices_are_doubted,
)
from krakked_tui.ports import Clock, ListedPairs, MarketFeed, UniverseCache

POLL_SECONDS = 1.0
RETRY_SECONDS = 60.0
"""After a reading that failed or was not believed."""
SOON_SECONDS = 30.0
"""Between readings, however much there is to look at."""
TELL_SECONDS = 1.0
"""Between two events, however often statuses change."""
REPEATS_MAX = 3
"""Readings made for one news of a pair that is not listed yet."""
PERSISTENCE_SECONDS = 3600.0
"""A listing that is not believed is after all once it has been the same for this long."""
STATUSES_MAX = 10_000
"""Pairs of which a streamed status is remembered."""
DELISTED_MAX = 500
"""Pairs remembered after they were delisted, for the trades that were made in them."""


class UniverseRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a reading is judged by, and how often there is one (wall seconds)."""

    universe: UniverseSettings
    quote_asset: str
    refresh_seconds: float


_NOTHING: tuple[dict[str, PairMetadata], frozenset[str]] = {}, frozenset()


class _UnbelievableError(ExchangeError):
    """The exchange said what cannot be true."""


class UniverseKeeper:
    """Reads what the exchange lists, and tells everyone whom a change concerns. Used from one loop only.

    An exchange that suddenly lists nothing, or less than half of what it listed before, the last run
    included, is not believed: what was known stays, an ERROR is logged, and it is asked again, until it lists
    them again or has said the same for an hour. The same goes for what is traded: prices of less than half of
    the pairs, or no volume where there was one. A needed pair that is not listed counts as delisted once a
    second reading agrees, or the stream says so: until then it is ``doubted``, known and streamed as before.
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
        self._read_pairs: dict[str, PairMetadata] = {}
        """As the exchange listed them last, or the disk had them."""
        self._listed: dict[str, PairMetadata] = {}
        """These and the doubted, in the statuses that the stream tells."""
        self._delisted: dict[str, PairMetadata] = {}
        self._quotes: Mapping[str, Quote] | None = None
        """The prices read last and believed."""
        self._fit: frozenset[str] = frozenset()
        """What was tradable in the last run, which counts until prices are read."""
        self._statuses: dict[str, PairStatus] = {}
        self._stream_trusted = True
        self._unlisted: set[str] = set()
        """Pairs the stream tells of that were not listed yet."""
        self._repeats = 0
        self._refused: tuple[frozenset[str], float] = frozenset(), 0.0
        """The listing that is not believed, and the wall second since which there is this one."""
        self._warned: frozenset[str] = frozenset()
        self._store_trouble = ""
        self._tried_wall = self._next_wall = clock.monotonic()
        self._told_wall = self._tried_wall - TELL_SECONDS
        self._news = False
        self._told = self._followed = _NOTHING
        self._following = asyncio.Lock()
        self.doubted: dict[str, PairMetadata] = {}
        """Pairs that the last reading lacks and that still count as listed."""
        self.universe = Universe({}, {})
        """The pairs of the last reading that was believed."""
        self.assets: dict[str, AssetInfo] = {}
        """All assets by normalised name; empty before the exchange was read."""
        self.traded: dict[str, Decimal] = {}
        """Value traded in the 24 hours before the last reading, in quote, by canonical name."""
        self.streamed: dict[str, PairMetadata] = {}
        """The pairs to stream, by canonical name; always the same object."""
        self.read_at_wall: float | None = None
        """When the pairs were read last and believed, in wall seconds."""
        self.trouble = ""
        """Why the last reading failed or was not believed; empty when all is well."""
        self.empty = ""
        """Why no pair may be entered; empty when one may."""
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

        It may be empty: ``empty`` says why. Raises ``ExchangeError`` when no pairs can be read and there are
        none on disk, and ``AccessError`` in any case.
        """
        cached = await self._cache.load()
        if cached is not None:
            self._adopt(cached)
        try:
            await self._read()
        except AccessError:
            raise
        except ExchangeError as error:
            self._fail(error, "the exchange's pairs cannot be read, those known stay")
            if cached is None:
                raise
            self._tell_cached(cached)
        self._apply()
        self._told = self._listed, frozenset(self.universe.pairs)
        if self.cached_at is None:
            await self._save()
        self.streamed.update(self.universe.pairs)
        return self.universe

    async def run(self) -> None:
        """Read again whenever that is due, until cancelled."""
        while True:
            if self._clock.monotonic() >= self._next_wall:
                await self.refresh()
            await self._clock.sleep(POLL_SECONDS)

    async def follow(self) -> None:
        """Pass on what the stream tells, and have it carry what is needed, until cancelled.

        Beside ``run``: a reading may take long.
        """
        while True:
            self._tell_when_due()
            if (self._listed, frozenset(self._needed())) != self._followed:
                await self._follow()
            await self._clock.sleep(POLL_SECONDS)

    def soon(self) -> None:
        """Have the exchange read soon: at once, or when enough time has passed since the last time."""
        self._next_wall = min(self._next_wall, self._tried_wall + SOON_SECONDS)

    def on_pair_statuses(self, statuses: Mapping[str, PairStatus]) -> None:
        """Take over what the stream says of pairs; one that is not listed yet is worth a new look."""
        for name, status in statuses.items():
            if name in self._statuses or len(self._statuses) < STATUSES_MAX:
                self._statuses[name] = status
        unlisted = {
            name
            for name, status in statuses.items()
            if status is not PairStatus.DELISTED and name not in self._read_pairs
        }
        if unlisted:
            self._unlisted = {name for name in unlisted | self._unlisted if name in self._statuses}
            self._repeats = REPEATS_MAX
            self.soon()
        if any(self._is_news(name, status) for name, status in statuses.items()):
            self._news = True
            self._tell_when_due()

    def trust_stream(self, *, trusted: bool) -> None:
        """Say whether what the stream told last still counts: it does not when it has been away for long."""
        if trusted is not self._stream_trusted:
            self._stream_trusted = trusted
            self._news = True
            self._tell_when_due()

    async def refresh(self) -> None:
        """Read the exchange now and tell everyone whom it concerns. Problems are logged, never raised."""
        try:
            await self._read()
        except ExchangeError as error:
            self._fail(error, "the exchange's pairs cannot be read, those known stay")
            return
        self._tell()
        await self._follow()
        await self._save()
        self._unlisted -= self._read_pairs.keys()
        if self._unlisted and self._repeats:
            self._repeats -= 1
            self.soon()

    def _is_news(self, name: str, status: PairStatus) -> bool:
        known = self._listed.get(name)
        if known is None:
            return name in self._read_pairs and status is not PairStatus.DELISTED
        return known.status is not status

    async def _read(self) -> None:
        """Read the exchange and keep what it says. Raises ``ExchangeError`` when the pairs cannot be read."""
        self._tried_wall = self._clock.monotonic()
        self._next_wall = self._tried_wall + RETRY_SECONDS
        pairs, assets = await self._feed.pairs()
        self._check(frozenset(pair.canonical for pair in pairs))
        self._take_pairs({pair.canonical: pair for pair in pairs})
        self.assets = {asset.name: asset for asset in assets}
        self.read_at_wall, self.cached_at = self._clock.monotonic(), None
        if await self._read_quotes():
            self._next_wall = self._tried_wall + self._rules.refresh_seconds
            if self.trouble:
                self._log(Level.INFO, "universe_read_again", "the exchange's pairs are read again")
            self.trouble = ""
        if self.doubted:
            self.soon()

    async def _read_quotes(self) -> bool:
        """Read what is traded; when that fails, what was known of it stays. Say whether it did not."""
        try:
            quotes = dict(await self._feed.quotes())
            if doubt := why_prices_are_doubted(quotes, self._quotes, self._read_pairs.keys()):
                raise _UnbelievableError(f"{doubt}: that is not believed, and it is asked again")
        except AccessError:
            raise
        except ExchangeError as error:
            self._fail(error, "how much is traded cannot be read, what was known of it stays")
            return False
        self._quotes = quotes
        self.traded = {name: traded_value(quote) for name, quote in quotes.items()}
        return True

    def _check(self, names: frozenset[str]) -> None:
        """Raise for a listing that cannot be true: most pairs do not vanish at once."""
        before, now = len(self._read_pairs), self._clock.monotonic()
        if names and len(names) * BELIEVED_SHARE >= before:
            self._refused = frozenset(), now
            return
        if names != self._refused[0]:
            self._refused = names, now
        if names and now - self._refused[1] >= PERSISTENCE_SECONDS:
            return
        told = f"the exchange lists {len(names)} pairs" + (
            f" where it listed {before} before" if before else ""
        )
        raise _UnbelievableError(f"{told}: that is not believed, and it is asked again")

    def _take_pairs(self, pairs: dict[str, PairMetadata]) -> None:
        """Take over a listing. What it lacks for the first time is doubted, if something of ours is about it.

        In the first reading that is anything: what is held is not known yet.
        """
        needed = self._needed() if self.read_at_wall is not None else self._read_pairs.keys()
        missing = self._read_pairs.keys() - pairs.keys()
        self.doubted = {name: self._read_pairs[name] for name in sorted(missing & set(needed))}
        self._read_pairs = pairs
        for name in self.doubted.keys() & set(self._needed()):
            message = f"{name} is not listed any more: that counts once the exchange says so again"
            self._log(Level.WARNING, "pair_doubted", message, pair=name)

    def _adopt(self, cached: ListedPairs) -> None:
        """Start from what was read in the last run."""
        self._read_pairs = {p.canonical: p for p in cached.pairs if p.status is not PairStatus.DELISTED}
        self._delisted = {p.canonical: p for p in cached.pairs if p.status is PairStatus.DELISTED}
        self._fit, self.cached_at = frozenset(cached.tradable), cached.at

    def _apply(self) -> None:
        """Work out what is listed, in which status, and what of it may be traded."""
        before, heard = self._listed, self._statuses if self._stream_trusted else {}
        self._listed = {
            name: _in_status(pair, heard.get(name, pair.status))
            for name, pair in (self.doubted | self._read_pairs).items()
            if heard.get(name) is not PairStatus.DELISTED
        }
        self._remember_delisted(before)
        self._select()

    def _select(self) -> None:
        settings, quote_asset = self._rules.universe, self._rules.quote_asset
        if self._quotes is None:
            settings = msgspec.structs.replace(settings, include_pairs=self._included())
        universe = select_universe(self._listed.values(), self._quotes or {}, settings, quote_asset)
        pairs = {name: pair for name, pair in universe.pairs.items() if name not in self.doubted}
        self.universe = Universe(pairs, universe.known, universe.warnings)
        warnings = frozenset(universe.warnings)
        for warning in universe.warnings:
            if warning not in self._warned:
                self._log(Level.WARNING, "universe_warning", warning, warning=warning)
        self._warned = warnings
        self._tell_empty()

    def _included(self) -> tuple[str, ...]:
        """Return what is let in while nobody knows what is traded: what was traded in the last run, too."""
        settings = self._rules.universe
        fit = (
            name
            for name in sorted(self._fit & self._listed.keys() - {*settings.exclude_pairs})
            if (pair := self._listed[name]).permits.enter
            and pair.quote == self._rules.quote_asset
            and pair.asset_class in settings.asset_classes
        )
        return tuple(dict.fromkeys((*settings.include_pairs, *fit)))

    def _tell_empty(self) -> None:
        """Tell when there is nothing to trade, and why: what is held is guarded all the same."""
        empty = self._why_empty()
        if empty and empty != self.empty:
            message = f"no pair is traded, so nothing is entered; what is held is guarded: {empty}"
            self._log(Level.ERROR, "universe_empty", message, reason=empty)
        elif self.empty and not empty:
            self._log(Level.INFO, "universe_filled", f"{len(self.universe.pairs)} pairs are traded again")
        self.empty = empty

    def _why_empty(self) -> str:
        if self.universe.pairs:
            return ""
        if not self.universe.known:
            return f"the exchange lists no pair quoted in {self._rules.quote_asset}"
        if not any(pair.permits.enter for pair in self.universe.known.values()):
            return "the exchange lets no pair be traded now"
        if self._quotes is None:
            return f"how much is traded is not known ({self.trouble})"
        return "[universe] leaves none: lower min_24h_volume_usd, set include_pairs or exclude less"

    def _tell_when_due(self) -> None:
        if self._news and self._clock.monotonic() - self._told_wall >= TELL_SECONDS:
            self._tell()

    def _tell(self) -> None:
        """Tell the core what is listed and tradable, when that is not what it was told before."""
        self._news = False
        self._apply()
        told = self._listed, frozenset(self.universe.pairs)
        if told != self._told:
            self._told, self._told_wall = told, self._clock.monotonic()
            self._inbox.put(UniverseChanged(self._clock.now(), dict(self._listed), told[1]))

    def _tell_cached(self, cached: ListedPairs) -> None:
        age = max((self._clock.now() - cached.at).total_seconds(), 0.0)
        self._log(
            Level.WARNING, "universe_cached",
            f"the pairs are those of {age / 3600:.1f} hours ago: {self.trouble}",
            age_seconds=round(age), reason=self.trouble, pairs=len(self._read_pairs),
        )  # fmt: skip

    def _remember_delisted(self, before: Mapping[str, PairMetadata]) -> None:
        gone = {name: pair for name, pair in before.items() if name not in self._listed}
        for name, pair in gone.items():
            self._delisted[name] = _in_status(pair, PairStatus.DELISTED)
        for name in self._delisted.keys() & self._listed.keys():
            del self._delisted[name]
        while len(self._delisted) > DELISTED_MAX:
            del self._delisted[next(iter(self._delisted))]

    async def _follow(self) -> None:
        """Have the stream carry what is tradable and what is needed, and nothing else."""
        async with self._following:
            needed = frozenset(self._needed())
            self._followed = self._listed, needed
            wanted = {
                name: pair
                for name, pair in self._listed.items()
                if name in self.universe.pairs or name in needed
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
        pairs = self._delisted | self.doubted | self._read_pairs
        listed = ListedPairs(self._clock.now(), tuple(pairs.values()), tradable)
        try:
            await self._cache.save(listed)
        except StorageError as error:
            if self._store_trouble != str(error):
                message = f"the universe is not kept for the next start: {error}"
                self._log(Level.ERROR, "universe_not_kept", message, reason=str(error))
            self._store_trouble = str(error)
        else:
            self._store_trouble = ""

    def _fail(self, error: ExchangeError, what: str) -> None:
        reason = str(error)
        if reason != self.trouble:
            level = Level.ERROR if isinstance(error, _UnbelievableError) else Level.WARNING
            self._log(level, "universe_not_read", f"{what}: {reason}", reason=reason)
        self.trouble = reason

    def _log(self, level: Level, event: str, message: str, **fields: str | int) -> None:
        self._write_log(Log(level, event, dict(fields), message))


def _in_status(pair: PairMetadata, status: PairStatus) -> PairMetadata:
    return pair if pair.status is status else msgspec.structs.replace(pair, status=status)
