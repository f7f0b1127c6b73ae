"""Putting an exchange together from its settings and what its state file knows."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from krakked_tui.domain.errors import UsageError
from krakked_tui.sandbox.catalog import Catalog, load_catalog
from krakked_tui.sandbox.clock import END_OF_TIME, SandboxClock
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.identity import Identity, identify
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.signing import Gatekeeper
from krakked_tui.sandbox.state_file import StateFile
from krakked_tui.sim.market import Market

EARLIEST_START = datetime(2000, 1, 1, tzinfo=UTC)


def open_exchange(
    settings: SandboxSettings, wall: Callable[[], int] = time.monotonic_ns
) -> tuple[Exchange, Gatekeeper]:
    """Return an exchange as its state file left it, or a new one, and the keeper of its keys.

    ``wall`` gives the wall nanoseconds its clock is driven by. Raises ``UsageError`` for a setting
    that makes no sense, ``RefusedError`` for one that contradicts the state file or when that is in
    use, ``StorageError`` when it cannot be used.
    """
    state = StateFile(settings.state)
    try:
        facts = state.facts()
        identity = identify(settings, facts)
        gatekeeper = Gatekeeper(identity.api_key, identity.api_secret)
        catalog = load_catalog(identity.pairs)
        _check_start(identity)
        _check_balance(identity, catalog)
        resumed_at = datetime.fromisoformat(facts["time"]) if facts else identity.start
        exchange = Exchange(
            catalog,
            Market(identity.seed, catalog.instruments),
            SandboxClock(resumed_at, settings.speed, paused=settings.paused, wall=wall),
            state,
            founded_at=identity.start,
            matched_until=datetime.fromisoformat(facts["matched"]) if facts else identity.start,
        )
        if not facts:
            exchange.open_account(identity.balance, identity.facts())
    except BaseException:  # whatever went wrong, the file is not ours to keep open
        state.close()
        raise
    return exchange, gatekeeper


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
