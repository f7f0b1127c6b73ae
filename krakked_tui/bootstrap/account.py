"""Paper and live: an engine at the exchange that ``[connection]`` names."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.explain import JournalFile
from krakked_tui.bootstrap.live_access import LiveAccess
from krakked_tui.bootstrap.live_gate import CONFIRMATION, locks_before_start, refuse_unless_open
from krakked_tui.bootstrap.paper import PaperAccount
from krakked_tui.bootstrap.profiles import (
    DEMO_PROFILE,
    candle_root,
    candles_of,
    check_profile_name,
    instance_id,
    make_directories,
    make_private,
    universe_path,
)
from krakked_tui.bootstrap.session import Assembly, Session, assemble, open_log
from krakked_tui.bootstrap.settings import SettingsKeeper
from krakked_tui.bootstrap.unlock import Unlocking, exchange_name, unlock
from krakked_tui.config.lost_journal import lost_journal
from krakked_tui.config.places import places
from krakked_tui.config.schema import AppConfig
from krakked_tui.credentials.resolve import Credentials
from krakked_tui.domain.errors import (
    ConfigError,
    CredentialsError,
    NoCredentialsError,
    RefusedError,
    UsageError,
)
from krakked_tui.engine.adapters import Adapters
from krakked_tui.engine.redaction import Redactor
from krakked_tui.execution.settings import TradingMode
from krakked_tui.kraken.settings import ConnectionSettings, host_of
from krakked_tui.ports import CandleStore, UniverseCache
from krakked_tui.storage.candles import open_candle_store
from krakked_tui.storage.files import FileLock
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.storage.journal_reader import read_entries_of
from krakked_tui.storage.universe_cache import UniverseFile

MIXED = (
    "connection.rest_url, connection.ws_public_url and connection.ws_private_url lead to different exchanges:"
    " set all three to Kraken, or all three to the same sandbox on this machine"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRequest:
    """A run to open. ``confirm`` asks a person to type something, None when nobody is there.

    ``understands_live`` is the command line's own word for going live.
    """

    sources: Sources
    unlocking: Unlocking
    to_stdout: bool
    confirm: Callable[[str], str] | None = None
    understands_live: bool = False


def account_sources(
    profile: str, environment: Mapping[str, str], config_file: Path | None, command_line: Mapping[str, object]
) -> Sources:
    """Return where the configuration comes from. Raises ``UsageError`` for a bad profile name."""
    check_profile_name(profile)
    if profile == DEMO_PROFILE:
        raise UsageError(f"--profile {DEMO_PROFILE} belongs to --demo: choose another name")
    return Sources(
        where=places(profile, environment, config_file),
        profile=profile,
        environment=environment,
        command_line=command_line,
    )


def open_account(request: AccountRequest) -> Session:
    """Put a paper or live run together. Raises ``KrakkedError``.

    Only live mode has a broker that can reach an order endpoint, and only after every lock is open.
    """
    sources = request.sources
    loaded = read_configuration(sources)
    config, where = loaded.config, sources.where
    mode = config.execution.mode
    if mode is TradingMode.DRY_RUN:
        raise RefusedError("this version has no dry run: use --mode paper, which sends nothing either")
    if config.connection.is_mixed:
        raise ConfigError([MIXED])
    make_directories(where)
    with ExitStack() as opened:
        opened.callback(FileLock(where.lock, "used").release)
        lost = lost_journal(where)
        if lost and mode is TradingMode.LIVE:
            raise RefusedError(
                f"live mode is locked: {lost}; to start over knowingly, remove {where.instance}"
            )
        redactor = Redactor()
        credentials = None
        if mode is TradingMode.LIVE:
            credentials = _unlocked_for_live(request, config)
            for secret in (credentials.api_key, credentials.api_secret):
                redactor.protect(secret)
        connection = config.connection
        exchange = ", ".join(connection.strange_hosts) or host_of(connection.rest_url)
        keeper = SettingsKeeper(sources, loaded, mode=mode.value, exchange=exchange)
        adapters = _adapters(request, config, keeper, credentials)
        return assemble(
            Assembly(
                mode=mode.value,
                profile=sources.profile,
                other_host=" ".join(connection.strange_hosts),
                keeper=keeper,
                adapters=adapters,
                log=open_log(where, config, sources.profile, redactor, to_stdout=request.to_stdout),
                warnings=tuple(filter(None, (lost, *loaded.warnings, *make_private(where)))),
                on_close=opened.pop_all().close,
                ledger_rows=partial(read_entries_of, where.database),
                journal=JournalFile(where.database),
            )
        )


def _adapters(
    request: AccountRequest, config: AppConfig, keeper: SettingsKeeper, credentials: Credentials | None
) -> Adapters:
    where = request.sources.where
    account: PaperAccount | LiveAccess
    if credentials is None:
        account = PaperAccount(where, config, keeper, request.unlocking)
    else:
        account = LiveAccess(where, config, keeper, credentials)

    async def open_journal() -> SqliteJournal:
        return await SqliteJournal.open(where.database, instance_id(where))

    def exchange_name() -> str:
        return candles_of(config.connection.rest_url, account.rest.sandbox_market)

    async def open_candles() -> CandleStore:
        store = config.market_data.ohlc_store
        return await open_candle_store(candle_root(where, store) / exchange_name(), store)

    async def open_universe() -> UniverseCache:
        return UniverseFile(universe_path(where, exchange_name()))

    return Adapters(
        open_journal=open_journal,
        open_candles=open_candles,
        open_universe=open_universe,
        connect=account.connect,
        check_access=account.check_access,
        strategies=keeper.strategies(),
        exchange_ready=lambda: None,
    )


def _unlocked_for_live(request: AccountRequest, config: AppConfig) -> Credentials:
    """Open every lock that can be opened before the exchange is asked, or refuse naming those closed."""
    credentials, problem = None, ""
    try:
        # A password is asked for only when nothing else is in the way.
        refuse_unless_open(locks_before_start(config, has_key=True))
        exchange = exchange_name(config.connection)
        credentials = unlock(request.sources.where, request.unlocking, exchange)
    except NoCredentialsError as error:
        problem = str(error)
    except CredentialsError as error:
        raise RefusedError(f"live mode needs the API key: {error}") from error
    refuse_unless_open(locks_before_start(config, has_key=credentials is not None, key_problem=problem))
    assert credentials is not None
    _confirm(request, config.connection)
    return credentials


def _confirm(request: AccountRequest, connection: ConnectionSettings) -> None:
    """Have a person, or the command line, say that this trades real money, and where."""
    hosts = tuple(dict.fromkeys(map(host_of, connection.urls)))
    if not request.understands_live:
        if request.confirm is None:
            raise RefusedError("live mode is locked: without a terminal it needs --i-understand-live")
        typed = request.confirm(
            f"LIVE trades real money at {', '.join(hosts)}. Type {CONFIRMATION} to go on: "
        )
        if typed != CONFIRMATION:
            raise RefusedError(f"live mode is locked: {CONFIRMATION} was not typed; nothing was started")
    for host in [] if connection.stays_here else connection.strange_hosts:
        asked = request.confirm and request.confirm(f"{host} is not Kraken. Type its name to go on: ")
        if asked != host:
            raise RefusedError(f"live mode is locked: {host} is not Kraken, and its name was not typed")
