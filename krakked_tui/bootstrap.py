"""The composition root: the only place that picks concrete adapters and knows the mode."""

import asyncio
import logging
import random
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from krakked_tui import __version__
from krakked_tui.config.load import Layer, load
from krakked_tui.config.places import Places, places
from krakked_tui.config.schema import DEFAULT_STRATEGY, AppConfig
from krakked_tui.control.local import LocalController
from krakked_tui.decision.effects import Log
from krakked_tui.decision.state import CoreSettings
from krakked_tui.domain.errors import ConfigError, KrakkedError, RefusedError, StorageError, UsageError
from krakked_tui.engine.adapters import Adapters, EngineSettings
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.engine.engine import Engine
from krakked_tui.engine.log import EngineLog
from krakked_tui.engine.settings import LogFormat
from krakked_tui.engine.thread import EngineThread
from krakked_tui.execution.settings import Transport
from krakked_tui.kraken.broker import KrakenBroker
from krakked_tui.kraken.feed import KrakenFeed
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.order_entry import StreamOrderEntry
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings, is_loopback
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.ports import Broker, Clock, MarketFeed
from krakked_tui.sandbox.child import SandboxAddress, SandboxChild
from krakked_tui.storage.candles import SqliteCandleStore
from krakked_tui.storage.files import FileLock
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.nonces import NonceFile
from krakked_tui.strategies.registry import build_strategies

DEMO_SPEED = 60.0
DEMO_CALLS_PER_SECOND = 500.0
"""A sandbox of our own on loopback need not be spared."""
DEMO_DEFAULTS = Layer(
    "demo defaults",
    {
        "strategies": {
            "enabled": [DEFAULT_STRATEGY],
            "configs": {
                DEFAULT_STRATEGY: {
                    "type": "trend_following",
                    "timeframes": ["1m", "5m"],
                    "stop_atr_multiple": 3.0,
                    "params": {"enter_on": "above"},
                }
            },
        },
        "scheduler": {"snapshot_seconds": 60},
    },
)
_PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_DATABASES = ("krakked.db", "sandbox.db")
KEY_VARIABLE, SECRET_VARIABLE = "KRAKKED_SANDBOX_KEY", "KRAKKED_SANDBOX_SECRET"


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about a demo; None means the default."""

    sandbox: str | None = None
    fresh: bool = False
    start: str | None = None
    speed: float | None = None
    seed: int | None = None
    chaos: str | None = None


class Session:
    """One engine with everything it needs, from its lock to its last log line."""

    def __init__(
        self, *, thread: EngineThread, controller: LocalController, config: AppConfig, log: EngineLog,
        on_close: Callable[[], None],
    ) -> None:  # fmt: skip
        self.controller = controller
        self.config = config
        self._thread = thread
        self._log = log
        self._on_close = on_close
        self._stopped_by = ""

    def start(self) -> None:
        """Start the engine's thread."""
        self._thread.start()

    def stop(self, reason: str, *, by: str, hurry: bool = False) -> None:
        """Ask the engine to stop in order; ``hurry`` skips what it would wait for."""
        if self._thread.call(lambda engine: engine.request_stop(reason, by)):
            self._stopped_by = self._stopped_by or by
        if hurry:
            self._thread.call(lambda engine: engine.hurry())

    def join(self, timeout: float) -> bool:
        """Wait for the engine's end; False when it did not come in time."""
        return self._thread.join(timeout)

    def log_crash(self, report: str) -> None:
        """Keep a crash report of the screen in the log."""
        self._log.logger.error("ui_crashed", report=report)

    def close(self) -> BaseException | None:
        """Write the last log line and let go of everything. Returns what ended the engine, if not we.

        A start that something else than the screen's operator stopped counts as failed.
        """
        summary, error = self._thread.summary, self._thread.error
        if summary is not None and summary.unstarted and self._stopped_by not in ("", "tui"):
            error = KrakkedError(f"stopped before it could start: {summary.unstarted}")
        if error is not None:
            self._log.logger.critical("engine_failed", error=f"{type(error).__name__}: {error}")
        facts = msgspec.to_builtins(summary) if summary is not None else {"failed": True}
        if self._log.dropped:
            facts["log_lines_dropped"] = self._log.dropped
        self._log.logger.info("engine_stopped", **facts)
        self._log.close()
        self._on_close()
        return error


