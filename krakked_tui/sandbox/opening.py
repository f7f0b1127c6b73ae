"""Putting an exchange together from its settings and what its state file knows."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import msgspec

from krakked_tui.domain.errors import UsageError
from krakked_tui.domain.money import trap_floats
from krakked_tui.sandbox.catalog import Catalog, load_catalog
from krakked_tui.sandbox.clock import END_OF_TIME, SandboxClock
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.identity import Identity, identify
from krakked_tui.sandbox.keys import KeyRecord, KeyRing, decode_secret, stored_record
from krakked_tui.sandbox.permissions import TRADING_PERMISSIONS, check_permissions
from krakked_tui.sandbox.replay import load_replay
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.signing import Gatekeeper, Rules
from krakked_tui.sandbox.state_file import StateFile
from krakked_tui.sim.market import Market

EARLIEST_START = datetime(2000, 1, 1, tzinfo=UTC)


def open_exchange(
    settings: SandboxSettings, wall: Callable[[], int] = time.monotonic_ns
) -> tuple[Exchange, Gatekeeper]:
    """Return an exchange as its state file left it, or a new one, and the keeper of its keys.

    ``wall`` gives the wall nanoseconds its clock is driven by. Sets the decimal context for money, in
    this thread and those started later (``domain.money.trap_floats``). Raises ``UsageError`` for a setting
    that makes no sense, ``RefusedError`` for one that contradicts the state file or when that is in
    use, ``StorageError`` when it cannot be used.
    """
    trap_floats()
    state = StateFile(settings.state)
    try:
        facts = state.facts()
        identity = identify(settings, facts)
        main_key = _main_key(settings, identity, facts)
        catalog = load_catalog(identity.pairs)
        _check_start(identity)
        _check_balance(identity, catalog)
        resumed_at = datetime.fromisoformat(facts["time"]) if facts else identity.start
        exchange = Exchange(
            catalog,
            _market(identity, catalog),
            SandboxClock(resumed_at, settings.speed, paused=settings.paused, wall=wall),
            state,
            founded_at=identity.start,
            matched_until=datetime.fromisoformat(facts["matched"]) if facts else identity.start,
            tier=settings.tier,
        )
        exchange.arrivals.refuse_late = settings.late_post_only
        if not facts:
            exchange.open_account(identity.balance, identity.facts())
    except BaseException:  # whatever went wrong, the file is not ours to keep open
        state.close()
        raise
    ring = KeyRing(main_key, facts, exchange.remember)
    rules = Rules(
        window_inclusive=settings.window_inclusive,
        nonce_strikes=settings.nonce_strikes,
        lockout_seconds=settings.lockout_seconds,
        tokens_extend=settings.tokens_extend,
    )
    return exchange, Gatekeeper(ring, exchange.clock.now, rules=rules, monotonic=lambda: wall() / 1e9)


def _main_key(settings: SandboxSettings, identity: Identity, facts: Mapping[str, str]) -> KeyRecord:
    """Return the main key: what is given holds from now on, the rest as it was."""
    decode_secret(identity.api_secret)
    record = stored_record(identity.api_key, facts) or KeyRecord(
        api_key=identity.api_key,
        api_secret=identity.api_secret,
        permissions=TRADING_PERMISSIONS,
        created_at=identity.start,
        modified_at=identity.start,
    )
    if settings.permissions is not None:
        try:
            permissions = check_permissions(settings.permissions)
        except ValueError as error:
            raise UsageError(f"--permissions: {error}.") from error
        record = msgspec.structs.replace(record, permissions=permissions)
    if settings.nonce_window:
        record = msgspec.structs.replace(record, nonce_window=settings.nonce_window)
    return record


def _market(identity: Identity, catalog: Catalog) -> Market:
    if identity.replay is None:
        return Market(identity.seed, catalog.instruments)
    return load_replay(identity.replay, catalog, identity.start, seed=identity.seed)


def _check_start(identity: Identity) -> None:
    if not EARLIEST_START <= identity.start < END_OF_TIME:
        raise UsageError(
            f"--start {identity.start:%Y-%m-%d}: an exchange starts between {EARLIEST_START:%Y} and "
            f"{END_OF_TIME:%Y}."
        )


def _check_balance(identity: Identity, catalog: Catalog) -> None:
    for asset, amount in identity.balance.items():
        if asset not in catalog.assets:
            raise UsageError(
                f"--balance {asset}={amount}: there is no asset {asset}; use Kraken's names, like XBT."
            )
        if not amount.is_finite() or amount < 0:
            raise UsageError(f"--balance {asset}={amount}: the amount must be a number from 0 up.")
