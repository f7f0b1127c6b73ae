"""The demo: an engine on a local Kraken, which it starts itself or finds at a loopback URL."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.exchange import open_link
from krakked_tui.bootstrap.explain import JournalFile
from krakked_tui.bootstrap.profiles import (
    DEMO_ACCOUNT,
    candle_root,
    check_demo,
    check_profile_name,
    forget_demo,
    instance_id,
    make_directories,
    make_private,
    universe_path,
)
from krakked_tui.bootstrap.session import Assembly, Session, assemble, open_log
from krakked_tui.bootstrap.settings import SettingsKeeper
from krakked_tui.config.load import Layer
from krakked_tui.config.places import Places, places
from krakked_tui.config.schema import DEFAULT_STRATEGY, AppConfig
from krakked_tui.control.settings_view import CredentialsState, CredentialsView
from krakked_tui.domain.errors import RefusedError, UsageError
from krakked_tui.domain.secret import Secret
from krakked_tui.engine.adapters import Adapters
from krakked_tui.engine.redaction import Redactor
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.settings import ConnectionSettings, is_loopback
from krakked_tui.ports import Broker, CandleStore, Clock, MarketFeed, UniverseCache
from krakked_tui.sandbox.child import SandboxAddress, SandboxChild
from krakked_tui.storage.candles import open_candle_store
from krakked_tui.storage.files import FileLock, make_private_file
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.journal_reader import read_entries_of
from krakked_tui.storage.universe_cache import UniverseFile

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
        # The start of a demo should not take longer than a look at it.
        "market_data": {"ingest": {"history_bars": 120}},
    },
)
KEY_VARIABLE, SECRET_VARIABLE = "KRAKKED_SANDBOX_KEY", "KRAKKED_SANDBOX_SECRET"


class DemoOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about a demo; None means the default."""

    sandbox: str | None = None
    fresh: bool = False
    start: str | None = None
    speed: float | None = None
    seed: int | None = None
    chaos: str | None = None


class DemoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A demo to open: its options, and what every session is told."""

    options: DemoOptions
    sources: Sources
    to_stdout: bool


def demo_sources(
    profile: str, environment: Mapping[str, str], config_file: Path | None, command_line: Mapping[str, object]
) -> Sources:
    """Return where a demo's configuration comes from. Raises ``UsageError`` for a bad profile name."""
    check_profile_name(profile)
    return Sources(
        where=places(profile, environment, config_file),
        profile=profile,
        environment=environment,
        defaults=DEMO_DEFAULTS,
        command_line=command_line,
    )


def open_demo(request: DemoRequest) -> Session:
    """Put a demo together: profile, sandbox, adapters, engine. Raises ``KrakkedError``.

    The broker is built with loopback URLs and the sandbox's own key pair only: no other key is
    ever read, and of ``[connection]`` only the tier counts.
    """
    options, sources = request.options, request.sources
    where = sources.where
    _check(options)
    loaded = read_configuration(sources)
    config = loaded.config
    with ExitStack() as opened:
        opened.callback(FileLock(where.lock, "used").release)
        check_demo(where)
        if options.fresh:
            forget_demo(where)
        exchange = (
            _External(options.sandbox, sources.environment)
            if options.sandbox
            else _Embedded(options, where, config)
        )
        opened.callback(exchange.close)
        redactor = Redactor()
        keeper = SettingsKeeper(sources, loaded, mode="demo", exchange=exchange.label or "local sandbox")
        keeper.credentials(CredentialsView(state=CredentialsState.SANDBOX, origin="the local sandbox"))
        return assemble(
            Assembly(
                mode="demo",
                profile=sources.profile,
                other_host=exchange.label,
                keeper=keeper,
                adapters=_adapters(keeper, where, exchange, redactor),
                log=open_log(where, config, sources.profile, redactor, to_stdout=request.to_stdout),
                warnings=(*loaded.warnings, *make_private(where)),
                on_close=opened.pop_all().close,
                ledger_rows=partial(read_entries_of, where.database),
                journal=JournalFile(where.database),
            )
        )


def _adapters(
    keeper: SettingsKeeper, where: Places, exchange: "_Embedded | _External", redactor: Redactor
) -> Adapters:
    config = keeper.config

    async def open_journal() -> SqliteJournal:
        return await SqliteJournal.open(where.database, instance_id(where))

    async def open_candles() -> CandleStore:
        store = config.market_data.ohlc_store
        return await open_candle_store(await exchange.candles(candle_root(where, store)), store)

    async def open_universe() -> UniverseCache:
        candles = await exchange.candles(candle_root(where, config.market_data.ohlc_store))
        return UniverseFile(universe_path(where, candles.name))

    async def connect(clock: Clock) -> tuple[MarketFeed, Broker]:
        address = await exchange.address()
        settings = ConnectionSettings(
            rest_url=address.rest,
            ws_public_url=address.ws_public,
            ws_private_url=address.ws_private,
            public_calls_per_second=DEMO_CALLS_PER_SECOND,
            tier=config.connection.tier,
        )
        for text in (address.api_key, address.api_secret):
            redactor.protect(Secret(text))
        key = _key(address)
        link = open_link(settings, clock, where, key, config.market_data.ws)
        return link.feed(), link.broker(f"{DEMO_ACCOUNT}{key.fingerprint}", config.execution.transport)

    async def check_access() -> None:
        """Accept the sandbox's own key: there is nothing to check."""

    return Adapters(
        open_journal=open_journal,
        open_candles=open_candles,
        open_universe=open_universe,
        connect=connect,
        check_access=check_access,
        strategies=keeper.strategies(),
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
        make_directories(where)
        errors = where.state / "sandbox.log"
        make_private_file(errors)
        self._child = SandboxChild(arguments, errors)
        self._address: SandboxAddress | None = None

    async def address(self) -> SandboxAddress:
        """Wait until it listens."""
        if self._address is None:
            try:
                self._address = await asyncio.to_thread(self._child.address)
            except RefusedError as error:
                raise RefusedError(f"{error} --fresh starts the demo over.") from error
        return self._address

    async def candles(self, root: Path) -> Path:
        """Return where its candles lie: its seed says all about them, whatever the profile."""
        address = await self.address()
        return root / f"sandbox-{address.seed}"

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

    async def candles(self, root: Path) -> Path:
        """Return where its candles lie: its seed is not known, so they are told apart by its key."""
        return root / f"sandbox-{_key(self._address).fingerprint}"

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


def _key(address: SandboxAddress) -> ApiKey:
    return ApiKey(address.api_key, address.api_secret)