def open_demo(
    options: DemoOptions,
    *,
    profile: str,
    config_file: Path | None,
    environment: Mapping[str, str],
    to_stdout: bool,
    log_format: str | None,
) -> Session:
    """Put a demo together: profile, sandbox, adapters, engine. Raises ``KrakkedError``.

    The broker is built with loopback URLs and the sandbox's own key pair only: no other key is
    ever read, and of ``[connection]`` only the tier counts.
    """
    _check(options)
    if not _PROFILE_NAME.fullmatch(profile):
        raise UsageError(
            f"--profile is {profile!r}: use at most 32 of a to z, 0 to 9, - and _, a letter or digit first"
        )
    where = places(profile, environment)
    config = _config(where, profile, config_file, environment, log_format)
    lock = FileLock(where.state / "engine.lock", "used")
    if options.fresh:
        _forget(where)
    exchange = (
        _External(options.sandbox, environment) if options.sandbox else _Embedded(options, where, config)
    )
    log = EngineLog(
        where.log, config.logging, to_stdout=to_stdout, context={"profile": profile, "version": __version__}
    )
    log.adopt(logging.getLogger("krakked_tui"))

    def on_close() -> None:
        exchange.close()
        lock.release()

    return _session(config, where, exchange, log, profile, on_close)


def _session(
    config: AppConfig, where: Places, exchange: "_Embedded | _External", log: EngineLog, profile: str,
    on_close: Callable[[], None],
) -> Session:  # fmt: skip
    answers = Answers()
    controller = LocalController(mode="demo", profile=profile, other_host=exchange.label, answers=answers)

    def write_log(line: Log) -> None:
        log.write(line)
        controller.note(line)

    settings = EngineSettings(
        core=CoreSettings(
            strategies=config.strategies.active,
            risk=config.risk,
            execution=config.execution,
            portfolio=config.portfolio,
            portfolio_sync_seconds=config.scheduler.portfolio_sync_seconds,
            snapshot_seconds=config.scheduler.snapshot_seconds,
        ),
        scheduler=config.scheduler,
        market=config.market_data,
        universe=config.universe,
        # Microseconds since 1970: above every number an earlier run can have used, and below 36**11.
        first_order_number=time.time_ns() // 1000,
    )
    adapters = _adapters(config, where, exchange)

    def make_engine() -> Engine:
        clock = ExchangeClock()
        log.exchange_now = clock.now
        return Engine(
            settings, adapters, answers=answers, write_log=write_log, publish=controller.publish, clock=clock
        )

    thread = EngineThread(make_engine)
    controller.attach(thread)
    return Session(thread=thread, controller=controller, config=config, log=log, on_close=on_close)


def _adapters(config: AppConfig, where: Places, exchange: "_Embedded | _External") -> Adapters:
    async def open_journal() -> SqliteJournal:
        return await SqliteJournal.open(where.database, _instance_id(where))

    async def open_candles() -> SqliteCandleStore:
        return await SqliteCandleStore.open(await exchange.candles(where))

    async def connect(clock: Clock) -> tuple[MarketFeed, Broker]:
        address = await exchange.address()
        settings = ConnectionSettings(
            rest_url=address.rest,
            ws_public_url=address.ws_public,
            ws_private_url=address.ws_private,
            public_calls_per_second=DEMO_CALLS_PER_SECOND,
            tier=config.connection.tier,
        )
        key = _key(address)
        nonces = NonceSource(time.time_ns, NonceFile(_nonce_path(where, key)))
        rest = KrakenRest(settings, clock, key=key, nonces=nonces)
        listing = Listing(rest)
        rng = random.Random()  # noqa: S311 - jitter of reconnects
        market = KrakenStream("market", settings.ws_public_url, clock, rng, rest.limiter)
        account = KrakenStream("account", settings.ws_private_url, clock, rng, rest.limiter)
        entry = None
        if config.execution.transport is Transport.WEBSOCKET:
            entry = StreamOrderEntry(account, listing, TokenSource(rest, clock), rest, clock)
        broker = KrakenBroker(f"sandbox:{key.fingerprint}", rest, listing, account, entry)
        return KrakenFeed(rest, listing, market, clock), broker

    return Adapters(
        open_journal=open_journal,
        open_candles=open_candles,
        connect=connect,
        # All are built, so that a mistake in one that does not run is found too.
        strategies=[
            strategy
            for strategy in build_strategies(tuple(config.strategies.configs.values()))
            if strategy.settings.id in config.strategies.enabled
        ],
        exchange_ready=exchange.resume,
    )


class _Embedded:
    """A sandbox of our own, as a child process; its books lie in the profile and are resumed."""

    label = ""

    def __init__(self, options: DemoOptions, where: Places, config: AppConfig) -> None:
        arguments = ["--paused", "--speed", str(options.speed or DEMO_SPEED)]
        arguments += ["--tier", config.connection.tier.value, "--public-rate", "0"]
        arguments += ["--state", str(where.data / "sandbox.db")]
        if options.seed is not None:
            arguments += ["--seed", str(options.seed)]
        if options.start is not None:
            arguments += ["--start", options.start]
        if options.chaos is not None:
            arguments += ["--chaos", options.chaos]
        _make_directories(where)
        self._child = SandboxChild(arguments, where.state / "sandbox.log")
        self._address: SandboxAddress | None = None

    async def address(self) -> SandboxAddress:
        """Wait until it listens."""
        if self._address is None:
            try:
                self._address = await asyncio.to_thread(self._child.address)
            except RefusedError as error:
                raise RefusedError(f"{error} --fresh starts the demo over.") from error
        return self._address

    async def candles(self, where: Places) -> Path:
        """Return where its candles lie: its seed says all about them, whatever the profile."""
        address = await self.address()
        return where.candles / f"sandbox-{address.seed}"

    def resume(self) -> None:
        """Start its clock: the market begins to move when the engine can trade."""
        self._child.resume()

    def close(self) -> None:
        """End it."""
        self._child.close()


