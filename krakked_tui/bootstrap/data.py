"""The candles of a profile without an engine: read more of them, check them, say which there are.

Public data only: no key is read, and none is needed.
"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from krakked_tui.bootstrap.account import account_sources
from krakked_tui.bootstrap.configuration import read_configuration
from krakked_tui.bootstrap.exchange import KrakenLink, open_link
from krakked_tui.bootstrap.profiles import candle_root, candles_of
from krakked_tui.bootstrap.strategies import strategies_that_run
from krakked_tui.config.places import Places
from krakked_tui.config.schema import AppConfig
from krakked_tui.decision.effects import Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import RefusedError, UnknownPairError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.engine.ingest import CandleNeeds, Ingest
from krakked_tui.engine.ingest_report import IngestStatistics
from krakked_tui.engine.startup import synchronise_clock
from krakked_tui.kraken.settings import is_loopback
from krakked_tui.market.history import by_turnover
from krakked_tui.market.settings import IngestSettings
from krakked_tui.market.universe import near_matches, select_universe
from krakked_tui.ports import CandleStore, Compacted, Coverage, Finding, MarketFeed
from krakked_tui.storage.candle_store.layout import pair_named
from krakked_tui.storage.candle_store.sqlite_tail import SqliteTailReader
from krakked_tui.storage.candle_store.text_tail import TextTailReader
from krakked_tui.storage.candles import open_to_read, open_to_write
from krakked_tui.storage.files import lock_state
from krakked_tui.strategies.catalogue import Catalogue

_NO_LOG = logging.NullHandler()


@dataclass(frozen=True, slots=True)
class CandleData:
    """The candles of one profile's exchange."""

    profile: str
    where: Places
    config: AppConfig
    catalogue: Catalogue
    """The types of strategies there are."""


class Covered(msgspec.Struct, frozen=True):
    """Which candles of a pair and timeframe are stored."""

    pair: str
    timeframe: Timeframe
    coverage: Coverage


def open_data(profile: str, environment: Mapping[str, str], config_file: Path | None) -> CandleData:
    """Read a profile's configuration. Raises ``UsageError`` and ``ConfigError``."""
    # What the client logs meanwhile is in the outcome; without a log it would go to the terminal.
    logging.getLogger("krakked_tui").addHandler(_NO_LOG)
    sources = account_sources(profile, environment, config_file, {})
    loaded = read_configuration(sources)
    return CandleData(profile, sources.where, loaded.config, loaded.catalogue)


def refuse_beside_an_engine(data: CandleData, does: str) -> None:
    """Raise ``RefusedError`` when an engine runs on the profile: it ``does`` that itself."""
    state = lock_state(data.where.lock)
    if state is not None and state.held:
        raise RefusedError(
            f"an engine is running on profile {data.profile} (process {state.pid or 'unknown'}) and {does}"
            " itself: stop it first, or leave it to it"
        )


async def ingest(
    data: CandleData, names: Sequence[str], timeframes: Sequence[Timeframe], tell: Callable[[Log], None]
) -> IngestStatistics:
    """Read what is missing now, in one round, and say how it went.

    Without ``names`` all pairs of the universe are read, without ``timeframes`` those that the strategies
    use and those configured. ``tell`` gets a log line per batch, and what goes wrong. Raises
    ``RefusedError`` when somebody else writes the candles, ``UnknownPairError``, ``ExchangeError`` when
    the exchange cannot be reached, ``StorageError``.
    """
    refuse_beside_an_engine(data, "reads missing candles")
    async with _connected(data) as (link, feed):
        await synchronise_clock(link.clock, feed)
        root = await _root(data, link)
        chosen = await _chosen(data, feed, names)
        store = await open_to_write(root, data.config.market_data.ohlc_store)
        try:
            warmup, settings = _wanted(data, timeframes)
            reader = Ingest(
                feed=feed, store=store, market=None, clock=link.clock, settings=settings,
                needs=CandleNeeds(warmup, settings.history_bars), pairs=lambda: chosen, write_log=tell,
            )  # fmt: skip
            return await reader.refresh()
        finally:
            await store.close()


async def verify(data: CandleData) -> Sequence[Finding]:
    """Check every file of the store, also beside a running engine; empty when all is well.

    Changes nothing.
    """
    async with _opened(data) as (_root, store):
        return () if store is None else await store.verify()


