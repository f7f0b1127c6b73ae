"""The user's strategies at the command line: what there is, a new one from a template, and checking one."""

import os
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import msgspec
import polars as pl

from krakked_tui.bootstrap.account import account_sources
from krakked_tui.bootstrap.configuration import read_configuration
from krakked_tui.bootstrap.exchange import open_link
from krakked_tui.bootstrap.profiles import candle_root, candles_of
from krakked_tui.config.load import Loaded
from krakked_tui.config.places import Places
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import NoDataError, RefusedError, StorageError, UsageError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.kraken.settings import is_loopback
from krakked_tui.storage.candles import open_to_read
from krakked_tui.storage.files import PRIVATE_FILE, make_private_directory
from krakked_tui.strategies.catalogue import BUILT_IN, StrategyType, build_one, failure
from krakked_tui.strategies.lookahead import Report, check
from krakked_tui.strategies.practice import PAIRS, practice_candles, practice_pairs
from krakked_tui.strategies.settings import StrategySettings

BEFORE = 100
"""Bars before those that are checked, besides the warm-up."""

_NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
_TEMPLATE = "user_strategy.py.txt"


class Desk(msgspec.Struct, frozen=True):
    """A profile's configuration, its strategies, and where it lies."""

    where: Places
    loaded: Loaded


class Checked(msgspec.Struct, frozen=True):
    """What a check was made of, and what it found."""

    strategy: str
    timeframe: Timeframe
    pairs: tuple[str, ...]
    report: Report


def open_desk(profile: str, environment: Mapping[str, str], config_file: Path | None) -> Desk:
    """Read a profile's configuration and strategies. Raises ``UsageError`` and ``ConfigError``."""
    sources = account_sources(profile, environment, config_file, {})
    return Desk(sources.where, read_configuration(sources))


def new_strategy(directory: Path, name: str) -> Path:
    """Write a strategy to begin with, for its owner only; returns its file.

    Raises ``UsageError`` for a bad name, ``RefusedError`` when there is such a file or type already, and
    ``StorageError``.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:60]!r} is no name of a strategy: use 3 to 40 lowercase letters, digits and _,"
            " a letter first"
        )
    if name in BUILT_IN.types:
        raise RefusedError(f"{name} is the name of a strategy that comes with Krakked: use another")
    text = files("krakked_tui.strategies").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    words = "".join(word.capitalize() for word in name.split("_"))
    content = text.replace("__TYPE__", name).replace("__CLASS__", words)
    path = directory / f"{name}.py"
    make_private_directory(directory)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
    except FileExistsError as error:
        raise RefusedError(f"{path} is there already and is not changed: use another name") from error
    except OSError as error:
        raise StorageError(f"{path} cannot be written ({error.strerror}): check its directory") from error
    return path


def find(desk: Desk, name: str) -> tuple[StrategySettings, StrategyType | None]:
    """Return a strategy by the id it is configured under, or by its type with default settings.

    The type is None when it could not be loaded. Raises ``UsageError`` when there is no such name.
    """
    catalogue, configs = desk.loaded.catalogue, desk.loaded.config.strategies.configs
    if name in configs:
        return configs[name], catalogue.types.get(configs[name].type)
    if name in catalogue.types:
        settings = StrategySettings(id=name, type=name, timeframes=(Timeframe.H1,))
        return settings, catalogue.types[name]
    known = ", ".join(sorted({*configs, *catalogue.types}))
    raise UsageError(f"there is no strategy {name[:60]!r}: known are {known}")


async def check_strategy(
    desk: Desk, name: str, *, pair: str | None, timeframe: Timeframe | None, bars: int
) -> Checked:
    """Check whether a strategy knows the future, on made-up candles or on the stored ones of a pair.

    Raises ``UsageError`` when there is no such strategy, ``RefusedError`` when it cannot be built or raises,
    and ``NoDataError`` when too few candles are stored.
    """
    settings, _ = find(desk, name)
    used = timeframe or settings.timeframes[0]
    try:
        strategy = build_one(settings, desk.loaded.catalogue).strategy
        needed = strategy.warmup_bars + bars + BEFORE
    except (Exception, SystemExit) as error:
        raise _broken(name, "cannot be built", error) from error
    if pair is None:
        history, pairs = practice_candles(used, needed), practice_pairs()
    else:
        history = await _stored(desk, pair, used, needed)
        pairs = _named(pair)
        if history.height <= strategy.warmup_bars:
            raise NoDataError(
                f"{history.height} candles of {pair} {used} are stored, and {name} needs more than"
                f" {strategy.warmup_bars}: read some with krakked-tui data ingest, or check without --pair"
            )
    try:
        report = check(strategy, history, used, pairs, bars)
    except (Exception, SystemExit) as error:
        raise _broken(name, "cannot be checked", error) from error
    return Checked(name, used, tuple(sorted(pairs)), report)


def _broken(name: str, what: str, error: BaseException) -> RefusedError:
    told = failure(f"{name} {what}", error)
    where = [line.strip() for line in told.traceback.splitlines() if line.strip().startswith("File ")]
    return RefusedError(f"{told.sentence} ({where[-1]})" if where else told.sentence)


def _named(pair: str) -> dict[str, PairMetadata]:
    """Return what a pair might be like; a check needs no more than prices."""
    sample = practice_pairs()[PAIRS[0]]
    names = {"base": pair.removesuffix("USD"), "rest_symbol": pair, "ws_symbol": pair, "raw_name": pair}
    return {pair: msgspec.structs.replace(sample, canonical=pair, **names)}


async def _stored(desk: Desk, pair: str, timeframe: Timeframe, bars: int) -> pl.DataFrame:
    """Read the newest stored candles of a pair, also beside a running engine."""
    config = desk.loaded.config
    link = open_link(config.connection, ExchangeClock(), desk.where, None)
    feed = link.feed()
    try:
        if is_loopback(config.connection.rest_url):
            # A sandbox must be asked which market it plays.
            await feed.server_time()
        exchange = candles_of(config.connection.rest_url, link.rest.sandbox_market)
    finally:
        await feed.close()
    settings = config.market_data.ohlc_store
    root = candle_root(desk.where, settings) / exchange
    if not root.is_dir():
        raise NoDataError("no candles are stored: krakked-tui data ingest reads some")
    store = open_to_read(root, settings)
    try:
        return await store.read(pair, timeframe, limit=bars)
    finally:
        await store.close()