class _External:
    """A sandbox that somebody else runs on this machine."""

    def __init__(self, url: str, environment: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not is_loopback(url):
            raise UsageError(
                f"--sandbox is {url!r}: only http:// on this machine, such as http://127.0.0.1:8080"
            )
        key, secret = environment.get(KEY_VARIABLE), environment.get(SECRET_VARIABLE)
        if not key or not secret:
            raise UsageError(
                f"--sandbox needs the sandbox's keys in {KEY_VARIABLE} and {SECRET_VARIABLE}:"
                " they are in the first line it prints"
            )
        self.label = parts.netloc
        self._address = SandboxAddress(
            rest=f"http://{parts.netloc}",
            ws_public=f"ws://{parts.netloc}/v2",
            ws_private=f"ws://{parts.netloc}/auth/v2",
            api_key=key,
            api_secret=secret,
        )

    async def address(self) -> SandboxAddress:
        """Return where it listens."""
        return self._address

    async def candles(self, where: Places) -> Path:
        """Return where its candles lie: its seed is not known, so they are told apart by its key."""
        return where.candles / f"sandbox-{_key(self._address).fingerprint}"

    def resume(self) -> None:
        """Leave its clock alone."""

    def close(self) -> None:
        """Leave it running."""


def _check(options: DemoOptions) -> None:
    given = {
        "--seed": options.seed,
        "--speed": options.speed,
        "--start": options.start,
        "--chaos": options.chaos,
    }
    if options.sandbox and options.fresh:
        raise UsageError(
            "--fresh with --sandbox: the books of that exchange are not ours to forget,"
            " so start it anew instead, or leave --fresh away"
        )
    if options.sandbox:
        for name, value in given.items():
            if value is not None:
                raise UsageError(f"{name} is the sandbox's own setting: give it to the sandbox at --sandbox")
    if options.speed is not None and not 0 < options.speed <= 100_000:
        raise UsageError(f"--speed is {options.speed:g}: use more than 0 and at most 100000")
    if options.seed is not None and options.seed < 0:
        raise UsageError(f"--seed is {options.seed}: use 0 or more")


def _config(
    where: Places, profile: str, config_file: Path | None, environment: Mapping[str, str],
    log_format: str | None,
) -> AppConfig:  # fmt: skip
    main = config_file or where.config / "config.toml"
    if config_file is not None and not config_file.exists():
        raise ConfigError([f"{config_file} does not exist: check the path given with --config"])
    sources: list[Path | Layer] = [main, DEMO_DEFAULTS, main.with_name(f"{main.stem}.{profile}.toml")]
    if log_format is not None:
        allowed = [form.value for form in LogFormat]
        if log_format not in allowed:
            raise UsageError(f"--log-format is {log_format!r}: use {' or '.join(allowed)}")
        environment = {**environment, "KRAKKED__LOGGING__FORMAT": log_format}
    return load(sources, environment)


def _make_directories(where: Places) -> None:
    for directory in (where.data, where.state):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"{directory} cannot be created ({error.strerror}): make its parent writable,"
                " or set KRAKKED_HOME to a directory of yours"
            ) from error


def _forget(where: Places) -> None:
    """Forget an earlier demo: our books and the exchange's go together, and nothing else goes.

    Candles stay: they are a function of the seed alone.
    """
    try:
        for name in _DATABASES:
            for ending in ("", "-wal", "-shm"):
                (where.data / f"{name}{ending}").unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{error.filename} cannot be removed ({error.strerror})") from error


def _nonce_path(where: Places, key: ApiKey) -> Path:
    """Return where a key's nonces lie: above the profiles, because all that use the key share them."""
    return where.state.parent / f"nonces-{key.fingerprint}"


def _key(address: SandboxAddress) -> ApiKey:
    return ApiKey(address.api_key, address.api_secret)


def _instance_id(where: Places) -> Callable[[], str]:
    """Return what reads the profile's instance id, or makes it once and keeps it.

    It lies apart from the database, so that our orders can be told when that is lost.
    """

    def read_or_make() -> str:
        path = where.state / "instance"
        try:
            if path.exists():
                return path.read_text(encoding="ascii").strip()
            alphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
            made = "".join(secrets.choice(alphabet) for _ in range(3))
            path.write_text(made, encoding="ascii")
            path.chmod(0o600)
        except OSError as error:
            raise StorageError(f"{path} cannot be read or written ({error.strerror})") from error
        return made

    return read_or_make