async def coverage(data: CandleData, pair: str | None, timeframes: Sequence[Timeframe]) -> Sequence[Covered]:
    """Say which candles are stored, of one pair or of all, also beside a running engine. Changes nothing."""
    found: list[Covered] = []
    async with _opened(data) as (root, store):
        if store is None:
            return found
        for timeframe in timeframes or tuple(Timeframe):
            stored = await _stored_pairs(root, data.config.market_data.ohlc_store.backend, timeframe)
            names = sorted(stored if pair is None else stored & {pair})
            found += [Covered(name, timeframe, await store.coverage(name, timeframe)) for name in names]
    if pair is not None and not found:
        raise UnknownPairError(f"No candles of {pair!r} are stored: see which there are with data coverage")
    return sorted(found, key=lambda each: (each.pair, each.timeframe.minutes))


async def compact(data: CandleData) -> Compacted:
    """Move all candles into partitions. Raises ``RefusedError`` when somebody else writes them."""
    refuse_beside_an_engine(data, "compacts its candles")
    root = await _known_root(data)
    if not root.is_dir():
        return Compacted()
    store = await open_to_write(root, data.config.market_data.ohlc_store)
    try:
        done = Compacted()
        while True:
            step = await store.compact(everything=True)
            done = Compacted(
                done.rows + step.rows,
                done.partitions + step.partitions,
                problems=(*done.problems, *step.problems),
            )
            if not step.more:
                return done
    finally:
        await store.close()


@asynccontextmanager
async def _connected(data: CandleData) -> AsyncIterator[tuple["_Link", MarketFeed]]:
    clock = ExchangeClock()
    link = _Link(open_link(data.config.connection, clock, data.where, None), clock)
    feed = link.kraken.feed()
    try:
        yield link, feed
    finally:
        await feed.close()


@dataclass(frozen=True, slots=True)
class _Link:
    kraken: KrakenLink
    clock: ExchangeClock


async def _known_root(data: CandleData) -> Path:
    """Return the directory of the exchange's candles; a sandbox must be asked which market it plays."""
    async with _connected(data) as (link, feed):
        if is_loopback(data.config.connection.rest_url):
            await feed.server_time()
        return await _root(data, link)


async def _root(data: CandleData, link: _Link) -> Path:
    name = candles_of(data.config.connection.rest_url, link.kraken.rest.sandbox_market)
    return candle_root(data.where, data.config.market_data.ohlc_store) / name


@asynccontextmanager
async def _opened(data: CandleData) -> AsyncIterator[tuple[Path, CandleStore | None]]:
    """Open the store to look at it; None when there is none yet."""
    root = await _known_root(data)
    if not root.is_dir():
        yield root, None
        return
    store = open_to_read(root, data.config.market_data.ohlc_store)
    try:
        yield root, store
    finally:
        await store.close()


async def _chosen(data: CandleData, feed: MarketFeed, names: Sequence[str]) -> tuple[PairMetadata, ...]:
    """Return the pairs to read, the most traded first."""
    pairs, _assets = await feed.pairs()
    quotes = await feed.quotes()
    if not names:
        config = data.config
        universe = select_universe(pairs, quotes, config.universe, config.portfolio.base_currency)
        return by_turnover(universe.pairs.values(), quotes)
    listed = {pair.canonical: pair for pair in pairs}
    for name in names:
        if name not in listed:
            close = near_matches(name, listed)
            hint = f"did you mean {' or '.join(close)}?" if close else "see its list of pairs."
            raise UnknownPairError(f"The exchange lists no pair {name[:40]!r}: {hint}")
    return by_turnover((listed[name] for name in dict.fromkeys(names)), quotes)


def _wanted(data: CandleData, timeframes: Sequence[Timeframe]) -> tuple[dict[Timeframe, int], IngestSettings]:
    """Return how many bars the strategies need, and what is read besides; only of ``timeframes`` if given."""
    warmup: dict[Timeframe, int] = {}
    for strategy in strategies_that_run(data.config, data.catalogue):
        for timeframe in strategy.settings.timeframes:
            warmup[timeframe] = max(warmup.get(timeframe, 0), strategy.warmup_bars)
    settings = data.config.market_data.ingest
    if timeframes:
        settings = msgspec.structs.replace(settings, timeframes=tuple(timeframes))
        warmup = {timeframe: bars for timeframe, bars in warmup.items() if timeframe in timeframes}
    return warmup, settings


async def _stored_pairs(root: Path, backend: str, timeframe: Timeframe) -> set[str]:
    """Return the pairs that have candles, in the tail or in partitions."""
    tail = TextTailReader(root) if backend == "csv" else SqliteTailReader(root)
    try:
        found = set(await tail.newest_by_pair(timeframe))
    finally:
        await tail.close()
    return found | set(_named(root / timeframe.value))


def _named(directory: Path) -> Iterable[str]:
    names = (pair_named(entry.name) for entry in directory.iterdir()) if directory.is_dir() else ()
    return [name for name in names if name is not None]
